//! The build refuses an issuer of licences that is not a public key.

use ed25519_dalek::SigningKey;

#[allow(dead_code, clippy::print_stdout, reason = "its main runs in the build")]
#[path = "../../build.rs"]
mod build;

#[test]
fn mistyped_issuer_is_a_build_error() {
    let key = SigningKey::from_bytes(&[1; 32]).verifying_key();
    let key = data_encoding::HEXLOWER.encode(key.as_bytes());
    // A number that is no point of the curve: one digit of a real key is wrong.
    let mut off_curve = (0..16).map(|digit| format!("{}{digit:x}", &key[1..]));
    let off_curve = off_curve
        .find(|key| uacsta_actors::licence::code::Issuer::of(key).is_none())
        .unwrap();
    for (text, fits) in [
        (&*key, true),
        (&key.to_uppercase(), true),
        (&format!("{key}\n"), true),
        (&key[1..], false),
        (&format!("{key}0"), false),
        (&key.replace(['0', '8'], "O"), false),
        (&off_curve, false),
        ("", false),
    ] {
        let checked = build::check(text);
        assert_eq!(checked.is_ok(), fits, "{checked:?}");
    }
}
