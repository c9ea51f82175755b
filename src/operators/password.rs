//! Hashes of operators' passwords: Argon2id with 19 MiB, two passes and one lane (RFC 9106).

use argon2::{Algorithm, Argon2, Params, Version};
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};
use subtle::ConstantTimeEq as _;

use super::OperatorError;

/// The hash of a password.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
pub(super) struct PasswordHash {
    /// In KiB.
    memory: u32,
    passes: u32,
    salt: [u8; 16],
    hash: [u8; 32],
}

/// Tells a password of an operator from a former one, also from one of the same letters. Sessions and links are good as long as
/// the password is that with which they began.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum PasswordId {
    /// The hash of the salted hash.
    Operator([u8; 32]),
    /// The number of the administrator's password since the start.
    Administrator(u64),
}

const MEMORY: u32 = 19_456;
const PASSES: u32 = 2;

impl PasswordHash {
    pub(super) fn new(password: &str) -> Result<Self, OperatorError> {
        let mut salt = [0; 16];
        getrandom::fill(&mut salt).map_err(|error| OperatorError::Hash(error.to_string()))?;
        let mut made = Self {
            memory: MEMORY,
            passes: PASSES,
            salt,
            hash: [0; 32],
        };
        made.hash = made.of(password)?;
        Ok(made)
    }

    pub(super) fn id(&self) -> PasswordId {
        let hash = Sha256::new_with_prefix(self.salt).chain_update(self.hash);
        PasswordId::Operator(hash.finalize().into())
    }

    /// Whether the hash is that of the password. Without a hash it takes as long.
    pub(super) fn verify(hash: Option<&Self>, password: &str) -> bool {
        let unknown = Self {
            memory: MEMORY,
            passes: PASSES,
            salt: [0; 16],
            hash: [0; 32],
        };
        let expected = hash.unwrap_or(&unknown);
        let fits = expected
            .of(password)
            .is_ok_and(|own| bool::from(own.ct_eq(&expected.hash)));
        fits && hash.is_some()
    }

    fn of(&self, password: &str) -> Result<[u8; 32], OperatorError> {
        let failed = |error: argon2::Error| OperatorError::Hash(error.to_string());
        let params = Params::new(self.memory, self.passes, 1, Some(32)).map_err(failed)?;
        let mut hash = [0; 32];
        Argon2::new(Algorithm::Argon2id, Version::V0x13, params)
            .hash_password_into(password.as_bytes(), &self.salt, &mut hash)
            .map_err(failed)?;
        Ok(hash)
    }
}
