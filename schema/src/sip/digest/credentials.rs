//! Credentials: Authorization and Proxy-Authorization (RFC 7616, section 3.4).

use std::{borrow::Cow, fmt};

use super::{Algorithm, Ha1, LONGEST, after_scheme, lower_case, next_param};
use crate::sip::{SyntaxError, start::is_token};

/// Digest credentials. Texts are quoted-string contents with their escapes, since both sides hash
/// them in this form.
#[derive(Clone, PartialEq, Eq)]
pub struct Credentials<'a> {
    /// The user name.
    pub username: &'a str,
    /// The realm from the challenge.
    pub realm: &'a str,
    /// The nonce from the challenge.
    pub nonce: &'a str,
    /// The hashed URI. The caller must compare it with the Request-URI (RFC 7616, section 3.4.6).
    pub uri: &'a str,
    /// The response in hexadecimal digits.
    pub response: Cow<'a, str>,
    /// The digest algorithm; MD5 if the parameter is missing.
    pub algorithm: Algorithm,
    /// The client nonce.
    pub cnonce: Option<&'a str>,
    /// The nonce count, starting with 1; `None` if missing or not hexadecimal.
    pub nc: Option<u32>,
    /// The quality of protection; only `auth` can be verified.
    pub qop: Option<&'a str>,
    /// The opaque text from the challenge.
    pub opaque: Option<&'a str>,
    /// The text of `nc` as the client hashed it.
    pub(super) count: Cow<'a, str>,
}

impl<'a> Credentials<'a> {
    /// Reads the value of an Authorization.
    ///
    /// # Errors
    /// The scheme is not Digest, a quote is not closed, the algorithm is not supported, or a mandatory
    /// parameter is missing.
    pub fn parse(text: &'a str) -> Result<Self, SyntaxError> {
        let mut rest = after_scheme(text)?;
        let [
            mut username,
            mut realm,
            mut nonce,
            mut uri,
            mut response,
            mut cnonce,
            mut count,
            mut qop,
            mut opaque,
        ] = [None; 9];
        let mut algorithm = Algorithm::Md5;
        while let Some((name, value)) = next_param(&mut rest)? {
            let field = match lower_case(name, &mut [0; LONGEST]) {
                "username" => &mut username,
                "realm" => &mut realm,
                "nonce" => &mut nonce,
                "uri" => &mut uri,
                "response" => &mut response,
                "cnonce" => &mut cnonce,
                "nc" => &mut count,
                "qop" => &mut qop,
                "opaque" => &mut opaque,
                "algorithm" => {
                    algorithm = Algorithm::parse(value)
                        .ok_or(SyntaxError("has an unsupported algorithm"))?;
                    continue;
                }
                _ => continue,
            };
            if field.replace(value).is_some() {
                return Err(SyntaxError("has a parameter twice"));
            }
        }
        let is_token = |value: &str| value.bytes().all(is_token);
        if ![count, qop].into_iter().flatten().all(is_token) {
            return Err(SyntaxError("has an nc or qop that is not a token"));
        }
        let hexadecimal = |text: &&str| text.bytes().all(|byte| byte.is_ascii_hexdigit());
        Ok(Self {
            username: username.ok_or(SyntaxError("has no username"))?,
            realm: realm.ok_or(SyntaxError("has no realm"))?,
            nonce: nonce.ok_or(SyntaxError("has no nonce"))?,
            uri: uri.ok_or(SyntaxError("has no uri"))?,
            response: response.ok_or(SyntaxError("has no response"))?.into(),
            algorithm,
            cnonce,
            nc: count
                .filter(hexadecimal)
                .and_then(|text| u32::from_str_radix(text, 16).ok()),
            qop,
            opaque,
            count: count.unwrap_or_default().into(),
        })
    }

    /// Whether the response proves the password, protected by `qop=auth` (RFC 7616, section 3.4.1).
    #[must_use]
    pub fn verifies(&self, ha1: &Ha1, method: &str) -> bool {
        let Some((qop, cnonce)) = self.qop.zip(self.cnonce) else {
            return false;
        };
        qop.eq_ignore_ascii_case("auth")
            && self.nc.is_some()
            && self.proves(ha1, Some([&self.count, cnonce, qop]), method)
    }

