//! The typed form of `config/default.toml`: read, overridden, checked, and never printed with secrets.
//!
//! Three layers: the embedded defaults, one file, the environment (`RECAUDO__SECTION__KEY`). An
//! unknown key is an error, because a misspelt limit is no limit. All faults are listed at once.

use std::path::{Path, PathBuf};
use std::time::Duration;

use figment::Figment;
use figment::providers::{Env, Format, Toml};
use secrecy::{ExposeSecret, SecretString};
use serde::Deserialize;

use crate::domain::policy::Policy;

/// The embedded defaults, which are also the documentation.
pub const DEFAULTS: &str = include_str!("../config/default.toml");

/// Why a configuration is not used.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    /// It cannot be read as what it should be.
    #[error("configuration: {0}")]
    Unreadable(#[from] Box<figment::Error>),
    /// It was read, and contradicts itself or what is possible.
    #[error("configuration:{}", .0.iter().map(|fault| format!("\n  - {fault}")).collect::<String>())]
    Faults(Vec<String>),
}

/// Everything that can be set.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
#[allow(missing_docs, reason = "config/default.toml documents every setting, beside its value")]
pub struct Config {
    pub utility: Utility,
    pub server: Server,
    pub tls: Tls,
    pub token: Token,
    pub database: Database,
    pub posting: Posting,
    pub reading: Reading,
    pub limits: Limits,
    pub webhooks: Webhooks,
    pub upkeep: Upkeep,
    pub counter: Policy,
    pub reconciliation: crate::reconciling::Settings,
    pub billing: crate::billing::Settings,
    pub log: Log,
}

/// Who the money is for.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
#[allow(missing_docs, reason = "config/default.toml documents every setting, beside its value")]
pub struct Utility {
    pub name: String,
    pub tax_id: String,
    pub contact: String,
}

/// The listeners and their bounds.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
#[allow(missing_docs, reason = "config/default.toml documents every setting, beside its value")]
pub struct Server {
    pub listen: String,
    pub public_url: String,
    pub operations_listen: String,
    pub workers: usize,
    pub max_connections: usize,
    pub max_handshakes: usize,
    pub handshake_timeout_seconds: u64,
    pub head_timeout_seconds: u64,
    pub body_timeout_seconds: u64,
    pub keep_alive_seconds: u64,
    pub max_body_bytes: usize,
    pub max_batch_body_bytes: usize,
    pub answer_timeout_seconds: u64,
    pub drain_seconds: u64,
}

/// Certificates and keys.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
#[allow(missing_docs, reason = "config/default.toml documents every setting, beside its value")]
pub struct Tls {
    pub server_certificate: PathBuf,
    pub server_key: PathBuf,
    pub client_ca: PathBuf,
    pub client_crl: String,
}

/// Tokens and their keys.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
#[allow(missing_docs, reason = "config/default.toml documents every setting, beside its value")]
pub struct Token {
    pub keys: PathBuf,
    pub lifetime_minutes: u32,
}

/// The books.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
#[allow(missing_docs, reason = "config/default.toml documents every setting, beside its value")]
pub struct Database {
    pub url: SecretString,
    pub readers: usize,
    pub statement_timeout_seconds: u64,
    pub busy_timeout_seconds: u64,
}

/// The one writer.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
#[allow(missing_docs, reason = "config/default.toml documents every setting, beside its value")]
pub struct Posting {
    pub queue: usize,
    pub max_batch: usize,
    pub max_batch_bytes: usize,
    pub conflict_retries: u32,
    pub outage_seconds: u64,
}

/// The grouped look-ups.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
#[allow(missing_docs, reason = "config/default.toml documents every setting, beside its value")]
pub struct Reading {
    pub queue: usize,
    pub max_group: usize,
}

/// How often a party may call.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
#[allow(missing_docs, reason = "config/default.toml documents every setting, beside its value")]
pub struct Limits {
    pub lookups_per_minute: u32,
    pub unknown_accounts_per_minute: u32,
    pub requests_per_minute: u32,
}

/// How events leave.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
#[allow(missing_docs, reason = "config/default.toml documents every setting, beside its value")]
pub struct Webhooks {
    pub allowed_hosts: Vec<String>,
    pub extra_roots: String,
    pub client_certificate: String,
    pub client_key: String,
    pub attempt_timeout_seconds: u64,
    pub max_answer_bytes: usize,
    pub retry_delays_seconds: Vec<u32>,
    pub jitter_percent: u32,
    pub retry_after_max_seconds: u32,
    pub max_endpoints: u32,
    pub max_endpoints_per_party: u32,
    pub concurrency: u32,
    pub concurrency_per_endpoint: u32,
    pub lease_batch: u32,
    pub lease_seconds: u32,
    pub fan_out_batch: u32,
    pub poll_milliseconds: u64,
    pub secret_overlap_hours: u32,
    pub max_replay: u32,
}

