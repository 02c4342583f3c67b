//! A file, read and hashed on a thread of its own, a few blocks ahead of whoever judges it.

use std::fs::File;
use std::io::{self, Cursor, Read};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};

use sha2::{Digest, Sha256};

use crate::domain::position::hex;

const BLOCK_BYTES: usize = 256 * 1024;
/// Blocks that were hashed and wait to be judged.
const BLOCKS_AHEAD: usize = 4;

/// The bytes of a file, which others hash meanwhile.
pub(super) struct Blocks {
    receive: Receiver<io::Result<Vec<u8>>>,
    current: Cursor<Vec<u8>>,
}

/// Has a file judged while it is read. Answers the verdict and the SHA-256 of what was read, which is all of
/// it when the judge read to the end. `read` counts the bytes.
pub(super) fn judged<T>(file: &mut File, read: &AtomicU64, judge: impl FnOnce(&mut Blocks) -> T) -> (T, String) {
    let (send, receive) = sync_channel(BLOCKS_AHEAD);
    std::thread::scope(|scope| {
        let hashing = scope.spawn(move || hash(file, read, &send));
        let verdict = judge(&mut Blocks { receive, current: Cursor::default() });
        // The judge is done with the channel, so this ends too.
        let hash = hashing.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic));
        (verdict, hash)
    })
}

fn hash(file: &mut File, read: &AtomicU64, send: &SyncSender<io::Result<Vec<u8>>>) -> String {
    let mut hash = Sha256::new();
    loop {
        let mut block = Vec::with_capacity(BLOCK_BYTES);
        let outcome = file.take(BLOCK_BYTES as u64).read_to_end(&mut block);
        hash.update(&block);
        read.fetch_add(block.len() as u64, Ordering::Relaxed);
        let over = outcome.as_ref().map_or(true, |read| *read == 0);
        if send.send(outcome.map(|_| block)).is_err() || over {
            return hex(&hash.finalize());
        }
    }
}

impl Read for Blocks {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        loop {
            let read = self.current.read(into)?;
            if read > 0 || into.is_empty() {
                return Ok(read);
            }
            // The last block is empty, and nothing comes after it.
            match self.receive.recv() {
                Ok(block) => self.current = Cursor::new(block?),
                Err(_) => return Ok(0),
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::io::{Seek, Write};

    use super::*;

    fn file_of(bytes: &[u8]) -> io::Result<File> {
        let mut file = tempfile::tempfile()?;
        file.write_all(bytes)?;
        file.rewind()?;
        Ok(file)
    }

    #[test]
    fn what_is_judged_is_what_is_hashed() -> io::Result<()> {
        for length in [0, 1, BLOCK_BYTES - 1, BLOCK_BYTES, BLOCK_BYTES + 1, 7 * BLOCK_BYTES + 5] {
            let bytes: Vec<u8> = (0..length).map(|at| (at * 31 % 251) as u8).collect();
            let read = AtomicU64::new(0);
            let (judged, hash) = judged(&mut file_of(&bytes)?, &read, |blocks| {
                let mut bytes = Vec::new();
                blocks.read_to_end(&mut bytes).map(|_| bytes)
            });
            assert!(judged? == bytes, "{length}");
            assert_eq!((hash, read.into_inner()), (hex(&Sha256::digest(&bytes)), length as u64));
        }
        Ok(())
    }

    #[test]
    fn a_judge_who_stops_early_is_not_waited_for() -> io::Result<()> {
        let read = AtomicU64::new(0);
        let mut file = file_of(&vec![7; 64 * BLOCK_BYTES])?;
        let (first, _) = judged(&mut file, &read, |blocks| {
            let mut first = [0];
            blocks.read_exact(&mut first).map(|()| first)
        });
        assert_eq!(first?, [7]);
        assert!(read.into_inner() <= (BLOCKS_AHEAD as u64 + 3) * BLOCK_BYTES as u64);
        Ok(())
    }

    #[test]
    fn a_file_that_cannot_be_read_is_not_a_short_one() -> io::Result<()> {
        let path = tempfile::NamedTempFile::new()?;
        let mut unreadable = File::options().write(true).open(path.path())?;
        let (outcome, _) = judged(&mut unreadable, &AtomicU64::new(0), |blocks| io::copy(blocks, &mut io::sink()));
        assert!(outcome.is_err());
        Ok(())
    }
}
