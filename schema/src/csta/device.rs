//! Device identifiers (ECMA-269) and the choice types that events build from them.

use super::{
    element::Element,
    error::ReadError,
    member::{Item, Member, identifiers},
    name::{NUMBER_PARAMETERS, Name, split_scheme},
    writer::Writer,
};

identifiers! {
    /// A device identifier as it appears in documents: a SIP or tel URI, a number, a MAC address ...
    ///
    /// `==` compares the text; [`names`](Self::names) compares the devices.
    pub struct DeviceId = device;
}

impl DeviceId {
    /// The user part of a SIP URI, or the number with its `;ext=`, without normalisation; the host if there is neither.
    pub fn user(&self) -> &str {
        let (_, rest) = split_scheme(&self.0);
        let user = rest.rsplit_once('@').map_or(rest, |(user, _)| user);
        let user = user.split('?').next().unwrap_or(user);
        // RFC 3966, section 3: "ext" and "isub" come before all other parameters.
        let is_other = |(at, _): &(usize, &str)| {
            let parameter = user.get(at + 1..).unwrap_or_default();
            let key = parameter.split('=').next().unwrap_or(parameter);
            NUMBER_PARAMETERS
                .iter()
                .all(|known| !known.eq_ignore_ascii_case(key))
        };
        let end = user.match_indices(';').find(is_other);
        end.and_then(|(end, _)| user.get(..end)).unwrap_or(user)
    }

    /// The parsed name: user, host and `mac` parameter.
    pub fn name(&self) -> Name<'_> {
        Name::of(self.as_str())
    }

    /// Whether `text` identifies the same device. Compares the user part, and the host if both have one.
    pub fn names(&self, text: &str) -> bool {
        if *self.0 == *text {
            return true;
        }
        let (own, other) = (self.name(), Name::of(text));
        own.user == other.user
            && own
                .host
                .zip(other.host)
                .is_none_or(|(host, other)| host.eq_ignore_ascii_case(other))
    }
}

/// A device in an event: an identifier, `notKnown` or `restricted`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub enum SubjectDevice {
    /// The identifier; also read from plain text without the wrapper element.
    Device(DeviceId),
    /// The switching function does not know the device.
    #[default]
    NotKnown,
    /// The switching function withholds the device.
    Restricted,
}

/// The calling device of an event; the same choice type under the standard's other name.
pub type CallingDevice = SubjectDevice;
/// The called device of an event; the same choice type under the standard's other name.
pub type CalledDevice = SubjectDevice;

impl SubjectDevice {
    /// The identifier; `None` if not known or restricted.
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

/// A party in the connection list of a transfer or conference; its device is in `deviceID`.
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

/// The device that last redirected a call.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub enum RedirectionDevice {
    /// The identifier; also read from plain text without the wrapper element.
    NumberDialed(DeviceId),
    /// The switching function does not know the device.
    NotKnown,
    /// The call was not redirected.
    #[default]
    NotRequired,
    /// The switching function does not say whether the call was redirected.
    NotSpecified,
    /// The switching function withholds the device.
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

/// The destinations of DeflectCall: a list from the sixth edition. Older editions receive only the first.
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
    fn user_part_is_not_normalised() {
        fn check(text: &str, user: &str) {
            assert_eq!(DeviceId::from(text).user(), user, "{text}");
        }
        check("sip:101@PBX.Example:5060;transport=tcp", "101");
        check("101@pbx.example", "101");
        check(
            "sip:+49%2030;phone-context=x@[2001:DB8::1]:5060",
            "+49%2030",
        );
        check("sip:pbx.example:5060", "pbx.example:5060");
        check("tel:+49-30-(1).2;phone-context=x", "+49-30-(1).2");
        check("tel:+4930555;ext=201;phone-context=x", "+4930555;ext=201");
        check("101;mac=000413000001", "101");
        check("00:04:13:00:00:01", "00:04:13:00:00:01");
        check("sip:", "");
    }

    #[test]
    fn equivalent_spellings_name_one_device() {
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
        check(
            "sip:101@pbx.example",
            "<sip:10%31:secret@pbx.example>",
            true,
        );
        check("sip:101@pbx.example", "sip:101@other.example", false);
        check("sip:101@pbx.example", "102", false);
        check("sip:+4930@a;ext=201", "tel:+49-30;ext=2.01", true);
        check("sip:+4930@a", "tel:+4930;ext=201", false);
        check("tel:+4930;ext=202", "tel:+4930;ext=201", false);
        check("sip:101@pbx.example", "", false);
    }
}
