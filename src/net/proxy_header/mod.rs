//! Reads the PROXY header of a connection, and not an octet more.

mod parse;
#[cfg(test)]
mod property;
#[cfg(test)]
mod tests;

use std::io;

pub(super) use parse::{ProxiedPeer, is_header};
use parse::{missing, parse};
use tokio::io::{AsyncRead, AsyncReadExt};

/// Reads the header that a connection begins with. What follows it may be TLS.
///
/// # Errors
/// The connection ends or fails, or the header is missing or invalid.
pub(super) async fn read(io: &mut (impl AsyncRead + Unpin)) -> io::Result<ProxiedPeer> {
    let mut header = Vec::new();
    loop {
        let begun = header.len();
        match missing(&header).map_err(io::Error::other)? {
            0 => return parse(&header).map_err(io::Error::other),
            more => header.resize(begun + more, 0),
        }
        io.read_exact(&mut header[begun..]).await?;
    }
}
