//! A client's REGISTER: it proves who the client is, and stores no binding (RFC 3261, section 10).

use uacsta_config::Advanced;
use uacsta_schema::sip::{
    HeaderName, Request, Status,
    header::{Contacts, NameAddr},
};

use crate::sip::responder::FinalResponse;

/// Whether a REGISTER only removes bindings (RFC 3261, section 10.2.2).
pub(super) fn logs_off(request: &Request) -> bool {
    let head = request.head();
    match head.contacts() {
        Ok(Contacts::Star) => head.expires() == Some(0),
        Ok(Contacts::List(contacts)) => {
            let asked = |contact: &NameAddr<'_>| contact.expires().or_else(|| head.expires());
            !contacts.is_empty() && contacts.iter().all(|contact| asked(contact) == Some(0))
        }
        Err(_) => false,
    }
}

/// The response to an authenticated REGISTER. Stores nothing: the server reaches a client only by its connection.
pub(super) fn registered(request: &Request, advanced: &Advanced) -> FinalResponse {
    let contacts = match request.head().contacts() {
        Ok(Contacts::List(contacts)) => contacts,
        Ok(_) => return Status::OK.into(),
        Err(error) => return FinalResponse::from(Status::BAD_REQUEST).because(error.to_string()),
    };
    let Some(contact) = contacts.first() else {
        return Status::OK.into();
    };
    let shortest = advanced.min_expires.as_secs();
    let longest = u32::try_from(advanced.sip_expires.as_secs()).unwrap_or(u32::MAX);
    let requested = contact.expires().or_else(|| request.head().expires());
    let granted = requested.unwrap_or(longest).min(longest);
    if granted != 0 && u64::from(granted) < shortest {
        return FinalResponse::from(Status::INTERVAL_TOO_BRIEF)
            .header(HeaderName::MinExpires, shortest);
    }
    FinalResponse::from(Status::OK)
        .header(
            HeaderName::Contact,
            format_args!("<{}>;expires={granted}", contact.uri()),
        )
        .header(HeaderName::Expires, granted)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use std::time::Duration;

    use bytes::BytesMut;
    use uacsta_config::Settings;

    use super::*;
    use crate::client::uas::fixtures::request;

    #[test]
    fn a_registration_is_granted_within_the_limits_of_the_settings() {
        let mut advanced = Settings::builtin().advanced;
        advanced.min_expires = Duration::from_secs(60);
        advanced.sip_expires = Duration::from_secs(300);
        let check = |more: &str, status: u16, expected: &str| {
            let request = request("sip:h", "sip:a@h", more);
            let response = registered(&request, &advanced);
            assert_eq!(response.status.code(), status, "{more}");
            let mut out = BytesMut::new();
            response.compose_stateless(&mut out, &request, "t", ([192, 0, 2, 1], 5070).into());
            let text = std::str::from_utf8(&out).unwrap();
            assert!(text.contains(expected), "{more}: {text}");
        };
        check("", 200, "");
        check("Contact: *\r\nExpires: 0\r\n", 200, "");
        check(
            "Contact: <sip:a@b>\r\n",
            200,
            "Contact: <sip:a@b>;expires=300\r\n",
        );
        check(
            "Contact: <sip:a@b>;expires=90\r\n",
            200,
            "\r\nExpires: 90\r\n",
        );
        check(
            "Contact: <sip:a@b>\r\nExpires: 3600\r\n",
            200,
            "\r\nExpires: 300\r\n",
        );
        check(
            "Contact: <sip:a@b>\r\nExpires: 0\r\n",
            200,
            "\r\nExpires: 0\r\n",
        );
        check(
            "Contact: <sip:a@b>\r\nExpires: 59\r\n",
            423,
            "Min-Expires: 60\r\n",
        );
    }
}
