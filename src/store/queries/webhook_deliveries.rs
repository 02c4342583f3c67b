//! One row an event and endpoint: written once by the fan-out, leased, tried, and settled.

use diesel::prelude::*;
use diesel::sql_types::{BigInt, Integer, Nullable};

use super::rows::{limit, read_id, read_word, word};
use super::webhook_endpoints::disable_webhook_endpoint;
use super::{Conn, Rows, Texts};
use crate::domain::calendar::Timestamp;
use crate::domain::ids::{AccountNumber, Id};
use crate::store::schema::webhook_deliveries as deliveries;
use crate::store::statement::statement;
use crate::store::{
    Backlog, DeliveryFilter, DeliveryStatus, EndedAttempt, LeaseOrder, NewDelivery, Replay, StoreError, WebhookDelivery,
};

macro_rules! delivery_columns {
    () => {
        "endpoint, seq, fact, event, account_number, created_at, attempts, next_attempt_at, lease_until, \
         lease_owner, status, last_status, last_error, settled_at, acknowledged_at"
    };
}

statement! {
    /// New deliveries. Behind an event of the same account that waits, one waits as long as that: as the last
    /// of them, which waits no shorter than those before it. It is found in the order of the one index that
    /// answers, or a planner looks for it among all that waits, whatever the account.
    Insert(now: i64, now_again: i64, rows: Rows) -> () =
        "INSERT INTO webhook_deliveries (", delivery_columns!(), ") \
         SELECT list.value ->> 0, CAST(list.value ->> 1 AS BIGINT), list.value ->> 2, list.value ->> 3, \
           list.value ->> 4, {}, 0, coalesce((SELECT e.next_attempt_at FROM webhook_deliveries e \
             WHERE e.endpoint = list.value ->> 0 AND e.account_number = list.value ->> 4 AND e.status = 'pending' \
             ORDER BY e.endpoint DESC, e.account_number DESC, e.seq DESC LIMIT 1), {}), NULL, NULL, 'pending', NULL, NULL, NULL, NULL FROM {}"
}
statement! {
    /// What is due and free and not behind an earlier event of its account, the oldest first. What comes
    /// first of an account is asked for each row by itself, in the order of the one index that answers:
    /// a join, planned for a table that is still small, would compare everything with everything.
    DueFirst(endpoint: String, due: i64, free: i64, limit: i64) -> BigInt =
        "SELECT d.seq FROM webhook_deliveries d \
         WHERE d.endpoint = {} AND d.status = 'pending' AND d.next_attempt_at <= {} \
           AND (d.lease_until IS NULL OR d.lease_until <= {}) \
           AND (d.account_number IS NULL OR d.seq = (SELECT e.seq FROM webhook_deliveries e \
             WHERE e.endpoint = d.endpoint AND e.account_number = d.account_number AND e.status = 'pending' \
             ORDER BY e.endpoint, e.account_number, e.seq LIMIT 1)) \
         ORDER BY d.next_attempt_at, d.seq LIMIT {}"
}
statement! {
    /// Takes deliveries on, unless somebody else did in between.
    Lease(until: i64, owner: String, rows: Rows, free: i64) -> deliveries::SqlType =
        "UPDATE webhook_deliveries SET lease_until = {}, lease_owner = {} FROM {} \
         WHERE endpoint = list.value ->> 0 AND seq = CAST(list.value ->> 1 AS BIGINT) AND status = 'pending' \
           AND (lease_until IS NULL OR lease_until <= {}) \
         RETURNING ", delivery_columns!()
}
statement! {
    /// What became of attempts; whoever's lease was taken over meanwhile has no say.
    Settle(rows: Rows, owner: String) -> () =
        "UPDATE webhook_deliveries SET attempts = attempts + 1, lease_until = NULL, lease_owner = NULL, \
           status = list.value ->> 3, next_attempt_at = CAST(list.value ->> 4 AS BIGINT), \
           last_status = CAST(list.value ->> 5 AS BIGINT), last_error = list.value ->> 6, \
           settled_at = CAST(list.value ->> 7 AS BIGINT), \
           acknowledged_at = coalesce(acknowledged_at, CAST(list.value ->> 8 AS BIGINT)) \
         FROM {} WHERE endpoint = list.value ->> 0 AND seq = CAST(list.value ->> 1 AS BIGINT) \
           AND attempts = CAST(list.value ->> 2 AS BIGINT) AND status = 'pending' AND lease_owner = {}"
}
statement! {
    /// Those behind a delivery that is tried again wait with it, until the same instant: when it is settled,
    /// which is not before, they are due.
    HoldBack(rows: Rows) -> () =
        "UPDATE webhook_deliveries SET next_attempt_at = CAST(list.value ->> 3 AS BIGINT) FROM {} \
         WHERE endpoint = list.value ->> 0 AND account_number = list.value ->> 1 AND status = 'pending' \
           AND seq > CAST(list.value ->> 2 AS BIGINT) AND attempts = 0 \
           AND next_attempt_at < CAST(list.value ->> 3 AS BIGINT)"
}
statement! {
    /// Gives back what was taken and not tried.
    Release(rows: Rows, owner: String) -> () =
        "UPDATE webhook_deliveries SET lease_until = NULL, lease_owner = NULL FROM {} \
         WHERE endpoint = list.value ->> 0 AND seq = CAST(list.value ->> 1 AS BIGINT) AND lease_owner = {}"
}
statement! {
    /// Whether anything has to be told now.
    Due(now: i64, free: i64) -> Integer =
        "SELECT CASE WHEN EXISTS (SELECT 1 FROM outbox) OR EXISTS (SELECT 1 FROM webhook_endpoints w \
           JOIN webhook_deliveries d ON d.endpoint = w.id AND d.status = 'pending' AND d.next_attempt_at <= {} \
           WHERE w.status = 'active' AND (d.lease_until IS NULL OR d.lease_until <= {})) THEN 1 ELSE 0 END"
}
statement! {
    /// Deliveries of facts.
    OfFacts(facts: Texts) -> deliveries::SqlType =
        "SELECT d.endpoint, d.seq, d.fact, d.event, d.account_number, d.created_at, d.attempts, d.next_attempt_at, \
           d.lease_until, d.lease_owner, d.status, d.last_status, d.last_error, d.settled_at, d.acknowledged_at \
         FROM {} CROSS JOIN webhook_endpoints w JOIN webhook_deliveries d ON d.endpoint = w.id AND d.fact = list.value \
         ORDER BY d.fact, d.event, d.endpoint"
}
statement! {
    /// Settled deliveries, pending once more.
    Again(now: i64, rows: Rows, endpoint: String) -> () =
        "UPDATE webhook_deliveries SET status = 'pending', attempts = 0, next_attempt_at = {}, lease_until = NULL, \
           lease_owner = NULL, settled_at = NULL FROM {} \
         WHERE endpoint = {} AND fact = list.value ->> 0 AND event = list.value ->> 1 AND status <> 'pending'"
}

