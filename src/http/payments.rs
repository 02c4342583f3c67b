//! Payments: taking them, and seeing one's own.

#![allow(unused_qualifications, reason = "the contract's macros name their types in full")]

use actix_web::http::header;
use actix_web::{HttpRequest, HttpResponse, web};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use validator::Validate;

use super::answer::created;
use super::extract::Body;
use super::faults::{Reader, one_line, pesos, plain_name};
use super::idempotency::{self, Key};
use super::openapi::{ConditionalRefusals, ProcessingAnswer, Refusals};
use super::problem::{Fault, Problem};
use super::views::lists;
use super::views::payment::{PaymentRecordView, PaymentView};
use super::{Edge, page};
use crate::auth::caller::{Authorized, PaymentsRead, PaymentsWrite};
use crate::domain::command::{Command, Pay};
use crate::domain::fact::{PaymentKind, Tender};
use crate::domain::ids::{CollectionPointId, Id};
use crate::domain::policy::Policy;
use crate::store::PaymentFilter;

/// Where payments lie.
pub const PLACE: &str = "/v1/payments";

/// Money that is being taken.
#[derive(Clone, Debug, Default, Deserialize, Serialize, Validate, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct PaymentRequest {
    /// The account number, with its leading zeros.
    #[validate(required)]
    #[schema(value_type = String, example = "000123456", required = true, nullable = false)]
    pub account_number: Option<String>,
    /// Which of the three payments: `full`, `partial` or `installment`.
    #[serde(rename = "type")]
    #[validate(required)]
    #[schema(value_type = String, example = "full", required = true, nullable = false)]
    pub r#type: Option<String>,
    /// How much: digits with at most two decimals.
    #[validate(required)]
    #[schema(value_type = String, example = "85400.00", pattern = r"^[0-9]{1,11}(\.[0-9]{1,2})?$", required = true, nullable = false)]
    pub amount: Option<String>,
    /// Always `COP`.
    #[validate(required, custom(function = "pesos"))]
    #[schema(value_type = String, example = "COP", required = true, nullable = false)]
    pub currency: Option<String>,
    /// The agreement, for an installment.
    #[validate(length(min = 1, max = 40), custom(function = "one_line"))]
    #[schema(min_length = 1, max_length = 40)]
    pub agreement_id: Option<String>,
    /// What was handed over: `cash`, `debit_card`, `credit_card`, `transfer` or `cheque`.
    #[validate(required)]
    #[schema(value_type = String, example = "cash", required = true, nullable = false)]
    pub tender: Option<String>,
    /// The drawer, as the partner calls it.
    #[validate(required, length(min = 1, max = 20), custom(function = "plain_name"))]
    #[schema(value_type = String, min_length = 1, max_length = 20, example = "C1", required = true, nullable = false)]
    pub till: Option<String>,
    /// Who takes it.
    #[validate(required, length(min = 1, max = 60), custom(function = "one_line"))]
    #[schema(value_type = String, min_length = 1, max_length = 60, example = "ana", required = true, nullable = false)]
    pub cashier: Option<String>,
    /// When it was taken, if not now (RFC 3339 with offset).
    #[schema(format = DateTime)]
    pub collected_at: Option<String>,
    /// The partner's own name for it.
    #[validate(length(min = 1, max = 64), custom(function = "one_line"))]
    #[schema(min_length = 1, max_length = 64)]
    pub partner_reference: Option<String>,
    /// The earlier payment that this one is not, after `possible-duplicate`.
    pub confirm_distinct_from: Option<String>,
}

/// Which of one's own payments.
#[derive(Clone, Debug, Default, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct PaymentQuery {
    /// The one that was asked for under this key.
    pub idempotency_key: Option<String>,
    /// Taken at this place.
    pub collection_point: Option<String>,
    /// Taken at a drawer of this name.
    pub till: Option<String>,
    /// Of this business date (`YYYY-MM-DD`).
    pub business_date: Option<String>,
    /// On this account.
    pub account_number: Option<String>,
    /// Entries of a page, 1 to 200; 50 when nothing is said.
    pub limit: Option<String>,
    /// Where the page begins: `next_cursor` of the page before.
    pub cursor: Option<String>,
}

