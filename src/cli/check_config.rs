//! `uacsta check-config`: whether a configuration would serve.

use std::path::PathBuf;

use clap::Args;
use uacsta_connect::{CommandError, print, sentence};

use crate::Server;

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
    /// Data folder that is checked too: whether it can be written, and what lies in it; nothing is made
    #[arg(long, value_name = "DIR")]
    data: Option<PathBuf>,
}

impl CheckConfig {
    pub(super) fn run(self) -> Result<(), CommandError> {
        let file = self.file.or(self.config);
        let data = self.data.as_deref();
        let settings = uacsta_config::load(file.as_deref(), data)?;
        let weaknesses = Server::default()
            .check(&settings, data)
            .map_err(|error| CommandError::Usage(sentence(&error)))?;
        let name = file.map_or_else(
            || "the configuration".to_owned(),
            |file| file.display().to_string(),
        );
        let mut said = format!("{name} is fine\n");
        if let Some(data) = data.filter(|data| !data.exists()) {
            let data = data.display();
            said +=
                &format!("note: there is no data folder {data} yet; the first start makes it\n");
        }
        for weakness in weaknesses {
            said += &format!("warning: {weakness}\n");
        }
        print(said.as_bytes())
    }
}