#[derive(Queryable)]
struct DeliveryRow {
    endpoint: String,
    seq: i64,
    fact: String,
    event: String,
    account_number: Option<String>,
    created_at: i64,
    attempts: i64,
    next_attempt_at: i64,
    lease_until: Option<i64>,
    _lease_owner: Option<String>,
    status: String,
    last_status: Option<i64>,
    last_error: Option<String>,
    settled_at: Option<i64>,
    acknowledged_at: Option<i64>,
}

impl DeliveryRow {
    fn delivery(self) -> Result<WebhookDelivery, StoreError> {
        Ok(WebhookDelivery {
            endpoint: read_id(&self.endpoint)?,
            seq: self.seq,
            fact: read_id(&self.fact)?,
            event: self.event,
            account_number: self.account_number.map(AccountNumber::new),
            created_at: Timestamp::from_micros(self.created_at),
            attempts: u32::try_from(self.attempts).unwrap_or(u32::MAX),
            next_attempt_at: Timestamp::from_micros(self.next_attempt_at),
            lease_until: self.lease_until.map(Timestamp::from_micros),
            status: read_word(&self.status)?,
            last_status: self.last_status.and_then(|status| u16::try_from(status).ok()),
            last_error: self.last_error,
            settled_at: self.settled_at.map(Timestamp::from_micros),
            acknowledged_at: self.acknowledged_at.map(Timestamp::from_micros),
        })
    }
}

