//! The hashes of digest and what is made with them (RFC 7616, section 3.4.2; RFC 8760, section 2.1).

use std::fmt;

use md5::{Digest, Md5};
use sha2::Sha256;
use subtle::ConstantTimeEq;

/// A hash that challenge and credentials agree on. The `-sess` variants are not known here: no phone asks for them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Algorithm {
    /// `MD5`, which every phone has and which counts when none is named.
    Md5,
    /// `SHA-256` (RFC 8760).
    Sha256,
}

impl Algorithm {
    /// The algorithm that a token of any case names.
    #[must_use]
    pub fn parse(token: &str) -> Option<Self> {
        [Self::Md5, Self::Sha256]
            .into_iter()
            .find(|known| known.as_str().eq_ignore_ascii_case(token))
    }

    /// The token.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Md5 => "MD5",
            Self::Sha256 => "SHA-256",
        }
    }

    /// How many hexadecimal digits a hash has.
    const fn digits(self) -> usize {
        match self {
            Self::Md5 => 32,
            Self::Sha256 => 64,
        }
    }

    /// The hash of the parts with a colon between each two.
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

/// The hash of user, realm and password (RFC 7616, section 3.4.2): all that a server has to keep to verify a log-on.
/// It is as good as the password for its realm and never shown.
#[derive(Clone)]
pub struct Ha1 {
    algorithm: Algorithm,
    hash: Hex,
}

impl Ha1 {
    /// Hashes what a user knows.
    #[must_use]
    pub fn new(algorithm: Algorithm, user: &str, realm: &str, password: &str) -> Self {
        let hash = algorithm.hash(&[user.as_bytes(), realm.as_bytes(), password.as_bytes()]);
        Self { algorithm, hash }
    }

    /// The hash as it is stored, in hexadecimal digits; none if it is not as long as the algorithm's.
    #[must_use]
    pub fn stored(algorithm: Algorithm, hash: &str) -> Option<Self> {
        let hash = Hex::read(hash, algorithm.digits())?;
        Some(Self { algorithm, hash })
    }

    /// The hash, to be stored: whoever has it can log on in its realm.
    #[must_use]
    pub fn expose(&self) -> String {
        self.hash.to_string()
    }

    /// The algorithm that made it.
    #[must_use]
    pub const fn algorithm(&self) -> Algorithm {
        self.algorithm
    }

    /// The response to a nonce (RFC 7616, section 3.4.1); `protection` is nc, cnonce and qop where there is a qop.
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

    /// So many digits, of any case.
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

    /// Whether a text is these digits in any case, in a time that does not tell how many agree.
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