    /// Whether the response proves the password without qop (RFC 2069), as old phones send it. Without a nonce count,
    /// the caller cannot detect a replay.
    #[must_use]
    pub fn verifies_without_qop(&self, ha1: &Ha1, method: &str) -> bool {
        self.qop.is_none() && self.proves(ha1, None, method)
    }

    fn proves(&self, ha1: &Ha1, protection: Option<[&str; 3]>, method: &str) -> bool {
        self.algorithm == ha1.algorithm()
            && ha1
                .response(self.nonce, protection, method, self.uri)
                .is(&self.response)
    }
}

/// Writes the header field value.
impl fmt::Display for Credentials<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            r#"Digest username="{}", realm="{}", nonce="{}", uri="{}", response="{}", algorithm={}"#,
            self.username, self.realm, self.nonce, self.uri, self.response, self.algorithm
        )?;
        if let Some(cnonce) = self.cnonce {
            write!(f, r#", cnonce="{cnonce}""#)?;
        }
        if !self.count.is_empty() {
            write!(f, ", nc={}", self.count)?;
        }
        if let Some(qop) = self.qop {
            write!(f, ", qop={qop}")?;
        }
        if let Some(opaque) = self.opaque {
            write!(f, r#", opaque="{opaque}""#)?;
        }
        Ok(())
    }
}

