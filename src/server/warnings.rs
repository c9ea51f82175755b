//! Warnings about settings that are valid but weak, or without effect.

use std::{
    fmt,
    net::{IpAddr, SocketAddr},
    path::{Path, PathBuf},
};

use uacsta_actors::{account::is_line_name, licence::code::Issuer};
use uacsta_config::{Listen, Secret, Settings};

use super::listeners;
use crate::{
    data_dir, net,
    password_policy::{Weakness, weakness},
};

/// A weakness in settings, or in the files that they are read from.
#[derive(Debug, Eq, PartialEq)]
pub enum ConfigWarning {
    /// A password that is not secure.
    WeakPassword {
        /// Its user, or all phones.
        whose: String,
        /// Why not.
        weakness: Weakness,
    },
    /// A stored hash that does not fit the digest algorithm that is offered first.
    OtherHash {
        /// The user of the password.
        whose: String,
        /// The algorithm that is offered first.
        preferred: &'static str,
    },
    /// An account's entry for a line that cannot be the name of a line.
    NoLineName {
        /// The user of the account.
        user: String,
        /// The entry.
        line: String,
    },
    /// Certificates are required, but some interfaces have no TLS.
    WithoutCertificate {
        /// The settings of these interfaces.
        interfaces: Vec<&'static str>,
    },
    /// All interfaces of one side are off.
    Unreachable {
        /// `phones` or `clients`.
        side: &'static str,
    },
    /// The API is off.
    WithoutApi,
    /// This machine does not have the address of an interface.
    AbsentAddress {
        /// The setting of the interface.
        setting: &'static str,
        /// The address.
        address: IpAddr,
    },
    /// Licence codes in a program that was built without an issuer.
    UnusedCodes,
    /// A secret that every user of this machine may read or change.
    OpenToAll {
        /// A file, or the data folder.
        path: PathBuf,
    },
    /// The private authority in the data folder cannot be used.
    SpoiltAuthority {
        /// Why.
        fault: String,
    },
}

/// Warns of changed settings that apply after a restart only.
pub(super) fn warn_of_delayed_settings(former: &Settings, settings: &Settings, web_moves: bool) {
    let delayed = settings.delayed(former);
    // The API's limit applies to its new listener.
    for setting in delayed.filter(|key| !(web_moves && *key == "limits.api_connections")) {
        tracing::warn!(setting, "this setting applies after a restart");
    }
}

impl ConfigWarning {
    /// All weaknesses of settings and of the files in the data folder, in a program that was built with `issuer`.
    pub(super) fn all(
        settings: &Settings,
        data: Option<&Path>,
        issuer: Option<&Issuer>,
    ) -> Vec<Self> {
        let mut all = Self::of(settings);
        if issuer.is_none() && !settings.licenses.codes.is_empty() {
            all.push(Self::UnusedCodes);
        }
        let open = data_dir::open_to_all(data, settings);
        all.extend(open.into_iter().map(|path| Self::OpenToAll { path }));
        let fault = data.and_then(|data| data_dir::authority_fault(data, settings));
        all.extend(fault.map(|fault| Self::SpoiltAuthority { fault }));
        all
    }

    /// The weaknesses of settings.
    fn of(settings: &Settings) -> Vec<Self> {
        let mut all = Self::of_passwords(settings);
        all.extend(Self::of_lines(settings));
        let interfaces = [
            ("phones.lan.tcp", settings.phones.lan.tcp),
            ("phones.wan.tcp", settings.phones.wan.tcp),
            ("phones.udp", settings.phones.udp),
        ];
        let open = interfaces.into_iter().filter(|(_, listen)| listen.is_on());
        let interfaces: Vec<_> = open.map(|(setting, _)| setting).collect();
        if settings.phones.require_certificate && !interfaces.is_empty() {
            all.push(Self::WithoutCertificate { interfaces });
        }
        let listeners = listeners(settings);
        let is_on = |side: &str| {
            let mut own = listeners.iter().filter(|(key, _)| key.starts_with(side));
            own.any(|(_, listen)| listen.is_on())
        };
        let off = ["phones", "clients"].into_iter();
        all.extend(
            off.filter(|side| !is_on(side))
                .map(|side| Self::Unreachable { side }),
        );
        if !settings.web.listen.is_on() {
            all.push(Self::WithoutApi);
        }
        all
    }

