//! One attempt: a POST to an address that was checked, with a limit on everything the receiver controls.
//!
//! Nothing is decided here and nothing is kept: [`super::schedule`] judges the [`Attempt`]. No
//! redirection is followed, no proxy asked, no cookie kept, nothing repeated.

use std::error::Error;
use std::time::Duration;

use reqwest::header::{CONTENT_TYPE, RETRY_AFTER, USER_AGENT};
use reqwest::{Certificate, Client, Identity, Response, redirect, retry};
use secrecy::{ExposeSecret, SecretString};
use tokio::time::Instant;

use super::address::{AllowedHosts, check_url};
use super::resolver::FilteringResolver;
use super::schedule::{Outcome, RetryAfter};
use super::signature::{HEADER_ID, HEADER_SIGNATURE, HEADER_TIMESTAMP, SigningSecrets};
use crate::domain::calendar::Timestamp;

/// How long an attempt takes at most, from the look-up of the name to the last byte that is read.
pub const DEFAULT_TIMEOUT: Duration = Duration::from_secs(15);
/// How much of an answer is read, in bytes.
pub const DEFAULT_MAX_ANSWER_BYTES: usize = 65_536;
/// How much of an answer is kept, in characters.
pub const EXCERPT_CHARS: usize = 1_024;
/// How long the text of an error may be, in characters.
pub const ERROR_CHARS: usize = 300;

const MAX_IDLE_PER_HOST: usize = 4;
const IDLE_TIMEOUT: Duration = Duration::from_secs(30);

/// How deliveries are sent.
#[derive(Clone, Debug)]
pub struct SenderSettings {
    /// See [`DEFAULT_TIMEOUT`].
    pub timeout: Duration,
    /// See [`DEFAULT_MAX_ANSWER_BYTES`].
    pub max_answer_bytes: usize,
    /// Hosts that may be inside.
    pub allowed_hosts: AllowedHosts,
    /// Certificate authorities (PEM, any number) that are trusted besides those of the system.
    pub extra_roots_pem: String,
    /// Our certificate chain and private key (PEM), for receivers that ask for one.
    pub identity_pem: Option<SecretString>,
}

/// Why no sender can be made of the settings.
#[derive(Debug, thiserror::Error)]
pub enum SenderError {
    /// The extra authorities cannot be read.
    #[error("the certificate authorities for webhooks are no PEM certificates")]
    Roots,
    /// The identity cannot be read. What it was is not repeated: there is a private key in it.
    #[error("the client identity for webhooks is not a PEM certificate chain and private key")]
    Identity,
    /// The two together make no client.
    #[error("the webhook client cannot be set up: {0}")]
    Client(String),
}

/// What goes out.
#[derive(Clone, Copy, Debug)]
pub struct Delivery<'a> {
    /// The address its endpoint registered.
    pub url: &'a str,
    /// The identity of the message, the same at every attempt (`evt_01k…`).
    pub id: &'a str,
    /// The instant of this attempt, which is signed.
    pub at: Timestamp,
    /// The body (JSON).
    pub body: &'a str,
    /// The secrets of the endpoint.
    pub secrets: &'a SigningSecrets,
}

/// What came of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Attempt {
    /// The status code, when an answer came. It counts even if the rest of the answer did not come.
    pub status: Option<u16>,
    /// What its `Retry-After` asks for.
    pub retry_after: Option<RetryAfter>,
    /// What went wrong, for the operator's eyes.
    pub error: Option<String>,
    /// How long it took, in milliseconds.
    pub elapsed_ms: u64,
    /// The start of the answer, without control characters.
    pub response_excerpt: String,
}

/// Sends deliveries; cheap to clone, connections are shared.
#[derive(Clone, Debug)]
pub struct Sender {
    client: Client,
    timeout: Duration,
    max_answer_bytes: usize,
    allowed_hosts: AllowedHosts,
}

impl Default for SenderSettings {
    fn default() -> Self {
        Self {
            timeout: DEFAULT_TIMEOUT,
            max_answer_bytes: DEFAULT_MAX_ANSWER_BYTES,
            allowed_hosts: AllowedHosts::default(),
            extra_roots_pem: String::new(),
            identity_pem: None,
        }
    }
}

impl Attempt {
    /// As the schedule judges it.
    #[must_use]
    pub fn outcome(&self) -> Outcome {
        self.status.map_or(Outcome::NoAnswer, |status| Outcome::Answered { status, retry_after: self.retry_after })
    }
}

impl Sender {
    /// Sets the client up. The process's default TLS provider has to be installed already.
    ///
    /// # Errors
    /// Certificates or keys that cannot be read.
    pub fn new(settings: SenderSettings) -> Result<Self, SenderError> {
        let resolver = FilteringResolver::new(settings.allowed_hosts.clone());
        Self::with_resolver(settings, resolver)
    }

