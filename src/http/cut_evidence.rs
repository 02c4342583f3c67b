//! Who knew what when: the instants around a cut, so that a charge for it can be waived on evidence.

#![allow(unused_qualifications, reason = "the contract's macros name their types in full")]

use actix_web::http::header;
use actix_web::{HttpResponse, web};
use serde::Serialize;
use utoipa::ToSchema;

use super::Edge;
use super::faults::Reader;
use super::openapi::Refusals;
use super::problem::Problem;
use super::views::orders::CutView;
use super::views::webhooks::PREFIX;
use super::views::word;
use crate::auth::caller::{Authorized, ReconnectionsFulfil};
use crate::domain::account::ServiceStatus;
use crate::domain::calendar::{BusinessDate, Timestamp};
use crate::domain::fact::{Body, Fact};
use crate::domain::ids::Id;
use crate::domain::position::AccountState;
use crate::store::{Connection, StoreError, WebhookDelivery};
use crate::webhooks::events::EventType;
use crate::webhooks::payload::event_id;

/// How far back an account's history is looked through.
const HISTORY: u32 = 200;

/// The instants around a cut.
#[derive(Debug, Serialize, ToSchema)]
pub struct CutEvidence {
    /// The account.
    pub account_number: String,
    /// The cut, as billing reported it last; absent when the account is in service.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reported_cut: Option<ReportedCut>,
    /// Cuts that whoever made them reported, latest first.
    pub cuts: Vec<CutView>,
    /// What cleared the cause of a cut, latest first.
    pub clearings: Vec<Clearing>,
}

/// A cut as billing reported it.
#[derive(Debug, Serialize, ToSchema)]
pub struct ReportedCut {
    /// Since when.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, format = Date)]
    pub since: Option<BusinessDate>,
    /// Why.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cause: Option<String>,
    /// The snapshot that says so.
    pub snapshot: String,
    /// When that was made.
    #[schema(value_type = String, format = DateTime)]
    pub as_of: Timestamp,
}

/// A payment or an order that cleared the cause, and who was told of it.
#[derive(Debug, Serialize, ToSchema)]
pub struct Clearing {
    /// `suspension.cancel_requested` or `reconnection.requested`.
    #[serde(rename = "type")]
    pub event: String,
    /// The identity of the event.
    pub event_id: String,
    /// The payment that cleared the cause.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub payment_id: Option<String>,
    /// The instant of payment: when the cause was removed.
    #[schema(value_type = String, format = DateTime)]
    pub cleared_at: Timestamp,
    /// The instant of the event, which is the commit's.
    #[schema(value_type = String, format = DateTime)]
    pub recorded_at: Timestamp,
    /// Who was told.
    pub notices: Vec<Notice>,
}

/// One receiver that was told.
#[derive(Debug, Serialize, ToSchema)]
pub struct Notice {
    /// Whose endpoint; absent when it is gone.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub party: Option<String>,
    /// The endpoint.
    pub endpoint: String,
    /// `pending`, `delivered` or `dead`.
    pub status: String,
    /// Attempts that ended.
    pub attempts: u32,
    /// When the receiver first said that it has it.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, format = DateTime)]
    pub acknowledged_at: Option<Timestamp>,
}

/// The instants of payment, event, acknowledgement and reported cut.
#[utoipa::path(
    get, path = "/v1/accounts/{account_number}/cut-evidence", tag = "reconnections", operation_id = "getCutEvidence",
    params(("account_number" = String, Path, description = "The account number.", example = "000123456")),
    responses((status = 200, description = "What is known, latest first.", body = CutEvidence), Refusals),
    security(("mutual_tls" = [], "oauth2" = ["reconnections:fulfil"])),
)]
pub async fn get(
    edge: web::Data<Edge>,
    _authorized: Authorized<ReconnectionsFulfil>,
    path: web::Path<String>,
) -> Result<HttpResponse, Problem> {
    let mut read = Reader::default();
    let number = read.account("account_number", Some(path.as_str()), &edge.config.counter.account_number);
    read.finish()?;
    let evidence = edge.read("cut_evidence", move |connection| {
        let Some(state) = connection.load_accounts(std::slice::from_ref(&number))?.remove(&number) else {
            return Ok(None);
        };
        let history = connection.account_history(&number, HISTORY)?;
        gather(connection, &state, &history).map(Some)
    });
    let evidence = evidence.await?.ok_or_else(|| Problem::new("account-not-found"))?;
    Ok(HttpResponse::Ok().insert_header((header::CACHE_CONTROL, "no-store")).json(evidence))
}

fn gather(
    connection: &mut Connection,
    state: &AccountState,
    history: &[std::sync::Arc<Fact>],
) -> Result<CutEvidence, StoreError> {
    let clearings: Vec<(&Fact, EventType, Timestamp, Option<Id>)> =
        history.iter().filter_map(|fact| clearing(fact)).collect();
    let ids: Vec<Id> = clearings.iter().map(|(fact, ..)| fact.id).collect();
    let told = if ids.is_empty() { Vec::new() } else { connection.webhook_deliveries_of(&ids)? };
    let endpoints = connection.webhook_endpoints(None, crate::webhooks::fan_out::MAX_ENDPOINTS)?;
    let notice = |delivery: &WebhookDelivery| Notice {
        party: endpoints.iter().find(|known| known.id == delivery.endpoint).map(|known| known.party.to_string()),
        endpoint: delivery.endpoint.with_prefix(PREFIX),
        status: word(&delivery.status),
        attempts: delivery.attempts,
        acknowledged_at: delivery.acknowledged_at,
    };
    let clearings = clearings.into_iter().map(|(fact, event, cleared_at, payment)| {
        let of_it = |delivery: &&WebhookDelivery| delivery.fact == fact.id && delivery.event == event.as_str();
        Clearing {
            event: event.as_str().to_owned(),
            event_id: event_id(fact.id, event),
            payment_id: payment.map(|id| id.with_prefix("pay")),
            cleared_at,
            recorded_at: fact.recorded_at,
            notices: told.iter().filter(of_it).map(notice).collect(),
        }
    });
    let service = &state.account.service;
    let reported_cut = (service.status == ServiceStatus::Suspended).then(|| ReportedCut {
        since: service.since,
        cause: service.cause.as_ref().map(word),
        snapshot: state.snapshot.id.clone(),
        as_of: state.snapshot.as_of,
    });
    let account_number = state.account.account_number.to_string();
    let cuts = history.iter().filter_map(|fact| CutView::of(fact)).collect();
    Ok(CutEvidence { account_number, reported_cut, cuts, clearings: clearings.collect() })
}

fn clearing(fact: &Fact) -> Option<(&Fact, EventType, Timestamp, Option<Id>)> {
    match &fact.body {
        Body::Payment(payment) if payment.cancels_suspension => {
            let paid = payment.collected_at.unwrap_or(fact.recorded_at);
            Some((fact, EventType::SuspensionCancelRequested, paid, Some(fact.id)))
        }
        Body::ReconnectionOrder(order) => {
            Some((fact, EventType::ReconnectionRequested, order.cleared_at, order.payment_id))
        }
        _ => None,
    }
}
