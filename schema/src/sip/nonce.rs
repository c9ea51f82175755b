//! Signed nonces, so that the server stores nothing per challenge (RFC 7616, section 5.4).

use std::fmt;

use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;
use subtle::ConstantTimeEq;

/// The server's key for signing nonces.
pub struct NonceKey(Hmac<Sha256>);

/// A nonce in hexadecimal digits, for a challenge.
#[derive(Debug)]
pub struct Minted([u8; DIGITS]);

/// Hexadecimal digits of a nonce: 64 bits of time, 64 bits of salt and 128 bits of HMAC.
const DIGITS: usize = 64;

/// The result of verifying a nonce.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Nonce {
    /// Valid.
    Fresh {
        /// Identifies the nonce in a replay window.
        salt: u64,
        /// When it was made, in the unit of [`NonceKey::mint`].
        minted: u64,
    },
    /// Signed by this server, but expired, or from the future after a clock change: challenge again with `stale`.
    Stale,
    /// Not signed by this server for this binding.
    Forged,
}

impl NonceKey {
    /// Makes a key from 32 random bytes.
    #[must_use]
    pub fn new(key: [u8; 32]) -> Self {
        Self(Hmac::new_from_slice(&key).expect("HMAC takes a key of any length"))
    }

    /// Makes a nonce of 64 hexadecimal digits: time, salt, and 128 bits of HMAC-SHA256 over both and the binding.
    /// `now` is in a unit of the caller's, `salt` must be unique per nonce, and `binding` is the scope of the nonce, such as a
    /// realm or an address.
    #[must_use]
    pub fn mint(&self, now: u64, salt: u64, binding: &[u8]) -> Minted {
        let tag = self.tag(now, salt, binding);
        let parts = now.to_be_bytes().into_iter().chain(salt.to_be_bytes());
        let mut digits = [0; DIGITS];
        for (pair, byte) in digits.chunks_exact_mut(2).zip(parts.chain(tag)) {
            pair.copy_from_slice(&[digit(byte >> 4), digit(byte & 15)]);
        }
        Minted(digits)
    }

    /// Verifies a nonce and its age of at most `life`; `now` and `life` are in the unit of [`Self::mint`]. The comparison takes
    /// constant time.
    #[must_use]
    pub fn check(&self, nonce: &str, now: u64, life: u64, binding: &[u8]) -> Nonce {
        let Some((minted, salt, tag)) = parts(nonce) else {
            return Nonce::Forged;
        };
        if !bool::from(self.tag(minted, salt, binding).ct_eq(&tag)) {
            Nonce::Forged
        } else if now.abs_diff(minted) > life {
            Nonce::Stale
        } else {
            Nonce::Fresh { salt, minted }
        }
    }

    fn tag(&self, minted: u64, salt: u64, binding: &[u8]) -> [u8; 16] {
        let mut hmac = self.0.clone();
        hmac.update(b"uacsta nonce");
        hmac.update(&minted.to_be_bytes());
        hmac.update(&salt.to_be_bytes());
        hmac.update(binding);
        let mut tag = [0; 16];
        for (byte, made) in tag.iter_mut().zip(hmac.finalize().into_bytes()) {
            *byte = made;
        }
        tag
    }
}

impl fmt::Debug for NonceKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("NonceKey(...)")
    }
}

impl Minted {
    /// The hexadecimal digits.
    #[must_use]
    pub fn as_str(&self) -> &str {
        std::str::from_utf8(&self.0).unwrap_or_default()
    }
}

/// The hexadecimal digit of a value below 16.
const fn digit(value: u8) -> u8 {
    if value < 10 {
        b'0' + value
    } else {
        b'a' + value - 10
    }
}

/// The time, salt and tag of a nonce; `None` unless it has 64 hexadecimal digits.
fn parts(nonce: &str) -> Option<(u64, u64, [u8; 16])> {
    if nonce.len() != DIGITS || !nonce.bytes().all(|byte| byte.is_ascii_hexdigit()) {
        return None;
    }
    let minted = u64::from_str_radix(nonce.get(..16)?, 16).ok()?;
    let salt = u64::from_str_radix(nonce.get(16..32)?, 16).ok()?;
    let tag = u128::from_str_radix(nonce.get(32..)?, 16).ok()?;
    Some((minted, salt, tag.to_be_bytes()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fresh_stale_and_forged_nonces_are_distinguished() {
        let key = NonceKey::new([7; 32]);
        let minted = key.mint(1_000, 42, b"realm");
        let nonce = minted.as_str();
        let check = |nonce: &str, now, binding: &[u8], expected| {
            assert_eq!(
                key.check(nonce, now, 300, binding),
                expected,
                "{nonce} at {now}"
            );
        };
        let fresh = |salt, minted| Nonce::Fresh { salt, minted };
        check(nonce, 1_000, b"realm", fresh(42, 1_000));
        check(nonce, 1_300, b"realm", fresh(42, 1_000));
        check(nonce, 1_301, b"realm", Nonce::Stale);
        check(nonce, 699, b"realm", Nonce::Stale);
        check(nonce, 1_000, b"other", Nonce::Forged);
        check(&nonce.replace("2a", "2b"), 1_000, b"realm", Nonce::Forged);
        check(
            nonce.get(1..).unwrap_or_default(),
            1_000,
            b"realm",
            Nonce::Forged,
        );
        check("", 1_000, b"realm", Nonce::Forged);
        check(&"é".repeat(32), 1_000, b"realm", Nonce::Forged);
        check(&"+".repeat(64), 1_000, b"realm", Nonce::Forged);
        assert_eq!(
            NonceKey::new([8; 32]).check(nonce, 1_000, 300, b"realm"),
            Nonce::Forged
        );
        assert_eq!(
            key.check(key.mint(u64::MAX, u64::MAX, b"").as_str(), u64::MAX, 0, b""),
            fresh(u64::MAX, u64::MAX)
        );
    }

    #[test]
    fn nonces_differ() {
        let key = NonceKey::new([7; 32]);
        let mint = |now, salt| key.mint(now, salt, b"").as_str().to_owned();
        assert_ne!(mint(1, 1), mint(1, 2));
        assert_ne!(mint(1, 1), mint(2, 1));
        assert_eq!(format!("{key:?}"), "NonceKey(...)");
    }
}
