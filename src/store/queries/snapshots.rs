//! Billing snapshots: what they contain of our payments, and how their import went.

use std::collections::HashSet;

use diesel::prelude::*;
use diesel::sql_types::{BigInt, Text};

use super::rows::{from_json, limit, read_word, to_json, word};
use super::{Conn, Texts};
use crate::domain::calendar::Timestamp;
use crate::domain::position::Snapshot;
use crate::store::schema::snapshots;
use crate::store::statement::statement;
use crate::store::{SnapshotCache, SnapshotRecord, SnapshotStatus, StoreError};

statement! {
    /// What positions need to know of snapshots.
    SnapshotsById(ids: Texts) -> (Text, BigInt, Text) =
        "SELECT s.id, s.as_of, s.included_through FROM {} CROSS JOIN snapshots s WHERE s.id = list.value"
}

#[derive(Queryable, Selectable, Insertable)]
#[diesel(table_name = snapshots, check_for_backend(super::Backend), treat_none_as_default_value = false)]
struct SnapshotRow {
    id: String,
    kind: String,
    as_of: i64,
    included_through: String,
    file_hash: String,
    status: String,
    accounts_read: i64,
    accounts_rejected: i64,
    started_at: i64,
    finished_at: Option<i64>,
}

impl SnapshotRow {
    fn of(record: &SnapshotRecord) -> Result<Self, StoreError> {
        Ok(Self {
            id: record.snapshot.id.clone(),
            kind: word(&record.kind)?,
            as_of: record.snapshot.as_of.micros(),
            included_through: to_json(&record.snapshot.included_through)?,
            file_hash: record.file_hash.clone(),
            status: word(&record.status)?,
            accounts_read: record.accounts_read,
            accounts_rejected: record.accounts_rejected,
            started_at: record.started_at.micros(),
            finished_at: record.finished_at.map(Timestamp::micros),
        })
    }

    fn record(self) -> Result<SnapshotRecord, StoreError> {
        Ok(SnapshotRecord {
            snapshot: Snapshot {
                id: self.id,
                as_of: Timestamp::from_micros(self.as_of),
                included_through: from_json(&self.included_through)?,
            },
            kind: read_word(&self.kind)?,
            file_hash: self.file_hash,
            status: read_word(&self.status)?,
            accounts_read: self.accounts_read,
            accounts_rejected: self.accounts_rejected,
            started_at: Timestamp::from_micros(self.started_at),
            finished_at: self.finished_at.map(Timestamp::from_micros),
        })
    }
}

/// Brings the snapshots of these names into the cache. What they say never changes.
pub fn fill<'t>(
    conn: &mut Conn,
    cache: &mut SnapshotCache,
    ids: impl IntoIterator<Item = &'t str>,
) -> Result<(), StoreError> {
    cache.make_room();
    let missing: HashSet<&str> = ids.into_iter().filter(|id| cache.get(id).is_none()).collect();
    if missing.is_empty() {
        return Ok(());
    }
    let rows: Vec<(String, i64, String)> = SnapshotsById { ids: Texts::new(missing) }.load(conn)?;
    for (id, as_of, included_through) in rows {
        let included_through = from_json(&included_through)?;
        cache.put(Snapshot { id, as_of: Timestamp::from_micros(as_of), included_through });
    }
    Ok(())
}

/// A snapshot.
pub fn snapshot(conn: &mut Conn, id: &str) -> Result<Option<SnapshotRecord>, StoreError> {
    let row: Option<SnapshotRow> = snapshots::table.find(id).first(conn).optional()?;
    row.map(SnapshotRow::record).transpose()
}

/// The snapshot that was loaded from a file with this hash.
pub fn snapshot_by_hash(conn: &mut Conn, file_hash: &str) -> Result<Option<SnapshotRecord>, StoreError> {
    let row: Option<SnapshotRow> = snapshots::table.filter(snapshots::file_hash.eq(file_hash)).first(conn).optional()?;
    row.map(SnapshotRow::record).transpose()
}

/// Snapshots, latest first.
pub fn snapshots(conn: &mut Conn, rows: u32) -> Result<Vec<SnapshotRecord>, StoreError> {
    let latest = snapshots::table.order((snapshots::started_at.desc(), snapshots::id.desc())).limit(limit(rows));
    latest.load(conn)?.into_iter().map(SnapshotRow::record).collect()
}

/// Registers a snapshot whose accounts are about to arrive.
pub fn begin_snapshot(conn: &mut Conn, record: &SnapshotRecord) -> Result<(), StoreError> {
    diesel::insert_into(snapshots::table).values(SnapshotRow::of(record)?).execute(conn)?;
    Ok(())
}

/// Says how the import of a snapshot ended.
pub fn finish_snapshot(
    conn: &mut Conn,
    id: &str,
    accounts_read: i64,
    accounts_rejected: i64,
    at: Timestamp,
) -> Result<(), StoreError> {
    let changes = (
        snapshots::status.eq(word(&SnapshotStatus::Loaded)?),
        snapshots::accounts_read.eq(accounts_read),
        snapshots::accounts_rejected.eq(accounts_rejected),
        snapshots::finished_at.eq(at.micros()),
    );
    diesel::update(snapshots::table.find(id)).set(changes).execute(conn)?;
    Ok(())
}
