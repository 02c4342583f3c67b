//! 7. Three witnesses of one day, compared: what the gateway wrote down, what the partner says, what the bank received.
//!
//! Pure: rows in, a result out. No database, no HTTP, no clock may enter; whoever calls loads the
//! rows and says which day it is. The same inputs, in any order, give the same result with the same
//! break ids, so a reconciliation can be repeated at will.

pub mod amounts;
pub mod bank_file;
pub mod breaks;
mod cures;
mod deposits;
pub mod digest;
pub mod mapping;
pub mod matcher;
mod pairing;
pub mod partner_file;
pub mod record;
pub mod report;
pub mod result;
pub mod table;
mod twins;

pub use deposits::plain_slip;

#[cfg(test)]
mod tests;
