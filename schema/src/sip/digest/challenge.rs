//! Challenges: WWW-Authenticate and Proxy-Authenticate (RFC 7616, section 3.3; RFC 8760, section 2.3).

use std::{borrow::Cow, fmt};

use super::{Algorithm, Credentials, Ha1, LONGEST, after_scheme, lower_case, next_param};
use crate::sip::SyntaxError;

/// A digest challenge. Texts are quoted-string contents with their escapes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Challenge<'a> {
    /// The realm in which the user logs on.
    pub realm: &'a str,
    /// The server's nonce.
    pub nonce: &'a str,
    /// The digest algorithm; MD5 if the parameter is missing.
    pub algorithm: Algorithm,
    /// Whether `qop=auth` is offered; RFC 7616, section 3.3, requires it of servers.
    pub qop: bool,
    /// Whether only the nonce had expired, so that the client can retry without asking its user.
    pub stale: bool,
    /// A text that the client returns unchanged.
    pub opaque: Option<&'a str>,
}

impl<'a> Challenge<'a> {
    /// Reads the value of a WWW-Authenticate.
    ///
    /// # Errors
    /// The scheme is not Digest, a quote is not closed, realm or nonce is missing, or algorithm or qop is not supported.
    pub fn parse(text: &'a str) -> Result<Self, SyntaxError> {
        let mut rest = after_scheme(text)?;
        let [mut realm, mut nonce, mut opaque, mut qop] = [None; 4];
        let mut algorithm = Algorithm::Md5;
        let mut stale = false;
        while let Some((name, value)) = next_param(&mut rest)? {
            match lower_case(name, &mut [0; LONGEST]) {
                "realm" => realm = Some(value),
                "nonce" => nonce = Some(value),
                "opaque" => opaque = Some(value),
                "qop" => qop = Some(value),
                "stale" => stale = value.eq_ignore_ascii_case("true"),
                "algorithm" => {
                    algorithm = Algorithm::parse(value)
                        .ok_or(SyntaxError("has an unsupported algorithm"))?;
                }
                _ => {}
            }
        }
        let auth = |list: &str| {
            list.split(',')
                .any(|qop| qop.trim_ascii().eq_ignore_ascii_case("auth"))
        };
        if qop.is_some_and(|list| !auth(list)) {
            return Err(SyntaxError("offers no supported qop"));
        }
        Ok(Self {
            realm: realm.ok_or(SyntaxError("has no realm"))?,
            nonce: nonce.ok_or(SyntaxError("has no nonce"))?,
            algorithm,
            qop: qop.is_some(),
            stale,
            opaque,
        })
    }

    /// The credentials for this challenge. `nc` counts the uses of the nonce, starting with 1; `cnonce` is a random text of
    /// the caller. Without qop, both are omitted. `user`, `uri` and `cnonce` must not contain a quote.
    #[must_use]
    pub fn answer<'b>(
        &self,
        user: &'b str,
        password: &str,
        method: &str,
        uri: &'b str,
        nc: u32,
        cnonce: &'b str,
    ) -> Credentials<'b>
    where
        'a: 'b,
    {
        let ha1 = Ha1::new(self.algorithm, user, self.realm, password);
        let count = if self.qop {
            format!("{nc:08x}")
        } else {
            String::new()
        };
        let protection = self.qop.then_some([count.as_str(), cnonce, "auth"]);
        Credentials {
            username: user,
            realm: self.realm,
            nonce: self.nonce,
            uri,
            response: Cow::Owned(
                ha1.response(self.nonce, protection, method, uri)
                    .to_string(),
            ),
            algorithm: self.algorithm,
            cnonce: self.qop.then_some(cnonce),
            nc: self.qop.then_some(nc),
            qop: self.qop.then_some("auth"),
            opaque: self.opaque,
            count: Cow::Owned(count),
        }
    }
}

/// Writes the header field value.
impl fmt::Display for Challenge<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            r#"Digest realm="{}", nonce="{}", algorithm={}"#,
            self.realm, self.nonce, self.algorithm
        )?;
        if self.qop {
            f.write_str(r#", qop="auth""#)?;
        }
        if self.stale {
            f.write_str(", stale=true")?;
        }
        match self.opaque {
            Some(opaque) => write!(f, r#", opaque="{opaque}""#),
            None => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn challenges_are_read() {
        let check = |text: &str, expected: Result<&str, &str>| {
            let read = Challenge::parse(text).map(|challenge| challenge.to_string());
            assert_eq!(
                read.map_err(|error| error.to_string()),
                expected.map(str::to_owned).map_err(str::to_owned),
                "{text}"
            );
        };
        check(
            r#"Digest realm="r",nonce="n""#,
            Ok(r#"Digest realm="r", nonce="n", algorithm=MD5"#),
        );
        check(
            r#"Digest realm="r", qop="auth,auth-int", nonce="n", opaque="o", stale=TRUE, algorithm=SHA-256, domain="sip:x""#,
            Ok(
                r#"Digest realm="r", nonce="n", algorithm=SHA-256, qop="auth", stale=true, opaque="o""#,
            ),
        );
        check(
            r#"Digest realm="r",nonce="n",qop=auth"#,
            Ok(r#"Digest realm="r", nonce="n", algorithm=MD5, qop="auth""#),
        );
        check(
            r#"Digest realm="r",nonce="n",qop="auth-int""#,
            Err("offers no supported qop"),
        );
        check(
            r#"Digest realm="r",nonce="n",algorithm=SHA-512-256"#,
            Err("has an unsupported algorithm"),
        );
        check(r#"Digest realm="r""#, Err("has no nonce"));
        check(r#"Digest nonce="n""#, Err("has no realm"));
        check(r#"NTLM realm="r""#, Err("is not of scheme Digest"));
    }

    #[test]
    fn credentials_for_a_challenge_verify() {
        for algorithm in [Algorithm::Md5, Algorithm::Sha256] {
            for qop in [true, false] {
                let challenge = Challenge {
                    realm: "r",
                    nonce: "n",
                    algorithm,
                    qop,
                    stale: false,
                    opaque: Some("o"),
                };
                let credentials =
                    challenge.answer("000413aabbcc", "secret", "REGISTER", "sip:h", 11, "c");
                let printed = credentials.to_string();
                let read = Credentials::parse(&printed).unwrap();
                let ha1 = Ha1::new(algorithm, "000413aabbcc", "r", "secret");
                assert_eq!(read.verifies(&ha1, "REGISTER"), qop, "{printed}");
                assert_eq!(
                    read.verifies_without_qop(&ha1, "REGISTER"),
                    !qop,
                    "{printed}"
                );
                assert_eq!(read.nc, qop.then_some(11));
                assert_eq!(format!("{ha1:?}"), format!("Ha1({algorithm}, ...)"));
            }
        }
    }
}
