//! The phone's name in a REGISTER (RFC 3261, section 10.2), and the hints at its MAC address.

use uacsta_schema::{
    mac::Mac,
    phone_id::{PhoneId, PhoneIdError},
    sip::{HeaderName, Request, Uri, header::Contacts},
};

use super::rejection::Rejection;

/// Reads the name that logs on, before authentication (RFC 3261, section 10.3, step 5): a MAC address, or an extension if
/// `extensions` allows it. The address of record is that name, whatever the hints say.
///
/// # Errors
/// The To is malformed, has another scheme, or names no phone.
pub(super) fn name_of(request: &Request, extensions: bool) -> Result<PhoneId, Rejection> {
    let malformed = |why: String| Rejection::Malformed(why);
    let to = request.head().to();
    let to = to.map_err(|error| malformed(error.to_string()))?;
    let uri = to.uri();
    // RFC 3261, section 10.2: an address of record "MUST be a SIP URI or SIPS URI"; tel is accepted as well.
    if !uri.is_sip() && !uri.is_tel() {
        return Err(malformed(
            "the To of a REGISTER is a sip or sips URI".to_owned(),
        ));
    }
    let user = user_of(uri).map_err(|error| Rejection::NoPhone(error.to_string()))?;
    if user.mac().is_none() && !extensions {
        return Err(Rejection::NoPhone(
            "the user name of a phone is its MAC address, 12 hexadecimal digits; an extension is accepted where phones.extensions is set".to_owned(),
        ));
    }
    Ok(user)
}

/// The phone that the user of a URI names. A MAC address with bare colons parses as user and password (RFC 3261, section 19.1.1).
pub(super) fn user_of(uri: &Uri<'_>) -> Result<PhoneId, PhoneIdError> {
    let user = uri.user_decoded().unwrap_or_default();
    match uri.password() {
        Some(rest) => format!("{user}:{rest}").parse(),
        None => user.parse(),
    }
}

/// The MAC address of a phone: its name, else a hint in the Contact's `+sip.instance` or user, or in the User-Agent. A hint is
/// shown with the phone and selects the maker, but identifies nothing: the handsets of a base have the same one.
pub(super) fn mac_of(request: &Request, phone: PhoneId) -> Option<Mac> {
    if let Some(mac) = phone.mac() {
        return Some(mac);
    }
    let head = request.head();
    let contact = match head.contacts() {
        Ok(Contacts::List(contacts)) => contacts.iter().find_map(|contact| {
            let instance = contact.instance().and_then(mac_of_instance);
            instance.or_else(|| mac_in_text(&contact.uri().user_decoded()?))
        }),
        _ => None,
    };
    contact.or_else(|| head.get(HeaderName::UserAgent).and_then(mac_in_text))
}

/// The MAC address in an instance name: the last group of a version 1 UUID (RFC 4122, section 4.1.6). The last group of another
/// UUID is a random number or a hash. Some phones send the bare MAC address.
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
    (version == b'1' && is_real && node.len() == 12).then_some(mac)
}

/// The MAC address in a text, as a separate word in groups of equal length: `1.0.0.1-20240612` is a version. One of decimal
/// digits alone must begin with 00, as makers' addresses do; others are dates, versions and numbers.
fn mac_in_text(text: &str) -> Option<Mac> {
    const SEPARATORS: [char; 3] = [':', '-', '.'];
    let is_decimal = |word: &str| !word.contains(|c: char| c.is_ascii_alphabetic());
    let is_even = |word: &str| {
        let mut lengths = word.split(SEPARATORS).map(str::len);
        let first = lengths.next();
        lengths.all(|length| Some(length) == first)
    };
    text.split(|c: char| !(c.is_ascii_alphanumeric() || SEPARATORS.contains(&c)))
        .filter(|word| is_even(word) && (word.starts_with("00") || !is_decimal(word)))
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

    /// The name and the MAC address in a REGISTER.
    fn read(user: &str, more: &str, extensions: bool) -> Option<(String, Option<String>)> {
        let request = register(user, more);
        let phone = name_of(&request, extensions).ok()?;
        Some((phone.bare(), mac_of(&request, phone).map(Mac::bare)))
    }

    #[track_caller]
    fn hints(more: &str, expected: Option<&str>) {
        let read = read("215", more, true).unwrap();
        assert_eq!(
            read,
            ("215".to_owned(), expected.map(str::to_owned)),
            "{more}"
        );
    }

    const MAC: &str = "000413aabbcc";

    #[test]
    fn a_mac_names_the_phone_whatever_else_is_said() {
        let agent = "User-Agent: snomD345 000413ffffff\r\n";
        let own = Some((MAC.to_owned(), Some(MAC.to_owned())));
        for (user, more) in [
            (MAC, ""),
            ("00-04-13-AA-BB-CC", ""),
            ("00:04:13:aa:bb:cc", ""),
            (MAC, agent),
        ] {
            for extensions in [false, true] {
                assert_eq!(read(user, more, extensions), own, "{user} {more:?}");
            }
        }
    }

    #[test]
    fn an_extension_counts_where_it_is_allowed() {
        let named = |user, extensions| read(user, "", extensions).map(|(name, _)| name);
        assert_eq!(named("215", false), None);
        assert_eq!(named("215", true).as_deref(), Some("215"));
        assert_eq!(named("", true), None);
        assert_eq!(named("two%20words", true), None);
    }

    #[test]
    fn rfc_4122_4_1_6_the_instance_tells_the_mac_if_it_is_no_random_number() {
        for (urn, mac) in [
            ("urn:uuid:00000000-0000-1000-8000-000413AABBCC", Some(MAC)),
            ("urn:uuid:00000000-0000-0000-0000-0000a30f0000", None),
            ("urn:uuid:6ba7b810-9dad-11d1-80b4-000413aabbcc", Some(MAC)),
            ("000413AABBCC", Some(MAC)),
            ("urn:mac:00-04-13-aa-bb-cc", Some(MAC)),
            ("urn:uuid:6ba7b810-9dad-41d1-80b4-000413aabbcc", None),
            ("urn:uuid:6ba7b810-9dad-11d1-80b4-010413aabbcc", None),
            ("urn:uuid:00000000-0000-0000-0000-000000000000", None),
            ("urn:uuid:1-2", None),
            ("", None),
        ] {
            let more = format!("Contact: <sip:215@h>;+sip.instance=\"<{urn}>\"\r\n");
            hints(&more, mac);
        }
    }

    #[test]
    fn contact_and_user_agent_may_hint_at_the_mac() {
        hints("Contact: <sip:000413aabbcc@h>\r\n", Some(MAC));
        hints("Contact: <sip:493055512388@h>\r\n", None);
        for (agent, mac) in [
            ("Fanvil X4 2.3.0 000413aabbcc", Some(MAC)),
            ("Vendor/1.0 (00:04:13:AA:BB:CC)", Some(MAC)),
            ("Vendor/1.0;mac=0004.13aa.bbcc", Some(MAC)),
            ("Vendor 000413112233", Some("000413112233")),
            ("Vendor 202406121200", None),
            ("Vendor 1.0.0.1-20240612", None),
            ("Vendor 00.0.0.1-20240612", None),
            ("Vendor 20.24.06.12.12.00", None),
            ("Fanvil X4 2.3.0", None),
        ] {
            hints(&format!("User-Agent: {agent}\r\n"), mac);
        }
    }
}