fn read(rows: Vec<DeliveryRow>) -> Result<Vec<WebhookDelivery>, StoreError> {
    rows.into_iter().map(DeliveryRow::delivery).collect()
}

/// Whether anything has to be told now.
pub fn webhooks_due(conn: &mut Conn, now: Timestamp) -> Result<bool, StoreError> {
    let due: i32 = Due { now: now.micros(), free: now.micros() }.get_result(conn)?;
    Ok(due == 1)
}

/// Writes deliveries, numbered by the caller, who holds the transaction.
pub fn insert_webhook_deliveries(conn: &mut Conn, new: &[NewDelivery], now: Timestamp) -> Result<(), StoreError> {
    if new.is_empty() {
        return Ok(());
    }
    let row = |delivery: &NewDelivery| {
        let account = delivery.fact.account.as_ref().map(|place| place.of.as_str().to_owned());
        let fact = delivery.fact.id.to_string();
        (delivery.endpoint.to_string(), delivery.seq, fact, delivery.event.clone(), account)
    };
    let rows = Rows::new(&new.iter().map(row).collect::<Vec<_>>())?;
    Insert { now: now.micros(), now_again: now.micros(), rows }.execute(conn)?;
    Ok(())
}

/// Takes deliveries on, so that nobody else tries them until the lease runs out. In the order of numbers.
pub fn lease_webhook_deliveries(conn: &mut Conn, order: &LeaseOrder<'_>) -> Result<Vec<WebhookDelivery>, StoreError> {
    let (endpoint, now) = (order.endpoint.to_string(), order.now.micros());
    let first = DueFirst { endpoint: endpoint.clone(), due: now, free: now, limit: limit(order.limit) };
    let first: Vec<i64> = first.load(conn)?;
    if first.is_empty() {
        return Ok(Vec::new());
    }
    let rows: Vec<(&str, i64)> = first.into_iter().map(|seq| (endpoint.as_str(), seq)).collect();
    let (until, owner) = (order.until.micros(), order.owner.to_owned());
    let lease = Lease { until, owner, rows: Rows::new(&rows)?, free: now };
    let mut leased = read(lease.load(conn)?)?;
    leased.sort_by_key(|delivery| delivery.seq);
    Ok(leased)
}

/// Writes down how attempts ended. Those whose lease was lost meanwhile are left as they are.
pub fn settle_webhook_deliveries(
    conn: &mut Conn,
    ended: &[EndedAttempt],
    owner: &str,
    now: Timestamp,
) -> Result<(), StoreError> {
    if ended.is_empty() {
        return Ok(());
    }
    let mut rows = Vec::with_capacity(ended.len());
    let mut held = Vec::new();
    for attempt in ended {
        let endpoint = attempt.endpoint.to_string();
        let settled = attempt.status != DeliveryStatus::Pending;
        if let (Some(account), false) = (&attempt.account_number, settled) {
            held.push((endpoint.clone(), account.as_str(), attempt.seq, attempt.next_attempt_at.micros()));
        }
        rows.push((
            endpoint,
            attempt.seq,
            attempt.attempts_before,
            word(&attempt.status)?,
            attempt.next_attempt_at.micros(),
            attempt.last_status,
            attempt.last_error.as_deref(),
            settled.then_some(now.micros()),
            (attempt.status == DeliveryStatus::Delivered).then_some(now.micros()),
        ));
    }
    Settle { rows: Rows::new(&rows)?, owner: owner.to_owned() }.execute(conn)?;
    if !held.is_empty() {
        HoldBack { rows: Rows::new(&held)? }.execute(conn)?;
    }
    for attempt in ended {
        if let Some(reason) = &attempt.disables {
            disable_webhook_endpoint(conn, attempt.endpoint, reason)?;
        }
    }
    Ok(())
}