    /// Weak passwords. An empty one is generated at the first start.
    fn of_passwords(settings: &Settings) -> Vec<Self> {
        let (phones, clients) = (&settings.phones, &settings.clients);
        let preferred = settings.advanced.digest.first();
        let weakness = |whose: &str, password: &Secret| {
            let whose = whose.to_owned();
            match (password.is_hashed(), preferred) {
                (true, Some(preferred)) if password.hash(preferred.as_str()).is_none() => {
                    let preferred = preferred.as_str();
                    Some(Self::OtherHash { whose, preferred })
                }
                (true, _) => None,
                (false, _) if password.is_empty() => None,
                (false, _) => {
                    let weakness = weakness(password.expose(), &[&whose])?;
                    Some(Self::WeakPassword { whose, weakness })
                }
            }
        };
        let of_phones = ("all phones (phones.password)", &phones.password);
        let of_clients = (clients.user.as_str(), &clients.password);
        let accounts = clients.accounts.iter();
        let accounts = accounts.map(|account| (account.user.as_str(), &account.password));
        let all = [of_phones, of_clients].into_iter().chain(accounts);
        all.filter_map(|(whose, password)| weakness(whose, password))
            .collect()
    }

    /// Entries of accounts that no line can have as its name.
    fn of_lines(settings: &Settings) -> impl Iterator<Item = Self> {
        let accounts = settings.clients.accounts.iter();
        accounts.flat_map(|account| {
            let unfit = account.lines.iter().filter(|line| !is_line_name(line));
            unfit.map(|line| Self::NoLineName {
                user: account.user.clone(),
                line: line.clone(),
            })
        })
    }

    /// The interfaces at addresses that this machine does not have. A server opens them when it has; its log says so.
    pub(super) fn of_addresses(settings: &Settings) -> impl Iterator<Item = Self> {
        let absent = |listen: Listen, datagrams| {
            let address = listen.address()?.ip();
            let bound = net::try_bind(SocketAddr::new(address, 0), datagrams);
            let is_absent =
                bound.is_err_and(|error| error.kind() == std::io::ErrorKind::AddrNotAvailable);
            is_absent.then_some(address)
        };
        // The server does not wait for the API's.
        let interfaces = listeners(settings).into_iter();
        let interfaces = interfaces.filter(|(setting, _)| *setting != "web.listen");
        interfaces.filter_map(move |(setting, listen)| {
            let address = absent(listen, setting == "phones.udp")?;
            Some(Self::AbsentAddress { setting, address })
        })
    }

    /// Logs it.
    pub(super) fn warn(&self) {
        let (user, file) = match self {
            Self::WeakPassword { whose, .. } | Self::OtherHash { whose, .. } => (Some(whose), None),
            Self::NoLineName { user, .. } => (Some(user), None),
            Self::OpenToAll { path } => (None, Some(path.display())),
            _ => (None, None),
        };
        let file = file.map(tracing::field::display);
        tracing::warn!(user, file, reason = %self, "{}", self.text());
    }

    /// The message of its log line.
    fn text(&self) -> &'static str {
        match self {
            Self::WeakPassword { .. } => "password is not secure",
            Self::OtherHash { .. } => "the stored hash is not of the algorithm offered first",
            Self::NoLineName { .. } => "the account names a line that cannot exist",
            Self::WithoutCertificate { .. } => "interfaces accept phones without a certificate",
            Self::Unreachable { .. } => "all interfaces of one side are off",
            Self::WithoutApi => "the command line cannot reach the server",
            Self::AbsentAddress { .. } => {
                "this machine does not have the address; listening as soon as it does"
            }
            Self::UnusedCodes => "the licence codes have no effect",
            Self::OpenToAll { .. } => "file is open to every user of this machine",
            Self::SpoiltAuthority { .. } => {
                "the private authority in the data folder cannot be used"
            }
        }
    }
}

