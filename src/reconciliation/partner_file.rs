//! Reads a partner's own file into rows: CSV or JSON Lines by its mapping, or rows that another reader took apart.

use super::mapping::{FileFormat, MappingError, PartnerFileMapping, Pattern, RFC3339};
use super::record::PartnerRow;
use super::table::{Column, FileErrors, Line, MAX_ROWS, csv_lines, json_lines, text};
use crate::domain::calendar::{BusinessDate, Timestamp};
use crate::domain::ids::{AccountNumber, CollectionPointId};
use crate::domain::money::Money;

/// The longest account number that is read, in digits.
const MAX_ACCOUNT_DIGITS: usize = 20;

/// Why a file cannot be compared.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ReadError {
    /// The mapping makes no sense; the file was not looked at.
    #[error("the mapping of the file cannot be used: {0}")]
    Mapping(#[from] MappingError),
    /// The file has errors, all of them named; nothing of it was taken.
    #[error("{0}")]
    File(#[from] FileErrors),
}

/// A row that another reader (Asobancaria recaudo) took apart.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CollectionRow {
    /// The line of the file, from 1.
    pub line: u64,
    /// Whose debt was paid.
    pub account_number: AccountNumber,
    /// How much.
    pub amount: Money,
    /// The collection date of the file.
    pub date: BusinessDate,
    /// The partner's own number of the payment, where the file has one.
    pub partner_reference: Option<String>,
    /// The branch, where the file has one.
    pub collection_point: Option<CollectionPointId>,
}

/// Rows that another reader took apart, as rows to compare.
///
/// # Errors
/// More than [`MAX_ROWS`].
pub fn from_collection_rows(rows: impl IntoIterator<Item = CollectionRow>) -> Result<Vec<PartnerRow>, FileErrors> {
    let rows: Vec<PartnerRow> = rows
        .into_iter()
        .take(MAX_ROWS + 1)
        .map(|row| PartnerRow {
            line: row.line,
            payment_id: None,
            receipt_number: None,
            partner_reference: row.partner_reference,
            account_number: row.account_number,
            amount: row.amount,
            date: Some(row.date),
            at: None,
            collection_point: row.collection_point,
            reversed: false,
        })
        .collect();
    let mut errors = FileErrors::default();
    if rows.len() > MAX_ROWS {
        errors.push(0, "archivo", "más filas", format!("hasta {MAX_ROWS} filas"));
    }
    errors.result().map(|()| rows)
}

/// Reads a partner's own file. A row that states neither date nor time gets `default_date`.
///
/// # Errors
/// The mapping makes no sense, or any line of the file is bad: then nothing of it is taken.
pub fn read(
    bytes: &[u8],
    mapping: &PartnerFileMapping,
    default_date: Option<BusinessDate>,
) -> Result<Vec<PartnerRow>, ReadError> {
    mapping.check()?;
    let reader = Reader::new(mapping, default_date)?;
    let text = text(bytes, mapping.encoding)?;
    let columns = columns(mapping);
    let (mut rows, mut errors) = (Vec::new(), FileErrors::default());
    let mut visit = |line: &Line<'_>, errors: &mut FileErrors| rows.extend(reader.row(line, &columns, errors));
    match mapping.format {
        FileFormat::Csv => csv_lines(&text, mapping.delimiter, &columns, &mut errors, &mut visit),
        FileFormat::Jsonl => json_lines(&text, &columns, &mut errors, &mut visit),
    }
    errors.result()?;
    Ok(rows)
}

fn columns(mapping: &PartnerFileMapping) -> [Column<'_>; 9] {
    let names = &mapping.columns;
    [
        ("payment_id", &names.payment_id, false),
        ("receipt_number", &names.receipt_number, false),
        ("partner_reference", &names.partner_reference, false),
        ("account_number", &names.account_number, true),
        ("amount", &names.amount, true),
        ("date", &names.date, false),
        ("at", &names.at, false),
        ("collection_point", &names.collection_point, false),
        ("reversed", &names.reversed, false),
    ]
    .map(|(member, named, required)| Column { member, named: named.as_deref(), required })
}

