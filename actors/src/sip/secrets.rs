//! Replaces secrets in a SIP message by asterisks: digest responses, other credentials, and passwords in URIs.

use std::ops::Range;

/// The scheme of credentials that tell no password (RFC 7616).
const DIGEST: &[u8] = b"digest";

/// Header fields with credentials (RFC 3261, sections 20.7, 20.28; RFC 7615).
const CREDENTIALS: [&[u8]; 2] = [b"authorization", b"proxy-authorization"];
const CONFIRMATIONS: [&[u8]; 2] = [b"authentication-info", b"proxy-authentication-info"];

/// Masks a whole message in place. Lengths stay, so that its Content-Length still holds.
pub(crate) fn mask(message: &mut [u8]) {
    loop {
        let before = message.to_vec();
        mask_head(message);
        mask_passwords(message);
        mask_uri_headers(message);
        // An odd message has one secret within the other.
        if *message == *before {
            break;
        }
    }
}

fn mask_head(message: &mut [u8]) {
    let mut start = 0;
    while let Some(line) = message.get_mut(start..).and_then(next_line) {
        start += line.len();
        if line.trim_ascii().is_empty() {
            break;
        }
        mask_line(line);
    }
}

/// The first line of some text, with its line end.
fn next_line(text: &mut [u8]) -> Option<&mut [u8]> {
    let end = memchr::memchr(b'\n', text).map_or(text.len(), |feed| feed + 1);
    text.get_mut(..end).filter(|line| !line.is_empty())
}

fn mask_line(line: &mut [u8]) {
    let Some(colon) = memchr::memchr(b':', line) else {
        return;
    };
    let (name, value) = line.split_at_mut(colon);
    let is_one_of = |names: [&[u8]; 2]| {
        let name = name.trim_ascii();
        names.iter().any(|known| name.eq_ignore_ascii_case(known))
    };
    let value = value.get_mut(1..).unwrap_or_default();
    let start = value.trim_ascii_start();
    let scheme_at = value.len() - start.len();
    let is_digest = start.len() > DIGEST.len()
        && start[..DIGEST.len()].eq_ignore_ascii_case(DIGEST)
        && start[DIGEST.len()].is_ascii_whitespace();
    if is_digest {
        // In whatever field: front ends and phones have names of their own for it.
        mask_parameter(&mut value[scheme_at + DIGEST.len()..], b"response");
    } else if is_one_of(CREDENTIALS) {
        fill(value, scheme_at..value.trim_ascii_end().len());
    } else if is_one_of(CONFIRMATIONS) {
        mask_parameter(value, b"rspauth");
    }
}

/// Masks the value of each parameter of this name in a list (RFC 7616, section 3.4).
fn mask_parameter(list: &mut [u8], name: &[u8]) {
    let mut start = 0;
    while start < list.len() {
        let rest = list.get(start..).unwrap_or_default();
        let end = start + parameter_end(rest);
        let parameter = list.get(start..end).unwrap_or_default();
        if let Some(equals) = memchr::memchr(b'=', parameter)
            && let Some((known, value)) = parameter.split_at_checked(equals)
            && last_word(known).eq_ignore_ascii_case(name)
        {
            let value = value.get(1..).unwrap_or_default();
            let leading = value.len() - value.trim_ascii_start().len();
            let is_quoted = value.trim_ascii_start().starts_with(b"\"");
            let length = value.trim_ascii().len();
            let from = start + equals + 1 + leading;
            let closed = is_quoted && length > 1 && value.trim_ascii().ends_with(b"\"");
            fill(
                list,
                from + usize::from(is_quoted)..from + length - usize::from(closed),
            );
        }
        start = end + 1;
    }
}

/// The name of a parameter, before which the scheme of further credentials may stand.
fn last_word(text: &[u8]) -> &[u8] {
    let mut words = text.trim_ascii().rsplit(u8::is_ascii_whitespace);
    words.next().unwrap_or_default()
}

/// The end of the first parameter of a list: the next comma outside quotes.
fn parameter_end(list: &[u8]) -> usize {
    let (mut is_quoted, mut is_escaped) = (false, false);
    let end = list.iter().position(|octet| {
        if std::mem::take(&mut is_escaped) {
            return false;
        }
        match octet {
            b'"' => is_quoted = !is_quoted,
            b'\\' => is_escaped = is_quoted,
            b',' => return !is_quoted,
            _ => {}
        }
        false
    });
    end.unwrap_or(list.len())
}

