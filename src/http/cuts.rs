//! Cuts that were made, as whoever made them reports it: evidence, and nothing else.

#![allow(unused_qualifications, reason = "the contract's macros name their types in full")]

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
use super::problem::Problem;
use super::views::orders::CutView;
use crate::auth::caller::{Authorized, ReconnectionsFulfil};
use crate::domain::command::{Command, ReportCut};

/// A cut that was made.
#[derive(Clone, Debug, Deserialize, Validate, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct CutRequest {
    /// When, if not now (RFC 3339 with offset).
    #[schema(format = DateTime)]
    pub at: Option<String>,
    /// Who did it.
    #[validate(length(min = 1, max = 60), custom(function = "one_line"))]
    #[schema(min_length = 1, max_length = 60)]
    pub crew: Option<String>,
}

/// Reports that the supply of an account was cut. It is kept as evidence beside the payments; what state
/// the supply is in stays billing's word.
#[utoipa::path(
    post, path = "/v1/accounts/{account_number}/cuts", tag = "reconnections", operation_id = "reportCut",
    params(
        ("account_number" = String, Path, description = "The account number.", example = "000123456"),
        ("Idempotency-Key" = String, Header, description = "1 to 255 visible ASCII characters, quoted or bare."),
    ),
    request_body(content = CutRequest, description = "When, and by whom."),
    responses(
        (status = 201, description = "The report is kept.", body = CutView),
        ProcessingAnswer, WriteRefusals,
    ),
    security(("mutual_tls" = [], "oauth2" = ["reconnections:fulfil"])),
)]
pub async fn report(
    edge: web::Data<Edge>,
    authorized: Authorized<ReconnectionsFulfil>,
    path: web::Path<String>,
    key: Key,
    body: Body<CutRequest>,
) -> Result<HttpResponse, Problem> {
    let mut read = Reader::of(&body.value);
    read.add(&body.faults);
    let account_number = read.account("account_number", Some(path.as_str()), &edge.config.counter.account_number);
    let at = read.instant("/at", body.value.at.as_deref());
    read.finish()?;
    let hash = body.hash("POST", &format!("/v1/accounts/{account_number}/cuts"));
    let command = Command::ReportCut(ReportCut { account_number, at, crew: body.value.crew.clone() });
    created(edge.submit(&authorized.caller, key, hash, command).await?, "", CutView::of)
}
