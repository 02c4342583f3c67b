//! How far a reconciliation goes, and how the bank writes its statement.

use serde::Deserialize;

use crate::reconciliation::mapping::BankFileMapping;
use crate::reconciliation::matcher::Tolerance;
use crate::reconciliation::report::MAX_LISTED;
use crate::reconciliation::table::{MAX_BYTES, MAX_ROWS};

/// How far a reconciliation goes.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
#[allow(missing_docs, reason = "config/default.toml documents every setting, beside its value")]
pub struct Settings {
    pub max_file_bytes: usize,
    pub upload_timeout_seconds: u64,
    pub at_once: usize,
    pub max_rows: usize,
    pub max_days: u16,
    pub max_breaks: usize,
    pub listed_breaks: usize,
    pub tolerance: Tolerance,
    pub bank: BankFileMapping,
}

impl Settings {
    /// What contradicts itself or what is possible.
    #[must_use]
    pub fn faults(&self) -> Vec<String> {
        let rules = [
            ((1..=MAX_BYTES).contains(&self.max_file_bytes), "reconciliation.max_file_bytes is 1 to 67108864"),
            ((1..=MAX_ROWS).contains(&self.max_rows), "reconciliation.max_rows is 1 to 500000"),
            ((1..=16).contains(&self.at_once), "reconciliation.at_once is 1 to 16"),
            ((1..=366).contains(&self.max_days), "reconciliation.max_days is 1 to 366"),
            ((1..=100_000).contains(&self.max_breaks), "reconciliation.max_breaks is 1 to 100000"),
            (self.listed_breaks <= MAX_LISTED, "reconciliation.listed_breaks is at most 2000"),
            (self.upload_timeout_seconds >= 1, "reconciliation.upload_timeout_seconds is at least 1"),
            (self.tolerance.date_days <= 31, "reconciliation.tolerance.date_days is at most 31"),
            (self.tolerance.bank_days <= 31, "reconciliation.tolerance.bank_days is at most 31"),
        ];
        let broken = rules.into_iter().filter(|(holds, _)| !holds).map(|(_, sentence)| sentence.to_owned());
        let bank = self.bank.check().err().map(|error| format!("reconciliation.bank.{error}"));
        broken.chain(bank).collect()
    }
}
