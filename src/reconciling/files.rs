//! The file of the other side, read into rows by its settings: all of it, or every fault it has.

use std::collections::HashMap;
use std::io::BufRead;

use serde::{Deserialize, Serialize};

use super::{Partner, Settings};
use crate::domain::calendar::BusinessDate;
use crate::domain::ids::CollectionPointId;
use crate::files::asobancaria_2001::collection::{
    CollectionHeader, CollectionItem, CollectionReader, CollectionRecord,
};
use crate::files::asobancaria_2001::reference::ReferencePlace;
use crate::files::fixed_width::FileError;
use crate::reconciliation::bank_file;
use crate::reconciliation::mapping::{FileFormat, PartnerFileMapping};
use crate::reconciliation::partner_file::{self, ReadError};
use crate::reconciliation::record::{BankRow, PartnerRow};
use crate::reconciliation::table::{FileErrors, LineError};

/// Where the account number stands in an Asobancaria reference when no setting says otherwise.
const USUAL_PLACE: ReferencePlace = ReferencePlace::LastDigits(9);

/// How a file is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Format {
    /// A header line and delimited fields.
    #[serde(rename = "csv")]
    Csv,
    /// One JSON object a line.
    #[serde(rename = "jsonl")]
    Jsonl,
    /// Asobancaria 2001, recaudo.
    #[serde(rename = "asobancaria-2001")]
    Asobancaria2001,
}

/// The words of [`Format`].
pub const FORMATS: &str = "csv, jsonl, asobancaria-2001";

/// How one partner writes its own list: the member `reconciliation` of its `files` settings.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct PartnerFiles {
    /// The format when a call names none; without it the mapping's.
    pub format: Option<Format>,
    /// The columns of CSV and JSON Lines; without it the gateway's own names are looked for.
    pub mapping: PartnerFileMapping,
    /// Where the account number stands in an Asobancaria reference; without it as in the collection files.
    pub reference: Option<ReferencePlace>,
}

/// Why there are no rows.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum FileRefusal {
    /// The settings cannot be used; the file was not looked at.
    #[error("settings.files.reconciliation: {0}")]
    Settings(String),
    /// The format is not one that this side writes.
    #[error("a bank statement is csv or asobancaria-2001")]
    Format,
    /// The file has faults, each with its line; nothing of it is used.
    #[error("{0}")]
    File(#[from] FileErrors),
}

/// What the other side says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Rows {
    /// Payments.
    Partner(Vec<PartnerRow>),
    /// Credits.
    Bank(Vec<BankRow>),
}

impl From<ReadError> for FileRefusal {
    fn from(error: ReadError) -> Self {
        match error {
            ReadError::Mapping(error) => Self::Settings(error.to_string()),
            ReadError::File(errors) => Self::File(errors),
        }
    }
}

impl PartnerFiles {
    /// What the partner's settings say; where they say nothing, the gateway's own names.
    ///
    /// # Errors
    /// The settings cannot be read.
    pub fn of(partner: &Partner) -> Result<Self, FileRefusal> {
        let files = &partner.party.settings.files;
        let refused = |error: serde_json::Error| FileRefusal::Settings(error.to_string());
        let mut read = match files.get("reconciliation") {
            Some(value) if !value.is_null() => Self::deserialize(value).map_err(refused)?,
            _ => Self::default(),
        };
        if read.reference.is_none()
            && let Some(place) = files.get("asobancaria").and_then(|file| file.get("reference"))
        {
            read.reference = Some(ReferencePlace::deserialize(place).map_err(refused)?);
        }
        Ok(read)
    }

    /// The format of a file for which nobody named one.
    #[must_use]
    pub fn usual_format(&self) -> Format {
        self.format.unwrap_or(match self.mapping.format {
            FileFormat::Csv => Format::Csv,
            FileFormat::Jsonl => Format::Jsonl,
        })
    }
}

