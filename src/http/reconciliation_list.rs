//! The reconciliations made so far, as a list without what came of each.

#![allow(unused_qualifications, reason = "the contract's macros name their types in full")]

use actix_web::{HttpRequest, HttpResponse, web};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::faults::Reader;
use super::openapi::Refusals;
use super::problem::Problem;
use super::views::reconciliation_summary::RunSummaryView;
use super::{Edge, page};
use crate::auth::caller::{Authorized, ReconciliationsWrite};
use crate::domain::command::PartyKind;
use crate::domain::ids::PartyId;
use crate::store::{RunFilter, RunSummary};

/// Which reconciliations.
#[derive(Clone, Debug, Default, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct RunListQuery {
    /// This partner's; for operators, who see everybody's when nothing is said.
    pub party: Option<String>,
    /// Entries of a page, 1 to 200; 50 when nothing is said.
    pub limit: Option<String>,
    /// Where the page begins: `next_cursor` of the page before.
    pub cursor: Option<String>,
}

/// A page of reconciliations.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = ReconciliationPage)]
pub struct RunPage {
    /// The reconciliations.
    pub data: Vec<RunSummaryView>,
    /// Where the next page begins; absent on the last one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub next_cursor: Option<String>,
}

/// Reconciliations, latest first: a partner's own, or anybody's for an operator.
#[utoipa::path(
    get, path = "/v1/reconciliations", tag = "reconciliations", operation_id = "listReconciliations",
    params(RunListQuery),
    responses((status = 200, description = "A page of reconciliations; Link has the next.", body = RunPage), Refusals),
    security(("mutual_tls" = [], "oauth2" = ["reconciliations:write"])),
)]
pub async fn list(
    edge: web::Data<Edge>,
    authorized: Authorized<ReconciliationsWrite>,
    request: HttpRequest,
) -> Result<HttpResponse, Problem> {
    let query: RunListQuery = page::query(&request)?;
    let mut read = Reader::default();
    let (limit, after) = page::bounds(&mut read, query.limit.as_deref(), query.cursor.as_deref(), "rcn");
    read.finish()?;
    let caller = &authorized.caller;
    let party = match (caller.kind, query.party.map(PartyId::new)) {
        (PartyKind::Operator, named) => named,
        (_, Some(named)) if named != caller.party => return Err(Problem::new("not-found")),
        _ => Some(caller.party.clone()),
    };
    let filter = RunFilter { party, after, limit: limit + 1 };
    let rows = edge.read("reconciliations", move |connection| connection.reconciliations(&filter)).await?;
    let view = |run: &RunSummary| Some(RunSummaryView::from(run));
    Ok(page::answer(&request, rows, limit, |run: &RunSummary| run.id.with_prefix("rcn"), view))
}
