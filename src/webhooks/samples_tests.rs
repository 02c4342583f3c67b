//! Facts to try the events with: one of each kind that is told, of one partner, full of people's names.

use crate::domain::calendar::{BusinessDate, Timestamp};
use crate::domain::fact::*;
use crate::domain::ids::{AccountNumber, Id};
use crate::domain::money::Money;
use crate::domain::notice::{CertificateNotice, MAX_BREAKS, OpenedBreak, ReconciliationNotice};
use crate::domain::position::Figures;
use crate::domain::session::SessionStamp;

const AT: Timestamp = Timestamp::from_micros(1_795_530_600_000_000);

/// The payment's outward name.
pub fn payment_id() -> String {
    id(0x10).with_prefix("pay")
}

/// Every kind of fact that is told, with the event under which.
pub fn facts() -> Vec<(Fact, &'static str)> {
    let (fact, pesos) = (fact_of, Money::from_pesos);
    let session = session();
    let reversal = Reversal {
        payment_id: id(0x10),
        receipt_number: "J-1".to_owned(),
        reason: ReversalReason::WrongAccount,
        supervisor: "supervisora-1".to_owned(),
        note: Some("cliente furioso".to_owned()),
        till: "1".to_owned(),
        tender: Tender::Cash,
        allocations: Vec::new(),
        position_after: figures(),
        session: session.clone(),
        exposure: exposure(),
        payment_business_date: day(),
        offline: false,
    };
    let close = SessionClose {
        session,
        till: "1".to_owned(),
        cashier: "cajera-7".to_owned(),
        expected: pesos(100),
        counted: Some(pesos(90)),
        difference: Some(pesos(-10)),
        denominations: Vec::new(),
        unattended: false,
    };
    let verification = DepositVerification {
        deposit_id: id(0x20),
        partner: "coompecens".into(),
        amount: pesos(50),
        verified: pesos(50),
        outstanding: Money::ZERO,
        provisional_released: Money::ZERO,
        credits: Vec::new(),
        bank_reference: Some("MARIA GOMEZ".to_owned()),
    };
    let order = ReconnectionOrder {
        cleared_at: AT,
        due_by: AT.plus_minutes(1440),
        payment_id: Some(id(0x10)),
        municipality_code: "54001".to_owned(),
        fee: Some(Money::ZERO),
    };
    let seal = BatchSeal { partner: "coompecens".into(), from: day(), through: day(), count: 1, total: pesos(1) };
    let mut facts = vec![
        (fact(0x10, Body::Payment(Box::new(payment()))), "payment.posted"),
        (fact(0x10, Body::Payment(Box::new(payment()))), "suspension.cancel_requested"),
        (fact(0x11, Body::Reversal(reversal)), "payment.reversed"),
        (fact(0x12, Body::SessionClose(close)), "cash_session.closed"),
        (fact(0x13, Body::DepositVerification(verification)), "deposit.verified"),
        (fact(0x14, Body::ReconnectionOrder(order)), "reconnection.requested"),
        (fact(0x15, Body::BatchSeal(seal)), "collection_batch.sealed"),
    ];
    for (status, overdue, event) in [
        (OrderStatus::Dispatched, false, "reconnection.dispatched"),
        (OrderStatus::Completed, false, "reconnection.completed"),
        (OrderStatus::Failed, false, "reconnection.failed"),
        (OrderStatus::Cancelled, false, "reconnection.cancelled"),
        (OrderStatus::Requested, true, "reconnection.overdue"),
    ] {
        let mut step = fact(0x16, Body::ReconnectionMove(step(status, overdue)));
        step.party = "reconnection".into();
        facts.push((step, event));
    }
    facts.extend(notices());
    facts
}

/// What is told beside the counter, as long as it may become.
fn notices() -> Vec<(Fact, &'static str)> {
    let certificate = CertificateNotice {
        thumbprint: "ab".repeat(32),
        subject: "coompecens".to_owned(),
        not_after: AT.plus_minutes(1440),
        days: 1,
    };
    let opened = |bits: u32| OpenedBreak {
        id: id(0x40 + u128::from(bits)),
        cause: "wrong_business_date".to_owned(),
        owner: "partner".to_owned(),
        amount_at_stake: Money::from_centavos(999_999_999_999),
        account_number: Some(AccountNumber::new("000123456789")),
    };
    let reconciliation = ReconciliationNotice {
        file: "partner".to_owned(),
        from: day(),
        to: day(),
        differences: 2_000,
        opened: 1_000,
        breaks: (0..MAX_BREAKS).map(opened).collect(),
    };
    let notice = |bits, body| Fact { account: None, amount: Money::ZERO, ..fact_of(bits, body) };
    let reconciliation = notice(0x18, Body::ReconciliationNotice(reconciliation));
    vec![
        (notice(0x17, Body::CertificateNotice(certificate)), "certificate.expiring"),
        (reconciliation.clone(), "reconciliation.completed"),
        (reconciliation, "break.opened"),
    ]
}

fn id(bits: u128) -> Id {
    Id::from_bits(0x0193_0000_0000_7000_8000_0000_0000_0000 | bits << 8)
}

fn day() -> BusinessDate {
    BusinessDate::parse("2026-11-24").expect("a date that is written here exists")
}

fn fact_of(bits: u128, body: Body) -> Fact {
    Fact {
        id: id(bits),
        recorded_at: AT,
        business_date: day(),
        party: "coompecens".into(),
        collection_point: None,
        account: Some(Place { of: AccountNumber::new("000123456"), seq: 1 }),
        series: None,
        request: None,
        ends: None,
        amount: Money::from_pesos(1000),
        body,
    }
}

fn step(status: OrderStatus, overdue: bool) -> ReconnectionMove {
    ReconnectionMove {
        order_id: id(0x14),
        status,
        at: AT,
        reason: (status != OrderStatus::Cancelled).then(|| "cliente furioso".to_owned()),
        crew: Some("MARIA GOMEZ".to_owned()),
        due_by: AT,
        requested_by: "coompecens".into(),
        overdue,
        announced: false,
    }
}

fn payment() -> Payment {
    Payment {
        kind: PaymentKind::Full,
        agreement_id: None,
        tender: Tender::Cash,
        till: "1".to_owned(),
        cashier: "cajera-7".to_owned(),
        collected_at: None,
        partner_reference: Some("MARIA".to_owned()),
        offline: false,
        distinct_from: None,
        receipt_number: "J-1".to_owned(),
        holder: "MAR*** GOM*** MARIA".to_owned(),
        municipality_code: "54001".to_owned(),
        allocations: Vec::new(),
        position_after: figures(),
        session: session(),
        exposure: exposure(),
        reconnection: Some(ReconnectionStamp { id: id(0x14), due_by: AT }),
        cancels_suspension: true,
    }
}

fn figures() -> Figures {
    let zero = Money::ZERO;
    Figures {
        total_due: zero,
        disputed: zero,
        payable_now: zero,
        past_due: zero,
        credit: zero,
        position_version: "v".into(),
    }
}

fn exposure() -> ExposureStamp {
    ExposureStamp { used: Money::ZERO, limit: None, warning: None }
}

fn session() -> SessionStamp {
    SessionStamp {
        id: id(0x30),
        business_date: day(),
        cashier: "cajera-7".to_owned(),
        base: Money::ZERO,
        count: 1,
        total: Money::ZERO,
        cash: Money::ZERO,
        chain: "0".repeat(64),
    }
}
