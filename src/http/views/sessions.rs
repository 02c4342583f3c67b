//! Cash sessions and deposits, from their facts.

use serde::Serialize;
use utoipa::ToSchema;

use super::SessionStampView;
use crate::auth::keys::SigningKeys;
use crate::domain::calendar::{BusinessDate, Timestamp};
use crate::domain::deposit::Credit;
use crate::domain::fact::{Body, Deposit, DepositVerification, Fact, SessionClose};
use crate::domain::money::Money;
use crate::domain::session::SessionStamp;
use crate::store::SessionRecord;

/// The kind of a signed close.
pub const CLOSE_TYPE: &str = "cash-session-close+jws";

/// A cash session: its opening, and its close when it is closed.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = CashSession)]
pub struct CashSessionView {
    /// The session.
    #[schema(example = "ses_01k6y3b5wqe7h8m2n4p6r8t0v2")]
    pub id: String,
    /// `open` or `closed`.
    pub status: String,
    /// The place.
    pub collection_point: String,
    /// The drawer.
    pub till: String,
    /// Who sits at it.
    pub cashier: String,
    /// What was in the drawer at the beginning.
    #[schema(value_type = String, example = "50000.00")]
    pub base: Money,
    /// Opened by its first payment.
    pub implicit: bool,
    /// When it was opened.
    #[schema(value_type = String, format = DateTime)]
    pub opened_at: Timestamp,
    /// The business date it belongs to.
    #[schema(value_type = String, format = Date)]
    pub business_date: BusinessDate,
    /// How it stands: after its last payment or reversal.
    pub session: SessionStampView,
    /// How it was closed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub close: Option<SessionCloseView>,
}

/// A counted (or unattended) close: the partner's signed statement of the drawer.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = SessionClose)]
pub struct SessionCloseView {
    /// The close.
    #[schema(example = "cls_01k6y3b5wqe7h8m2n4p6r8t0v2")]
    pub id: String,
    /// The session as it ended.
    pub session: SessionStampView,
    /// Who counted.
    pub cashier: String,
    /// When.
    #[schema(value_type = String, format = DateTime)]
    pub closed_at: Timestamp,
    /// Base and cash taken, less cash given back.
    #[schema(value_type = String, example = "1250000.00")]
    pub expected: Money,
    /// What was in the drawer; absent when nobody counted.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, example = "1250000.00")]
    pub counted: Option<Money>,
    /// Counted less expected; may be below zero.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, example = "0.00")]
    pub difference: Option<Money>,
    /// How many of each denomination, as counted.
    pub denominations: Vec<DenominationView>,
    /// Closed by the gateway because its business date was over.
    pub unattended: bool,
    /// The close as a compact JWS (EdDSA, typ `cash-session-close+jws`) over totals and chain head, to be
    /// verified with the published keys; the same bytes each time.
    pub signed: String,
}

/// What a signed close says.
#[derive(Serialize)]
struct CloseClaims<'a> {
    session_id: String,
    close_id: &'a str,
    party: &'a str,
    collection_point: &'a str,
    till: &'a str,
    cashier: &'a str,
    closed_at: Timestamp,
    business_date: BusinessDate,
    count: i64,
    total: Money,
    expected: Money,
    counted: Option<Money>,
    difference: Option<Money>,
    unattended: bool,
    chain: &'a str,
}

/// How many notes or coins of one value.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Denomination)]
pub struct DenominationView {
    /// The value of one.
    #[schema(value_type = String, example = "50000.00")]
    pub value: Money,
    /// How many.
    pub count: u32,
}

/// A deposit.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Deposit)]
pub struct DepositView {
    /// The deposit.
    #[schema(example = "dep_01k6y3b5wqe7h8m2n4p6r8t0v2")]
    pub id: String,
    /// Who declared it.
    pub party: String,
    /// The bank's slip number.
    pub slip_number: String,
    /// How much.
    #[schema(value_type = String, example = "1250000.00")]
    pub amount: Money,
    /// Always COP.
    pub currency: String,
    /// The day of the slip.
    #[schema(value_type = String, format = Date)]
    pub deposited_on: BusinessDate,
    /// The sessions whose cash it is.
    pub sessions: Vec<String>,
    /// The room it gives before it is verified.
    #[schema(value_type = String, example = "0.00")]
    pub provisional: Money,
    /// Whose exposure it releases when the named sessions are of other collection points than the
    /// declaring one: in the proportion of the cash that they took. Absent: the declaring one's.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[schema(required = false)]
    pub credits: Vec<CreditView>,
    /// When it was declared.
    #[schema(value_type = String, format = DateTime)]
    pub recorded_at: Timestamp,
}

/// A part of a deposit that is one collection point's.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = DepositCredit)]
pub struct CreditView {
    /// The collection point.
    pub collection_point: String,
    /// How much of the deposit.
    #[schema(value_type = String, example = "450000.00")]
    pub amount: Money,
}

