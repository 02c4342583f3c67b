//! What was told and what was not: deliveries, the events behind them, and telling them again.

#![allow(unused_qualifications, reason = "the contract's macros name their types in full")]

use std::collections::HashMap;
use std::sync::Arc;

use actix_web::http::header;
use actix_web::{HttpRequest, HttpResponse, web};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use validator::Validate;

use super::answer::not_executed;
use super::extract::Body;
use super::faults::Reader;
use super::openapi::{Refusals, WriteRefusals};
use super::payments::id_in_path;
use super::problem::Problem;
use super::views::webhooks::PREFIX;
use super::views::word;
use super::webhook_endpoints::own;
use super::{Edge, page};
use crate::auth::caller::{Authorized, Webhooks};
use crate::domain::calendar::Timestamp;
use crate::domain::command::Caller;
use crate::domain::fact::Fact;
use crate::domain::ids::Id;
use crate::store::{DeliveryFilter, DeliveryStatus, Replay, WebhookDelivery, WebhookEndpoint};
use crate::webhooks::events::{EventType, ID_PREFIX};
use crate::webhooks::fan_out::MAX_ENDPOINTS;
use crate::webhooks::payload;

/// Which deliveries.
#[derive(Clone, Debug, Default, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct DeliveryQuery {
    /// Of this endpoint; may be left out by a party that has only one.
    pub endpoint: Option<String>,
    /// `pending`, `delivered` or `dead`.
    pub status: Option<String>,
    /// Entries of a page, 1 to 200; 50 when nothing is said.
    pub limit: Option<String>,
    /// Where the page begins: `next_cursor` of the page before.
    pub cursor: Option<String>,
}

/// Which events.
#[derive(Clone, Debug, Default, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct EventQuery {
    /// Of this endpoint; may be left out by a party that has only one.
    pub endpoint: Option<String>,
    /// Those with a greater number; from the first when nothing is said.
    pub after_seq: Option<String>,
    /// Entries of a page, 1 to 200; 50 when nothing is said.
    pub limit: Option<String>,
    /// Where the page begins: `next_cursor` of the page before, instead of `after_seq`.
    pub cursor: Option<String>,
}

/// Which deliveries to make again: by id, or by number.
#[derive(Clone, Debug, Deserialize, Validate, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ReplayRequest {
    /// The ids of events (`evt_…`).
    #[validate(length(min = 1, max = 200))]
    #[schema(min_items = 1, max_items = 200)]
    pub ids: Option<Vec<String>>,
    /// The first number.
    pub from_seq: Option<i64>,
    /// The last number.
    pub through_seq: Option<i64>,
}

/// What is made again.
#[derive(Debug, Serialize, ToSchema)]
pub struct ReplayView {
    /// How many settled deliveries are tried again; those that are still tried are not counted.
    pub replayed: usize,
}

/// One event for one endpoint, and what became of it.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = WebhookDelivery)]
pub struct DeliveryView {
    /// The endpoint.
    pub endpoint: String,
    /// Its number among the endpoint's events.
    pub seq: i64,
    /// Its identity, as `webhook-id`.
    #[schema(example = "evt_01k6y3b5wqe7h8m2n4p6r8t0v2")]
    pub id: String,
    /// What happened.
    #[serde(rename = "type")]
    pub event: String,
    /// `pending`, `delivered` or `dead`.
    pub status: String,
    /// Attempts that ended.
    pub attempts: u32,
    /// When it is tried again.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, format = DateTime)]
    pub next_attempt_at: Option<Timestamp>,
    /// What was answered last.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub last_status: Option<u16>,
    /// What went wrong last.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub last_error: Option<String>,
    /// When it was put into the endpoint's list.
    #[schema(value_type = String, format = DateTime)]
    pub created_at: Timestamp,
    /// When it was delivered or given up.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, format = DateTime)]
    pub settled_at: Option<Timestamp>,
    /// When the receiver first said that it has it.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, format = DateTime)]
    pub acknowledged_at: Option<Timestamp>,
}

/// A page of deliveries.
#[derive(Debug, Serialize, ToSchema)]
pub struct DeliveryPage {
    /// In the order of their numbers.
    pub data: Vec<DeliveryView>,
    /// Where the next page begins; absent on the last one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub next_cursor: Option<String>,
}

