//! Billing files on their way in: whose turn it is, how far they came, and what they leave behind.

use diesel::prelude::*;

use super::Conn;
use super::rows::{read_id, read_word, word};
use crate::domain::calendar::Timestamp;
use crate::domain::ids::Id;
use crate::store::schema::imports;
use crate::store::{ImportRecord, ImportState, StoreError};

#[derive(Queryable, Selectable, Insertable, AsChangeset)]
#[diesel(table_name = imports, check_for_backend(super::Backend), treat_none_as_default_value = false)]
#[diesel(treat_none_as_null = true)]
struct ImportRow {
    id: String,
    snapshot: Option<String>,
    file_hash: Option<String>,
    state: String,
    accounts: i64,
    started_at: i64,
    heard_at: i64,
    finished_at: Option<i64>,
    report: String,
}

impl ImportRow {
    fn of(record: &ImportRecord) -> Result<Self, StoreError> {
        Ok(Self {
            id: record.id.to_string(),
            snapshot: record.snapshot.clone(),
            file_hash: record.file_hash.clone(),
            state: word(&record.state)?,
            accounts: record.accounts,
            started_at: record.started_at.micros(),
            heard_at: record.heard_at.micros(),
            finished_at: record.finished_at.map(Timestamp::micros),
            report: record.report.clone(),
        })
    }

    fn record(self) -> Result<ImportRecord, StoreError> {
        Ok(ImportRecord {
            id: read_id(&self.id)?,
            snapshot: self.snapshot,
            file_hash: self.file_hash,
            state: read_word(&self.state)?,
            accounts: self.accounts,
            started_at: Timestamp::from_micros(self.started_at),
            heard_at: Timestamp::from_micros(self.heard_at),
            finished_at: self.finished_at.map(Timestamp::from_micros),
            report: self.report,
        })
    }
}

fn record(row: Option<ImportRow>) -> Result<Option<ImportRecord>, StoreError> {
    row.map(ImportRow::record).transpose()
}

/// A billing file by the name it got when it came.
pub fn import(conn: &mut Conn, id: Id) -> Result<Option<ImportRecord>, StoreError> {
    record(imports::table.find(id.to_string()).select(ImportRow::as_select()).first(conn).optional()?)
}

/// The latest file that brought a snapshot.
pub fn import_of_snapshot(conn: &mut Conn, snapshot: &str) -> Result<Option<ImportRecord>, StoreError> {
    let latest = imports::table.filter(imports::snapshot.eq(snapshot)).order(imports::id.desc());
    record(latest.select(ImportRow::as_select()).first(conn).optional()?)
}

/// The file whose turn it is.
pub fn loading_import(conn: &mut Conn) -> Result<Option<ImportRecord>, StoreError> {
    let loading = imports::table.filter(imports::state.eq(word(&ImportState::Loading)?));
    record(loading.select(ImportRow::as_select()).first(conn).optional()?)
}

/// Writes down a file, or what became of it. Two that say `loading` collide.
pub fn put_import(conn: &mut Conn, record: &ImportRecord) -> Result<(), StoreError> {
    let row = ImportRow::of(record)?;
    diesel::insert_into(imports::table).values(&row).on_conflict(imports::id).do_update().set(&row).execute(conn)?;
    Ok(())
}

/// Ends the turn of a file that another one displaces.
pub fn displace_import(conn: &mut Conn, id: Id, at: Timestamp) -> Result<(), StoreError> {
    let loading = imports::table.find(id.to_string()).filter(imports::state.eq(word(&ImportState::Loading)?));
    let changes = (imports::state.eq(word(&ImportState::Displaced)?), imports::finished_at.eq(at.micros()));
    diesel::update(loading).set(changes).execute(conn)?;
    Ok(())
}

/// Says that a file is still being written. `false`: its turn is over.
pub fn hold_import(conn: &mut Conn, id: Id, accounts: i64, at: Timestamp) -> Result<bool, StoreError> {
    let loading = imports::table.find(id.to_string()).filter(imports::state.eq(word(&ImportState::Loading)?));
    let changes = (imports::accounts.eq(accounts), imports::heard_at.eq(at.micros()));
    Ok(diesel::update(loading).set(changes).execute(conn)? == 1)
}
