//! What has to happen without anybody asking: drawers that nobody closed are closed once their business
//! date is over, and orders that nobody carried out in time are announced.
//!
//! A chore is a command like any other. It goes through the one door, the rules decide it, and doing it
//! twice (on two gateways, say) is refused the second time.

use std::sync::Arc;
use std::time::Duration;

use tokio::time::MissedTickBehavior;

use crate::clock::Clock;
use crate::domain::calendar::Timestamp;
use crate::domain::command::{Caller, Command, PartyKind, Request};
use crate::domain::decide::Outcome;
use crate::domain::ids::PartyId;
use crate::domain::policy::Policy;
use crate::posting::{Posting, SubmitError};
use crate::reading::{ReadError, Reading};

/// How often the gateway looks.
pub const INTERVAL: Duration = Duration::from_secs(30);
/// Things done at one look, at most of each kind; the next look does more.
const MAX_AT_ONCE: u32 = 100;
/// How far back sessions and orders are looked for, in days.
const LOOK_BACK_DAYS: i64 = 60;

/// What the chores are done with.
#[derive(Clone)]
pub struct Chores {
    /// The door to the writer.
    pub posting: Posting,
    /// The door to the readers.
    pub reading: Reading,
    /// The rules of the counter.
    pub policy: Arc<Policy>,
    /// Time and ids.
    pub clock: Arc<dyn Clock>,
}

/// Why a look was broken off; the next one goes on.
#[derive(Debug, thiserror::Error)]
pub enum ChoreError {
    /// What there is to do cannot be read.
    #[error("reading: {0}")]
    Read(#[from] ReadError),
    /// It was not done.
    #[error("writing: {0}")]
    Submit(#[from] SubmitError),
}

impl Chores {
    /// Looks again and again until the task is ended.
    pub async fn run(self) {
        let mut ticks = tokio::time::interval(INTERVAL);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            ticks.tick().await;
            match self.look().await {
                Ok(0) => {}
                Ok(done) => tracing::info!(done, "chores were done"),
                Err(error) => tracing::warn!(%error, "the chores were broken off; the next look goes on"),
            }
        }
    }

    /// Does what there is to do now, and says how much it was.
    ///
    /// # Errors
    /// The books cannot be read or written.
    pub async fn look(&self) -> Result<usize, ChoreError> {
        let now = self.clock.now();
        let mut done = 0;
        for command in self.due(now).await? {
            let caller = Caller { party: PartyId::new("recaudo"), kind: PartyKind::Operator, collection_point: None };
            let request = Request { id: self.clock.id(), caller, request: None, command };
            // A refusal is no failure: somebody closed the drawer, or the crew was there, in between.
            done += usize::from(matches!(self.posting.submit(request).await?, Outcome::Done(_)));
        }
        Ok(done)
    }

    async fn due(&self, now: Timestamp) -> Result<Vec<Command>, ReadError> {
        let (today, since) = (self.policy.business_date(now), now.plus_minutes(-LOOK_BACK_DAYS * 24 * 60));
        self.reading
            .query("chores", move |connection| {
                let tills = connection.stale_tills(today, since, MAX_AT_ONCE)?.into_iter();
                let orders = connection.overdue_orders(now, since, MAX_AT_ONCE)?.into_iter();
                let closes = tills.map(|open| Command::CloseUnattended { till: open.till });
                Ok(closes.chain(orders.map(|record| Command::Overdue { order_id: record.order.id })).collect())
            })
            .await
    }
}
