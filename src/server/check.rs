//! Checks whether a server would start with given settings, without starting it.

use std::{fs::OpenOptions, io, net::SocketAddr, path::Path, time::Duration};

use uacsta_config::{Listen, Profiles, Settings, overlap};
use uacsta_connect::data_dir::{API_ADDRESS, LOCK, Listening, announced, is_in_use};

use super::{ConfigWarning, Server, StartError, allowance};
use crate::{
    data_dir::{self, RunningTime},
    net::{
        tls::{self, Identity},
        try_bind,
    },
    store::{StoreActor, StoreError},
};

impl Server {
    /// Checks settings, and the data folder if it is given, with its phone list and the addresses to listen on.
    /// Returns warnings. Writes nothing.
    ///
    /// # Errors
    /// Why [`Self::run`] would fail.
    pub fn check(
        &self,
        settings: &Settings,
        data: Option<&Path>,
    ) -> Result<Vec<ConfigWarning>, StartError> {
        self.check_all(settings, data)
            .map_err(|error| error.placed(settings))
    }

    fn check_all(
        &self,
        settings: &Settings,
        data: Option<&Path>,
    ) -> Result<Vec<ConfigWarning>, StartError> {
        let files = match data {
            Some(data) => data_dir::plan(data, settings)?,
            None => settings
                .tls
                .certificate
                .clone()
                .zip(settings.tls.key.clone()),
        };
        Profiles::load(data)?;
        let before = match data {
            Some(data) => RunningTime::open(data, self.clock.clone())?.before(),
            None => Duration::ZERO,
        };
        allowance(self.issuer.as_ref(), settings, before)?;
        if let Some((certificate, key)) = files {
            Identity::read(&certificate, &key)?;
        }
        for authority in [
            &settings.phones.trusted_authority,
            &settings.clients.trusted_authority,
        ]
        .into_iter()
        .flatten()
        {
            tls::authorities(authority, false)?;
        }
        if let Some(data) = data {
            check_use(settings, data)?;
        }
        let mut all = ConfigWarning::of(settings);
        all.extend(
            data.into_iter()
                .flat_map(|data| ConfigWarning::in_folder(data, settings)),
        );
        Ok(all)
    }
}

/// Checks the phone list and the addresses. What the folder's running server uses is free for its successor.
fn check_use(settings: &Settings, data: &Path) -> Result<(), StartError> {
    let lock = data.join(LOCK);
    let unusable = |source| StoreError::File {
        action: "opened",
        path: lock.clone(),
        source,
    };
    if lock.exists() {
        OpenOptions::new()
            .write(true)
            .open(&lock)
            .map_err(unusable)?;
    }
    let is_in_use = is_in_use(data).map_err(unusable)?;
    let mut own = Vec::new();
    if is_in_use {
        // A file that cannot be read leaves its ports in use.
        let listening = Listening::read(data).ok().flatten().unwrap_or_default();
        let interfaces = listening.interfaces.into_iter();
        own.extend(interfaces.map(|(setting, address)| (setting == UDP, address)));
        own.extend(api_address(data).map(|address| (false, address)));
    } else {
        StoreActor::check(data)?;
    }
    for (setting, listen) in listeners(settings) {
        let Some(address) = listen.address() else {
            continue;
        };
        let datagrams = setting == UDP;
        let is_own = |(udp, own): &(bool, SocketAddr)| *udp == datagrams && overlap(*own, address);
        match try_bind(address, datagrams) {
            Err(error) if error.kind() == io::ErrorKind::AddrInUse && own.iter().any(is_own) => {}
            // The server waits for it.
            Err(error)
                if error.kind() == io::ErrorKind::AddrNotAvailable && setting != "web.listen" => {}
            Err(error) => return Err(StartError::listen(setting, listen, error)),
            Ok(()) => {}
        }
    }
    Ok(())
}

/// The setting of the one interface that is not TCP.
const UDP: &str = "phones.udp";

/// Where the API of the folder's running server listens.
fn api_address(data: &Path) -> Option<SocketAddr> {
    let url = announced(&data.join(API_ADDRESS)).ok().flatten()?;
    url.trim().strip_prefix("http://")?.parse().ok()
}

/// Every interface in the order in which a start opens them.
fn listeners(settings: &Settings) -> [(&'static str, Listen); 10] {
    let (phones, clients) = (&settings.phones, &settings.clients);
    [
        ("phones.lan.tcp", phones.lan.tcp),
        ("phones.lan.tls", phones.lan.tls),
        ("phones.wan.tcp", phones.wan.tcp),
        ("phones.wan.tls", phones.wan.tls),
        (UDP, phones.udp),
        ("clients.lan.tcp", clients.lan.tcp),
        ("clients.lan.tls", clients.lan.tls),
        ("clients.wan.tcp", clients.wan.tcp),
        ("clients.wan.tls", clients.wan.tls),
        ("web.listen", settings.web.listen),
    ]
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use ed25519_dalek::SigningKey;
    use uacsta_actors::licence::code::Issuer;

    use super::*;

    #[test]
    fn invalid_licence_is_reported_as_at_the_start() {
        let mut settings = Settings::builtin();
        settings.licenses.codes = vec!["AAAA".to_owned()];
        let issuer = Issuer::with(&SigningKey::from_bytes(&[7; 32]));
        let server = Server::default().licensed_by(issuer);
        let folder = tempfile::tempdir().unwrap();
        let told = server.check(&settings, Some(folder.path())).unwrap_err();
        assert!(told.to_string().starts_with("licenses.codes[0] "), "{told}");
        let start = server.run(settings, folder.path()).err().unwrap();
        assert_eq!(start.to_string(), told.to_string());
    }
}
