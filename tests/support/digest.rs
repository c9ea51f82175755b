//! Digest authentication for both roles (RFC 7616, RFC 8760), independent of the product's.

use md5::Md5;
use sha2::{Digest as _, Sha256};

/// The hash that a challenge names.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Algorithm {
    /// RFC 2617's, which most desk phones know alone.
    Md5,
    /// RFC 8760's.
    Sha256,
}

impl Algorithm {
    /// As it stands in a challenge.
    pub fn name(self) -> &'static str {
        match self {
            Self::Md5 => "MD5",
            Self::Sha256 => "SHA-256",
        }
    }

    fn hash(self, text: &str) -> String {
        let digit = |nibble: u8| char::from(b"0123456789abcdef"[usize::from(nibble & 15)]);
        let hex = |bytes: &[u8]| {
            bytes
                .iter()
                .flat_map(|byte| [digit(byte >> 4), digit(*byte)])
                .collect()
        };
        match self {
            Self::Md5 => hex(&Md5::digest(text)),
            Self::Sha256 => hex(&Sha256::digest(text)),
        }
    }
}

/// What a peer demanded in one WWW-Authenticate.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Challenge {
    /// The realm, unquoted.
    pub realm: String,
    /// The nonce, unquoted.
    pub nonce: String,
    /// The hash.
    pub algorithm: Algorithm,
    /// Whether qop=auth is offered.
    pub qop: bool,
    /// Whether only the nonce was too old.
    pub stale: bool,
}

impl Challenge {
    /// Reads a WWW-Authenticate; None for an algorithm that nobody here knows.
    pub fn read(value: &str) -> Option<Self> {
        let algorithm = match field(value, "algorithm").unwrap_or("MD5") {
            "MD5" => Algorithm::Md5,
            "SHA-256" => Algorithm::Sha256,
            _ => return None,
        };
        Some(Self {
            realm: field(value, "realm")?.to_owned(),
            nonce: field(value, "nonce")?.to_owned(),
            algorithm,
            qop: field(value, "qop")
                .is_some_and(|offer| offer.split(',').any(|one| one.trim() == "auth")),
            stale: field(value, "stale").is_some_and(|stale| stale.eq_ignore_ascii_case("true")),
        })
    }

    /// The WWW-Authenticate for this challenge.
    pub fn header(&self) -> String {
        let (realm, nonce, name) = (&self.realm, &self.nonce, self.algorithm.name());
        format!("Digest realm=\"{realm}\", nonce=\"{nonce}\", algorithm={name}, qop=\"auth\"")
    }

    /// The Authorization that answers this challenge; `count` is the nc.
    pub fn answer(&self, method: &str, uri: &str, who: &Account, count: u32) -> String {
        let Account { user, password } = who;
        let (realm, nonce, hash) = (&self.realm, &self.nonce, self.algorithm);
        let secret = hash.hash(&format!("{user}:{realm}:{password}"));
        let request = hash.hash(&format!("{method}:{uri}"));
        let (proof, quality) = if self.qop {
            let client = "0a4f113b";
            let proof = hash.hash(&format!(
                "{secret}:{nonce}:{count:08x}:{client}:auth:{request}"
            ));
            (
                proof,
                format!(", qop=auth, nc={count:08x}, cnonce=\"{client}\""),
            )
        } else {
            (
                hash.hash(&format!("{secret}:{nonce}:{request}")),
                String::new(),
            )
        };
        format!(
            "Digest username=\"{user}\", realm=\"{realm}\", nonce=\"{nonce}\", uri=\"{uri}\", response=\"{proof}\", algorithm={}{quality}",
            hash.name()
        )
    }

    /// Whether an Authorization answers this challenge as that account; an error says what is wrong with it.
    pub fn verify(&self, authorization: &str, method: &str, who: &Account) -> Result<(), String> {
        let get = |name: &str| {
            field(authorization, name)
                .ok_or_else(|| format!("{name} is missing in {authorization}"))
        };
        for (name, wanted) in [
            ("username", &who.user),
            ("realm", &self.realm),
            ("nonce", &self.nonce),
        ] {
            if get(name)? != wanted {
                return Err(format!("{name} should be {wanted} in {authorization}"));
            }
        }
        let hash = self.algorithm;
        let secret = hash.hash(&format!("{}:{}:{}", who.user, self.realm, who.password));
        let request = hash.hash(&format!("{method}:{}", get("uri")?));
        let (count, client, quality) = (get("nc")?, get("cnonce")?, get("qop")?);
        let proof = hash.hash(&format!(
            "{secret}:{}:{count}:{client}:{quality}:{request}",
            self.nonce
        ));
        if get("response")? == proof {
            Ok(())
        } else {
            Err(format!("the response is wrong in {authorization}"))
        }
    }
}

/// A user name with its password.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Account {
    /// The user name.
    pub user: String,
    /// The password.
    pub password: String,
}

impl Account {
    /// An account of these two.
    pub fn new(user: &str, password: &str) -> Self {
        Self {
            user: user.to_owned(),
            password: password.to_owned(),
        }
    }
}

/// One field of a Digest header, unquoted.
pub fn field<'a>(header: &'a str, name: &str) -> Option<&'a str> {
    let mut rest = header.trim().strip_prefix("Digest")?;
    loop {
        rest = rest.trim_start_matches([' ', ',', '\t']);
        let (key, after) = rest.split_once('=')?;
        let (value, left) = match after.strip_prefix('"') {
            Some(quoted) => quoted.split_once('"')?,
            None => after.split_at(after.find(',').unwrap_or(after.len())),
        };
        if key.trim().eq_ignore_ascii_case(name) {
            return Some(value.trim());
        }
        rest = left;
    }
}
