//! What keeps deliveries going: wakes on a commit, on a call of another gateway, and on time.
//!
//! One task does rounds (see [`super::round`]) and starts a task for each parcel. Nothing of it has to
//! survive: a lease that nobody returns runs out, and another dispatcher takes the delivery on.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio::sync::{Notify, Semaphore};
use tokio::task::{JoinHandle, JoinSet};

use super::courier::{Bag, Returned, carry};
use super::round::{Done, Parcel, Round, hand_back, round};
use super::schedule::Schedule;
use super::sender::Sender;
use crate::clock::Clock;
use crate::config;
use crate::domain::calendar::Timestamp;
use crate::domain::ids::Id;
use crate::posting::Posting;
use crate::reading::Reading;
use crate::store::{DeliveryStatus, EndedAttempt, Store};

/// In a storm of payments a round is followed by a rest of this many times its length, so that the writer has
/// payments to itself: an eighth of its time goes to what is told, and telling goes on when the storm is over.
const REST: u32 = 7;
/// The longest rest.
const LONGEST_REST: Duration = Duration::from_millis(250);
/// So many commands answered between two rounds are a storm, if no more than so much time lies between them.
const STORM: u64 = 32;
const STORM_WITHIN: Duration = Duration::from_secs(1);
/// How soon is looked again when another gateway was fanning out.
const ELSEWHERE: Duration = Duration::from_millis(50);
/// After so many new deliveries the database looks at what it holds, so that its plans fit; and how often at
/// most.
const LOOK_AFTER: usize = 500;
const LOOK_EVERY: Duration = Duration::from_secs(5);
/// How often the backlog is counted.
const COUNTING: Duration = Duration::from_secs(10);

/// What a dispatcher is made of.
pub struct Parts {
    /// Where the calls of other gateways are heard.
    pub store: Store,
    /// The door to the writer.
    pub posting: Posting,
    /// The door to the readers.
    pub reading: Reading,
    /// Time and ids.
    pub clock: Arc<dyn Clock>,
    /// What sends.
    pub sender: Sender,
    /// When is tried again.
    pub schedule: Schedule,
    /// What is set.
    pub settings: config::Webhooks,
}

/// A running dispatcher. Dropping it is like a crash: what it had taken on waits for its leases to run out.
#[derive(Debug)]
pub struct Dispatcher {
    stop: Arc<Notify>,
    work: Option<JoinHandle<()>>,
    listen: JoinHandle<()>,
}

impl Dispatcher {
    /// Starts it on the runtime of the caller.
    #[must_use]
    pub fn start(parts: Parts) -> Self {
        let (stop, heard) = (Arc::new(Notify::new()), Arc::new(Notify::new()));
        let (store, calls) = (parts.store.clone(), Arc::clone(&heard));
        let listen = tokio::spawn(async move { store.listen(&calls).await });
        let work = tokio::spawn(Work::new(parts, heard, Arc::clone(&stop)).run());
        Self { stop, work: Some(work), listen }
    }

    /// Takes nothing more on, waits for what is under way (as long as one attempt may take), and gives the
    /// rest back. To be called before the writer is stopped.
    pub async fn stop(mut self) {
        self.stop.notify_one();
        if let Some(work) = self.work.take()
            && work.await.is_err()
        {
            tracing::error!("the dispatcher ended by a panic");
        }
    }
}

impl Drop for Dispatcher {
    fn drop(&mut self) {
        self.listen.abort();
        if let Some(work) = &self.work {
            work.abort();
        }
    }
}

/// Why the dispatcher woke.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Woken {
    Committed,
    Heard,
    Time,
    Returned,
    Stop,
}

struct Work {
    posting: Posting,
    reading: Reading,
    settings: config::Webhooks,
    bag: Arc<Bag>,
    owner: String,
    committed: Arc<Notify>,
    heard: Arc<Notify>,
    stop: Arc<Notify>,
    couriers: JoinSet<Returned>,
    carried: HashMap<tokio::task::Id, (Id, i64)>,
    rooms: HashMap<Id, Arc<Semaphore>>,
    smooth: HashMap<Id, u32>,
    ended: Vec<EndedAttempt>,
    released: Vec<(Id, i64)>,
    wait: Duration,
    counted: Option<Instant>,
    unseen: usize,
    looked: Option<Instant>,
    answered: (Instant, u64),
}

