//! What happened: rows that are written once and never changed or deleted.
//!
//! A correction is a new fact. Every answer the gateway gives about a fact is rendered from the
//! fact alone, so a repeated request gets the same bytes for ever; that is why a payment keeps the
//! figures that were true at its own instant. No fact keeps a balance that anything is decided on.

use serde::{Deserialize, Serialize};

use super::calendar::{BusinessDate, Timestamp};
use super::cut::CutReport;
use super::deposit::Credit;
use super::ids::{AccountNumber, CollectionPointId, Id, IdempotencyKey, PartyId, Till};
use super::money::Money;
use super::notice::{CertificateNotice, ReconciliationNotice};
use super::position::Figures;
use super::receipt_copy::ReceiptCopy;
use super::session::SessionStamp;

/// One thing that happened.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fact {
    /// Its identity; outside it wears the prefix of its kind.
    pub id: Id,
    /// When it was decided.
    pub recorded_at: Timestamp,
    /// The business date it counts for.
    pub business_date: BusinessDate,
    /// Whose fact it is: nobody else reads it.
    pub party: PartyId,
    /// Where it happened, when at a collection point.
    pub collection_point: Option<CollectionPointId>,
    /// Its place in the account's history; two facts never share one.
    pub account: Option<Place<AccountNumber>>,
    /// Its place in another series (a till's, an order's, a deposit's); two facts never share one.
    pub series: Option<Place<String>>,
    /// Who asked for it, under which key, and the hash of the request.
    pub request: Option<Asked>,
    /// The fact that this one ends (a payment by its reversal, a session by its close); at most
    /// one fact ends another.
    pub ends: Option<Id>,
    /// The money it moves: positive into the drawer, negative out of it, zero otherwise.
    pub amount: Money,
    /// What happened.
    pub body: Body,
}

/// A place in a numbered history.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Place<T> {
    /// Whose history.
    pub of: T,
    /// The ordinal, from 1.
    pub seq: i64,
}

/// An idempotency key and the hash of the request that came with it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeyedRequest {
    /// The key.
    pub key: IdempotencyKey,
    /// SHA-256 over method, path and body, in lower-case hexadecimal.
    pub hash: String,
}

/// Who asked for a fact, and how the same request is recognised. The namespace of a key is the party
/// that asked, which is not always the one whose fact it is: an operator may reverse a partner's payment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Asked {
    /// The party that asked.
    pub by: PartyId,
    /// The key.
    pub key: IdempotencyKey,
    /// SHA-256 over method, path and body, in lower-case hexadecimal.
    pub hash: String,
}

/// What happened, by kind.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Body {
    /// Money was taken.
    Payment(Box<Payment>),
    /// A payment was taken back.
    Reversal(Reversal),
    /// A till began to take money.
    SessionOpening(SessionOpening),
    /// A till stopped taking money and its drawer was counted.
    SessionClose(SessionClose),
    /// The partner says it put cash into the bank.
    Deposit(Deposit),
    /// The bank confirmed it, or part of it.
    DepositVerification(DepositVerification),
    /// The supply has to be restored.
    ReconnectionOrder(ReconnectionOrder),
    /// The order went on.
    ReconnectionMove(ReconnectionMove),
    /// A business date was closed for ever.
    BatchSeal(BatchSeal),
    /// A receipt was printed again.
    ReceiptCopy(ReceiptCopy),
    /// A supply was cut.
    CutReport(CutReport),
    /// A client certificate ends soon.
    CertificateNotice(CertificateNotice),
    /// A reconciliation came to its end.
    ReconciliationNotice(ReconciliationNotice),
}