/// A deposit confirmed, in whole or in part.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = DepositVerification)]
pub struct VerificationView {
    /// The verification.
    #[schema(example = "ver_01k6y3b5wqe7h8m2n4p6r8t0v2")]
    pub id: String,
    /// The deposit.
    pub deposit_id: String,
    /// Who declared it.
    pub partner: String,
    /// How much the bank shows by this verification.
    #[schema(value_type = String, example = "1250000.00")]
    pub amount: Money,
    /// How much it shows altogether.
    #[schema(value_type = String, example = "1250000.00")]
    pub verified: Money,
    /// What is still missing of what was declared.
    #[schema(value_type = String, example = "0.00")]
    pub outstanding: Money,
    /// The bank's reference.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub bank_reference: Option<String>,
    /// When.
    #[schema(value_type = String, format = DateTime)]
    pub recorded_at: Timestamp,
}

/// A deposit, and how much of it the bank has shown.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = DepositRecord)]
pub struct DepositRecordView {
    /// The deposit as it was declared.
    #[serde(flatten)]
    pub deposit: DepositView,
    /// The last verification.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub verification: Option<VerificationView>,
}

impl CashSessionView {
    /// A session as its facts tell it; `None` when the first opens none.
    #[must_use]
    pub fn of(record: &SessionRecord, keys: &SigningKeys) -> Option<Self> {
        let close = record.close.as_deref();
        let last = close.or(record.last.as_deref()).and_then(Fact::session);
        Self::seen(&record.opening, last, close.and_then(|close| SessionCloseView::of(close, keys)))
    }

    /// A session that has just been opened; `None` when the fact opens none.
    #[must_use]
    pub fn opened(opening: &Fact) -> Option<Self> {
        Self::seen(opening, None, None)
    }

    fn seen(opening: &Fact, last: Option<&SessionStamp>, close: Option<SessionCloseView>) -> Option<Self> {
        let Body::SessionOpening(body) = &opening.body else { return None };
        Some(Self {
            id: opening.public_id(),
            status: if close.is_some() { "closed" } else { "open" }.to_owned(),
            collection_point: opening.collection_point.as_ref().map(ToString::to_string).unwrap_or_default(),
            till: body.till.clone(),
            cashier: body.cashier.clone(),
            base: body.base,
            implicit: body.implicit,
            opened_at: opening.recorded_at,
            business_date: opening.business_date,
            session: last.unwrap_or(&body.session).into(),
            close,
        })
    }
}

impl SessionCloseView {
    /// The close of a fact, signed by the key of its instant; `None` when it is none.
    #[must_use]
    pub fn of(fact: &Fact, keys: &SigningKeys) -> Option<Self> {
        let Body::SessionClose(close) = &fact.body else { return None };
        let signed = keys.sign(CLOSE_TYPE, &CloseClaims::of(fact, close, &fact.public_id()), fact.recorded_at).ok()?;
        let SessionClose { session, cashier, expected, counted, difference, denominations, unattended, .. } = close;
        let denominations = denominations.iter();
        Some(Self {
            id: fact.public_id(),
            session: session.into(),
            cashier: cashier.clone(),
            closed_at: fact.recorded_at,
            expected: *expected,
            counted: *counted,
            difference: *difference,
            denominations: denominations.map(|d| DenominationView { value: d.value, count: d.count }).collect(),
            unattended: *unattended,
            signed,
        })
    }
}

impl<'a> CloseClaims<'a> {
    fn of(fact: &'a Fact, close: &'a SessionClose, close_id: &'a str) -> Self {
        Self {
            session_id: close.session.id.with_prefix("ses"),
            close_id,
            party: fact.party.as_str(),
            collection_point: fact.collection_point.as_ref().map_or("", |point| point.as_str()),
            till: &close.till,
            cashier: &close.cashier,
            closed_at: fact.recorded_at,
            business_date: fact.business_date,
            count: close.session.count,
            total: close.session.total,
            expected: close.expected,
            counted: close.counted,
            difference: close.difference,
            unattended: close.unattended,
            chain: &close.session.chain,
        }
    }
}

impl DepositView {
    /// The deposit of a fact; `None` when it is none.
    #[must_use]
    pub fn of(fact: &Fact) -> Option<Self> {
        let Body::Deposit(deposit) = &fact.body else { return None };
        let Deposit { slip_number, amount, deposited_on, sessions, provisional, credits } = deposit;
        let credit =
            |part: &Credit| CreditView { collection_point: part.collection_point.to_string(), amount: part.amount };
        Some(Self {
            id: fact.public_id(),
            party: fact.party.to_string(),
            slip_number: slip_number.clone(),
            amount: *amount,
            currency: "COP".to_owned(),
            deposited_on: *deposited_on,
            sessions: sessions.iter().map(|id| id.with_prefix("ses")).collect(),
            provisional: *provisional,
            credits: credits.iter().map(credit).collect(),
            recorded_at: fact.recorded_at,
        })
    }
}

impl VerificationView {
    /// The verification of a fact; `None` when it is none.
    #[must_use]
    pub fn of(fact: &Fact) -> Option<Self> {
        let Body::DepositVerification(verification) = &fact.body else { return None };
        let DepositVerification { deposit_id, partner, amount, verified, outstanding, bank_reference, .. } =
            verification;
        Some(Self {
            id: fact.public_id(),
            deposit_id: deposit_id.with_prefix("dep"),
            partner: partner.to_string(),
            amount: *amount,
            verified: *verified,
            outstanding: *outstanding,
            bank_reference: bank_reference.clone(),
            recorded_at: fact.recorded_at,
        })
    }
}
