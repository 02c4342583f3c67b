//! Taking a payment back.

use actix_web::{HttpResponse, web};
use serde::Deserialize;
use utoipa::ToSchema;
use validator::Validate;

use super::Edge;
use super::answer::created;
use super::extract::Body;
use super::faults::{Reader, one_line};
use super::idempotency::Key;
use super::openapi::{ProcessingAnswer, WriteRefusals};
use super::payments::id_in_path;
use super::problem::Problem;
use super::views::lists;
use super::views::payment::ReversalView;
use crate::auth::caller::{Authorized, ReversalsWrite};
use crate::domain::command::{Command, Reverse};
use crate::domain::fact::ReversalReason;

/// Why a payment is taken back, and who approved it.
#[derive(Clone, Debug, Deserialize, Validate, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ReversalRequest {
    /// `wrong_account`, `wrong_amount`, `duplicate`, `not_collected` or `customer_request`.
    #[validate(required)]
    #[schema(value_type = String, example = "wrong_amount", required = true, nullable = false)]
    pub reason: Option<String>,
    /// Who approved it.
    #[validate(required, length(min = 1, max = 60), custom(function = "one_line"))]
    #[schema(value_type = String, min_length = 1, max_length = 60, required = true, nullable = false)]
    pub supervisor: Option<String>,
    /// Anything else.
    #[validate(length(min = 1, max = 200), custom(function = "one_line"))]
    #[schema(min_length = 1, max_length = 200)]
    pub note: Option<String>,
}

/// Takes a payment back, inside its window and with a supervisor.
#[utoipa::path(
    post, path = "/v1/payments/{id}/reversals", tag = "payments", operation_id = "createReversal",
    params(
        ("id" = String, Path, description = "The payment's id."),
        ("Idempotency-Key" = String, Header, description = "1 to 255 visible ASCII characters, quoted or bare."),
    ),
    request_body(content = ReversalRequest, description = "Why, and who approved it."),
    responses(
        (status = 201, description = "The payment was taken back, durably.", body = ReversalView),
        ProcessingAnswer, WriteRefusals,
    ),
    security(("mutual_tls" = [], "oauth2" = ["reversals:write"])),
)]
pub async fn create(
    edge: web::Data<Edge>,
    authorized: Authorized<ReversalsWrite>,
    path: web::Path<String>,
    key: Key,
    body: Body<ReversalRequest>,
) -> Result<HttpResponse, Problem> {
    let payment_id = id_in_path(&path, "pay")?;
    let request = &body.value;
    let mut read = Reader::of(request);
    read.add(&body.faults);
    let reason = read.word("/reason", request.reason.as_deref(), lists::REVERSAL_REASONS);
    read.finish()?;
    let command = Command::Reverse(Reverse {
        payment_id,
        reason: reason.unwrap_or(ReversalReason::CustomerRequest),
        supervisor: request.supervisor.clone().unwrap_or_default(),
        note: request.note.clone(),
    });
    let hash = body.hash("POST", &format!("/v1/payments/{path}/reversals"));
    created(edge.submit(&authorized.caller, key, hash, command).await?, "", ReversalView::of)
}
