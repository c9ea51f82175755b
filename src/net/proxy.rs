//! The PROXY header of a connection that a front end passes on: read to its end, and not an octet further.

use std::io;

use tokio::io::{AsyncRead, AsyncReadExt};
pub(super) use uacsta_schema::proxy::{Said, is_header};
use uacsta_schema::proxy::{missing, parse};

/// Reads the header that a connection begins with, and not an octet more.
///
/// # Errors
/// The connection ends or fails, or what comes is no header.
pub(super) async fn read(io: &mut (impl AsyncRead + Unpin)) -> io::Result<Said> {
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

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[tokio::test]
    async fn what_follows_a_header_is_left_unread() {
        let line = b"PROXY TCP4 192.0.2.7 198.51.100.1 5000 5061\r\n".to_vec();
        let second =
            b"\r\n\r\n\0\r\nQUIT\n\x21\x11\0\x0c\xc0\0\x02\x07\xc6\x33\x64\x01\x13\x88\x13\xc5"
                .to_vec();
        for header in [line, b"PROXY UNKNOWN\r\n".to_vec(), second] {
            let stream = [&header[..], b"REGISTER"].concat();
            let mut rest = stream.as_slice();
            let said = read(&mut rest).await.unwrap();
            assert_eq!((said, rest), (parse(&header).unwrap(), &b"REGISTER"[..]));
        }
        let check = async |stream: &[u8], part: &str| {
            let error = read(&mut &*stream).await.unwrap_err().to_string();
            assert!(error.contains(part), "{error}");
        };
        check(
            b"REGISTER sip:a SIP/2.0\r\n",
            "is missing: let the front end",
        )
        .await;
        check(&[b"PROXY ".to_vec(), vec![b'x'; 200]].concat(), "107").await;
        check(b"\r\n\r\n\0\r\nQUIT\n\x21\x11\xff\xff", "4096").await;
        check(b"PROXY TCP4", "eof").await;
    }
}
