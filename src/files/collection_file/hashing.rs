//! Counts and hashes what passes through.

use std::io::{self, BufWriter, Write};

use sha2::{Digest, Sha256};

pub(super) struct Hashing<W: Write> {
    inner: BufWriter<W>,
    hash: Sha256,
    bytes: u64,
}

impl<W: Write> Hashing<W> {
    pub(super) fn new(inner: W) -> Self {
        Self { inner: BufWriter::with_capacity(64 * 1024, inner), hash: Sha256::new(), bytes: 0 }
    }

    /// Flushes; the number of bytes and their SHA-256 in hexadecimal.
    pub(super) fn finish(mut self) -> io::Result<(u64, String)> {
        self.inner.flush()?;
        let hash = self.hash.finalize();
        Ok((self.bytes, hash.iter().map(|byte| format!("{byte:02x}")).collect()))
    }
}

impl<W: Write> Write for Hashing<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let written = self.inner.write(bytes)?;
        self.hash.update(&bytes[..written]);
        self.bytes += written as u64;
        Ok(written)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.inner.flush()
    }
}
