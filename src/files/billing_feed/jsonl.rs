//! JSON Lines: the contract's own form.

use serde::Deserialize;
use serde_path_to_error::Segment;

use super::rules::{broken_header, broken_rule, fault_at, shown};
use super::stream::Stream;
use super::{FeedError, FeedSettings, Format, MAX_LINE_BYTES, Row, RowError, RowFault, SnapshotHeader};
use crate::domain::account::Account;
use crate::files::lines::Lines;

/// The most bytes that a line's end has.
const LINE_END_BYTES: usize = 2;

/// The accounts of a feed of JSON Lines.
pub(super) struct Rows<'a> {
    lines: Lines<Stream<'a>>,
    settings: FeedSettings,
    /// How long the last line was: the next one is likely to be as long.
    length: usize,
    over: bool,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct HeaderLine {
    snapshot: SnapshotHeader,
}

/// Reads the header line.
pub(super) fn open(stream: Stream<'_>, settings: FeedSettings) -> Result<(SnapshotHeader, Rows<'_>), FeedError> {
    let mut rows = Rows { lines: Lines::new(stream, MAX_LINE_BYTES), settings, length: 0, over: false };
    let mut raw = Vec::new();
    let read = rows.lines.read(&mut raw).map_err(|source| FeedError::Io { line: 0, source })?;
    let info = read.ok_or(FeedError::Empty)?;
    let header = if info.too_long { Err(too_long(1, &raw)) } else { parse::<HeaderLine>(1, &raw) };
    let header = header.map_err(|fault| FeedError::Header(Box::new(fault)))?.snapshot;
    match broken_header(&header) {
        None => Ok((header, rows)),
        Some((member, rule)) => {
            Err(FeedError::Header(Box::new(fault_at(1, &raw, format!("/snapshot/{member}"), rule))))
        }
    }
}

impl Iterator for Rows<'_> {
    type Item = Result<Row, RowError>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.over {
            return None;
        }
        match self.step() {
            Ok(row) => row.map(Ok),
            Err(error) => {
                self.over = matches!(error, RowError::Broken(_));
                Some(Err(error))
            }
        }
    }
}

impl Rows<'_> {
    fn step(&mut self) -> Result<Option<Row>, RowError> {
        let mut raw = Vec::with_capacity(self.length + LINE_END_BYTES);
        let broken = |line, source| RowError::Broken(FeedError::Io { line, source });
        let number = self.lines.number();
        let mut info = self.lines.read(&mut raw).map_err(|source| broken(number, source))?;
        // An empty line says nothing, not even that something is missing.
        while info.is_some() && raw.is_empty() {
            info = self.lines.read(&mut raw).map_err(|source| broken(number, source))?;
        }
        let Some(info) = info else { return Ok(None) };
        let line = info.number;
        self.length = raw.len();
        if info.too_long {
            self.lines.skip_rest(info).map_err(|source| broken(line, source))?;
            return Err(RowError::Rejected(Box::new(too_long(line, &raw))));
        }
        let account: Account = parse(line, &raw).map_err(|fault| RowError::Rejected(Box::new(fault)))?;
        match broken_rule(&account, &self.settings.accounts) {
            None => Ok(Some(Row { line, account, raw, form: Format::Jsonl })),
            Some((pointer, rule)) => Err(RowError::Rejected(Box::new(fault_at(line, &raw, pointer, rule)))),
        }
    }
}

fn too_long(line: u64, raw: &[u8]) -> RowFault {
    RowFault {
        line,
        column: MAX_LINE_BYTES + 1,
        pointer: String::new(),
        rule: format!("a line has at most {MAX_LINE_BYTES} bytes"),
        found: shown(raw),
        raw: raw[..raw.len().min(MAX_LINE_BYTES)].to_vec(),
    }
}

/// Parses a line; only one that fails is parsed again, with its path written down.
fn parse<'de, T: Deserialize<'de>>(line: u64, raw: &'de [u8]) -> Result<T, RowFault> {
    // Judged as UTF-8 once, not again for each of its texts.
    if let Some(value) = str::from_utf8(raw).ok().and_then(|text| serde_json::from_str(text).ok()) {
        return Ok(value);
    }
    let mut deserializer = serde_json::Deserializer::from_slice(raw);
    let result = serde_path_to_error::deserialize::<_, T>(&mut deserializer);
    let (pointer, error) = match result {
        Ok(_) => (String::new(), deserializer.end().err()),
        Err(error) => (pointer(error.path()), Some(error.into_inner())),
    };
    let Some(error) = error else {
        return Err(fault_at(line, raw, pointer, "a line is one JSON object".to_owned()));
    };
    let text = error.to_string();
    let rule = text.rsplit_once(" at line ").map_or(text.as_str(), |(rule, _)| rule).to_owned();
    let mut fault = fault_at(line, raw, pointer, rule);
    if error.is_syntax() || error.is_eof() {
        fault.column = error.column().max(1);
        fault.found =
            shown(raw.get(fault.column - 1..).filter(|rest| !rest.is_empty()).unwrap_or(b"the end of the line"));
    }
    Err(fault)
}

fn pointer(path: &serde_path_to_error::Path) -> String {
    path.iter()
        .map(|segment| match segment {
            Segment::Seq { index } => format!("/{index}"),
            Segment::Map { key } => format!("/{}", key.replace('~', "~0").replace('/', "~1")),
            Segment::Enum { .. } | Segment::Unknown => String::new(),
        })
        .collect()
}
