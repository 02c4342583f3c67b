//! A billing file on its way in: judged whole, then written in chunks.
//!
//! [`run`] is the whole way. It may be killed anywhere: the same file sent again goes on, and the end
//! is the same. Whose turn it is to write stands in the books (`imports`), so that two files never
//! mix, whoever sends them.

mod begin;
mod check;
mod chunks;
mod hashed;
mod load;
mod numbers;
mod orders;
mod pace;
mod rejects;
mod report;
mod spool;

use std::fs::File;
use std::path::PathBuf;

pub use report::{Fault, ImportError, Outcome, Report};

use self::begin::Begun;
use super::Office;
use super::door::Door;
use crate::domain::ids::Id;
use crate::files::billing_feed::Format;
use crate::store::{ImportRecord, ImportState};

/// What the sender wants.
#[derive(Clone, Debug, Default)]
pub struct Options {
    /// The form; absent: told by the first bytes.
    pub format: Option<Format>,
    /// Rows with faults are set aside and the rest is loaded.
    pub accept_valid: bool,
    /// A full file may show far fewer accounts than are known.
    pub accept_shrink: bool,
    /// Where the rows that were set aside go.
    pub rejects: Option<PathBuf>,
}

/// How far it came.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step {
    /// Bytes that were judged, of how many.
    Checking(u64, u64),
    /// Accounts that are in place, of how many.
    Loading(u64, u64),
    /// The last things.
    Finishing,
}

/// Whoever wants to know how far it came.
pub type Watch<'a> = &'a (dyn Fn(Step) + Sync);

/// Takes a billing file in. Blocks for as long as that takes.
///
/// # Errors
/// It was refused, or it broke off and can be repeated.
pub fn run(
    office: &Office,
    door: &impl Door,
    id: Id,
    file: &mut File,
    options: &Options,
    watch: Watch<'_>,
) -> Result<Report, ImportError> {
    let now = office.clock.now();
    let mut record = ImportRecord {
        id,
        snapshot: None,
        file_hash: None,
        state: ImportState::Checking,
        accounts: 0,
        started_at: now,
        heard_at: now,
        finished_at: None,
        report: "{}".to_owned(),
    };
    keep(door, &record)?;
    let result = steps(office, door, &mut record, file, options, watch);
    record.finished_at = Some(office.clock.now());
    (record.state, record.report) = match &result {
        Ok(report) => (ImportState::Loaded, report.to_json()),
        Err(ImportError::Displaced) => return result,
        Err(error) => (error.state(), error.to_json()),
    };
    keep(door, &record).and(result)
}

fn keep(door: &impl Door, record: &ImportRecord) -> Result<(), ImportError> {
    let record = record.clone();
    let job = || {
        let record = record.clone();
        move |conn: &mut crate::store::Connection| conn.put_import(&record)
    };
    Ok(door.insist("import", job)?)
}

fn steps(
    office: &Office,
    door: &impl Door,
    record: &mut ImportRecord,
    file: &mut File,
    options: &Options,
    watch: Watch<'_>,
) -> Result<Report, ImportError> {
    let mut judged = check::check(office, record.id, file, options, watch)?;
    let checked = &judged.checked;
    record.snapshot = Some(checked.header.id.clone());
    record.file_hash = Some(checked.sha256.clone());
    let mut report = checked.report();
    if checked.refused(options, &office.settings) {
        report.outcome = Outcome::Refused;
        return Err(ImportError::Faults(Box::new(report)));
    }
    // Asked for before the turn is taken: a form that has no rejects is refused, and leaves nothing begun.
    let rejected = judged.rejected.take().filter(|_| checked.faults_total > 0);
    let rejects = options.rejects.as_deref().zip(rejected);
    let head = || rejects::head(file, options.format, &checked.header);
    let rejects = rejects.map(|(path, rows)| head().map(|head| (path, rows, head))).transpose()?;
    let begun = begin::begin(office, door, record, checked, options)?;
    record.state = ImportState::Loading;
    report.included_through = begun.snapshot().included_through.clone();
    match &begun {
        Begun::Already(_) => report.outcome = Outcome::AlreadyLoaded,
        Begun::Turn(snapshot) => {
            report.rejects = rejects.map(|(path, rows, head)| rows.put(path, &head)).transpose()?;
            load::load(office, door, record, snapshot, judged, watch, &mut report)?;
        }
    }
    watch(Step::Finishing);
    report.orders_completed = orders::complete(office, door, begun.snapshot())?;
    Ok(report)
}
