//! Errors of start and reload, with what to do about them.

use std::{io, net::SocketAddr};

use uacsta_actors::licence::code::CodeError;
use uacsta_config::{Listen, Settings, SettingsError, remedy};

use crate::{
    data_dir::DataDirError,
    net::tls,
    reload::{Mistake, ReloadError},
    store::StoreError,
};

/// Why a server cannot start, or settings cannot be applied.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// A file of the data folder cannot be read or generated.
    #[error(transparent)]
    FirstStart(#[from] DataDirError),
    /// A phone profile in the data folder is invalid.
    #[error(transparent)]
    Profile(#[from] SettingsError),
    /// The phone list cannot be opened.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// Certificate, key or authority cannot be used.
    #[error(transparent)]
    Tls(#[from] tls::TlsError),
    /// An address cannot be listened on.
    #[error("{setting}: cannot listen on {address}: {}", explain(error))]
    Listen {
        /// The setting that contains the address.
        setting: &'static str,
        /// Unspecified if the interface is off.
        address: SocketAddr,
        /// The system's error.
        error: io::Error,
    },
    /// A licence code is invalid.
    #[error("licenses.codes[{at}] {error}")]
    Licence {
        /// Its index in the setting.
        at: usize,
        /// Completes the sentence.
        error: CodeError,
    },
    /// The running time of earlier runs cannot be read.
    #[error("cannot read the running time in the data folder (trial, telephones.time): {}{}", .0, remedy(.0))]
    Trial(#[from] io::Error),
    /// A file in which an earlier run told its addresses cannot be removed.
    #[error("cannot remove {name} from the data folder: {error}")]
    Announcement {
        /// The file.
        name: &'static str,
        /// The system's error.
        error: io::Error,
    },
    /// The system starts no further thread.
    #[error("cannot start the thread of the audit log: {error}")]
    Thread {
        /// The system's error.
        error: io::Error,
    },
    /// Another error, with its setting.
    #[error("{}{error}", place.as_ref().map(|place| format!("{place}: ")).unwrap_or_default())]
    At {
        /// The setting.
        key: String,
        /// A file and line, or an environment variable, if it is no default.
        place: Option<String>,
        /// The error itself.
        error: Box<Self>,
    },
    /// The system provides no random numbers.
    #[error("the system provides no random numbers: {0}")]
    Random(#[from] getrandom::Error),
}

impl StartError {
    /// Adds the setting and its place, if they are known.
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
        let code;
        let key = match &self {
            Self::Listen { setting, .. } => Some(*setting),
            Self::Licence { at, .. } => {
                code = format!("licenses.codes[{at}]");
                Some(code.as_str())
            }
            Self::Tls(error) => files
                .into_iter()
                .find(|(_, path)| path.as_deref() == Some(error.path()))
                .map(|(key, _)| key),
            _ => None,
        };
        match key {
            Some(key) => Self::At {
                key: key.to_owned(),
                place: settings.place(key).map(str::to_owned),
                error: Box::new(self),
            },
            None => self,
        }
    }

    /// Whether it is an address that another listener has.
    pub(super) fn is_in_use(&self) -> bool {
        matches!(self, Self::Listen { error, .. } if error.kind() == io::ErrorKind::AddrInUse)
    }

    /// The error of an address that cannot be listened on.
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

impl From<StartError> for ReloadError {
    fn from(error: StartError) -> Self {
        let (key, place, text) = match error {
            StartError::Profile(error) => return error.into(),
            StartError::FirstStart(error) => return error.into(),
            StartError::At { key, place, error } => (Some(key), place, error.to_string()),
            error => (None, None, error.to_string()),
        };
        Self::Invalid(vec![Mistake { key, place, text }])
    }
}

/// The system's error, and what to do about it.
fn explain(error: &io::Error) -> String {
    match error.kind() {
        io::ErrorKind::AddrInUse => {
            "the port is in use, perhaps by another uacsta; stop that program or set another port"
                .to_owned()
        }
        io::ErrorKind::PermissionDenied => {
            "this user may not use the port; ports below 1024 need privileges".to_owned()
        }
        io::ErrorKind::AddrNotAvailable => "this machine does not have the address".to_owned(),
        _ => error.to_string(),
    }
}
