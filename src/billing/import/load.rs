//! The second pass: accounts are written in chunks, payments in between.
//!
//! One thread makes chunks, this one writes; a few lie between them and no more. Each chunk says in
//! its own transaction that the turn is still held, so whoever was displaced writes nothing more.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, sync_channel};
use std::time::Instant;

use super::check::Judged;
use super::chunks::{Chunk, Chunks};
use super::numbers::Numbers;
use super::pace::Pace;
use super::report::{ImportError, Report};
use super::{Step, Watch};
use crate::billing::Office;
use crate::billing::door::Door;
use crate::domain::ids::AccountNumber;
use crate::domain::position::Snapshot;
use crate::files::billing_feed::SnapshotKind;
use crate::store::{Connection, ImportRecord, ImportState, StoreError};

/// Chunks that were read and wait to be written.
const CHUNKS_AHEAD: usize = 2;

/// Everything about one import that each of its writes needs.
struct Loading<'a, D: Door> {
    office: &'a Office,
    door: &'a D,
    record: &'a ImportRecord,
    snapshot: &'a Arc<Snapshot>,
}

/// Writes the file's accounts, forgets those that a full file does not show, and says that it is done.
pub(super) fn load<D: Door>(
    office: &Office,
    door: &D,
    record: &mut ImportRecord,
    snapshot: &Arc<Snapshot>,
    judged: Judged,
    watch: Watch<'_>,
    report: &mut Report,
) -> Result<(), ImportError> {
    let Judged { checked, accounts, .. } = judged;
    let full = checked.header.kind == SnapshotKind::Full;
    let unseen = full.then(|| Numbers::known(office)).transpose()?;
    let loading = Loading { office, door, record, snapshot };
    let pace = &Pace::new(&office.settings);
    let (send, receive) = sync_channel(CHUNKS_AHEAD);
    let (written, unseen) = std::thread::scope(|scope| {
        let chunks = Chunks { accounts, pace, unseen };
        let making = scope.spawn(move || chunks.send(&send));
        let written = loading.write_all(receive, checked.accounts, pace, watch);
        // The channel is gone by now, so that thread ends whether or not it was done.
        let unseen = making.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic));
        written.and_then(|written| Ok((written, unseen?)))
    })?;
    watch(Step::Finishing);
    // Of an account with a fault in its row billing has said nothing, so nobody is gone.
    if let Some(unseen) = unseen.filter(|_| checked.faults_total == 0) {
        report.accounts_removed = unseen.len() as u64;
        loading.remove(written, &unseen.sorted())?;
    }
    loading.finish(written, checked.faults_total, report)?;
    record.accounts = i64::try_from(written).unwrap_or(i64::MAX);
    Ok(())
}

impl<D: Door> Loading<'_, D> {
    fn write_all(
        &self,
        chunks: Receiver<Chunk>,
        total: u64,
        pace: &Pace,
        watch: Watch<'_>,
    ) -> Result<u64, ImportError> {
        let (mut written, mut answered) = (0, self.door.answered());
        for chunk in chunks {
            written += chunk.len() as u64;
            let (snapshot, chunk, began) = (Arc::clone(self.snapshot), Arc::new(chunk), Instant::now());
            let tried = Arc::new(AtomicBool::new(false));
            self.in_turn("import_chunk", written, move |conn| {
                chunk.write(conn, &snapshot, tried.swap(true, Ordering::Relaxed))
            })?;
            let before = std::mem::replace(&mut answered, self.door.answered());
            pace.took(began.elapsed(), answered > before);
            watch(Step::Loading(written, total));
        }
        Ok(written)
    }

    /// Runs a write in the same transaction in which the turn is held.
    fn in_turn(
        &self,
        operation: &'static str,
        written: u64,
        job: impl Fn(&mut Connection) -> Result<(), StoreError> + Clone + Send + 'static,
    ) -> Result<(), ImportError> {
        let (id, now) = (self.record.id, self.office.clock.now());
        let written = i64::try_from(written).unwrap_or(i64::MAX);
        let held = self.door.insist(operation, || {
            let job = job.clone();
            move |conn: &mut Connection| {
                if conn.hold_import(id, written, now)? {
                    return job(conn).map(|()| true);
                }
                // Nobody knew of the last try, and it was the one that ended the turn.
                Ok(conn.import(id)?.is_some_and(|import| import.state == ImportState::Loaded))
            }
        })?;
        held.then_some(()).ok_or(ImportError::Displaced)
    }

    /// Forgets accounts that the file did not show.
    fn remove(&self, written: u64, gone: &[AccountNumber]) -> Result<(), ImportError> {
        for chunk in gone.chunks(self.office.settings.chunk_accounts) {
            let chunk = chunk.to_vec();
            self.in_turn("import_removal", written, move |conn| conn.remove_accounts(&chunk))?;
        }
        Ok(())
    }

    fn finish(&self, written: u64, rejected: u64, report: &Report) -> Result<(), ImportError> {
        let now = self.office.clock.now();
        let count = |number: u64| i64::try_from(number).unwrap_or(i64::MAX);
        let (read, rejected) = (count(written), count(rejected));
        let record = ImportRecord {
            state: ImportState::Loaded,
            accounts: read,
            heard_at: now,
            finished_at: Some(now),
            report: report.to_json(),
            ..self.record.clone()
        };
        let id = self.snapshot.id.clone();
        self.in_turn("finish_import", written, move |conn| {
            conn.finish_snapshot(&id, read, rejected, now)?;
            conn.put_import(&record)
        })
    }
}
