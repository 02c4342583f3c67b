//! Grouped reads: a few threads with a connection each.
//!
//! Look-ups that wait are answered together from one load, by the loader that the writer uses.
//! Lists and files run as closures on the same threads. Nothing is written here.

use std::sync::Arc;

use crate::config;
use crate::domain::ids::AccountNumber;
use crate::domain::position::AccountState;
use crate::store::{Connection, Store, StoreError};

/// Why a read has no answer.
#[derive(Debug, thiserror::Error)]
pub enum ReadError {
    /// Too many wait.
    #[error("the queue is full")]
    QueueFull,
    /// The readers have stopped.
    #[error("the gateway is stopping")]
    Stopped,
    /// The books failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// The door to the readers.
#[derive(Clone, Debug)]
pub struct Reading {
    _inner: Arc<()>,
}

/// The readers' threads.
#[derive(Debug)]
pub struct ReadersHandle {
    _private: (),
}

impl Reading {
    /// Starts `readers` threads.
    ///
    /// # Errors
    /// The database cannot be opened.
    pub fn start(
        store: &Store,
        readers: usize,
        settings: &config::Reading,
    ) -> Result<(Self, ReadersHandle), StoreError> {
        _ = (store, readers, settings);
        Ok((Self { _inner: Arc::new(()) }, ReadersHandle { _private: () }))
    }

    /// An account with its unsettled facts; `None`: billing does not know it.
    ///
    /// # Errors
    /// It has no answer.
    pub async fn account(&self, number: AccountNumber) -> Result<Option<AccountState>, ReadError> {
        _ = number;
        Err(ReadError::Stopped)
    }

    /// Runs another read on one of the threads.
    ///
    /// # Errors
    /// It has no answer.
    pub async fn query<T: Send + 'static>(
        &self,
        operation: &'static str,
        read: impl FnOnce(&mut Connection) -> Result<T, StoreError> + Send + 'static,
    ) -> Result<T, ReadError> {
        _ = (operation, read);
        Err(ReadError::Stopped)
    }
}

impl ReadersHandle {
    /// Answers what waits and ends the threads. Blocks.
    pub fn stop(self) {}
}
