//! Takes the lines one by one and keeps the count.

use std::io::Write;

use serde::Serialize;
use serde_json::json;

use super::asobancaria::Asobancaria;
use super::hashing::Hashing;
use super::{Batch, CollectionFileError, CollectionFormat, CollectionLine, PartnerFile, Sum, Written};
use crate::domain::calendar::{BusinessDate, Timestamp};
use crate::domain::fact::Tender;
use crate::domain::money::Money;

const COLUMNS: [&str; 11] = [
    "kind",
    "receipt_number",
    "payment_id",
    "account_number",
    "amount",
    "currency",
    "business_date",
    "collected_at",
    "collection_point",
    "branch_code",
    "tender",
];

/// Writes a collection file as its lines come; memory stays the same however many they are.
pub struct CollectionFileWriter<W: Write> {
    form: Form<W>,
    payments: Sum,
    adjustments: Sum,
}

enum Form<W: Write> {
    Asobancaria(Box<Asobancaria<Hashing<W>>>),
    Csv(Box<csv::Writer<Hashing<W>>>, CollectionFormat),
    Jsonl(Box<Hashing<W>>),
}

impl<W: Write> CollectionFileWriter<W> {
    /// Writes what stands before the lines.
    ///
    /// # Errors
    /// Asobancaria without settings or with settings that do not fit, or a stream that fails.
    pub fn start(
        out: W,
        format: CollectionFormat,
        batch: &Batch,
        settings: Option<&PartnerFile>,
    ) -> Result<Self, CollectionFileError> {
        let mut out = Hashing::new(out);
        let form = match format {
            CollectionFormat::Asobancaria2001 => {
                let settings = settings.ok_or(CollectionFileError::Settings)?;
                Form::Asobancaria(Box::new(Asobancaria::start(out, batch, settings)?))
            }
            CollectionFormat::Csv | CollectionFormat::AdjustmentsCsv => {
                let mut csv =
                    csv::WriterBuilder::new().has_headers(false).terminator(csv::Terminator::CRLF).from_writer(out);
                csv.write_record(COLUMNS).map_err(std::io::Error::from)?;
                Form::Csv(Box::new(csv), format)
            }
            CollectionFormat::Jsonl => {
                let header = json!({"collection_batch": {
                    "id": batch.id, "partner": batch.partner, "from": batch.from, "through": batch.through,
                    "sealed_at": batch.sealed_at, "currency": "COP",
                }});
                writeln!(out, "{header}")?;
                Form::Jsonl(Box::new(out))
            }
        };
        Ok(Self { form, payments: Sum::default(), adjustments: Sum::default() })
    }

    /// Writes one payment or adjustment.
    ///
    /// # Errors
    /// An amount that is not above zero, a field that does not fit, or a stream that fails.
    pub fn line(&mut self, line: &CollectionLine) -> Result<(), CollectionFileError> {
        if !line.amount.is_positive() {
            return Err(refused(line, "an amount is above zero"));
        }
        let sum = if line.adjustment { &mut self.adjustments } else { &mut self.payments };
        let total = sum.total.centavos().checked_add(line.amount.centavos());
        let total = total.ok_or_else(|| refused(line, "the sum is more than can be counted"))?;
        match &mut self.form {
            Form::Asobancaria(_) if line.adjustment => {}
            Form::Csv(_, CollectionFormat::AdjustmentsCsv) if !line.adjustment => {}
            Form::Asobancaria(asobancaria) => asobancaria.payment(line)?,
            Form::Csv(csv, _) => csv.serialize(Row::of(line)).map_err(std::io::Error::from)?,
            Form::Jsonl(out) => {
                serde_json::to_writer(&mut *out, &Row::of(line)).map_err(std::io::Error::from)?;
                out.write_all(b"\n")?;
            }
        }
        *sum = Sum { count: sum.count + 1, total: Money::from_centavos(total) };
        Ok(())
    }

    /// Writes what stands after the lines, flushes, and tells what was written.
    ///
    /// # Errors
    /// A stream that fails.
    pub fn finish(self) -> Result<Written, CollectionFileError> {
        let Self { form, payments, adjustments } = self;
        let net = payments.total - adjustments.total;
        let out = match form {
            Form::Asobancaria(asobancaria) => asobancaria.finish()?,
            Form::Csv(csv, _) => csv.into_inner().map_err(|error| error.into_error())?,
            Form::Jsonl(mut out) => {
                let totals = json!({"payments": payments, "adjustments": adjustments, "net": net});
                writeln!(out, "{}", json!({ "totals": totals }))?;
                *out
            }
        };
        let (bytes, sha256) = out.finish()?;
        Ok(Written { payments, adjustments, net, bytes, sha256 })
    }
}

fn refused(line: &CollectionLine, rule: &str) -> CollectionFileError {
    CollectionFileError::Line { receipt_number: line.receipt_number.clone(), rule: rule.to_owned() }
}

/// A line as CSV and JSON tell it; its members are [`COLUMNS`], in that order.
#[derive(Serialize)]
struct Row<'a> {
    kind: &'static str,
    receipt_number: &'a str,
    payment_id: &'a str,
    account_number: &'a str,
    amount: Money,
    currency: &'static str,
    business_date: BusinessDate,
    collected_at: Timestamp,
    collection_point: &'a str,
    branch_code: Option<&'a str>,
    tender: Tender,
}

impl<'a> Row<'a> {
    fn of(line: &'a CollectionLine) -> Self {
        let (kind, amount) = if line.adjustment { ("adjustment", -line.amount) } else { ("payment", line.amount) };
        Self {
            kind,
            receipt_number: &line.receipt_number,
            payment_id: &line.payment_id,
            account_number: line.account_number.as_str(),
            amount,
            currency: "COP",
            business_date: line.business_date,
            collected_at: line.collected_at,
            collection_point: line.collection_point.as_str(),
            branch_code: line.branch_code.as_deref(),
            tender: line.tender,
        }
    }
}
