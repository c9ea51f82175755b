//! Reads streams into buffers that the connections of a thread share, so that an idle one holds none.

use std::{
    cell::RefCell,
    io,
    pin::Pin,
    task::{Context, Poll, ready},
};

use bytes::BytesMut;
use tokio::io::{AsyncRead, ReadBuf};

/// The most octets that one read returns.
const SCRATCH: usize = 16 * 1024;
/// How many buffers are kept for reuse, and the largest capacity of one in octets.
const SPARE: usize = 32;
const KEEP: usize = 4 * 1024;

thread_local! {
    static SCRATCH_BUFFER: RefCell<Box<[u8]>> = RefCell::new(vec![0; SCRATCH].into_boxed_slice());
    static SPARE_BUFFERS: RefCell<Vec<BytesMut>> = const { RefCell::new(Vec::new()) };
}

/// An empty buffer for octets to be sent.
pub(super) fn take() -> BytesMut {
    SPARE_BUFFERS.with_borrow_mut(Vec::pop).unwrap_or_default()
}

/// Keeps a buffer, whose content was sent, for the next [`take`].
pub(super) fn give_back(mut buffer: BytesMut) {
    buffer.clear();
    if buffer.capacity() <= KEEP {
        SPARE_BUFFERS.with_borrow_mut(|spare| {
            if spare.len() < SPARE {
                spare.push(buffer);
            }
        });
    }
}

/// Appends the octets that have arrived to `unread`; returns the number of octets, 0 at the end of the stream.
pub(super) fn read(
    io: impl AsyncRead + Unpin,
    unread: &mut BytesMut,
    cx: &mut Context<'_>,
) -> Poll<io::Result<usize>> {
    let mut io = io;
    SCRATCH_BUFFER.with_borrow_mut(|scratch| {
        let mut buffer = ReadBuf::new(scratch);
        ready!(Pin::new(&mut io).poll_read(cx, &mut buffer))?;
        unread.extend_from_slice(buffer.filled());
        Poll::Ready(Ok(buffer.filled().len()))
    })
}
