//! The writer's thread: one connection, one batch after another.

use std::collections::VecDeque;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use tokio::sync::mpsc::Receiver;
use tokio::sync::{Notify, oneshot};

use super::SubmitError;
use super::attempt::{Attempt, attempt, facts};
use super::batch_policy::{Limits, next_batch};
use super::job::{Asked, Job, Write};
use super::probe::CommitProbe;
use crate::clock::Clock;
use crate::domain::command::Request;
use crate::domain::decide::Outcome;
use crate::domain::ids::Id;
use crate::domain::policy::Policy;
use crate::store::{Connection, Store, StoreError};

/// The first wait before the database is tried again; each further one is twice as long.
const FIRST_BACKOFF: Duration = Duration::from_millis(50);
/// The longest wait before the database is tried again.
const LONGEST_BACKOFF: Duration = Duration::from_secs(2);

/// What the writer's thread owns.
pub(super) struct Writer {
    pub(super) store: Store,
    pub(super) connection: Option<Connection>,
    pub(super) policy: Arc<Policy>,
    pub(super) clock: Arc<dyn Clock>,
    pub(super) limits: Limits,
    pub(super) conflict_retries: u32,
    pub(super) outage: Duration,
    pub(super) down_since: Option<Instant>,
    pub(super) committed: Arc<Notify>,
    pub(super) answered: Arc<AtomicU64>,
    pub(super) probe: CommitProbe,
}

impl Writer {
    /// Works until the queue is closed and empty.
    pub(super) fn run(mut self, mut queue: Receiver<Job>) {
        let mut waiting: VecDeque<Job> = VecDeque::new();
        loop {
            if waiting.is_empty() {
                match queue.blocking_recv() {
                    Some(job) => waiting.push_back(job),
                    None => return,
                }
            }
            while waiting.len() < self.limits.commands {
                match queue.try_recv() {
                    Ok(job) => waiting.push_back(job),
                    Err(_) => break,
                }
            }
            let (count, stop) = next_batch(waiting.iter().map(Job::size), self.limits);
            metrics::counter!("posting_stop_reason_total", "reason" => stop.as_str()).increment(1);
            metrics::gauge!("posting_queue_depth").set((queue.len() + waiting.len() - count) as f64);
            let batch: Vec<Job> = waiting.drain(..count).collect();
            if batch.iter().any(|job| matches!(job, Job::Stop)) {
                queue.close();
            }
            // Whatever a rule or a write panics over, the next batch begins with a clean connection;
            // whoever waited for this one is told that nobody knows.
            if catch_unwind(AssertUnwindSafe(|| self.work(batch))).is_err() {
                tracing::error!("a batch panicked; its outcome is in doubt");
                self.connection = None;
            }
        }
    }

    fn work(&mut self, batch: Vec<Job>) {
        let mut asked = Vec::with_capacity(batch.len());
        for job in batch {
            match job {
                Job::Decide(one) => asked.push(*one),
                Job::Write(write) => self.write(write),
                Job::Stop => {}
            }
        }
        if !asked.is_empty() {
            metrics::histogram!("posting_batch_size").record(asked.len() as f64);
            self.post(asked);
        }
    }

    fn write(&mut self, write: Write) {
        let begun = Instant::now();
        let connected = self.connect();
        let lost = match connected {
            Ok(connection) => {
                (write.run)(Ok(connection));
                !self.connection.as_mut().is_some_and(Connection::is_alive)
            }
            Err(error) => {
                (write.run)(Err(error));
                false
            }
        };
        if lost {
            self.connection = None;
        }
        metrics::histogram!("posting_write_seconds", "operation" => write.operation).record(begun.elapsed());
    }

