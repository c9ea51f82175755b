//! Digest log-on with MD5 (RFC 2617), the one algorithm that all servers under test support.

use md5::{Digest as _, Md5};

use crate::sip::Message;

/// A user name with its password.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Account<'a> {
    /// The user name.
    pub(crate) user: &'a str,
    /// The password.
    pub(crate) password: &'a str,
}

/// The Authorization line that answers the MD5 challenge of a 401; `None` when it has none.
pub(crate) fn authorization(
    refusal: &Message<'_>,
    account: Account<'_>,
    method: &str,
    uri: &str,
) -> Option<String> {
    let challenge = refusal
        .all("WWW-Authenticate")
        .find(|value| field(value, "algorithm").is_none_or(|name| name == "MD5"))?;
    let (realm, nonce) = (field(challenge, "realm")?, field(challenge, "nonce")?);
    let Account { user, password } = account;
    let secret = hash(&format!("{user}:{realm}:{password}"));
    let request = hash(&format!("{method}:{uri}"));
    let quality = field(challenge, "qop").is_some();
    let (proof, tail) = if quality {
        let proof = hash(&format!(
            "{secret}:{nonce}:00000001:{CLIENT}:auth:{request}"
        ));
        (
            proof,
            format!(", qop=auth, nc=00000001, cnonce=\"{CLIENT}\""),
        )
    } else {
        (hash(&format!("{secret}:{nonce}:{request}")), String::new())
    };
    Some(format!(
        "Authorization: Digest username=\"{user}\", realm=\"{realm}\", nonce=\"{nonce}\", uri=\"{uri}\", response=\"{proof}\", algorithm=MD5{tail}\r\n"
    ))
}

/// A client nonce need not be secret here.
const CLIENT: &str = "b7c1f09e";

fn hash(text: &str) -> String {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    let digit = |nibble: u8| char::from(DIGITS[usize::from(nibble & 15)]);
    Md5::digest(text)
        .iter()
        .flat_map(|octet| [digit(octet >> 4), digit(*octet)])
        .collect()
}

fn field<'a>(challenge: &'a str, name: &str) -> Option<&'a str> {
    let list = challenge.strip_prefix("Digest ")?;
    let pairs = list.split(", ").flat_map(|part| part.split(','));
    pairs
        .filter_map(|pair| pair.split_once('='))
        .find(|(own, _)| own.trim().eq_ignore_ascii_case(name))
        .map(|(_, value)| value.trim().trim_matches('"'))
}
