//! Reconnection orders and cuts, from their facts.

use serde::Serialize;
use utoipa::ToSchema;

use super::word;
use crate::domain::calendar::Timestamp;
use crate::domain::fact::{Body, Fact};
use crate::domain::money::Money;
use crate::store::OrderRecord;

/// A reconnection order as it was placed.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = ReconnectionOrder)]
pub struct OrderView {
    /// The order.
    #[schema(example = "rec_01k6y3b5wqe7h8m2n4p6r8t0v2")]
    pub id: String,
    /// `requested` when it was placed; in a list, where it stands now.
    pub status: String,
    /// The account.
    pub account_number: String,
    /// DIVIPOLA code of the municipality.
    pub municipality_code: String,
    /// Who ordered it.
    pub requested_by: String,
    /// When.
    #[schema(value_type = String, format = DateTime)]
    pub requested_at: Timestamp,
    /// The instant the cause was removed: the legal clock starts here.
    #[schema(value_type = String, format = DateTime)]
    pub cleared_at: Timestamp,
    /// When the supply has to be back.
    #[schema(value_type = String, format = DateTime)]
    pub due_by: Timestamp,
    /// The payment that cleared the cause.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub payment_id: Option<String>,
    /// What reconnecting costs, as billing charges it.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, example = "0.00")]
    pub fee: Option<Money>,
    /// The last thing that happened to it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub last_move: Option<MoveView>,
}

/// A reconnection order that went on.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = ReconnectionMove)]
pub struct MoveView {
    /// The report.
    #[schema(example = "mov_01k6y3b5wqe7h8m2n4p6r8t0v2")]
    pub id: String,
    /// The order.
    pub order_id: String,
    /// Where it stands now.
    pub status: String,
    /// When that happened, as the crew reports it.
    #[schema(value_type = String, format = DateTime)]
    pub at: Timestamp,
    /// Why, for a failure or a cancellation.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// Who did it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub crew: Option<String>,
    /// When the supply has to be back.
    #[schema(value_type = String, format = DateTime)]
    pub due_by: Timestamp,
    /// When it was recorded.
    #[schema(value_type = String, format = DateTime)]
    pub recorded_at: Timestamp,
}

impl OrderView {
    /// The order of a fact, as it was placed; `None` when it is none.
    #[must_use]
    pub fn of(fact: &Fact) -> Option<Self> {
        let Body::ReconnectionOrder(order) = &fact.body else { return None };
        Some(Self {
            id: fact.public_id(),
            status: "requested".to_owned(),
            account_number: fact.account.as_ref().map(|place| place.of.to_string()).unwrap_or_default(),
            municipality_code: order.municipality_code.clone(),
            requested_by: fact.party.to_string(),
            requested_at: fact.recorded_at,
            cleared_at: order.cleared_at,
            due_by: order.due_by,
            payment_id: order.payment_id.map(|id| id.with_prefix("pay")),
            fee: order.fee,
            last_move: None,
        })
    }

    /// The order as it stands now.
    #[must_use]
    pub fn now(record: &OrderRecord) -> Option<Self> {
        let view = Self::of(&record.order)?;
        let last_move = record.last_move.as_ref().and_then(|fact| MoveView::of(fact));
        Some(Self { status: word(&record.status()), last_move, ..view })
    }
}

impl MoveView {
    /// The move of a fact; `None` when it is none.
    #[must_use]
    pub fn of(fact: &Fact) -> Option<Self> {
        let Body::ReconnectionMove(step) = &fact.body else { return None };
        Some(Self {
            id: fact.public_id(),
            order_id: step.order_id.with_prefix("rec"),
            status: word(&step.status),
            at: step.at,
            reason: step.reason.clone(),
            crew: step.crew.clone(),
            due_by: step.due_by,
            recorded_at: fact.recorded_at,
        })
    }
}

/// A cut that was made, as it was reported.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = CutReport)]
pub struct CutView {
    /// The report.
    #[schema(example = "cut_01k6y3b5wqe7h8m2n4p6r8t0v2")]
    pub id: String,
    /// The account.
    pub account_number: String,
    /// When the supply was cut, as the crew says.
    #[schema(value_type = String, format = DateTime)]
    pub at: Timestamp,
    /// Who did it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub crew: Option<String>,
    /// Who reported it.
    pub reported_by: String,
    /// When it was recorded.
    #[schema(value_type = String, format = DateTime)]
    pub recorded_at: Timestamp,
}

impl CutView {
    /// The cut of a fact; `None` when it is none.
    #[must_use]
    pub fn of(fact: &Fact) -> Option<Self> {
        let Body::CutReport(cut) = &fact.body else { return None };
        Some(Self {
            id: fact.public_id(),
            account_number: fact.account.as_ref().map(|place| place.of.to_string()).unwrap_or_default(),
            at: cut.at,
            crew: cut.crew.clone(),
            reported_by: fact.party.to_string(),
            recorded_at: fact.recorded_at,
        })
    }
}
