//! `recaudo billing`: what billing says of its accounts, taken in; and samples of it.

use std::fs::File;
use std::io::BufWriter;
use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::time::Duration;

use clap::Subcommand;
use indicatif::{ProgressBar, ProgressStyle};

use super::office::with_office;
use super::{Context, Failure, print};
use crate::billing::import::{Fault, ImportError, Options, Outcome, Report, Step, run as import};
use crate::domain::calendar::Timestamp;
use crate::files::billing_feed::Format;
use crate::files::billing_sample::sample;

/// Faults shown to people; the JSON result and the rejects have the rest.
const SHOWN_FAULTS: usize = 20;
/// How often a progress bar moves by itself.
const TICK: Duration = Duration::from_millis(200);

/// What is done with billing's files.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Check a billing file and load it. It may be killed and repeated: the end is the same.
    Import {
        /// JSON Lines, CSV or Asobancaria facturación 2001; plain, gzip or zstd.
        file: PathBuf,
        /// jsonl, csv or asobancaria-2001; without it the first bytes tell.
        #[arg(long)]
        format: Option<String>,
        /// Load the accounts without faults and write the others to a file that can be mended.
        #[arg(long)]
        accept_valid: bool,
        /// Take a full file that shows far fewer accounts than are known.
        #[arg(long)]
        accept_shrink: bool,
        /// Where the rows with faults go; beside the file, with `.rejects`, unless it is said.
        #[arg(long, value_name = "FILE")]
        rejects: Option<PathBuf>,
    },
    /// Write a sample of a billing file to standard output, or to a file.
    Sample {
        /// How many accounts.
        #[arg(long)]
        accounts: u64,
        /// The same seed gives the same accounts.
        #[arg(long, default_value_t = 1)]
        seed: u64,
        /// The instant it describes (RFC 3339); now unless it is said.
        #[arg(long)]
        as_of: Option<String>,
        /// The file.
        #[arg(long, value_name = "FILE")]
        out: Option<PathBuf>,
    },
}

/// Runs one of them.
pub fn run(context: &Context, command: Command) -> Result<(), Failure> {
    match command {
        Command::Import { file, format, accept_valid, accept_shrink, rejects } => {
            let format = format.map(|text| text.parse::<Format>()).transpose();
            let format = format.map_err(|error| Failure::Usage(error.to_string()))?;
            let rejects = accept_valid.then(|| rejects.unwrap_or_else(|| beside(&file)));
            load(context, &file, &Options { format, accept_valid, accept_shrink, rejects })
        }
        Command::Sample { accounts, seed, as_of, out } => {
            let as_of = as_of.map_or_else(|| Ok(context.now()), |text| Timestamp::parse(&text));
            let as_of = as_of.map_err(|error| Failure::Usage(format!("--as-of: {error}")))?;
            let written = match out {
                Some(path) => File::create(path).and_then(|file| sample(accounts, seed, as_of, BufWriter::new(file))),
                None => sample(accounts, seed, as_of, BufWriter::new(std::io::stdout().lock())),
            };
            written.map_err(|error| Failure::Work(error.to_string()))
        }
    }
}

fn beside(file: &Path) -> PathBuf {
    let mut name = file.as_os_str().to_owned();
    name.push(".rejects");
    PathBuf::from(name)
}

fn load(context: &Context, path: &Path, options: &Options) -> Result<(), Failure> {
    let mut file = File::open(path).map_err(|error| Failure::Usage(format!("{}: {error}", path.display())))?;
    let progress = Progress::default();
    let result = with_office(context, |office, door| {
        let id = office.clock.id();
        Ok(import(office, door, id, &mut file, options, &|step| progress.show(step)))
    })?;
    progress.end();
    match result {
        Ok(report) => {
            let document = serde_json::to_value(&report).unwrap_or_default();
            context.tell(&told(&report), &document)
        }
        Err(error) => {
            if context.json {
                print(&format!("{}\n", error.to_json()))?;
            }
            Err(Failure::Work(refused(&error)))
        }
    }
}

fn told(report: &Report) -> Vec<String> {
    let Report { snapshot, as_of, accounts_read, accounts_removed, orders_completed, .. } = report;
    let mut lines = match report.outcome {
        Outcome::AlreadyLoaded => vec![format!("snapshot {snapshot} was loaded before from this very file")],
        _ => vec![format!("loaded snapshot {snapshot} of {as_of}: {accounts_read} accounts")],
    };
    if *accounts_removed > 0 {
        lines.push(format!("{accounts_removed} accounts are not in it and are not known any more"));
    }
    if *orders_completed > 0 {
        lines.push(format!("{orders_completed} reconnection orders were found done"));
    }
    lines.extend(report.included_through.iter().map(|(partner, date)| format!("contains {partner} through {date}")));
    if let Some(rejects) = &report.rejects {
        lines.push(format!("{} rows with faults were set aside: {rejects}", report.faults_total));
        lines.extend(faults(&report.faults));
    }
    lines
}

fn refused(error: &ImportError) -> String {
    let mut lines = vec![error.to_string()];
    if let ImportError::Faults(report) = error {
        lines.extend(faults(&report.faults));
        let more = report.faults_total.saturating_sub(SHOWN_FAULTS as u64);
        if more > 0 {
            lines.push(format!("  and {more} more"));
        }
    }
    lines.join("\n")
}

fn faults(faults: &[Fault]) -> impl Iterator<Item = String> {
    faults.iter().take(SHOWN_FAULTS).map(|fault| {
        let Fault { line, column, pointer, rule, found } = fault;
        format!("  line {line}, column {column}, {pointer}: {rule}; found {found}")
    })
}

/// A bar on a terminal, nothing where the output is piped.
#[derive(Default)]
struct Progress(Mutex<Option<(&'static str, ProgressBar)>>);

impl Progress {
    fn show(&self, step: Step) {
        let (word, done, total, template) = match step {
            Step::Checking(done, total) => {
                ("checking", done, total, "{msg} {wide_bar} {bytes}/{total_bytes} {bytes_per_sec} {eta}")
            }
            Step::Loading(done, total) => ("loading", done, total, "{msg} {wide_bar} {pos}/{len} {per_sec} {eta}"),
            Step::Finishing => ("finishing", 0, 0, "{msg} {elapsed}"),
        };
        let Ok(mut shown) = self.0.lock() else { return };
        if shown.as_ref().is_none_or(|(current, _)| *current != word) {
            let bar = ProgressBar::new(total).with_message(word);
            if let Ok(style) = ProgressStyle::with_template(template) {
                bar.set_style(style);
            }
            bar.enable_steady_tick(TICK);
            if let Some((_, before)) = shown.replace((word, bar)) {
                before.finish_and_clear();
            }
        }
        if let Some((_, bar)) = shown.as_ref() {
            bar.set_position(done);
        }
    }

    fn end(&self) {
        if let Ok(mut shown) = self.0.lock()
            && let Some((_, bar)) = shown.take()
        {
            bar.finish_and_clear();
        }
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        self.end();
    }
}
