//! Checks the settings of the HTTP server.

use crate::{error::SettingsError, settings::Settings};

impl Settings {
    pub(crate) fn check_web(&self) -> Result<(), SettingsError> {
        let web = &self.web;
        let length = web.password.expose().chars().count();
        if (1..12).contains(&length) {
            let what = "is too short to be secure; it protects the administration: use 12 characters or more";
            return Err(SettingsError::of_key("web.password", what));
        }
        for (index, name) in web.names.iter().enumerate() {
            let fits = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_');
            let is_name = !name.is_empty() && name.chars().all(fits);
            if !is_name && name.parse::<std::net::IpAddr>().is_err() {
                let what = format!(
                    "is {name:?}, but must be a host name (\"cti.example.com\") or an address, without a port"
                );
                return Err(SettingsError::of_key(format!("web.names[{index}]"), what));
            }
        }
        let address = web.listen.address();
        let outside = address.filter(|address| !address.ip().to_canonical().is_loopback());
        if let Some(address) = outside
            && !web.tls
            && web.trusted_proxies.is_empty()
        {
            let what = format!(
                "is {address}, but without TLS it must be a loopback address such as 127.0.0.1:{}: passwords would cross the network in the clear. Set web.tls = true, or put a TLS proxy in front and name its address in web.trusted_proxies",
                address.port()
            );
            return Err(SettingsError::of_key("web.listen", what));
        }
        Ok(())
    }
}
