//! How a webhook endpoint looks from outside.

#![allow(unused_qualifications, reason = "the contract's macros name their types in full")]

use secrecy::ExposeSecret;
use serde::Serialize;
use utoipa::ToSchema;

use super::word;
use crate::domain::calendar::Timestamp;
use crate::store::WebhookEndpoint;

/// The prefix of an endpoint's id.
pub const PREFIX: &str = "wep";

/// An endpoint.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = WebhookEndpoint)]
pub struct EndpointView {
    /// The endpoint.
    #[schema(example = "wep_01k6y3b5wqe7h8m2n4p6r8t0v2")]
    pub id: String,
    /// Where it is told.
    pub url: String,
    /// What it is told.
    pub event_types: Vec<String>,
    /// `pending` (not proved yet), `active` or `disabled`.
    pub status: String,
    /// Why it is not told.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub disabled_reason: Option<String>,
    /// The number of its last event.
    pub last_seq: i64,
    /// Since when it is known.
    #[schema(value_type = String, format = DateTime)]
    pub created_at: Timestamp,
    /// Until when the old secret signs as well.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, format = DateTime)]
    pub retiring_secret_until: Option<Timestamp>,
    /// What signs; shown once, when it is made.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub secret: Option<String>,
}

/// The endpoints of a party.
#[derive(Debug, Serialize, ToSchema)]
pub struct EndpointList {
    /// All of them.
    pub data: Vec<EndpointView>,
}

impl EndpointView {
    /// As it stands.
    #[must_use]
    pub fn of(endpoint: &WebhookEndpoint) -> Self {
        Self {
            id: endpoint.id.with_prefix(PREFIX),
            url: endpoint.url.clone(),
            event_types: endpoint.event_types.clone(),
            status: word(&endpoint.status),
            disabled_reason: endpoint.disabled_reason.clone(),
            last_seq: endpoint.last_seq,
            created_at: endpoint.created_at,
            retiring_secret_until: endpoint.retiring.as_ref().map(|(_, until)| *until),
            secret: None,
        }
    }

    /// With the secret, which is shown when it was made.
    #[must_use]
    pub fn with_secret(endpoint: &WebhookEndpoint) -> Self {
        Self { secret: Some(endpoint.secret.expose_secret().to_owned()), ..Self::of(endpoint) }
    }
}
