//! 5. The books: one source of SQL for two databases.
//!
//! [`Store`] opens connections, [`Connection`] answers questions (the list is `facade.rs`). The
//! queries are written once and mounted under each backend. No rule enters here, and no type of the
//! database driver leaves.

#![allow(clippy::duplicate_mod, reason = "the query files are mounted once a backend, on purpose")]

mod facade;
#[cfg(test)]
mod hot_tests;
pub mod imports;
pub mod journal;
mod mounted;
mod postgres;
pub mod reconciliation_records;
pub mod records;
mod schema;
mod sqlite;
mod statement;
pub mod webhook_records;

use std::collections::HashMap;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use diesel::result::{DatabaseErrorKind, Error as DieselError};
use diesel_migrations::MigrationHarness;
use secrecy::ExposeSecret;

pub use imports::*;
pub use reconciliation_records::*;
pub use records::*;
pub use webhook_records::*;

use crate::config;
use crate::domain::calendar::Timestamp;
use crate::domain::ids::Id;
use crate::domain::position::Snapshot;

/// Snapshots that a connection remembers, at most.
const REMEMBERED_SNAPSHOTS: usize = 4096;

/// How the databases begin to say that they have no time now, or are going away.
const BUSY: [&str; 4] =
    ["database is locked", "canceling statement due to", "terminating connection", "the database system is"];

/// Why the books cannot be read or written.
#[derive(Clone, Debug, thiserror::Error)]
pub enum StoreError {
    /// The database cannot be reached, or went away.
    #[error("the database cannot be reached: {0}")]
    Unavailable(String),
    /// Another writer took a place first.
    #[error("another writer took a place first: {0}")]
    Conflict(String),
    /// It keeps less than it is asked to keep.
    #[error("the database is not durable: {0}")]
    NotDurable(String),
    /// Its schema is not ours.
    #[error("the schema is not up to date; run `recaudo migrate` ({0})")]
    Schema(String),
    /// What it holds cannot be read.
    #[error("a row cannot be read: {0}")]
    Corrupt(String),
    /// Anything else it says.
    #[error("database: {0}")]
    Database(String),
}

/// The books, ready to be connected to.
#[derive(Clone, Debug)]
pub struct Store {
    place: Arc<Place>,
}

/// Where the books are.
#[derive(Debug)]
enum Place {
    Sqlite { options: sqlite::Options, temporary: Option<PathBuf> },
    Postgres(Box<postgres::Options>),
}

/// One connection, used by one thread at a time and never inside a request's future.
pub struct Connection {
    link: Link,
    snapshots: SnapshotCache,
}

/// A connection's backend: with [`Place`] the only two choices that know which database it is.
enum Link {
    Sqlite(Box<sqlite::Conn>),
    Postgres(Box<postgres::Conn>),
}

/// Does the same with either backend.
macro_rules! either {
    ($link:expr, $conn:ident in $room:ident => $work:expr) => {
        match $link {
            $crate::store::Link::Sqlite($conn) => {
                use $crate::store::sqlite as $room;
                $work
            }
            $crate::store::Link::Postgres($conn) => {
                use $crate::store::postgres as $room;
                $work
            }
        }
    };
}
use either;

impl Store {
    /// Reads where the books are. Nothing is opened yet.
    ///
    /// `sqlite::memory:` is a database of its own in the temporary directory that goes when the last
    /// clone of the store goes: a test sees the same journal and the same waits as production.
    ///
    /// # Errors
    /// The URL names no database that is spoken here, or its certificates cannot be read.
    pub fn new(settings: &config::Database) -> Result<Self, StoreError> {
        let url = settings.url.expose_secret();
        let busy_timeout = Duration::from_secs(settings.busy_timeout_seconds);
        let place = match url.strip_prefix("sqlite:") {
            Some(":memory:") => {
                let folder = private_folder()?;
                let options = sqlite::Options { path: folder.join("recaudo.db"), busy_timeout };
                Place::Sqlite { options, temporary: Some(folder) }
            }
            Some(path) => {
                Place::Sqlite { options: sqlite::Options { path: PathBuf::from(path), busy_timeout }, temporary: None }
            }
            None => {
                let timeout = Duration::from_secs(settings.statement_timeout_seconds);
                Place::Postgres(Box::new(postgres::read_url(url, timeout)?))
            }
        };
        Ok(Self { place: Arc::new(place) })
    }

    /// Opens a connection and refuses one that keeps less than it should. Blocks: not for futures.
    ///
    /// # Errors
    /// It cannot be opened, or is not durable.
    pub fn connect(&self) -> Result<Connection, StoreError> {
        let link = match self.place.as_ref() {
            Place::Sqlite { options, .. } => Link::Sqlite(Box::new(sqlite::connect(options)?)),
            Place::Postgres(options) => Link::Postgres(Box::new(postgres::connect(options)?)),
        };
        Ok(Connection { link, snapshots: SnapshotCache::default() })
    }

    /// Wakes a waiter whenever a gateway on the same database commits something that has to leave, for as
    /// long as the future is polled. On SQLite there is only one gateway, and this never returns either.
    pub async fn listen(&self, wake: &tokio::sync::Notify) {
        match self.place.as_ref() {
            Place::Sqlite { .. } => std::future::pending().await,
            Place::Postgres(options) => postgres::listen(options, wake).await,
        }
    }

    /// Brings the schema up to date and says which migrations ran. Blocks.
    ///
    /// # Errors
    /// The database fails.
    pub fn migrate(&self) -> Result<Vec<String>, StoreError> {
        let mut conn = self.connect()?;
        either!(&mut conn.link, link in backend => {
            backend::lock_schema(link)?;
            let ran = link.run_pending_migrations(backend::MIGRATIONS).map_err(schema_error)?;
            Ok(ran.iter().map(ToString::to_string).collect())
        })
    }

