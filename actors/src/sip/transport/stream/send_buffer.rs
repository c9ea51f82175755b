//! The octets that await sending on a connection, with their bound.

use std::{
    io,
    pin::Pin,
    task::{Context, Poll, ready},
};

use bytes::{Buf as _, BytesMut};
use tokio::io::AsyncWrite;

use super::super::buffers;

/// The unsent octets. While there are none, it holds no memory.
pub(super) struct SendBuffer {
    octets: BytesMut,
    /// The most octets that may remain after a turn.
    bound: usize,
}

/// Octets are written at the end of a turn, or when this many wait: a turn in which a thousand phones report must not exceed the
/// bound, which is for peers that do not read.
const EAGER: usize = 64 * 1024;

impl SendBuffer {
    pub(super) fn new(bound: usize) -> Self {
        Self {
            octets: BytesMut::new(),
            bound,
        }
    }

    pub(super) fn len(&self) -> usize {
        self.octets.len()
    }

    /// Whether more octets wait than may remain after a turn.
    pub(super) fn exceeds_bound(&self) -> bool {
        self.octets.len() > self.bound
    }

    /// Whether so many octets wait that they must be written within the turn.
    pub(super) fn is_eager(&self) -> bool {
        self.octets.len() >= EAGER
    }

    /// Appends what `compose` writes; returns its result, and the octets.
    pub(super) fn append<T>(&mut self, compose: impl FnOnce(&mut BytesMut) -> T) -> (T, &[u8]) {
        let start = self.octets.len();
        if self.octets.capacity() == 0 {
            self.octets = buffers::take();
        }
        let composed = compose(&mut self.octets);
        (composed, &self.octets[start..])
    }

    /// Writes what the operating system accepts.
    pub(super) fn flush(
        &mut self,
        io: &mut (impl AsyncWrite + Unpin),
        cx: &mut Context<'_>,
    ) -> Poll<io::Result<()>> {
        while !self.octets.is_empty() {
            let written = ready!(Pin::new(&mut *io).poll_write(cx, &self.octets))?;
            if written == 0 {
                return Poll::Ready(Err(io::ErrorKind::WriteZero.into()));
            }
            if written == self.octets.len() {
                buffers::give_back(std::mem::take(&mut self.octets));
            } else {
                self.octets.advance(written);
            }
        }
        Pin::new(io).poll_flush(cx)
    }
}
