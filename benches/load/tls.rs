//! TLS on loopback that accepts any server, and the certificate for Kamailio.

use std::{
    fs,
    net::SocketAddr,
    path::{Path, PathBuf},
    sync::Arc,
};

use uacsta_connect::trusting;

use crate::wire::Address;

/// Where to connect to, over TLS or not.
pub(crate) fn address(socket: SocketAddr, secure: bool) -> Address {
    let tls = secure.then(|| Arc::new(trusting()));
    Address { socket, tls }
}

/// Writes a self-signed certificate (P-256, as uacsta makes its own) and its key into `folder`.
///
/// # Errors
/// When the folder cannot be written.
pub(crate) fn make_certificate(folder: &Path) -> anyhow::Result<(PathBuf, PathBuf)> {
    let made = rcgen::generate_simple_self_signed(["localhost".to_owned()])?;
    let (certificate, key) = (folder.join("certificate.pem"), folder.join("key.pem"));
    fs::write(&certificate, made.cert.pem())?;
    fs::write(&key, made.signing_key.serialize_pem())?;
    Ok((certificate, key))
}
