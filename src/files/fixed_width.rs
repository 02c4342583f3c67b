//! Records of fixed width, described once as columns and both read and printed from that description.
//!
//! Printing is strict: what does not fit, is not ASCII upper case or is below zero is an error, and a
//! number is never cut. Reading says where it stopped: line, column, field, what stood there and what
//! may stand there. Amounts are integers of centavos from end to end.

use std::io;

use crate::domain::calendar::BusinessDate;
use crate::domain::money::Money;

pub use self::printer::Printer;
pub use self::reader::Fields;

mod printer;
mod reader;

/// What may stand in a column.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// `N`: digits, right-justified, filled with zeros.
    Numeric,
    /// `N2`: the same with two implied decimals.
    Amount,
    /// `A`: text, left-justified, filled with blanks.
    Text,
    /// `D`: a day as AAAAMMDD.
    Date,
    /// `T`: a time of day as HHMM, 0001 to 2400.
    Time,
    /// `B`: reserved, blanks.
    Blank,
}

impl Kind {
    /// The letter by which layouts call it.
    #[must_use]
    pub const fn letter(self) -> &'static str {
        match self {
            Self::Numeric => "N",
            Self::Amount => "N2",
            Self::Text => "A",
            Self::Date => "D",
            Self::Time => "T",
            Self::Blank => "B",
        }
    }

    /// What may stand in a column of this kind, as a phrase.
    #[must_use]
    pub fn allowed(self, length: usize) -> String {
        match self {
            Self::Numeric => format!("{length} digits"),
            Self::Amount => format!("{length} digits, the last two of them centavos"),
            Self::Text => format!("at most {length} printable characters, left-justified"),
            Self::Date => "a day that exists, as AAAAMMDD".to_owned(),
            Self::Time => "a time as HHMM, 0001 to 2400".to_owned(),
            Self::Blank => format!("{length} blanks"),
        }
    }
}

/// One field of a record.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Column {
    /// Its name, as the published layout calls it.
    pub name: &'static str,
    /// Where it begins, from 1.
    pub start: usize,
    /// How many bytes it has.
    pub length: usize,
    /// What may stand in it.
    pub kind: Kind,
}

/// A column in one line of a table.
#[must_use]
pub const fn column(name: &'static str, start: usize, length: usize, kind: Kind) -> Column {
    Column { name, start, length, kind }
}

/// One type of record: its columns stand side by side from 1 to `length`, the first of them its code.
#[derive(Debug, PartialEq, Eq)]
pub struct Layout {
    /// The two digits that open the record.
    pub code: &'static str,
    /// Its length in bytes, without the line end.
    pub length: usize,
    /// How many bytes carry meaning; only blanks may follow.
    pub meaningful: usize,
    /// Its columns, in order.
    pub columns: &'static [Column],
}

impl Layout {
    /// A fault in a named field of this record.
    #[must_use]
    pub fn fault(&self, line: u64, field: &'static str, found: impl Into<String>, allowed: impl Into<String>) -> Fault {
        Fault { line, column: self.start_of(field), field, found: found.into(), allowed: allowed.into() }
    }

    /// A warning about a named field of this record.
    #[must_use]
    pub fn warning(
        &self,
        line: u64,
        field: &'static str,
        found: impl Into<String>,
        note: impl Into<String>,
    ) -> Warning {
        Warning { line, column: self.start_of(field), field, found: found.into(), note: note.into() }
    }

    fn start_of(&self, field: &str) -> usize {
        self.columns.iter().find(|column| column.name == field).map_or(1, |column| column.start)
    }
}

/// Why a record is refused, and exactly where.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("line {line}, column {column}, {field}: found {found:?}; allowed: {allowed}")]
pub struct Fault {
    /// The line, from 1.
    pub line: u64,
    /// The byte in the line, from 1.
    pub column: usize,
    /// The field's name.
    pub field: &'static str,
    /// What stands there.
    pub found: String,
    /// What may stand there.
    pub allowed: String,
}