/// Money taken at a counter.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Payment {
    /// What kind of payment the cashier chose.
    #[serde(rename = "type")]
    pub kind: PaymentKind,
    /// The agreement, for an installment.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub agreement_id: Option<String>,
    /// What the customer handed over.
    pub tender: Tender,
    /// The drawer.
    pub till: String,
    /// Who took it.
    pub cashier: String,
    /// When it was taken, if not at the instant it was recorded.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub collected_at: Option<Timestamp>,
    /// The partner's own name for it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub partner_reference: Option<String>,
    /// Taken while the line was down.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub offline: bool,
    /// The earlier payment that the cashier confirmed this one is not.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub distinct_from: Option<Id>,
    /// The number printed on the receipt, with its check character.
    pub receipt_number: String,
    /// The holder as a cashier may see it.
    pub holder: String,
    /// DIVIPOLA code of the municipality.
    pub municipality_code: String,
    /// Where each centavo went, and by which rule.
    pub allocations: Vec<Allocation>,
    /// What the account owes after it.
    pub position_after: Figures,
    /// The session after it.
    pub session: SessionStamp,
    /// The partner's exposure after it.
    pub exposure: ExposureStamp,
    /// The reconnection order it gave rise to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reconnection: Option<ReconnectionStamp>,
    /// It cleared the cause of a cut that was on its way.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub cancels_suspension: bool,
}

/// The three payments.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PaymentKind {
    /// Everything payable now (pago total).
    Full,
    /// A part of it (pago parcial).
    Partial,
    /// Into an agreement (abono a convenio de pago).
    Installment,
}

/// What the customer handed over.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Tender {
    /// Notes and coins: the only tender that counts against exposure.
    Cash,
    /// A debit card.
    DebitCard,
    /// A credit card.
    CreditCard,
    /// A transfer.
    Transfer,
    /// A cheque.
    Cheque,
}

/// Where a part of a payment went.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Allocation {
    /// The bill it pays.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub bill_number: Option<String>,
    /// The agreement it pays into.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub agreement_id: Option<String>,
    /// The installment it pays.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub installment: Option<u32>,
    /// How much.
    pub amount: Money,
    /// The rule that placed it.
    pub rule: AllocationRule,
}

/// The rule that placed a part of a payment.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AllocationRule {
    /// The bill that has been due longest, its undisputed part.
    OldestDueFirst,
    /// The installments of the named agreement, in their order.
    InstallmentInOrder,
    /// More than was owed: saldo a favor.
    CreditBalance,
}

/// The partner's exposure right after a fact.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ExposureStamp {
    /// Cash taken and not yet deposited.
    pub used: Money,
    /// Its ceiling.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub limit: Option<Money>,
    /// The highest warning percentage reached.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub warning: Option<u8>,
}

/// The order a payment gave rise to.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReconnectionStamp {
    /// The order.
    pub id: Id,
    /// When the supply has to be back.
    pub due_by: Timestamp,
}

/// A payment taken back.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Reversal {
    /// The payment.
    pub payment_id: Id,
    /// Its receipt number.
    pub receipt_number: String,
    /// Why.
    pub reason: ReversalReason,
    /// Who approved it.
    pub supervisor: String,
    /// Anything else.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub note: Option<String>,
    /// The drawer.
    pub till: String,
    /// What had been handed over, and is handed back.
    pub tender: Tender,
    /// What goes back onto the account, exactly as the payment had placed it.
    pub allocations: Vec<Allocation>,
    /// What the account owes after it.
    pub position_after: Figures,
    /// The session after it.
    pub session: SessionStamp,
    /// The partner's exposure after it.
    pub exposure: ExposureStamp,
    /// The business date of the payment.
    pub payment_business_date: BusinessDate,
    /// The payment was taken while the line was down.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub offline: bool,
}

/// Why a payment is taken back.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ReversalReason {
    /// Another account was meant.
    WrongAccount,
    /// Another amount was meant.
    WrongAmount,
    /// The same payment was posted twice.
    Duplicate,
    /// The customer did not hand the money over after all.
    NotCollected,
    /// The customer changed their mind.
    CustomerRequest,
}

/// A till that begins to take money.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SessionOpening {
    /// The drawer.
    pub till: String,
    /// Who sits at it.
    pub cashier: String,
    /// What is in the drawer to begin with.
    pub base: Money,
    /// Opened by its first payment.
    pub implicit: bool,
    /// The session as it begins.
    pub session: SessionStamp,
}

/// A till that stops taking money.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SessionClose {
    /// The session.
    pub session: SessionStamp,
    /// The drawer.
    pub till: String,
    /// Who closed it.
    pub cashier: String,
    /// Base and cash taken, less cash given back.
    pub expected: Money,
    /// What was in the drawer; absent when nobody counted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub counted: Option<Money>,
    /// Counted less expected.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub difference: Option<Money>,
    /// How many of each denomination, as counted.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub denominations: Vec<Denomination>,
    /// Closed by the gateway because its business date was over.
    pub unattended: bool,
}