    /// Commits a batch, however often that has to be tried, and answers everybody in it.
    fn post(&mut self, batch: Vec<Asked>) {
        let (mut conflicts, mut doubt) = (0, None);
        loop {
            if let Some(outcomes) = self.settle(&mut doubt) {
                // Whether events have to leave was lost with the answer; looking costs less than waiting.
                return self.answer(batch, outcomes, true);
            }
            let ended = match self.connect() {
                Ok(_) => self.attempt(&batch),
                Err(_) if doubt.is_some() => return refuse(batch, || SubmitError::InDoubt),
                Err(error) => return refuse(batch, || SubmitError::Store(error.clone())),
            };
            let error = match ended {
                Attempt::Committed(outcomes, leaving) => return self.answer(batch, outcomes, leaving),
                Attempt::InDoubt(outcomes) => {
                    metrics::counter!("posting_in_doubt_total").increment(1);
                    self.connection = None;
                    doubt = Some(outcomes);
                    continue;
                }
                Attempt::Failed(error) => error,
            };
            if !self.connection.as_mut().is_some_and(Connection::is_alive) {
                tracing::warn!(%error, "the database went away before the commit");
                self.connection = None;
                continue;
            }
            if matches!(error, StoreError::Conflict(_)) {
                metrics::counter!("posting_conflicts_total").increment(1);
                conflicts += 1;
                if conflicts <= self.conflict_retries {
                    continue;
                }
            }
            // One row that cannot be read, or one place that everybody wants, is no reason to refuse
            // the neighbours; a database that has no time for one has none for the others.
            if batch.len() > 1 && !matches!(error, StoreError::Unavailable(_)) {
                return batch.into_iter().for_each(|one| self.post(vec![one]));
            }
            tracing::error!(%error, "a command could not be posted");
            return refuse(batch, || SubmitError::Store(error.clone()));
        }
    }

    fn attempt(&mut self, batch: &[Asked]) -> Attempt {
        let begun = Instant::now();
        let now = self.clock.now();
        let requests: Vec<&Request> = batch.iter().map(|one| &one.request).collect();
        let Some(connection) = self.connection.as_mut() else {
            return Attempt::Failed(StoreError::Unavailable("not connected".to_owned()));
        };
        let ended = attempt(connection, &requests, &self.policy, now, &mut self.probe);
        metrics::histogram!("posting_commit_seconds").record(begun.elapsed());
        ended
    }

    /// What was decided before the line was cut, if it arrived. A batch commits whole or not at all, so
    /// one of its facts tells of all. The doubt stays: an old transaction may still arrive, and then
    /// the next attempt collides with it and comes back here.
    fn settle(&mut self, doubt: &mut Option<Vec<Outcome>>) -> Option<Vec<Outcome>> {
        let first: Id = doubt.as_ref()?.iter().flat_map(facts).map(|fact| fact.id).next()?;
        let found = self.connect().and_then(|connection| connection.facts(&[first])).ok()?;
        if found.is_empty() { None } else { doubt.take() }
    }

    fn answer(&self, batch: Vec<Asked>, outcomes: Vec<Outcome>, leaving: bool) {
        if leaving {
            self.committed.notify_one();
        }
        self.answered.fetch_add(batch.len() as u64, Ordering::Relaxed);
        for (one, outcome) in batch.into_iter().zip(outcomes) {
            metrics::counter!("posting_outcomes_total", "outcome" => word(&outcome)).increment(1);
            // Whoever asked may have gone; what was decided stands all the same.
            _ = one.answer.send(Ok(outcome));
        }
    }

    /// The connection, opened again if it was lost; tried for as long as an outage may last.
    fn connect(&mut self) -> Result<&mut Connection, StoreError> {
        let mut backoff = FIRST_BACKOFF;
        while self.connection.is_none() {
            match self.store.connect() {
                Ok(connection) => {
                    self.down_since = None;
                    self.connection = Some(connection);
                }
                Err(error) => {
                    let since = *self.down_since.get_or_insert_with(Instant::now);
                    if since.elapsed() + backoff > self.outage {
                        return Err(error);
                    }
                    tracing::warn!(%error, "the database cannot be reached; trying again");
                    std::thread::sleep(backoff);
                    backoff = (backoff * 2).min(LONGEST_BACKOFF);
                }
            }
        }
        self.connection.as_mut().ok_or_else(|| StoreError::Unavailable("not connected".to_owned()))
    }
}

fn refuse(batch: Vec<Asked>, error: impl Fn() -> SubmitError) {
    for one in batch {
        let answer: oneshot::Sender<Result<Outcome, SubmitError>> = one.answer;
        _ = answer.send(Err(error()));
    }
}

const fn word(outcome: &Outcome) -> &'static str {
    match outcome {
        Outcome::Done(_) => "done",
        Outcome::Replayed(_) => "replayed",
        Outcome::Rejected(_) => "rejected",
    }
}
