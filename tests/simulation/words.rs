//! From the model's plain numbers to the gateway's words.

use recaudo::domain::account::*;
use recaudo::domain::calendar::{BusinessDate, Timestamp};
use recaudo::domain::command::*;
use recaudo::domain::fact::{OrderStatus, PaymentKind, ReversalReason, Tender};
use recaudo::domain::ids::{AccountNumber, CollectionPointId, Id, PartyId, Till};
use recaudo::domain::money::Money;
use recaudo::domain::policy::{PartnerSettings, PointSettings, Policy};

use crate::books::Register;
use crate::model::{self, EXPOSURE_LIMIT, FLOOR_LIMIT, MINUTE, OPERATION_LIMIT, PARTS, POINTS};

const PARTIES: [&str; 3] = ["a", "b", "c"];

pub fn money(centavos: i64) -> Money {
    Money::from_centavos(centavos)
}

pub fn party(party: usize) -> PartyId {
    PartyId::new(PARTIES[party])
}

pub fn point(point: usize) -> CollectionPointId {
    CollectionPointId::new(format!("{}-{point}", PARTIES[POINTS[point]]))
}

pub fn till(point_: usize, till: u8) -> Till {
    Till { party: party(POINTS[point_]), collection_point: point(point_), till: format!("C{till}") }
}

pub fn account(account: usize) -> AccountNumber {
    AccountNumber::new(format!("{:06}", 100_000 + account))
}

/// Noon of a day, as a date of Cúcuta.
pub fn date(day: i64) -> BusinessDate {
    Timestamp::from_micros((day * 1440 + 720 + 300) * MINUTE).date_at(-300)
}

pub fn cashier(point_: usize) -> Caller {
    Caller { party: party(POINTS[point_]), kind: PartyKind::Partner, collection_point: Some(point(point_)) }
}

pub fn office(kind: PartyKind) -> Caller {
    Caller { party: PartyId::new(format!("{kind:?}").to_lowercase()), kind, collection_point: None }
}

pub fn status(status: u8) -> OrderStatus {
    use OrderStatus::*;
    [Requested, Dispatched, InProgress, Completed, Failed, Cancelled][usize::from(status)]
}

pub fn register() -> Register {
    let partner = |i: usize| PartnerSettings {
        cash_operation_limit: Some(money(OPERATION_LIMIT)),
        exposure_limit: (i == 1).then(|| money(EXPOSURE_LIMIT)),
        provisional_deposit_percent: if i == 1 { 40 } else { 0 },
        explicit_sessions: i == 2,
        ..PartnerSettings::default()
    };
    let place = |i: usize| PointSettings {
        offline_floor_limit: (i == 0).then(|| money(FLOOR_LIMIT)),
        ..PointSettings::default()
    };
    Register {
        policy: Policy::default(),
        partners: (0..PARTIES.len()).map(|i| (party(i), partner(i))).collect(),
        points: (0..POINTS.len()).map(|i| (point(i), party(POINTS[i]), place(i))).collect(),
    }
}

pub fn pay(pay: &model::Pay, distinct: Option<Id>) -> Command {
    let kind = [PaymentKind::Full, PaymentKind::Partial, PaymentKind::Installment][usize::from(pay.kind)];
    Command::Pay(Pay {
        account_number: account(pay.account),
        kind,
        amount: money(pay.amount),
        agreement_id: (pay.kind == 2).then(|| "CV".to_owned()),
        tender: if pay.cash { Tender::Cash } else { Tender::Transfer },
        till: format!("C{}", pay.till),
        cashier: "ana".to_owned(),
        collected_at: pay.taken.map(Timestamp::from_micros),
        partner_reference: None,
        confirm_distinct_from: distinct,
        if_position: pay.stale.then(|| "0".repeat(16)),
        offline: pay.offline,
    })
}

pub fn reverse(payment_id: Id) -> Command {
    let (reason, supervisor) = (ReversalReason::Duplicate, "luz".to_owned());
    Command::Reverse(Reverse { payment_id, reason, supervisor, note: None })
}

/// What billing sends about an account: what is owed, plus what it has not heard of yet. `unheard`
/// holds the bills' slots and the installments' (from [`PARTS`] on).
pub fn billed(number: usize, said: &model::Account, unheard: &[(usize, i64)]) -> Account {
    let of = |slot: usize| unheard.iter().filter(|(at, _)| *at == slot).map(|(_, amount)| amount).sum::<i64>();
    let on_bills: i64 = unheard.iter().filter(|(slot, _)| *slot < PARTS).map(|(_, amount)| amount).sum();
    let bills = said.bills.iter().map(|bill| Bill {
        bill_number: format!("F{:07}", bill.number),
        period: "2026-11".to_owned(),
        issued_on: date(bill.due),
        due_on: date(bill.due),
        balance: money(bill.left + of(bill.number)),
        disputed: money(bill.disputed),
    });
    let parts = said.parts.iter().enumerate().map(|(i, left)| Installment {
        number: u32::try_from(i).unwrap_or(0) + 1,
        due_on: date(30_000),
        balance: money(left + of(PARTS + i)),
    });
    let agreement = Agreement {
        agreement_id: "CV".to_owned(),
        status: AgreementStatus::InForce,
        any_amount: said.any,
        clears_suspension: false,
        installments: parts.filter(|part| part.balance.is_positive()).collect(),
    };
    use ServiceStatus::*;
    Account {
        account_number: account(number),
        holder_name: "MARIA GOMEZ PEREZ".to_owned(),
        municipality_code: "54001".to_owned(),
        stratum: None,
        status: AccountStatus::Active,
        service: Service {
            status: [Active, SuspensionScheduled, Suspended][usize::from(said.service)],
            since: None,
            cause: (said.service > 0).then_some(SuspensionCause::NonPayment),
            amount_to_reconnect: said.need.map(|need| money((need + on_bills).max(0))),
            reconnection_fee: None,
            known_incident: None,
        },
        bills: bills.filter(|bill| bill.balance.is_positive()).collect(),
        agreements: if said.parts.is_empty() { Vec::new() } else { vec![agreement] },
    }
}
