//! Reads a secret from the terminal or a pipe, so that it is in no process list.

use std::io::{self, IsTerminal as _};

use uacsta_connect::CommandError;

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

/// The same for a password of somebody who logs on to the server.
pub(in crate::cli) fn read_password() -> Result<String, CommandError> {
    read_secret("Password: ", |password| {
        if password.chars().count() < 10 {
            let why = "the password has fewer than 10 characters; choose a longer one";
            return Err(CommandError::Usage(why.to_owned()));
        }
        Ok(())
    })
}