/// How many notes or coins of one value.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Denomination {
    /// The value of one.
    pub value: Money,
    /// How many.
    pub count: u32,
}

/// Cash that the partner says it put into the bank.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Deposit {
    /// The bank's slip number.
    pub slip_number: String,
    /// How much.
    pub amount: Money,
    /// The day of the slip.
    pub deposited_on: BusinessDate,
    /// The sessions whose cash it is.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub sessions: Vec<Id>,
    /// The room it gives before it is verified.
    pub provisional: Money,
    /// Whose cash it is, by the sessions; empty: the declaring collection point's.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub credits: Vec<Credit>,
}

/// A deposit confirmed, in whole or in part.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DepositVerification {
    /// The deposit.
    pub deposit_id: Id,
    /// Who declared it.
    pub partner: PartyId,
    /// How much the bank shows by this verification.
    pub amount: Money,
    /// How much it shows altogether.
    pub verified: Money,
    /// What is still missing of what was declared.
    pub outstanding: Money,
    /// The provisional room this verification takes back.
    pub provisional_released: Money,
    /// Whose exposure it releases, and by how much; empty: the declaring collection point's.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub credits: Vec<Credit>,
    /// The bank's reference.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub bank_reference: Option<String>,
}

/// A supply that has to be restored.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReconnectionOrder {
    /// The instant the cause was removed: the legal clock starts here.
    pub cleared_at: Timestamp,
    /// When the supply has to be back.
    pub due_by: Timestamp,
    /// The payment that cleared the cause, when one did just now.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub payment_id: Option<Id>,
    /// DIVIPOLA code of the municipality.
    pub municipality_code: String,
    /// What reconnecting costs, as billing sent it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fee: Option<Money>,
}

/// An order that went on.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReconnectionMove {
    /// The order.
    pub order_id: Id,
    /// Where it stands now.
    pub status: OrderStatus,
    /// When that happened, as the crew reports it.
    pub at: Timestamp,
    /// Why, for a failure or a cancellation.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// Who did it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub crew: Option<String>,
    /// The order's deadline, carried along so that one fact tells the state.
    pub due_by: Timestamp,
    /// Who ordered it.
    pub requested_by: PartyId,
    /// This fact announces that the deadline has passed.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub overdue: bool,
    /// An earlier one announced it.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub announced: bool,
}

/// Where a reconnection order stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum OrderStatus {
    /// Ordered, nobody sent.
    Requested,
    /// A crew was sent.
    Dispatched,
    /// The crew is at work.
    InProgress,
    /// The supply is back.
    Completed,
    /// It could not be done.
    Failed,
    /// It need not be done.
    Cancelled,
}

/// A business date of one partner closed for ever.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct BatchSeal {
    /// The partner.
    pub partner: PartyId,
    /// The first business date in it.
    pub from: BusinessDate,
    /// The last business date in it.
    pub through: BusinessDate,
    /// How many payments are in it, reversed pairs taken out.
    pub count: i64,
    /// Their sum, less the reversals of payments of earlier batches.
    pub total: Money,
}

impl Body {
    /// The word that stands for this kind, in the store as in the logs.
    #[must_use]
    pub const fn kind(&self) -> &'static str {
        match self {
            Self::Payment(_) => "payment",
            Self::Reversal(_) => "reversal",
            Self::SessionOpening(_) => "session_opening",
            Self::SessionClose(_) => "session_close",
            Self::Deposit(_) => "deposit",
            Self::DepositVerification(_) => "deposit_verification",
            Self::ReconnectionOrder(_) => "reconnection_order",
            Self::ReconnectionMove(_) => "reconnection_move",
            Self::BatchSeal(_) => "batch_seal",
            Self::ReceiptCopy(_) => "receipt_copy",
            Self::CutReport(_) => "cut_report",
            Self::CertificateNotice(_) => "certificate_notice",
            Self::ReconciliationNotice(_) => "reconciliation_notice",
        }
    }

    /// The prefix that this kind's ids wear outside.
    #[must_use]
    pub const fn prefix(&self) -> &'static str {
        match self {
            Self::Payment(_) => "pay",
            Self::Reversal(_) => "rev",
            Self::SessionOpening(_) => "ses",
            Self::SessionClose(_) => "cls",
            Self::Deposit(_) => "dep",
            Self::DepositVerification(_) => "ver",
            Self::ReconnectionOrder(_) => "rec",
            Self::ReconnectionMove(_) => "mov",
            Self::BatchSeal(_) => "bat",
            Self::ReceiptCopy(_) => "cop",
            Self::CutReport(_) => "cut",
            Self::CertificateNotice(_) => "exp",
            Self::ReconciliationNotice(_) => "rcn",
        }
    }
}

