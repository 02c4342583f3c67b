//! The billing feed: what the utility says about its accounts, as a stream of any size.
//!
//! Three forms, plain or packed with gzip or zstd, told apart by their first bytes:
//!
//! - JSON Lines: `{"snapshot":{…}}`, then one account a line (the contract's form);
//! - CSV: see [`csv`] for its columns; everything the first form says can be said in it;
//! - Asobancaria facturación 2001: bills only; the supply is taken as active.
//!
//! Memory stays the same whatever comes: lines, accounts and the whole unpacked feed have named
//! maxima. A row that is wrong is handed out as a [`RowFault`] with its bytes, and the next one is read;
//! a stream that breaks, or an Asobancaria file that contradicts itself, ends in [`RowError::Broken`],
//! and then **nothing** of the feed may be kept. An account that comes twice is for the importer to see:
//! a stream does not remember.

use std::collections::BTreeMap;
use std::io::{self, Read};
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use super::asobancaria_2001::reference::ReferencePlace;
use super::fixed_width::{Fault, FileError};
use crate::domain::account::Account;
use crate::domain::calendar::Timestamp;
use crate::domain::ids::PartyId;
use crate::domain::policy::{AccountNumberRule, CheckDigit};

mod asobancaria;
pub mod csv;
mod jsonl;
mod rules;
mod stream;

/// The longest line, and the most bytes that one account may take in any form.
pub const MAX_LINE_BYTES: usize = 1024 * 1024;
/// The most bytes of a feed after unpacking: sixteen million accounts of a kilobyte.
pub const MAX_FEED_BYTES: u64 = 16 * 1024 * 1024 * 1024;
/// The largest window a zstd stream may ask for, as a power of two: 16 MiB.
pub const MAX_ZSTD_WINDOW_LOG: u32 = 24;

/// What a snapshot says about itself.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SnapshotHeader {
    /// Billing's name for it.
    pub id: String,
    /// Everything, or only what changed.
    pub kind: SnapshotKind,
    /// The instant whose state it describes.
    pub as_of: Timestamp,
    /// For each partner, the last sealed collection batch that billing had applied.
    #[serde(default)]
    pub collections_included_through: BTreeMap<PartyId, Option<String>>,
    /// Always `COP`.
    pub currency: String,
}

/// How much a snapshot covers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SnapshotKind {
    /// Every account there is.
    Full,
    /// The accounts that changed.
    Delta,
}

/// The form of a feed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// JSON Lines.
    Jsonl,
    /// Comma (or semicolon) separated.
    Csv,
    /// Asobancaria facturación 2001.
    Asobancaria2001,
}

impl FromStr for Format {
    type Err = FeedError;

    fn from_str(text: &str) -> Result<Self, FeedError> {
        match text {
            "jsonl" => Ok(Self::Jsonl),
            "csv" => Ok(Self::Csv),
            "asobancaria-2001" => Ok(Self::Asobancaria2001),
            _ => Err(FeedError::Unrecognised),
        }
    }
}

/// What a utility decides and a feed does not say.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FeedSettings {
    /// What an account number looks like.
    pub accounts: AccountNumberRule,
    /// Where the account number stands in an Asobancaria reference.
    pub reference: ReferencePlace,
    /// The municipality of accounts that come by Asobancaria, which does not tell it.
    pub municipality_code: String,
    /// The utility's offset from UTC: Asobancaria tells local time.
    pub utc_offset_minutes: i16,
}

impl Default for FeedSettings {
    /// 6 to 12 digits, the last nine of the reference, municipality unknown, Bogotá.
    fn default() -> Self {
        Self {
            accounts: AccountNumberRule { min_digits: 6, max_digits: 12, check_digit: CheckDigit::None },
            reference: ReferencePlace::LastDigits(9),
            municipality_code: "00000".to_owned(),
            utc_offset_minutes: -300,
        }
    }
}

/// One account of a feed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Row {
    /// The line (the first of them), from 1.
    pub line: u64,
    /// The account.
    pub account: Account,
    /// Its bytes as they came, to be written to the rejects if a later stage refuses it.
    pub raw: Vec<u8>,
    /// The form in which they came.
    pub form: Format,
}

impl Row {
    /// Writes the account as the JSON document that it is, or would be: a line of JSON that was written
    /// without blanks is copied, anything else is written anew.
    ///
    /// # Errors
    /// It cannot be written as JSON.
    pub fn write_document(&self, into: &mut Vec<u8>) -> serde_json::Result<()> {
        if self.form == Format::Jsonl && is_dense(&self.raw) {
            into.extend_from_slice(&self.raw);
            return Ok(());
        }
        serde_json::to_writer(into, &self.account)
    }
}

