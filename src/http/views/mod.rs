//! What answers look like: serde types rendered from facts and positions, and from nothing else.
//!
//! A repeated request gets the same bytes for ever because its answer comes from the fact alone.

pub mod account;
pub mod orders;
pub mod payment;
pub mod reconciliation_summary;
pub mod reconciliations;
pub mod sessions;
pub mod webhooks;

use serde::Serialize;
use utoipa::ToSchema;

use crate::domain::fact::{ExposureStamp, OrderStatus, ReversalReason, Tender};
use crate::domain::money::Money;
use crate::domain::position::Figures;
use crate::domain::session::SessionStamp;

/// The word of a closed list, as the contract writes it.
pub fn word(value: &impl Serialize) -> String {
    match serde_json::to_value(value) {
        Ok(serde_json::Value::String(word)) => word,
        _ => String::new(),
    }
}

/// The sums of an account.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Figures)]
pub struct FiguresView {
    /// What is left of all bills, disputed parts included.
    #[schema(value_type = String, example = "85400.00")]
    pub total_due: Money,
    /// The part under claim, which need not be paid.
    #[schema(value_type = String, example = "0.00")]
    pub disputed: Money,
    /// What a full payment is.
    #[schema(value_type = String, example = "85400.00")]
    pub payable_now: Money,
    /// The undisputed rest of the bills whose due date has passed.
    #[schema(value_type = String, example = "0.00")]
    pub past_due: Money,
    /// Saldo a favor.
    #[schema(value_type = String, example = "0.00")]
    pub credit: Money,
    /// Changes whenever anything in the position does; for `If-Match`.
    pub position_version: String,
}

impl From<&Figures> for FiguresView {
    fn from(figures: &Figures) -> Self {
        Self {
            total_due: figures.total_due,
            disputed: figures.disputed,
            payable_now: figures.payable_now,
            past_due: figures.past_due,
            credit: figures.credit,
            position_version: figures.position_version.clone(),
        }
    }
}

/// A cash session right after one of its facts.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = SessionStamp)]
pub struct SessionStampView {
    /// The session.
    #[schema(example = "ses_01k6y3b5wqe7h8m2n4p6r8t0v2")]
    pub id: String,
    /// How many payments and reversals it has seen.
    pub count: i64,
    /// Payments less reversals, of every tender; may be below zero.
    #[schema(value_type = String, example = "85400.00")]
    pub total: Money,
    /// SHA-256 link over the previous one and this fact: a till that keeps its own sees a loss at once.
    pub chain: String,
}

impl From<&SessionStamp> for SessionStampView {
    fn from(stamp: &SessionStamp) -> Self {
        let SessionStamp { id, count, total, chain, .. } = stamp;
        Self { id: id.with_prefix("ses"), count: *count, total: *total, chain: chain.clone() }
    }
}

/// Cash taken and not yet deposited, right after a fact.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Exposure)]
pub struct ExposureView {
    /// How much.
    #[schema(value_type = String, example = "1250000.00")]
    pub used: Money,
    /// Its ceiling, if there is one.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, example = "5000000.00")]
    pub limit: Option<Money>,
    /// The highest warning percentage that is reached.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub warning: Option<u8>,
}

impl From<&ExposureStamp> for ExposureView {
    fn from(stamp: &ExposureStamp) -> Self {
        Self { used: stamp.used, limit: stamp.limit, warning: stamp.warning }
    }
}

/// What to tell the two people at the counter.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = CounterMessage)]
pub struct MessageView {
    /// To the cashier (es-CO, at most two lines of 40 characters).
    pub cashier: String,
    /// To the customer, likewise.
    pub customer: String,
}

/// The closed lists of words, for the request types to name.
pub mod lists {
    use super::{OrderStatus, ReversalReason, Tender};

    /// Payment types.
    pub const PAYMENT_KINDS: &str = "full, partial, installment";
    /// Tenders.
    pub const TENDERS: &str = "cash, debit_card, credit_card, transfer, cheque";
    /// Reasons of a reversal.
    pub const REVERSAL_REASONS: &str = "wrong_account, wrong_amount, duplicate, not_collected, customer_request";
    /// Where a report may move an order.
    pub const ORDER_MOVES: &str = "dispatched, in_progress, completed, failed";
    /// Where an order may stand.
    pub const ORDER_STATUSES: &str = "requested, dispatched, in_progress, completed, failed, cancelled";

    /// The words of a list and the values they stand for have to agree.
    #[must_use]
    pub fn agree() -> bool {
        let each = |list: &str, words: &[String]| list.split(", ").map(str::to_owned).collect::<Vec<_>>() == words;
        let tenders = [Tender::Cash, Tender::DebitCard, Tender::CreditCard, Tender::Transfer, Tender::Cheque];
        let reasons = [
            ReversalReason::WrongAccount,
            ReversalReason::WrongAmount,
            ReversalReason::Duplicate,
            ReversalReason::NotCollected,
            ReversalReason::CustomerRequest,
        ];
        let statuses = [
            OrderStatus::Requested,
            OrderStatus::Dispatched,
            OrderStatus::InProgress,
            OrderStatus::Completed,
            OrderStatus::Failed,
            OrderStatus::Cancelled,
        ];
        each(TENDERS, &tenders.iter().map(super::word).collect::<Vec<_>>())
            && each(REVERSAL_REASONS, &reasons.iter().map(super::word).collect::<Vec<_>>())
            && each(ORDER_STATUSES, &statuses.iter().map(super::word).collect::<Vec<_>>())
    }
}

#[cfg(test)]
mod tests {
    #[test]
    fn the_lists_of_words_are_the_values_there_are() {
        assert!(super::lists::agree());
    }
}
