//! Why a server does not start, or not change, in sentences that say what to do.

use std::{io, net::SocketAddr};

use uacsta_actors::licensing::code::CodeError;
use uacsta_config::{Listen, Settings, SettingsError};

use crate::{data_dir::DataDirError, net::tls, store::StoreError};

/// Why a server does not start, or does not take other settings.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// The data folder lacks something that cannot be made.
    #[error(transparent)]
    FirstStart(#[from] DataDirError),
    /// A profile of a phone maker in the data folder is wrong.
    #[error(transparent)]
    Profile(#[from] SettingsError),
    /// The phone list cannot be opened.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The certificate cannot be used.
    #[error(transparent)]
    Tls(#[from] tls::TlsError),
    /// An address cannot be listened on.
    #[error("{setting}: cannot listen on {address}: {}", because(error))]
    Listen {
        /// The setting that names the address.
        setting: &'static str,
        /// The address.
        address: SocketAddr,
        /// What the system says; it is part of the sentence.
        error: io::Error,
    },
    /// A licence code does not hold.
    #[error("licenses.codes[{at}] {error}")]
    Licence {
        /// Its place in the list, from 0 on.
        at: usize,
        /// What is wrong with it.
        error: CodeError,
    },
    /// How long earlier runs took cannot be read.
    #[error("the file trial in the data folder cannot be read: {0}")]
    Trial(#[from] io::Error),
    /// The command line would ask where another server was.
    #[error("api.url cannot be removed from the data folder: {0}")]
    ApiFile(io::Error),
    /// One of these, and where the setting stands that is wrong.
    #[error("{place}: {error}")]
    At {
        /// A file with its line, or an environment variable.
        place: String,
        /// What is wrong.
        error: Box<Self>,
    },
    /// The system has no random numbers.
    #[error("the system gives no random numbers: {0}")]
    Random(#[from] getrandom::Error),
}

impl StartError {
    /// The same with the place of the setting that is wrong, where the settings know it.
    pub(super) fn placed(self, settings: &Settings) -> Self {
        let tls = &settings.tls;
        let files = [
            ("tls.certificate", &tls.certificate),
            ("tls.key", &tls.key),
            (
                "phones.trusted_authority",
                &settings.phones.trusted_authority,
            ),
            (
                "clients.trusted_authority",
                &settings.clients.trusted_authority,
            ),
        ];
        let key = match &self {
            Self::Listen { setting, .. } => Some(*setting),
            Self::Licence { .. } => Some("licenses.codes"),
            Self::Tls(error) => files
                .into_iter()
                .find(|(_, path)| path.as_deref() == Some(error.path()))
                .map(|(key, _)| key),
            _ => None,
        };
        match key.and_then(|key| settings.place(key)) {
            Some(place) => Self::At {
                place: place.to_owned(),
                error: Box::new(self),
            },
            None => self,
        }
    }

    /// Whether it is an address that another listener has.
    pub(super) fn is_in_use(&self) -> bool {
        matches!(self, Self::Listen { error, .. } if error.kind() == io::ErrorKind::AddrInUse)
    }

    /// An address that cannot be listened on.
    pub(super) fn listen(setting: &'static str, listen: Listen, error: io::Error) -> Self {
        let address = listen
            .address()
            .unwrap_or_else(|| SocketAddr::from(([0, 0, 0, 0], 0)));
        Self::Listen {
            setting,
            address,
            error,
        }
    }
}

/// What the system says, and what to do about it.
fn because(error: &io::Error) -> String {
    match error.kind() {
        io::ErrorKind::AddrInUse => {
            "the port is in use, perhaps by another uacsta; stop that program or set another port"
                .to_owned()
        }
        io::ErrorKind::PermissionDenied => {
            "this user may not use the port; ports below 1024 need rights".to_owned()
        }
        io::ErrorKind::AddrNotAvailable => "this machine does not have the address".to_owned(),
        _ => error.to_string(),
    }
}
