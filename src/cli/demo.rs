//! `recaudo demo`: a gateway from nothing, and a day at the counter.

use std::path::PathBuf;
use std::sync::Arc;

use clap::Args;

use super::{Failure, runtime, work};
use crate::clock::SystemClock;
use crate::demo::{self, DemoError, Options};

/// What the demonstration can be told.
#[derive(Debug, Args)]
pub struct Arguments {
    /// Where everything lies: database, certificates, configuration.
    #[arg(long, default_value = ".recaudo", value_name = "DIR")]
    dir: PathBuf,
    /// Where the gateway listens; counts when DIR is new.
    #[arg(long, default_value = "127.0.0.1:8443", value_name = "ADDR")]
    listen: String,
    /// Another database than SQLite in DIR; counts when DIR is new.
    #[arg(long, value_name = "URL")]
    database: Option<String>,
    /// Only prepare and serve.
    #[arg(long)]
    no_scenario: bool,
    /// End after that, with status 0 when each step did what it said.
    #[arg(long)]
    exit: bool,
}

/// Runs the demonstration until it is told to stop.
pub fn run(arguments: Arguments) -> Result<(), Failure> {
    let Arguments { dir, listen, database, no_scenario, exit } = arguments;
    let options = Options { dir, listen, database, scenario: !no_scenario, exit };
    let stop = async {
        if tokio::signal::ctrl_c().await.is_err() {
            std::future::pending::<()>().await;
        }
    };
    let mut out = std::io::stdout();
    let played = runtime()?.block_on(Box::pin(demo::run(options, Arc::new(SystemClock), &mut out, stop)));
    played.map_err(|error| match error {
        DemoError::Config(error) => error.into(),
        error => work(&error),
    })
}
