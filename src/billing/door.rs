//! The way to the one writer, for work that runs on a thread of its own.
//!
//! Chunks of an import and seals queue with the payments and take turns with them. Nothing is
//! decided here.

use std::time::Duration;

use tokio::runtime::Handle;

use crate::domain::command::Request;
use crate::domain::decide::Outcome;
use crate::posting::{Posting, SubmitError};
use crate::store::{Connection, StoreError};

/// How often a write is tried again that found the queue full or another writer in its place.
const MAX_TRIES: u32 = 200;
/// How long is waited before that.
const PAUSE: Duration = Duration::from_millis(25);

/// Whoever writes. Blocks: not for futures.
pub trait Door {
    /// Runs a write in a transaction of its own.
    ///
    /// # Errors
    /// It was not committed, or nobody knows.
    fn write<T: Send + 'static>(
        &self,
        operation: &'static str,
        job: impl FnOnce(&mut Connection) -> Result<T, StoreError> + Send + 'static,
    ) -> Result<T, SubmitError>;

    /// Submits a command and waits for its outcome.
    ///
    /// # Errors
    /// It has no outcome.
    fn submit(&self, request: Request) -> Result<Outcome, SubmitError>;

    /// How many commands the writer has answered, whoever asked.
    fn answered(&self) -> u64;

    /// Runs a write that may be repeated, until it was committed.
    ///
    /// # Errors
    /// It failed for good, or too often.
    fn insist<T: Send + 'static, J>(&self, operation: &'static str, job: impl Fn() -> J) -> Result<T, SubmitError>
    where
        J: FnOnce(&mut Connection) -> Result<T, StoreError> + Send + 'static,
    {
        let mut tries = 0;
        loop {
            tries += 1;
            match self.write(operation, job()) {
                Err(SubmitError::QueueFull | SubmitError::InDoubt | SubmitError::Store(StoreError::Conflict(_)))
                    if tries < MAX_TRIES =>
                {
                    std::thread::sleep(PAUSE);
                }
                outcome => return outcome,
            }
        }
    }
}

/// The writer of this process.
#[derive(Clone, Debug)]
pub struct WriterDoor {
    posting: Posting,
    runtime: Handle,
}

impl WriterDoor {
    /// A door for threads that are not the runtime's own.
    #[must_use]
    pub const fn new(posting: Posting, runtime: Handle) -> Self {
        Self { posting, runtime }
    }
}

impl Door for WriterDoor {
    fn write<T: Send + 'static>(
        &self,
        operation: &'static str,
        job: impl FnOnce(&mut Connection) -> Result<T, StoreError> + Send + 'static,
    ) -> Result<T, SubmitError> {
        self.runtime.block_on(self.posting.write(operation, job))
    }

    fn submit(&self, request: Request) -> Result<Outcome, SubmitError> {
        self.runtime.block_on(self.posting.submit(request))
    }

    fn answered(&self) -> u64 {
        self.posting.answered()
    }
}
