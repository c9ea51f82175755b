//! The identity in a REGISTER: a MAC address, or an extension if the settings allow it (RFC 3261, section 10.2).

use uacsta_schema::{
    mac::Mac,
    phone_id::PhoneId,
    sip::{HeaderName, Request, header::Contacts},
};

use super::{
    bindings::{AddressOfRecord, RegisterIdentity},
    rejection::Rejection,
};

impl RegisterIdentity {
    /// Reads the identity in a REGISTER, before authentication (RFC 3261, section 10.3, step 5). `extensions` allows
    /// extensions; the device of an extension is the MAC address in its `+sip.instance` or User-Agent, else the extension
    /// itself.
    ///
    /// # Errors
    /// The To is malformed, has another scheme, or names no phone.
    pub fn of(request: &Request, extensions: bool) -> Result<Self, Rejection> {
        let head = request.head();
        let malformed = |why: String| Rejection::Malformed(why);
        let to = head.to().map_err(|error| malformed(error.to_string()))?;
        let uri = to.uri();
        // RFC 3261, section 10.2: an address of record "MUST be a SIP URI or SIPS URI"; tel is accepted as well.
        if !uri.is_sip() && !uri.is_tel() {
            return Err(malformed(
                "the To of a REGISTER is a sip or sips URI".to_owned(),
            ));
        }
        let user = uri.user_decoded().unwrap_or_default();
        // A MAC address with bare colons parses as user and password (RFC 3261, section 19.1.1).
        let user = match uri.password() {
            Some(rest) => format!("{user}:{rest}").parse(),
            None => user.parse::<PhoneId>(),
        };
        let user = user.map_err(|error| Rejection::NoPhone(error.to_string()))?;
        let of = |device| Self {
            aor: AddressOfRecord(user),
            device,
        };
        if user.mac().is_some() {
            return Ok(of(user));
        }
        if !extensions {
            return Err(Rejection::NoPhone(
                "the user name of a phone is its MAC address, 12 hexadecimal digits; an extension is accepted where phones.extensions is set".to_owned(),
            ));
        }
        let instance = match head.contacts() {
            Ok(Contacts::List(contacts)) => contacts
                .iter()
                .find_map(|contact| contact.instance().and_then(mac_of_instance)),
            _ => None,
        };
        let mac = instance.or_else(|| head.get(HeaderName::UserAgent).and_then(mac_in_agent));
        Ok(of(mac.map_or(user, PhoneId::Mac)))
    }
}

/// The MAC address in an instance name: the last group of a version 1 UUID (RFC 4122, section 4.1.6), or of a UUID with only
/// zeros before it. The last group of a random UUID is no MAC address. Some phones send the bare MAC address.
fn mac_of_instance(instance: &str) -> Option<Mac> {
    let name = instance.rsplit(':').next().unwrap_or(instance);
    if let Ok(mac) = name.parse() {
        return Some(mac);
    }
    let mut groups = name.split('-').skip(2);
    let version = groups.next()?.bytes().next()?;
    let node = groups.nth(1)?;
    let mac: Mac = node.parse().ok()?;
    // RFC 4122, section 4.5: a random node ID has the multicast bit set.
    let is_real = mac.octets()[0] & 1 == 0 && mac.octets() != [0; 6];
    (matches!(version, b'0' | b'1') && is_real && node.len() == 12).then_some(mac)
}

/// The MAC address in a User-Agent, as a separate word. Twelve decimal digits must begin with 00, as makers' addresses do;
/// others are build dates.
fn mac_in_agent(agent: &str) -> Option<Mac> {
    agent
        .split(|c: char| !(c.is_ascii_alphanumeric() || matches!(c, ':' | '-' | '.')))
        .filter(|word| word.starts_with("00") || !word.bytes().all(|byte| byte.is_ascii_digit()))
        .find_map(|word| word.parse().ok())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use bytes::BytesMut;
    use uacsta_schema::sip::{
        codec::{Frame, MessageLimits},
        message::SipMessage,
    };

    use super::*;

    fn register(user: &str, more: &str) -> Request {
        let text = format!(
            "REGISTER sip:h SIP/2.0\r\nVia: SIP/2.0/UDP h\r\nFrom: <sip:a@h>;tag=1\r\nTo: <sip:{user}@h>\r\nCall-ID: c\r\nCSeq: 1 REGISTER\r\n{more}\r\n"
        );
        match Frame::datagram(BytesMut::from(text.as_str()), &MessageLimits::default()) {
            Ok(Frame::Message(SipMessage::Request(request))) => request,
            other => panic!("{other:?}"),
        }
    }

    #[track_caller]
    fn names(user: &str, more: &str, extensions: bool, expected: Option<(&str, &str)>) {
        let named = RegisterIdentity::of(&register(user, more), extensions).ok();
        let named = named.map(|named| (named.device.bare(), named.aor.0.bare()));
        let named = named
            .as_ref()
            .map(|(device, aor)| (device.as_str(), aor.as_str()));
        assert_eq!(named, expected, "{user} {more:?} {extensions}");
    }

    const MAC: &str = "000413aabbcc";

    #[test]
    fn a_mac_names_the_phone_whatever_else_is_said() {
        names(MAC, "", false, Some((MAC, MAC)));
        names("00-04-13-AA-BB-CC", "", true, Some((MAC, MAC)));
        names("00:04:13:aa:bb:cc", "", true, Some((MAC, MAC)));
        names(
            MAC,
            "User-Agent: snomD345 000413ffffff\r\n",
            true,
            Some((MAC, MAC)),
        );
    }

    #[test]
    fn an_extension_counts_where_it_is_allowed() {
        names("215", "", false, None);
        names("215", "", true, Some(("215", "215")));
        names("", "", true, None);
        names("two%20words", "", true, None);
    }

    #[test]
    fn rfc_4122_4_1_6_the_instance_tells_the_mac_if_it_is_no_random_number() {
        let instance = |instance: &str| {
            let more = format!("Contact: <sip:215@h>;+sip.instance=\"<{instance}>\"\r\n");
            let named = RegisterIdentity::of(&register("215", &more), true).unwrap();
            named.device.bare()
        };
        for (urn, phone) in [
            ("urn:uuid:00000000-0000-1000-8000-000413AABBCC", MAC),
            ("urn:uuid:00000000-0000-0000-0000-000413aabbcc", MAC),
            ("urn:uuid:6ba7b810-9dad-11d1-80b4-000413aabbcc", MAC),
            ("000413AABBCC", MAC),
            ("urn:mac:00-04-13-aa-bb-cc", MAC),
            ("urn:uuid:6ba7b810-9dad-41d1-80b4-000413aabbcc", "215"),
            ("urn:uuid:6ba7b810-9dad-11d1-80b4-010413aabbcc", "215"),
            ("urn:uuid:00000000-0000-0000-0000-000000000000", "215"),
            ("urn:uuid:1-2", "215"),
            ("", "215"),
        ] {
            assert_eq!(instance(urn), phone, "{urn}");
        }
    }

    #[test]
    fn the_user_agent_may_tell_the_mac() {
        for (agent, phone) in [
            ("Fanvil X4 2.3.0 000413aabbcc", MAC),
            ("Vendor/1.0 (00:04:13:AA:BB:CC)", MAC),
            ("Vendor/1.0;mac=0004.13aa.bbcc", MAC),
            ("Vendor 000413112233", "000413112233"),
            ("Vendor 202406121200", "215"),
            ("Fanvil X4 2.3.0", "215"),
        ] {
            names(
                "215",
                &format!("User-Agent: {agent}\r\n"),
                true,
                Some((phone, "215")),
            );
        }
    }
}
