//! The order of records and the running totals, the same for reading and for writing.

use std::collections::BTreeSet;

use super::Totals;
use super::scanner::Form;
use crate::domain::money::Money;
use crate::files::fixed_width::{Fault, Layout, Warning};

/// The largest sum that 18 digits with two decimals hold.
const MAX_SUM: i64 = 999_999_999_999_999_999;
/// The sequence of the first payment of a lot: the lot's own header is number 1.
pub(super) const FIRST_SEQUENCE: u32 = 2;
/// The largest sequence that seven digits hold.
pub(super) const MAX_SEQUENCE: u32 = 9_999_999;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Stage {
    Start,
    Header,
    Lot,
    BetweenLots,
    Done,
}

/// Where in the file we are and what has been added up so far.
pub(super) struct Order {
    form: &'static Form,
    pub(super) stage: Stage,
    pub(super) lot_number: u16,
    pub(super) lot: Totals,
    pub(super) file: Totals,
    pub(super) sequence: u32,
    lots_seen: BTreeSet<u16>,
}

impl Order {
    pub(super) fn new(form: &'static Form) -> Self {
        Self {
            form,
            stage: Stage::Start,
            lot_number: 0,
            lot: Totals::default(),
            file: Totals::default(),
            sequence: FIRST_SEQUENCE,
            lots_seen: BTreeSet::new(),
        }
    }

    /// The record types that may come next, as a phrase.
    pub(super) const fn allowed(&self) -> &'static str {
        match self.stage {
            Stage::Start => "record 01",
            Stage::Header => "record 05",
            Stage::Lot => "record 06 or 08",
            Stage::BetweenLots => "record 05 or 09",
            Stage::Done => "the end of the file",
        }
    }

    /// The layout of the record that opens with `code`, if it may come next.
    pub(super) fn layout_of(&self, code: &[u8]) -> Option<&'static Layout> {
        match (self.stage, code) {
            (Stage::Start, b"01") => Some(self.form.header),
            (Stage::Header | Stage::BetweenLots, b"05") => Some(self.form.lot_header),
            (Stage::Lot, b"06") => Some(self.form.detail),
            (Stage::Lot, b"08") => Some(self.form.lot_trailer),
            (Stage::BetweenLots, b"09") => Some(self.form.trailer),
            _ => None,
        }
    }

    /// Refuses a record whose turn it is not.
    pub(super) fn expect(&self, line: u64, code: &'static str) -> Result<(), Fault> {
        match self.layout_of(code.as_bytes()) {
            Some(_) => Ok(()),
            None => Err(self.out_of_order(line, format!("record {code}"))),
        }
    }

    pub(super) fn out_of_order(&self, line: u64, found: String) -> Fault {
        Fault { line, column: 1, field: "tipo_registro", found, allowed: self.allowed().to_owned() }
    }

    pub(super) fn header(&mut self) {
        self.stage = Stage::Header;
    }

    /// Opens a lot; says whether its number was used before in this file.
    pub(super) fn open_lot(&mut self, lot_number: u16) -> bool {
        self.stage = Stage::Lot;
        self.lot_number = lot_number;
        self.lot = Totals::default();
        self.sequence = FIRST_SEQUENCE;
        !self.lots_seen.insert(lot_number)
    }

    /// Adds one record of type 06.
    pub(super) fn add(&mut self, line: u64, amounts: [(&'static str, Money); 2]) -> Result<(), Fault> {
        for (field, amount) in amounts {
            if amount > Money::MAX {
                return Err(self.form.detail.fault(line, field, amount.to_string(), format!("at most {}", Money::MAX)));
            }
        }
        let [(field, principal), (_, additional)] = amounts;
        // A lot is part of the file, so the file's sum is the one that overflows first.
        let sums = [(self.file.total, principal), (self.file.additional, additional)];
        if sums.iter().any(|(sum, amount)| sum.centavos() > MAX_SUM - amount.centavos()) {
            let allowed = "no more than 18 digits in all";
            return Err(self.form.detail.fault(line, field, principal.to_string(), allowed));
        }
        for totals in [&mut self.lot, &mut self.file] {
            totals.count += 1;
            totals.total += principal;
            totals.additional += additional;
        }
        self.sequence += 1;
        Ok(())
    }

    /// Closes the lot against what its trailer says; a count of n + 2 is only worth a warning.
    pub(super) fn close_lot(&mut self, line: u64, lot_number: u16, said: Said) -> Result<Option<Warning>, Fault> {
        let layout = self.form.lot_trailer;
        let warning = (said.count == self.lot.count + 2).then(|| {
            let note = format!("taken as {}: it also counts the lot's own 05 and 08", self.lot.count);
            layout.warning(line, "total_registros_lote", said.count.to_string(), note)
        });
        let counted = Said { count: if warning.is_some() { self.lot.count } else { said.count }, ..said };
        counted.check(layout, line, self.lot)?;
        if lot_number != self.lot_number {
            let allowed = format!("{:04}, the number in the lot's 05", self.lot_number);
            return Err(layout.fault(line, "numero_lote", format!("{lot_number:04}"), allowed));
        }
        self.stage = Stage::BetweenLots;
        Ok(warning)
    }

    /// Closes the file against what its trailer says.
    pub(super) fn close_file(&mut self, line: u64, said: Said) -> Result<(), Fault> {
        said.check(self.form.trailer, line, self.file)?;
        self.stage = Stage::Done;
        Ok(())
    }
}

/// What a trailer claims; the names of its fields are those of its layout, in order.
pub(super) struct Said {
    pub(super) count: u64,
    pub(super) total: Money,
    pub(super) additional: Money,
}

impl Said {
    fn check(&self, layout: &'static Layout, line: u64, true_totals: Totals) -> Result<(), Fault> {
        let names: Vec<&'static str> = layout.columns.iter().map(|column| column.name).collect();
        if self.count != true_totals.count {
            let allowed = format!("{}, the number of records 06", true_totals.count);
            return Err(layout.fault(line, names[1], self.count.to_string(), allowed));
        }
        for (name, said, is) in
            [(names[2], self.total, true_totals.total), (names[3], self.additional, true_totals.additional)]
        {
            if said != is {
                let allowed = format!("{is}, the sum of records 06");
                return Err(layout.fault(line, name, said.to_string(), allowed));
            }
        }
        Ok(())
    }
}