/// What is looked for from time to time.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
#[allow(missing_docs, reason = "config/default.toml documents every setting, beside its value")]
pub struct Upkeep {
    pub interval_milliseconds: u64,
    pub batch: u32,
    pub look_back_days: u32,
    pub certificate_days: Vec<u32>,
}

/// What is logged and how.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
#[allow(missing_docs, reason = "config/default.toml documents every setting, beside its value")]
pub struct Log {
    pub format: String,
    pub filter: String,
}

impl Config {
    /// Reads defaults, then a file where one is named, then the environment.
    ///
    /// # Errors
    /// Unreadable or unknown settings; or everything that contradicts what is possible, all at once.
    pub fn load(file: Option<&Path>) -> Result<Self, ConfigError> {
        let mut layers = Figment::from(Toml::string(DEFAULTS));
        if let Some(file) = file {
            layers = layers.merge(Toml::file_exact(file));
        }
        let layers = layers.merge(Env::prefixed("RECAUDO__").split("__"));
        let mut config: Self = layers.extract().map_err(Box::new)?;
        if let Some(folder) = file.and_then(Path::parent) {
            config.anchor(folder);
        }
        config.check()?;
        Ok(config)
    }

    /// Paths in a configuration file are meant from where the file lies.
    fn anchor(&mut self, folder: &Path) {
        let webhooks = &mut self.webhooks;
        for path in [&mut webhooks.extra_roots, &mut webhooks.client_certificate, &mut webhooks.client_key] {
            if !path.is_empty() && Path::new(path.as_str()).is_relative() {
                *path = folder.join(&*path).to_string_lossy().into_owned();
            }
        }
        let tls = &mut self.tls;
        for path in [
            &mut tls.server_certificate,
            &mut tls.server_key,
            &mut tls.client_ca,
            &mut self.token.keys,
            &mut self.billing.spool,
        ] {
            if path.is_relative() {
                *path = folder.join(&*path);
            }
        }
        if !tls.client_crl.is_empty() && Path::new(&tls.client_crl).is_relative() {
            tls.client_crl = folder.join(&tls.client_crl).to_string_lossy().into_owned();
        }
        if let Some(path) = self.database.url.expose_secret().strip_prefix("sqlite:")
            && Path::new(path).is_relative()
            && path != ":memory:"
        {
            self.database.url = format!("sqlite:{}", folder.join(path).display()).into();
        }
    }

    fn check(&self) -> Result<(), ConfigError> {
        let mut faults = Vec::new();
        let mut demand = |holds: bool, sentence: &str| {
            if !holds {
                faults.push(sentence.to_owned());
            }
        };
        let url = self.database.url.expose_secret();
        let known = ["sqlite:", "postgres://", "postgresql://"].iter().any(|scheme| url.starts_with(scheme));
        demand(known, "database.url begins with sqlite: or postgres://");
        demand((1..=64).contains(&self.database.readers), "database.readers is 1 to 64");
        demand((1..=65_536).contains(&self.posting.queue), "posting.queue is 1 to 65536");
        demand((1..=4096).contains(&self.posting.max_batch), "posting.max_batch is 1 to 4096");
        demand(self.posting.max_batch_bytes >= self.server.max_body_bytes, "posting.max_batch_bytes holds one body");
        let holds = self.server.max_batch_body_bytes >= self.server.max_body_bytes;
        demand(holds, "server.max_batch_body_bytes is not less than server.max_body_bytes");
        demand((1..=65_536).contains(&self.reading.queue), "reading.queue is 1 to 65536");
        demand((1..=1024).contains(&self.reading.max_group), "reading.max_group is 1 to 1024");
        let quotas = &self.limits;
        let quotas = [quotas.lookups_per_minute, quotas.unknown_accounts_per_minute, quotas.requests_per_minute];
        demand(quotas.iter().all(|quota| (1..=60_000_000).contains(quota)), "limits.*_per_minute are 1 to 60000000");
        demand((1..=10).contains(&self.token.lifetime_minutes), "token.lifetime_minutes is 1 to 10");
        demand(self.server.public_url.starts_with("https://"), "server.public_url begins with https://");
        demand(!self.server.public_url.ends_with('/'), "server.public_url has no slash at the end");
        demand(self.server.answer_timeout_seconds >= 1, "server.answer_timeout_seconds is at least 1");
        self.webhooks.check(&mut demand);
        demand(self.upkeep.interval_milliseconds >= 10, "upkeep.interval_milliseconds is at least 10");
        demand((1..=1000).contains(&self.upkeep.batch), "upkeep.batch is 1 to 1000");
        demand((1..=3650).contains(&self.upkeep.look_back_days), "upkeep.look_back_days is 1 to 3650");
        let days = &self.upkeep.certificate_days;
        let listed = days.len() <= 10 && days.iter().all(|day| (1..=365).contains(day));
        demand(listed, "upkeep.certificate_days has at most 10 numbers, each 1 to 365");
        demand(loopback(&self.server.operations_listen), "server.operations_listen is a loopback address");
        demand(matches!(self.log.format.as_str(), "text" | "json"), "log.format is text or json");
        let digits = &self.counter.account_number;
        demand(
            digits.min_digits >= 1 && digits.min_digits <= digits.max_digits && digits.max_digits <= 17,
            "counter.account_number has 1 to 17 digits, the least no more than the most",
        );
        demand(
            self.counter.partial_minimum.is_positive()
                && self.counter.partial_minimum.is_multiple_of(self.counter.cash_step),
            "counter.partial_minimum is more than nothing and in counter.cash_step",
        );
        demand((1..=720).contains(&self.counter.reconnection_hours), "counter.reconnection_hours is 1 to 720");
        demand(
            self.counter.cut_off_minutes_before_midnight < 1440,
            "counter.cut_off_minutes_before_midnight is under 1440",
        );
        for sentence in self.billing.faults() {
            demand(false, sentence);
        }
        faults.extend(self.reconciliation.faults());
        if faults.is_empty() { Ok(()) } else { Err(ConfigError::Faults(faults)) }
    }

