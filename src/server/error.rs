//! Why a server does not start, or not change, in sentences that say what to do.

use std::{io, net::SocketAddr};

use settings::{Listen, SettingsError};
use uacsta_actors::licensing::code::CodeError;

use crate::{first_start::FirstStartError, net::tls, store::StoreError};

/// Why a server does not start, or does not take other settings.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// The data folder lacks something that cannot be made.
    #[error(transparent)]
    FirstStart(#[from] FirstStartError),
    /// A profile of a phone maker in the data folder is wrong.
    #[error(transparent)]
    Profile(#[from] SettingsError),
    /// The telephone list cannot be opened.
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
    /// The system has no random numbers.
    #[error("the system gives no random numbers: {0}")]
    Random(#[from] getrandom::Error),
}

impl StartError {
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
