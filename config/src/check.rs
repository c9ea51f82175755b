//! Checks ranges of settings, and rules between them.

use std::net::SocketAddr;

use uacsta_schema::phone_id::PhoneId;

use crate::{
    error::SettingsError,
    secret::Secret,
    setting::Values,
    settings::{Settings, Wan},
    trust::Trusted,
    value::overlap,
};

type Check = Result<(), SettingsError>;

impl Settings {
    /// Checks every value and the rules between values.
    ///
    /// # Errors
    /// The invalid settings: key, value, and what is allowed.
    pub fn check(&self) -> Check {
        SettingsError::of_all(self.mistakes())
    }

    /// The invalid settings; of lists and rules between settings, the first.
    pub(crate) fn mistakes(&self) -> Vec<SettingsError> {
        let checks = [
            // The realm is a quoted-string of the challenge (RFC 7616, section 3.3).
            quotable("advanced.realm", &self.advanced.realm),
            self.check_digest(),
            self.check_clients(),
            self.numbers.check(),
            self.check_phones(),
            wan("phones.wan", &self.phones.wan),
            wan("clients.wan", &self.clients.wan),
            self.check_listeners(),
            self.check_certificate(),
            self.check_logs(),
            unhashed("phones.password", &self.phones.password),
            unhashed("web.password", &self.web.password),
            self.check_web(),
        ];
        let values = Values::of(self);
        let out_of_range = values.out_of_range();
        out_of_range
            .chain(checks.into_iter().filter_map(Result::err))
            .collect()
    }

    fn check_digest(&self) -> Check {
        if !self.advanced.digest.is_empty() {
            return Ok(());
        }
        let what = "is empty, but must name at least one of SHA-256 and MD5";
        Err(SettingsError::of_key("advanced.digest", what))
    }

    fn check_phones(&self) -> Check {
        if !self.phones.require_certificate || self.phones.trusted_authority.is_some() {
            return Ok(());
        }
        let what = "is true, but phones.trusted_authority is empty: set it to the PEM file of the authority that signs the phones' certificates";
        Err(SettingsError::of_key("phones.require_certificate", what))
    }

    fn check_certificate(&self) -> Check {
        match (&self.tls.certificate, &self.tls.key) {
            (Some(_), None) => Err(alone("tls.certificate", "tls.key")),
            (None, Some(_)) => Err(alone("tls.key", "tls.certificate")),
            _ => Ok(()),
        }
    }

    fn check_clients(&self) -> Check {
        quotable("clients.user", &self.clients.user)?;
        let named = |trusted: &&Trusted| matches!(trusted, Trusted::Name(_));
        if let (Some(name), None) = (
            self.clients.trusted.iter().find(named),
            &self.clients.trusted_authority,
        ) {
            let what = format!(
                "names the certificate {name}, but clients.trusted_authority is empty: set it to the PEM file of the authority that signed it"
            );
            return Err(SettingsError::of_key("clients.trusted", what));
        }
        sound("clients.password", &self.clients.password)?;
        let mut users = vec![&self.clients.user];
        for (index, account) in self.clients.accounts.iter().enumerate() {
            let key = format!("clients.accounts[{index}]");
            quotable(&format!("{key}.user"), &account.user)?;
            if users.contains(&&account.user) {
                let what = format!("is {:?}, but another account has that name", account.user);
                return Err(SettingsError::of_key(format!("{key}.user"), what));
            }
            if account.password.is_empty() {
                let what = "is empty, but each account needs a password";
                return Err(SettingsError::of_key(format!("{key}.password"), what));
            }
            sound(&format!("{key}.password"), &account.password)?;
            users.push(&account.user);
        }
        Ok(())
    }

    fn check_listeners(&self) -> Check {
        let (phones, clients) = (&self.phones, &self.clients);
        let mut taken: Vec<(&str, SocketAddr)> = Vec::new();
        for (key, listen) in [
            ("phones.lan.tcp", phones.lan.tcp),
            ("phones.lan.tls", phones.lan.tls),
            ("phones.wan.tcp", phones.wan.tcp),
            ("phones.wan.tls", phones.wan.tls),
            ("clients.lan.tcp", clients.lan.tcp),
            ("clients.lan.tls", clients.lan.tls),
            ("clients.wan.tcp", clients.wan.tcp),
            ("clients.wan.tls", clients.wan.tls),
            ("web.listen", self.web.listen),
        ] {
            let Some(address) = listen.address().filter(|address| address.port() != 0) else {
                continue;
            };
            let mut others = taken.iter();
            if let Some(&(other, at)) = others.find(|(_, at)| overlap(*at, address)) {
                // A default is no mistake.
                let is_default = |key| self.place(key).is_none();
                let [(key, address), (other, at)] = match is_default(key) && !is_default(other) {
                    true => [(other, at), (key, address)],
                    false => [(key, address), (other, at)],
                };
                let what = format!("is {address}, but {other} listens there already, on {at}");
                return Err(SettingsError::of_key(key, what));
            }
            taken.push((key, address));
        }
        Ok(())
    }

    fn check_logs(&self) -> Check {
        for (index, phone) in self.logs.phones.iter().enumerate() {
            let wrong = match phone.parse::<PhoneId>() {
                Ok(phone) => phone.mac().is_none() && !self.phones.extensions,
                Err(_) => true,
            };
            if wrong {
                let what = format!(
                    "is {phone:?}, but must be a MAC address such as 00:04:13:aa:bb:cc, or an extension where phones.extensions is set"
                );
                return Err(SettingsError::of_key(format!("logs.phones[{index}]"), what));
            }
        }
        Ok(())
    }
}