/// An event as it was or will be delivered, with its identity.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Event)]
pub struct EventView {
    /// Its identity, as `webhook-id`.
    #[schema(example = "evt_01k6y3b5wqe7h8m2n4p6r8t0v2")]
    pub id: String,
    /// What happened.
    #[serde(rename = "type")]
    pub event: String,
    /// When.
    #[schema(value_type = String, format = DateTime)]
    pub timestamp: Timestamp,
    /// The fact.
    #[schema(value_type = Object)]
    pub data: serde_json::Value,
    /// Its number among the endpoint's events.
    pub seq: i64,
}

/// A page of events.
#[derive(Debug, Serialize, ToSchema)]
pub struct EventPage {
    /// In the order of their numbers.
    pub data: Vec<EventView>,
    /// Where the next page begins; absent on the last one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub next_cursor: Option<String>,
}

impl DeliveryView {
    fn of(delivery: &WebhookDelivery) -> Option<Self> {
        let pending = delivery.status == DeliveryStatus::Pending;
        Some(Self {
            endpoint: delivery.endpoint.with_prefix(PREFIX),
            seq: delivery.seq,
            id: payload::event_id(delivery.fact, EventType::parse(&delivery.event)?),
            event: delivery.event.clone(),
            status: word(&delivery.status),
            attempts: delivery.attempts,
            next_attempt_at: pending.then_some(delivery.next_attempt_at),
            last_status: delivery.last_status,
            last_error: delivery.last_error.clone(),
            created_at: delivery.created_at,
            settled_at: delivery.settled_at,
            acknowledged_at: delivery.acknowledged_at,
        })
    }
}

/// What became of the events of one endpoint.
#[utoipa::path(
    get, path = "/v1/webhook-deliveries", tag = "webhooks", operation_id = "listWebhookDeliveries",
    params(DeliveryQuery),
    responses((status = 200, description = "A page of deliveries; Link has the next.", body = DeliveryPage), Refusals),
    security(("mutual_tls" = [], "oauth2" = ["webhooks:write"])),
)]
pub async fn list(
    edge: web::Data<Edge>,
    authorized: Authorized<Webhooks>,
    request: HttpRequest,
) -> Result<HttpResponse, Problem> {
    let query: DeliveryQuery = page::query(&request)?;
    let mut read = Reader::default();
    let (limit, _) = page::bounds(&mut read, query.limit.as_deref(), None, PREFIX);
    let after_seq = number(&mut read, "cursor", query.cursor.as_deref());
    let status = read.word("status", query.status.as_deref(), "pending, delivered, dead");
    let named = read.id("endpoint", query.endpoint.as_deref(), PREFIX);
    read.finish()?;
    let endpoint = endpoint(&edge, &authorized.caller, named).await?.id;
    let filter = DeliveryFilter { endpoint, status, after_seq, limit: limit + 1 };
    let rows = edge.read("webhook_deliveries", move |connection| connection.webhook_deliveries(&filter)).await?;
    Ok(page::answer(&request, rows, limit, |row: &WebhookDelivery| row.seq.to_string(), DeliveryView::of))
}

/// The events of one endpoint, for whoever missed some.
#[utoipa::path(
    get, path = "/v1/events", tag = "webhooks", operation_id = "listEvents",
    params(EventQuery),
    responses((status = 200, description = "A page of events; Link has the next.", body = EventPage), Refusals),
    security(("mutual_tls" = [], "oauth2" = ["webhooks:write"])),
)]
pub async fn events(
    edge: web::Data<Edge>,
    authorized: Authorized<Webhooks>,
    request: HttpRequest,
) -> Result<HttpResponse, Problem> {
    let query: EventQuery = page::query(&request)?;
    let mut read = Reader::default();
    let (limit, _) = page::bounds(&mut read, query.limit.as_deref(), None, PREFIX);
    let after_seq = number(&mut read, "after_seq", query.after_seq.as_deref());
    let after_seq = after_seq.max(number(&mut read, "cursor", query.cursor.as_deref()));
    let named = read.id("endpoint", query.endpoint.as_deref(), PREFIX);
    read.finish()?;
    let endpoint = endpoint(&edge, &authorized.caller, named).await?.id;
    let filter = DeliveryFilter { endpoint, status: None, after_seq, limit: limit + 1 };
    let found = edge.read("events", move |connection| {
        let rows = connection.webhook_deliveries(&filter)?;
        let mut ids: Vec<Id> = rows.iter().map(|row| row.fact).collect();
        ids.sort_unstable();
        ids.dedup();
        let facts = if ids.is_empty() { Vec::new() } else { connection.facts(&ids)? };
        Ok((rows, facts))
    });
    let (rows, facts) = found.await?;
    let facts: HashMap<Id, Arc<Fact>> = facts.into_iter().map(|fact| (fact.id, fact)).collect();
    let view = |row: &WebhookDelivery| {
        let (fact, event) = (facts.get(&row.fact)?, EventType::parse(&row.event)?);
        let (id, data) = (payload::event_id(fact.id, event), payload::data(fact, event));
        Some(EventView { id, event: row.event.clone(), timestamp: fact.recorded_at, data, seq: row.seq })
    };
    Ok(page::answer(&request, rows, limit, |row: &WebhookDelivery| row.seq.to_string(), view))
}