/// Whether a JSON object is written without blanks, told by its first member: whoever writes one after the
/// first colon does so everywhere.
fn is_dense(object: &[u8]) -> bool {
    let after = object.iter().position(|byte| *byte == b':').and_then(|colon| object.get(colon + 1));
    object.starts_with(b"{\"") && object.ends_with(b"}") && after.is_some_and(|byte| !byte.is_ascii_whitespace())
}

/// Why an account is refused, and exactly where.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("line {line}, column {column}, {pointer}: {rule}; found {found}")]
pub struct RowFault {
    /// The line, from 1.
    pub line: u64,
    /// The byte in the line, from 1.
    pub column: usize,
    /// The member, as a JSON pointer (RFC 6901); in CSV the column's name behind a slash.
    pub pointer: String,
    /// The rule it breaks, as a sentence.
    pub rule: String,
    /// What stands there, shortened.
    pub found: String,
    /// The bytes of the account as they came, at most [`MAX_LINE_BYTES`].
    pub raw: Vec<u8>,
}

/// Why a feed cannot be read at all, or no further.
#[derive(Debug, thiserror::Error)]
pub enum FeedError {
    /// Nothing in it.
    #[error("the feed is empty")]
    Empty,
    /// None of the three forms.
    #[error("a feed is jsonl, csv or asobancaria-2001, plain or packed with gzip or zstd")]
    Unrecognised,
    /// The header is not one.
    #[error(transparent)]
    Header(Box<RowFault>),
    /// An Asobancaria file that is malformed or contradicts itself.
    #[error(transparent)]
    Asobancaria(#[from] Fault),
    /// The stream broke, or does not unpack.
    #[error("the feed broke after line {line}: {source}")]
    Io {
        /// The last line that was read.
        line: u64,
        /// What the stream said.
        source: io::Error,
    },
}

impl From<FileError> for FeedError {
    fn from(error: FileError) -> Self {
        match error {
            FileError::Fault(fault) => Self::Asobancaria(fault),
            FileError::Io { line, source } => Self::Io { line, source },
        }
    }
}

/// Why a row is not an account.
#[derive(Debug, thiserror::Error)]
pub enum RowError {
    /// This one is refused; the next may be good.
    #[error(transparent)]
    Rejected(Box<RowFault>),
    /// The feed ends here, and nothing of it may be kept.
    #[error(transparent)]
    Broken(#[from] FeedError),
}

/// The accounts of a feed, one after the other.
pub struct Rows<'a>(Form<'a>);

enum Form<'a> {
    Jsonl(jsonl::Rows<'a>),
    Csv(Box<csv::Rows<'a>>),
    Asobancaria(Box<asobancaria::Rows<'a>>),
}

impl Iterator for Rows<'_> {
    type Item = Result<Row, RowError>;

    fn next(&mut self) -> Option<Self::Item> {
        match &mut self.0 {
            Form::Jsonl(rows) => rows.next(),
            Form::Csv(rows) => rows.next(),
            Form::Asobancaria(rows) => rows.next(),
        }
    }
}

/// Opens a feed: unpacks it, recognises its form unless it is given, and reads its header.
///
/// # Errors
/// An empty or unknown feed, a header that is not one, or a stream that fails.
pub fn open<'a>(
    reader: impl Read + Send + 'a,
    format: Option<Format>,
    settings: &FeedSettings,
) -> Result<(SnapshotHeader, Rows<'a>), FeedError> {
    let mut stream = stream::unpack(reader, MAX_FEED_BYTES).map_err(|source| FeedError::Io { line: 0, source })?;
    let head = stream.head().map_err(|source| FeedError::Io { line: 0, source })?;
    let format = match (format, head) {
        (_, []) => return Err(FeedError::Empty),
        (Some(format), _) => format,
        (None, [b'{', ..]) => Format::Jsonl,
        (None, [b'#', ..]) => Format::Csv,
        (None, [b'0', b'1', ..]) => Format::Asobancaria2001,
        (None, _) => return Err(FeedError::Unrecognised),
    };
    let settings = settings.clone();
    Ok(match format {
        Format::Jsonl => {
            let (header, rows) = jsonl::open(stream, settings)?;
            (header, Rows(Form::Jsonl(rows)))
        }
        Format::Csv => {
            let (header, rows) = csv::open(stream, settings)?;
            (header, Rows(Form::Csv(Box::new(rows))))
        }
        Format::Asobancaria2001 => {
            let (header, rows) = asobancaria::open(stream, settings)?;
            (header, Rows(Form::Asobancaria(Box::new(rows))))
        }
    })
}

#[cfg(test)]
mod tests;