    /// Takes the schema down again, with everything in it. Blocks.
    ///
    /// # Errors
    /// The database fails.
    pub fn unmigrate(&self) -> Result<(), StoreError> {
        let mut conn = self.connect()?;
        either!(&mut conn.link, link in backend => {
            link.revert_all_migrations(backend::MIGRATIONS).map_err(schema_error)?;
            Ok(())
        })
    }

    /// The migrations that have not run. Blocks.
    ///
    /// # Errors
    /// The database fails.
    pub fn pending_migrations(&self) -> Result<Vec<String>, StoreError> {
        let mut conn = self.connect()?;
        either!(&mut conn.link, link in backend => {
            let pending = link.pending_migrations(backend::MIGRATIONS).map_err(schema_error)?;
            Ok(pending.iter().map(|migration| migration.name().to_string()).collect())
        })
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        if let Self::Sqlite { temporary: Some(folder), .. } = self {
            _ = std::fs::remove_dir_all(folder);
        }
    }
}

impl std::fmt::Debug for Connection {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let backend = either!(&self.link, _conn in backend => backend::NAME);
        f.debug_struct("Connection").field("backend", &backend).finish_non_exhaustive()
    }
}

impl Connection {
    /// Runs a closure in a transaction of its own: committed when it succeeds, else rolled back.
    ///
    /// # Errors
    /// What the closure says, or the database.
    pub fn transaction<T>(&mut self, work: impl FnOnce(&mut Self) -> Result<T, StoreError>) -> Result<T, StoreError> {
        self.begin()?;
        let done = work(self);
        match done {
            Ok(value) => self.commit().map(|()| value),
            Err(error) => {
                self.rollback();
                Err(error)
            }
        }
    }

    /// Begins a transaction that writes.
    ///
    /// # Errors
    /// The database fails, or another process holds it for too long.
    pub fn begin(&mut self) -> Result<(), StoreError> {
        either!(&mut self.link, conn in backend => backend::begin(conn))
    }

    /// Makes a transaction durable.
    ///
    /// # Errors
    /// Nobody knows whether it is, then.
    pub fn commit(&mut self) -> Result<(), StoreError> {
        either!(&mut self.link, conn in backend => backend::run(conn, "COMMIT"))
    }

    /// Drops a transaction. Whatever goes wrong here ends it as well.
    pub fn rollback(&mut self) {
        _ = either!(&mut self.link, conn in backend => backend::run(conn, "ROLLBACK"));
        // A snapshot that was registered in it is not there.
        self.snapshots = SnapshotCache::default();
    }

    /// Whether the database still answers on this connection.
    pub fn is_alive(&mut self) -> bool {
        either!(&mut self.link, conn in backend => backend::run(conn, "SELECT 1")).is_ok()
    }
}

/// What snapshots say, by name; it never changes.
#[derive(Debug, Default)]
pub struct SnapshotCache(HashMap<String, Arc<Snapshot>>);

impl SnapshotCache {
    fn get(&self, id: &str) -> Option<Arc<Snapshot>> {
        self.0.get(id).cloned()
    }

    fn put(&mut self, snapshot: Snapshot) {
        self.0.insert(snapshot.id.clone(), Arc::new(snapshot));
    }

    /// Between two loads, so that what a load brought in is there when it looks.
    fn make_room(&mut self) {
        if self.0.len() >= REMEMBERED_SNAPSHOTS {
            self.0.clear();
        }
    }
}

impl From<DieselError> for StoreError {
    fn from(error: DieselError) -> Self {
        match error {
            DieselError::DatabaseError(kind, said) => {
                let sentence = said.message().to_owned();
                match kind {
                    DatabaseErrorKind::UniqueViolation | DatabaseErrorKind::SerializationFailure => {
                        Self::Conflict(said.constraint_name().map_or(sentence, ToOwned::to_owned))
                    }
                    DatabaseErrorKind::UnableToSendCommand | DatabaseErrorKind::ClosedConnection => {
                        Self::Unavailable(sentence)
                    }
                    _ if sentence.contains("deadlock detected") => Self::Conflict(sentence),
                    _ if BUSY.iter().any(|words| sentence.starts_with(words)) => Self::Unavailable(sentence),
                    _ if sentence.starts_with("no such table") || sentence.ends_with("does not exist") => {
                        Self::Schema(sentence)
                    }
                    _ => Self::Database(sentence),
                }
            }
            DieselError::DeserializationError(error) => Self::Corrupt(error.to_string()),
            other => Self::Database(other.to_string()),
        }
    }
}

fn schema_error(error: impl std::fmt::Display) -> StoreError {
    StoreError::Schema(error.to_string())
}

/// The id that comes before all those minted from an instant on: they begin with the milliseconds.
fn first_id_at(at: Timestamp) -> Id {
    let millis = u128::try_from(at.micros() / 1000).unwrap_or(0);
    Id::from_bits(millis << 80)
}

fn private_folder() -> Result<PathBuf, StoreError> {
    static MADE: AtomicU32 = AtomicU32::new(0);
    let name = format!("recaudo-{}-{}", std::process::id(), MADE.fetch_add(1, Ordering::Relaxed));
    let folder = std::env::temp_dir().join(name);
    // What a process with the same number left behind is nobody's.
    _ = std::fs::remove_dir_all(&folder);
    std::fs::create_dir(&folder).map_err(|error| StoreError::Unavailable(format!("{}: {error}", folder.display())))?;
    Ok(folder)
}
