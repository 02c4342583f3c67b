//! Keeps an outcome: its breaks in small commits, and then the run, which is what makes it known.

use std::sync::Arc;

use crate::domain::fact::Fact;
use crate::domain::notice::{self, MAX_BREAKS, OpenedBreak, ReconciliationNotice};
use crate::store::{BreakRecord, Connection, RunKind, RunRecord, StoreError};

/// Breaks that are written in one commit: payments wait no longer than for these.
const BREAKS_A_COMMIT: usize = 100;

/// The breaks of a run in portions, each to be kept in a commit of its own before the run is.
/// Broken off in between, a repetition of the run finds the rest.
pub fn portions(run: &RunRecord) -> impl Iterator<Item = Vec<BreakRecord>> {
    run.result.breaks.chunks(BREAKS_A_COMMIT).map(|breaks| {
        let record = |document: &crate::reconciliation::breaks::Break| BreakRecord {
            party: run.result.party.clone(),
            run: run.id,
            document: document.clone(),
            first_seen_at: run.created_at,
        };
        breaks.iter().map(record).collect()
    })
}

/// Keeps a run and everything it found, on a connection of one's own; answers the one that is kept.
///
/// # Errors
/// The books fail.
pub fn keep(connection: &mut Connection, run: &RunRecord) -> Result<RunRecord, StoreError> {
    for portion in portions(run) {
        connection.transaction(|connection| connection.keep_breaks(&portion))?;
    }
    connection.transaction(|connection| keep_run(connection, run))
}

/// Keeps a run whose breaks are kept, and with it, if nobody kept it before, the fact that tells of it;
/// the caller holds the transaction. Answers the run that is kept.
///
/// # Errors
/// The books fail.
pub fn keep_run(connection: &mut Connection, run: &RunRecord) -> Result<RunRecord, StoreError> {
    if let Some(known) = connection.reconciliation(run.id)? {
        return Ok(known);
    }
    let kept = connection.keep_reconciliation(run)?;
    // Another gateway may have kept the same one in between; then it told of it.
    if (kept.created_at, &kept.asked_by) == (run.created_at, &run.asked_by) {
        let (opened, breaks) = connection.breaks_of_run(run.id, MAX_BREAKS)?;
        connection.append(&[told(run, opened, &breaks)])?;
    }
    Ok(kept)
}

fn told(run: &RunRecord, opened: i64, breaks: &[BreakRecord]) -> Arc<Fact> {
    let one = |record: &BreakRecord| {
        let document = &record.document;
        OpenedBreak {
            id: document.break_id,
            cause: document.cause.code().to_owned(),
            owner: document.owner.code().to_owned(),
            amount_at_stake: document.amount_at_stake,
            account_number: document.evidence.iter().find_map(|evidence| evidence.account_number.clone()),
        }
    };
    let file = match run.kind {
        RunKind::Partner => "partner",
        RunKind::Bank => "bank",
    };
    let notice = ReconciliationNotice {
        file: file.to_owned(),
        from: run.result.from,
        to: run.result.to,
        differences: run.result.breaks.len() as u64,
        opened: u64::try_from(opened).unwrap_or(0),
        breaks: breaks.iter().map(one).collect(),
    };
    notice::reconciliation(run.id, run.created_at, run.result.party.clone(), notice)
}
