//! SQLite: one file, one writer, the embedded default.
//!
//! Opening, the pragmas and the checks that they hold, and how lists and appends are said here.

use std::path::PathBuf;
use std::time::Duration;

use diesel::connection::SimpleConnection;
use diesel::prelude::*;
use diesel::query_builder::AstPass;
use diesel::sql_types::{Integer, Text};
use diesel_migrations::{EmbeddedMigrations, embed_migrations};

use super::StoreError;
use crate::domain::ids::PartyId;

#[path = "sqlite_append.rs"]
mod append;
super::mounted::mount_queries!();

/// The driver's backend.
pub type Backend = diesel::sqlite::Sqlite;
/// The driver's connection.
pub type Conn = SqliteConnection;

/// What it is called in messages.
pub const NAME: &str = "sqlite";

/// The schema, embedded.
pub const MIGRATIONS: EmbeddedMigrations = embed_migrations!("migrations/sqlite");

/// 3.7.0 to 3.51.2 can corrupt a write-ahead log that two connections reset at once.
const OLDEST_VERSION: (u32, u32, u32) = (3, 51, 3);

/// Pages in the write-ahead log after which it is moved into the database, 16 MiB: a page that many
/// commits touch is moved once for all of them.
const CHECKPOINT_PAGES: u32 = 4_096;

/// How to open it.
#[derive(Clone, Debug)]
pub struct Options {
    /// The file.
    pub path: PathBuf,
    /// How long to wait for a lock of another process.
    pub busy_timeout: Duration,
}

/// Opens a connection and checks that it keeps what it is told.
pub fn connect(options: &Options) -> Result<Conn, StoreError> {
    let path = options.path.to_str().ok_or_else(|| StoreError::Unavailable("a path is UTF-8".to_owned()))?;
    let mut conn = Conn::establish(path).map_err(|error| StoreError::Unavailable(format!("{path}: {error}")))?;
    conn.batch_execute(&format!(
        "PRAGMA busy_timeout = {}; PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; \
         PRAGMA foreign_keys = ON; PRAGMA cache_size = -32768; PRAGMA temp_store = MEMORY; \
         PRAGMA wal_autocheckpoint = {CHECKPOINT_PAGES};",
        options.busy_timeout.as_millis()
    ))?;
    check_durability(&mut conn)?;
    Ok(conn)
}

#[derive(QueryableByName)]
struct Said {
    #[diesel(sql_type = Text)]
    text: String,
}

#[derive(QueryableByName)]
struct Synchronous {
    #[diesel(sql_type = Integer)]
    synchronous: i32,
}

fn said(conn: &mut Conn, sql: &str) -> Result<String, StoreError> {
    let row: Said = diesel::sql_query(sql).get_result(conn)?;
    Ok(row.text)
}

/// Reads back what is in force; a wish is not a setting.
pub fn check_durability(conn: &mut Conn) -> Result<(), StoreError> {
    let version = said(conn, "SELECT sqlite_version() AS text")?;
    let mut numbers = version.split('.').map(|part| part.parse().unwrap_or(0));
    let mut number = || numbers.next().unwrap_or(0);
    if (number(), number(), number()) < OLDEST_VERSION {
        return Err(StoreError::NotDurable(format!("SQLite {version} is older than 3.51.3")));
    }
    let journal = said(conn, "SELECT journal_mode AS text FROM pragma_journal_mode")?;
    if journal != "wal" {
        return Err(StoreError::NotDurable(format!("journal_mode is {journal}, not wal")));
    }
    let row: Synchronous = diesel::sql_query("PRAGMA synchronous").get_result(conn)?;
    if row.synchronous < 2 {
        return Err(StoreError::NotDurable(format!("synchronous is {}, not FULL", row.synchronous)));
    }
    Ok(())
}

/// Runs a command that answers nothing.
pub fn run(conn: &mut Conn, sql: &str) -> Result<(), StoreError> {
    Ok(conn.batch_execute(sql)?)
}

/// Begins a transaction that writes: no other process gets in between.
pub fn begin(conn: &mut Conn) -> Result<(), StoreError> {
    Ok(conn.batch_execute("BEGIN IMMEDIATE")?)
}

/// A migration is a transaction that excludes everybody already.
pub fn lock_schema(_: &mut Conn) -> Result<(), StoreError> {
    Ok(())
}

/// Begins a transaction unless it has begun; it excludes everybody from everything.
pub fn hold_batches(conn: &mut Conn, begun: bool, _: &[&PartyId], _: &[&PartyId]) -> Result<(), StoreError> {
    if begun { Ok(()) } else { begin(conn) }
}

/// What this backend says about locks besides.
pub mod locks {
    use super::Conn;
    use crate::store::StoreError;

    /// Its plans follow the indexes, not the rows.
    pub fn look_at_webhooks(_: &mut Conn) -> Result<(), StoreError> {
        Ok(())
    }

    /// The transaction excludes everybody already.
    pub fn lock_fan_out(_: &mut Conn) -> Result<bool, StoreError> {
        Ok(true)
    }
}

/// How a JSON array becomes a table of rows.
pub const JSON_ROWS: (&str, &str) = ("json_each(", ") AS list");

/// A list of texts, as one JSON bind.
pub struct Texts(String);

impl Texts {
    /// Takes the texts.
    pub fn new<T: AsRef<str>>(texts: impl IntoIterator<Item = T>) -> Self {
        let texts: Vec<serde_json::Value> = texts.into_iter().map(|text| text.as_ref().into()).collect();
        Self(serde_json::Value::Array(texts).to_string())
    }
}

impl Put for Texts {
    fn put<'b>(&'b self, out: &mut AstPass<'_, 'b, Backend>) -> QueryResult<()> {
        out.push_sql("json_each(");
        out.push_bind_param::<Text, _>(&self.0)?;
        out.push_sql(") AS list");
        Ok(())
    }
}

/// A list of pairs of texts, as one JSON bind.
pub struct Pairs(String);

impl Pairs {
    /// Takes the pairs.
    pub fn new<'t>(pairs: impl IntoIterator<Item = (&'t str, &'t str)>) -> Self {
        let pairs: Vec<serde_json::Value> = pairs.into_iter().map(|(first, second)| [first, second].into()).collect();
        Self(serde_json::Value::Array(pairs).to_string())
    }
}

impl Put for Pairs {
    fn put<'b>(&'b self, out: &mut AstPass<'_, 'b, Backend>) -> QueryResult<()> {
        out.push_sql("(SELECT pair.value ->> 0 AS value, pair.value ->> 1 AS second FROM json_each(");
        out.push_bind_param::<Text, _>(&self.0)?;
        out.push_sql(") AS pair) AS list");
        Ok(())
    }
}
