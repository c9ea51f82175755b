//! Whether credentials were made for the request that bears them (RFC 7616 3.4.6).

use uacsta_schema::sip::uri::Uri;

/// Whether the `uri` of credentials may stand for a Request-URI: the same user and host. Port and parameters may differ, and
/// the user may be left out, for phones write those as they like; `user` is who logs on, whom a REGISTER may name there.
pub(super) fn matches(uri: &str, request_uri: &str, user: &str) -> bool {
    if uri == request_uri {
        return true;
    }
    let (Ok(named), Ok(asked)) = (Uri::parse(uri), Uri::parse(request_uri)) else {
        return false;
    };
    if !named.is_sip() || !asked.is_sip() {
        let plain = |uri: &'_ Uri<'_>| {
            let text = uri.without_headers();
            text.split(';').next().map(str::to_ascii_lowercase)
        };
        return plain(&named) == plain(&asked);
    }
    let same_host = match (named.address(), asked.address()) {
        (Some(named), Some(asked)) => named == asked,
        _ => named.host().eq_ignore_ascii_case(asked.host()),
    };
    let same_user = match (named.user_decoded(), asked.user_decoded()) {
        (None, _) => true,
        (Some(named), Some(asked)) => named == asked,
        (Some(named), None) => named == user,
    };
    same_host && same_user
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rfc_7616_3_4_6_credentials_are_for_their_request() {
        let check = |uri: &str, request_uri: &str, expected: bool| {
            assert_eq!(
                matches(uri, request_uri, "000413000001"),
                expected,
                "{uri} {request_uri}"
            );
        };
        check("sip:pbx.example", "sip:pbx.example", true);
        check("sip:PBX.example:5060", "sip:pbx.example", true);
        check(
            "sip:pbx.example;transport=tcp",
            "sip:pbx.example:5061",
            true,
        );
        check("sips:pbx.example", "sip:pbx.example", true);
        check("sip:[2001:db8:0::1]", "sip:[2001:db8::1]:5060", true);
        check("sip:101@pbx.example", "sip:101@pbx.example:5060", true);
        check("sip:%3101@pbx.example", "sip:101@pbx.example", true);
        check("sip:000413000001@pbx.example", "sip:pbx.example", true);
        check("sip:pbx.example:5070", "sip:101@pbx.example", true);
        check("tel:+4930123;phone-context=a", "tel:+4930123", true);
        check("sip:other.example", "sip:pbx.example", false);
        check("sip:pbx.example.evil", "sip:pbx.example", false);
        check("sip:102@pbx.example", "sip:101@pbx.example", false);
        check("sip:102@pbx.example", "sip:pbx.example", false);
        check("sip:[2001:db8::2]", "sip:[2001:db8::1]", false);
        check("tel:+4930124", "tel:+4930123", false);
        check("tel:+4930123", "sip:+4930123@pbx.example", false);
        check("/index.html", "sip:pbx.example", false);
        check("", "sip:pbx.example", false);
    }
}
