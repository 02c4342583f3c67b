//! The breaks of a reconciliation, and how both sides settle them.

#![allow(unused_qualifications, reason = "the contract's macros name their types in full")]

use std::collections::HashMap;

use actix_web::http::{StatusCode, header};
use actix_web::{HttpRequest, HttpResponse, web};
use serde::Deserialize;
use utoipa::{IntoParams, ToSchema};
use validator::Validate;

use super::answer::not_executed;
use super::extract::Body;
use super::faults::{Reader, one_line};
use super::idempotency::{Key, REPLAYED};
use super::openapi::{Refusals, WriteRefusals};
use super::payments::id_in_path;
use super::problem::Problem;
use super::views::reconciliations::{BreakPage, BreakView, ResolutionView};
use super::{Edge, page, reconciliations};
use crate::auth::caller::{Authorized, ReconciliationsWrite};
use crate::domain::command::PartyKind;
use crate::domain::ids::Id;
use crate::posting::SubmitError;
use crate::reconciliation::breaks::Break;
use crate::reconciling::resolution::{Said, Saying, say};
use crate::store::{ResolutionKind, ResolutionRecord, ResolutionSide, StoreError};

/// How often something is said again when the other side spoke at the same moment.
const TRIES: usize = 3;
/// The words of [`ResolutionKind`].
const ACTIONS: &str = "propose, approve, reject";

/// Which breaks.
#[derive(Clone, Debug, Default, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct BreakQuery {
    /// Entries of a page, 1 to 200; 50 when nothing is said.
    pub limit: Option<String>,
    /// Where the page begins: `next_cursor` of the page before.
    pub cursor: Option<String>,
}

/// What a side says about a break.
#[derive(Clone, Debug, Deserialize, Validate, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ResolutionRequest {
    /// `propose`, `approve` or `reject`.
    #[validate(required)]
    #[schema(value_type = String, example = "propose", required = true, nullable = false)]
    pub action: Option<String>,
    /// How it is put right; only with a proposal, which otherwise takes the break's own cure.
    #[validate(length(min = 1, max = 500), custom(function = "one_line"))]
    #[schema(min_length = 1, max_length = 500)]
    pub cure: Option<String>,
    /// Why; required for a rejection.
    #[validate(length(min = 1, max = 500), custom(function = "one_line"))]
    #[schema(min_length = 1, max_length = 500)]
    pub explanation: Option<String>,
}

/// The breaks of a reconciliation, with where each stands now.
#[utoipa::path(
    get, path = "/v1/reconciliations/{id}/breaks", tag = "reconciliations", operation_id = "listBreaks",
    params(("id" = String, Path, description = "The reconciliation's id."), BreakQuery),
    responses((status = 200, description = "A page of breaks; Link has the next.", body = BreakPage), Refusals),
    security(("mutual_tls" = [], "oauth2" = ["reconciliations:write"])),
)]
pub async fn list(
    edge: web::Data<Edge>,
    authorized: Authorized<ReconciliationsWrite>,
    request: HttpRequest,
    path: web::Path<String>,
) -> Result<HttpResponse, Problem> {
    let query: BreakQuery = page::query(&request)?;
    let mut read = Reader::default();
    let (limit, after) = page::bounds(&mut read, query.limit.as_deref(), query.cursor.as_deref(), "brk");
    read.finish()?;
    let run = reconciliations::find(&edge, &authorized.caller, &path).await?;
    let mut breaks = run.result.breaks;
    if let Some(after) = after {
        let place = breaks.iter().position(|one| one.break_id == after).map_or(breaks.len(), |place| place + 1);
        breaks.drain(..place);
    }
    breaks.truncate(limit as usize + 1);
    let ids: Vec<Id> = breaks.iter().map(|one| one.break_id).collect();
    let mut said: HashMap<Id, Vec<ResolutionRecord>> = HashMap::new();
    for one in edge.read("resolutions", move |connection| connection.resolutions(&ids)).await? {
        said.entry(one.break_id).or_default().push(one);
    }
    let view = |one: &Break| Some(BreakView::of(one, said.get(&one.break_id).map_or(&[], Vec::as_slice)));
    Ok(page::answer(&request, breaks, limit, |one: &Break| one.break_id.with_prefix("brk"), view))
}

