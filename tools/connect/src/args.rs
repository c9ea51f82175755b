//! Arguments that say where the server is, and what follows from them: address, TLS trust and password.

use std::path::PathBuf;

use clap::Args;
use uacsta_config::{Secret, Settings};

use crate::{CommandError, ServerAddress, Trust, data_dir};

/// The server's data folder.
#[derive(Args, Clone, Debug)]
pub struct DataArgs {
    /// Data folder: phone list, passwords, certificate, logs
    #[arg(
        long = "data",
        value_name = "DIR",
        env = "STATE_DIRECTORY",
        default_value = "uacsta-data"
    )]
    pub folder: PathBuf,
}

/// Where the server is and how to log on.
#[derive(Args, Clone, Debug)]
pub struct ConnectArgs {
    /// The server: HOST:PORT
    #[arg(long, value_name = "HOST:PORT")]
    server: Option<String>,
    /// Connect by TLS
    #[arg(long)]
    tls: bool,
    /// With --tls: accept any certificate
    #[arg(long, requires = "tls", conflicts_with = "ca")]
    insecure: bool,
    /// With --tls: trust the certificates in this PEM file, instead of certificate.pem in the data folder
    #[arg(long, value_name = "FILE", requires = "tls")]
    ca: Option<PathBuf>,
    /// The server's data folder, for its passwords and its certificate
    #[arg(
        long,
        value_name = "DIR",
        env = "STATE_DIRECTORY",
        default_value = "uacsta-data"
    )]
    data: PathBuf,
    /// File with the password; other users of the machine could read a password on the command line
    #[arg(long, value_name = "FILE")]
    password_file: Option<PathBuf>,
}

impl ConnectArgs {
    /// The server's address. Without `--server`, this machine at port `tcp`, or `tls` with `--tls`.
    ///
    /// # Errors
    /// The address is invalid, or no certificate to trust is known.
    pub fn server(&self, tcp: u16, tls: u16) -> Result<ServerAddress, CommandError> {
        let trust = match (&self.ca, self.tls) {
            (_, false) => None,
            (_, true) if self.insecure => Some(Trust::AnyCertificate),
            (Some(file), true) => Some(Trust::File(file.clone())),
            (None, true) => Some(self.own_certificate()?),
        };
        let port = if self.tls { tls } else { tcp };
        let address = match &self.server {
            Some(address) => address.clone(),
            None => format!("127.0.0.1:{port}"),
        };
        Ok(ServerAddress::new(&address, trust.as_ref())?)
    }

    /// The password: from `--password-file`, else from the environment variable `variable`, else from the server's settings.
    ///
    /// # Errors
    /// None of them has the password, or a file cannot be read.
    pub fn password(
        &self,
        variable: &str,
        of: impl FnOnce(&Settings) -> &Secret,
    ) -> Result<String, CommandError> {
        if let Some(file) = &self.password_file {
            let text = std::fs::read_to_string(file).map_err(|error| {
                CommandError::Failed(format!("{} cannot be read: {error}", file.display()))
            })?;
            return Ok(text.trim_end_matches(['\r', '\n']).to_owned());
        }
        if let Ok(password) = std::env::var(variable) {
            return Ok(password);
        }
        let settings = uacsta_config::load(None, Some(&self.data))?;
        let secret = of(&settings);
        if secret.is_hashed() {
            return Err(CommandError::Usage(format!(
                "the settings contain only hashes of the password: set {variable} or --password-file"
            )));
        }
        match secret.expose() {
            "" => Err(CommandError::Usage(format!(
                "no password: set {variable}, or give the server's data folder with --data ({} has none)",
                self.data.join(data_dir::SECRETS).display()
            ))),
            password => Ok(password.to_owned()),
        }
    }

    fn own_certificate(&self) -> Result<Trust, CommandError> {
        let file = self.data.join(data_dir::CERTIFICATE);
        if file.exists() {
            return Ok(Trust::File(file));
        }
        Err(CommandError::Usage(
            "--tls needs a certificate to trust: --ca FILE, --data DIR of the server, or --insecure"
                .to_owned(),
        ))
    }
}
