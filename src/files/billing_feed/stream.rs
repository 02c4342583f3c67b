//! Unpacks a stream with an end to what it may yield: a bomb runs into the limit, not into memory.

use std::io::{self, BufRead, BufReader, Cursor, Read};

use flate2::read::MultiGzDecoder;

use super::MAX_ZSTD_WINDOW_LOG;

const GZIP: &[u8] = &[0x1f, 0x8b];
const ZSTD: &[u8] = &[0x28, 0xb5, 0x2f, 0xfd];
const BYTE_ORDER_MARK: &[u8] = &[0xef, 0xbb, 0xbf];
/// How much is read ahead.
const BUFFER_BYTES: usize = 64 * 1024;

/// The unpacked bytes of a feed.
pub(super) struct Stream<'a> {
    head: Cursor<Vec<u8>>,
    rest: BufReader<Box<dyn Read + Send + 'a>>,
}

/// Unpacks by the first bytes; at most `max` bytes come out.
pub(super) fn unpack<'a>(mut reader: impl Read + Send + 'a, max: u64) -> io::Result<Stream<'a>> {
    let magic = first_bytes(&mut reader)?;
    let packed = Cursor::new(magic.clone()).chain(reader);
    let plain: Box<dyn Read + Send + 'a> = if magic.starts_with(GZIP) {
        Box::new(MultiGzDecoder::new(packed))
    } else if magic.starts_with(ZSTD) {
        let mut decoder = zstd::stream::read::Decoder::new(packed)?;
        decoder.window_log_max(MAX_ZSTD_WINDOW_LOG)?;
        Box::new(decoder)
    } else {
        Box::new(packed)
    };
    let mut limited: Box<dyn Read + Send + 'a> = Box::new(Limited { inner: plain, left: max });
    let mut head = first_bytes(&mut limited)?;
    // Spreadsheets put a byte-order mark before UTF-8; it says nothing, so it is passed over.
    if head.starts_with(BYTE_ORDER_MARK) {
        head.drain(..BYTE_ORDER_MARK.len());
    }
    Ok(Stream { head: Cursor::new(head), rest: BufReader::with_capacity(BUFFER_BYTES, limited) })
}

fn first_bytes(reader: &mut impl Read) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::with_capacity(4);
    reader.take(4).read_to_end(&mut bytes)?;
    Ok(bytes)
}

impl Stream<'_> {
    /// The first bytes, not yet consumed; empty only when there are none.
    pub(super) fn head(&mut self) -> io::Result<&[u8]> {
        self.fill_buf()
    }
}

impl Read for Stream<'_> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        let read = self.head.read(into)?;
        if read > 0 || into.is_empty() { Ok(read) } else { self.rest.read(into) }
    }
}

impl BufRead for Stream<'_> {
    fn fill_buf(&mut self) -> io::Result<&[u8]> {
        let at = self.head.position() as usize;
        if at < self.head.get_ref().len() { Ok(&self.head.get_ref()[at..]) } else { self.rest.fill_buf() }
    }

    fn consume(&mut self, amount: usize) {
        let at = self.head.position() as usize;
        if at < self.head.get_ref().len() {
            self.head.set_position((at + amount) as u64);
        } else {
            self.rest.consume(amount);
        }
    }
}

struct Limited<R> {
    inner: R,
    left: u64,
}

impl<R: Read> Read for Limited<R> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        let read = self.inner.read(into)?;
        self.left = self.left.checked_sub(read as u64).ok_or_else(|| {
            io::Error::new(io::ErrorKind::InvalidData, "more bytes than a feed may have after unpacking")
        })?;
        Ok(read)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Write;

    #[test]
    fn a_bomb_runs_into_the_limit() -> io::Result<()> {
        let mut packed = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
        for _ in 0..64 {
            packed.write_all(&[b' '; 64 * 1024])?;
        }
        let packed = packed.finish()?;
        assert!(packed.len() < 64 * 1024);
        let mut stream = unpack(packed.as_slice(), 1024 * 1024)?;
        let read = io::copy(&mut stream, &mut io::sink());
        assert_eq!(read.map_err(|error| error.kind()), Err(io::ErrorKind::InvalidData));
        Ok(())
    }

    #[test]
    fn what_is_packed_comes_out_as_it_went_in() -> io::Result<()> {
        let text = "{\"a\":1}\n".repeat(10_000);
        let mut gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
        gzip.write_all(text.as_bytes())?;
        let zstd = zstd::stream::encode_all(text.as_bytes(), 3)?;
        let marked = [BYTE_ORDER_MARK, text.as_bytes()].concat();
        for packed in [text.clone().into_bytes(), gzip.finish()?, zstd.clone(), marked] {
            let mut out = String::new();
            unpack(packed.as_slice(), u64::MAX)?.read_to_string(&mut out)?;
            assert!(out == text);
        }
        let cut =
            unpack(&zstd[..zstd.len() - 3], u64::MAX).and_then(|mut stream| io::copy(&mut stream, &mut io::sink()));
        assert!(cut.is_err(), "a cut stream is no short feed");
        Ok(())
    }
}