/// Says how a break ends: one side proposes; where money moves, the other side approves or rejects.
#[utoipa::path(
    post, path = "/v1/breaks/{id}/resolution", tag = "reconciliations", operation_id = "resolveBreak",
    params(
        ("id" = String, Path, description = "The break's id.", example = "brk_01k6y3b5wqe7h8m2n4p6r8t0v2"),
        ("Idempotency-Key" = String, Header, description = "1 to 255 visible ASCII characters, quoted or bare."),
    ),
    request_body(content = ResolutionRequest, description = "What the caller's side says."),
    responses((status = 201, description = "It is kept; status says where the break stands.", body = ResolutionView), WriteRefusals),
    security(("mutual_tls" = [], "oauth2" = ["reconciliations:write"])),
)]
pub async fn resolve(
    edge: web::Data<Edge>,
    authorized: Authorized<ReconciliationsWrite>,
    path: web::Path<String>,
    key: Key,
    body: Body<ResolutionRequest>,
) -> Result<HttpResponse, Problem> {
    let break_id = id_in_path(&path, "brk")?;
    let request = &body.value;
    let mut read = Reader::of(request);
    read.add(&body.faults);
    let kind: Option<ResolutionKind> = read.word("/action", request.action.as_deref(), ACTIONS);
    if request.cure.is_some() && kind != Some(ResolutionKind::Propose) {
        read.fault("/cure", "cure", "solo una propuesta dice cómo se corrige", "only a proposal has a cure");
    }
    if request.explanation.is_none() && kind == Some(ResolutionKind::Reject) {
        read.fault("/explanation", "required", "es obligatorio al rechazar", "is required for a rejection");
    }
    read.finish()?;
    let caller = &authorized.caller;
    let operator = caller.kind == PartyKind::Operator;
    let saying = Saying {
        id: edge.clock.id(),
        break_id,
        side: if operator { ResolutionSide::Operator } else { ResolutionSide::Partner },
        party: caller.party.clone(),
        kind: kind.unwrap_or(ResolutionKind::Propose),
        cure: request.cure.clone(),
        explanation: request.explanation.clone(),
        key: key.0,
        request_hash: body.hash("POST", &format!("/v1/breaks/{path}/resolution")),
        at: edge.clock.now(),
    };
    let (record, replayed) = match insist(&edge, &saying).await? {
        Said::Done(record) => (record, false),
        Said::Replayed(record) => (record, true),
        Said::KeyReused => return Err(Problem::new("idempotency-key-reused")),
        Said::NotFound => return Err(Problem::new("not-found")),
        Said::NotAllowed { status, reason } => {
            return Err(Problem::new("resolution-not-allowed").with("break_status", status).with("reason", reason));
        }
    };
    let mut response = HttpResponse::build(StatusCode::CREATED);
    if replayed {
        response.insert_header((REPLAYED, "true"));
    }
    Ok(response.insert_header((header::CACHE_CONTROL, "no-store")).json(ResolutionView::from(&record)))
}

/// Says it; when another gateway took the place at the same moment, looks again.
async fn insist(edge: &Edge, saying: &Saying) -> Result<Said, Problem> {
    for _ in 0..TRIES {
        let saying = saying.clone();
        match edge.posting.write("resolution", move |connection| say(connection, &saying)).await {
            Err(SubmitError::Store(StoreError::Conflict(_))) => {}
            done => return done.map_err(|error| not_executed(&error)),
        }
    }
    Err(Problem::new("request-in-progress").retry_after(1))
}
