//! Asobancaria 2001: recaudo (collection, 162 bytes a record) and facturación (billing, 220).
//!
//! A file is 01, then lots of 05, any number of 06 and 08, then 09. Both files stream: a reader is an
//! iterator that checks order, counts and sums as it goes, and a writer keeps running totals, so that a
//! million payments cost no memory. **An iterator that ends in an error has refused the whole file**:
//! nothing it gave before may be kept. What is tolerated comes as a warning beside the record:
//!
//! - a last line without line end, or one from which only the blank rest is missing;
//! - a count in 08 that also counts its 05 and 08 (n + 2);
//! - a procedencia or medio that the manual does not list; a lot number that is used twice.
//!
//! Everything else is an error that names line and column.

pub mod billing;
pub mod codes;
pub mod collection;
pub mod reference;

mod layouts;
mod order;
mod scanner;

use crate::domain::money::Money;
use crate::files::fixed_width::Warning;

/// Something read from a file, with where it stood and what was tolerated.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Read<T> {
    /// The line, from 1.
    pub line: u64,
    /// What stood there.
    pub item: T,
    /// What was tolerated; almost always empty.
    pub warnings: Vec<Warning>,
}

/// What opens a lot of a collection file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LotHeader {
    /// The service that is collected for.
    pub service_code: codes::Gln,
    /// The lot's number, at most four digits.
    pub lot_number: u16,
}

/// What closes a lot or the file of a collection: how many payments and how much.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Totals {
    /// The number of records of type 06.
    pub count: u64,
    /// The sum of their amounts (in a billing file: of the principal service).
    pub total: Money,
    /// The sum of the additional service's amounts; always zero in a collection file.
    pub additional: Money,
}

#[cfg(test)]
mod malformed_tests;
#[cfg(test)]
mod tests;
