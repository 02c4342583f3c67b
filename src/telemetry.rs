//! Tracing and metrics: how they are set up, and nothing about what is measured.
//!
//! No personal data is logged, nor any account number at `info`: a log is read by more people than the
//! books are.

use std::io::IsTerminal;
use std::sync::OnceLock;

use metrics_exporter_prometheus::{PrometheusBuilder, PrometheusHandle};
use tracing_subscriber::EnvFilter;

use crate::config::Log;

/// The upper bounds of the buckets of durations, in seconds.
const SECONDS: [f64; 12] = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 5.0, 20.0];

/// The process's measures.
#[derive(Clone)]
pub struct Metrics(PrometheusHandle);

/// What cannot be set up.
#[derive(Debug, thiserror::Error)]
pub enum TelemetryError {
    /// The filter of the log.
    #[error("log.filter: {0}")]
    Filter(String),
    /// The metrics.
    #[error("metrics: {0}")]
    Metrics(String),
}

impl Metrics {
    /// Everything measured so far, in Prometheus' text form.
    #[must_use]
    pub fn render(&self) -> String {
        self.0.render()
    }

    /// Tidies up; to be called every few seconds.
    pub fn run_upkeep(&self) {
        self.0.run_upkeep();
    }
}

/// Begins to log on standard error, once a process.
///
/// # Errors
/// The filter cannot be read.
pub fn log(settings: &Log) -> Result<(), TelemetryError> {
    let filter = EnvFilter::try_new(&settings.filter).map_err(|error| TelemetryError::Filter(error.to_string()))?;
    // A log that nobody reads any more is no reason to stop taking payments: without this, a closed
    // standard error is reported to standard error, and that ends the thread.
    let builder =
        tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr).log_internal_errors(false);
    // A second start in one process (a test, the demonstration) keeps the first one's log.
    _ = match settings.format.as_str() {
        "json" => builder.json().flatten_event(true).try_init(),
        _ => builder.with_ansi(std::io::stderr().is_terminal()).try_init(),
    };
    Ok(())
}

/// The recorder of the process, installed at the first call.
///
/// # Errors
/// Another recorder was installed before.
pub fn metrics() -> Result<Metrics, TelemetryError> {
    static RECORDER: OnceLock<Result<PrometheusHandle, String>> = OnceLock::new();
    let installed = RECORDER.get_or_init(|| {
        PrometheusBuilder::new()
            .set_buckets(&SECONDS)
            .and_then(PrometheusBuilder::install_recorder)
            .map_err(|error| error.to_string())
    });
    installed.clone().map(Metrics).map_err(TelemetryError::Metrics)
}
