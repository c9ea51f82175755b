//! Reads a secret from the terminal or a pipe, so that it is in no process list.

use std::io::{self, IsTerminal as _};

use uacsta_connect::CommandError;

use crate::password_policy::weakness;

/// Asks for a secret twice on a terminal, else reads a line of standard input.
pub(in crate::cli) fn read_secret(
    prompt: &str,
    check: impl Fn(&str) -> Result<(), CommandError>,
) -> Result<String, CommandError> {
    let failed = |error| CommandError::Failed(format!("standard input: {error}"));
    let secret = if io::stdin().is_terminal() {
        let secret = rpassword::prompt_password(prompt).map_err(failed)?;
        check(&secret)?;
        if rpassword::prompt_password("Again: ").map_err(failed)? != secret {
            return Err(CommandError::Usage("the two inputs differ".to_owned()));
        }
        secret
    } else {
        let mut line = String::new();
        io::stdin().read_line(&mut line).map_err(failed)?;
        line.trim_end_matches(['\r', '\n']).to_owned()
    };
    check(&secret)?;
    Ok(secret)
}

/// The same for a password of somebody who logs on with this name.
pub(in crate::cli) fn read_password(name: &str) -> Result<String, CommandError> {
    read_secret("Password: ", |password| check_password(password, name))
}

fn check_password(password: &str, name: &str) -> Result<(), CommandError> {
    let why = match weakness(password, &[name]) {
        _ if password.is_empty() => {
            "the password is empty; type one, or give it on standard input".to_owned()
        }
        Some(weakness) => format!("the password {weakness}"),
        None => return Ok(()),
    };
    Err(CommandError::Usage(why))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn weak_password_is_refused() {
        for (password, words) in [
            ("", "is empty"),
            ("123456789", "has fewer than 10 characters"),
            ("grün ähnö", "has fewer than 10 characters"),
            ("1234567890", "is easily guessed"),
            ("let me dial", ""),
        ] {
            let said = check_password(password, "ecsta")
                .err()
                .map(|error| error.to_string());
            let said = said.unwrap_or_default();
            assert!(said.contains(words), "{password}: {said}");
            assert_eq!(said.is_empty(), words.is_empty(), "{password}: {said}");
        }
    }
}
