//! One delivery on its way: signed, sent, and judged.

use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio::sync::Semaphore;

use super::events::EventType;
use super::payload;
use super::round::Parcel;
use super::schedule::{Schedule, Verdict};
use super::sender::{Attempt, Delivery, Sender};
use super::settings::secrets;
use crate::clock::Clock;
use crate::store::{DeliveryStatus, EndedAttempt};

/// What became of a parcel.
#[derive(Clone, Debug)]
pub enum Returned {
    /// An attempt was made, or can never be made.
    Ended(EndedAttempt),
    /// It waited too long behind slower ones: somebody may try it afresh.
    NotTried,
}

/// What every courier has.
pub struct Bag {
    /// Time.
    pub clock: Arc<dyn Clock>,
    /// What sends.
    pub sender: Sender,
    /// What judges.
    pub schedule: Schedule,
    /// How long an attempt may take.
    pub timeout: Duration,
    /// How long a parcel is ours.
    pub lease: Duration,
}

/// Takes a parcel to its endpoint, as soon as there is room there.
pub async fn carry(bag: Arc<Bag>, room: Arc<Semaphore>, parcel: Parcel, leased: Instant) -> Returned {
    // A semaphore that was closed lets nobody in; ours never is.
    let Ok(_place) = room.acquire().await else { return Returned::NotTried };
    // The lease has to last as long as the attempt, or another gateway would begin the same one.
    if leased.elapsed() + bag.timeout > bag.lease {
        return Returned::NotTried;
    }
    Returned::Ended(attempt(&bag, &parcel).await)
}

async fn attempt(bag: &Bag, parcel: &Parcel) -> EndedAttempt {
    let Parcel { delivery, endpoint, fact } = parcel;
    let at = bag.clock.now();
    let Some(event) = EventType::parse(&delivery.event) else {
        return never(bag, parcel, "the event is not known here".to_owned(), false);
    };
    let body = match payload::body(fact, event, delivery.seq) {
        Ok(body) => body,
        Err(error) => return never(bag, parcel, error.to_string(), false),
    };
    let secrets = match secrets(endpoint, at) {
        Ok(secrets) => secrets,
        Err(error) => return never(bag, parcel, error.to_string(), true),
    };
    let id = payload::event_id(fact.id, event);
    let attempt = bag.sender.send(Delivery { url: &endpoint.url, id: &id, at, body: &body, secrets: &secrets }).await;
    metrics::histogram!("webhook_attempt_seconds").record(Duration::from_millis(attempt.elapsed_ms));
    judge(bag, parcel, &attempt)
}

fn judge(bag: &Bag, parcel: &Parcel, attempt: &Attempt) -> EndedAttempt {
    let delivery = &parcel.delivery;
    let now = bag.clock.now();
    // The draw of the spread is the delivery's own, so that endpoints that failed together part again.
    let drawn = crate::domain::ids::Id::from_bits(delivery.fact.bits() ^ delivery.endpoint.bits().rotate_left(64));
    let verdict = bag.schedule.next(delivery.attempts + 1, attempt.outcome(), now, drawn);
    let (status, outcome, next_attempt_at, failure, disables) = match verdict {
        Verdict::Delivered => (DeliveryStatus::Delivered, "delivered", now, None, None),
        Verdict::RetryAt(at) => (DeliveryStatus::Pending, "retried", at, None, None),
        Verdict::Dead(failure) => (DeliveryStatus::Dead, "dead", now, Some(failure), None),
        Verdict::DisableEndpoint(failure) => {
            (DeliveryStatus::Dead, "disabled", now, Some(failure), Some(failure.to_string()))
        }
    };
    metrics::counter!("webhook_deliveries_total", "outcome" => outcome).increment(1);
    if status == DeliveryStatus::Dead {
        let (endpoint, seq) = (delivery.endpoint.with_prefix("wep"), delivery.seq);
        tracing::warn!(endpoint, seq, event = delivery.event, outcome, "a delivery is dead");
    }
    let said = || match (status, attempt.status, attempt.response_excerpt.as_str()) {
        (DeliveryStatus::Delivered, ..) => None,
        (_, Some(status), "") => Some(format!("the receiver answered {status}")),
        (_, Some(status), text) => Some(format!("the receiver answered {status}: {text}")),
        (_, None, _) => failure.map(|failure| failure.to_string()),
    };
    EndedAttempt {
        last_status: attempt.status,
        last_error: if status == DeliveryStatus::Delivered { None } else { attempt.error.clone().or_else(said) },
        disables,
        ..ended(parcel, status, next_attempt_at)
    }
}

/// An attempt that cannot be made, now or ever.
fn never(bag: &Bag, parcel: &Parcel, error: String, disables: bool) -> EndedAttempt {
    metrics::counter!("webhook_deliveries_total", "outcome" => "dead").increment(1);
    tracing::error!(error, seq = parcel.delivery.seq, "a delivery cannot be made");
    EndedAttempt {
        last_error: Some(error.clone()),
        disables: disables.then_some(error),
        ..ended(parcel, DeliveryStatus::Dead, bag.clock.now())
    }
}

fn ended(parcel: &Parcel, status: DeliveryStatus, next_attempt_at: crate::domain::calendar::Timestamp) -> EndedAttempt {
    let delivery = &parcel.delivery;
    EndedAttempt {
        endpoint: delivery.endpoint,
        seq: delivery.seq,
        account_number: delivery.account_number.clone(),
        attempts_before: delivery.attempts,
        status,
        next_attempt_at,
        last_status: None,
        last_error: None,
        disables: None,
    }
}
