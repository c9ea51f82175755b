//! `uacsta settings`: reloads a running server's configuration, and hashes passwords for it.

use std::io::{self, IsTerminal as _};

use ::uacsta_config::Secret;
use clap::{Args, Subcommand};
use reqwest::Method;
use serde_json::Value;
use uacsta_connect::{ApiArgs, CommandError, print};
use uacsta_schema::sip::digest::{Algorithm, Ha1};

/// The arguments of `settings`.
#[derive(Args, Debug)]
#[command(after_help = "Examples:
  uacsta settings reload
  uacsta settings hash ecsta < password.txt")]
pub(super) struct Settings {
    #[command(subcommand)]
    command: Command,
    #[command(flatten)]
    server: ApiArgs,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Reload the configuration of the running server, as SIGHUP does
    #[command(
        after_help = "The configuration is checked, then applied as a whole or not at all. Connections stay.

Examples:
  uacsta settings reload
  uacsta settings reload --server http://10.0.0.5:8080 --token-file cli.token"
    )]
    Reload,
    /// Print the hash of a client's password for a settings file
    #[command(
        after_help = "Asks for the password twice, without showing it, or reads it from a pipe. The hash replaces the
password in clients.password or an account; it is valid for this user and realm only.

Examples:
  uacsta settings hash ecsta < password.txt
  uacsta settings hash anna --realm pbx.example"
    )]
    Hash(Hash),
}

#[derive(Args, Debug)]
struct Hash {
    /// The user that logs on with the password, without a colon
    #[arg(value_parser = parse_user)]
    user: String,
    /// The realm, as in advanced.realm
    #[arg(long, default_value = "uacsta")]
    realm: String,
}

impl Settings {
    pub(super) fn run(self) -> Result<(), CommandError> {
        match self.command {
            Command::Hash(hash) => hash.run(),
            Command::Reload => {
                let path = "/api/v1/settings/reload";
                let _: Value = self.server.request(Method::POST, path, None)?;
                print(b"configuration reloaded\n")
            }
        }
    }
}

impl Hash {
    fn run(self) -> Result<(), CommandError> {
        let password = read_password()?;
        let hashes = [Algorithm::Md5, Algorithm::Sha256].map(|algorithm| {
            let hash = Ha1::new(algorithm, &self.user, &self.realm, &password).expose();
            (algorithm.as_str(), hash)
        });
        let hashed = Secret::hashed(hashes.iter().map(|(name, hash)| (*name, hash.as_str())));
        print(format!("{}\n", hashed.expose()).as_bytes())
    }
}

/// Asks for the password on a terminal, else reads a line of standard input.
fn read_password() -> Result<String, CommandError> {
    let failed = |error| CommandError::Failed(format!("standard input: {error}"));
    let password = if io::stdin().is_terminal() {
        let password = rpassword::prompt_password("Password: ").map_err(failed)?;
        check_length(&password)?;
        if rpassword::prompt_password("Again: ").map_err(failed)? != password {
            return Err(CommandError::Usage("the two passwords differ".to_owned()));
        }
        password
    } else {
        let mut line = String::new();
        io::stdin().read_line(&mut line).map_err(failed)?;
        line.trim_end_matches(['\r', '\n']).to_owned()
    };
    check_length(&password)?;
    Ok(password)
}

/// Rejects a colon, which separates the user from the realm in what is hashed (RFC 7616, section 3.4.2).
fn parse_user(user: &str) -> Result<String, &'static str> {
    match user {
        "" => Err("it is empty; name the user that logs on"),
        _ if user.contains(':') => {
            Err("a user name has no colon: digest authentication ends the name there")
        }
        _ => Ok(user.to_owned()),
    }
}

/// The least length of a password in characters.
const LEAST: usize = 10;

fn check_length(password: &str) -> Result<(), CommandError> {
    let why = match password.chars().count() {
        0 => "the password is empty; type one, or give it on standard input".to_owned(),
        length if length < LEAST => format!(
            "the password has {length} characters, but a hash of fewer than {LEAST} is soon guessed by whoever reads it; choose a longer one"
        ),
        _ => return Ok(()),
    };
    Err(CommandError::Usage(why))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn weak_password_and_user_with_a_colon_are_refused() {
        for (password, words) in [
            ("", "is empty"),
            ("123456789", "has 9 characters"),
            ("ääääääääää", ""),
            ("let me dial", ""),
        ] {
            let said = check_length(password).err().map(|error| error.to_string());
            let said = said.unwrap_or_default();
            assert!(said.contains(words), "{password}: {said}");
            assert_eq!(said.is_empty(), words.is_empty(), "{password}: {said}");
        }
        for (user, fits) in [("ecsta", true), ("a:b", false), ("", false)] {
            assert_eq!(parse_user(user).is_ok(), fits, "{user}");
        }
    }
}
