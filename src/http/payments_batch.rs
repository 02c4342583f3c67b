//! Payments taken while the line was down: in order, each with its own key, a result for each.

use actix_web::http::header;
use actix_web::{HttpResponse, web};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::ToSchema;
use validator::Validate;

use super::answer::{in_process, not_executed};
use super::extract::{Body, hash};
use super::faults::Reader;
use super::idempotency::{self, Key};
use super::openapi::WriteRefusals;
use super::payments::{PLACE, PaymentRequest};
use super::problem::{Language, Problem};
use super::views::payment::PaymentView;
use super::{Edge, envelope};
use crate::auth::caller::{Authorized, PaymentsWrite};
use crate::domain::command::{Command, Request};
use crate::domain::decide::Outcome;
use crate::posting::SubmitError;

/// Payments of one call, at most.
pub const MAX_ITEMS: usize = 500;

/// Payments taken while the line was down.
#[derive(Clone, Debug, Deserialize, Validate, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct BatchRequest {
    /// The payments, in the order in which they were taken. An item is a payment with two members more:
    /// its `idempotency_key`, and `collected_at`, which is required here.
    #[serde(default)]
    #[validate(length(min = 1, max = 500))]
    #[schema(min_items = 1, max_items = 500, required = true)]
    pub payments: Vec<BatchItem>,
}

/// One of them.
#[derive(Clone, Debug, Deserialize, Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct BatchItem {
    /// Its own key: the one of the call that did not come through, if there was one.
    #[schema(value_type = String, min_length = 1, max_length = 255, required = true, nullable = false)]
    pub idempotency_key: Option<String>,
    /// The payment, exactly as it is sent alone; `collected_at` is required.
    #[schema(value_type = PaymentRequest, required = true, nullable = false)]
    pub payment: Option<PaymentRequest>,
}

/// What became of each.
#[derive(Debug, Serialize, ToSchema)]
pub struct BatchAnswer {
    /// A result for each payment, in the order of the request.
    pub results: Vec<BatchResult>,
    /// How many stand.
    pub posted: usize,
    /// How many were refused.
    pub rejected: usize,
    /// How many nobody knows of yet: send the same batch again.
    pub processing: usize,
}

/// What became of one.
#[derive(Debug, Serialize, ToSchema)]
pub struct BatchResult {
    /// Its key.
    pub idempotency_key: String,
    /// What it would have been answered alone: 201, 202, or the status of the problem.
    pub status: u16,
    /// It stood before.
    pub replayed: bool,
    /// The payment.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub payment: Option<PaymentView>,
    /// Why it was refused, or where to ask.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<Object>)]
    pub problem: Option<Value>,
}

/// Takes payments that were collected while the line was down.
#[utoipa::path(
    post, path = "/v1/payments/batch", tag = "payments", operation_id = "createPaymentBatch",
    request_body(content = BatchRequest, description = "Up to 500 payments in their order, each with its own key."),
    responses(
        (status = 200, description = "A result for each payment; never all or nothing.", body = BatchAnswer),
        WriteRefusals,
    ),
    security(("mutual_tls" = [], "oauth2" = ["payments:write"])),
)]
pub async fn create(
    edge: web::Data<Edge>,
    authorized: Authorized<PaymentsWrite>,
    request: actix_web::HttpRequest,
    body: Body<BatchRequest>,
) -> Result<HttpResponse, Problem> {
    let requests = requests(&edge, &authorized, &body)?;
    let keys: Vec<Key> = requests.iter().filter_map(|r| r.request.as_ref()).map(|r| Key(r.key.clone())).collect();
    let language = envelope::language(request.headers());
    let submitted = edge.posting.submit_in_order(requests);
    let outcomes = match tokio::time::timeout(edge.config.answer_timeout(), submitted).await {
        Ok(Ok(outcomes)) => outcomes.into_iter().map(Some).collect(),
        Err(_) | Ok(Err(SubmitError::InDoubt)) => keys.iter().map(|_| None).collect(),
        Ok(Err(error)) => return Err(not_executed(&error)),
    };
    let results: Vec<BatchResult> = keys
        .iter()
        .zip::<Vec<Option<Outcome>>>(outcomes)
        .map(|(key, outcome)| result(&edge, language, key, outcome))
        .collect();
    let count = |wanted: fn(u16) -> bool| results.iter().filter(|result| wanted(result.status)).count();
    let answer = BatchAnswer {
        posted: count(|status| status == 201),
        processing: count(|status| status == 202),
        rejected: count(|status| status >= 400),
        results,
    };
    Ok(HttpResponse::Ok().insert_header((header::CACHE_CONTROL, "no-store")).json(answer))
}

fn requests(
    edge: &Edge,
    authorized: &Authorized<PaymentsWrite>,
    body: &Body<BatchRequest>,
) -> Result<Vec<Request>, Problem> {
    let mut read = Reader::of(&body.value);
    read.add(&body.faults);
    let mut requests = Vec::with_capacity(body.value.payments.len().min(MAX_ITEMS));
    for (index, item) in body.value.payments.iter().take(MAX_ITEMS).enumerate() {
        read.within(format!("/payments/{index}"));
        let key = item.idempotency_key.clone().and_then(idempotency::plain);
        if key.is_none() {
            let (es, en) = ("de 1 a 255 caracteres ASCII visibles", "is 1 to 255 visible ASCII characters");
            read.fault("/idempotency_key", "idempotency-key", es, en);
        }
        let Some(payment) = &item.payment else {
            read.fault("/payment", "required", "es obligatorio", "is required");
            continue;
        };
        read.within(format!("/payments/{index}/payment"));
        read.validate(payment);
        if payment.collected_at.is_none() {
            read.fault("/collected_at", "required", "es obligatorio", "is required");
        }
        let mut pay = payment.pay(&mut read, &edge.config.counter);
        pay.offline = true;
        // The hash is that of the payment sent alone, so the call that did not come through and the
        // batch that repeats it are one.
        let json = body.json().pointer(&format!("/payments/{index}/payment")).unwrap_or(&Value::Null);
        let (key, hash) = (Key(key.unwrap_or_else(|| "".into())), hash("POST", PLACE, json));
        requests.push(edge.request(&authorized.caller, &key, hash, Command::Pay(pay)));
    }
    read.finish()?;
    Ok(requests)
}

fn result(edge: &Edge, language: Language, key: &Key, outcome: Option<Outcome>) -> BatchResult {
    let idempotency_key = key.0.to_string();
    let replayed = matches!(outcome, Some(Outcome::Replayed(_)));
    let posted = |payment| BatchResult {
        idempotency_key: idempotency_key.clone(),
        status: 201,
        replayed,
        payment,
        problem: None,
    };
    match outcome {
        Some(Outcome::Done(facts)) => posted(facts.first().and_then(|fact| PaymentView::of(fact))),
        Some(Outcome::Replayed(fact)) => posted(PaymentView::of(&fact)),
        Some(Outcome::Rejected(rejection)) => {
            let problem = Problem::from(rejection).with_cash_in_the_drawer();
            let document = problem.document(language, &edge.config.server.public_url, "/v1/payments/batch");
            let status = problem.status();
            BatchResult { idempotency_key, status, replayed, payment: None, problem: Some(document) }
        }
        None => BatchResult { idempotency_key, status: 202, replayed, payment: None, problem: Some(in_process(key)) },
    }
}
