//! Checks that the `uri` of digest credentials matches the Request-URI (RFC 7616, section 3.4.6).

use uacsta_schema::sip::uri::Uri;

/// Whether the `uri` of credentials has the user and host of the Request-URI. Phones differ in port and parameters, which are ignored,
/// and may omit the user; in a REGISTER the user may be `user`, the one that logs on.
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
    fn credentials_match_the_request_uri_by_user_and_host() {
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
