//! `recaudo serve`: the gateway and a signal.

use std::sync::Arc;

use tokio::signal::unix::{Signal, SignalKind, signal};

use super::{Context, Failure, runtime, work};
use crate::app::{App, Running};
use crate::clock::SystemClock;
use crate::telemetry;

/// Runs the gateway until it is told to stop.
pub fn run(context: &Context) -> Result<(), Failure> {
    let config = context.config()?;
    telemetry::log(&config.log).map_err(|error| Failure::Usage(error.to_string()))?;
    runtime()?.block_on(async {
        let (mut terminate, mut interrupt) = (listen(SignalKind::terminate())?, listen(SignalKind::interrupt())?);
        let mut hangup = listen(SignalKind::hangup())?;
        let running = App::start(config, Arc::new(SystemClock)).await.map_err(|error| work(&error))?;
        loop {
            tokio::select! {
                _ = terminate.recv() => break,
                _ = interrupt.recv() => break,
                _ = hangup.recv() => reload(&running),
            }
        }
        tracing::info!("stopping");
        running.stop().await;
        Ok(())
    })
}

fn reload(running: &Running) {
    match running.tls.reload() {
        Ok(()) => tracing::info!("certificates were read again"),
        Err(error) => tracing::error!(%error, "certificates could not be read again; the old ones stay"),
    }
}

fn listen(kind: SignalKind) -> Result<Signal, Failure> {
    signal(kind).map_err(|error| work(&error))
}