    /// With a resolver of one's own.
    pub(super) fn with_resolver(settings: SenderSettings, resolver: FilteringResolver) -> Result<Self, SenderError> {
        let roots = roots(&settings.extra_roots_pem)?;
        let identity = match &settings.identity_pem {
            None => None,
            Some(pem) => Some(Identity::from_pem(pem.expose_secret().as_bytes()).map_err(|_| SenderError::Identity)?),
        };
        let build = |system_roots: bool| {
            let builder = Client::builder()
                .timeout(settings.timeout)
                .redirect(redirect::Policy::none())
                .retry(retry::never())
                .no_proxy()
                .referer(false)
                .pool_max_idle_per_host(MAX_IDLE_PER_HOST)
                .pool_idle_timeout(IDLE_TIMEOUT)
                .dns_resolver(resolver.clone());
            let builder = match &identity {
                Some(identity) => builder.identity(identity.clone()),
                None => builder,
            };
            match system_roots {
                true => builder.tls_certs_merge(roots.clone()).build(),
                false => builder.tls_certs_only(roots.clone()).build(),
            }
        };
        // A machine without any certificate authority must still take payments.
        let client = build(true)
            .or_else(|error| {
                tracing::warn!(error = describe(&error), "the system's certificate authorities cannot be used");
                build(false)
            })
            .map_err(|error| SenderError::Client(describe(&error)))?;
        let SenderSettings { timeout, max_answer_bytes, allowed_hosts, .. } = settings;
        Ok(Self { client, timeout, max_answer_bytes, allowed_hosts })
    }

    /// Makes one attempt. It always comes to an end, within the timeout.
    pub async fn send(&self, delivery: Delivery<'_>) -> Attempt {
        let start = Instant::now();
        let mut attempt = self.attempt(delivery).await;
        attempt.elapsed_ms = u64::try_from(start.elapsed().as_millis()).unwrap_or(u64::MAX);
        attempt
    }

    async fn attempt(&self, delivery: Delivery<'_>) -> Attempt {
        // Again, since what is allowed may have changed since the registration, and since an address
        // that stands in the URL itself never reaches the resolver.
        let url = match check_url(delivery.url, &self.allowed_hosts) {
            Ok(url) => url,
            Err(refusal) => return Attempt::failed(refusal.to_string()),
        };
        let signed = delivery.secrets.sign(delivery.id, delivery.at, delivery.body);
        let request = self
            .client
            .post(url)
            .header(CONTENT_TYPE, "application/json")
            .header(USER_AGENT, concat!("recaudo/", env!("CARGO_PKG_VERSION")))
            .header(HEADER_ID, signed.id)
            .header(HEADER_TIMESTAMP, signed.timestamp)
            .header(HEADER_SIGNATURE, signed.signature)
            .body(delivery.body.to_owned());
        match request.send().await {
            Ok(response) => self.read(response).await,
            Err(error) => Attempt::failed(self.explain(error)),
        }
    }

    async fn read(&self, mut response: Response) -> Attempt {
        let status = Some(response.status().as_u16());
        let retry_after = response.headers().get(RETRY_AFTER).and_then(|value| value.to_str().ok());
        let retry_after = retry_after.and_then(RetryAfter::parse);
        let mut kept = Vec::new();
        let mut read = 0usize;
        let error = loop {
            match response.chunk().await {
                Ok(Some(bytes)) => {
                    let room = (EXCERPT_CHARS * 4).saturating_sub(kept.len());
                    kept.extend_from_slice(&bytes[..bytes.len().min(room)]);
                    read = read.saturating_add(bytes.len());
                    if read > self.max_answer_bytes {
                        break Some(format!("the answer was cut at {} bytes", self.max_answer_bytes));
                    }
                }
                Ok(None) => break None,
                Err(error) => break Some(format!("the answer was not complete: {}", self.explain(error))),
            }
        };
        Attempt { status, retry_after, error, elapsed_ms: 0, response_excerpt: plain(&kept, EXCERPT_CHARS) }
    }

    fn explain(&self, error: reqwest::Error) -> String {
        if error.is_timeout() {
            return format!("the attempt was not over after {} ms", self.timeout.as_millis());
        }
        // The URL may hold a key in its query, and it stands beside the attempt anyway.
        plain(describe(&error.without_url()).as_bytes(), ERROR_CHARS)
    }
}

impl Attempt {
    fn failed(error: String) -> Self {
        Self { status: None, retry_after: None, error: Some(error), elapsed_ms: 0, response_excerpt: String::new() }
    }
}

fn roots(pem: &str) -> Result<Vec<Certificate>, SenderError> {
    let roots = Certificate::from_pem_bundle(pem.as_bytes()).map_err(|_| SenderError::Roots)?;
    // A bundle without a certificate reads as an empty one, which hides a wrong file.
    if roots.is_empty() && !pem.trim().is_empty() { Err(SenderError::Roots) } else { Ok(roots) }
}

/// The whole chain of causes: what matters (a refused address, a certificate) is at its end.
fn describe(error: &dyn Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(inner) = cause {
        let inner_text = inner.to_string();
        if !text.ends_with(&inner_text) {
            text.push_str(": ");
            text.push_str(&inner_text);
        }
        cause = inner.source();
    }
    text
}

/// Text that a terminal, a log and a database can hold: what a receiver sends is not trusted.
fn plain(bytes: &[u8], max_chars: usize) -> String {
    let text = String::from_utf8_lossy(bytes);
    text.chars().take(max_chars).map(|c| if c.is_control() { ' ' } else { c }).collect()
}
