//! Takes the lines one by one and keeps the count.

use std::io::Write;

use serde_json::json;

use super::asobancaria::Asobancaria;
use super::hashing::Hashing;
use super::{Batch, CollectionFileError, CollectionFormat, CollectionLine, PartnerFile, Sum, Written};
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
                let mut csv = csv::WriterBuilder::new().terminator(csv::Terminator::CRLF).from_writer(out);
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
            Form::Csv(csv, _) => csv.write_record(cells(line)).map_err(std::io::Error::from)?,
            Form::Jsonl(out) => {
                let object: serde_json::Map<_, _> = COLUMNS
                    .iter()
                    .zip(cells(line))
                    .filter(|(_, cell)| !cell.is_empty())
                    .map(|(name, cell)| ((*name).to_owned(), cell.into()))
                    .collect();
                writeln!(out, "{}", serde_json::Value::Object(object))?;
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

/// The cells of a line, in the order of [`COLUMNS`].
fn cells(line: &CollectionLine) -> [String; 11] {
    let (kind, amount) = if line.adjustment { ("adjustment", -line.amount) } else { ("payment", line.amount) };
    let tender = match serde_json::to_value(line.tender) {
        Ok(serde_json::Value::String(name)) => name,
        _ => String::new(),
    };
    [
        kind.to_owned(),
        line.receipt_number.clone(),
        line.payment_id.clone(),
        line.account_number.to_string(),
        amount.to_string(),
        "COP".to_owned(),
        line.business_date.to_string(),
        line.collected_at.to_string(),
        line.collection_point.to_string(),
        line.branch_code.clone().unwrap_or_default(),
        tender,
    ]
}
