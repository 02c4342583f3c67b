//! Whether a file may be written, and the turn to write it: one transaction.

use std::sync::Arc;

use super::Options;
use super::check::Checked;
use super::report::ImportError;
use crate::billing::Office;
use crate::billing::door::Door;
use crate::domain::calendar::Timestamp;
use crate::domain::position::Snapshot;
use crate::files::billing_feed;
use crate::store::{Connection, ImportRecord, ImportState, SnapshotKind, SnapshotRecord, SnapshotStatus, StoreError};

/// How many snapshots are looked back over for the newest one.
const LOOK_BACK: u32 = 64;

/// What a file may do.
pub(super) enum Begun {
    /// Nothing: it is in place.
    Already(Arc<Snapshot>),
    /// Be written.
    Turn(Arc<Snapshot>),
}

impl Begun {
    pub(super) const fn snapshot(&self) -> &Arc<Snapshot> {
        match self {
            Self::Already(snapshot) | Self::Turn(snapshot) => snapshot,
        }
    }
}

/// Takes the turn.
pub(super) fn begin(
    office: &Office,
    door: &impl Door,
    record: &ImportRecord,
    checked: &Checked,
    options: &Options,
) -> Result<Begun, ImportError> {
    if checked.header.kind == billing_feed::SnapshotKind::Full && !options.accept_shrink {
        let known = u64::try_from(office.store.connect()?.count_accounts()?).unwrap_or(0);
        let share = u128::from(known) * u128::from(office.settings.least_share_percent);
        if u128::from(checked.accounts) * 100 < share && !loaded_already(office, checked)? {
            return Err(ImportError::Shrinks { inside: checked.accounts, known });
        }
    }
    let now = office.clock.now();
    let claim = Claim {
        record: ImportRecord { state: ImportState::Loading, heard_at: now, ..record.clone() },
        snapshot: wanted(checked, now),
        stale_before: Timestamp::from_micros(
            now.micros() - i64::from(office.settings.import_lease_seconds) * 1_000_000,
        ),
        now,
    };
    door.insist("begin_import", || {
        let claim = claim.clone();
        move |conn: &mut Connection| claim.take(conn)
    })?
}

fn loaded_already(office: &Office, checked: &Checked) -> Result<bool, StoreError> {
    let same = office.store.connect()?.snapshot_by_hash(&checked.sha256)?;
    Ok(same.is_some_and(|known| known.status == SnapshotStatus::Loaded))
}

fn wanted(checked: &Checked, now: Timestamp) -> SnapshotRecord {
    let header = &checked.header;
    SnapshotRecord {
        snapshot: Snapshot { id: header.id.clone(), as_of: header.as_of, included_through: checked.included.clone() },
        kind: match header.kind {
            billing_feed::SnapshotKind::Full => SnapshotKind::Full,
            billing_feed::SnapshotKind::Delta => SnapshotKind::Delta,
        },
        file_hash: checked.sha256.clone(),
        status: SnapshotStatus::Loading,
        accounts_read: 0,
        accounts_rejected: 0,
        started_at: now,
        finished_at: None,
    }
}

#[derive(Clone)]
struct Claim {
    record: ImportRecord,
    snapshot: SnapshotRecord,
    stale_before: Timestamp,
    now: Timestamp,
}

impl Claim {
    /// A refusal changes nothing, so it is an answer and not an error of the transaction.
    fn take(self, conn: &mut Connection) -> Result<Result<Begun, ImportError>, StoreError> {
        let wanted = &self.snapshot.snapshot;
        let same_file = conn.snapshot_by_hash(&self.snapshot.file_hash)?;
        if let Some(known) = same_file.as_ref().filter(|known| known.status == SnapshotStatus::Loaded) {
            return Ok(Ok(Begun::Already(Arc::new(known.snapshot.clone()))));
        }
        let snapshot = wanted.id.clone();
        if same_file.is_none() && conn.snapshot(&wanted.id)?.is_some() {
            return Ok(Err(ImportError::IdTaken { snapshot }));
        }
        let latest = conn.snapshots(LOOK_BACK)?;
        if let Some(newest) = latest.iter().map(|known| &known.snapshot).max_by_key(|known| known.as_of)
            && newest.as_of > wanted.as_of
        {
            let (newest, newest_as_of) = (newest.id.clone(), newest.as_of);
            return Ok(Err(ImportError::Older { snapshot, as_of: wanted.as_of, newest, newest_as_of }));
        }
        if self.snapshot.kind == SnapshotKind::Delta
            && let Some(broken) =
                latest.first().filter(|known| known.status == SnapshotStatus::Loading && known.snapshot.id != wanted.id)
        {
            return Ok(Err(ImportError::Unfinished { unfinished: broken.snapshot.id.clone() }));
        }
        if let Some(other) = conn.loading_import()? {
            let same = other.file_hash == self.record.file_hash;
            if !same && other.heard_at > self.stale_before {
                let (import, since) = (other.id.with_prefix("imp"), other.started_at);
                return Ok(Err(ImportError::Busy { import, snapshot: other.snapshot.unwrap_or_default(), since }));
            }
            conn.displace_import(other.id, self.now)?;
        }
        let snapshot = match same_file {
            Some(known) => known.snapshot,
            None => self.register(conn, latest)?,
        };
        conn.put_import(&self.record)?;
        Ok(Ok(Begun::Turn(Arc::new(snapshot))))
    }

    /// A partner that the file does not name stays where the last snapshot left it; none moves back.
    fn register(&self, conn: &mut Connection, latest: Vec<SnapshotRecord>) -> Result<Snapshot, StoreError> {
        let mut record = self.snapshot.clone();
        for known in latest {
            for (partner, through) in known.snapshot.included_through {
                let included = record.snapshot.included_through.entry(partner).or_insert(through);
                *included = through.max(*included);
            }
        }
        conn.begin_snapshot(&record)?;
        Ok(record.snapshot)
    }
}
