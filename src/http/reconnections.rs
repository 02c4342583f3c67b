//! Reconnection orders: asking for one, following it, and reporting on it.

#![allow(unused_qualifications, reason = "the contract's macros name their types in full")]

use actix_web::http::header;
use actix_web::{HttpRequest, HttpResponse, web};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use validator::Validate;

use super::answer::created;
use super::extract::Body;
use super::faults::{Reader, one_line};
use super::idempotency::Key;
use super::openapi::{ProcessingAnswer, Refusals, WriteRefusals};
use super::payments::id_in_path;
use super::problem::Problem;
use super::views::lists;
use super::views::orders::{MoveView, OrderView};
use super::{Edge, page};
use crate::auth::caller::{Authorized, ReconnectionsFulfil, ReconnectionsRead, ReconnectionsWrite};
use crate::domain::command::{Caller, Command, MoveOrder, PartyKind};
use crate::domain::fact::OrderStatus;
use crate::domain::ids::PartyId;
use crate::store::{OrderFilter, OrderRecord};

const PLACE: &str = "/v1/reconnections";

/// A supply to be restored.
#[derive(Clone, Debug, Deserialize, Validate, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ReconnectionRequest {
    /// The account number, with its leading zeros.
    #[validate(required)]
    #[schema(value_type = String, example = "000123456", required = true, nullable = false)]
    pub account_number: Option<String>,
}

/// A report on an order.
#[derive(Clone, Debug, Deserialize, Validate, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct StatusRequest {
    /// `dispatched`, `in_progress`, `completed` or `failed`.
    #[validate(required)]
    #[schema(value_type = String, example = "dispatched", required = true, nullable = false)]
    pub status: Option<String>,
    /// When that happened, if not now (RFC 3339 with offset).
    #[schema(format = DateTime)]
    pub at: Option<String>,
    /// Why; required for a failure.
    #[validate(length(min = 1, max = 200), custom(function = "one_line"))]
    #[schema(min_length = 1, max_length = 200)]
    pub reason: Option<String>,
    /// Who did it.
    #[validate(length(min = 1, max = 60), custom(function = "one_line"))]
    #[schema(min_length = 1, max_length = 60)]
    pub crew: Option<String>,
}

/// Which orders.
#[derive(Clone, Debug, Default, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct OrderQuery {
    /// Standing here now.
    pub status: Option<String>,
    /// For this account.
    pub account_number: Option<String>,
    /// Entries of a page, 1 to 200; 50 when nothing is said.
    pub limit: Option<String>,
    /// Where the page begins: `next_cursor` of the page before.
    pub cursor: Option<String>,
}

/// A page of orders.
#[derive(Debug, Serialize, ToSchema)]
pub struct OrderPage {
    /// The orders.
    pub data: Vec<OrderView>,
    /// Where the next page begins; absent on the last one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub next_cursor: Option<String>,
}

/// Asks for the supply of a suspended account that has paid.
#[utoipa::path(
    post, path = "/v1/reconnections", tag = "reconnections", operation_id = "requestReconnection",
    params(("Idempotency-Key" = String, Header, description = "1 to 255 visible ASCII characters, quoted or bare.")),
    request_body(content = ReconnectionRequest, description = "The account."),
    responses(
        (status = 201, description = "The order; the legal clock is running.", body = OrderView),
        ProcessingAnswer, WriteRefusals,
    ),
    security(("mutual_tls" = [], "oauth2" = ["reconnections:write"])),
)]
pub async fn create(
    edge: web::Data<Edge>,
    authorized: Authorized<ReconnectionsWrite>,
    key: Key,
    body: Body<ReconnectionRequest>,
) -> Result<HttpResponse, Problem> {
    let mut read = Reader::of(&body.value);
    read.add(&body.faults);
    let rule = &edge.config.counter.account_number;
    let account_number = read.account("/account_number", body.value.account_number.as_deref(), rule);
    read.finish()?;
    let hash = body.hash("POST", PLACE);
    let answer = edge.submit(&authorized.caller, key, hash, Command::Reconnect { account_number }).await?;
    created(answer, PLACE, OrderView::of)
}

