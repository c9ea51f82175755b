//! Licence codes: a number of phones and of lines, signed by the issuer of licences (Ed25519, RFC 8032).

use std::fmt;

use data_encoding::BASE32_NOPAD;
use ed25519_dalek::{Signature, Signer, SigningKey, VerifyingKey};

/// What a licence code grants.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Licence {
    /// Which licence it is: the same one counts once, however often its code is given.
    pub serial: u32,
    /// Phones that may be connected at a time.
    pub phones: u32,
    /// Lines that may be monitored at a time.
    pub lines: u32,
}

/// The issuer of licences, known by its public key.
#[derive(Clone, Debug)]
pub struct Issuer(VerifyingKey);

/// Why a licence code is invalid, as the rest of a sentence.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
pub enum CodeError {
    /// A character is missing, or one is wrong.
    #[error("is not a complete licence code; copy it again from its first letter to its last")]
    Garbled,
    /// This version does not know its format.
    #[error("is a licence code in a newer format; update the server")]
    Newer,
    /// The signature is not the issuer's.
    #[error("is not signed by the issuer of licences for this program")]
    Foreign,
}

/// The format of the codes that are written here.
const KIND: u8 = 1;
/// PermitKind, serial, phones and lines, each number in four octets, the highest first.
const CONTENT: usize = 13;
/// The prefix of the signed octets, so that a signature of anything else is not valid for a licence.
const CONTEXT: &[u8] = b"uacsta licence ";
/// Letters between two dashes.
const GROUP: usize = 8;

impl Issuer {
    /// The issuer with a public key, in 64 hexadecimal digits.
    pub fn of(key: &str) -> Option<Self> {
        let key: [u8; 32] = data_encoding::HEXLOWER_PERMISSIVE
            .decode(key.trim().as_bytes())
            .ok()?
            .try_into()
            .ok()?;
        VerifyingKey::from_bytes(&key).ok().map(Self)
    }

    /// The issuer whose private key this is.
    pub fn with(key: &SigningKey) -> Self {
        Self(key.verifying_key())
    }

    /// Reads a code; case, spaces, dashes and line breaks do not matter.
    ///
    /// # Errors
    /// What is wrong with it, as the rest of a sentence.
    pub fn read(&self, code: &str) -> Result<Licence, CodeError> {
        let letters: Vec<u8> = code
            .bytes()
            .filter(|byte| !byte.is_ascii_whitespace() && *byte != b'-')
            .map(|byte| byte.to_ascii_uppercase())
            .collect();
        let octets = BASE32_NOPAD
            .decode(&letters)
            .map_err(|_| CodeError::Garbled)?;
        if octets.first().is_some_and(|kind| *kind > KIND) {
            return Err(CodeError::Newer);
        }
        let (content, signature) = octets
            .split_first_chunk::<CONTENT>()
            .ok_or(CodeError::Garbled)?;
        let signature = Signature::from_slice(signature).map_err(|_| CodeError::Garbled)?;
        self.0
            .verify_strict(&signed(content), &signature)
            .map_err(|_| CodeError::Foreign)?;
        let [_, s0, s1, s2, s3, p0, p1, p2, p3, l0, l1, l2, l3] = *content;
        Ok(Licence {
            serial: u32::from_be_bytes([s0, s1, s2, s3]),
            phones: u32::from_be_bytes([p0, p1, p2, p3]),
            lines: u32::from_be_bytes([l0, l1, l2, l3]),
        })
    }
}

impl Licence {
    /// The code of a licence, signed by its issuer.
    pub fn code(&self, issuer: &SigningKey) -> String {
        let mut content = [KIND; CONTENT];
        for (place, number) in
            content[1..]
                .chunks_exact_mut(4)
                .zip([self.serial, self.phones, self.lines])
        {
            place.copy_from_slice(&number.to_be_bytes());
        }
        let signature = issuer.sign(&signed(&content)).to_bytes();
        let letters = BASE32_NOPAD.encode(&[&content[..], &signature].concat());
        let groups: Vec<&str> = (0..letters.len())
            .step_by(GROUP)
            .map(|at| &letters[at..letters.len().min(at + GROUP)])
            .collect();
        groups.join("-")
    }
}

impl fmt::Display for Licence {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            serial,
            phones,
            lines,
        } = self;
        write!(f, "licence {serial}: {phones} phones, {lines} lines")
    }
}

fn signed(content: &[u8; CONTENT]) -> Vec<u8> {
    [CONTEXT, content].concat()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn a_code_holds_for_its_issuer_alone() {
        let (ours, theirs) = (
            SigningKey::from_bytes(&[1; 32]),
            SigningKey::from_bytes(&[2; 32]),
        );
        let issuer = Issuer::with(&ours);
        let licence = Licence {
            serial: 7,
            phones: 25,
            lines: u32::MAX,
        };
        let code = licence.code(&ours);
        assert_eq!(code.len(), 124 + 15);
        let spoilt = |at: usize| {
            let letter = if &code[at..=at] == "A" { "B" } else { "A" };
            format!("{}{letter}{}", &code[..at], &code[at + 1..])
        };
        for (text, expected) in [
            (code.clone(), Ok(licence)),
            (code.to_lowercase(), Ok(licence)),
            (code.replace('-', "\n "), Ok(licence)),
            (licence.code(&theirs), Err(CodeError::Foreign)),
            (spoilt(10), Err(CodeError::Foreign)),
            (spoilt(100), Err(CodeError::Foreign)),
            (spoilt(0), Err(CodeError::Newer)),
            (code[..100].to_owned(), Err(CodeError::Garbled)),
            (format!("{code}AAAA"), Err(CodeError::Garbled)),
            (code.replace('A', "1"), Err(CodeError::Garbled)),
            (String::new(), Err(CodeError::Garbled)),
            ("é".to_owned(), Err(CodeError::Garbled)),
        ] {
            assert_eq!(issuer.read(&text), expected, "{text}");
        }
    }

    #[test]
    fn an_issuer_is_its_public_key() {
        let key = SigningKey::from_bytes(&[1; 32]);
        let public = data_encoding::HEXLOWER.encode(key.verifying_key().as_bytes());
        assert_eq!(Issuer::of(&public).unwrap().0, key.verifying_key());
        for wrong in ["", "00", &public[1..], &format!("{public}00")] {
            assert!(Issuer::of(wrong).is_none(), "{wrong}");
        }
    }
}
