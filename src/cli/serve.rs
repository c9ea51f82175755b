//! `uacsta serve`: its arguments, and the settings and data folder that they select.

use std::{
    net::{IpAddr, Ipv4Addr, SocketAddr},
    path::{Path, PathBuf},
};

use clap::Args;
use tempfile::TempDir;
use uacsta_config::{Listen, Settings, SettingsError};
use uacsta_connect::{CommandError, DataArgs};

/// The arguments of `serve`.
#[derive(Args, Clone, Debug)]
#[command(after_help = "Examples:
  uacsta serve --config /etc/uacsta/uacsta.toml --data /var/lib/uacsta
  UACSTA__PHONES__LAN__TCP=0.0.0.0:15060 uacsta serve
  uacsta serve --demo")]
pub struct Serve {
    /// Configuration file (TOML) [default: built-in settings]
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
    #[command(flatten)]
    data: DataArgs,
    /// Demonstration on loopback, in a temporary folder; nothing is kept
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
    /// The data folder, unless it is that of a demonstration.
    pub fn existing_folder(&self) -> Option<&Path> {
        (!self.demo).then(|| self.data.folder())
    }

    /// Reads the settings. The server's start creates the data folder.
    ///
    /// # Errors
    /// An invalid setting, or no temporary folder for the demonstration.
    pub fn plan(&self) -> Result<Plan, CommandError> {
        if self.demo && (self.config.is_some() || self.data.is_given()) {
            return Err(CommandError::Usage(
                "--demo has settings and a temporary folder of its own; leave out --config and --data".to_owned(),
            ));
        }
        let data = if self.demo {
            let folder = TempDir::with_prefix("uacsta-demo-").map_err(|error| {
                CommandError::Failed(format!("cannot create a temporary folder: {error}"))
            })?;
            DataFolder::Demo(folder)
        } else {
            DataFolder::Kept(self.data.folder().to_owned())
        };
        let config = self.config.clone();
        if let Some(file) = &config {
            check_kind(file)?;
        }
        Ok(Plan {
            settings: read(config.as_deref(), &data, None)?,
            config,
            data,
        })
    }
}

fn read(
    config: Option<&Path>,
    data: &DataFolder,
    operator: Option<&str>,
) -> Result<Settings, SettingsError> {
    let mut settings = match operator {
        Some(operator) => uacsta_config::load_changed(config, data.path(), operator)?,
        None => uacsta_config::load(config, Some(data.path()))?,
    };
    if matches!(data, DataFolder::Demo(_)) {
        on_loopback(&mut settings);
        settings.logs.directory = None;
    }
    Ok(settings)
}

/// Rejects a pipe or device: a reload would find it empty and apply the defaults.
pub(super) fn check_kind(config: &Path) -> Result<(), CommandError> {
    // Reading reports a missing file or a folder.
    let is_file = config.metadata().is_ok_and(|about| about.is_file());
    if is_file || !config.exists() || config.is_dir() {
        return Ok(());
    }
    Err(CommandError::Usage(format!(
        "{} is not a regular file and cannot be read again for a reload; copy it into a file",
        config.display()
    )))
}

impl Plan {
    /// The data folder. A demonstration's is removed when the plan is dropped.
    pub fn data(&self) -> &Path {
        self.data.path()
    }

    /// Reads files and environment again, with `operator` in the place of the operators' file if it is given.
    ///
    /// # Errors
    /// An invalid setting.
    pub fn read_again(&self, operator: Option<&str>) -> Result<Settings, SettingsError> {
        read(self.config.as_deref(), &self.data, operator)
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

/// Moves every interface to loopback, keeping its port.
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
    fn configuration_must_be_a_regular_file() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("uacsta.toml");
        std::fs::write(&file, "").unwrap();
        for (config, words) in [
            ("/dev/null", "is not a regular file"),
            ("/dev", "cannot be read: Is a directory"),
            ("/none", "cannot be read: No such file"),
            (file.to_str().unwrap(), ""),
        ] {
            let serve = Serve {
                config: Some(config.into()),
                data: folder.path().into(),
                demo: false,
            };
            let error = serve.plan().err().map(|error| error.to_string());
            let error = error.unwrap_or_default();
            assert!(
                error.contains(words) && error.is_empty() == words.is_empty(),
                "{config}: {error}"
            );
        }
    }

    #[test]
    fn demonstration_listens_on_loopback_and_leaves_nothing() {
        let serve = Serve {
            config: None,
            data: DataArgs::default(),
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
