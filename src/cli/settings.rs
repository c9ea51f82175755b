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
        after_help = "Asks for the password twice, without showing it, or reads it from a pipe. The hash replaces the password in clients.password or an account; it is valid for
this user and realm only.

Examples:
  uacsta settings hash ecsta < password.txt
  uacsta settings hash anna --realm pbx.example"
    )]
    Hash(Hash),
}

#[derive(Args, Debug)]
struct Hash {
    /// The user that logs on with the password
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
                let _: Value = self.server.request(Method::POST, "/api/reload", None)?;
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
        if rpassword::prompt_password("Again: ").map_err(failed)? != password {
            return Err(CommandError::Usage("the two passwords differ".to_owned()));
        }
        password
    } else {
        let mut line = String::new();
        io::stdin().read_line(&mut line).map_err(failed)?;
        line.trim_end_matches(['\r', '\n']).to_owned()
    };
    if password.is_empty() {
        return Err(CommandError::Usage(
            "the password is empty; type one, or give it on standard input".to_owned(),
        ));
    }
    Ok(password)
}