    /// How long an answer is waited for.
    #[must_use]
    pub const fn answer_timeout(&self) -> Duration {
        Duration::from_secs(self.server.answer_timeout_seconds)
    }
}

impl Webhooks {
    fn check(&self, demand: &mut impl FnMut(bool, &str)) {
        let identity = self.client_certificate.is_empty() == self.client_key.is_empty();
        demand(identity, "webhooks.client_certificate and webhooks.client_key come together");
        demand((1..=60).contains(&self.attempt_timeout_seconds), "webhooks.attempt_timeout_seconds is 1 to 60");
        demand(self.max_answer_bytes <= 1_048_576, "webhooks.max_answer_bytes is at most 1048576");
        demand((1..=1000).contains(&self.max_endpoints), "webhooks.max_endpoints is 1 to 1000");
        demand(
            (1..=self.max_endpoints).contains(&self.max_endpoints_per_party),
            "webhooks.max_endpoints_per_party is 1 to webhooks.max_endpoints",
        );
        // Else a slow endpoint could take the last place of another.
        demand(
            (self.max_endpoints..=10_000).contains(&self.concurrency),
            "webhooks.concurrency is webhooks.max_endpoints to 10000",
        );
        demand(
            (1..=self.lease_batch).contains(&self.concurrency_per_endpoint),
            "webhooks.concurrency_per_endpoint is 1 to webhooks.lease_batch",
        );
        demand((1..=1000).contains(&self.lease_batch), "webhooks.lease_batch is 1 to 1000");
        let two_attempts = 2 * self.attempt_timeout_seconds;
        demand(u64::from(self.lease_seconds) >= two_attempts, "webhooks.lease_seconds is at least two attempts");
        demand((1..=10_000).contains(&self.fan_out_batch), "webhooks.fan_out_batch is 1 to 10000");
        demand((10..=60_000).contains(&self.poll_milliseconds), "webhooks.poll_milliseconds is 10 to 60000");
        demand(self.secret_overlap_hours <= 720, "webhooks.secret_overlap_hours is at most 720");
        demand((1..=10_000).contains(&self.max_replay), "webhooks.max_replay is 1 to 10000");
    }
}

fn loopback(listen: &str) -> bool {
    listen.parse::<std::net::SocketAddr>().is_ok_and(|address| address.ip().is_loopback())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_embedded_defaults_are_the_rules_defaults() -> Result<(), ConfigError> {
        let config = Config::load(None)?;
        assert_eq!(config.counter, Policy::default());
        Ok(())
    }

    #[test]
    fn every_fault_is_listed_at_once_and_no_secret_is_shown() -> Result<(), Box<dyn std::error::Error>> {
        let folder = tempfile::tempdir()?;
        let file = folder.path().join("recaudo.toml");
        std::fs::write(
            &file,
            "[database]\nurl = 'mysql:geheim'\nreaders = 0\n[server]\noperations_listen = '0.0.0.0:1'\n",
        )?;
        let fault = Config::load(Some(&file)).map(|_| ()).map_err(|error| error.to_string());
        let fault = fault.err().ok_or("it was accepted")?;
        for part in ["database.url", "database.readers", "operations_listen"] {
            assert!(fault.contains(part), "{part} is missing in {fault}");
        }
        assert!(!format!("{:?}", Config::load(None)?).contains("recaudo.db"));
        std::fs::write(&file, "[posting]\nquueue = 3\n")?;
        assert!(Config::load(Some(&file)).is_err());
        Ok(())
    }
}