struct Reader<'a> {
    mapping: &'a PartnerFileMapping,
    date: Pattern,
    time: Option<Pattern>,
    default_date: Option<BusinessDate>,
}

impl<'a> Reader<'a> {
    fn new(mapping: &'a PartnerFileMapping, default_date: Option<BusinessDate>) -> Result<Self, MappingError> {
        let pattern = |setting, text| Pattern::new(text).ok_or(MappingError { setting, reason: "not a pattern" });
        let time =
            if mapping.time_format == RFC3339 { None } else { Some(pattern("time_format", &mapping.time_format)?) };
        Ok(Self { mapping, date: pattern("date_format", &mapping.date_format)?, time, default_date })
    }

    /// The row of a line; none when a cell is bad, which is then among the errors.
    fn row(&self, line: &Line<'_>, columns: &[Column<'_>; 9], errors: &mut FileErrors) -> Option<PartnerRow> {
        let [payment_id, receipt_number, partner_reference, account, amount, date, at, point, reversed] =
            line.cells[..]
        else {
            return None;
        };
        let before = errors.errors.len() as u64 + errors.more;
        let mut bad = |place: usize, found: Option<&str>, allowed: String| {
            errors.push(line.number, columns[place].name(), found.unwrap_or_default(), allowed);
        };
        let account_number = account.and_then(|text| self.account(text));
        if account_number.is_none() {
            bad(3, account, format!("de 1 a {MAX_ACCOUNT_DIGITS} dígitos"));
        }
        let money = amount.and_then(|text| self.mapping.amounts().read(text)).filter(|money| money.is_positive());
        if money.is_none() {
            bad(4, amount, format!("un valor mayor que cero como {}", self.mapping.amounts().example()));
        }
        let day = date.map(|text| self.date.date(text));
        if day == Some(None) {
            bad(5, date, format!("una fecha {}", self.mapping.date_format));
        }
        let time = at.map(|text| self.time(text));
        if time == Some(None) {
            bad(6, at, format!("una hora {}", self.mapping.time_format));
        }
        let taken_back = self.reversed(reversed);
        if taken_back.is_none() {
            let values = [&self.mapping.standing_values[..], &self.mapping.reversed_values[..]].concat();
            bad(8, reversed, format!("vacío o {}", values.join(", ")));
        }
        if errors.errors.len() as u64 + errors.more > before {
            return None;
        }
        let owned = |cell: Option<&str>| cell.map(str::to_owned);
        Some(PartnerRow {
            line: line.number,
            payment_id: owned(payment_id),
            receipt_number: owned(receipt_number),
            partner_reference: owned(partner_reference),
            account_number: account_number?,
            amount: money?,
            date: day.flatten().or_else(|| self.default_date.filter(|_| at.is_none())),
            at: time.flatten(),
            collection_point: point.map(CollectionPointId::from),
            reversed: taken_back?,
        })
    }

    fn account(&self, text: &str) -> Option<AccountNumber> {
        let digits = text.len() <= MAX_ACCOUNT_DIGITS && text.bytes().all(|byte| byte.is_ascii_digit());
        let width = usize::from(self.mapping.account_width);
        digits.then(|| AccountNumber::new(format!("{text:0>width$}")))
    }

    fn time(&self, text: &str) -> Option<Timestamp> {
        match &self.time {
            Some(pattern) => pattern.time(text, self.mapping.offset_minutes),
            None => Timestamp::parse(text).ok(),
        }
    }

    fn reversed(&self, cell: Option<&str>) -> Option<bool> {
        let Some(text) = cell else { return Some(false) };
        let among = |values: &[String]| values.iter().any(|value| value == text);
        if among(&self.mapping.reversed_values) {
            Some(true)
        } else {
            among(&self.mapping.standing_values).then_some(false)
        }
    }
}
