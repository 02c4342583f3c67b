//! What the store hands out about webhooks: who wants to be told, and what became of each delivery.

use std::sync::Arc;

use secrecy::SecretString;
use serde::{Deserialize, Serialize};

use crate::domain::calendar::Timestamp;
use crate::domain::command::PartyKind;
use crate::domain::fact::Fact;
use crate::domain::ids::{AccountNumber, Id, PartyId};

/// Whether an endpoint is told anything.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum EndpointStatus {
    /// Its owner has not proved yet that it is theirs; it gets nothing.
    Pending,
    /// It is told.
    Active,
    /// It is not told now; what happens meanwhile waits for it.
    Disabled,
    /// It is gone; what it was told stays known.
    Removed,
}

/// Who wants to be told what, and where.
#[derive(Clone, Debug)]
pub struct WebhookEndpoint {
    /// Its name; outside it wears `wep_`.
    pub id: Id,
    /// Whose it is.
    pub party: PartyId,
    /// What that party is.
    pub kind: PartyKind,
    /// Where to send.
    pub url: String,
    /// The names of the events it wants.
    pub event_types: Vec<String>,
    /// What signs (`whsec_…`).
    pub secret: SecretString,
    /// What signs besides while the receiver changes over, and until when.
    pub retiring: Option<(SecretString, Timestamp)>,
    /// Whether it is told.
    pub status: EndpointStatus,
    /// Why it is not.
    pub disabled_reason: Option<String>,
    /// The number of its last event.
    pub last_seq: i64,
    /// Since when it is known.
    pub created_at: Timestamp,
}

/// What became of a delivery.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum DeliveryStatus {
    /// It is still tried.
    Pending,
    /// The receiver has it.
    Delivered,
    /// Nobody tries any more, until somebody asks for it.
    Dead,
}

/// One event for one endpoint.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WebhookDelivery {
    /// The endpoint.
    pub endpoint: Id,
    /// Its number among the endpoint's events.
    pub seq: i64,
    /// What it tells.
    pub fact: Id,
    /// Under which name.
    pub event: String,
    /// The account it is about.
    pub account_number: Option<AccountNumber>,
    /// When it was put into the endpoint's list.
    pub created_at: Timestamp,
    /// Attempts that ended.
    pub attempts: u32,
    /// Not tried before.
    pub next_attempt_at: Timestamp,
    /// Somebody tries it until then.
    pub lease_until: Option<Timestamp>,
    /// What became of it.
    pub status: DeliveryStatus,
    /// What the receiver answered last.
    pub last_status: Option<u16>,
    /// What went wrong last.
    pub last_error: Option<String>,
    /// When it was delivered or given up.
    pub settled_at: Option<Timestamp>,
    /// When the receiver first said that it has it.
    pub acknowledged_at: Option<Timestamp>,
}

/// A delivery about to be written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewDelivery {
    /// The endpoint.
    pub endpoint: Id,
    /// Its number among the endpoint's events.
    pub seq: i64,
    /// What it tells.
    pub fact: Arc<Fact>,
    /// Under which name.
    pub event: String,
}

/// How an attempt ended, for the list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EndedAttempt {
    /// The endpoint.
    pub endpoint: Id,
    /// The delivery.
    pub seq: i64,
    /// The account it is about.
    pub account_number: Option<AccountNumber>,
    /// How many attempts had ended before this one.
    pub attempts_before: u32,
    /// What becomes of the delivery.
    pub status: DeliveryStatus,
    /// When it is tried again, while it is pending; otherwise when the attempt ended.
    pub next_attempt_at: Timestamp,
    /// What the receiver answered.
    pub last_status: Option<u16>,
    /// What went wrong.
    pub last_error: Option<String>,
    /// Why the endpoint gets nothing more, if it does not.
    pub disables: Option<String>,
}

/// Which deliveries to take on.
#[derive(Clone, Debug)]
pub struct LeaseOrder<'a> {
    /// Of this endpoint.
    pub endpoint: Id,
    /// Due by now.
    pub now: Timestamp,
    /// Until when they are ours.
    pub until: Timestamp,
    /// Who takes them.
    pub owner: &'a str,
    /// How many, at most.
    pub limit: u32,
}

/// Which deliveries to list.
#[derive(Clone, Debug)]
pub struct DeliveryFilter {
    /// Of this endpoint.
    pub endpoint: Id,
    /// Standing here.
    pub status: Option<DeliveryStatus>,
    /// After this number.
    pub after_seq: i64,
    /// How many, at most.
    pub limit: u32,
}

/// Which settled deliveries are to be tried again.
#[derive(Clone, Debug)]
pub enum Replay {
    /// Those with numbers from one through another.
    Range {
        /// The first.
        from: i64,
        /// The last.
        through: i64,
    },
    /// Those that tell these facts under these names.
    Events(Vec<(Id, String)>),
}

/// How much is still to be told.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Backlog {
    /// Deliveries that are still tried.
    pub pending: i64,
    /// Since when the oldest of them waits.
    pub oldest: Option<Timestamp>,
}