/// One order: a partner's own, or any for the reconnection service and operators.
#[utoipa::path(
    get, path = "/v1/reconnections/{id}", tag = "reconnections", operation_id = "getReconnection",
    params(("id" = String, Path, description = "The order's id.", example = "rec_01k6y3b5wqe7h8m2n4p6r8t0v2")),
    responses((status = 200, description = "The order, as it stands now.", body = OrderView), Refusals),
    security(("mutual_tls" = [], "oauth2" = ["reconnections:write"]), ("mutual_tls" = [], "oauth2" = ["reconnections:fulfil"])),
)]
pub async fn get(
    edge: web::Data<Edge>,
    authorized: Authorized<ReconnectionsRead>,
    path: web::Path<String>,
) -> Result<HttpResponse, Problem> {
    let id = id_in_path(&path, "rec")?;
    let record = edge.read("reconnection", move |connection| connection.order(id)).await?;
    let owner = owner(&authorized.caller);
    let record = record.filter(|record| owner.is_none_or(|party| record.order.party == party));
    let view = record.as_ref().and_then(OrderView::now).ok_or_else(|| Problem::new("not-found"))?;
    Ok(HttpResponse::Ok().insert_header((header::CACHE_CONTROL, "no-store")).json(view))
}

/// Orders: a partner's own, or all for the reconnection service and operators.
#[utoipa::path(
    get, path = "/v1/reconnections", tag = "reconnections", operation_id = "listReconnections",
    params(OrderQuery),
    responses((status = 200, description = "A page of orders; Link has the next.", body = OrderPage), Refusals),
    security(("mutual_tls" = [], "oauth2" = ["reconnections:write"]), ("mutual_tls" = [], "oauth2" = ["reconnections:fulfil"])),
)]
pub async fn list(
    edge: web::Data<Edge>,
    authorized: Authorized<ReconnectionsRead>,
    request: HttpRequest,
) -> Result<HttpResponse, Problem> {
    let query: OrderQuery = page::query(&request)?;
    let mut read = Reader::default();
    let (limit, after) = page::bounds(&mut read, query.limit.as_deref(), query.cursor.as_deref(), "rec");
    let rule = &edge.config.counter.account_number;
    let account_number = query.account_number.as_deref();
    let filter = OrderFilter {
        party: owner(&authorized.caller),
        account_number: account_number.map(|text| read.account("account_number", Some(text), rule)),
        status: read.word("status", query.status.as_deref(), lists::ORDER_STATUSES),
        after,
        limit: limit + 1,
    };
    read.finish()?;
    let rows = edge.read("reconnections", move |connection| connection.orders(&filter)).await?;
    Ok(page::answer(&request, rows, limit, |record: &OrderRecord| record.order.public_id(), OrderView::now))
}

/// Reports on an order.
#[utoipa::path(
    post, path = "/v1/reconnections/{id}/status", tag = "reconnections", operation_id = "reportReconnection",
    params(
        ("id" = String, Path, description = "The order's id."),
        ("Idempotency-Key" = String, Header, description = "1 to 255 visible ASCII characters, quoted or bare."),
    ),
    request_body(content = StatusRequest, description = "Where the order stands now."),
    responses(
        (status = 201, description = "The report is kept.", body = MoveView),
        ProcessingAnswer, WriteRefusals,
    ),
    security(("mutual_tls" = [], "oauth2" = ["reconnections:fulfil"])),
)]
pub async fn report(
    edge: web::Data<Edge>,
    authorized: Authorized<ReconnectionsFulfil>,
    path: web::Path<String>,
    key: Key,
    body: Body<StatusRequest>,
) -> Result<HttpResponse, Problem> {
    let order_id = id_in_path(&path, "rec")?;
    let request = &body.value;
    let mut read = Reader::of(request);
    read.add(&body.faults);
    let at = read.instant("/at", request.at.as_deref());
    let status: Option<OrderStatus> = read.word("/status", request.status.as_deref(), lists::ORDER_MOVES);
    if matches!(status, Some(OrderStatus::Requested | OrderStatus::Cancelled)) {
        let list = lists::ORDER_MOVES;
        read.fault("/status", "one-of", format!("es uno de: {list}"), format!("is one of: {list}"));
    }
    if status == Some(OrderStatus::Failed) && request.reason.is_none() {
        read.fault("/reason", "required", "es obligatorio si falló", "is required for a failure");
    }
    read.finish()?;
    let command = Command::MoveOrder(MoveOrder {
        order_id,
        status: status.unwrap_or(OrderStatus::Failed),
        at,
        reason: request.reason.clone(),
        crew: request.crew.clone(),
    });
    let hash = body.hash("POST", &format!("{PLACE}/{path}/status"));
    created(edge.submit(&authorized.caller, key, hash, command).await?, "", MoveView::of)
}

/// Whose orders a caller sees: a partner its own, the others all.
fn owner(caller: &Caller) -> Option<PartyId> {
    (caller.kind == PartyKind::Partner).then(|| caller.party.clone())
}
