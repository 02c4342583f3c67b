//! The rows that were set aside, as a feed of its own: to be mended and loaded as a delta.

use std::fs::File;
use std::io::{self, BufRead, BufReader, BufWriter, Read, Seek, Write};
use std::path::Path;

use super::report::ImportError;
use crate::billing::collection::put_in_place;
use crate::files::billing_feed::{Format, MAX_LINE_BYTES, SnapshotHeader, SnapshotKind};

/// The longest id that a feed takes, less the room for the ending.
const MAX_STEM: usize = 90;

/// Rows that were set aside, as they came, until it is known whether the rest is taken.
pub(super) struct Rejected(BufWriter<File>);

impl Rejected {
    pub(super) fn new(spooled: File) -> Self {
        Self(BufWriter::new(spooled))
    }

    /// Sets one row aside.
    pub(super) fn row(&mut self, raw: &[u8]) -> Result<(), ImportError> {
        self.0.write_all(raw).and_then(|()| self.0.write_all(b"\n")).map_err(ImportError::Spool)
    }

    /// Puts them in place as a file, behind their head.
    pub(super) fn put(self, path: &Path, head: &[u8]) -> Result<String, ImportError> {
        let mut rows = self.0.into_inner().map_err(|error| ImportError::Spool(error.into_error()))?;
        rows.rewind().map_err(ImportError::Spool)?;
        let temporary = path.with_extension("part");
        let mut write = || {
            let mut file = File::create(&temporary)?;
            file.write_all(head)?;
            io::copy(&mut rows, &mut file)?;
            put_in_place(&file, &temporary, path)
        };
        write().map_err(ImportError::File)?;
        Ok(path.display().to_string())
    }
}

/// What the rejects begin with: the head of the feed, under another name and as a delta.
pub(super) fn head(file: &File, format: Option<Format>, header: &SnapshotHeader) -> Result<Vec<u8>, ImportError> {
    let stem: String = header.id.chars().take(MAX_STEM).collect();
    let header = SnapshotHeader { id: format!("{stem}-mended"), kind: SnapshotKind::Delta, ..header.clone() };
    let mut lines = BufReader::new(unpacked(file).map_err(ImportError::File)?);
    let first = lines.fill_buf().map_err(ImportError::File)?.first().copied();
    match (format, first) {
        (Some(Format::Asobancaria2001), _) | (None, Some(b'0')) => Err(ImportError::Whole),
        (Some(Format::Csv), _) | (None, Some(b'#')) => csv_head(lines, &header).map_err(ImportError::File),
        _ => Ok(format!("{}\n", serde_json::json!({ "snapshot": header })).into_bytes()),
    }
}

/// The first line anew, and the lines up to the columns' names as they are.
fn csv_head(mut lines: impl BufRead, header: &SnapshotHeader) -> io::Result<Vec<u8>> {
    let mut line = Vec::new();
    let read = |lines: &mut dyn BufRead, line: &mut Vec<u8>| {
        line.clear();
        lines.take(MAX_LINE_BYTES as u64).read_until(b'\n', line)
    };
    read(&mut lines, &mut line)?;
    let separator = line.get(b"#snapshot".len()).copied().unwrap_or(b',');
    let mut csv = csv::WriterBuilder::new().delimiter(separator).from_writer(Vec::new());
    let as_of = header.as_of.to_string();
    csv.write_record(["#snapshot", &header.id, "delta", &as_of, &header.currency])?;
    let mut head = csv.into_inner().map_err(|error| error.into_error())?;
    while read(&mut lines, &mut line)? > 0 {
        head.extend_from_slice(&line);
        if !line.starts_with(b"#") {
            break;
        }
    }
    Ok(head)
}

/// The file from its beginning, unpacked; its place is taken back afterwards.
fn unpacked(file: &File) -> io::Result<Box<dyn Read>> {
    let mut again = file.try_clone()?;
    let mut magic = [0; 4];
    again.rewind()?;
    _ = (&mut again).take(4).read(&mut magic)?;
    again.rewind()?;
    let copy = Restoring(again);
    Ok(match magic {
        [0x1f, 0x8b, ..] => Box::new(flate2::read::MultiGzDecoder::new(copy)),
        [0x28, 0xb5, 0x2f, 0xfd] => Box::new(zstd::stream::read::Decoder::new(copy)?),
        _ => Box::new(copy),
    })
}

/// A second handle shares the place in the file with the first, so it is left at the beginning.
struct Restoring(File);

impl Read for Restoring {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        self.0.read(into)
    }
}

impl Drop for Restoring {
    fn drop(&mut self) {
        _ = self.0.rewind();
    }
}