/// Masks the password of each URI in head and body (RFC 3261, section 19.1.1; RFC 3986, section 3.2.1), unless user and password are
/// the halves of a MAC address with colons, which names a phone.
fn mask_passwords(message: &mut [u8]) {
    let mut start = 0;
    while let Some(found) = memchr::memchr(b':', message.get(start..).unwrap_or_default()) {
        let at = start + found + 1;
        start = at;
        let (scheme, rest) = message.split_at(at - 1);
        let is_sip = [b"sip".as_slice(), b"sips"].iter().any(|name| {
            let from = scheme.len().checked_sub(name.len());
            from.is_some_and(|from| scheme[from..].eq_ignore_ascii_case(name))
        });
        let (at, password) = if rest.starts_with(b"://") {
            (at + 2, authority_password(&rest[3..]))
        } else if is_sip {
            (at, password(&rest[1..]))
        } else {
            continue;
        };
        if let Some(password) = password {
            fill(message, at + password.start..at + password.end);
            start = at + password.end;
        }
    }
}

/// Where the password is in a SIP URI without its scheme.
fn password(uri: &[u8]) -> Option<Range<usize>> {
    let end = uri
        .iter()
        .position(|octet| ends_uri(*octet) || *octet == b'@')?;
    (uri[end] == b'@').then_some(())?;
    password_in(&uri[..end])
}

/// Where the password is in a URI without its scheme and `://`.
fn authority_password(uri: &[u8]) -> Option<Range<usize>> {
    let end = uri
        .iter()
        .position(|octet| ends_uri(*octet) || matches!(octet, b'/' | b'?' | b'#'));
    let authority = uri.get(..end.unwrap_or(uri.len()))?;
    // A password may have an @ that should have been escaped.
    password_in(&authority[..memchr::memrchr(b'@', authority)?])
}

fn password_in(user: &[u8]) -> Option<Range<usize>> {
    let colon = memchr::memchr(b':', user)?;
    let is_mac =
        str::from_utf8(user).is_ok_and(|user| user.parse::<uacsta_schema::mac::Mac>().is_ok());
    (!is_mac).then_some(colon + 1..user.len())
}

fn ends_uri(octet: u8) -> bool {
    matches!(octet, b'>' | b'<' | b'"' | b' ' | b'\t' | b'\r' | b'\n')
}

/// Masks the credentials among the header fields in a SIP URI, names of which may be escaped (RFC 3261, section 19.1.1).
fn mask_uri_headers(message: &mut [u8]) {
    let mut start = 0;
    while let Some(found) = memchr::memchr(b'=', message.get(start..).unwrap_or_default()) {
        let at = start + found;
        start = at + 1;
        let before = message.get(..at).unwrap_or_default();
        // In XML the & is followed by amp;.
        let begins = |octet: &u8| matches!(octet, b'?' | b'&' | b';');
        let Some(from) = before
            .iter()
            .rposition(|octet| begins(octet) || ends_uri(*octet))
        else {
            continue;
        };
        let name = unescaped(&before[from + 1..]);
        if begins(&before[from])
            && CREDENTIALS
                .iter()
                .any(|known| name.eq_ignore_ascii_case(known))
        {
            let value = message.get(start..).unwrap_or_default();
            let end = value
                .iter()
                .position(|octet| matches!(octet, b'&' | b'>' | b'<' | b'\r' | b'\n'));
            let end = start + end.unwrap_or(value.len());
            fill(message, start..end);
            start = end;
        }
    }
}

/// Text without percent escapes.
fn unescaped(text: &[u8]) -> Vec<u8> {
    let mut plain = Vec::with_capacity(text.len());
    let mut rest = text;
    while let [first, after @ ..] = rest {
        let escaped = match after {
            [high, low, ..] if *first == b'%' => {
                [*high, *low].map(|digit| char::from(digit).to_digit(16))
            }
            _ => [None; 2],
        };
        rest = after;
        plain.push(match escaped {
            [Some(high), Some(low)] => {
                rest = &after[2..];
                (high * 16 + low) as u8
            }
            _ => *first,
        });
    }
    plain
}