impl fmt::Display for ConfigWarning {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::WeakPassword { whose, weakness } => {
                write!(f, "the password of {whose} {weakness}")
            }
            Self::OtherHash { whose, preferred } => write!(
                f,
                "the password of {whose} is stored without its {preferred} hash, but advanced.digest offers {preferred} first: clients that know {preferred} cannot log on. Make both hashes with: uacsta settings hash {whose}"
            ),
            Self::NoLineName { user, line } => write!(
                f,
                "the account {user} names the line {line:?}, which no line can be called; write lines = [\"215\", \"216\"], one name a string"
            ),
            Self::WithoutCertificate { interfaces } => write!(
                f,
                "phones.require_certificate applies to TLS only: {} accept phones with the right password without a certificate; turn off (\"\") the interfaces that no phone needs",
                interfaces.join(" and ")
            ),
            Self::Unreachable { side } => write!(
                f,
                "all interfaces of {side} are off (\"\"): no {} can connect; set {side}.lan.tcp or {side}.lan.tls",
                side.trim_end_matches('s')
            ),
            Self::WithoutApi => f.write_str(
                "web.listen is off (\"\"): the commands phones, licenses, settings and certify cannot reach the server; set it to an address such as 127.0.0.1:8080",
            ),
            Self::AbsentAddress { setting, address } => write!(
                f,
                "{setting}: this machine does not have the address {address}; the server opens the interface once it does"
            ),
            Self::UnusedCodes => f.write_str(
                "licenses.codes has no effect: this program was built without a licence issuer (UACSTA_ISSUER) and has no limit",
            ),
            Self::OpenToAll { path } => write!(
                f,
                "every user of this machine may read or change {0}, which contains secrets: chmod o= {0}",
                path.display()
            ),
            Self::SpoiltAuthority { fault } => write!(
                f,
                "the private authority in the data folder cannot be used ({fault}); restore ca.pem and ca-key.pem, else a new one replaces it when the next certificate is generated"
            ),
        }
    }
}

#[cfg(test)]
mod tests {
    use uacsta_config::{Account, Listen};

    use super::*;

    #[track_caller]
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

    #[test]
    fn weak_settings_are_reported() {
        let open = |port| Listen::from(std::net::SocketAddr::from(([127, 0, 0, 1], port)));
        check(|_| {}, &[]);
        check(
            |s| s.phones.password = "123456789".into(),
            &["of all phones (phones.password)"],
        );
        check(
            |s| s.phones.password = "1234567890".into(),
            &["of all phones (phones.password) is easily guessed"],
        );
        check(|s| s.phones.password = "let me ring".into(), &[]);
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

    #[test]
    fn interfaces_that_are_off_are_reported() {
        check(
            |s| (s.phones.lan.tcp, s.phones.lan.tls) = (Listen::OFF, Listen::OFF),
            &["all interfaces of phones are off"],
        );
        check(
            |s| (s.clients.lan.tcp, s.clients.lan.tls) = (Listen::OFF, Listen::OFF),
            &["no client can connect"],
        );
        check(
            |s| s.web.listen = Listen::OFF,
            &["the commands phones, licenses, settings and certify cannot reach the server"],
        );
    }

    #[test]
    fn log_ons_that_cannot_succeed_are_reported() {
        let md5 = Secret::hashed([("MD5", "0123456789abcdef0123456789abcdef")]);
        let preferred = "advanced.digest offers SHA-256 first";
        check(|s| s.clients.password = md5.clone(), &[preferred]);
        check(
            |s| {
                s.clients.password = md5.clone();
                s.advanced.digest.reverse();
            },
            &[],
        );
        let account = |line: &str| Account {
            user: "alice".into(),
            password: "let me dial".into(),
            lines: vec!["215".into(), line.into()],
            control: true,
            numbers: Vec::new(),
        };
        for (line, is_name) in [
            ("sip:216@pbx.example;mac=000413000001", true),
            ("+49 30 215", false),
            ("216,217", false),
            ("", false),
        ] {
            let words: &[&str] = if is_name {
                &[]
            } else {
                &["the account alice names"]
            };
            check(|s| s.clients.accounts = vec![account(line)], words);
        }
    }

    #[test]
    fn codes_without_an_issuer_are_reported() {
        let mut settings = Settings::builtin();
        settings.licenses.codes = vec!["AAAA".into()];
        let told = ConfigWarning::all(&settings, None, None);
        assert_eq!(told, [ConfigWarning::UnusedCodes]);
        let issuer = Issuer::with(&ed25519_dalek::SigningKey::from_bytes(&[7; 32]));
        assert_eq!(ConfigWarning::all(&settings, None, Some(&issuer)), []);
    }
}
