//! The sealed payments of a partner as a file: `asobancaria-2001`, `csv` or `jsonl`.
//!
//! The same batch gives the same bytes every time: everything in the file comes from the batch, its
//! lines and the partner's settings, and the lines come in the caller's order.
//!
//! **Adjustments** are reversals of payments that an earlier batch had handed over. CSV and JSON Lines
//! list them among the payments as rows of kind `adjustment` with a negative amount. Asobancaria knows no
//! negative amount, and a positive one with a return cause would be added to the totals by whoever reads
//! only those; so the Asobancaria file holds the payments alone, and `adjustments-csv` is the report that
//! goes with it. [`Written`] counts both in every format: the net is the same whichever was asked for.
//!
//! A file of Asobancaria has one collection date. A batch that closed several business dates bears the
//! last of them there, as a bank dates a weekend's payments; the other formats tell each payment's own.

use std::fmt;
use std::io::{self, Write};
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use super::asobancaria_2001::codes::{FileModifier, Gln, MeansCode, Nit, OriginCode};
use super::asobancaria_2001::reference::{PlaceError, ReferencePlace};
use super::fixed_width::FileError;
use crate::domain::calendar::{BusinessDate, Timestamp};
use crate::domain::fact::Tender;
use crate::domain::ids::{AccountNumber, CollectionPointId, PartyId};
use crate::domain::money::Money;

pub use self::writer::CollectionFileWriter;

mod asobancaria;
mod hashing;
mod writer;

/// The form of a collection file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CollectionFormat {
    /// Recaudo 2001, 162 bytes a record; payments only.
    Asobancaria2001,
    /// Comma separated, payments and adjustments.
    Csv,
    /// One JSON object a line, payments and adjustments.
    Jsonl,
    /// Comma separated, adjustments only: the report that goes with the Asobancaria file.
    AdjustmentsCsv,
}

impl CollectionFormat {
    /// All of them, with the names that `?format=` knows.
    pub const ALL: [(&'static str, Self); 4] = [
        ("asobancaria-2001", Self::Asobancaria2001),
        ("csv", Self::Csv),
        ("jsonl", Self::Jsonl),
        ("adjustments-csv", Self::AdjustmentsCsv),
    ];

    /// The media type under which it is served.
    #[must_use]
    pub const fn media_type(self) -> &'static str {
        match self {
            Self::Asobancaria2001 => "text/plain; charset=us-ascii",
            Self::Csv | Self::AdjustmentsCsv => "text/csv; charset=utf-8; header=present",
            Self::Jsonl => "application/jsonl",
        }
    }

    /// The file's name for a batch.
    #[must_use]
    pub fn file_name(self, batch: &Batch) -> String {
        let end = match self {
            Self::Asobancaria2001 => ".txt",
            Self::Csv => ".csv",
            Self::Jsonl => ".jsonl",
            Self::AdjustmentsCsv => "-adjustments.csv",
        };
        format!("recaudo-{}-{}{end}", batch.partner, batch.through)
    }
}

impl FromStr for CollectionFormat {
    type Err = CollectionFileError;

    fn from_str(text: &str) -> Result<Self, CollectionFileError> {
        let found = Self::ALL.into_iter().find(|(name, _)| *name == text);
        found.map(|(_, format)| format).ok_or(CollectionFileError::Format)
    }
}

impl fmt::Display for CollectionFormat {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(Self::ALL.iter().find(|(_, format)| format == self).map_or("", |(name, _)| name))
    }
}

/// The sealed batch that a file tells of.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Batch {
    /// Its outward id, `bat_…`.
    pub id: String,
    /// Who collected.
    pub partner: PartyId,
    /// The first business date in it.
    pub from: BusinessDate,
    /// The last business date in it.
    pub through: BusinessDate,
    /// When it was sealed, which is when its file was made.
    pub sealed_at: Timestamp,
    /// The utility's offset from UTC: Asobancaria tells local time.
    pub utc_offset_minutes: i16,
}

/// One payment, or one adjustment, of a batch.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CollectionLine {
    /// The number on the receipt (of an adjustment: of the payment that was taken back).
    pub receipt_number: String,
    /// The payment's outward id, `pay_…`; of an adjustment the reversal's.
    pub payment_id: String,
    /// The account.
    pub account_number: AccountNumber,
    /// How much, always above zero; an adjustment takes it away.
    pub amount: Money,
    /// The business date.
    pub business_date: BusinessDate,
    /// The instant at which the money was taken or handed back.
    pub collected_at: Timestamp,
    /// Where.
    pub collection_point: CollectionPointId,
    /// The four digits that stand for the place; without one, Asobancaria says 0000.
    pub branch_code: Option<String>,
    /// What was handed over.
    pub tender: Tender,
    /// Whether this is a later reversal and not a payment.
    pub adjustment: bool,
}

