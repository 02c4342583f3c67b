//! From what is set to what works: the sender and the schedule.

use std::path::Path;

use secrecy::SecretString;

use super::address::{AllowedHostError, AllowedHosts};
use super::schedule::{Schedule, ScheduleError};
use super::sender::{Sender, SenderError, SenderSettings};
use super::signature::{Secret, SecretError, SigningSecrets};
use crate::config;
use crate::domain::calendar::Timestamp;
use crate::store::WebhookEndpoint;
use secrecy::ExposeSecret;

/// Why nothing can be sent with these settings.
#[derive(Debug, thiserror::Error)]
pub enum SettingsError {
    /// The hosts of the inside.
    #[error("webhooks.allowed_hosts: {0}")]
    Hosts(#[from] AllowedHostError),
    /// The waits.
    #[error("webhooks.retry_delays_seconds: {0}")]
    Schedule(#[from] ScheduleError),
    /// The certificates.
    #[error("webhooks: {0}")]
    Sender(#[from] SenderError),
    /// A file.
    #[error("{0}: {1}")]
    File(String, std::io::Error),
}

/// The hosts of the inside that may be told.
///
/// # Errors
/// An entry that cannot be read.
pub fn allowed_hosts(settings: &config::Webhooks) -> Result<AllowedHosts, AllowedHostError> {
    AllowedHosts::parse(&settings.allowed_hosts)
}

/// A sender. Reads files: before the gateway serves, not while it does.
///
/// # Errors
/// Files or entries that cannot be read.
pub fn sender(settings: &config::Webhooks) -> Result<Sender, SettingsError> {
    let identity = match settings.client_certificate.as_str() {
        "" => None,
        certificate => Some(SecretString::from(format!("{}\n{}", read(certificate)?, read(&settings.client_key)?))),
    };
    Ok(Sender::new(SenderSettings {
        timeout: std::time::Duration::from_secs(settings.attempt_timeout_seconds),
        max_answer_bytes: settings.max_answer_bytes,
        allowed_hosts: allowed_hosts(settings)?,
        extra_roots_pem: if settings.extra_roots.is_empty() { String::new() } else { read(&settings.extra_roots)? },
        identity_pem: identity,
    })?)
}

/// The waits between attempts.
///
/// # Errors
/// They are no schedule.
pub fn schedule(settings: &config::Webhooks) -> Result<Schedule, ScheduleError> {
    Schedule::new(settings.retry_delays_seconds.clone(), settings.jitter_percent, settings.retry_after_max_seconds)
}

/// What signs for an endpoint at an instant.
///
/// # Errors
/// What is kept is no secret.
pub fn secrets(endpoint: &WebhookEndpoint, now: Timestamp) -> Result<SigningSecrets, SecretError> {
    let retiring = endpoint.retiring.as_ref().filter(|(_, until)| now < *until);
    Ok(SigningSecrets {
        current: Secret::parse(endpoint.secret.expose_secret())?,
        retiring: retiring.map(|(secret, _)| Secret::parse(secret.expose_secret())).transpose()?,
    })
}

fn read(file: &str) -> Result<String, SettingsError> {
    std::fs::read_to_string(Path::new(file)).map_err(|error| SettingsError::File(file.to_owned(), error))
}
