//! Properties: digest challenges and credentials round-trip; the response proves the password (RFC 7616, section 3.4).

use uacsta_schema::sip::{
    digest::{Challenge, Credentials, Ha1},
    nonce::{Nonce, NonceKey},
};

/// Input: the value of an Authorization or WWW-Authenticate header field.
pub(crate) fn holds(value: &[u8]) {
    let Ok(value) = str::from_utf8(value) else {
        return;
    };
    if let Ok(credentials) = Credentials::parse(value) {
        let printed = credentials.to_string();
        assert_eq!(
            Credentials::parse(&printed),
            Ok(credentials.clone()),
            "{printed}"
        );
        assert!(!format!("{credentials:?}").contains(" response:"));
        let ha1 = Ha1::new(credentials.algorithm, "not", "known", "to anybody");
        assert!(!credentials.verifies(&ha1, "REGISTER"));
        assert!(!credentials.verifies_without_qop(&ha1, "REGISTER"));
        nonce(credentials.nonce);
    }
    if let Ok(challenge) = Challenge::parse(value) {
        let printed = challenge.to_string();
        assert_eq!(Challenge::parse(&printed), Ok(challenge), "{printed}");
        is_answered(&challenge);
    }
}

fn is_answered(challenge: &Challenge<'_>) {
    let answer = challenge.answer("000413aabbcc", "secret", "INFO", "sip:a@h", 10, "c");
    let printed = answer.to_string();
    let read = Credentials::parse(&printed).expect("printed credentials can be read");
    assert_eq!(read, answer, "{printed}");
    let proves = |password, method| {
        let ha1 = Ha1::new(
            challenge.algorithm,
            "000413aabbcc",
            challenge.realm,
            password,
        );
        if challenge.qop {
            read.verifies(&ha1, method)
        } else {
            read.verifies_without_qop(&ha1, method)
        }
    };
    assert!(proves("secret", "INFO"), "{printed}");
    assert!(
        !proves("guess", "INFO") && !proves("secret", "BYE"),
        "{printed}"
    );
}

/// A nonce verifies only with the key that made it.
fn nonce(text: &str) {
    let key = NonceKey::new([7; 32]);
    assert_eq!(key.check(text, 1_000, 300, b"realm"), Nonce::Forged);
    let minted = key.mint(1_000, text.len() as u64, text.as_bytes());
    let fresh = Nonce::Fresh {
        salt: text.len() as u64,
        minted: 1_000,
    };
    assert_eq!(
        key.check(minted.as_str(), 1_000, 300, text.as_bytes()),
        fresh
    );
}
