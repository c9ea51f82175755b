//! Digest algorithms, HA1 and responses (RFC 7616, section 3.4; RFC 8760, section 2.1).

use std::fmt;

use md5::{Digest, Md5};
use sha2::Sha256;
use subtle::ConstantTimeEq;

/// A digest algorithm. The `-sess` variants are not supported, since no known phone uses them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Algorithm {
    /// `MD5`, supported by every phone; the default if the parameter is missing.
    Md5,
    /// `SHA-256` (RFC 8760).
    Sha256,
}

impl Algorithm {
    /// The algorithm for a token, ignoring case; `None` if unsupported.
    #[must_use]
    pub fn parse(token: &str) -> Option<Self> {
        [Self::Md5, Self::Sha256]
            .into_iter()
            .find(|known| known.as_str().eq_ignore_ascii_case(token))
    }

    /// The token in the `algorithm` parameter.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Md5 => "MD5",
            Self::Sha256 => "SHA-256",
        }
    }

    /// The length of a hash in hexadecimal digits.
    const fn digits(self) -> usize {
        match self {
            Self::Md5 => 32,
            Self::Sha256 => 64,
        }
    }

    /// The hash of the parts, joined by colons.
    pub(super) fn hash(self, parts: &[&[u8]]) -> Hex {
        fn hex<D: Digest>(parts: &[&[u8]]) -> Hex {
            let mut digest = D::new();
            for (place, part) in parts.iter().enumerate() {
                if place > 0 {
                    digest.update(b":");
                }
                digest.update(part);
            }
            Hex::new(&digest.finalize())
        }
        match self {
            Self::Md5 => hex::<Md5>(parts),
            Self::Sha256 => hex::<Sha256>(parts),
        }
    }
}

impl fmt::Display for Algorithm {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// The hash of user, realm and password (RFC 7616, section 3.4.2), which suffices to verify a log-on.
/// Within its realm it is equivalent to the password; `Debug` does not print it.
#[derive(Clone)]
pub struct Ha1 {
    algorithm: Algorithm,
    hash: Hex,
}

impl Ha1 {
    /// Hashes user, realm and password.
    #[must_use]
    pub fn new(algorithm: Algorithm, user: &str, realm: &str, password: &str) -> Self {
        let hash = algorithm.hash(&[user.as_bytes(), realm.as_bytes(), password.as_bytes()]);
        Self { algorithm, hash }
    }

    /// Reads a stored hash in hexadecimal digits; `None` if its length does not match the algorithm.
    #[must_use]
    pub fn stored(algorithm: Algorithm, hash: &str) -> Option<Self> {
        let hash = Hex::read(hash, algorithm.digits())?;
        Some(Self { algorithm, hash })
    }

    /// The hash in hexadecimal digits, for storage. Protect it like a password.
    #[must_use]
    pub fn expose(&self) -> String {
        self.hash.to_string()
    }

    /// The algorithm of the hash.
    #[must_use]
    pub const fn algorithm(&self) -> Algorithm {
        self.algorithm
    }

    /// The response to a nonce (RFC 7616, section 3.4.1); `protection` is nc, cnonce and qop, or `None` without qop.
    pub(super) fn response(
        &self,
        nonce: &str,
        protection: Option<[&str; 3]>,
        method: &str,
        uri: &str,
    ) -> Hex {
        let ha2 = self.algorithm.hash(&[method.as_bytes(), uri.as_bytes()]);
        let (ha1, nonce, ha2) = (self.hash.as_bytes(), nonce.as_bytes(), ha2.as_bytes());
        match protection.map(|parts| parts.map(str::as_bytes)) {
            Some([nc, cnonce, qop]) => self.algorithm.hash(&[ha1, nonce, nc, cnonce, qop, ha2]),
            None => self.algorithm.hash(&[ha1, nonce, ha2]),
        }
    }
}

impl fmt::Debug for Ha1 {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Ha1({}, ...)", self.algorithm)
    }
}

/// A hash in lower-case hexadecimal digits.
#[derive(Clone)]
pub(super) struct Hex {
    digits: [u8; 64],
    length: usize,
}

impl Hex {
    fn new(hash: &[u8]) -> Self {
        let mut digits = [0; 64];
        for (pair, byte) in digits.chunks_exact_mut(2).zip(hash) {
            for (digit, nibble) in pair.iter_mut().zip([byte >> 4, byte & 15]) {
                *digit = if nibble < 10 {
                    b'0' + nibble
                } else {
                    b'a' + nibble - 10
                };
            }
        }
        Self {
            digits,
            length: (2 * hash.len()).min(64),
        }
    }

    /// Reads exactly `length` digits in any case.
    fn read(text: &str, length: usize) -> Option<Self> {
        let mut digits = [0; 64];
        let place = digits.get_mut(..length)?;
        if text.len() != length || !text.bytes().all(|digit| digit.is_ascii_hexdigit()) {
            return None;
        }
        place.copy_from_slice(text.to_ascii_lowercase().as_bytes());
        Some(Self { digits, length })
    }

    pub(super) fn as_bytes(&self) -> &[u8] {
        self.digits.get(..self.length).unwrap_or_default()
    }

    /// Compares with a text in constant time, ignoring case.
    pub(super) fn is(&self, text: &str) -> bool {
        text.to_ascii_lowercase()
            .as_bytes()
            .ct_eq(self.as_bytes())
            .into()
    }
}

impl fmt::Display for Hex {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.as_bytes()
            .iter()
            .try_for_each(|digit| write!(f, "{}", char::from(*digit)))
    }
}
