//! Keeps an outcome: its breaks in small commits, and then the run, which is what makes it known.

use crate::store::{BreakRecord, Connection, RunRecord, StoreError};

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
    connection.transaction(|connection| connection.keep_reconciliation(run))
}
