//! What nobody asks for and has to be done in time: late orders and the ends of certificates announced,
//! forgotten sessions closed.
//!
//! The rules decide, through the one writer, so that a scan may be repeated and several gateways may scan:
//! whoever comes second is refused, and nothing happens twice. No rule enters here.

use std::sync::Arc;
use std::time::Duration;

use tokio::task::JoinHandle;
use tokio::time::MissedTickBehavior;

use crate::clock::Clock;
use crate::config;
use crate::domain::command::{Caller, Command, PartyKind, Request};
use crate::domain::decide::Outcome;
use crate::domain::ids::PartyId;
use crate::domain::notice::{self, CertificateNotice};
use crate::domain::policy::Policy;
use crate::posting::{Posting, SubmitError};
use crate::reading::{ReadError, Reading};
use crate::store::{ExpiringCertificate, StoreError};

/// In whose name the gateway acts by itself; no party is registered under it.
const GATEWAY: &str = "recaudo";

/// What a scan needs.
#[derive(Clone)]
pub struct Upkeep {
    /// The door to the writer.
    pub posting: Posting,
    /// The door to the readers.
    pub reading: Reading,
    /// Time and ids.
    pub clock: Arc<dyn Clock>,
    /// The rules of the counter.
    pub policy: Arc<Policy>,
    /// How often and how much.
    pub settings: config::Upkeep,
}

/// Why a scan did not come to its end; the next one begins again.
#[derive(Debug, thiserror::Error)]
pub enum UpkeepError {
    /// The books cannot be read.
    #[error(transparent)]
    Read(#[from] ReadError),
    /// The writer did not take it.
    #[error(transparent)]
    Submit(#[from] SubmitError),
}

impl Upkeep {
    /// Scans from time to time, until the task is aborted.
    #[must_use]
    pub fn start(self) -> JoinHandle<()> {
        tokio::spawn(async move {
            let mut ticks = tokio::time::interval(Duration::from_millis(self.settings.interval_milliseconds));
            ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
            loop {
                ticks.tick().await;
                if let Err(error) = self.scan().await {
                    tracing::warn!(%error, "a scan for late orders and open sessions did not come to its end");
                }
            }
        })
    }

    /// Looks once, and says how many facts came of it.
    ///
    /// # Errors
    /// The books cannot be read or written.
    pub async fn scan(&self) -> Result<usize, UpkeepError> {
        let now = self.clock.now();
        let since = now.plus_minutes(-1440 * i64::from(self.settings.look_back_days));
        let (today, most) = (self.policy.business_date(now), self.settings.batch);
        let days = self.settings.certificate_days.clone();
        let found = self.reading.query("upkeep", move |connection| {
            let late = connection.overdue_orders(now, since, most)?;
            let stale = connection.stale_tills(today, since, most)?;
            Ok((late, stale, connection.expiring_certificates(now, &days, most)?))
        });
        let (late, stale, expiring) = found.await?;
        let late = late.iter().map(|record| Command::Overdue { order_id: record.order.id });
        let stale = stale.into_iter().map(|open| Command::CloseUnattended { till: open.till });
        let mut done = 0;
        for command in late.chain(stale) {
            let caller = Caller { party: PartyId::new(GATEWAY), kind: PartyKind::Operator, collection_point: None };
            let request = Request { id: self.clock.id(), caller, request: None, command };
            if let Outcome::Done(facts) = self.posting.submit(request).await? {
                done += facts.len();
            }
        }
        Ok(done + self.announce(expiring).await?)
    }

    /// Says that certificates end soon. Whoever said it meanwhile took the place in its series.
    async fn announce(&self, expiring: Vec<ExpiringCertificate>) -> Result<usize, UpkeepError> {
        if expiring.is_empty() {
            return Ok(0);
        }
        let now = self.clock.now();
        let fact = |expiring: ExpiringCertificate| {
            let ExpiringCertificate { certificate, days, announced } = expiring;
            let (party, date) = (certificate.party, self.policy.business_date(now));
            let (thumbprint, subject, not_after) = (certificate.thumbprint, certificate.subject, certificate.not_after);
            let notice = CertificateNotice { thumbprint, subject, not_after, days };
            notice::certificate(self.clock.id(), now, date, party, notice, announced)
        };
        let facts: Vec<_> = expiring.into_iter().map(fact).collect();
        let count = facts.len();
        let written = self.posting.write("certificate_notices", move |connection| connection.append(&facts)).await;
        self.posting.committed().notify_one();
        match written {
            Ok(_) => Ok(count),
            Err(SubmitError::Store(StoreError::Conflict(_))) => Ok(0),
            Err(error) => Err(error.into()),
        }
    }
}
