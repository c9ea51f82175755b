//! `uacsta check-config`: whether a configuration would serve.

use std::path::PathBuf;

use clap::Args;
use settings::Profiles;

use super::{Failure, print};
use crate::net::tls::{self, Identity};

/// The arguments of `check-config`.
#[derive(Args, Debug)]
#[command(
    after_help = "The conf.d folder beside the file and UACSTA__ variables count as they do for serve.

Examples:
  uacsta check-config /etc/uacsta/uacsta.toml
  uacsta check-config --config /etc/uacsta/uacsta.toml --data /var/lib/uacsta"
)]
pub(super) struct CheckConfig {
    /// Configuration file (TOML); without it the defaults and the environment are checked
    #[arg(value_name = "FILE")]
    file: Option<PathBuf>,
    /// The same, spelt as for serve
    #[arg(long, value_name = "FILE", conflicts_with = "file")]
    config: Option<PathBuf>,
    /// Data folder whose admin.toml and phones/*.toml are checked too
    #[arg(long, value_name = "DIR")]
    data: Option<PathBuf>,
}

impl CheckConfig {
    pub(super) fn run(self) -> Result<(), Failure> {
        let file = self.file.or(self.config);
        let settings = settings::load(file.as_deref(), self.data.as_deref())?;
        Profiles::load(self.data.as_deref())?;
        if let (Some(certificate), Some(key)) = (&settings.tls.certificate, &settings.tls.key) {
            Identity::read(certificate, key)
                .map_err(|error| Failure::Usage(format!("tls.certificate: {error}")))?;
        }
        for (side, authority) in [
            ("phones", &settings.phones.trusted_authority),
            ("clients", &settings.clients.trusted_authority),
        ] {
            let Some(authority) = authority else { continue };
            tls::authorities(authority, false)
                .map_err(|error| Failure::Usage(format!("{side}.trusted_authority: {error}")))?;
        }
        let name = file.map_or_else(
            || "the configuration".to_owned(),
            |file| file.display().to_string(),
        );
        print(format!("{name} is fine\n").as_bytes())
    }
}
