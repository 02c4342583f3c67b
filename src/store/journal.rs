//! A till's own journal: what it asked for, written and on the disk before the call.
//!
//! It belongs to the partner's side and shares nothing with the gateway's books but the way to SQLite.

use std::path::Path;

use diesel::connection::SimpleConnection;
use diesel::prelude::*;
use diesel::sqlite::SqliteConnection;

use tables::{entries, sessions};

mod tables {
    diesel::table! {
        entries (key) {
            key -> Text,
            path -> Text,
            body -> Text,
            asked_at -> BigInt,
            status -> Nullable<Integer>,
            answer -> Nullable<Text>,
        }
    }

    diesel::table! {
        sessions (till) {
            till -> Text,
            stamp -> Text,
        }
    }
}

const SCHEMA: &str = "
PRAGMA journal_mode = WAL;
PRAGMA synchronous = FULL;
PRAGMA busy_timeout = 5000;
CREATE TABLE IF NOT EXISTS entries (
    key TEXT NOT NULL PRIMARY KEY, path TEXT NOT NULL, body TEXT NOT NULL, asked_at BIGINT NOT NULL,
    status INTEGER, answer TEXT
);
CREATE INDEX IF NOT EXISTS entries_pending ON entries (asked_at) WHERE status IS NULL;
CREATE TABLE IF NOT EXISTS sessions (till TEXT NOT NULL PRIMARY KEY, stamp TEXT NOT NULL);
";

/// How many entries without an answer are repeated in one go, at most.
const MOST_PENDING: i64 = 1000;

/// The journal of one till.
pub struct Journal {
    connection: SqliteConnection,
}

/// One thing the till asked for.
#[derive(Clone, Debug, PartialEq, Eq, Queryable, Selectable, Insertable)]
#[diesel(table_name = entries)]
#[diesel(check_for_backend(diesel::sqlite::Sqlite))]
#[diesel(treat_none_as_default_value = false)]
pub struct Entry {
    /// The idempotency key.
    pub key: String,
    /// The path it was posted to.
    pub path: String,
    /// The body that was posted.
    pub body: String,
    /// When, in microseconds since the epoch.
    pub asked_at: i64,
    /// The status code of the final answer; none while the outcome is unknown.
    pub status: Option<i32>,
    /// The final answer.
    pub answer: Option<String>,
}

/// The journal cannot be written or read.
#[derive(Debug, thiserror::Error)]
#[error("journal: {operation}: {reason}")]
pub struct JournalError {
    operation: &'static str,
    reason: String,
}

fn failed<E: std::fmt::Display>(operation: &'static str) -> impl FnOnce(E) -> JournalError {
    move |error| JournalError { operation, reason: error.to_string() }
}

impl Journal {
    /// Opens or makes the journal in a file.
    ///
    /// # Errors
    /// The file cannot be opened, or the disk would not keep what is written.
    pub fn open(file: &Path) -> Result<Self, JournalError> {
        let mut connection = SqliteConnection::establish(&file.to_string_lossy()).map_err(failed("open"))?;
        connection.batch_execute(SCHEMA).map_err(failed("open"))?;
        Ok(Self { connection })
    }

    /// Writes down what is about to be asked for.
    ///
    /// # Errors
    /// It could not be written; then it must not be asked for.
    pub fn begin(&mut self, entry: &Entry) -> Result<(), JournalError> {
        let insert = diesel::insert_into(entries::table).values(entry);
        insert.execute(&mut self.connection).map(drop).map_err(failed("begin"))
    }

    /// Writes down the final answer.
    ///
    /// # Errors
    /// It could not be written; the entry stays open and is repeated.
    pub fn finish(&mut self, key: &str, status: u16, answer: &str) -> Result<(), JournalError> {
        diesel::update(entries::table.find(key))
            .set((entries::status.eq(Some(i32::from(status))), entries::answer.eq(Some(answer))))
            .execute(&mut self.connection)
            .map(drop)
            .map_err(failed("finish"))
    }

    /// What was asked for and has no answer, oldest first.
    ///
    /// # Errors
    /// It could not be read.
    pub fn pending(&mut self) -> Result<Vec<Entry>, JournalError> {
        entries::table
            .filter(entries::status.is_null())
            .order(entries::asked_at)
            .limit(MOST_PENDING)
            .select(Entry::as_select())
            .load(&mut self.connection)
            .map_err(failed("pending"))
    }

    /// Everything, oldest first.
    ///
    /// # Errors
    /// It could not be read.
    pub fn all(&mut self) -> Result<Vec<Entry>, JournalError> {
        let all = entries::table.order(entries::asked_at).select(Entry::as_select());
        all.load(&mut self.connection).map_err(failed("all"))
    }

    /// The session as the till last saw it.
    ///
    /// # Errors
    /// It could not be read.
    pub fn session(&mut self, till: &str) -> Result<Option<String>, JournalError> {
        let stamp = sessions::table.find(till).select(sessions::stamp);
        stamp.first(&mut self.connection).optional().map_err(failed("session"))
    }

    /// Keeps the session as the till sees it now.
    ///
    /// # Errors
    /// It could not be written.
    pub fn keep_session(&mut self, till: &str, stamp: &str) -> Result<(), JournalError> {
        diesel::insert_into(sessions::table)
            .values((sessions::till.eq(till), sessions::stamp.eq(stamp)))
            .on_conflict(sessions::till)
            .do_update()
            .set(sessions::stamp.eq(stamp))
            .execute(&mut self.connection)
            .map(drop)
            .map_err(failed("keep session"))
    }
}