impl Fact {
    /// The outward identity.
    #[must_use]
    pub fn public_id(&self) -> String {
        self.id.with_prefix(self.body.prefix())
    }

    /// The payment, when it is one.
    #[must_use]
    pub fn payment(&self) -> Option<&Payment> {
        match &self.body {
            Body::Payment(payment) => Some(payment),
            _ => None,
        }
    }

    /// The drawer it happened at.
    #[must_use]
    pub fn till(&self) -> Option<Till> {
        let till = match &self.body {
            Body::Payment(payment) => &payment.till,
            Body::Reversal(reversal) => &reversal.till,
            Body::SessionOpening(opening) => &opening.till,
            Body::SessionClose(close) => &close.till,
            _ => return None,
        };
        let collection_point = self.collection_point.clone()?;
        Some(Till { party: self.party.clone(), collection_point, till: till.clone() })
    }

    /// The session right after it.
    #[must_use]
    pub const fn session(&self) -> Option<&SessionStamp> {
        match &self.body {
            Body::Payment(payment) => Some(&payment.session),
            Body::Reversal(reversal) => Some(&reversal.session),
            Body::SessionOpening(opening) => Some(&opening.session),
            Body::SessionClose(close) => Some(&close.session),
            _ => None,
        }
    }

    /// What it adds to the cash a partner holds and has not deposited.
    #[must_use]
    pub fn exposure_change(&self) -> Money {
        match &self.body {
            Body::Payment(payment) if payment.tender == Tender::Cash => self.amount,
            Body::Reversal(reversal) if reversal.tender == Tender::Cash => self.amount,
            Body::Deposit(deposit) => -deposit.provisional,
            Body::DepositVerification(verification) => verification.provisional_released - verification.amount,
            _ => Money::ZERO,
        }
    }

    /// The events that leave because of it, in order.
    #[must_use]
    pub fn events(&self) -> Vec<&'static str> {
        match &self.body {
            Body::Payment(payment) if payment.cancels_suspension => {
                vec!["payment.posted", "suspension.cancel_requested"]
            }
            Body::Payment(_) => vec!["payment.posted"],
            Body::Reversal(_) => vec!["payment.reversed"],
            Body::SessionClose(_) => vec!["cash_session.closed"],
            Body::DepositVerification(_) => vec!["deposit.verified"],
            Body::ReconnectionOrder(_) => vec!["reconnection.requested"],
            Body::ReconnectionMove(step) if step.overdue => vec!["reconnection.overdue"],
            Body::ReconnectionMove(step) => match step.status {
                OrderStatus::Dispatched => vec!["reconnection.dispatched"],
                OrderStatus::Completed => vec!["reconnection.completed"],
                OrderStatus::Failed => vec!["reconnection.failed"],
                OrderStatus::Cancelled => vec!["reconnection.cancelled"],
                OrderStatus::Requested | OrderStatus::InProgress => Vec::new(),
            },
            Body::BatchSeal(_) => vec!["collection_batch.sealed"],
            Body::CertificateNotice(_) => vec!["certificate.expiring"],
            Body::ReconciliationNotice(notice) if notice.opened > 0 => {
                vec!["reconciliation.completed", "break.opened"]
            }
            Body::ReconciliationNotice(_) => vec!["reconciliation.completed"],
            Body::SessionOpening(_) | Body::Deposit(_) | Body::ReceiptCopy(_) | Body::CutReport(_) => Vec::new(),
        }
    }
}
