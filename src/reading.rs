//! Grouped reads: a few threads with a connection each.
//!
//! Look-ups that wait are answered together from one load, by the loader that the writer uses: under
//! load many cost one statement, alone one waits for nobody. Lists and files run as closures on the
//! same threads. Nothing is written here.

use std::collections::{HashSet, VecDeque};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::Instant;

use tokio::sync::oneshot;

use crate::config;
use crate::domain::ids::AccountNumber;
use crate::domain::position::AccountState;
use crate::store::{Connection, Store, StoreError};

/// Why a read has no answer.
#[derive(Clone, Debug, thiserror::Error)]
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
#[derive(Clone)]
pub struct Reading {
    desk: Arc<Desk>,
}

/// The readers' threads.
#[derive(Debug)]
pub struct ReadersHandle {
    reading: Reading,
    threads: Vec<JoinHandle<()>>,
}

/// Where the jobs wait.
struct Desk {
    waiting: Mutex<Waiting>,
    arrived: Condvar,
    queue: usize,
    max_group: usize,
}

#[derive(Default)]
struct Waiting {
    jobs: VecDeque<Job>,
    stopping: bool,
}

struct Lookup {
    number: AccountNumber,
    answer: oneshot::Sender<Result<Option<AccountState>, ReadError>>,
}

type Query = Box<dyn FnOnce(Result<&mut Connection, StoreError>) + Send>;

enum Job {
    Lookup(Lookup),
    Query(&'static str, Query),
}

/// What a thread takes at once.
enum Taken {
    Lookups(Vec<Lookup>),
    Query(&'static str, Query),
}

impl Reading {
    /// Starts `readers` threads. Blocks until each is connected.
    ///
    /// # Errors
    /// The database cannot be opened.
    pub fn start(
        store: &Store,
        readers: usize,
        settings: &config::Reading,
    ) -> Result<(Self, ReadersHandle), StoreError> {
        let desk = Arc::new(Desk {
            waiting: Mutex::new(Waiting::default()),
            arrived: Condvar::new(),
            queue: settings.queue,
            max_group: settings.max_group,
        });
        let reading = Self { desk: Arc::clone(&desk) };
        let mut handle = ReadersHandle { reading: reading.clone(), threads: Vec::with_capacity(readers) };
        for ordinal in 0..readers.max(1) {
            let reader = Reader { desk: Arc::clone(&desk), store: store.clone(), connection: Some(store.connect()?) };
            let thread = thread::Builder::new().name(format!("reader-{ordinal}")).spawn(move || reader.run());
            handle.threads.push(thread.map_err(|error| StoreError::Unavailable(error.to_string()))?);
        }
        Ok((reading, handle))
    }

    /// An account with its unsettled facts; `None`: billing does not know it.
    ///
    /// # Errors
    /// It has no answer.
    pub async fn account(&self, number: AccountNumber) -> Result<Option<AccountState>, ReadError> {
        let (answer, state) = oneshot::channel();
        self.desk.push(Job::Lookup(Lookup { number, answer }))?;
        state.await.unwrap_or(Err(ReadError::Stopped))
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
        let (answer, found) = oneshot::channel();
        let run = move |connection: Result<&mut Connection, StoreError>| {
            // Whoever asked may have gone.
            _ = answer.send(connection.and_then(read).map_err(ReadError::Store));
        };
        self.desk.push(Job::Query(operation, Box::new(run)))?;
        found.await.unwrap_or(Err(ReadError::Stopped))
    }

    /// How many wait.
    #[must_use]
    pub fn queue_depth(&self) -> usize {
        self.desk.lock().jobs.len()
    }
}

impl ReadersHandle {
    /// Answers what waits and ends the threads. Blocks.
    pub fn stop(self) {
        self.reading.desk.lock().stopping = true;
        self.reading.desk.arrived.notify_all();
        for thread in self.threads {
            if thread.join().is_err() {
                tracing::error!("a reader ended by a panic");
            }
        }
    }
}

impl std::fmt::Debug for Reading {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Reading").field("queue_depth", &self.queue_depth()).finish()
    }
}

impl Desk {
    fn lock(&self) -> MutexGuard<'_, Waiting> {
        // Nothing under the lock can leave it half done.
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn push(&self, job: Job) -> Result<(), ReadError> {
        let mut waiting = self.lock();
        if waiting.stopping {
            return Err(ReadError::Stopped);
        }
        if waiting.jobs.len() >= self.queue {
            return Err(ReadError::QueueFull);
        }
        waiting.jobs.push_back(job);
        drop(waiting);
        self.arrived.notify_one();
        Ok(())
    }

    /// Waits for work; `None` when there will be none.
    fn take(&self) -> Option<Taken> {
        let mut waiting = self.lock();
        loop {
            match waiting.jobs.pop_front() {
                Some(Job::Query(operation, query)) => return Some(Taken::Query(operation, query)),
                Some(Job::Lookup(first)) => {
                    let mut group = vec![first];
                    while group.len() < self.max_group {
                        match waiting.jobs.pop_front() {
                            Some(Job::Lookup(next)) => group.push(next),
                            Some(other) => {
                                waiting.jobs.push_front(other);
                                break;
                            }
                            None => break,
                        }
                    }
                    return Some(Taken::Lookups(group));
                }
                None if waiting.stopping => return None,
                None => waiting = self.arrived.wait(waiting).unwrap_or_else(PoisonError::into_inner),
            }
        }
    }
}

/// What a reader's thread owns.
struct Reader {
    desk: Arc<Desk>,
    store: Store,
    connection: Option<Connection>,
}

impl Reader {
    fn run(mut self) {
        while let Some(taken) = self.desk.take() {
            let done = catch_unwind(AssertUnwindSafe(|| match taken {
                Taken::Lookups(group) => self.look_up(group),
                Taken::Query(operation, query) => self.query(operation, query),
            }));
            if done.is_err() {
                tracing::error!("a read panicked");
                self.connection = None;
            }
        }
    }

    fn look_up(&mut self, group: Vec<Lookup>) {
        metrics::histogram!("reading_group_size").record(group.len() as f64);
        let numbers: HashSet<AccountNumber> = group.iter().map(|lookup| lookup.number.clone()).collect();
        let numbers: Vec<AccountNumber> = numbers.into_iter().collect();
        let mut found = self.connect().and_then(|connection| connection.load_accounts(&numbers));
        if matches!(found, Err(StoreError::Unavailable(_))) {
            // The line was cut since the last read: once more on a new one.
            self.connection = None;
            found = self.connect().and_then(|connection| connection.load_accounts(&numbers));
        }
        for Lookup { number, answer } in group {
            let state = found.as_ref().map(|states| states.get(&number).cloned());
            _ = answer.send(state.map_err(|error| ReadError::Store(error.clone())));
        }
    }

    fn query(&mut self, operation: &'static str, query: Query) {
        let begun = Instant::now();
        match self.connect() {
            Ok(connection) => query(Ok(connection)),
            Err(error) => return query(Err(error)),
        }
        metrics::histogram!("reading_query_seconds", "operation" => operation).record(begun.elapsed());
        // A read that failed may have lost its connection; asking costs less than a failed read.
        if !self.connection.as_mut().is_some_and(Connection::is_alive) {
            self.connection = None;
        }
    }

    fn connect(&mut self) -> Result<&mut Connection, StoreError> {
        if self.connection.is_none() {
            self.connection = Some(self.store.connect()?);
        }
        self.connection.as_mut().ok_or_else(|| StoreError::Unavailable("not connected".to_owned()))
    }
}
