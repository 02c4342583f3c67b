//! Rows of a reconciliation: what was compared, what was found, and what was said to it.

use serde::{Deserialize, Serialize};

use crate::domain::calendar::{BusinessDate, Timestamp};
use crate::domain::fact::Fact;
use crate::domain::ids::{Id, IdempotencyKey, PartyId};
use crate::domain::money::Money;
use crate::reconciliation::breaks::Break;
use crate::reconciliation::result::Reconciliation;

/// Whose file was compared.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RunKind {
    /// The partner's own list, with the payments.
    Partner,
    /// The bank's statement, with the deposits.
    Bank,
}

/// One comparison, which never changes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RunRecord {
    /// Its identity, made from its inputs; outside it wears `rcn_`.
    pub id: Id,
    /// Whose file it was.
    pub kind: RunKind,
    /// SHA-256 over everything that was compared.
    pub inputs_hash: String,
    /// SHA-256 over the file as it came.
    pub file_hash: String,
    /// What came of it.
    pub result: Reconciliation,
    /// When it was made.
    pub created_at: Timestamp,
    /// Who asked for it first.
    pub asked_by: PartyId,
}

/// What a list says of a comparison, without reading what came of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RunSummary {
    /// Its identity.
    pub id: Id,
    /// Whose payments or deposits were compared.
    pub party: PartyId,
    /// Whose file it was.
    pub kind: RunKind,
    /// The first business date.
    pub from: BusinessDate,
    /// The last business date.
    pub to: BusinessDate,
    /// The day from which ages are counted.
    pub as_of: BusinessDate,
    /// SHA-256 over the file as it came.
    pub file_hash: String,
    /// When it was made.
    pub created_at: Timestamp,
    /// How many breaks it found.
    pub break_count: i64,
    /// The money in doubt.
    pub at_stake: Money,
}

/// Which comparisons, latest first.
#[derive(Clone, Debug, Default)]
pub struct RunFilter {
    /// Of this party.
    pub party: Option<PartyId>,
    /// Made before this one.
    pub after: Option<Id>,
    /// How many, at most.
    pub limit: u32,
}

/// A difference as it was when it was first seen.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BreakRecord {
    /// Whose payments or deposits they are.
    pub party: PartyId,
    /// The run that saw it first.
    pub run: Id,
    /// What it is; its id is the same in every run.
    pub document: Break,
    /// When.
    pub first_seen_at: Timestamp,
}

/// The two who have to agree.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ResolutionSide {
    /// The partner.
    Partner,
    /// The utility's operators, who speak for the gateway and for the bank as well.
    Operator,
}

/// What is said about a break.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ResolutionKind {
    /// This is how it ends.
    Propose,
    /// So be it.
    Approve,
    /// Not so.
    Reject,
}

/// Where a break stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum BreakStatus {
    /// Nobody proposed anything, or it was rejected.
    Open,
    /// One side proposed, the other has to say yes or no.
    Proposed,
    /// It is settled for ever.
    Resolved,
}

/// One thing that was said about a break; never changed, only followed by the next.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ResolutionRecord {
    /// Its identity; outside it wears `res_`.
    pub id: Id,
    /// The break.
    pub break_id: Id,
    /// Its place among what was said, from 1; two never share one.
    pub seq: i32,
    /// Which side said it.
    pub side: ResolutionSide,
    /// Which party.
    pub party: PartyId,
    /// What it is.
    pub kind: ResolutionKind,
    /// How it is put right, in a proposal.
    pub cure: Option<String>,
    /// Why.
    pub explanation: Option<String>,
    /// Where the break stands after it.
    pub status: BreakStatus,
    /// The key under which it was asked for.
    pub key: IdempotencyKey,
    /// The hash of that request.
    pub request_hash: String,
    /// When.
    pub at: Timestamp,
}

/// A stretch of a partner's payments, in the order of business date and id.
#[derive(Clone, Debug)]
pub struct ComparedPage {
    /// The partner.
    pub party: PartyId,
    /// The first business date.
    pub from: BusinessDate,
    /// The last business date.
    pub through: BusinessDate,
    /// After the payment of this date and id.
    pub after: Option<(BusinessDate, Id)>,
    /// How many, at most.
    pub limit: u32,
}

/// A payment, and what took it back.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ComparedRow {
    /// The payment.
    pub payment: std::sync::Arc<Fact>,
    /// Its reversal and when that was recorded.
    pub reversal: Option<(Id, Timestamp)>,
}
