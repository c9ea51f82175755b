//! `uacsta check-config`: checks a configuration, and what a start in a data folder would find.

use std::path::PathBuf;

use clap::Args;
use uacsta_connect::{CommandError, DataArgs, print, sentence};

use super::serve::check_kind;
use crate::Server;

/// The arguments of `check-config`.
#[derive(Args, Debug)]
#[command(
    after_help = "The conf.d folder beside the file and UACSTA__ variables are read as by serve. The files of the data
folder, if there is one, are checked too, and whether the addresses can be listened on; those of the
folder's running server are fine. Nothing is written.

Examples:
  uacsta check-config /etc/uacsta/uacsta.toml
  uacsta check-config --config /etc/uacsta/uacsta.toml --data /var/lib/uacsta"
)]
pub(super) struct CheckConfig {
    /// Configuration file (TOML) [default: built-in settings and environment]
    #[arg(value_name = "FILE")]
    file: Option<PathBuf>,
    /// The same as FILE
    #[arg(long, value_name = "FILE", conflicts_with = "file")]
    config: Option<PathBuf>,
    #[command(flatten)]
    data: DataArgs,
}

impl CheckConfig {
    pub(super) fn run(self) -> Result<(), CommandError> {
        let file = self.file.or(self.config);
        if let Some(file) = &file {
            check_kind(file)?;
        }
        // A folder that is not named is checked if it is there.
        let default = Some(self.data.folder()).filter(|folder| folder.exists());
        let data = self.data.named().or(default);
        let settings = uacsta_config::load(file.as_deref(), data)?;
        let checked = Server::default().check(&settings, data);
        let name = file.map_or_else(
            || "the configuration".to_owned(),
            |file| file.display().to_string(),
        );
        let mut text = match checked.errors.is_empty() {
            true => format!("{name} is valid\n"),
            false => String::new(),
        };
        if let Some(data) = data.filter(|data| !data.exists()) {
            let data = data.display();
            text += &format!(
                "note: the data folder {data} does not exist; the first start creates it\n"
            );
        }
        for unused in uacsta_config::unused_variables() {
            text += &format!("warning: {unused}\n");
        }
        for warning in checked.warnings {
            text += &format!("warning: {warning}\n");
        }
        print(text.as_bytes())?;
        let errors = checked.errors.iter().map(|error| sentence(error));
        match errors.collect::<Vec<_>>().as_slice() {
            [] => Ok(()),
            errors => Err(CommandError::of_mistakes(errors)),
        }
    }
}
