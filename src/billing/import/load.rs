//! The second pass: accounts are written in chunks, payments in between.
//!
//! One thread reads, this one writes; a few chunks lie between them and no more. Each chunk says in
//! its own transaction that the turn is still held, so whoever was displaced writes nothing more.

use std::fs::File;
use std::io::{BufReader, Seek};
use std::sync::Arc;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::time::Instant;

use super::check::{Checked, Once};
use super::pace::Pace;
use super::rejects::Rejects;
use super::report::{ImportError, Report};
use super::{Options, Step, Watch};
use crate::billing::Office;
use crate::billing::door::Door;
use crate::domain::position::Snapshot;
use crate::files::billing_feed::{self, RowError, SnapshotKind};
use crate::store::{AccountDocument, Connection, ImportRecord, ImportState, StoreError};

/// Chunks that were read and wait to be written.
const CHUNKS_AHEAD: usize = 2;
/// Accounts looked at in one commit when those that are gone are removed.
const REMOVAL_PAGE: u32 = 2000;

/// Everything about one import that each of its writes needs.
struct Loading<'a, D: Door> {
    office: &'a Office,
    door: &'a D,
    record: &'a ImportRecord,
    snapshot: &'a Arc<Snapshot>,
}

/// Writes the file's accounts, forgets those that a full file does not show, and says that it is done.
#[allow(clippy::too_many_arguments, reason = "the one caller has them all at hand")]
pub(super) fn load<D: Door>(
    office: &Office,
    door: &D,
    record: &mut ImportRecord,
    file: &mut File,
    checked: &Checked,
    snapshot: &Arc<Snapshot>,
    options: &Options,
    watch: Watch<'_>,
    report: &mut Report,
) -> Result<(), ImportError> {
    file.rewind().map_err(ImportError::File)?;
    let loading = Loading { office, door, record, snapshot };
    let pace = Pace::new(&office.settings);
    let (send, receive) = sync_channel(CHUNKS_AHEAD);
    let (written, rejects) = std::thread::scope(|scope| {
        let pace = &pace;
        let reader = scope.spawn(move || read(office, file, checked, options, pace, &send));
        let written = loading.write_all(receive, checked.accounts, pace, watch);
        // The channel is gone by now, so the reader ends whether or not it was done.
        let rejects = reader.join().map_err(|_| ImportError::Changed);
        written.and_then(|written| Ok((written, rejects??)))
    })?;
    if written != checked.accounts {
        return Err(ImportError::Changed);
    }
    report.rejects = rejects;
    watch(Step::Finishing);
    if checked.header.kind == SnapshotKind::Full && checked.faults_total == 0 {
        report.accounts_removed = loading.remove_absent(written)?;
    }
    loading.finish(written, checked.faults_total, report)?;
    record.accounts = i64::try_from(written).unwrap_or(i64::MAX);
    Ok(())
}

/// Reads chunks until the file ends or nobody takes them any more; answers where the rejects lie.
fn read(
    office: &Office,
    file: &File,
    checked: &Checked,
    options: &Options,
    pace: &Pace,
    send: &SyncSender<Vec<AccountDocument>>,
) -> Result<Option<String>, ImportError> {
    let settings = office.settings.feed(&office.policy);
    let mut rejects = match &options.rejects {
        Some(path) if checked.faults_total > 0 => Some(Rejects::start(path, file, options.format, &checked.header)?),
        _ => None,
    };
    let (_, rows) = billing_feed::open(BufReader::new(file), options.format, &settings)?;
    let mut once = (checked.faults_total > 0).then(Once::default);
    let mut chunk = Vec::with_capacity(pace.size());
    for row in rows {
        let refused = match row {
            Ok(row) if once.as_mut().is_none_or(|once| once.is_first(&row.account.account_number)) => {
                chunk.push(AccountDocument::of(&row.account)?);
                None
            }
            Ok(row) => Some(row.raw),
            Err(RowError::Rejected(fault)) if options.accept_valid => Some(fault.raw),
            Err(RowError::Rejected(_)) => return Err(ImportError::Changed),
            Err(RowError::Broken(error)) => return Err(error.into()),
        };
        if let (Some(raw), Some(rejects)) = (refused, &mut rejects) {
            rejects.row(&raw)?;
        }
        if chunk.len() >= pace.size()
            && send.send(std::mem::replace(&mut chunk, Vec::with_capacity(pace.size()))).is_err()
        {
            return Ok(None);
        }
    }
    if !chunk.is_empty() && send.send(chunk).is_err() {
        return Ok(None);
    }
    rejects.map(Rejects::finish).transpose()
}

impl<D: Door> Loading<'_, D> {
    fn write_all(
        &self,
        chunks: Receiver<Vec<AccountDocument>>,
        total: u64,
        pace: &Pace,
        watch: Watch<'_>,
    ) -> Result<u64, ImportError> {
        let (mut written, mut answered) = (0, self.door.answered());
        for chunk in chunks {
            written += chunk.len() as u64;
            let (snapshot, chunk, began) = (Arc::clone(self.snapshot), Arc::new(chunk), Instant::now());
            self.in_turn("import_chunk", written, move |conn| conn.replace_documents(&snapshot, &chunk))?;
            let before = std::mem::replace(&mut answered, self.door.answered());
            pace.took(began.elapsed(), answered > before);
            watch(Step::Loading(written, total));
        }
        Ok(written)
    }

    /// Runs a write in the same transaction in which the turn is held.
    fn in_turn<T: Send + 'static>(
        &self,
        operation: &'static str,
        written: u64,
        job: impl Fn(&mut Connection) -> Result<T, StoreError> + Clone + Send + 'static,
    ) -> Result<T, ImportError> {
        let (id, now) = (self.record.id, self.office.clock.now());
        let written = i64::try_from(written).unwrap_or(i64::MAX);
        let done = self.door.insist(operation, || {
            let job = job.clone();
            move |conn: &mut Connection| Ok(if conn.hold_import(id, written, now)? { Some(job(conn)?) } else { None })
        })?;
        done.ok_or(ImportError::Displaced)
    }

    fn remove_absent(&self, written: u64) -> Result<u64, ImportError> {
        let known = self.office.store.connect()?.count_accounts()?;
        if u64::try_from(known).unwrap_or(0) <= written {
            return Ok(0);
        }
        let (mut after, mut removed) = (String::new(), 0);
        loop {
            let (snapshot, from) = (self.snapshot.id.clone(), after);
            let page = self
                .in_turn("import_removal", written, move |conn| conn.remove_absent(&snapshot, &from, REMOVAL_PAGE))?;
            let Some((last, gone)) = page else { return Ok(removed) };
            removed += u64::try_from(gone).unwrap_or(0);
            after = last;
        }
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
