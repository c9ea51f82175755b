//! `uacsta serve`: its arguments, and the settings and data folder that they select.

use std::{
    io,
    net::{IpAddr, Ipv4Addr, SocketAddr, TcpListener},
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
    /// Demonstration on loopback, in a temporary folder, on free ports; nothing is kept
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
            let occupied = Vec::new();
            DataFolder::Demo { folder, occupied }
        } else {
            DataFolder::Kept(self.data.folder().to_owned())
        };
        let config = self.config.clone();
        if let Some(file) = &config {
            check_kind(file)?;
        }
        let mut plan = Plan {
            settings: read(config.as_deref(), &data, None)?,
            config,
            data,
        };
        plan.leave_occupied_ports()?;
        Ok(plan)
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
    if let DataFolder::Demo { occupied, .. } = data {
        on_loopback(&mut settings, occupied);
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
        matches!(self.data, DataFolder::Demo { .. })
    }

    /// Has a demonstration take a free port in place of one that another program has, such as a server beside it. A port that
    /// the environment names stays.
    fn leave_occupied_ports(&mut self) -> Result<(), SettingsError> {
        if let DataFolder::Demo { occupied, .. } = &mut self.data {
            *occupied = occupied_addresses(&self.settings);
            self.settings = self.read_again(None)?;
        }
        Ok(())
    }
}

#[derive(Debug)]
enum DataFolder {
    Kept(PathBuf),
    Demo {
        folder: TempDir,
        /// The addresses that other programs listened on at the start.
        occupied: Vec<SocketAddr>,
    },
}

impl DataFolder {
    fn path(&self) -> &Path {
        match self {
            Self::Kept(folder) => folder,
            Self::Demo { folder, .. } => folder.path(),
        }
    }
}

/// Moves every interface to loopback, keeping its port unless another program has it.
fn on_loopback(settings: &mut Settings, occupied: &[SocketAddr]) {
    let (phones, clients) = (&mut settings.phones, &mut settings.clients);
    for listen in [
        &mut phones.wan.tcp,
        &mut phones.wan.tls,
        &mut clients.wan.tcp,
        &mut clients.wan.tls,
    ] {
        *listen = Listen::OFF;
    }
    for (_, listen) in interfaces(settings) {
        let Some(mut address) = listen.address() else {
            continue;
        };
        if !address.ip().is_loopback() {
            address.set_ip(IpAddr::V4(Ipv4Addr::LOCALHOST));
        }
        if occupied.contains(&address) {
            address.set_port(0);
        }
        *listen = address.into();
    }
}

/// The default addresses that another program listens on.
fn occupied_addresses(settings: &Settings) -> Vec<SocketAddr> {
    let is_in_use = |address: &SocketAddr| {
        let bound = TcpListener::bind(address);
        bound.is_err_and(|error| error.kind() == io::ErrorKind::AddrInUse)
    };
    let mut all = settings.clone();
    let all = interfaces(&mut all).into_iter();
    let defaults = all.filter(|(setting, _)| settings.place(setting).is_none());
    let addresses = defaults.filter_map(|(_, listen)| listen.address());
    addresses.filter(is_in_use).collect()
}

/// The interfaces of a demonstration, each with its setting.
fn interfaces(settings: &mut Settings) -> [(&'static str, &mut Listen); 6] {
    let (phones, clients) = (&mut settings.phones, &mut settings.clients);
    [
        ("phones.lan.tcp", &mut phones.lan.tcp),
        ("phones.lan.tls", &mut phones.lan.tls),
        ("phones.udp", &mut phones.udp),
        ("clients.lan.tcp", &mut clients.lan.tcp),
        ("clients.lan.tls", &mut clients.lan.tls),
        ("web.listen", &mut settings.web.listen),
    ]
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
    fn demonstration_takes_a_free_port_where_the_usual_one_is_in_use() {
        let other = TcpListener::bind("127.0.0.1:0").unwrap();
        let (taken, free) = (other.local_addr().unwrap(), "127.0.0.1:0".parse().unwrap());
        let mut settings = Settings::builtin();
        settings.phones.lan.tcp = taken.into();
        settings.clients.lan.tcp = SocketAddr::new(taken.ip(), 1).into();
        let occupied = occupied_addresses(&settings);
        assert!(occupied.contains(&taken), "{occupied:?}");
        on_loopback(&mut settings, &[taken]);
        assert_eq!(settings.phones.lan.tcp.address(), Some(free));
        let clients = settings.clients.lan.tcp.address();
        assert_eq!(clients.map(|address| address.port()), Some(1));
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