/// A page of payments.
#[derive(Debug, Serialize, ToSchema)]
pub struct PaymentPage {
    /// The payments, in the order of business date and id.
    pub data: Vec<PaymentRecordView>,
    /// Where the next page begins; absent on the last one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub next_cursor: Option<String>,
}

/// Takes a payment.
#[utoipa::path(
    post, path = "/v1/payments", tag = "payments", operation_id = "createPayment",
    params(
        ("Idempotency-Key" = String, Header, description = "1 to 255 visible ASCII characters, quoted or bare; a new one for each payment, the same one for each attempt."),
        ("If-Match" = Option<String>, Header, description = "The ETag of the look-up: 412 when the position has changed since."),
    ),
    request_body(content = PaymentRequest, description = "The payment."),
    responses(
        (status = 201, description = "The payment was taken, durably. A repeated call gets the same bytes and Idempotency-Replayed: true.", body = PaymentView),
        ProcessingAnswer, ConditionalRefusals,
    ),
    security(("mutual_tls" = [], "oauth2" = ["payments:write"])),
)]
pub async fn create(
    edge: web::Data<Edge>,
    authorized: Authorized<PaymentsWrite>,
    key: Key,
    request: HttpRequest,
    body: Body<PaymentRequest>,
) -> Result<HttpResponse, Problem> {
    let mut read = Reader::of(&body.value);
    read.add(&body.faults);
    let mut pay = body.value.pay(&mut read, &edge.config.counter);
    read.finish()?;
    pay.if_position = if_match(&request)?;
    let hash = body.hash("POST", PLACE);
    let answer = edge.submit(&authorized.caller, key, hash, Command::Pay(pay)).await?;
    created(answer, PLACE, PaymentView::of)
}

/// One of the caller's payments.
#[utoipa::path(
    get, path = "/v1/payments/{id}", tag = "payments", operation_id = "getPayment",
    params(("id" = String, Path, description = "The payment's id.", example = "pay_01k6y3b5wqe7h8m2n4p6r8t0v2")),
    responses((status = 200, description = "The payment, and what became of it.", body = PaymentRecordView), Refusals),
    security(("mutual_tls" = [], "oauth2" = ["payments:write"])),
)]
pub async fn get(
    edge: web::Data<Edge>,
    authorized: Authorized<PaymentsRead>,
    path: web::Path<String>,
) -> Result<HttpResponse, Problem> {
    let id = id_in_path(&path, "pay")?;
    let party = authorized.caller.party;
    let listed = edge.read("payment", move |connection| connection.payment(&party, id)).await?;
    let view = listed.and_then(|listed| PaymentRecordView::of(&listed.fact, listed.ended_by));
    let view = view.ok_or_else(|| Problem::new("not-found"))?;
    Ok(HttpResponse::Ok().insert_header((header::CACHE_CONTROL, "no-store")).json(view))
}

