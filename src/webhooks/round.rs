//! The dispatcher's one transaction: what ended is written down, what happened is fanned out, what is
//! due is taken on. Runs on the writer's thread and does nothing else there.

use std::collections::HashMap;
use std::sync::Arc;

use super::fan_out::{FannedOut, MAX_ENDPOINTS, fan_out};
use crate::domain::calendar::Timestamp;
use crate::domain::fact::Fact;
use crate::domain::ids::Id;
use crate::store::{
    Connection, EndedAttempt, EndpointStatus, LeaseOrder, StoreError, WebhookDelivery, WebhookEndpoint,
};

/// What a round is to do.
#[derive(Clone, Debug)]
pub struct Round {
    /// Attempts that ended.
    pub ended: Vec<EndedAttempt>,
    /// Deliveries that were taken on and not tried.
    pub released: Vec<(Id, i64)>,
    /// The instant.
    pub now: Timestamp,
    /// Until when new deliveries are ours.
    pub lease_until: Timestamp,
    /// Who we are.
    pub owner: String,
    /// What is under way already, by endpoint.
    pub under_way: HashMap<Id, u32>,
    /// How much may be under way for one endpoint; others have [`Round::careful`].
    pub smooth: HashMap<Id, u32>,
    /// How much may be under way for an endpoint that does not answer well, or has not answered yet.
    pub careful: u32,
    /// How much may be under way altogether; every endpoint has an equal share, at least one.
    pub altogether: u32,
    /// How many events are fanned out, at most.
    pub fan_out: u32,
}

/// A delivery that is ours, with everything that sending it takes.
#[derive(Clone, Debug)]
pub struct Parcel {
    /// The delivery.
    pub delivery: WebhookDelivery,
    /// Where it goes.
    pub endpoint: Arc<WebhookEndpoint>,
    /// What it tells.
    pub fact: Arc<Fact>,
}

/// What a round came to.
#[derive(Clone, Debug, Default)]
pub struct Done {
    /// What was fanned out.
    pub fanned_out: FannedOut,
    /// What is ours to send now.
    pub parcels: Vec<Parcel>,
}

/// Does a round; the caller holds the transaction.
///
/// # Errors
/// The database fails.
pub fn round(connection: &mut Connection, order: &Round) -> Result<Done, StoreError> {
    connection.settle_webhook_deliveries(&order.ended, &order.owner, order.now)?;
    connection.release_webhook_deliveries(&order.released, &order.owner)?;
    let ours = connection.lock_fan_out()?;
    // After the lock: the numbers have to be those that the last fan-out left. And after what ended: a
    // receiver may have said that it is gone.
    let endpoints = connection.webhook_endpoints(None, MAX_ENDPOINTS)?;
    let mut fanned_out = match ours {
        true => fan_out(connection, &endpoints, order.now, order.fan_out)?,
        false => FannedOut { elsewhere: true, ..FannedOut::default() },
    };
    let parcels = take_on(connection, endpoints, order, std::mem::take(&mut fanned_out.facts))?;
    Ok(Done { fanned_out, parcels })
}

/// Ends a dispatcher's part: what ended is written down, and what was not tried is given back.
///
/// # Errors
/// The database fails.
pub fn hand_back(connection: &mut Connection, order: &Round) -> Result<(), StoreError> {
    connection.settle_webhook_deliveries(&order.ended, &order.owner, order.now)?;
    connection.release_webhook_deliveries(&order.released, &order.owner)
}

fn take_on(
    connection: &mut Connection,
    endpoints: Vec<WebhookEndpoint>,
    order: &Round,
    known: Vec<Arc<Fact>>,
) -> Result<Vec<Parcel>, StoreError> {
    let told = |endpoint: &WebhookEndpoint| endpoint.status == EndpointStatus::Active;
    let endpoints = endpoints.into_iter().filter(told);
    let endpoints: Vec<Arc<WebhookEndpoint>> = endpoints.map(Arc::new).collect();
    let share = u32::try_from(endpoints.len()).map_or(1, |count| order.altogether / count.max(1)).max(1);
    let mut taken = Vec::new();
    for endpoint in endpoints {
        let room = order.smooth.get(&endpoint.id).copied().unwrap_or(order.careful).min(share);
        let limit = room.saturating_sub(order.under_way.get(&endpoint.id).copied().unwrap_or(0));
        if limit == 0 {
            continue;
        }
        let Round { now, lease_until: until, owner, .. } = order;
        let lease = LeaseOrder { endpoint: endpoint.id, now: *now, until: *until, owner, limit };
        let leased = connection.lease_webhook_deliveries(&lease)?;
        taken.extend(leased.into_iter().map(|delivery| (delivery, Arc::clone(&endpoint))));
    }
    let mut facts: HashMap<Id, Arc<Fact>> = known.into_iter().map(|fact| (fact.id, fact)).collect();
    let missing = taken.iter().map(|(delivery, _)| delivery.fact).filter(|fact| !facts.contains_key(fact));
    let mut missing: Vec<Id> = missing.collect();
    missing.sort_unstable();
    missing.dedup();
    if !missing.is_empty() {
        facts.extend(connection.facts(&missing)?.into_iter().map(|fact| (fact.id, fact)));
    }
    let parcel = |(delivery, endpoint): (WebhookDelivery, Arc<WebhookEndpoint>)| {
        let missing = || StoreError::Corrupt(format!("no fact {}", delivery.fact));
        let fact = facts.get(&delivery.fact).cloned().ok_or_else(missing)?;
        Ok(Parcel { delivery, endpoint, fact })
    };
    taken.into_iter().map(parcel).collect()
}
