//! The batch as a recaudo file: one lot, or more when a lot's sequence is used up.

use std::io::Write;

use super::{Batch, CollectionFileError, CollectionLine, PartnerFile};
use crate::files::asobancaria_2001::LotHeader;
use crate::files::asobancaria_2001::collection::{
    CollectionHeader, CollectionRecord, CollectionWriter, MAX_LOT_RECORDS,
};
use crate::files::fixed_width::HourMinute;

/// The sequence that follows a lot's last record.
const LOT_IS_FULL: u32 = MAX_LOT_RECORDS + 2;

pub(super) struct Asobancaria<W> {
    writer: CollectionWriter<W>,
    settings: PartnerFile,
    lot: LotHeader,
    /// The sequence at which a lot has no more room.
    full_at: u32,
}

impl<W: Write> Asobancaria<W> {
    pub(super) fn start(out: W, batch: &Batch, settings: &PartnerFile) -> Result<Self, CollectionFileError> {
        let made = batch.sealed_at.at(batch.utc_offset_minutes);
        let header = CollectionHeader {
            biller: settings.nit,
            collection_date: batch.through,
            entity_code: settings.entity_code,
            account: settings.account.clone(),
            file_date: batch.sealed_at.date_at(batch.utc_offset_minutes),
            // The first minute of a day belongs to the day that begins: 24:00 would close it instead.
            recorded_at: HourMinute::from_number(u16::from(made.hour()) * 100 + u16::from(made.minute()))
                .unwrap_or(HourMinute::FIRST),
            modifier: settings.modifier,
            account_type: settings.account_type,
        };
        let mut writer = CollectionWriter::start(out, &header)?;
        let lot = LotHeader { service_code: settings.gln, lot_number: 1 };
        writer.start_lot(&lot)?;
        Ok(Self { writer, settings: settings.clone(), lot, full_at: LOT_IS_FULL })
    }

    pub(super) fn payment(&mut self, line: &CollectionLine) -> Result<(), CollectionFileError> {
        if self.writer.next_sequence() == self.full_at {
            self.writer.end_lot()?;
            self.lot.lot_number += 1;
            self.writer.start_lot(&self.lot)?;
        }
        let record = CollectionRecord {
            reference: self.settings.reference.place(&line.account_number)?,
            amount: line.amount,
            origin: self.settings.origin,
            means: self.settings.means.of(line.tender),
            operation_number: operation_number(&line.receipt_number),
            authorisation_number: 0,
            debited_entity: 0,
            branch: branch(line)?,
            sequence: self.writer.next_sequence(),
            return_cause: String::new(),
        };
        Ok(self.writer.payment(&record)?)
    }

    pub(super) fn finish(mut self) -> Result<W, CollectionFileError> {
        self.writer.end_lot()?;
        Ok(self.writer.finish()?.0)
    }
}

fn branch(line: &CollectionLine) -> Result<u16, CollectionFileError> {
    let code = line.branch_code.as_deref().unwrap_or("0000");
    let shaped = (1..=4).contains(&code.len()) && code.bytes().all(|byte| byte.is_ascii_digit());
    code.parse().ok().filter(|_| shaped).ok_or_else(|| CollectionFileError::Line {
        receipt_number: line.receipt_number.clone(),
        rule: format!("the branch code of {} is {code:?}; it is one to four digits", line.collection_point),
    })
}

/// The last six digits of the receipt's ordinal, which stands before its check character. Six digits name
/// an operation within a till, not for ever: the whole number is in the other formats.
fn operation_number(receipt_number: &str) -> u32 {
    let is_ordinal = |part: &&str| part.len() > 1 && part.bytes().all(|byte| byte.is_ascii_digit());
    let ordinal = receipt_number.rsplit('-').find(is_ordinal).unwrap_or_default();
    ordinal[ordinal.len().saturating_sub(6)..].parse().unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::super::tests::{batch, line, settings};
    use super::*;
    use crate::domain::fact::Tender;
    use crate::files::asobancaria_2001::collection::{CollectionItem, CollectionReader};

    #[test]
    fn a_full_lot_is_followed_by_another() {
        let mut asobancaria = Asobancaria::start(Vec::new(), &batch(), &settings()).unwrap();
        asobancaria.full_at = 4;
        for ordinal in 0..5 {
            asobancaria.payment(&line(ordinal, 100, Tender::Cash, false)).unwrap();
        }
        let bytes = asobancaria.finish().unwrap();
        let items: Vec<_> = CollectionReader::new(bytes.as_slice()).map(|read| read.unwrap().item).collect();
        let lots = items.iter().filter_map(|item| match item {
            CollectionItem::LotEnd(totals) => Some(totals.count),
            _ => None,
        });
        assert_eq!(lots.collect::<Vec<_>>(), [2, 2, 1]);
    }

    #[test]
    fn an_operation_is_called_by_its_ordinal() {
        assert_eq!(operation_number("JJ-PITA-01-C1-000123-X"), 123);
        assert_eq!(operation_number("JJ-PITA-01-C1-1000123-7"), 123);
        assert_eq!(operation_number("abc"), 0);
        assert_eq!(operation_number(""), 0);
    }
}
