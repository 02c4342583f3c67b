//! Lines of a stream, with an end to their length: a file without line ends may not eat the memory.

use std::io::{self, BufRead, Read};

/// How a line ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LineEnd {
    /// Carriage return and line feed.
    CrLf,
    /// Line feed alone.
    Lf,
    /// The stream ended first.
    None,
}

/// What is known about the line just read, beside its bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LineInfo {
    /// Its number, from 1.
    pub number: u64,
    /// How it ended.
    pub end: LineEnd,
    /// It is longer than the maximum; its bytes were cut there, and the rest is still to be read or skipped.
    pub too_long: bool,
}

/// Reads lines of at most a given number of bytes.
pub struct Lines<R> {
    reader: R,
    max: usize,
    number: u64,
}

impl<R: BufRead> Lines<R> {
    /// Lines of at most `max` bytes, the line end not counted.
    pub const fn new(reader: R, max: usize) -> Self {
        Self { reader, max, number: 0 }
    }

    /// The number of the last line read; zero before the first.
    #[must_use]
    pub const fn number(&self) -> u64 {
        self.number
    }

    /// Whether nothing follows.
    ///
    /// # Errors
    /// The stream cannot be read.
    pub fn at_end(&mut self) -> io::Result<bool> {
        Ok(self.reader.fill_buf()?.is_empty())
    }

    /// Replaces `line` with the next line without its end; `None` when the stream has ended.
    ///
    /// # Errors
    /// The stream cannot be read.
    pub fn read(&mut self, line: &mut Vec<u8>) -> io::Result<Option<LineInfo>> {
        line.clear();
        let limit = self.max as u64 + 2;
        if (&mut self.reader).take(limit).read_until(b'\n', line)? == 0 {
            return Ok(None);
        }
        self.number += 1;
        let end = if line.ends_with(b"\r\n") {
            line.truncate(line.len() - 2);
            LineEnd::CrLf
        } else if line.ends_with(b"\n") {
            line.truncate(line.len() - 1);
            LineEnd::Lf
        } else {
            LineEnd::None
        };
        let too_long = line.len() > self.max;
        Ok(Some(LineInfo { number: self.number, end, too_long }))
    }

    /// Passes over the rest of a line that was too long.
    ///
    /// # Errors
    /// The stream cannot be read.
    pub fn skip_rest(&mut self, info: LineInfo) -> io::Result<()> {
        if info.end != LineEnd::None {
            return Ok(());
        }
        let mut scratch = Vec::new();
        loop {
            scratch.clear();
            let read = (&mut self.reader).take(64 * 1024).read_until(b'\n', &mut scratch)?;
            if read == 0 || scratch.ends_with(b"\n") {
                return Ok(());
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_that_is_too_long_is_cut_and_the_next_one_found() -> io::Result<()> {
        let text = [b"abc\r\n".as_slice(), &[b'x'; 300_000], b"\nlast"].concat();
        let mut lines = Lines::new(text.as_slice(), 10);
        let mut line = Vec::new();
        assert_eq!(lines.read(&mut line)?, Some(LineInfo { number: 1, end: LineEnd::CrLf, too_long: false }));
        assert_eq!(line, b"abc");
        let info = lines.read(&mut line)?.filter(|info| info.too_long);
        assert_eq!(line.len(), 12);
        lines.skip_rest(info.unwrap())?;
        assert_eq!(lines.read(&mut line)?, Some(LineInfo { number: 3, end: LineEnd::None, too_long: false }));
        assert_eq!(line, b"last");
        assert_eq!(lines.read(&mut line)?, None);
        Ok(())
    }
}
