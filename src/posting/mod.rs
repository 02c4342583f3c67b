//! 4. Group commit: the only writer.
//!
//! One thread owns one connection. It drains what waits (bounded by count and bytes), never waits
//! for more, decides each command against one world, commits once and answers each caller. Every
//! write of the program goes through this door. No rule and no SQL is written here.

mod attempt;
pub mod batch_policy;
mod job;
mod probe;
mod writer;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use tokio::sync::mpsc::{self, Sender};
use tokio::sync::{Notify, oneshot};

use self::batch_policy::Limits;
use self::job::{Asked, Job};
pub use self::probe::{CommitFate, CommitProbe};
use self::writer::Writer;

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
    queue: Sender<Job>,
    stopping: Arc<AtomicBool>,
    committed: Arc<Notify>,
    answered: Arc<AtomicU64>,
}

/// The writer's thread.
#[derive(Debug)]
pub struct WriterHandle {
    queue: Sender<Job>,
    stopping: Arc<AtomicBool>,
    thread: JoinHandle<()>,
}

impl Posting {
    /// Starts the writer. Blocks until it is connected.
    ///
    /// # Errors
    /// The database cannot be opened.
    pub fn start(
        store: &Store,
        policy: Arc<Policy>,
        clock: Arc<dyn Clock>,
        settings: &config::Posting,
    ) -> Result<(Self, WriterHandle), StoreError> {
        Self::start_probed(store, policy, clock, settings, probe::through())
    }

    /// Starts a writer whose commits ask a probe what becomes of them: for tests and simulations.
    ///
    /// # Errors
    /// The database cannot be opened.
    pub fn start_probed(
        store: &Store,
        policy: Arc<Policy>,
        clock: Arc<dyn Clock>,
        settings: &config::Posting,
        probe: CommitProbe,
    ) -> Result<(Self, WriterHandle), StoreError> {
        let (committed, answered) = (Arc::new(Notify::new()), Arc::new(AtomicU64::new(0)));
        let writer = Writer {
            store: store.clone(),
            connection: Some(store.connect()?),
            policy,
            clock,
            limits: Limits { commands: settings.max_batch, bytes: settings.max_batch_bytes },
            conflict_retries: settings.conflict_retries,
            outage: Duration::from_secs(settings.outage_seconds),
            down_since: None,
            committed: Arc::clone(&committed),
            answered: Arc::clone(&answered),
            probe,
        };
        let (queue, waiting) = mpsc::channel(settings.queue);
        let thread = thread::Builder::new().name("writer".to_owned()).spawn(move || writer.run(waiting));
        let thread = thread.map_err(|error| StoreError::Unavailable(error.to_string()))?;
        let stopping = Arc::new(AtomicBool::new(false));
        let handle = WriterHandle { queue: queue.clone(), stopping: Arc::clone(&stopping), thread };
        Ok((Self { queue, stopping, committed, answered }, handle))
    }

    /// Submits a command and waits for its outcome, durable. Dropping the future does not stop it.
    ///
    /// # Errors
    /// It has no outcome.
    pub async fn submit(&self, request: Request) -> Result<Outcome, SubmitError> {
        let (answer, outcome) = oneshot::channel();
        self.send(Job::Decide(Box::new(Asked { request, answer })))?;
        outcome.await.unwrap_or(Err(SubmitError::InDoubt))
    }

    /// Submits commands that are decided in this order; all of them find room, or none is executed.
    ///
    /// # Errors
    /// One of them has no outcome; what became of the others can be asked by their keys.
    pub async fn submit_in_order(&self, requests: Vec<Request>) -> Result<Vec<Outcome>, SubmitError> {
        self.refuse_when_stopping()?;
        let places = self.queue.try_reserve_many(requests.len()).map_err(|error| match error {
            mpsc::error::TrySendError::Full(()) => SubmitError::QueueFull,
            mpsc::error::TrySendError::Closed(()) => SubmitError::Stopped,
        })?;
        let mut waiting = Vec::with_capacity(requests.len());
        for (place, request) in places.zip(requests) {
            let (answer, outcome) = oneshot::channel();
            place.send(Job::Decide(Box::new(Asked { request, answer })));
            waiting.push(outcome);
        }
        let mut outcomes = Vec::with_capacity(waiting.len());
        for outcome in waiting {
            outcomes.push(outcome.await.unwrap_or(Err(SubmitError::InDoubt)));
        }
        outcomes.into_iter().collect()
    }

    /// Runs another write in a transaction of its own, between two batches. It runs to its end even
    /// when the future is dropped.
    ///
    /// # Errors
    /// It was not committed, or nobody knows.
    pub async fn write<T: Send + 'static>(
        &self,
        operation: &'static str,
        job: impl FnOnce(&mut Connection) -> Result<T, StoreError> + Send + 'static,
    ) -> Result<T, SubmitError> {
        let (answer, done) = oneshot::channel();
        self.send(Job::Write(job::write(operation, job, answer)))?;
        done.await.unwrap_or(Err(SubmitError::InDoubt))
    }

    /// How many wait.
    #[must_use]
    pub fn queue_depth(&self) -> usize {
        self.queue.max_capacity() - self.queue.capacity()
    }

    /// How many commands were answered since the start.
    #[must_use]
    pub fn answered(&self) -> u64 {
        self.answered.load(Ordering::Relaxed)
    }

    /// Wakes one waiter after every commit whose events have to leave.
    #[must_use]
    pub fn committed(&self) -> Arc<Notify> {
        Arc::clone(&self.committed)
    }

    fn send(&self, job: Job) -> Result<(), SubmitError> {
        self.refuse_when_stopping()?;
        self.queue.try_send(job).map_err(|error| match error {
            mpsc::error::TrySendError::Full(_) => SubmitError::QueueFull,
            mpsc::error::TrySendError::Closed(_) => SubmitError::Stopped,
        })
    }

    fn refuse_when_stopping(&self) -> Result<(), SubmitError> {
        if self.stopping.load(Ordering::SeqCst) { Err(SubmitError::Stopped) } else { Ok(()) }
    }
}

impl WriterHandle {
    /// Lets what waits be decided and answered, takes nothing more, and ends the thread. Blocks: not
    /// for futures.
    pub fn stop(self) {
        self.stopping.store(true, Ordering::SeqCst);
        // A closed queue means that the thread has ended already.
        _ = self.queue.blocking_send(Job::Stop);
        if self.thread.join().is_err() {
            tracing::error!("the writer ended by a panic");
        }
    }
}
