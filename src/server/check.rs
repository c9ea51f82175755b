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

/// What a start with given settings would meet.
#[derive(Debug, Default)]
pub struct Checked {
    /// Why [`Server::run`] would fail, in the order in which it would.
    pub errors: Vec<StartError>,
    /// What a server logs at its start.
    pub warnings: Vec<ConfigWarning>,
}

impl Server {
    /// Checks settings, and the data folder if it is given, with its phone list and the addresses to listen on. Writes
    /// nothing.
    pub fn check(&self, settings: &Settings, data: Option<&Path>) -> Checked {
        let mut errors = Vec::new();
        self.check_files(settings, data, &mut errors);
        let mut warnings = ConfigWarning::all(settings, data, self.issuer.as_ref());
        warnings.extend(ConfigWarning::of_addresses(settings));
        let errors = errors.into_iter().map(|error| error.placed(settings));
        Checked {
            errors: errors.collect(),
            warnings,
        }
    }

    /// Checks the data folder, and the addresses before a first start, so that one that fails leaves no data folder behind.
    ///
    /// # Errors
    /// The folder cannot be written, or the first address that cannot be listened on.
    pub fn check_first_start(settings: &Settings, data: &Path) -> Result<(), StartError> {
        data_dir::may_be_filled(data)?;
        match check_addresses(settings, &[]).next() {
            Some(error) if !data.exists() => Err(error.placed(settings)),
            _ => Ok(()),
        }
    }

    fn check_files(&self, settings: &Settings, data: Option<&Path>, errors: &mut Vec<StartError>) {
        let tls = &settings.tls;
        let planned = match data {
            Some(data) => data_dir::plan(data, settings),
            None => Ok(tls.certificate.clone().zip(tls.key.clone())),
        };
        // A folder that cannot be used has no other mistakes.
        let folder = data.filter(|_| planned.is_ok());
        let files = keep(errors, planned).flatten();
        keep(errors, Profiles::load(folder));
        let before = match folder {
            Some(data) => keep(errors, RunningTime::open(data, self.clock.clone())),
            None => None,
        };
        let before = before.map_or(Duration::ZERO, |time| time.before());
        keep(errors, allowance(self.issuer.as_ref(), settings, before));
        if let Some((certificate, key)) = files {
            keep(errors, Identity::read(&certificate, &key));
        }
        let (phones, clients) = (&settings.phones, &settings.clients);
        let authorities = [&phones.trusted_authority, &clients.trusted_authority];
        for authority in authorities.into_iter().flatten() {
            keep(errors, tls::authorities(authority, false));
        }
        if data.is_some() {
            let own = match folder {
                Some(data) => keep(errors, check_use(data)).unwrap_or_default(),
                None => Vec::new(),
            };
            errors.extend(check_addresses(settings, &own));
        }
    }
}

/// The value, or `None` after its error is added to `errors`.
fn keep<T>(errors: &mut Vec<StartError>, tried: Result<T, impl Into<StartError>>) -> Option<T> {
    tried.map_err(|error| errors.push(error.into())).ok()
}

/// An address that the data folder's running server has, and whether it is UDP.
type OwnAddress = (bool, SocketAddr);

/// Checks lock and phone list of a data folder. Returns the addresses of its running server, which are free for its
/// successor.
fn check_use(data: &Path) -> Result<Vec<OwnAddress>, StartError> {
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
    let mut own = Vec::new();
    if is_in_use(data).map_err(unusable)? {
        // A file that cannot be read leaves its ports in use.
        let listening = Listening::read(data).ok().flatten().unwrap_or_default();
        let interfaces = listening.interfaces.into_iter();
        own.extend(interfaces.map(|(setting, address)| (setting == UDP, address)));
        own.extend(api_address(data).map(|address| (false, address)));
    } else {
        StoreActor::check(data)?;
    }
    Ok(own)
}

/// The addresses that cannot be listened on.
fn check_addresses(settings: &Settings, own: &[OwnAddress]) -> impl Iterator<Item = StartError> {
    listeners(settings)
        .into_iter()
        .filter_map(|(setting, listen)| {
            let address = listen.address()?;
            let datagrams = setting == UDP;
            let is_own = |(udp, own): &OwnAddress| *udp == datagrams && overlap(*own, address);
            match try_bind(address, datagrams).err()? {
                error if error.kind() == io::ErrorKind::AddrInUse && own.iter().any(is_own) => None,
                // The server waits for it.
                error
                    if error.kind() == io::ErrorKind::AddrNotAvailable
                        && setting != "web.listen" =>
                {
                    None
                }
                error => Some(StartError::listen(setting, listen, error)),
            }
        })
}

/// The setting of the one interface that is not TCP.
const UDP: &str = "phones.udp";

/// Where the API of the folder's running server listens.
fn api_address(data: &Path) -> Option<SocketAddr> {
    let url = announced(&data.join(API_ADDRESS)).ok().flatten()?;
    let (_, address) = url.trim().split_once("://")?;
    address.parse().ok()
}

/// Every interface in the order in which a start opens them.
pub(super) fn listeners(settings: &Settings) -> [(&'static str, Listen); 10] {
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
        let checked = server.check(&settings, Some(folder.path()));
        let told = checked.errors.first().unwrap();
        assert!(told.to_string().starts_with("licenses.codes[0] "), "{told}");
        let start = server.run(settings, folder.path()).err().unwrap();
        assert_eq!(start.to_string(), told.to_string());
    }
}
