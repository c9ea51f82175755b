//! Framing of a byte stream, for tokio-util (RFC 3261, 18.3; RFC 5626, 3.5.1).

use bytes::{Buf, Bytes, BytesMut};
use tokio_util::codec::{Decoder, Encoder};

use super::frame::Opening;
pub use super::frame::{Excess, Frame, FrameError, Limits, Refused};
use super::scan::Scan;

/// The codec of one connection.
///
/// However the stream is cut, the same frames come out. A message without Content-Length ends with its head: RFC 3261,
/// 18.3, demands the field on a stream, yet phones leave it out where there is no body.
///
/// After an error the connection has to be closed, since nothing tells where the next message begins.
#[derive(Debug, Default)]
pub struct Codec {
    limits: Limits,
    scan: Scan,
    /// A message whose body is still to come, and how long that is. Boxed, since most connections idle.
    opened: Option<Box<(Opening, usize)>>,
    /// A CRLF came just before, so that another one makes a ping.
    half_ping: bool,
}

impl Codec {
    /// A codec that holds to these limits.
    #[must_use]
    pub fn new(limits: Limits) -> Self {
        Self {
            limits,
            ..Self::default()
        }
    }

    /// Takes line ends between messages off the stream.
    fn keep_alive(&mut self, stream: &mut BytesMut) -> Option<Frame> {
        while stream.first() == Some(&b'\n') {
            stream.advance(1);
        }
        if !stream.starts_with(b"\r\n") {
            return None;
        }
        stream.advance(2);
        self.half_ping = !self.half_ping;
        Some(if self.half_ping {
            Frame::Pong
        } else {
            Frame::Ping
        })
    }

    fn open(&mut self, stream: &mut BytesMut) -> Result<Option<(Opening, usize)>, FrameError> {
        let extent = match self.scan.advance(stream, &self.limits) {
            Ok(Some(extent)) => extent,
            Ok(None) => return Ok(None),
            Err(excess) => {
                return Err(FrameError::excess(
                    excess,
                    stream.split_to(self.scan.complete()),
                ));
            }
        };
        self.scan = Scan::default();
        self.half_ping = false;
        let opening = Opening::new(stream.split_to(extent.length), extent)?;
        let length = opening.content_length(&self.limits)?.unwrap_or(0);
        Ok(Some((opening, length)))
    }
}

impl Decoder for Codec {
    type Item = Frame;
    type Error = FrameError;

    fn decode(&mut self, stream: &mut BytesMut) -> Result<Option<Frame>, FrameError> {
        if let Some(opened) = self.opened.take_if(|opened| opened.1 <= stream.len()) {
            let (opening, length) = *opened;
            return Ok(Some(opening.close(stream.split_to(length).freeze())));
        }
        if self.opened.is_some() {
            return Ok(None);
        }
        if let Some(frame) = self.keep_alive(stream) {
            return Ok(Some(frame));
        }
        if stream.as_ref() == b"\r" {
            return Ok(None);
        }
        match self.open(stream)? {
            Some((opening, length)) if length <= stream.len() => {
                Ok(Some(opening.close(stream.split_to(length).freeze())))
            }
            Some(opened) => {
                self.opened = Some(Box::new(opened));
                Ok(None)
            }
            None => Ok(None),
        }
    }

    fn decode_eof(&mut self, stream: &mut BytesMut) -> Result<Option<Frame>, FrameError> {
        match self.decode(stream)? {
            Some(frame) => Ok(Some(frame)),
            None if stream.is_empty() && self.opened.is_none() => Ok(None),
            None => Err(FrameError::Truncated),
        }
    }
}

/// Sends what a `Composer` wrote elsewhere; what is written for this connection goes into its buffer directly.
impl Encoder<Bytes> for Codec {
    type Error = FrameError;

    fn encode(&mut self, message: Bytes, stream: &mut BytesMut) -> Result<(), FrameError> {
        stream.extend_from_slice(&message);
        Ok(())
    }
}
