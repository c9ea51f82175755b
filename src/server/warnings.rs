//! Warnings about settings that are valid but weak.

use std::{
    fmt,
    path::{Path, PathBuf},
};

use uacsta_config::Settings;

use crate::data_dir;

/// A weakness in settings, or in the files of the data folder.
#[derive(Debug, Eq, PartialEq)]
pub enum ConfigWarning {
    /// A password too short to be secure.
    ShortPassword {
        /// Its user, or all phones.
        whose: String,
    },
    /// Certificates are required, but some interfaces have no TLS.
    WithoutCertificate {
        /// The settings of these interfaces.
        interfaces: Vec<&'static str>,
    },
    /// A secret that every user of this machine may read or change.
    OpenToAll {
        /// A file, or the data folder.
        path: PathBuf,
    },
}

/// Characters of a secure password.
const MIN_PASSWORD: usize = 10;

/// Warns of changed settings that apply after a restart only.
pub(super) fn warn_of_delayed_settings(former: &Settings, settings: &Settings, web_moves: bool) {
    let delayed = settings.delayed(former);
    // The API's limit applies to its new listener.
    for setting in delayed.filter(|key| !(web_moves && *key == "limits.api_connections")) {
        tracing::warn!(setting, "this setting applies after a restart");
    }
}

impl ConfigWarning {
    /// The weaknesses of settings. An empty password is generated at the first start.
    pub(super) fn of(settings: &Settings) -> Vec<Self> {
        let (phones, clients) = (&settings.phones, &settings.clients);
        let accounts = clients.accounts.iter();
        let accounts = accounts.map(|account| (account.user.as_str(), &account.password));
        let mut all: Vec<Self> = [
            ("all phones (phones.password)", &phones.password),
            (&*clients.user, &clients.password),
        ]
        .into_iter()
        .chain(accounts)
        .filter(|(_, password)| !password.is_empty() && !password.is_hashed())
        .filter(|(_, password)| password.expose().chars().count() < MIN_PASSWORD)
        .map(|(whose, _)| Self::ShortPassword {
            whose: whose.to_owned(),
        })
        .collect();
        let mut interfaces = vec![
            ("phones.lan.tcp", phones.lan.tcp),
            ("phones.wan.tcp", phones.wan.tcp),
            ("phones.udp", phones.udp),
        ];
        interfaces.retain(|(_, listen)| listen.address().is_some());
        if phones.require_certificate && !interfaces.is_empty() {
            let interfaces = interfaces.into_iter().map(|(setting, _)| setting).collect();
            all.push(Self::WithoutCertificate { interfaces });
        }
        all
    }

    /// The weaknesses of the files in a data folder.
    pub(super) fn in_folder(data: &Path, settings: &Settings) -> impl Iterator<Item = Self> {
        let open = data_dir::open_to_all(data, settings).into_iter();
        open.map(|path| Self::OpenToAll { path })
    }

    /// Logs it.
    pub(super) fn warn(&self) {
        match self {
            Self::ShortPassword { whose } => {
                tracing::warn!(user = whose, reason = %self, "password is too short to be secure");
            }
            Self::WithoutCertificate { .. } => {
                tracing::warn!(reason = %self, "interfaces accept phones without a certificate");
            }
            Self::OpenToAll { path } => {
                tracing::warn!(file = %path.display(), reason = %self, "file is open to every user of this machine");
            }
        }
    }
}

impl fmt::Display for ConfigWarning {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::ShortPassword { whose } => write!(
                f,
                "the password of {whose} has fewer than {MIN_PASSWORD} characters, too few to be secure"
            ),
            Self::WithoutCertificate { interfaces } => write!(
                f,
                "phones.require_certificate applies to TLS only: {} accept phones with the right password without a certificate; turn off (\"\") the interfaces that no phone needs",
                interfaces.join(" and ")
            ),
            Self::OpenToAll { path } => write!(
                f,
                "every user of this machine may read or change {0}, which contains secrets: chmod o= {0}",
                path.display()
            ),
        }
    }
}

#[cfg(test)]
mod tests {
    use uacsta_config::Listen;

    use super::*;

    #[test]
    fn weak_settings_are_reported() {
        fn check(change: impl FnOnce(&mut Settings), expected: &[&str]) {
            let mut settings = Settings::builtin();
            change(&mut settings);
            let told: Vec<String> = ConfigWarning::of(&settings)
                .iter()
                .map(ToString::to_string)
                .collect();
            assert_eq!(told.len(), expected.len(), "{told:?}");
            for (told, expected) in told.iter().zip(expected) {
                assert!(told.contains(expected), "{told}");
            }
        }
        let open = |port| Listen::from(std::net::SocketAddr::from(([127, 0, 0, 1], port)));
        check(|_| {}, &[]);
        check(
            |s| s.phones.password = "123456789".into(),
            &["of all phones (phones.password)"],
        );
        check(|s| s.phones.password = "1234567890".into(), &[]);
        check(
            |s| s.clients.password = "short".into(),
            &["the password of ecsta "],
        );
        // The interface on TCP is on by default.
        check(
            |s| s.phones.require_certificate = true,
            &["only: phones.lan.tcp accept"],
        );
        check(
            |s| {
                s.phones.require_certificate = true;
                s.phones.lan.tcp = Listen::OFF;
                s.phones.wan.tls = open(1);
            },
            &[],
        );
        check(
            |s| {
                s.phones.require_certificate = true;
                s.phones.wan.tcp = open(1);
                s.phones.udp = open(2);
            },
            &["phones.lan.tcp and phones.wan.tcp and phones.udp accept"],
        );
        check(|s| s.phones.udp = open(2), &[]);
    }
}
