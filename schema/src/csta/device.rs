//! Device identifiers (ECMA-269) and the choices that events make of them.

use std::borrow::Cow;

use super::element::Element;
use super::error::ReadError;
use super::member::{Item, Member, identifiers};
use super::writer::Writer;

identifiers! {
    /// A device as it is called in documents: a SIP or tel URI, a number, a MAC address ...
    ///
    /// Compared as it stands; see [`normalised`](Self::normalised) for whether two mean the same device.
    pub struct DeviceId;
}

impl DeviceId {
    /// The form to compare by: without scheme, port and URI parameters, the user part unescaped, the host in lower case.
    ///
    /// Of a tel URI the visual separators go as well (RFC 3966, clause 5.1.1).
    pub fn normalised(&self) -> String {
        let (scheme, rest) = split_scheme(&self.0);
        let address = rest.split([';', '?']).next().unwrap_or(rest);
        let (user, host) = match (rest.rsplit_once('@'), scheme) {
            (Some((user, host)), _) => (
                Some(user),
                Some(host.split([';', '?']).next().unwrap_or(host)),
            ),
            (None, Scheme::Sip) => (None, Some(address)),
            (None, Scheme::Tel) => {
                return address
                    .chars()
                    .filter(|digit| !matches!(digit, '-' | '.' | '(' | ')'))
                    .collect();
            }
            (None, Scheme::None) => (Some(address), None),
        };
        let mut normalised = user.map_or(Cow::Borrowed(""), unescape).into_owned();
        if let Some(host) = host {
            if user.is_some() {
                normalised.push('@');
            }
            normalised.push_str(&without_port(host).to_ascii_lowercase());
        }
        normalised
    }

    /// The user part of a SIP URI, or the number, as it is spelled; the host where there is neither.
    pub fn user(&self) -> &str {
        let (_, rest) = split_scheme(&self.0);
        let user = rest.rsplit_once('@').map_or(rest, |(user, _)| user);
        user.split([';', '?']).next().unwrap_or(user)
    }

    /// Whether `text` means the same device: by its user part, and by its host where both have one. Allocates nothing.
    pub fn names(&self, text: &str) -> bool {
        if *self.0 == *text {
            return true;
        }
        let ((user, host), (its_user, its_host)) = (user_and_host(&self.0), user_and_host(text));
        user == its_user
            && host
                .zip(its_host)
                .is_none_or(|(host, its)| host.eq_ignore_ascii_case(its))
    }

    /// The value of a URI parameter, such as `mac`; the name in any case.
    pub fn parameter(&self, name: &str) -> Option<&str> {
        self.0.split(';').skip(1).find_map(|parameter| {
            let (key, value) = parameter.split_once('=').unwrap_or((parameter, ""));
            key.eq_ignore_ascii_case(name).then_some(value)
        })
    }
}

#[derive(Clone, Copy)]
enum Scheme {
    Sip,
    Tel,
    None,
}

fn split_scheme(text: &str) -> (Scheme, &str) {
    for (prefix, scheme) in [
        ("sip:", Scheme::Sip),
        ("sips:", Scheme::Sip),
        ("tel:", Scheme::Tel),
    ] {
        if let Some((start, rest)) = text.split_at_checked(prefix.len())
            && start.eq_ignore_ascii_case(prefix)
        {
            return (scheme, rest);
        }
    }
    (Scheme::None, text)
}

/// The user part as it is spelled, and the host without its port.
fn user_and_host(text: &str) -> (&str, Option<&str>) {
    let (_, rest) = split_scheme(text);
    match rest.rsplit_once('@') {
        Some((user, host)) => (bare(user), Some(without_port(bare(host)))),
        None => (bare(rest), None),
    }
}

/// Without parameters.
fn bare(part: &str) -> &str {
    part.split([';', '?']).next().unwrap_or(part)
}

/// Without `:port`; the colons of an IPv6 reference are inside its brackets.
fn without_port(host: &str) -> &str {
    match host.rsplit_once(':') {
        Some((name, port)) if !port.contains(']') => name,
        _ => host,
    }
}

