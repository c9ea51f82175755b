//! Which passwords people may choose: not short, and not among those that are guessed first.

use std::collections::HashSet;

use zxcvbn::{Score, zxcvbn};

/// The fewest characters of a password.
pub const LEAST: usize = 10;

/// Why a password is not secure; displayed as what it is or has.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
pub enum Weakness {
    /// It is too short.
    #[error("has fewer than {LEAST} characters; choose a longer one")]
    Short,
    /// It is found within a million tries.
    #[error(
        "is easily guessed; choose several words or random letters, no common password, name, date or row of keys with little added"
    )]
    Guessable,
}

/// The weakness of a password that somebody with these names chose.
///
/// How many tries a password takes is estimated from lists of common passwords, words and names, dates, rows of keys and
/// repetitions.
pub fn weakness(password: &str, names: &[&str]) -> Option<Weakness> {
    if password.chars().count() < LEAST {
        return Some(Weakness::Short);
    }
    if is_long(password) {
        return None;
    }
    let names: Vec<&str> = names.iter().copied().chain(["uacsta", "csta"]).collect();
    let is_guessable = zxcvbn(password, &names).score() < Score::Two;
    is_guessable.then_some(Weakness::Guessable)
}

/// Whether it is as long and mixed as those that the server generates, which need no estimate: its lists take 8 MiB.
fn is_long(password: &str) -> bool {
    let kinds: HashSet<char> = password.chars().collect();
    password.chars().count() >= 20 && kinds.len() >= 8
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn common_passwords_and_small_changes_of_them_are_weak() {
        for password in [
            "1234567890",
            "qwertyuiop",
            "password12",
            "Password123",
            "Passw0rd123",
            "aaaaaaaaaaaa",
            "abcdefghijkl",
            "letmeinletmein",
            "administrator",
            "21.03.1984",
            "annaannaanna",
            "annaannaannaannaannaanna",
            "passwort123",
            "uacstauacsta",
        ] {
            let found = weakness(password, &["Anna"]);
            assert_eq!(found, Some(Weakness::Guessable), "{password}");
        }
        for password in ["", "123456789", "k7#mQz!2x"] {
            assert_eq!(weakness(password, &[]), Some(Weakness::Short), "{password}");
        }
    }

    #[test]
    fn several_words_and_random_letters_are_not_weak() {
        for password in [
            "seven quiet lamps",
            "let me dial",
            "correct horse",
            "grüne Türen zählen",
            "manage-me-7cf1",
            "k7#mQz!2xW",
            &"seven quiet lamps ".repeat(50),
        ] {
            assert_eq!(weakness(password, &["Anna"]), None, "{password}");
        }
    }
}
