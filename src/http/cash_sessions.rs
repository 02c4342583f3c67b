//! Cash sessions: opening a drawer, and counting it.

use actix_web::http::header;
use actix_web::{HttpResponse, web};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use validator::Validate;

use super::Edge;
use super::answer::created;
use super::extract::Body;
use super::faults::{Reader, one_line, plain_name};
use super::idempotency::Key;
use super::openapi::{ProcessingAnswer, Refusals, WriteRefusals};
use super::payments::{id_in_path, till_name};
use super::problem::Problem;
use super::views::sessions::{CashSessionView, SessionCloseView};
use crate::auth::caller::{Authorized, CashSessionsWrite};
use crate::domain::command::{Close, Command, Open};
use crate::domain::fact::Denomination;

const PLACE: &str = "/v1/cash-sessions";

/// A drawer that begins to take money.
#[derive(Clone, Debug, Deserialize, Validate, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct OpenRequest {
    /// The drawer, as the partner calls it.
    #[validate(required, length(min = 1, max = 20), custom(function = "plain_name"))]
    #[schema(value_type = String, min_length = 1, max_length = 20, example = "C1", required = true, nullable = false)]
    pub till: Option<String>,
    /// Who sits at it.
    #[validate(required, length(min = 1, max = 60), custom(function = "one_line"))]
    #[schema(value_type = String, min_length = 1, max_length = 60, required = true, nullable = false)]
    pub cashier: Option<String>,
    /// What is in it.
    #[validate(required)]
    #[schema(value_type = String, example = "50000.00", required = true, nullable = false)]
    pub base: Option<String>,
}

/// A counted drawer. The count is blind: what is expected is told only by the answer.
#[derive(Clone, Debug, Deserialize, Validate, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct CloseRequest {
    /// Who counted.
    #[validate(required, length(min = 1, max = 60), custom(function = "one_line"))]
    #[schema(value_type = String, min_length = 1, max_length = 60, required = true, nullable = false)]
    pub cashier: Option<String>,
    /// How many of each denomination; none: an empty drawer.
    #[validate(required, length(min = 0, max = 40))]
    #[schema(value_type = Vec<DenominationRequest>, max_items = 40, required = true, nullable = false)]
    pub denominations: Option<Vec<DenominationRequest>>,
}

/// How many notes or coins of one value.
#[derive(Clone, Debug, Deserialize, Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct DenominationRequest {
    /// The value of one.
    #[schema(value_type = String, example = "50000.00", required = true, nullable = false)]
    pub value: Option<String>,
    /// How many.
    #[schema(value_type = u32, maximum = 1_000_000, required = true, nullable = false)]
    pub count: Option<u32>,
}

/// Notes of one value, at most.
const MAX_COUNT: u32 = 1_000_000;

/// Opens a cash session.
#[utoipa::path(
    post, path = "/v1/cash-sessions", tag = "cash-sessions", operation_id = "openCashSession",
    params(("Idempotency-Key" = String, Header, description = "1 to 255 visible ASCII characters, quoted or bare.")),
    request_body(content = OpenRequest, description = "The drawer, the cashier and the base."),
    responses(
        (status = 201, description = "The session is open.", body = CashSessionView),
        ProcessingAnswer, WriteRefusals,
    ),
    security(("mutual_tls" = [], "oauth2" = ["cash-sessions:write"])),
)]
pub async fn open(
    edge: web::Data<Edge>,
    authorized: Authorized<CashSessionsWrite>,
    key: Key,
    body: Body<OpenRequest>,
) -> Result<HttpResponse, Problem> {
    let request = &body.value;
    let mut read = Reader::of(request);
    read.add(&body.faults);
    let base = read.amount("/base", request.base.as_deref()).unwrap_or_default();
    read.finish()?;
    let command = Command::Open(Open {
        till: till_name(request.till.as_deref()),
        cashier: request.cashier.clone().unwrap_or_default(),
        base,
    });
    let hash = body.hash("POST", PLACE);
    created(edge.submit(&authorized.caller, key, hash, command).await?, PLACE, CashSessionView::opened)
}

/// Counts a drawer and closes its session.
#[utoipa::path(
    post, path = "/v1/cash-sessions/{id}/close", tag = "cash-sessions", operation_id = "closeCashSession",
    params(
        ("id" = String, Path, description = "The session's id."),
        ("Idempotency-Key" = String, Header, description = "1 to 255 visible ASCII characters, quoted or bare."),
    ),
    request_body(content = CloseRequest, description = "The blind count."),
    responses(
        (status = 201, description = "The session is closed: expected, counted, difference.", body = SessionCloseView),
        ProcessingAnswer, WriteRefusals,
    ),
    security(("mutual_tls" = [], "oauth2" = ["cash-sessions:write"])),
)]
pub async fn close(
    edge: web::Data<Edge>,
    authorized: Authorized<CashSessionsWrite>,
    path: web::Path<String>,
    key: Key,
    body: Body<CloseRequest>,
) -> Result<HttpResponse, Problem> {
    let session_id = id_in_path(&path, "ses")?;
    let request = &body.value;
    let mut read = Reader::of(request);
    read.add(&body.faults);
    let denominations = denominations(&mut read, request.denominations.as_deref().unwrap_or_default());
    read.finish()?;
    let cashier = request.cashier.clone().unwrap_or_default();
    let command = Command::Close(Close { session_id, cashier, denominations });
    let hash = body.hash("POST", &format!("{PLACE}/{path}/close"));
    created(edge.submit(&authorized.caller, key, hash, command).await?, "", |fact| {
        SessionCloseView::of(fact, &edge.keys)
    })
}

/// One of the caller's cash sessions.
#[utoipa::path(
    get, path = "/v1/cash-sessions/{id}", tag = "cash-sessions", operation_id = "getCashSession",
    params(("id" = String, Path, description = "The session's id.", example = "ses_01k6y3b5wqe7h8m2n4p6r8t0v2")),
    responses((status = 200, description = "The session.", body = CashSessionView), Refusals),
    security(("mutual_tls" = [], "oauth2" = ["cash-sessions:write"])),
)]
pub async fn get(
    edge: web::Data<Edge>,
    authorized: Authorized<CashSessionsWrite>,
    path: web::Path<String>,
) -> Result<HttpResponse, Problem> {
    let id = id_in_path(&path, "ses")?;
    let party = authorized.caller.party;
    let session = edge.read("cash_session", move |connection| connection.session(&party, id)).await?;
    let view = session.and_then(|session| CashSessionView::of(&session, &edge.keys));
    let view = view.ok_or_else(|| Problem::new("not-found"))?;
    Ok(HttpResponse::Ok().insert_header((header::CACHE_CONTROL, "no-store")).json(view))
}

fn denominations(read: &mut Reader, counted: &[DenominationRequest]) -> Vec<Denomination> {
    let mut denominations = Vec::with_capacity(counted.len());
    for (index, item) in counted.iter().enumerate() {
        read.within(format!("/denominations/{index}"));
        if item.value.is_none() {
            read.fault("/value", "required", "es obligatorio", "is required");
        }
        let count = item.count.filter(|count| *count <= MAX_COUNT);
        if count.is_none() {
            read.fault("/count", "range", format!("es de 0 a {MAX_COUNT}"), format!("is 0 to {MAX_COUNT}"));
        }
        let value = read.money("/value", item.value.as_deref());
        denominations.push(Denomination { value, count: count.unwrap_or(0) });
    }
    denominations
}
