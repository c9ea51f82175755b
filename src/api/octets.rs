//! Answers with the octets of a file, read in blocks on a thread that may wait for the disk.

use std::{
    fs::File,
    io::{self, Read as _, Seek as _, SeekFrom},
    sync::{Arc, Mutex, PoisonError},
};

use actix_web::{
    body::SizedStream,
    web::{self, Bytes},
};
use futures_util::{Stream, stream};

/// How many octets are read at a time.
const BLOCK: u64 = 64 << 10;

/// The part of a file from an offset on.
pub(super) fn octets(
    file: Arc<Mutex<File>>,
    from: u64,
    length: u64,
) -> SizedStream<impl Stream<Item = Result<Bytes, io::Error>>> {
    let blocks = stream::try_unfold((file, from, length), |(file, at, left)| async move {
        if left == 0 {
            return Ok(None);
        }
        let source = Arc::clone(&file);
        let read = web::block(move || {
            let mut block = vec![0; left.min(BLOCK) as usize];
            // Several answers may read it.
            let mut file = source.lock().unwrap_or_else(PoisonError::into_inner);
            file.seek(SeekFrom::Start(at))?;
            file.read_exact(&mut block)?;
            Ok::<_, io::Error>(block)
        });
        let block = read.await.map_err(io::Error::other)??;
        let length = block.len() as u64;
        Ok(Some((
            Bytes::from(block),
            (file, at + length, left - length),
        )))
    });
    SizedStream::new(length, blocks)
}
