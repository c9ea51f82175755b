//! Whom the addresses of a client's request name: the user, and the line.

use uacsta_schema::{
    csta::{self, DeviceId},
    sip::{Request, header::NameAddr, uri::Uri},
};

/// The line in the To of an INVITE, else in the Request-URI; `None` where neither has a user part.
pub(super) fn line(request: &Request) -> Option<DeviceId> {
    let to = request
        .head()
        .to()
        .ok()
        .map(|to| to.uri().as_str().to_owned());
    [to, Some(request.uri().to_owned())]
        .into_iter()
        .flatten()
        .find(|uri| has_user(uri))
        .map(DeviceId::from)
}

/// The user that an address names, as clients are known by.
pub(super) fn user_in(address: &NameAddr<'_>) -> Option<String> {
    let uri = address.uri().as_str();
    has_user(uri).then(|| csta::Name::of(uri).to_string())
}

/// Whether a URI has a user part or a number.
fn has_user(uri: &str) -> bool {
    Uri::parse(uri).is_ok_and(|uri| uri.user().is_some_and(|user| !user.is_empty()) || uri.is_tel())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::client::uas::fixtures::request;

    #[test]
    fn the_line_of_an_invite_is_in_the_to_or_the_request_uri() {
        let check = |uri: &str, to: &str, expected: Option<&str>| {
            let line = line(&request(uri, to, ""));
            assert_eq!(line.as_ref().map(DeviceId::as_str), expected, "{uri} {to}");
        };
        check("sip:h", "sip:h", None);
        check("sip:h", "sip:215@h", Some("sip:215@h"));
        check("sip:215@h", "sip:h", Some("sip:215@h"));
        check("sip:214@h", "tel:+4930", Some("tel:+4930"));
    }
}