/// Makes settled deliveries again, under the same ids and numbers.
#[utoipa::path(
    post, path = "/v1/webhook-endpoints/{id}/replays", tag = "webhooks", operation_id = "replayWebhookDeliveries",
    params(("id" = String, Path, description = "The endpoint's id.")),
    request_body(content = ReplayRequest, description = "Either ids, or from_seq and through_seq."),
    responses((status = 202, description = "They are on their way.", body = ReplayView), WriteRefusals),
    security(("mutual_tls" = [], "oauth2" = ["webhooks:write"])),
)]
pub async fn replay(
    edge: web::Data<Edge>,
    authorized: Authorized<Webhooks>,
    path: web::Path<String>,
    body: Body<ReplayRequest>,
) -> Result<HttpResponse, Problem> {
    let id = id_in_path(&path, PREFIX)?;
    let mut read = Reader::of(&body.value);
    read.add(&body.faults);
    let replay = which(&mut read, &body.value, edge.config.webhooks.max_replay);
    read.finish()?;
    let endpoint = own(&edge, &authorized.caller, id).await?.id;
    let now = edge.clock.now();
    let done = edge
        .posting
        .write("webhook_replay", move |connection| connection.replay_webhook_deliveries(endpoint, &replay, now));
    let replayed = done.await.map_err(|error| not_executed(&error))?;
    Ok(HttpResponse::Accepted().insert_header((header::CACHE_CONTROL, "no-store")).json(ReplayView { replayed }))
}

fn which(read: &mut Reader, request: &ReplayRequest, most: u32) -> Replay {
    match (&request.ids, request.from_seq, request.through_seq) {
        (Some(ids), None, None) => {
            let at = |(at, text): (usize, &String)| read.id(&format!("/ids/{at}"), Some(text), ID_PREFIX);
            let events: Vec<Id> = ids.iter().enumerate().filter_map(at).collect();
            let named = |(fact, event): (Id, EventType)| (fact, event.as_str().to_owned());
            Replay::Events(events.into_iter().flat_map(payload::candidates).map(named).collect())
        }
        (None, Some(from), Some(through)) => {
            if from < 1 || through < from || through - from >= i64::from(most) {
                let (es, en) = (format!("abarca de 1 a {most} números"), format!("covers 1 to {most} numbers"));
                read.fault("/through_seq", "range", es, en);
            }
            Replay::Range { from, through }
        }
        _ => {
            read.fault("", "either", "es ids, o from_seq y through_seq", "is ids, or from_seq and through_seq");
            Replay::Events(Vec::new())
        }
    }
}

/// The endpoint that is meant: the one that is named, or the only one there is.
async fn endpoint(edge: &Edge, caller: &Caller, named: Option<Id>) -> Result<WebhookEndpoint, Problem> {
    if let Some(id) = named {
        return own(edge, caller, id).await;
    }
    let party = caller.party.clone();
    let all =
        edge.read("webhook_endpoints", move |connection| connection.webhook_endpoints(Some(&party), MAX_ENDPOINTS));
    let mut all = all.await?;
    match (all.pop(), all.is_empty()) {
        (Some(only), true) => Ok(only),
        (None, _) => Err(Problem::new("not-found")),
        (Some(_), false) => {
            Err(Problem::fault("endpoint", "required", "hay varios: diga cuál", "there are several: say which"))
        }
    }
}

fn number(read: &mut Reader, name: &str, text: Option<&str>) -> i64 {
    let Some(text) = text else { return 0 };
    text.parse().ok().filter(|number| *number >= 0).unwrap_or_else(|| {
        read.fault(name, "number", "es un número desde 0", "is a number from 0 on");
        0
    })
}