/// Reads a partner's own list. A row without a day gets `default_date`.
///
/// # Errors
/// The settings cannot be used, or the file has faults.
pub fn read_partner(
    partner: &Partner,
    format: Option<Format>,
    default_date: Option<BusinessDate>,
    bytes: &[u8],
) -> Result<Rows, FileRefusal> {
    let files = PartnerFiles::of(partner)?;
    let written = match format.unwrap_or_else(|| files.usual_format()) {
        Format::Csv => FileFormat::Csv,
        Format::Jsonl => FileFormat::Jsonl,
        Format::Asobancaria2001 => return collection(partner, &files, bytes).map(Rows::Partner),
    };
    let mapping = PartnerFileMapping { format: written, ..files.mapping };
    Ok(Rows::Partner(partner_file::read(bytes, &mapping, default_date)?))
}

/// Reads a bank's statement.
///
/// # Errors
/// As [`read_partner`].
pub fn read_bank(settings: &Settings, format: Option<Format>, bytes: &[u8]) -> Result<Rows, FileRefusal> {
    match format.unwrap_or(Format::Csv) {
        Format::Csv => Ok(Rows::Bank(bank_file::read(bytes, &settings.bank)?)),
        Format::Asobancaria2001 => bank_collection(bytes).map(Rows::Bank),
        Format::Jsonl => Err(FileRefusal::Format),
    }
}

/// A partner's collection file: the branch names the place, the operation number its own number.
fn collection(partner: &Partner, files: &PartnerFiles, bytes: &[u8]) -> Result<Vec<PartnerRow>, FileRefusal> {
    let place = files.reference.unwrap_or(USUAL_PLACE);
    if !place.is_valid() {
        return Err(FileRefusal::Settings("reference: it lies within 48 digits".to_owned()));
    }
    let points: HashMap<u16, &CollectionPointId> = partner
        .points
        .iter()
        .filter_map(|point| Some((point.settings.branch_code.as_ref()?.parse().ok()?, &point.id)))
        .collect();
    let row = |line: u64, header: &CollectionHeader, record: &CollectionRecord| {
        let account_number = place.extract(&record.reference).ok()?;
        Some(PartnerRow {
            line,
            payment_id: None,
            receipt_number: None,
            partner_reference: (record.operation_number > 0).then(|| format!("{:06}", record.operation_number)),
            account_number,
            amount: record.amount,
            date: Some(header.collection_date),
            at: None,
            collection_point: points.get(&record.branch).map(|point| (*point).clone()),
            reversed: !record.return_cause.is_empty(),
        })
    };
    Ok(records(bytes, row)?)
}

/// A bank's collection file: the reference holds the slip's number; what came back is no credit.
fn bank_collection(bytes: &[u8]) -> Result<Vec<BankRow>, FileRefusal> {
    let row = |line: u64, header: &CollectionHeader, record: &CollectionRecord| {
        record.return_cause.is_empty().then(|| BankRow {
            line,
            slip_number: None,
            reference: Some(record.reference.as_str().trim_start_matches('0').to_owned()),
            amount: record.amount,
            booked_on: header.collection_date,
        })
    };
    Ok(records(bytes, row)?)
}

/// The records of a collection file as rows; nothing of a file that is refused anywhere.
fn records<T>(
    bytes: impl BufRead,
    row: impl Fn(u64, &CollectionHeader, &CollectionRecord) -> Option<T>,
) -> Result<Vec<T>, FileErrors> {
    let (mut header, mut rows) = (None, Vec::new());
    for read in CollectionReader::new(bytes) {
        let read = read.map_err(|error| refused(&error))?;
        match read.item {
            CollectionItem::Header(found) => header = Some(found),
            CollectionItem::Payment(record) => {
                rows.extend(header.as_ref().and_then(|header| row(read.line, header, &record)));
            }
            CollectionItem::Lot(_) | CollectionItem::LotEnd(_) | CollectionItem::End(_) => {}
        }
    }
    Ok(rows)
}

fn refused(error: &FileError) -> FileErrors {
    let told = match error {
        FileError::Fault(fault) => LineError {
            line: fault.line,
            column: format!("{} ({})", fault.field, fault.column),
            found: fault.found.clone(),
            allowed: fault.allowed.clone(),
        },
        FileError::Io { line, source } => LineError {
            line: *line,
            column: "archivo".to_owned(),
            found: source.to_string(),
            allowed: "un archivo que se pueda leer hasta el final".to_owned(),
        },
    };
    FileErrors { errors: vec![told], more: 0 }
}