/// Gives back what was taken and not tried.
pub fn release_webhook_deliveries(conn: &mut Conn, taken: &[(Id, i64)], owner: &str) -> Result<(), StoreError> {
    if taken.is_empty() {
        return Ok(());
    }
    let rows: Vec<(String, i64)> = taken.iter().map(|(endpoint, seq)| (endpoint.to_string(), *seq)).collect();
    Release { rows: Rows::new(&rows)?, owner: owner.to_owned() }.execute(conn)?;
    Ok(())
}

/// Deliveries of one endpoint, in the order of their numbers.
pub fn webhook_deliveries(conn: &mut Conn, filter: &DeliveryFilter) -> Result<Vec<WebhookDelivery>, StoreError> {
    let mut query = deliveries::table
        .filter(deliveries::endpoint.eq(filter.endpoint.to_string()))
        .filter(deliveries::seq.gt(filter.after_seq))
        .order(deliveries::seq)
        .limit(limit(filter.limit))
        .into_boxed();
    if let Some(status) = filter.status {
        query = query.filter(deliveries::status.eq(word(&status)?));
    }
    read(query.load(conn)?)
}

/// Deliveries that tell these facts to anybody.
pub fn webhook_deliveries_of(conn: &mut Conn, facts: &[Id]) -> Result<Vec<WebhookDelivery>, StoreError> {
    read(OfFacts { facts: Texts::new(facts.iter().map(ToString::to_string)) }.load(conn)?)
}

/// Has settled deliveries tried again, from the first attempt on. Says how many.
pub fn replay_webhook_deliveries(
    conn: &mut Conn,
    endpoint: Id,
    replay: &Replay,
    now: Timestamp,
) -> Result<usize, StoreError> {
    match replay {
        Replay::Range { from, through } => {
            let settled = deliveries::table
                .filter(deliveries::endpoint.eq(endpoint.to_string()))
                .filter(deliveries::seq.ge(*from))
                .filter(deliveries::seq.le(*through))
                .filter(deliveries::status.ne("pending"));
            let changes = (
                deliveries::status.eq("pending"),
                deliveries::attempts.eq(0),
                deliveries::next_attempt_at.eq(now.micros()),
                deliveries::lease_until.eq(None::<i64>),
                deliveries::lease_owner.eq(None::<String>),
                deliveries::settled_at.eq(None::<i64>),
            );
            Ok(diesel::update(settled).set(changes).execute(conn)?)
        }
        Replay::Events(events) => {
            let rows: Vec<(String, &str)> = events.iter().map(|(fact, event)| (fact.to_string(), event.as_str())).collect();
            let again = Again { now: now.micros(), rows: Rows::new(&rows)?, endpoint: endpoint.to_string() };
            Ok(again.execute(conn)?)
        }
    }
}

/// How much is still to be told.
pub fn webhook_backlog(conn: &mut Conn) -> Result<Backlog, StoreError> {
    statement! {
        /// Deliveries that are still tried, of endpoints that are told.
        Pending(one: i64) -> (BigInt, Nullable<BigInt>) =
            "SELECT count(d.seq), min(d.created_at) FROM webhook_endpoints w JOIN webhook_deliveries d \
               ON d.endpoint = w.id AND d.status = 'pending' WHERE w.status = 'active' AND 1 = {}"
    }
    let (pending, oldest): (i64, Option<i64>) = Pending { one: 1 }.get_result(conn)?;
    Ok(Backlog { pending, oldest: oldest.map(Timestamp::from_micros) })
}
