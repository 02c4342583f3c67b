//! What a reconciliation looks like: its totals, its breaks, and what was said about them.

use serde::Serialize;
use utoipa::ToSchema;

use super::reconciliation_summary::RunSummaryView;
use super::word;
use crate::domain::calendar::{BusinessDate, Timestamp};
use crate::domain::money::Money;
use crate::reconciliation::breaks::{Break, Evidence};
use crate::reconciliation::digest::{Digest, Digests};
use crate::reconciliation::result::{CauseTotal, Hour, Tally, Totals};
use crate::store::{ResolutionRecord, RunRecord, RunSummary};

/// How many rows, and how much money.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Tally)]
pub struct TallyView {
    /// Rows.
    pub count: u64,
    /// Their sum.
    #[schema(value_type = String, example = "85400.00")]
    pub amount: Money,
}

/// The totals of all sides.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = ReconciliationTotals)]
pub struct TotalsView {
    /// The gateway's payments that stand.
    pub gateway: TallyView,
    /// The partner's rows that stand.
    pub partner: TallyView,
    /// Payments found on both sides, with or without a difference.
    pub matched: TallyView,
    /// Payments on which both sides agree in everything.
    pub agreed: TallyView,
    /// Payments taken back of which nothing is owed.
    pub void: TallyView,
    /// Deposits that were declared.
    pub declared: TallyView,
    /// Credits of the bank.
    pub bank: TallyView,
    /// Deposits not received and not due yet.
    pub pending: TallyView,
}

/// One hour of the local day.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = ReconciliationHour)]
pub struct HourView {
    /// The hour, 0 to 23.
    pub hour: u8,
    /// The gateway's payments.
    pub gateway: TallyView,
    /// The partner's rows.
    pub partner: TallyView,
}

/// The breaks of one cause.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = CauseTotal)]
pub struct CauseView {
    /// The cause.
    #[schema(example = "only_there")]
    pub cause: String,
    /// How many, and the money at stake.
    pub total: TallyView,
    /// At most one day old, two to three, four to seven, and older.
    pub by_age: [u64; 4],
}

/// A reconciliation without its breaks, which are a list of their own.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Reconciliation)]
pub struct RunView {
    /// What the list says of it.
    #[serde(flatten)]
    pub summary: RunSummaryView,
    /// The totals.
    pub totals: TotalsView,
    /// The breaks by cause.
    pub causes: Vec<CauseView>,
    /// The local day by hour.
    pub hours: Vec<HourView>,
}

/// What one side says of a break.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Evidence)]
pub struct EvidenceView {
    /// `gateway`, `partner` or `bank`.
    pub side: String,
    /// The strongest name of the row.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reference: Option<String>,
    /// The line of the file.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub line: Option<u64>,
    /// The receipt, or the bank's slip.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub receipt_number: Option<String>,
    /// Whose debt was paid.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub account_number: Option<String>,
    /// How much.
    #[schema(value_type = String, example = "85400.00")]
    pub amount: Money,
    /// The day.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, format = Date)]
    pub date: Option<BusinessDate>,
    /// The time.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, format = DateTime)]
    pub at: Option<Timestamp>,
    /// The place.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub collection_point: Option<String>,
    /// The drawer.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub till: Option<String>,
    /// That side took it back.
    pub reversed: bool,
}

/// One thing that was said about a break.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = BreakResolution)]
pub struct ResolutionView {
    /// Its identity.
    #[schema(example = "res_01k6y3b5wqe7h8m2n4p6r8t0v2")]
    pub id: String,
    /// The break.
    #[schema(example = "brk_01k6y3b5wqe7h8m2n4p6r8t0v2")]
    pub break_id: String,
    /// `partner` or `operator`.
    pub side: String,
    /// `propose`, `approve` or `reject`.
    pub action: String,
    /// How it is put right, in a proposal (es-CO).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cure: Option<String>,
    /// Why.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub explanation: Option<String>,
    /// Where the break stands after it: `open`, `proposed` or `resolved`.
    pub status: String,
    /// When.
    #[schema(value_type = String, format = DateTime)]
    pub at: Timestamp,
}

/// One difference, and how far it is settled.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Break)]
pub struct BreakView {
    /// The same in every reconciliation that finds it.
    #[schema(example = "brk_01k6y3b5wqe7h8m2n4p6r8t0v2")]
    pub id: String,
    /// Why the sides disagree.
    #[schema(example = "only_there")]
    pub cause: String,
    /// Further reasons that the same rows show.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub also: Vec<String>,
    /// What made the rows one payment or deposit; absent when a row stands alone.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rule: Option<String>,
    /// Who acts first: `partner`, `gateway`, `bank` or `utility`.
    pub owner: String,
    /// Whether the cure changes what somebody owes; then the other side has to approve.
    pub money_moves: bool,
    /// How much is in doubt.
    #[schema(value_type = String, example = "85400.00")]
    pub amount_at_stake: Money,
    /// Ours minus theirs.
    #[schema(value_type = String, example = "-85400.00")]
    pub difference: Money,
    /// The day it belongs to.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, format = Date)]
    pub date: Option<BusinessDate>,
    /// Days from that day to the reconciliation.
    pub age_days: i64,
    /// What to do (es-CO).
    pub cure: String,
    /// What each side says.
    pub evidence: Vec<EvidenceView>,
    /// `open`, `proposed` or `resolved`.
    pub status: String,
    /// What was said about it, in its order.
    pub resolutions: Vec<ResolutionView>,
}

