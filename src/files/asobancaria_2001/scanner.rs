//! Finds the records of a file: line ends, lengths, and whose turn it is.

use std::io::BufRead;

use super::order::{Order, Stage};
use crate::files::fixed_width::{Fault, FileError, Layout, Warning};
use crate::files::lines::{LineEnd, LineInfo, Lines};

/// One of the two files: its record length and its five records.
pub(super) struct Form {
    pub(super) length: usize,
    pub(super) header: &'static Layout,
    pub(super) lot_header: &'static Layout,
    pub(super) detail: &'static Layout,
    pub(super) lot_trailer: &'static Layout,
    pub(super) trailer: &'static Layout,
}

/// A record that was found; its bytes stand in the scanner's buffer.
pub(super) struct Found {
    pub(super) line: u64,
    pub(super) layout: &'static Layout,
    pub(super) warnings: Vec<Warning>,
}

pub(super) struct Scanner<R> {
    lines: Lines<R>,
    form: &'static Form,
    pub(super) order: Order,
    pub(super) bytes: Vec<u8>,
}

impl<R: BufRead> Scanner<R> {
    pub(super) fn new(reader: R, form: &'static Form) -> Self {
        Self { lines: Lines::new(reader, form.length), form, order: Order::new(form), bytes: Vec::new() }
    }

    /// The next record, padded to its full length; `None` after a complete file.
    pub(super) fn next(&mut self) -> Result<Option<Found>, FileError> {
        let Some(info) = self.lines.read(&mut self.bytes).map_err(|source| self.broken(source))? else {
            if self.order.stage == Stage::Done {
                return Ok(None);
            }
            return Err(self.order.out_of_order(self.lines.number() + 1, "the end of the file".to_owned()).into());
        };
        let last = info.end == LineEnd::None || self.lines.at_end().map_err(|source| self.broken(source))?;
        let code = self.bytes.get(..2).unwrap_or(&self.bytes);
        let Some(layout) = self.order.layout_of(code) else {
            return Err(self.order.out_of_order(info.number, describe(code)).into());
        };
        let mut warnings = Vec::new();
        if info.too_long {
            return Err(self.too_long(info, layout).into());
        }
        if last {
            self.mend_last_line(info, layout, &mut warnings);
        }
        Ok(Some(Found { line: info.number, layout, warnings }))
    }

    fn broken(&self, source: std::io::Error) -> FileError {
        FileError::Io { line: self.lines.number(), source }
    }

    fn too_long(&self, info: LineInfo, layout: &Layout) -> Fault {
        let found = match self.bytes[self.form.length] {
            b'\r' => "a carriage return without a line feed".to_owned(),
            byte => format!("more bytes, the first of them {byte:#04x}"),
        };
        let allowed = format!("{} bytes and then CRLF or LF", layout.length);
        Fault { line: info.number, column: self.form.length + 1, field: "record", found, allowed }
    }

    /// Puts back the blanks that a transfer may cut from the last line; anything more stays missing.
    fn mend_last_line(&mut self, info: LineInfo, layout: &'static Layout, warnings: &mut Vec<Warning>) {
        let (line, found) = (info.number, self.bytes.len());
        let warn = |note: &str| Warning {
            line,
            column: found + 1,
            field: "record",
            found: format!("{found} bytes"),
            note: note.to_owned(),
        };
        if info.end == LineEnd::None {
            warnings.push(warn("the last line has no line end"));
        }
        if (layout.meaningful..layout.length).contains(&found) {
            warnings.push(warn("the last line was cut after its meaningful part; the rest is taken as blanks"));
            self.bytes.resize(layout.length, b' ');
        }
    }
}

/// What stands where a record type should, byte-order marks by their name.
fn describe(code: &[u8]) -> String {
    match code {
        [] => "an empty line".to_owned(),
        [0xef, 0xbb] => "a byte-order mark (UTF-8)".to_owned(),
        [0xff, 0xfe] | [0xfe, 0xff] => "a byte-order mark (UTF-16)".to_owned(),
        _ => format!("record {}", code.iter().map(|byte| char::from(*byte)).collect::<String>()),
    }
}
