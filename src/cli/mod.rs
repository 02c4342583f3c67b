//! The commands: each translates its arguments, calls what does the work, and tells what came of it.
//!
//! Nothing is decided here. Exit codes: 0 done; 1 the work failed; 2 usage or configuration.

mod batch;
mod billing;
mod certificate;
mod check;
mod demo;
mod migrate;
mod office;
mod openapi;
mod party;
mod point;
mod reconcile;
mod serve;
mod till;
mod verify;

use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::{Parser, Subcommand};
use serde_json::Value;

use crate::clock::{Clock, SystemClock};
use crate::config::{Config, ConfigError};
use crate::domain::calendar::Timestamp;
use crate::store::{Connection, Store, StoreError};

/// The file that is read when it lies where the program is called and no other is named.
const DEFAULT_FILE: &str = "recaudo.toml";

/// recaudo: a utility's money taken at the counter, with nothing but an account number.
#[derive(Debug, Parser)]
#[command(version, about, arg_required_else_help = true)]
struct Arguments {
    /// The configuration; without it, recaudo.toml where it stands, else the embedded defaults.
    #[arg(long, global = true, value_name = "FILE")]
    config: Option<PathBuf>,
    /// One machine-readable result on standard output.
    #[arg(long, global = true)]
    json: bool,
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Make a gateway from nothing and play a day at the counter over real mutual TLS.
    Demo(demo::Arguments),
    /// Run the gateway until it is told to stop (SIGTERM, SIGINT); SIGHUP reads the certificates again.
    Serve,
    /// Bring the database's schema up to date.
    Migrate,
    /// Check configuration, certificates, keys and schema.
    Check,
    /// Print the contract (OpenAPI 3.1).
    Openapi,
    /// Register, list and suspend parties.
    #[command(subcommand)]
    Party(party::Command),
    /// Register and list collection points.
    #[command(subcommand)]
    Point(point::Command),
    /// Make, register, list and revoke certificates.
    #[command(subcommand)]
    Certificate(certificate::Command),
    /// Compare a partner's own list, or the bank's statement, with the books.
    Reconcile(reconcile::Arguments),
    /// A cashier's terminal for a partner without a cashier system.
    Till(till::Arguments),
    /// Check the ledger, or a receipt's signature.
    #[command(subcommand)]
    Verify(verify::Command),
    /// Load billing files, and write samples of them.
    #[command(subcommand)]
    Billing(billing::Command),
    /// List, seal and export collection batches.
    #[command(subcommand)]
    Batch(batch::Command),
}

/// Why a command ends without its work done.
#[derive(Debug)]
pub enum Failure {
    /// Usage or configuration: exit code 2.
    Usage(String),
    /// The work failed: exit code 1.
    Work(String),
}

/// What every command works with.
pub struct Context {
    file: Option<PathBuf>,
    json: bool,
}

/// Runs the program with the arguments of the process.
pub fn run() -> ExitCode {
    let arguments = match Arguments::try_parse() {
        Ok(arguments) => arguments,
        Err(error) => {
            let code = u8::try_from(error.exit_code()).unwrap_or(2);
            _ = error.print();
            return ExitCode::from(code);
        }
    };
    let file = arguments.config.or_else(|| Path::new(DEFAULT_FILE).exists().then(|| DEFAULT_FILE.into()));
    let context = Context { file, json: arguments.json };
    let done = match arguments.command {
        Command::Demo(arguments) => demo::run(arguments),
        Command::Serve => serve::run(&context),
        Command::Migrate => migrate::run(&context),
        Command::Check => check::run(&context),
        Command::Openapi => openapi::run(),
        Command::Party(command) => party::run(&context, command),
        Command::Point(command) => point::run(&context, command),
        Command::Certificate(command) => certificate::run(&context, command),
        Command::Reconcile(arguments) => reconcile::run(&context, &arguments),
        Command::Till(arguments) => till::run(&context, arguments),
        Command::Verify(command) => verify::run(&context, command),
        Command::Billing(command) => billing::run(&context, command),
        Command::Batch(command) => batch::run(&context, command),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(Failure::Work(reason)) => complain(&reason, 1),
        Err(Failure::Usage(reason)) => complain(&reason, 2),
    }
}

impl Context {
    /// The configuration.
    ///
    /// # Errors
    /// It cannot be read, or contradicts itself.
    pub fn config(&self) -> Result<Config, Failure> {
        Ok(Config::load(self.file.as_deref())?)
    }

    /// A connection to the books, whose schema has to be up to date.
    ///
    /// # Errors
    /// The database cannot be opened, or is behind.
    pub fn connect(&self) -> Result<Connection, Failure> {
        let store = Store::new(&self.config()?.database)?;
        let pending = store.pending_migrations()?;
        if !pending.is_empty() {
            return Err(StoreError::Schema(pending.join(", ")).into());
        }
        Ok(store.connect()?)
    }

    /// Now.
    #[must_use]
    pub fn now(&self) -> Timestamp {
        SystemClock.now()
    }

    /// Tells the result: to people line by line, to programs as one document.
    ///
    /// # Errors
    /// Standard output is closed.
    pub fn tell(&self, lines: &[String], document: &Value) -> Result<(), Failure> {
        if self.json {
            return print(&format!("{document}\n"));
        }
        print(&lines.iter().map(|line| format!("{line}\n")).collect::<String>())
    }
}

/// Writes to standard output.
///
/// # Errors
/// It is closed.
pub fn print(text: &str) -> Result<(), Failure> {
    let mut out = std::io::stdout().lock();
    out.write_all(text.as_bytes()).and_then(|()| out.flush()).map_err(|error| Failure::Work(error.to_string()))
}

/// The threads that wait for the network.
///
/// # Errors
/// The machine has none left.
pub fn runtime() -> Result<tokio::runtime::Runtime, Failure> {
    tokio::runtime::Builder::new_multi_thread().enable_all().build().map_err(|error| work(&error))
}

/// The work failed, for this reason.
pub fn work(error: &impl ToString) -> Failure {
    Failure::Work(error.to_string())
}

fn complain(reason: &str, code: u8) -> ExitCode {
    _ = writeln!(std::io::stderr(), "recaudo: {reason}");
    ExitCode::from(code)
}

impl From<ConfigError> for Failure {
    fn from(error: ConfigError) -> Self {
        Self::Usage(error.to_string())
    }
}

impl From<StoreError> for Failure {
    fn from(error: StoreError) -> Self {
        Self::Work(error.to_string())
    }
}
