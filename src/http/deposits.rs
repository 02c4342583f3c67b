//! Deposits: cash that went to the bank, and what the bank shows of it.

use actix_web::http::header;
use actix_web::{HttpResponse, web};
use serde::Deserialize;
use utoipa::ToSchema;
use validator::Validate;

use super::Edge;
use super::answer::created;
use super::extract::Body;
use super::faults::{Reader, one_line, pesos};
use super::idempotency::Key;
use super::openapi::{ProcessingAnswer, Refusals, WriteRefusals};
use super::payments::id_in_path;
use super::problem::Problem;
use super::views::sessions::{DepositRecordView, DepositView, VerificationView};
use crate::auth::caller::{Admin, Authorized, CashSessionsWrite, DepositsRead};
use crate::domain::command::{Command, DeclareDeposit, Needs, PartyKind, VerifyDeposit};
use crate::domain::deposit::series;

const PLACE: &str = "/v1/deposits";

/// A slip of the bank.
#[derive(Clone, Debug, Deserialize, Validate, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct DepositRequest {
    /// The bank's slip number; with the day of the slip it is declared once.
    #[validate(required, length(min = 1, max = 40), custom(function = "one_line"))]
    #[schema(value_type = String, min_length = 1, max_length = 40, required = true, nullable = false)]
    pub slip_number: Option<String>,
    /// How much.
    #[validate(required)]
    #[schema(value_type = String, example = "1250000.00", required = true, nullable = false)]
    pub amount: Option<String>,
    /// Always `COP`.
    #[validate(required, custom(function = "pesos"))]
    #[schema(value_type = String, example = "COP", required = true, nullable = false)]
    pub currency: Option<String>,
    /// The day of the slip (`YYYY-MM-DD`).
    #[validate(required)]
    #[schema(value_type = String, format = Date, required = true, nullable = false)]
    pub deposited_on: Option<String>,
    /// The sessions whose cash it is. The exposure of their collection points is released in the proportion
    /// of the cash that they took; where none is named, that of the collection point that declares.
    #[serde(default)]
    #[validate(length(min = 0, max = 100))]
    #[schema(max_items = 100)]
    pub sessions: Vec<String>,
}

/// What the bank shows of a deposit.
#[derive(Clone, Debug, Deserialize, Validate, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct VerificationRequest {
    /// How much of it.
    #[validate(required)]
    #[schema(value_type = String, example = "1250000.00", required = true, nullable = false)]
    pub amount: Option<String>,
    /// The bank's reference.
    #[validate(length(min = 1, max = 64), custom(function = "one_line"))]
    #[schema(min_length = 1, max_length = 64)]
    pub bank_reference: Option<String>,
}

/// Says that cash went to the bank.
#[utoipa::path(
    post, path = "/v1/deposits", tag = "deposits", operation_id = "declareDeposit",
    params(("Idempotency-Key" = String, Header, description = "1 to 255 visible ASCII characters, quoted or bare.")),
    request_body(content = DepositRequest, description = "The slip."),
    responses(
        (status = 201, description = "The deposit is declared; it releases exposure when verified.", body = DepositView),
        ProcessingAnswer, WriteRefusals,
    ),
    security(("mutual_tls" = [], "oauth2" = ["cash-sessions:write"])),
)]
pub async fn declare(
    edge: web::Data<Edge>,
    authorized: Authorized<CashSessionsWrite>,
    key: Key,
    body: Body<DepositRequest>,
) -> Result<HttpResponse, Problem> {
    let request = &body.value;
    let mut read = Reader::of(request);
    read.add(&body.faults);
    let amount = read.money("/amount", request.amount.as_deref());
    let deposited_on = read.date("/deposited_on", request.deposited_on.as_deref());
    let today = edge.config.counter.calendar_date(edge.clock.now());
    if deposited_on.is_some_and(|date| date > today) {
        read.fault("/deposited_on", "date", "no está en el futuro", "does not lie in the future");
    }
    let sessions = request.sessions.iter().enumerate();
    let sessions = sessions.filter_map(|(i, text)| read.id(&format!("/sessions/{i}"), Some(text), "ses")).collect();
    read.finish()?;
    let slip_number = request.slip_number.clone().unwrap_or_default();
    let deposited_on = deposited_on.unwrap_or(today);
    let command = Command::Deposit(DeclareDeposit { slip_number, amount, deposited_on, sessions });
    let hash = body.hash("POST", PLACE);
    created(edge.submit(&authorized.caller, key, hash, command).await?, PLACE, DepositView::of)
}

/// Says what the bank shows of a deposit.
#[utoipa::path(
    post, path = "/v1/deposits/{id}/verification", tag = "deposits", operation_id = "verifyDeposit",
    params(
        ("id" = String, Path, description = "The deposit's id."),
        ("Idempotency-Key" = String, Header, description = "1 to 255 visible ASCII characters, quoted or bare."),
    ),
    request_body(content = VerificationRequest, description = "How much the bank shows."),
    responses(
        (status = 201, description = "The deposit is verified, in whole or in part.", body = VerificationView),
        ProcessingAnswer, WriteRefusals,
    ),
    security(("mutual_tls" = [], "oauth2" = ["admin"])),
)]
pub async fn verify(
    edge: web::Data<Edge>,
    authorized: Authorized<Admin>,
    path: web::Path<String>,
    key: Key,
    body: Body<VerificationRequest>,
) -> Result<HttpResponse, Problem> {
    let deposit_id = id_in_path(&path, "dep")?;
    let request = &body.value;
    let mut read = Reader::of(request);
    read.add(&body.faults);
    let amount = read.money("/amount", request.amount.as_deref());
    read.finish()?;
    let bank_reference = request.bank_reference.clone();
    let command = Command::VerifyDeposit(VerifyDeposit { deposit_id, amount, bank_reference });
    let hash = body.hash("POST", &format!("{PLACE}/{path}/verification"));
    created(edge.submit(&authorized.caller, key, hash, command).await?, "", VerificationView::of)
}

/// One deposit: a partner's own, or any for an operator.
#[utoipa::path(
    get, path = "/v1/deposits/{id}", tag = "deposits", operation_id = "getDeposit",
    params(("id" = String, Path, description = "The deposit's id.", example = "dep_01k6y3b5wqe7h8m2n4p6r8t0v2")),
    responses((status = 200, description = "The deposit, and its last verification.", body = DepositRecordView), Refusals),
    security(("mutual_tls" = [], "oauth2" = ["cash-sessions:write"]), ("mutual_tls" = [], "oauth2" = ["admin"])),
)]
pub async fn get(
    edge: web::Data<Edge>,
    authorized: Authorized<DepositsRead>,
    path: web::Path<String>,
) -> Result<HttpResponse, Problem> {
    let id = id_in_path(&path, "dep")?;
    let policy = std::sync::Arc::clone(&edge.policy);
    let (needs, now) = (Needs { facts: [id].into(), ..Needs::default() }, edge.clock.now());
    let world = edge.read("deposit", move |connection| connection.load_world(&needs, &policy, now)).await?;
    let sees_all = authorized.caller.kind == PartyKind::Operator;
    let declared = world.facts.get(&id).filter(|fact| sees_all || fact.party == authorized.caller.party);
    let deposit = declared.and_then(|fact| DepositView::of(fact)).ok_or_else(|| Problem::new("not-found"))?;
    let verification = world.last_of.get(&series(id)).and_then(|fact| VerificationView::of(fact));
    let view = DepositRecordView { deposit, verification };
    Ok(HttpResponse::Ok().insert_header((header::CACHE_CONTROL, "no-store")).json(view))
}