fn fill(octets: &mut [u8], range: Range<usize>) {
    octets.get_mut(range).unwrap_or_default().fill(b'*');
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[track_caller]
    fn check(message: &str, expected: &str) {
        let mut octets = message.as_bytes().to_vec();
        mask(&mut octets);
        assert_eq!(String::from_utf8_lossy(&octets), expected);
    }

    #[test]
    fn digest_responses_are_masked_and_the_rest_of_the_credentials_stays() {
        for (field, expected) in [
            (
                "Authorization: Digest username=\"a\", response=\"0a1b\", uri=\"sip:b\"",
                "Authorization: Digest username=\"a\", response=\"****\", uri=\"sip:b\"",
            ),
            (
                "proxy-authorization : digest nonce=\"a,response=b\",Response = 0a1b ,qop=auth",
                "proxy-authorization : digest nonce=\"a,response=b\",Response = **** ,qop=auth",
            ),
            (
                "Authorization: Digest username=\"a\\\",b\",response=\"0a1b",
                "Authorization: Digest username=\"a\\\",b\",response=\"****",
            ),
            ("Authorization: Basic dTpw", "Authorization: **********"),
            (
                "Authorization: Digest username=\"a\", response=\"0a\", Digest response=\"1b\"",
                "Authorization: Digest username=\"a\", response=\"**\", Digest response=\"**\"",
            ),
            (
                "X-Front-Authorization: Digest\tusername=\"a\", response=\"0a1b\"",
                "X-Front-Authorization: Digest\tusername=\"a\", response=\"****\"",
            ),
            (
                "WWW-Authenticate: Digest realm=\"a\", nonce=\"b\"",
                "WWW-Authenticate: Digest realm=\"a\", nonce=\"b\"",
            ),
            ("Authorization:", "Authorization:"),
            (
                "Authorization: Digest response=",
                "Authorization: Digest response=",
            ),
            (
                "Authentication-Info: rspauth=\"0a1b\", nextnonce=\"c\"",
                "Authentication-Info: rspauth=\"****\", nextnonce=\"c\"",
            ),
            ("Subject: response=\"0a1b\"", "Subject: response=\"0a1b\""),
        ] {
            check(
                &format!("REGISTER sip:h SIP/2.0\r\n{field}\r\nTo: <sip:a@h>\r\n\r\n"),
                &format!("REGISTER sip:h SIP/2.0\r\n{expected}\r\nTo: <sip:a@h>\r\n\r\n"),
            );
        }
    }

    #[test]
    fn passwords_in_uris_are_masked_in_head_and_body() {
        check(
            "INFO sip:a:geheim@h SIP/2.0\r\nTo: \"x\" <SIPS:a:b@h>\r\n\r\n<d>sip:a:0a1b@h</d><d>sip:h:5060</d>",
            "INFO sip:a:******@h SIP/2.0\r\nTo: \"x\" <SIPS:a:*@h>\r\n\r\n<d>sip:a:****@h</d><d>sip:h:5060</d>",
        );
        check(
            "INFO sip:h SIP/2.0\r\nAlert-Info: <https://a:0a1b@h/b:c@d>, <http://h:80/x@y>\r\n\r\n<u>FTP://a:p@ss@h:21/</u>",
            "INFO sip:h SIP/2.0\r\nAlert-Info: <https://a:****@h/b:c@d>, <http://h:80/x@y>\r\n\r\n<u>FTP://a:****@h:21/</u>",
        );
        check(
            "INFO sip:h:5060 SIP/2.0\r\nTo: <sip:00:04:13:00:00:01@h>\r\n\r\n",
            "INFO sip:h:5060 SIP/2.0\r\nTo: <sip:00:04:13:00:00:01@h>\r\n\r\n",
        );
    }

    #[test]
    fn credentials_in_the_header_fields_of_a_uri_are_masked() {
        for (uri, expected) in [
            (
                "<sip:a@h?Authorization=Digest%20response%3D%220a%22&Subject=b>",
                "<sip:a@h?Authorization=****************************&Subject=b>",
            ),
            (
                "<sip:a@h;x=y?Subject=b&%50roxy-authorizatio%6e=0a>;tag=c",
                "<sip:a@h;x=y?Subject=b&%50roxy-authorizatio%6e=**>;tag=c",
            ),
            (
                "<d>sip:a@h?b=c&amp;Authorization=0a</d>",
                "<d>sip:a@h?b=c&amp;Authorization=**</d>",
            ),
            (
                "<sip:a@h?Subject=Authorization>",
                "<sip:a@h?Subject=Authorization>",
            ),
            ("Authorization=0a", "Authorization=0a"),
        ] {
            check(
                &format!("REFER sip:h SIP/2.0\r\nRefer-To: {uri}\r\n\r\n{uri}"),
                &format!("REFER sip:h SIP/2.0\r\nRefer-To: {expected}\r\n\r\n{expected}"),
            );
        }
    }

    #[test]
    fn a_body_is_no_header_field() {
        check(
            "INFO sip:h SIP/2.0\r\n\r\nAuthorization: Digest response=\"0a1b\"",
            "INFO sip:h SIP/2.0\r\n\r\nAuthorization: Digest response=\"0a1b\"",
        );
    }

    proptest! {
        #[test]
        fn no_octets_are_too_odd_and_lengths_stay(
            parts in prop::collection::vec(prop_oneof![
                Just("Authorization:".to_owned()), Just(" Digest ".to_owned()), Just("response".to_owned()),
                Just("\r\n".to_owned()), Just("\"".to_owned()), Just("\\".to_owned()), Just("=".to_owned()), Just(",".to_owned()),
                Just("sip:".to_owned()), Just("x://".to_owned()), Just("?Authorization=".to_owned()), Just("@".to_owned()), Just(":".to_owned()), ".{0,3}",
            ], 0..40),
        ) {
            let message = parts.concat();
            let mut masked = message.clone().into_bytes();
            mask(&mut masked);
            prop_assert_eq!(masked.len(), message.len());
            // What is masked stays so.
            let once = masked.clone();
            mask(&mut masked);
            prop_assert_eq!(masked, once);
        }
    }
}
