//! The reconciliations made so far, as a list without what came of each.

#![allow(unused_qualifications, reason = "the contract's macros name their types in full")]

use actix_web::{HttpRequest, HttpResponse, web};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::faults::Reader;
use super::openapi::Refusals;
use super::problem::Problem;
use super::views::word;
use super::{Edge, page};
use crate::auth::caller::{Authorized, ReconciliationsWrite};
use crate::domain::calendar::{BusinessDate, Timestamp};
use crate::domain::command::PartyKind;
use crate::domain::ids::PartyId;
use crate::domain::money::Money;
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

/// A reconciliation in a list; under its id are the totals, the causes and the report.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = ListedReconciliation)]
pub struct RunSummaryView {
    /// Its identity; the same comparison has the same.
    #[schema(example = "rcn_01k6y3b5wqe7h8m2n4p6r8t0v2")]
    pub id: String,
    /// `partner` or `bank`.
    pub kind: String,
    /// The partner.
    pub party: String,
    /// The first business date.
    #[schema(value_type = String, format = Date)]
    pub from: BusinessDate,
    /// The last business date.
    #[schema(value_type = String, format = Date)]
    pub to: BusinessDate,
    /// The day from which ages are counted.
    #[schema(value_type = String, format = Date)]
    pub as_of: BusinessDate,
    /// When it was made.
    #[schema(value_type = String, format = DateTime)]
    pub created_at: Timestamp,
    /// SHA-256 over the file as it came.
    pub file_sha256: String,
    /// How many breaks.
    pub break_count: i64,
    /// The money in doubt.
    #[schema(value_type = String, example = "85400.00")]
    pub at_stake: Money,
    /// Where the breaks are listed.
    pub breaks: String,
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

impl From<&RunSummary> for RunSummaryView {
    fn from(run: &RunSummary) -> Self {
        let id = run.id.with_prefix("rcn");
        Self {
            kind: word(&run.kind),
            party: run.party.to_string(),
            from: run.from,
            to: run.to,
            as_of: run.as_of,
            created_at: run.created_at,
            file_sha256: run.file_hash.clone(),
            break_count: run.break_count,
            at_stake: run.at_stake,
            breaks: format!("/v1/reconciliations/{id}/breaks"),
            id,
        }
    }
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
