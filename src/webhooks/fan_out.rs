//! From what happened to who is told: outbox rows become deliveries, one an interested endpoint.
//!
//! In one transaction of the writer: the endpoint's next numbers, the deliveries, and the outbox rows
//! forgotten. So no event is told twice to an endpoint, none is lost, and no number is left out.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::audience::may_see;
use super::events::EventType;
use crate::domain::calendar::Timestamp;
use crate::domain::fact::Fact;
use crate::domain::ids::Id;
use crate::store::{Connection, EndpointStatus, NewDelivery, OutboxEntry, StoreError, WebhookEndpoint};

/// The most endpoints that are ever told.
pub const MAX_ENDPOINTS: u32 = 1_000;

/// What a fan-out came to.
#[derive(Clone, Debug, Default)]
pub struct FannedOut {
    /// Outbox rows that were handed on.
    pub taken: usize,
    /// Another gateway is at it.
    pub elsewhere: bool,
    /// What happened: most of it is told in the same round, and need not be read again.
    pub facts: Vec<Arc<Fact>>,
}

/// Hands on the oldest outbox rows; the caller holds the transaction and the lock of fan-outs.
///
/// # Errors
/// The database fails.
pub fn fan_out(
    connection: &mut Connection,
    endpoints: &[WebhookEndpoint],
    now: Timestamp,
    most: u32,
) -> Result<FannedOut, StoreError> {
    let entries = connection.outbox(most)?;
    if entries.is_empty() {
        return Ok(FannedOut::default());
    }
    let (new, numbered) = deliveries(&entries, endpoints);
    connection.insert_webhook_deliveries(&new, now)?;
    for (endpoint, last_seq) in numbered {
        connection.number_webhook_endpoint(endpoint, last_seq)?;
    }
    connection.forget_outbox(&entries)?;
    let taken = entries.len();
    Ok(FannedOut { taken, elsewhere: false, facts: entries.into_iter().map(|entry| entry.fact).collect() })
}

/// Who is told, under which number; and the last number of each endpoint that is.
fn deliveries(entries: &[OutboxEntry], endpoints: &[WebhookEndpoint]) -> (Vec<NewDelivery>, BTreeMap<Id, i64>) {
    let mut new = Vec::new();
    let mut numbered: BTreeMap<Id, i64> = BTreeMap::new();
    for OutboxEntry { fact, event } in entries {
        let Some(known) = EventType::parse(event) else {
            tracing::error!(event, "an event that the contract does not know is told to nobody");
            continue;
        };
        for endpoint in endpoints.iter().filter(|endpoint| listens(endpoint, event)) {
            if may_see(endpoint.kind, &endpoint.party, fact, known) {
                let last = numbered.entry(endpoint.id).or_insert(endpoint.last_seq);
                *last += 1;
                let (endpoint, seq) = (endpoint.id, *last);
                new.push(NewDelivery { endpoint, seq, fact: fact.clone(), event: event.clone() });
            }
        }
    }
    (new, numbered)
}

/// One that is disabled is numbered on: what happens meanwhile waits for it.
fn listens(endpoint: &WebhookEndpoint, event: &str) -> bool {
    matches!(endpoint.status, EndpointStatus::Active | EndpointStatus::Disabled)
        && endpoint.event_types.iter().any(|wanted| wanted == event)
}