impl Work {
    fn new(parts: Parts, heard: Arc<Notify>, stop: Arc<Notify>) -> Self {
        let Parts { posting, reading, clock, sender, schedule, settings, .. } = parts;
        let owner = clock.id().to_string();
        let timeout = Duration::from_secs(settings.attempt_timeout_seconds);
        let lease = Duration::from_secs(u64::from(settings.lease_seconds));
        Self {
            committed: posting.committed(),
            posting,
            reading,
            owner,
            bag: Arc::new(Bag { clock, sender, schedule, timeout, lease }),
            wait: Duration::ZERO,
            settings,
            heard,
            stop,
            couriers: JoinSet::new(),
            carried: HashMap::new(),
            rooms: HashMap::new(),
            smooth: HashMap::new(),
            ended: Vec::new(),
            released: Vec::new(),
            counted: None,
            unseen: 0,
            looked: None,
            answered: (Instant::now(), 0),
        }
    }

    async fn run(mut self) {
        loop {
            let woken = self.woken().await;
            while let Some(returned) = self.couriers.try_join_next_with_id() {
                self.take_back(returned);
            }
            match woken {
                Woken::Stop => return self.finish().await,
                Woken::Heard | Woken::Time if self.nothing_to_write() && !self.due().await => continue,
                _ => self.round().await,
            }
        }
    }

    async fn woken(&mut self) -> Woken {
        let wait = std::mem::replace(&mut self.wait, Duration::from_millis(self.settings.poll_milliseconds));
        let returned = tokio::select! {
            biased;
            () = self.stop.notified() => return Woken::Stop,
            Some(returned) = self.couriers.join_next_with_id() => returned,
            () = self.committed.notified() => return Woken::Committed,
            () = self.heard.notified() => return Woken::Heard,
            () = tokio::time::sleep(wait) => return Woken::Time,
        };
        self.take_back(returned);
        Woken::Returned
    }

    fn take_back(&mut self, returned: Result<(tokio::task::Id, Returned), tokio::task::JoinError>) {
        let (task, returned) = match returned {
            Ok((task, returned)) => (task, returned),
            Err(error) => {
                // Its lease runs out, so that whatever it stumbled over is not tried again at once.
                tracing::error!(%error, "a courier did not come back");
                self.carried.remove(&error.id());
                return;
            }
        };
        let Some((endpoint, seq)) = self.carried.remove(&task) else { return };
        match returned {
            Returned::Ended(ended) => {
                if ended.status == DeliveryStatus::Delivered {
                    self.smooth.insert(endpoint, self.settings.lease_batch);
                } else {
                    self.smooth.remove(&endpoint);
                }
                self.ended.push(ended);
            }
            Returned::NotTried => self.released.push((endpoint, seq)),
        }
    }

    fn nothing_to_write(&self) -> bool {
        self.ended.is_empty() && self.released.is_empty()
    }

    /// Looks before the writer is bothered.
    async fn due(&mut self) -> bool {
        let now = self.bag.clock.now();
        if self.counted.is_none_or(|at| at.elapsed() >= COUNTING) {
            self.counted = Some(Instant::now());
            self.count().await;
        }
        let due = self.reading.query("webhooks_due", move |connection| connection.webhooks_due(now)).await;
        due.unwrap_or_else(|error| {
            tracing::warn!(%error, "what has to be told could not be read");
            false
        })
    }

    async fn count(&self) {
        let counted = self.reading.query("webhook_backlog", |connection| connection.webhook_backlog()).await;
        if let Ok(backlog) = counted {
            let now = self.bag.clock.now().micros();
            let oldest = backlog.oldest.map_or(0, |since| (now - since.micros()).max(0) / 1_000_000);
            metrics::gauge!("webhook_pending").set(backlog.pending as f64);
            metrics::gauge!("webhook_oldest_pending_seconds").set(oldest as f64);
        }
    }

