//! `uacsta serve`: what is served, from which settings, with which data.

use std::{
    net::{IpAddr, Ipv4Addr, SocketAddr},
    path::{Path, PathBuf},
};

use clap::Args;
use tempfile::TempDir;
use uacsta_config::{Listen, Settings};
use uacsta_connect::{CommandError, DataArgs};

/// The arguments of `serve`.
#[derive(Args, Clone, Debug)]
#[command(after_help = "Examples:
  uacsta serve --config /etc/uacsta/uacsta.toml --data /var/lib/uacsta
  UACSTA__PHONES__LAN__TCP=0.0.0.0:15060 uacsta serve
  uacsta serve --demo")]
pub struct Serve {
    /// Configuration file (TOML); without it the defaults serve
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
    #[command(flatten)]
    data: DataArgs,
    /// Loopback only, in a temporary folder of which nothing stays
    #[arg(long)]
    demo: bool,
}

/// Settings and data folder to serve from.
#[derive(Debug)]
pub struct Plan {
    /// The settings, loaded and checked.
    pub settings: Settings,
    config: Option<PathBuf>,
    data: DataFolder,
}

impl Serve {
    /// Reads the settings; the data folder is made by the first start.
    ///
    /// # Errors
    /// A setting that is wrong, or a temporary folder that cannot be made.
    pub fn plan(&self) -> Result<Plan, CommandError> {
        let data = if self.demo {
            let folder = TempDir::with_prefix("uacsta-demo-").map_err(|error| {
                CommandError::Failed(format!("no temporary folder can be made: {error}"))
            })?;
            DataFolder::Demo(folder)
        } else {
            DataFolder::Kept(self.data.folder.clone())
        };
        let config = self.config.clone();
        if let Some(file) = &config {
            check_kind(file)?;
        }
        Ok(Plan {
            settings: read(config.as_deref(), &data)?,
            config,
            data,
        })
    }
}

fn read(config: Option<&Path>, data: &DataFolder) -> Result<Settings, CommandError> {
    let mut settings = uacsta_config::load(config, Some(data.path()))?;
    if matches!(data, DataFolder::Demo(_)) {
        on_loopback(&mut settings);
        settings.logs.directory = None;
    }
    Ok(settings)
}

/// What can be read once alone would be an empty file, which is all defaults, when the settings are read again.
fn check_kind(config: &Path) -> Result<(), CommandError> {
    // What is not there, or is a folder, is told when it is read.
    let again = config.metadata().is_ok_and(|about| about.is_file());
    if again || !config.exists() || config.is_dir() {
        return Ok(());
    }
    Err(CommandError::Usage(format!(
        "{} is no regular file, and could not be read again when the settings change: write it into one",
        config.display()
    )))
}

impl Plan {
    /// The data folder; that of a demonstration goes with the plan.
    pub fn data(&self) -> &Path {
        self.data.path()
    }

    /// The settings as they stand in their files and in the environment now.
    ///
    /// # Errors
    /// A setting that is wrong.
    pub fn read_again(&self) -> Result<Settings, CommandError> {
        read(self.config.as_deref(), &self.data)
    }

    /// Whether it is a demonstration.
    pub fn is_demo(&self) -> bool {
        matches!(self.data, DataFolder::Demo(_))
    }
}

#[derive(Debug)]
enum DataFolder {
    Kept(PathBuf),
    Demo(TempDir),
}

impl DataFolder {
    fn path(&self) -> &Path {
        match self {
            Self::Kept(folder) => folder,
            Self::Demo(folder) => folder.path(),
        }
    }
}

/// Leaves the ports, and takes everything from the network but this machine.
fn on_loopback(settings: &mut Settings) {
    let (phones, clients) = (&mut settings.phones, &mut settings.clients);
    for listen in [
        &mut phones.wan.tcp,
        &mut phones.wan.tls,
        &mut clients.wan.tcp,
        &mut clients.wan.tls,
    ] {
        *listen = Listen::OFF;
    }
    for listen in [
        &mut phones.lan.tcp,
        &mut phones.lan.tls,
        &mut phones.udp,
        &mut clients.lan.tcp,
        &mut clients.lan.tls,
        &mut settings.web.listen,
    ] {
        let Some(address) = listen.address() else {
            continue;
        };
        if !address.ip().is_loopback() {
            let loopback = IpAddr::V4(Ipv4Addr::LOCALHOST);
            *listen = SocketAddr::new(loopback, address.port()).into();
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[cfg(unix)]
    #[test]
    fn what_cannot_be_read_again_is_no_configuration() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("uacsta.toml");
        std::fs::write(&file, "").unwrap();
        for (config, words) in [
            ("/dev/null", "is no regular file"),
            ("/dev", "cannot be read: Is a directory"),
            ("/none", "cannot be read: No such file"),
            (file.to_str().unwrap(), ""),
        ] {
            let serve = Serve {
                config: Some(config.into()),
                data: DataArgs {
                    folder: folder.path().to_owned(),
                },
                demo: false,
            };
            let told = serve.plan().err().map(|wrong| wrong.to_string());
            let told = told.unwrap_or_default();
            assert!(
                told.contains(words) && told.is_empty() == words.is_empty(),
                "{config}: {told}"
            );
        }
    }

    #[test]
    fn a_demonstration_leaves_nothing_and_listens_to_nobody_else() {
        let serve = Serve {
            config: None,
            data: DataArgs {
                folder: "unused".into(),
            },
            demo: true,
        };
        let plan = serve.plan().unwrap();
        let settings = &plan.settings;
        for listen in [
            settings.phones.lan.tcp,
            settings.clients.lan.tls,
            settings.web.listen,
        ] {
            assert!(listen.address().unwrap().ip().is_loopback());
        }
        let folder = plan.data().to_owned();
        assert!(folder.is_dir());
        drop(plan);
        assert!(!folder.exists());
    }
}