/// Resolves percent escapes (RFC 3261, clause 19.1.2). What is no escape, or no UTF-8, stays as it is.
fn unescape(user: &str) -> Cow<'_, str> {
    if !user.contains('%') {
        return user.into();
    }
    let mut bytes = Vec::with_capacity(user.len());
    let mut rest = user.as_bytes();
    while let [first, after @ ..] = rest {
        let escaped = match rest {
            [b'%', high, low, ..] => hexadecimal(*high).zip(hexadecimal(*low)),
            _ => None,
        };
        if let Some((high, low)) = escaped {
            bytes.push(high << 4 | low);
            rest = &rest[3..];
        } else {
            bytes.push(*first);
            rest = after;
        }
    }
    String::from_utf8(bytes).map_or(Cow::Borrowed(user), Cow::Owned)
}

fn hexadecimal(digit: u8) -> Option<u8> {
    char::from(digit).to_digit(16).map(|value| value as u8)
}

/// A device in an event, or that it is not known or not to be told.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub enum SubjectDevice {
    /// The device. Where a peer has left the wrapper out, its text is taken for this.
    Device(DeviceId),
    /// The switching function does not know it.
    #[default]
    NotKnown,
    /// It may not be told.
    Restricted,
}

/// The calling device of an event; the same choice under the standard's other name.
pub type CallingDevice = SubjectDevice;
/// The called device of an event; the same choice under the standard's other name.
pub type CalledDevice = SubjectDevice;

impl SubjectDevice {
    /// The device, if it is told.
    pub fn device(&self) -> Option<&DeviceId> {
        match self {
            Self::Device(device) => Some(device),
            Self::NotKnown | Self::Restricted => None,
        }
    }

    fn read_as(element: &Element<'_>, device: &str) -> Result<Self, ReadError> {
        match element.children().first() {
            Some(choice) if choice.name == device => DeviceId::read(choice).map(Self::Device),
            Some(choice) if choice.name == "restricted" => Ok(Self::Restricted),
            Some(choice) if choice.name == "notKnown" => Ok(Self::NotKnown),
            None if element.is_empty() => Ok(Self::NotKnown),
            None => DeviceId::read(element).map(Self::Device),
            Some(_) => Err(element.malformed("a device, notKnown or restricted")),
        }
    }

    fn write_as(&self, out: &mut Writer<'_>, name: &str, device: &str) {
        out.open(name);
        match self {
            Self::Device(identifier) => identifier.write(out, device),
            Self::NotKnown => out.text_element("notKnown", ""),
            Self::Restricted => out.text_element("restricted", ""),
        }
        out.close(name);
    }
}

impl From<DeviceId> for SubjectDevice {
    fn from(device: DeviceId) -> Self {
        Self::Device(device)
    }
}

impl Member for SubjectDevice {
    fn read(element: &Element<'_>) -> Result<Self, ReadError> {
        Self::read_as(element, "deviceIdentifier")
    }

    fn write(&self, out: &mut Writer<'_>, name: &str) {
        self.write_as(out, name, "deviceIdentifier");
    }
}

/// A party in the list of a transfer or conference, whose device stands in `deviceID`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Endpoint(pub SubjectDevice);

impl Member for Endpoint {
    fn read(element: &Element<'_>) -> Result<Self, ReadError> {
        SubjectDevice::read_as(element, "deviceID").map(Self)
    }

    fn write(&self, out: &mut Writer<'_>, name: &str) {
        self.0.write_as(out, name, "deviceID");
    }
}

/// The device that a call was redirected from last.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub enum RedirectionDevice {
    /// The device. Where a peer has left the wrapper out, its text is taken for this.
    NumberDialed(DeviceId),
    /// The switching function does not know it.
    NotKnown,
    /// The call was not redirected.
    #[default]
    NotRequired,
    /// It is not told whether the call was redirected.
    NotSpecified,
    /// It may not be told.
    Restricted,
}

