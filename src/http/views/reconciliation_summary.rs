//! What is said of a reconciliation in a list, and at the head of its own page.

use serde::Serialize;
use utoipa::ToSchema;

use super::word;
use crate::domain::calendar::{BusinessDate, Timestamp};
use crate::domain::money::Money;
use crate::store::RunSummary;

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
