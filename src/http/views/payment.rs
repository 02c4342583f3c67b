//! Payments and reversals, from their facts.

use serde::Serialize;
use utoipa::ToSchema;

use super::{ExposureView, FiguresView, MessageView, SessionStampView, word};
use crate::domain::calendar::{BusinessDate, Timestamp};
use crate::domain::fact::{Allocation, Body, Fact, Payment, Reversal};
use crate::domain::ids::Id;
use crate::domain::money::Money;
use crate::domain::rejection::CashierAction;

/// A payment.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Payment)]
pub struct PaymentView {
    /// Its id.
    #[schema(example = "pay_01k6y3b5wqe7h8m2n4p6r8t0v2")]
    pub id: String,
    /// The number on the receipt, with its check character.
    pub receipt_number: String,
    /// `posted`.
    pub status: String,
    /// The account.
    pub account_number: String,
    /// The holder, masked.
    pub holder: String,
    /// `full`, `partial` or `installment`.
    #[serde(rename = "type")]
    pub kind: String,
    /// How much.
    #[schema(value_type = String, example = "85400.00")]
    pub amount: Money,
    /// Always COP.
    pub currency: String,
    /// The agreement it pays into.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub agreement_id: Option<String>,
    /// What was handed over.
    pub tender: String,
    /// The place.
    pub collection_point: String,
    /// The drawer.
    pub till: String,
    /// Who took it.
    pub cashier: String,
    /// When it was recorded.
    #[schema(value_type = String, format = DateTime)]
    pub recorded_at: Timestamp,
    /// When it was taken, if not then.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, format = DateTime)]
    pub collected_at: Option<Timestamp>,
    /// Taken while the line was down.
    pub offline: bool,
    /// The business date it counts for.
    #[schema(value_type = String, format = Date)]
    pub business_date: BusinessDate,
    /// The partner's own name for it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub partner_reference: Option<String>,
    /// The key it was asked for under.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub idempotency_key: Option<String>,
    /// Where each centavo went, and by which rule.
    pub allocations: Vec<AllocationView>,
    /// What the account owed right after it.
    pub position_after: FiguresView,
    /// The reconnection it ordered.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reconnection: Option<OrderedView>,
    /// It cleared the cause of a cut that was on its way, and asked to cancel it.
    pub suspension_cancel_requested: bool,
    /// The cash session right after it.
    pub session: SessionStampView,
    /// Cash taken and not deposited, right after it.
    pub exposure: ExposureView,
    /// The one thing the cashier does now.
    pub cashier_action: String,
    /// What to say.
    pub message: MessageView,
}

/// A payment, and what became of it.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = PaymentRecord)]
pub struct PaymentRecordView {
    /// The payment as it was answered.
    #[serde(flatten)]
    pub payment: PaymentView,
    /// The reversal that took it back.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reversal_id: Option<String>,
}

/// Where a part of a payment went.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Allocation)]
pub struct AllocationView {
    /// The bill it pays.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub bill_number: Option<String>,
    /// The agreement it pays into.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub agreement_id: Option<String>,
    /// The installment it pays.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub installment: Option<u32>,
    /// How much.
    #[schema(value_type = String, example = "85400.00")]
    pub amount: Money,
    /// `oldest_due_first`, `installment_in_order` or `credit_balance`.
    pub rule: String,
}

/// The reconnection that a payment ordered.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = OrderedReconnection)]
pub struct OrderedView {
    /// The order.
    pub id: String,
    /// `requested`, as it was at that instant.
    pub status: String,
    /// When the supply has to be back.
    #[schema(value_type = String, format = DateTime)]
    pub due_by: Timestamp,
}

/// A payment taken back.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Reversal)]
pub struct ReversalView {
    /// Its id.
    #[schema(example = "rev_01k6y3b5wqe7h8m2n4p6r8t0v2")]
    pub id: String,
    /// The payment.
    pub payment_id: String,
    /// The payment's receipt number.
    pub receipt_number: String,
    /// The account.
    pub account_number: String,
    /// How much goes back to the customer.
    #[schema(value_type = String, example = "85400.00")]
    pub amount: Money,
    /// Always COP.
    pub currency: String,
    /// What had been handed over, and is handed back.
    pub tender: String,
    /// Why.
    pub reason: String,
    /// Who approved it.
    pub supervisor: String,
    /// Anything else.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub note: Option<String>,
    /// When it was recorded.
    #[schema(value_type = String, format = DateTime)]
    pub recorded_at: Timestamp,
    /// The business date it counts for.
    #[schema(value_type = String, format = Date)]
    pub business_date: BusinessDate,
    /// What the account owed right after it.
    pub position_after: FiguresView,
    /// The cash session right after it.
    pub session: SessionStampView,
    /// Cash taken and not deposited, right after it.
    pub exposure: ExposureView,
    /// The one thing the cashier does now.
    pub cashier_action: String,
    /// What to say.
    pub message: MessageView,
}