impl Member for RedirectionDevice {
    fn read(element: &Element<'_>) -> Result<Self, ReadError> {
        let Some(choice) = element.children().first() else {
            return if element.is_empty() {
                Ok(Self::NotSpecified)
            } else {
                DeviceId::read(element).map(Self::NumberDialed)
            };
        };
        match choice.name {
            "numberDialed" | "deviceIdentifier" => DeviceId::read(choice).map(Self::NumberDialed),
            "notKnown" => Ok(Self::NotKnown),
            "notRequired" => Ok(Self::NotRequired),
            "notSpecified" => Ok(Self::NotSpecified),
            "restricted" => Ok(Self::Restricted),
            _ => Err(element.malformed("a redirection device")),
        }
    }

    fn write(&self, out: &mut Writer<'_>, name: &str) {
        out.open(name);
        match self {
            Self::NumberDialed(device) => device.write(out, "numberDialed"),
            Self::NotKnown => out.text_element("notKnown", ""),
            Self::NotRequired => out.text_element("notRequired", ""),
            Self::NotSpecified => out.text_element("notSpecified", ""),
            Self::Restricted => out.text_element("restricted", ""),
        }
        out.close(name);
    }
}

/// Where a call is deflected to: one device up to the fifth edition, which is sent the first; a list from the sixth.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Destinations(pub Vec<DeviceId>);

impl From<DeviceId> for Destinations {
    fn from(device: DeviceId) -> Self {
        Self(vec![device])
    }
}

impl Item for DeviceId {
    const NAME: &'static str = "device";
}

impl Member for Destinations {
    fn read(element: &Element<'_>) -> Result<Self, ReadError> {
        if element.child(DeviceId::NAME).is_some() {
            Member::read(element).map(Self)
        } else {
            DeviceId::read(element).map(Self::from)
        }
    }

    fn write(&self, out: &mut Writer<'_>, name: &str) {
        if out.edition() >= super::Edition::Ed6 {
            self.0.write(out, name);
        } else if let Some(first) = self.0.first() {
            first.write(out, name);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_normalised_form_is_for_comparing() {
        fn check(text: &str, normalised: &str, user: &str) {
            let device = DeviceId::from(text);
            assert_eq!(
                (device.normalised().as_str(), device.user()),
                (normalised, user),
                "{text}"
            );
        }
        check(
            "sip:101@PBX.Example:5060;transport=tcp",
            "101@pbx.example",
            "101",
        );
        check("SIPS:101@pbx.example?Replaces=a", "101@pbx.example", "101");
        check("101@pbx.example", "101@pbx.example", "101");
        check(
            "sip:+49%2030;phone-context=x@[2001:DB8::1]:5060",
            "+49 30;phone-context=x@[2001:db8::1]",
            "+49%2030",
        );
        check("sip:[2001:db8::1]", "[2001:db8::1]", "[2001:db8::1]");
        check("sip:pbx.example:5060", "pbx.example", "pbx.example:5060");
        check(
            "tel:+49-30-(1).2;phone-context=x",
            "+493012",
            "+49-30-(1).2",
        );
        check("17133013", "17133013", "17133013");
        check("101;mac=000413000001", "101", "101");
        check(
            "00:04:13:00:00:01",
            "00:04:13:00:00:01",
            "00:04:13:00:00:01",
        );
        check("a%zz%4", "a%zz%4", "a%zz%4");
        check("sip:%FF@a", "%FF@a", "%FF");
        check("", "", "");
        check("sip:", "", "");
    }

    #[test]
    fn a_device_has_several_spellings() {
        fn check(device: &str, text: &str, expected: bool) {
            assert_eq!(
                DeviceId::from(device).names(text),
                expected,
                "{device} {text}"
            );
        }
        check("sip:101@pbx.example", "sip:101@pbx.example", true);
        check("sip:101@pbx.example", "101@PBX.example:5060;lr", true);
        check("sip:101@pbx.example", "101", true);
        check("101", "tel:101;phone-context=x", true);
        check("sip:101@pbx.example", "sip:101@other.example", false);
        check("sip:101@pbx.example", "102", false);
        check("sip:101@pbx.example", "", false);
    }

    #[test]
    fn a_parameter_is_found_by_its_name() {
        let device = DeviceId::from("101;MAC=000413000001;lr");
        assert_eq!(device.parameter("mac"), Some("000413000001"));
        assert_eq!(device.parameter("lr"), Some(""));
        assert_eq!(device.parameter("101"), None);
    }
}