/// Prints user and realm. Omits the response, which would allow offline guessing of the password.
impl fmt::Debug for Credentials<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut shown = f.debug_struct("Credentials");
        shown
            .field("username", &self.username)
            .field("realm", &self.realm)
            .field("uri", &self.uri);
        shown
            .field("algorithm", &self.algorithm)
            .field("qop", &self.qop)
            .field("nc", &self.nc);
        shown.finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    /// RFC 7616, section 3.9.1, and RFC 2617, section 3.5.
    const MUFASA: &str = r#"Digest username="Mufasa", realm="http-auth@example.org", uri="/dir/index.html",
        algorithm=MD5, nonce="7ypf/xlj9XXwfDPEoM4URrv/xwf94BcCAzFZH4GiTo0v", nc=00000001,
        cnonce="f2/wE4q74E6zIJEtWaHKaf5wv/H5QzzpXusqGemxURZJ", qop=auth,
        response="8ca523f5e9506fed4657c9700eebdbec", opaque="FQhe/qaU925kfnzjCev0ciny7QMkPqMAFRtzCUYo5tdS""#;

    #[test]
    fn rfc_vectors_verify() {
        let check = |text: &str, realm: &str, password: &str, good: bool| {
            let text = text.replace('\n', " ");
            let credentials = Credentials::parse(&text).unwrap();
            let ha1 = Ha1::new(credentials.algorithm, "Mufasa", realm, password);
            assert_eq!(credentials.verifies(&ha1, "GET"), good, "{text}");
            assert!(!credentials.verifies(&ha1, "PUT"), "{text}");
            assert!(!credentials.verifies_without_qop(&ha1, "GET"), "{text}");
            let other = Ha1::new(credentials.algorithm, "Mufasa", realm, "guess");
            assert!(!credentials.verifies(&other, "GET"), "{text}");
        };
        let realm = "http-auth@example.org";
        check(MUFASA, realm, "Circle of Life", true);
        check(
            &MUFASA.replace("8ca5", "8CA5"),
            realm,
            "Circle of Life",
            true,
        );
        let sha256 = MUFASA.replace("=MD5", "=SHA-256").replace(
            "8ca523f5e9506fed4657c9700eebdbec",
            "753927fa0e85d155564e2e272a28d1802ca10daf4496794697cf8db5856cb6c1",
        );
        check(&sha256, realm, "Circle of Life", true);
        check(
            &sha256.replace("SHA-256", "MD5"),
            realm,
            "Circle of Life",
            false,
        );
        check(
            &MUFASA.replace("00000001", "00000002"),
            realm,
            "Circle of Life",
            false,
        );
        check(
            &MUFASA.replace("qop=auth", "qop=auth-int"),
            realm,
            "Circle of Life",
            false,
        );
        check(
            &MUFASA.replace("nc=00000001,", ""),
            realm,
            "Circle of Life",
            false,
        );
        let old = r#"Digest username="Mufasa",realm="testrealm@host.com",nonce="dcd98b7102dd2f0e8b11d0f600bfb0c093",
            uri="/dir/index.html",qop=auth,nc=00000001,cnonce="0a4f113b",response="6629fae49393a05397450978507c4ef1""#;
        check(old, "testrealm@host.com", "Circle Of Life", true);
    }

    #[test]
    fn response_without_qop_needs_its_own_check() {
        // RFC 2069, section 2.4, with the response that its erratum 749 corrects.
        let text = r#"Digest username="Mufasa", realm="testrealm@host.com", nonce="dcd98b7102dd2f0e8b11d0f600bfb0c093", uri="/dir/index.html", response="1949323746fe6a43ef61f9606e7febea""#;
        let credentials = Credentials::parse(text).unwrap();
        let ha1 = Ha1::new(
            Algorithm::Md5,
            "Mufasa",
            "testrealm@host.com",
            "CircleOfLife",
        );
        assert!(credentials.verifies_without_qop(&ha1, "GET"));
        assert!(!credentials.verifies(&ha1, "GET"));
    }

    #[test]
    fn known_spellings_of_phones_are_read() {
        let check = |text: &str, expected: Result<(&str, Option<u32>), &str>| {
            let read = Credentials::parse(text);
            let read = read
                .as_ref()
                .map(|c| (c.username, c.nc))
                .map_err(ToString::to_string);
            assert_eq!(read, expected.map_err(str::to_owned), "{text}");
        };
        const REST: &str = r#"realm="r",nonce="n",uri="sip:h",response="0""#;
        let with = |text: &str| format!("Digest {text},{REST}");
        check(&with(r#"username="a""#), Ok(("a", None)));
        check(
            &with(r#"USERNAME = "a" , nc = 0000000A"#),
            Ok(("a", Some(10))),
        );
        check(
            &with(r#"username="a, b=\"c\"",nc=1"#),
            Ok((r#"a, b=\"c\""#, Some(1))),
        );
        check(&with(r#"username="a",nc=+1"#), Ok(("a", None)));
        check(&with(r#"username="a",nc=123456789"#), Ok(("a", None)));
        check(&with(r#"username="a",,x=y"#), Ok(("a", None)));
        check(&format!(r#"digest username="a",{REST}"#), Ok(("a", None)));
        check(
            &with(r#"username="a",algorithm="sha-256""#),
            Ok(("a", None)),
        );
        check(
            &with(r#"username="a",algorithm=MD5-sess"#),
            Err("has an unsupported algorithm"),
        );
        check(
            &with(r#"username="a",username="b""#),
            Err("has a parameter twice"),
        );
        // Printing these would change their meaning.
        check(
            &with(r#"username=a"b"#),
            Err("has a quote in an unquoted value"),
        );
        check(
            &with(r"username=a\"),
            Err("has a quote in an unquoted value"),
        );
        check(
            &with(r#"username="a",nc="1,2""#),
            Err("has an nc or qop that is not a token"),
        );
        check(&with("x=y"), Err("has no username"));
        check(
            r#"Digest username="a",realm="r",nonce="n",uri="u",response="0"#,
            Err("has no closing quote"),
        );
        check(
            r#"Digest username="a",lost"#,
            Err("has a parameter without '='"),
        );
        check("Basic YTpi", Err("is not of scheme Digest"));
        check("", Err("is not of scheme Digest"));
    }

    #[test]
    fn credentials_round_trip() {
        let text = MUFASA.replace('\n', " ");
        let credentials = Credentials::parse(&text).unwrap();
        let printed = credentials.to_string();
        assert_eq!(Credentials::parse(&printed).unwrap(), credentials);
        assert!(!format!("{credentials:?}").contains("8ca523"));
    }
}
