//! 4. Group commit: the only writer.
//!
//! One thread owns one connection. It drains what waits (bounded by count and bytes), never waits
//! for more, decides each command against one world, commits once and answers each caller. Every
//! write of the program goes through this door. No rule and no SQL is written here.

use std::sync::Arc;

use tokio::sync::Notify;

use crate::clock::Clock;
use crate::config;
use crate::domain::command::Request;
use crate::domain::decide::Outcome;
use crate::domain::policy::Policy;
use crate::store::{Connection, Store, StoreError};

/// Why a command has no outcome.
#[derive(Debug, thiserror::Error)]
pub enum SubmitError {
    /// Too many wait; nothing was executed.
    #[error("the queue is full")]
    QueueFull,
    /// Nobody knows yet whether it was committed: ask with the same key.
    #[error("the outcome is not known")]
    InDoubt,
    /// The writer has stopped; nothing was executed.
    #[error("the gateway is stopping")]
    Stopped,
    /// The books failed; nothing was executed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// The door to the writer.
#[derive(Clone, Debug)]
pub struct Posting {
    committed: Arc<Notify>,
}

/// The writer's thread.
#[derive(Debug)]
pub struct WriterHandle {
    _private: (),
}

impl Posting {
    /// Starts the writer.
    ///
    /// # Errors
    /// The database cannot be opened.
    pub fn start(
        store: &Store,
        policy: Arc<Policy>,
        clock: Arc<dyn Clock>,
        settings: &config::Posting,
    ) -> Result<(Self, WriterHandle), StoreError> {
        _ = (store.connect()?, policy, clock, settings);
        Ok((Self { committed: Arc::new(Notify::new()) }, WriterHandle { _private: () }))
    }

    /// Submits a command and waits for its outcome, durable. Dropping the future does not stop it.
    ///
    /// # Errors
    /// It has no outcome.
    pub async fn submit(&self, request: Request) -> Result<Outcome, SubmitError> {
        _ = request;
        Err(SubmitError::Stopped)
    }

    /// Submits commands that are decided in this order; all of them find room, or none is executed.
    ///
    /// # Errors
    /// One of them has no outcome.
    pub async fn submit_in_order(&self, requests: Vec<Request>) -> Result<Vec<Outcome>, SubmitError> {
        _ = requests;
        Err(SubmitError::Stopped)
    }

    /// Runs another write in a transaction of its own, between two batches.
    ///
    /// # Errors
    /// It was not committed, or nobody knows.
    pub async fn write<T: Send + 'static>(
        &self,
        operation: &'static str,
        job: impl FnOnce(&mut Connection) -> Result<T, StoreError> + Send + 'static,
    ) -> Result<T, SubmitError> {
        _ = (operation, job);
        Err(SubmitError::Stopped)
    }

    /// How many wait.
    #[must_use]
    pub fn queue_depth(&self) -> usize {
        0
    }

    /// Wakes one waiter after every commit that appended facts.
    #[must_use]
    pub fn committed(&self) -> Arc<Notify> {
        Arc::clone(&self.committed)
    }
}

impl WriterHandle {
    /// Lets what waits be decided and answered, takes nothing more, and ends the thread. Blocks.
    pub fn stop(self) {}
}
