//! How billing files come in and collection files go out.

use std::fs::File;
use std::io;
use std::path::PathBuf;

use serde::Deserialize;

use crate::domain::policy::Policy;
use crate::files::asobancaria_2001::reference::ReferencePlace;
use crate::files::billing_feed::FeedSettings;

/// How billing files come in and collection files go out.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
#[allow(missing_docs, reason = "config/default.toml documents every setting, beside its value")]
pub struct Settings {
    pub spool: PathBuf,
    pub max_upload_bytes: u64,
    pub upload_timeout_seconds: u64,
    pub chunk_accounts: usize,
    pub chunk_milliseconds: u64,
    pub max_accounts: usize,
    pub max_faults: usize,
    pub max_rejects: usize,
    pub least_share_percent: u8,
    pub import_lease_seconds: u32,
    pub order_look_back_days: u32,
    pub reference: ReferencePlace,
    pub municipality_code: String,
    pub automatic_seal: bool,
    pub seal_scan_seconds: u64,
}

impl Settings {
    /// What contradicts itself or what is possible.
    #[must_use]
    pub fn faults(&self) -> Vec<&'static str> {
        let rules = [
            ((1..=5000).contains(&self.chunk_accounts), "billing.chunk_accounts is 1 to 5000"),
            ((1..=1000).contains(&self.chunk_milliseconds), "billing.chunk_milliseconds is 1 to 1000"),
            ((1..=16_000_000).contains(&self.max_accounts), "billing.max_accounts is 1 to 16000000"),
            ((1..=1000).contains(&self.max_faults), "billing.max_faults is 1 to 1000"),
            (self.max_rejects <= 1_000_000, "billing.max_rejects is at most 1000000"),
            (self.least_share_percent <= 100, "billing.least_share_percent is at most 100"),
            (self.import_lease_seconds >= 5, "billing.import_lease_seconds is at least 5"),
            (self.reference.is_valid(), "billing.reference lies within 48 digits"),
            ((1..=3600).contains(&self.seal_scan_seconds), "billing.seal_scan_seconds is 1 to 3600"),
            (self.upload_timeout_seconds >= 1, "billing.upload_timeout_seconds is at least 1"),
        ];
        rules.into_iter().filter(|(holds, _)| !holds).map(|(_, sentence)| sentence).collect()
    }

    /// A new file in the spool, to be written and read, that has no name any more: it lives as long as it
    /// is held open, so nobody has to clear it away. The name is for the moment of its birth.
    ///
    /// # Errors
    /// The spool cannot be made, or refuses the file.
    pub fn unnamed_file(&self, name: &str) -> io::Result<File> {
        let path = self.spool.join(name);
        let told = |error: io::Error| io::Error::new(error.kind(), format!("{}: {error}", path.display()));
        std::fs::create_dir_all(&self.spool).map_err(told)?;
        let file = File::options().read(true).write(true).create_new(true).open(&path).map_err(told)?;
        std::fs::remove_file(&path).map_err(told)?;
        Ok(file)
    }

    /// What a feed is read by.
    #[must_use]
    pub fn feed(&self, policy: &Policy) -> FeedSettings {
        FeedSettings {
            accounts: policy.account_number.clone(),
            reference: self.reference,
            municipality_code: self.municipality_code.clone(),
            utc_offset_minutes: policy.utc_offset_minutes,
        }
    }
}