/// What was tolerated, and exactly where.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Warning {
    /// The line, from 1.
    pub line: u64,
    /// The byte in the line, from 1.
    pub column: usize,
    /// The field's name.
    pub field: &'static str,
    /// What stands there.
    pub found: String,
    /// What was made of it.
    pub note: String,
}

impl std::fmt::Display for Warning {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "line {}, column {}, {}: found {:?}; {}", self.line, self.column, self.field, self.found, self.note)
    }
}

/// Why a file could not be read or written to its end.
#[derive(Debug, thiserror::Error)]
pub enum FileError {
    /// Something in it is not allowed.
    #[error(transparent)]
    Fault(#[from] Fault),
    /// The stream failed.
    #[error("the stream failed after line {line}")]
    Io {
        /// The last line that was read or written.
        line: u64,
        /// What the stream said.
        source: io::Error,
    },
}

impl FileError {
    /// The fault, unless the stream itself failed.
    #[must_use]
    pub const fn fault(&self) -> Option<&Fault> {
        match self {
            Self::Fault(fault) => Some(fault),
            Self::Io { .. } => None,
        }
    }
}

/// A time of day to the minute, 00:01 to 24:00: midnight closes a day and does not open one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct HourMinute(u16);

impl HourMinute {
    /// The first minute of a day that can be written: 00:01.
    pub const FIRST: Self = Self(1);

    /// From an hour and a minute; 0:00 is written 24:00.
    #[must_use]
    pub const fn new(hour: u8, minute: u8) -> Option<Self> {
        match (hour, minute) {
            (0, 0) | (24, 0) => Some(Self(2400)),
            (0..=23, 0..=59) => Some(Self(hour as u16 * 100 + minute as u16)),
            _ => None,
        }
    }

    /// From `HHMM` as a number; zero is not a time here.
    #[must_use]
    pub const fn from_number(number: u16) -> Option<Self> {
        if number == 0 || number > 2400 { None } else { Self::new((number / 100) as u8, (number % 100) as u8) }
    }

    /// As a number, `HHMM`.
    #[must_use]
    pub const fn number(self) -> u16 {
        self.0
    }

    /// The hour, 0 to 23; midnight is 0.
    #[must_use]
    pub const fn hour(self) -> u8 {
        (self.0 / 100 % 24) as u8
    }

    /// The minute.
    #[must_use]
    pub const fn minute(self) -> u8 {
        (self.0 % 100) as u8
    }
}

/// What a text looks like in a file that knows ASCII upper case only: accents go, `Ñ` becomes `N`,
/// and what has no counterpart becomes a blank. For texts; a number is never changed.
#[must_use]
pub fn plain_upper(text: &str) -> String {
    text.chars()
        .flat_map(char::to_uppercase)
        .map(|letter| match letter {
            ' '..='~' => letter,
            'Á' | 'À' | 'Â' | 'Ä' | 'Ã' => 'A',
            'É' | 'È' | 'Ê' | 'Ë' => 'E',
            'Í' | 'Ì' | 'Î' | 'Ï' => 'I',
            'Ó' | 'Ò' | 'Ô' | 'Ö' | 'Õ' => 'O',
            'Ú' | 'Ù' | 'Û' | 'Ü' => 'U',
            'Ñ' => 'N',
            'Ç' => 'C',
            _ => ' ',
        })
        .collect()
}

/// Bytes as Latin-1, where each byte is the character of its number.
fn latin1(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| char::from(*byte)).collect()
}

/// The value of digits; `None` for anything else or more than an `i64` holds.
fn digits_value(bytes: &[u8]) -> Option<i64> {
    bytes.iter().try_fold(0i64, |value, byte| {
        let digit = byte.is_ascii_digit().then(|| i64::from(byte - b'0'))?;
        value.checked_mul(10)?.checked_add(digit)
    })
}

#[cfg(test)]
mod tests;