    async fn round(&mut self) {
        let begun = Instant::now();
        let order = self.order();
        let done = self.posting.write("webhooks", move |connection| round(connection, &order)).await;
        match done {
            Ok(done) => {
                self.ended.clear();
                self.released.clear();
                self.go_on(done, begun).await;
            }
            // What was to be written stays for the next round; a lease that nobody knows of runs out.
            Err(error) => {
                tracing::warn!(%error, "a round of deliveries was not written");
                tokio::time::sleep(LONGEST_REST).await;
            }
        }
    }

    async fn go_on(&mut self, done: Done, begun: Instant) {
        let Done { fanned_out, parcels } = done;
        let idle = fanned_out.taken == 0 && parcels.is_empty();
        if fanned_out.elsewhere {
            self.wait = ELSEWHERE;
        } else if u32::try_from(fanned_out.taken).is_ok_and(|taken| taken >= self.settings.fan_out_batch) {
            self.wait = Duration::ZERO;
        }
        self.unseen += fanned_out.taken;
        if self.unseen >= LOOK_AFTER && self.looked.is_none_or(|at| at.elapsed() >= LOOK_EVERY) {
            (self.unseen, self.looked) = (0, Some(Instant::now()));
            self.look();
        }
        for parcel in parcels {
            self.send_out(parcel, begun);
        }
        let answered = self.posting.answered();
        let (since, before) = std::mem::replace(&mut self.answered, (Instant::now(), answered));
        let storm = answered - before >= STORM && since.elapsed() < STORM_WITHIN;
        if storm && !idle {
            tokio::time::sleep((begun.elapsed() * REST).min(LONGEST_REST)).await;
        }
    }

    /// On a reader's connection, while the rounds go on.
    fn look(&self) {
        let reading = self.reading.clone();
        tokio::spawn(async move {
            let looked = reading.query("webhook_statistics", |connection| connection.look_at_webhooks()).await;
            if let Err(error) = looked {
                tracing::warn!(%error, "the database could not look at what waits to be told");
            }
        });
    }

    fn send_out(&mut self, parcel: Parcel, leased: Instant) {
        let carried = (parcel.delivery.endpoint, parcel.delivery.seq);
        let places = self.settings.concurrency_per_endpoint as usize;
        let room = self.rooms.entry(carried.0).or_insert_with(|| Arc::new(Semaphore::new(places)));
        let task = self.couriers.spawn(carry(Arc::clone(&self.bag), Arc::clone(room), parcel, leased));
        self.carried.insert(task.id(), carried);
    }

    fn order(&self) -> Round {
        let now = self.bag.clock.now();
        let mut under_way: HashMap<Id, u32> = HashMap::new();
        for (endpoint, _) in self.carried.values() {
            *under_way.entry(*endpoint).or_default() += 1;
        }
        Round {
            ended: self.ended.clone(),
            released: self.released.clone(),
            now,
            lease_until: Timestamp::from_micros(now.micros() + i64::from(self.settings.lease_seconds) * 1_000_000),
            owner: self.owner.clone(),
            under_way,
            smooth: self.smooth.clone(),
            careful: self.settings.concurrency_per_endpoint,
            altogether: self.settings.concurrency,
            fan_out: self.settings.fan_out_batch,
        }
    }

    async fn finish(mut self) {
        let deadline = tokio::time::Instant::now() + self.bag.timeout;
        while let Ok(Some(returned)) = tokio::time::timeout_at(deadline, self.couriers.join_next_with_id()).await {
            self.take_back(returned);
        }
        self.released.extend(self.carried.values().copied());
        self.couriers.abort_all();
        let order = self.order();
        let done = self.posting.write("webhooks", move |connection| hand_back(connection, &order)).await;
        if let Err(error) = done {
            tracing::warn!(%error, "the last deliveries were not written down; they will be tried again");
        }
    }
}
