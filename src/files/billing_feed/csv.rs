//! The feed as CSV, for whoever cannot write JSON: everything the JSON form says can be said here.
//!
//! UTF-8, one record a line (a quoted field may hold separators and doubled quotes, not line ends);
//! the separator is the byte behind `#snapshot`, comma or semicolon. First the header:
//!
//! ```text
//! #snapshot,2026-11-24-full,full,2026-11-24T03:00:00-05:00,COP
//! #collections,coompecens,bat_01k…
//! #collections,jj-pita,
//! ```
//!
//! then the names of the columns, in any order, without those that are not used; then the rows. Rows of
//! one account stand together and repeat its columns ([`ACCOUNT_COLUMNS`]). `kind` says what a row adds:
//!
//! | kind | columns beside the account's |
//! |---|---|
//! | `account` | none: an account without bills and agreements |
//! | `bill` | [`BILL_COLUMNS`] |
//! | `agreement` | [`AGREEMENT_COLUMNS`]: an agreement without installments |
//! | `installment` | [`AGREEMENT_COLUMNS`] and [`INSTALLMENT_COLUMNS`] |
//!
//! A column that does not belong to a row's kind is empty there. Empty means absent, zero for
//! `disputed`, and false for `any_amount` and `clears_suspension`. An account whose rows contradict
//! each other, or stand beside a row that cannot be read, is refused whole.

use super::rules::{broken_header, shown};
use super::stream::Stream;
use super::{FeedError, FeedSettings, MAX_LINE_BYTES, RowFault, SnapshotHeader};
use crate::files::lines::Lines;

pub(super) use self::rows::Rows;
pub use self::write::CsvFeedWriter;

mod build;
mod rows;
mod split;
mod write;

/// The columns that every row of an account repeats.
pub const ACCOUNT_COLUMNS: &[&str] = &[
    "account_number",
    "holder_name",
    "municipality_code",
    "stratum",
    "status",
    "service_status",
    "service_since",
    "service_cause",
    "amount_to_reconnect",
    "reconnection_fee",
    "known_incident",
];
/// The columns of a bill; an installment shares `due_on` and `balance`.
pub const BILL_COLUMNS: &[&str] = &["bill_number", "period", "issued_on", "due_on", "balance", "disputed"];
/// The columns of an agreement, which each of its installments repeats.
pub const AGREEMENT_COLUMNS: &[&str] = &["agreement_id", "agreement_status", "any_amount", "clears_suspension"];
/// The columns of an installment.
pub const INSTALLMENT_COLUMNS: &[&str] = &["installment_number", "due_on", "balance"];
/// The most `#collections` lines of a header.
pub const MAX_COLLECTIONS: usize = 10_000;

/// All columns in the order in which they are written, `kind` first.
fn all_columns() -> Vec<&'static str> {
    let mut columns = vec!["kind"];
    for column in [ACCOUNT_COLUMNS, BILL_COLUMNS, AGREEMENT_COLUMNS, INSTALLMENT_COLUMNS].concat() {
        if !columns.contains(&column) {
            columns.push(column);
        }
    }
    columns
}

/// Reads the header lines and the names of the columns.
pub(super) fn open(stream: Stream<'_>, settings: FeedSettings) -> Result<(SnapshotHeader, Rows<'_>), FeedError> {
    let mut head = Head { lines: Lines::new(stream, MAX_LINE_BYTES), raw: Vec::new(), separator: b',' };
    let header = head.snapshot()?;
    let columns = head.columns()?;
    let (header, columns) = head.collections(header, columns)?;
    let Head { lines, separator, .. } = head;
    Ok((header, Rows::new(lines, settings, separator, columns)))
}

struct Head<'a> {
    lines: Lines<Stream<'a>>,
    raw: Vec<u8>,
    separator: u8,
}

impl Head<'_> {
    fn read(&mut self) -> Result<(), FeedError> {
        let line = self.lines.number();
        let info = self.lines.read(&mut self.raw).map_err(|source| FeedError::Io { line, source })?;
        match info {
            None if line == 0 => Err(FeedError::Empty),
            None => Err(self.fault(1, "", "a header goes on to the names of the columns")),
            Some(info) if info.too_long => Err(self.fault(1, "", "a line of the header is short")),
            Some(_) => Ok(()),
        }
    }

    fn fault(&self, column: usize, member: &str, rule: impl Into<String>) -> FeedError {
        FeedError::Header(Box::new(RowFault {
            line: self.lines.number(),
            column,
            pointer: format!("/{member}"),
            rule: rule.into(),
            found: shown(&self.raw),
            raw: self.raw[..self.raw.len().min(MAX_LINE_BYTES)].to_vec(),
        }))
    }

    fn cells(&self) -> Result<Vec<split::Cell>, FeedError> {
        split::cells(&self.raw, self.separator).map_err(|(column, rule)| self.fault(column, "", rule))
    }

    fn snapshot(&mut self) -> Result<SnapshotHeader, FeedError> {
        self.read()?;
        self.separator = match self.raw.strip_prefix(b"#snapshot") {
            Some([separator @ (b',' | b';'), ..]) => *separator,
            _ => return Err(self.fault(1, "snapshot", "a feed begins with #snapshot,id,kind,as_of,currency")),
        };
        let cells = self.cells()?;
        let [_, id, kind, as_of, currency] = cells.as_slice() else {
            return Err(self.fault(1, "snapshot", "the first line is #snapshot,id,kind,as_of,currency"));
        };
        let read_kind = build::name(&kind.text).map_err(|rule| self.fault(kind.column, "kind", rule))?;
        let read_as_of = as_of.text.as_str();
        let read_as_of = crate::domain::calendar::Timestamp::parse(read_as_of)
            .map_err(|error| self.fault(as_of.column, "as_of", error.to_string()))?;
        let header = SnapshotHeader {
            id: id.text.clone(),
            kind: read_kind,
            as_of: read_as_of,
            collections_included_through: std::collections::BTreeMap::new(),
            currency: currency.text.clone(),
        };
        match broken_header(&header) {
            None => Ok(header),
            Some((member, rule)) => {
                Err(self.fault(if member == "id" { id.column } else { currency.column }, member, rule))
            }
        }
    }

    /// The next line's cells; `collections` takes those that are not yet the columns' names.
    fn columns(&mut self) -> Result<Vec<split::Cell>, FeedError> {
        self.read()?;
        self.cells()
    }

    fn collections(
        &mut self,
        mut header: SnapshotHeader,
        mut cells: Vec<split::Cell>,
    ) -> Result<(SnapshotHeader, rows::Columns), FeedError> {
        while cells.first().is_some_and(|cell| cell.text == "#collections") {
            let [_, partner, batch] = cells.as_slice() else {
                return Err(self.fault(1, "collections", "such a line is #collections,partner,batch"));
            };
            let batch = (!batch.text.is_empty()).then(|| batch.text.clone());
            let column = partner.column;
            let before = header.collections_included_through.insert(partner.text.as_str().into(), batch);
            if before.is_some() || header.collections_included_through.len() > MAX_COLLECTIONS {
                let rule = format!("a partner stands once among at most {MAX_COLLECTIONS}");
                return Err(self.fault(column, "collections", rule));
            }
            cells = self.columns()?;
        }
        let columns = rows::Columns::new(&cells).map_err(|(column, rule)| self.fault(column, "", rule))?;
        Ok((header, columns))
    }
}
