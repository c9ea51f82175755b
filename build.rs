//! Refuses to build a program whose `UACSTA_ISSUER` is not a public key: it would run without a limit.

use ed25519_dalek::VerifyingKey;

fn main() {
    println!("cargo::rerun-if-changed=build.rs");
    println!("cargo::rerun-if-env-changed=UACSTA_ISSUER");
    if let Some(key) = std::env::var_os("UACSTA_ISSUER")
        && let Err(wrong) = check(&key.to_string_lossy())
    {
        println!("cargo::error={wrong}");
    }
}

/// Checks the public key of a licence issuer.
///
/// # Errors
/// What is wrong with it.
pub(crate) fn check(key: &str) -> Result<(), String> {
    let octets = data_encoding::HEXLOWER_PERMISSIVE.decode(key.trim().as_bytes());
    let octets: Option<[u8; 32]> = octets.ok().and_then(|octets| octets.try_into().ok());
    if octets.is_some_and(|octets| VerifyingKey::from_bytes(&octets).is_ok()) {
        return Ok(());
    }
    Err(format!(
        "UACSTA_ISSUER is {key:?}, but must be the 64 hexadecimal digits that `uacsta licenses key` prints; unset it for a program without licences"
    ))
}
