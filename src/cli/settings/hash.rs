//! `uacsta settings hash`: the hash of a client's password for a settings file.

use ::uacsta_config::Secret;
use clap::Args;
use uacsta_connect::{CommandError, print};
use uacsta_schema::sip::digest::{Algorithm, Ha1};

use super::secret_input::read_password;

#[derive(Args, Debug)]
pub(super) struct Hash {
    /// The user that logs on with the password, without a colon
    #[arg(value_parser = parse_user)]
    user: String,
    /// The realm, as in advanced.realm
    #[arg(long, default_value = "uacsta")]
    realm: String,
}

impl Hash {
    pub(super) fn run(self) -> Result<(), CommandError> {
        let password = read_password(&self.user)?;
        let hashes = [Algorithm::Md5, Algorithm::Sha256].map(|algorithm| {
            let hash = Ha1::new(algorithm, &self.user, &self.realm, &password).expose();
            (algorithm.as_str(), hash)
        });
        let hashed = Secret::hashed(hashes.iter().map(|(name, hash)| (*name, hash.as_str())));
        print(format!("{}\n", hashed.expose()).as_bytes())
    }
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn user_with_a_colon_is_refused() {
        for (user, fits) in [("ecsta", true), ("a:b", false), ("", false)] {
            assert_eq!(parse_user(user).is_ok(), fits, "{user}");
        }
    }
}