/// What a partner's Asobancaria file says of the parties, and where the account number stands in it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PartnerFile {
    /// The utility's NIT with its check digit.
    pub nit: Nit,
    /// The three-digit code of the collecting entity.
    pub entity_code: u16,
    /// The service's GLN.
    pub gln: Gln,
    /// The bank account that is credited: at most 17 digits or upper-case letters.
    pub account: String,
    /// Its kind, two digits.
    pub account_type: u8,
    /// Which of the day's files this is; the first unless it is said.
    #[serde(default)]
    pub modifier: FileModifier,
    /// Where the account number stands in the reference.
    pub reference: ReferencePlace,
    /// Procedencia; 01 unless it is said.
    #[serde(default = "counter")]
    pub origin: OriginCode,
    /// Medio for each tender.
    #[serde(default)]
    pub means: MeansCodes,
}

const fn counter() -> OriginCode {
    OriginCode::COUNTER
}

/// The medio that stands for each tender.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct MeansCodes {
    /// Notes and coins: 01.
    pub cash: MeansCode,
    /// A cheque: 02.
    pub cheque: MeansCode,
    /// A debit card: 13, debit at a point of sale.
    pub debit_card: MeansCode,
    /// A credit card: 23, credit card at a point of sale.
    pub credit_card: MeansCode,
    /// A transfer: 15, debit by internet.
    pub transfer: MeansCode,
}

impl Default for MeansCodes {
    fn default() -> Self {
        Self {
            cash: MeansCode::COUNTER_CASH,
            cheque: MeansCode::COUNTER_CHEQUE,
            debit_card: MeansCode::DEBIT_POINT_OF_SALE,
            credit_card: MeansCode::CREDIT_POINT_OF_SALE,
            transfer: MeansCode(15),
        }
    }
}

impl MeansCodes {
    /// The code of one tender.
    #[must_use]
    pub const fn of(&self, tender: Tender) -> MeansCode {
        match tender {
            Tender::Cash => self.cash,
            Tender::Cheque => self.cheque,
            Tender::DebitCard => self.debit_card,
            Tender::CreditCard => self.credit_card,
            Tender::Transfer => self.transfer,
        }
    }
}

/// How many and how much.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Sum {
    /// How many.
    pub count: u64,
    /// How much, never below zero.
    pub total: Money,
}

/// What was written.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Written {
    /// The batch's payments.
    pub payments: Sum,
    /// The batch's adjustments, whether or not the format holds them.
    pub adjustments: Sum,
    /// Payments less adjustments.
    pub net: Money,
    /// How many bytes the file has.
    pub bytes: u64,
    /// The SHA-256 of the bytes, in lower-case hexadecimal.
    pub sha256: String,
}

/// Why a collection file could not be written; what was written of it is no file.
#[derive(Debug, thiserror::Error)]
pub enum CollectionFileError {
    /// Not one of the formats.
    #[error("a collection file is asobancaria-2001, csv, jsonl or adjustments-csv")]
    Format,
    /// Asobancaria without the partner's settings for it.
    #[error("the partner has no settings for an Asobancaria file")]
    Settings,
    /// A line that breaks a rule.
    #[error("{receipt_number}: {rule}")]
    Line {
        /// The receipt.
        receipt_number: String,
        /// The rule, as a sentence.
        rule: String,
    },
    /// The account number does not fit the partner's place for it.
    #[error(transparent)]
    Reference(#[from] PlaceError),
    /// A field that does not fit, or a stream that fails.
    #[error(transparent)]
    Record(#[from] FileError),
    /// A stream that fails.
    #[error("the collection file could not be written")]
    Io(#[from] io::Error),
}

/// Writes all lines of a batch; see [`CollectionFileWriter`] for lines that come with errors of their own.
///
/// # Errors
/// A line that breaks a rule or does not fit, missing settings, or a stream that fails.
pub fn write_collection_file<W: Write>(
    out: W,
    format: CollectionFormat,
    batch: &Batch,
    settings: Option<&PartnerFile>,
    lines: impl IntoIterator<Item = CollectionLine>,
) -> Result<Written, CollectionFileError> {
    let mut writer = CollectionFileWriter::start(out, format, batch, settings)?;
    for line in lines {
        writer.line(&line)?;
    }
    writer.finish()
}

#[cfg(test)]
mod tests;