/// Hashes in the place of a password must be complete.
fn sound(key: &str, secret: &Secret) -> Check {
    if !secret.is_hashed() || secret.is_sound() {
        return Ok(());
    }
    let what = "begins with {HA1}, but MD5= with 32 or SHA-256= with 64 hexadecimal digits does not follow; make it with: uacsta settings hash USER";
    Err(SettingsError::of_key(key, what))
}

fn unhashed(key: &str, secret: &Secret) -> Check {
    if !secret.is_hashed() {
        return Ok(());
    }
    let what = "holds hashes, but the password itself is needed here";
    Err(SettingsError::of_key(key, what))
}

fn quotable(key: &str, value: &str) -> Check {
    let wrong = |c: char| c.is_control() || c == '"' || c == '\\';
    if !value.is_empty() && !value.contains(wrong) {
        return Ok(());
    }
    let what = format!(
        "is {value:?}, but must be a name without quotes, backslashes and control characters"
    );
    Err(SettingsError::of_key(key, what))
}

/// Reports the key that the operator has set.
fn alone(key: &str, other: &str) -> SettingsError {
    let what =
        format!("is set, but {other} is empty: set both, or neither for a generated certificate");
    SettingsError::of_key(key, what)
}

fn wan(key: &str, wan: &Wan) -> Check {
    let host = &wan.public_host;
    let interfaces = [("tcp", &wan.tcp), ("tls", &wan.tls)];
    let on = interfaces.iter().find(|(_, interface)| interface.is_on());
    if let (Some((interface, _)), true) = (on, host.is_empty()) {
        let what = format!(
            "is set, so {key}.public_host is needed: the host name or address by which outside peers reach the server"
        );
        return Err(SettingsError::of_key(format!("{key}.{interface}"), what));
    }
    let fits =
        |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_' | ':' | '[' | ']');
    if !host.chars().all(fits) {
        let what = format!(
            "is {host:?}, but must be the host name or address by which outside peers reach the server"
        );
        return Err(SettingsError::of_key(format!("{key}.public_host"), what));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use std::time::Duration;

    use super::*;
    use crate::value::ByteSize;

    #[track_caller]
    fn refused(key: &str, change: impl FnOnce(&mut Settings)) {
        let mut settings = Settings::builtin();
        change(&mut settings);
        assert_eq!(settings.check().unwrap_err().key(), Some(key));
    }

    #[test]
    fn interfaces_may_share_a_port_at_addresses_of_their_own() {
        let mut settings = Settings::builtin();
        let listen = |address: &str| address.parse::<SocketAddr>().unwrap().into();
        settings.clients.lan.tcp = listen("[::1]:5060");
        settings.check().unwrap();
        settings.phones.lan.tcp = listen("127.0.0.1:5060");
        settings.clients.lan.tls = listen("127.0.0.2:5060");
        settings.check().unwrap();
    }

    #[test]
    fn what_does_not_fit_is_refused() {
        let second = Duration::from_secs(1);
        refused("advanced.sip_expires", |s| s.advanced.sip_expires = second);
        refused("advanced.min_expires", |s| {
            s.advanced.min_expires = second * 301;
        });
        refused("advanced.request_timeout", |s| {
            s.advanced.request_timeout = second * 31;
        });
        refused("advanced.request_timeout", |s| {
            s.advanced.request_timeout = Duration::ZERO;
        });
        refused("advanced.realm", |s| s.advanced.realm.clear());
        refused("advanced.realm", |s| s.advanced.realm = "a\"b".into());
        refused("advanced.digest", |s| s.advanced.digest.clear());
        refused("clients.user", |s| s.clients.user.clear());
        refused("phones.wan.tls", |s| s.phones.wan.tls = s.phones.lan.tls);
        refused("phones.wan.tcp", |s| {
            s.phones.wan.tcp = s.phones.lan.tcp;
            s.phones.wan.tls = s.phones.lan.tls;
        });
        refused("clients.wan.public_host", |s| {
            s.clients.wan.public_host = "a b".into();
        });
        refused("phones.require_certificate", |s| {
            s.phones.require_certificate = true;
        });
        refused("clients.lan.tcp", |s| s.clients.lan.tcp = s.phones.lan.tcp);
        // The phones' interface is 0.0.0.0:5060.
        for address in ["127.0.0.1:5060", "[::ffff:127.0.0.1]:5060", "[::]:5060"] {
            let overlapping: SocketAddr = address.parse().unwrap();
            refused("clients.lan.tcp", |s| {
                s.clients.lan.tcp = overlapping.into();
            });
        }
        refused("tls.certificate", |s| {
            s.tls.certificate = Some("a.pem".into());
        });
        refused("tls.key", |s| s.tls.key = Some("a.pem".into()));
        refused("limits.message_line", |s| {
            s.limits.message_line = ByteSize::new(1 << 20);
        });
        refused("limits.xml_depth", |s| s.limits.xml_depth = 7);
        refused("limits.xml_attributes", |s| s.limits.xml_attributes = 257);
        refused("limits.connections", |s| s.limits.connections = 0);
        refused("limits.ladder", |s| s.limits.ladder = ByteSize::new(1));
        refused("logs.keep", |s| s.logs.keep = 0);
        refused("logs.phones[0]", |s| s.logs.phones = vec!["0004".into()]);
        refused("web.password", |s| s.web.password = "short".into());
        let outside: SocketAddr = "0.0.0.0:8080".parse().unwrap();
        refused("web.listen", |s| s.web.listen = outside.into());
        refused("web.names[0]", |s| s.web.names = vec!["a:80".into()]);
        let hashes = "{HA1}MD5=0123456789abcdef0123456789abcdef";
        refused("web.password", |s| s.web.password = hashes.into());
        refused("phones.password", |s| s.phones.password = hashes.into());
        refused("clients.password", |s| {
            s.clients.password = "{HA1}MD5=0".into();
        });
    }
}