impl PaymentView {
    /// The payment of a fact; `None` when it is none.
    #[must_use]
    pub fn of(fact: &Fact) -> Option<Self> {
        let payment = fact.payment()?;
        Some(Self {
            id: fact.public_id(),
            receipt_number: payment.receipt_number.clone(),
            status: "posted".to_owned(),
            account_number: account_number(fact),
            holder: payment.holder.clone(),
            kind: word(&payment.kind),
            amount: fact.amount,
            currency: "COP".to_owned(),
            agreement_id: payment.agreement_id.clone(),
            tender: word(&payment.tender),
            collection_point: fact.collection_point.as_ref().map(ToString::to_string).unwrap_or_default(),
            till: payment.till.clone(),
            cashier: payment.cashier.clone(),
            recorded_at: fact.recorded_at,
            collected_at: payment.collected_at,
            offline: payment.offline,
            business_date: fact.business_date,
            partner_reference: payment.partner_reference.clone(),
            idempotency_key: fact.request.as_ref().map(|keyed| keyed.key.to_string()),
            allocations: payment.allocations.iter().map(AllocationView::from).collect(),
            position_after: (&payment.position_after).into(),
            reconnection: ordered(payment),
            suspension_cancel_requested: payment.cancels_suspension,
            session: (&payment.session).into(),
            exposure: (&payment.exposure).into(),
            cashier_action: CashierAction::EntregarRecibo.as_str().to_owned(),
            message: message(payment),
        })
    }
}

impl PaymentRecordView {
    /// The payment of a fact, and what took it back.
    #[must_use]
    pub fn of(fact: &Fact, reversal: Option<Id>) -> Option<Self> {
        let mut payment = PaymentView::of(fact)?;
        if reversal.is_some() {
            "reversed".clone_into(&mut payment.status);
        }
        Some(Self { payment, reversal_id: reversal.map(|id| id.with_prefix("rev")) })
    }
}

impl ReversalView {
    /// The reversal of a fact; `None` when it is none.
    #[must_use]
    pub fn of(fact: &Fact) -> Option<Self> {
        let Body::Reversal(reversal) = &fact.body else { return None };
        let Reversal { receipt_number, supervisor, note, .. } = reversal;
        Some(Self {
            id: fact.public_id(),
            payment_id: reversal.payment_id.with_prefix("pay"),
            receipt_number: receipt_number.clone(),
            account_number: account_number(fact),
            amount: -fact.amount,
            currency: "COP".to_owned(),
            tender: word(&reversal.tender),
            reason: word(&reversal.reason),
            supervisor: supervisor.clone(),
            note: note.clone(),
            recorded_at: fact.recorded_at,
            business_date: fact.business_date,
            position_after: (&reversal.position_after).into(),
            session: (&reversal.session).into(),
            exposure: (&reversal.exposure).into(),
            cashier_action: CashierAction::DevolverDinero.as_str().to_owned(),
            message: said("Pago anulado. Devuelva el dinero.", "Su pago fue anulado.\nReciba su dinero."),
        })
    }
}

impl From<&Allocation> for AllocationView {
    fn from(allocation: &Allocation) -> Self {
        Self {
            bill_number: allocation.bill_number.clone(),
            agreement_id: allocation.agreement_id.clone(),
            installment: allocation.installment,
            amount: allocation.amount,
            rule: word(&allocation.rule),
        }
    }
}

fn account_number(fact: &Fact) -> String {
    fact.account.as_ref().map(|place| place.of.to_string()).unwrap_or_default()
}

fn ordered(payment: &Payment) -> Option<OrderedView> {
    let stamp = payment.reconnection.as_ref()?;
    Some(OrderedView { id: stamp.id.with_prefix("rec"), status: "requested".to_owned(), due_by: stamp.due_by })
}

fn message(payment: &Payment) -> MessageView {
    if payment.reconnection.is_some() {
        return said("Pago recibido. Reconexión ordenada.", "Pago recibido.\nLa reconexión está en camino.");
    }
    if payment.cancels_suspension {
        return said("Pago recibido. Se pidió parar el corte.", "Pago recibido.\nSe pidió cancelar la suspensión.");
    }
    said("Pago recibido. Entregue el recibo.", "Pago recibido. Gracias.")
}

fn said(cashier: &str, customer: &str) -> MessageView {
    MessageView { cashier: cashier.to_owned(), customer: customer.to_owned() }
}
