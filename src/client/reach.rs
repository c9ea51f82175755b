//! How a command finds its server: address, TLS and password, from arguments, environment or the server's data folder.

use std::path::PathBuf;

use clap::Args;
use settings::{Secret, Settings};

use super::dial::{DialError, Server, Trust};
use crate::cli::Failure;

/// Arguments that say where the server is.
#[derive(Args, Clone, Debug)]
pub struct Reach {
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
    /// File that holds the password; a password on the command line would stand in the list of processes
    #[arg(long, value_name = "FILE")]
    password_file: Option<PathBuf>,
}

impl Reach {
    /// The server; on this machine where none is named, at `tcp` or `tls`.
    ///
    /// # Errors
    /// The address is none, or there is nobody to trust.
    pub fn server(&self, tcp: u16, tls: u16) -> Result<Server, Failure> {
        let trust = match (&self.ca, self.tls) {
            (_, false) => None,
            (_, true) if self.insecure => Some(Trust::Anybody),
            (Some(file), true) => Some(Trust::File(file.clone())),
            (None, true) => Some(self.own_certificate()?),
        };
        let port = if self.tls { tls } else { tcp };
        let address = match &self.server {
            Some(address) => address.clone(),
            None => format!("127.0.0.1:{port}"),
        };
        Ok(Server::at(&address, trust.as_ref())?)
    }

    /// The password in the file that is given, else from the environment variable `variable`, else as the server's own settings have it.
    ///
    /// # Errors
    /// There is none, or it cannot be read.
    pub fn password(
        &self,
        variable: &str,
        of: impl FnOnce(&Settings) -> &Secret,
    ) -> Result<String, Failure> {
        if let Some(file) = &self.password_file {
            let text = std::fs::read_to_string(file).map_err(|error| {
                Failure::Failed(format!("{} cannot be read: {error}", file.display()))
            })?;
            return Ok(text.trim_end_matches(['\r', '\n']).to_owned());
        }
        if let Ok(password) = std::env::var(variable) {
            return Ok(password);
        }
        let settings = settings::load(None, Some(&self.data))?;
        let secret = of(&settings);
        if secret.is_hashed() {
            return Err(Failure::Usage(format!(
                "the settings hold hashes of the password: set {variable} or --password-file"
            )));
        }
        match secret.expose() {
            "" => Err(Failure::Usage(format!(
                "no password: set {variable}, or name the server's data folder by --data ({} holds none)",
                self.data.join("secrets.toml").display()
            ))),
            password => Ok(password.to_owned()),
        }
    }

    fn own_certificate(&self) -> Result<Trust, Failure> {
        let file = self.data.join("certificate.pem");
        if file.exists() {
            return Ok(Trust::File(file));
        }
        Err(Failure::Usage(
            "--tls needs to know whom to trust: --ca FILE, --data DIR of the server, or --insecure"
                .to_owned(),
        ))
    }
}

impl From<DialError> for Failure {
    fn from(error: DialError) -> Self {
        match error {
            DialError::Address(_) | DialError::Certificates { .. } => {
                Self::Usage(error.to_string())
            }
            DialError::Unreachable { .. } => Self::Failed(error.to_string()),
        }
    }
}
