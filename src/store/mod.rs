//! 5. The books: one source of SQL for two databases.
//!
//! [`Store`] opens connections, [`Connection`] answers questions (the list is `facade.rs`). The
//! queries are written once and mounted under each backend. No rule enters here, and no type of the
//! database driver leaves.

mod facade;
pub mod records;

use std::sync::Arc;

pub use records::*;

use crate::config;

/// Why the books cannot be read or written.
#[derive(Debug, thiserror::Error)]
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
    inner: Arc<()>,
}

/// One connection, used by one thread at a time and never inside a request's future.
#[derive(Debug)]
pub struct Connection {
    _private: (),
}

impl Store {
    /// Reads where the books are. Nothing is opened yet.
    ///
    /// # Errors
    /// The URL names no database that is spoken here.
    pub fn new(settings: &config::Database) -> Result<Self, StoreError> {
        _ = settings;
        Ok(Self { inner: Arc::new(()) })
    }

    /// Opens a connection and refuses one that keeps less than it should. Blocks: not for futures.
    ///
    /// # Errors
    /// It cannot be opened, or is not durable.
    pub fn connect(&self) -> Result<Connection, StoreError> {
        _ = &self.inner;
        Err(StoreError::Unavailable("not open yet".to_owned()))
    }

    /// Brings the schema up to date and says which migrations ran. Blocks.
    ///
    /// # Errors
    /// The database fails.
    pub fn migrate(&self) -> Result<Vec<String>, StoreError> {
        self.connect().map(|_| Vec::new())
    }

    /// The migrations that have not run. Blocks.
    ///
    /// # Errors
    /// The database fails.
    pub fn pending_migrations(&self) -> Result<Vec<String>, StoreError> {
        self.connect().map(|_| Vec::new())
    }
}

impl Connection {
    /// Runs a closure in a transaction of its own: committed when it succeeds, else rolled back.
    ///
    /// # Errors
    /// What the closure says, or the database.
    pub fn transaction<T>(&mut self, work: impl FnOnce(&mut Self) -> Result<T, StoreError>) -> Result<T, StoreError> {
        work(self)
    }
}
