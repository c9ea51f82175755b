//! Why a connection to a SIP server failed.

use std::path::PathBuf;

/// Why a connection failed.
#[derive(Debug, thiserror::Error)]
pub enum ConnectError {
    /// The address has no port, or an invalid host name.
    #[error(
        "{0:?} is not an address; write HOST:PORT, such as 192.0.2.1:5070 or [2001:db8::1]:5070{hint}", hint = url_hint(.0)
    )]
    Address(String),
    /// The certificate file cannot be used.
    #[error("{}: {reason}", path.display())]
    Certificates {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        reason: String,
    },
    /// Nothing listens at the address, or its certificate is not trusted.
    #[error("cannot connect to {server}: {reason}")]
    Unreachable {
        /// Host and port.
        server: String,
        /// What the system or TLS reports.
        reason: String,
    },
}

fn url_hint(address: &str) -> &'static str {
    match address.contains("://") {
        true => {
            " (a URL is for commands that use the HTTP API; this one uses SIP, over TLS with --tls)"
        }
        false => "",
    }
}