/// The caller's payments. With `idempotency_key`: what became of a call whose answer was lost.
#[utoipa::path(
    get, path = "/v1/payments", tag = "payments", operation_id = "listPayments",
    params(PaymentQuery),
    responses((status = 200, description = "A page of payments; Link has the next.", body = PaymentPage), Refusals),
    security(("mutual_tls" = [], "oauth2" = ["payments:write"])),
)]
pub async fn list(
    edge: web::Data<Edge>,
    authorized: Authorized<PaymentsRead>,
    request: HttpRequest,
) -> Result<HttpResponse, Problem> {
    let query: PaymentQuery = page::query(&request)?;
    let mut read = Reader::default();
    let (limit, after) = page::bounds(&mut read, query.limit.as_deref(), query.cursor.as_deref(), "pay");
    let rule = &edge.config.counter.account_number;
    let account_number = query.account_number.as_deref();
    let filter = PaymentFilter {
        party: authorized.caller.party,
        idempotency_key: query.idempotency_key.and_then(|text| {
            let key = idempotency::plain(text);
            if key.is_none() {
                read.fault("idempotency_key", "idempotency-key", "no es una llave", "is not a key");
            }
            key
        }),
        collection_point: query.collection_point.as_deref().map(CollectionPointId::from),
        till: query.till.as_deref().map(|till| till_name(Some(till))),
        business_date: read.date("business_date", query.business_date.as_deref()),
        account_number: account_number.map(|text| read.account("account_number", Some(text), rule)),
        after,
        limit: limit + 1,
    };
    read.finish()?;
    let rows = edge.read("payments", move |connection| connection.payments(&filter)).await?;
    let id = |listed: &crate::store::Listed| listed.fact.public_id();
    Ok(page::answer(&request, rows, limit, id, |listed| PaymentRecordView::of(&listed.fact, listed.ended_by)))
}

impl PaymentRequest {
    /// The command it asks for; what is wrong with it is with the reader.
    pub fn pay(&self, read: &mut Reader, policy: &Policy) -> Pay {
        let text = |member: &Option<String>| member.clone().unwrap_or_default();
        let kind = read.word::<PaymentKind>("/type", self.r#type.as_deref(), lists::PAYMENT_KINDS);
        let installment = kind == Some(PaymentKind::Installment);
        if installment != self.agreement_id.is_some() && kind.is_some() {
            let (es, en) = match installment {
                true => ("un abono dice a qué convenio", "an installment names its agreement"),
                false => ("solo un abono lleva convenio", "only an installment has an agreement"),
            };
            read.fault("/agreement_id", "agreement", es, en);
        }
        Pay {
            account_number: read.account("/account_number", self.account_number.as_deref(), &policy.account_number),
            kind: kind.unwrap_or(PaymentKind::Full),
            amount: read.money("/amount", self.amount.as_deref()),
            agreement_id: self.agreement_id.clone(),
            tender: read.word("/tender", self.tender.as_deref(), lists::TENDERS).unwrap_or(Tender::Cash),
            till: till_name(self.till.as_deref()),
            cashier: text(&self.cashier),
            collected_at: read.instant("/collected_at", self.collected_at.as_deref()),
            partner_reference: self.partner_reference.clone(),
            confirm_distinct_from: read.id("/confirm_distinct_from", self.confirm_distinct_from.as_deref(), "pay"),
            if_position: None,
            offline: false,
        }
    }
}

/// The name of a drawer, in capitals: receipts print it so, and two drawers never differ by case alone.
#[must_use]
pub fn till_name(text: Option<&str>) -> String {
    text.unwrap_or_default().to_ascii_uppercase()
}

/// An id in the path; one that cannot be one names nothing.
///
/// # Errors
/// It is none.
pub fn id_in_path(text: &str, prefix: &str) -> Result<Id, Problem> {
    Id::parse_with_prefix(text, prefix).map_err(|_| Problem::new("not-found"))
}

/// The position that the cashier saw.
fn if_match(request: &HttpRequest) -> Result<Option<String>, Problem> {
    let malformed = || {
        Problem::faults(vec![Fault {
            pointer: "If-Match".to_owned(),
            code: "etag",
            es: "es un ETag fuerte, entre comillas".to_owned(),
            en: "is one strong ETag, quoted".to_owned(),
        }])
    };
    let Some(value) = request.headers().get(header::IF_MATCH) else { return Ok(None) };
    let text = value.to_str().map_err(|_| malformed())?.trim();
    let tag = text.strip_prefix('"').and_then(|rest| rest.strip_suffix('"')).filter(|tag| !tag.contains('"'));
    match (text, tag) {
        ("*", _) => Ok(None),
        // What follows the point tells of a warning beside the position, not of the position.
        (_, Some(tag)) => Ok(tag.split('.').next().map(str::to_owned)),
        _ => Err(malformed()),
    }
}
