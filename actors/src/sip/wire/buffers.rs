//! The buffers of a thread, which go from connection to connection, so that an idle one holds none.

use std::{
    cell::RefCell,
    io,
    pin::Pin,
    task::{Context, Poll, ready},
};

use bytes::BytesMut;
use tokio::io::{AsyncRead as _, ReadBuf};

use super::Io;

/// What is read at once.
const SCRATCH: usize = 16 * 1024;
/// So many buffers that were sent are kept, and none that grew beyond so many octets.
const SPARE: usize = 32;
const KEEP: usize = 4 * 1024;

thread_local! {
    static SCRATCH_BUFFER: RefCell<Box<[u8]>> = RefCell::new(vec![0; SCRATCH].into_boxed_slice());
    static SPARE_BUFFERS: RefCell<Vec<BytesMut>> = const { RefCell::new(Vec::new()) };
}

/// One for what is to be sent.
pub(super) fn take() -> BytesMut {
    SPARE_BUFFERS.with_borrow_mut(Vec::pop).unwrap_or_default()
}

/// All in it is sent: another connection may have it.
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

/// Adds what has come to what is unread, and tells how many octets that is; none at the end of the stream.
pub(super) fn read(
    io: &mut Box<dyn Io>,
    unread: &mut BytesMut,
    cx: &mut Context<'_>,
) -> Poll<io::Result<usize>> {
    SCRATCH_BUFFER.with_borrow_mut(|scratch| {
        let mut buffer = ReadBuf::new(scratch);
        ready!(Pin::new(io).poll_read(cx, &mut buffer))?;
        unread.extend_from_slice(buffer.filled());
        Poll::Ready(Ok(buffer.filled().len()))
    })
}