/// A page of breaks.
#[derive(Debug, Serialize, ToSchema)]
pub struct BreakPage {
    /// The breaks, by cause, day and id.
    pub data: Vec<BreakView>,
    /// Where the next page begins; absent on the last one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub next_cursor: Option<String>,
}

/// The digest of one stretch of time.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Digest)]
pub struct DigestView {
    /// Its first instant.
    #[schema(value_type = String, format = DateTime)]
    pub start: Timestamp,
    /// Payments recorded in it, those taken back too.
    pub count: u64,
    /// Sum of those that stand.
    #[schema(value_type = String, example = "85400.00")]
    pub sum: Money,
    /// SHA-256 of the canonical lines.
    pub hash: String,
}

/// The digests of a stretch of time; those without payments are left out.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Digests)]
pub struct DigestsView {
    /// Whose payments.
    pub party: String,
    /// The length of each in minutes.
    pub bucket_minutes: u16,
    /// The digests, in order.
    pub buckets: Vec<DigestView>,
}

impl From<Tally> for TallyView {
    fn from(tally: Tally) -> Self {
        Self { count: tally.count, amount: tally.amount }
    }
}

impl From<&Totals> for TotalsView {
    fn from(totals: &Totals) -> Self {
        Self {
            gateway: totals.gateway.into(),
            partner: totals.partner.into(),
            matched: totals.matched.into(),
            agreed: totals.agreed.into(),
            void: totals.void.into(),
            declared: totals.declared.into(),
            bank: totals.bank.into(),
            pending: totals.pending.into(),
        }
    }
}

impl From<&Hour> for HourView {
    fn from(hour: &Hour) -> Self {
        Self { hour: hour.hour, gateway: hour.gateway.into(), partner: hour.partner.into() }
    }
}

impl From<CauseTotal> for CauseView {
    fn from(one: CauseTotal) -> Self {
        Self { cause: one.cause.code().to_owned(), total: one.total.into(), by_age: one.by_age }
    }
}

impl From<&RunRecord> for RunView {
    fn from(run: &RunRecord) -> Self {
        let result = &run.result;
        let summary = RunSummary {
            id: run.id,
            kind: run.kind,
            party: result.party.clone(),
            from: result.from,
            to: result.to,
            as_of: result.as_of,
            created_at: run.created_at,
            file_hash: run.file_hash.clone(),
            break_count: i64::try_from(result.breaks.len()).unwrap_or(i64::MAX),
            at_stake: result.breaks.iter().map(|one| one.amount_at_stake).sum(),
        };
        Self {
            summary: RunSummaryView::from(&summary),
            totals: (&result.totals).into(),
            causes: result.by_cause().into_iter().map(Into::into).collect(),
            hours: result.hours.iter().map(Into::into).collect(),
        }
    }
}

impl From<&Evidence> for EvidenceView {
    fn from(one: &Evidence) -> Self {
        Self {
            side: one.side.code().to_owned(),
            reference: one.reference.clone(),
            line: one.line,
            receipt_number: one.receipt_number.clone(),
            account_number: one.account_number.as_ref().map(ToString::to_string),
            amount: one.amount,
            date: one.date,
            at: one.at,
            collection_point: one.collection_point.as_ref().map(ToString::to_string),
            till: one.till.clone(),
            reversed: one.reversed,
        }
    }
}

impl From<&ResolutionRecord> for ResolutionView {
    fn from(one: &ResolutionRecord) -> Self {
        Self {
            id: one.id.with_prefix("res"),
            break_id: one.break_id.with_prefix("brk"),
            side: word(&one.side),
            action: word(&one.kind),
            cure: one.cure.clone(),
            explanation: one.explanation.clone(),
            status: word(&one.status),
            at: one.at,
        }
    }
}

impl BreakView {
    /// A break with what was said about it.
    #[must_use]
    pub fn of(one: &Break, said: &[ResolutionRecord]) -> Self {
        Self {
            id: one.break_id.with_prefix("brk"),
            cause: one.cause.code().to_owned(),
            also: one.also.iter().map(|cause| cause.code().to_owned()).collect(),
            rule: one.rule.map(|rule| rule.code().to_owned()),
            owner: one.owner.code().to_owned(),
            money_moves: one.money_moves,
            amount_at_stake: one.amount_at_stake,
            difference: one.difference,
            date: one.date,
            age_days: one.age_days,
            cure: one.cure.clone(),
            evidence: one.evidence.iter().map(Into::into).collect(),
            status: word(&crate::reconciling::resolution::status(said)),
            resolutions: said.iter().map(Into::into).collect(),
        }
    }
}

impl DigestsView {
    /// The digests of a party.
    #[must_use]
    pub fn of(party: &str, digests: Digests) -> Self {
        let view = |one: Digest| DigestView { start: one.start, count: one.count, sum: one.sum, hash: one.hash };
        Self {
            party: party.to_owned(),
            bucket_minutes: digests.bucket_minutes.get(),
            buckets: digests.buckets.into_iter().map(view).collect(),
        }
    }
}
