//! The generators of the properties: accounts as billing might send them, and days at the counter.

use std::sync::Arc;

use proptest::prelude::*;

use super::worlds::*;
use crate::domain::account::*;
use crate::domain::command::{Close, Command, DeclareDeposit, MoveOrder, Open, PartyKind, Pay, VerifyDeposit};
use crate::domain::decide::Outcome;
use crate::domain::fact::*;
use crate::domain::ids::Id;
use crate::domain::money::Money;
use crate::domain::payment::{PaymentOption, options};

/// Amounts with and without centavos, and nothing.
fn amount() -> impl Strategy<Value = i64> {
    prop_oneof![Just(0), 1..200i64, 100_000..9_000_000i64, (1_000..90_000i64).prop_map(|pesos| pesos * 100)]
}

fn any_bill() -> impl Strategy<Value = Bill> {
    let due = prop_oneof![Just("2026-10-20"), Just("2026-11-20"), Just("2026-11-24"), Just("2026-12-20")];
    (due, amount(), prop_oneof![3 => Just(0i64), 1 => 1..100i64]).prop_map(|(due_on, centavos, percent)| {
        let disputed = Money::from_centavos(centavos * percent / 100);
        Bill { disputed, ..bill("F", due_on, centavos) }
    })
}

fn any_agreement() -> impl Strategy<Value = Agreement> {
    let parts = prop::collection::vec(amount(), 0..4);
    let status = prop_oneof![5 => Just(AgreementStatus::InForce), 1 => Just(AgreementStatus::Broken)];
    (parts, status, any::<bool>(), any::<bool>()).prop_map(|(parts, status, any_amount, clears_suspension)| Agreement {
        status,
        any_amount,
        clears_suspension,
        ..agreement("CV", &parts)
    })
}

fn any_service() -> impl Strategy<Value = (ServiceStatus, Option<SuspensionCause>, Option<i64>)> {
    let cause = prop_oneof![6 => Just(SuspensionCause::NonPayment), 1 => Just(SuspensionCause::Tampering)];
    let status = prop_oneof![
        1 => Just(ServiceStatus::Active),
        2 => Just(ServiceStatus::Suspended),
        1 => Just(ServiceStatus::SuspensionScheduled)
    ];
    (status, cause, prop::option::of(amount())).prop_map(|(status, cause, to_reconnect)| match status {
        ServiceStatus::Active => (status, None, None),
        _ => (status, Some(cause), to_reconnect),
    })
}

/// Account `100001` in every state that billing's own checks let through.
pub fn any_account() -> impl Strategy<Value = Account> {
    let bills = prop::collection::vec(any_bill(), 0..5);
    let agreements = prop::collection::vec(any_agreement(), 0..3);
    (bills, agreements, any_service()).prop_map(|(bills, agreements, (status, cause, to_reconnect))| {
        let mut account = account(bills);
        for (i, bill) in account.bills.iter_mut().enumerate() {
            bill.bill_number = format!("F{i}");
        }
        account.agreements = agreements;
        for (i, agreement) in account.agreements.iter_mut().enumerate() {
            agreement.agreement_id = format!("CV{i}");
        }
        account.service.status = status;
        account.service.cause = cause;
        account.service.amount_to_reconnect = to_reconnect.map(Money::from_centavos);
        assert!(account.faults().is_empty());
        account
    })
}

/// Something somebody does; which thing exactly depends on what is there when it is done.
#[derive(Clone, Debug)]
pub enum Act {
    Pay { point: usize, option: usize, share: u8, till: u8, card: bool, offline: bool },
    Repeat(usize),
    Reverse { payment: usize, operator: bool },
    Reconnect,
    Move { order: usize, status: OrderStatus },
    Overdue(usize),
    Open { point: usize, till: u8 },
    Close(usize),
    Sweep(usize),
    Deposit { point: usize, thousands: u16 },
    Verify { deposit: usize, share: u8 },
    Seal { partner: bool },
    Pass(i64),
}

fn any_act() -> impl Strategy<Value = Act> {
    let at = 0..64usize;
    let status = prop_oneof![
        Just(OrderStatus::Requested),
        Just(OrderStatus::Dispatched),
        Just(OrderStatus::InProgress),
        Just(OrderStatus::Completed),
        Just(OrderStatus::Failed),
        Just(OrderStatus::Cancelled)
    ];
    prop_oneof![
        10 => (0..3usize, at.clone(), any::<u8>(), 0..2u8, prop::bool::weighted(0.2), prop::bool::weighted(0.2))
            .prop_map(|(point, option, share, till, card, offline)| Act::Pay { point, option, share, till, card, offline }),
        1 => at.clone().prop_map(Act::Repeat),
        3 => (at.clone(), prop::bool::weighted(0.3)).prop_map(|(payment, operator)| Act::Reverse { payment, operator }),
        1 => Just(Act::Reconnect),
        4 => (at.clone(), status).prop_map(|(order, status)| Act::Move { order, status }),
        1 => at.clone().prop_map(Act::Overdue),
        1 => (0..3usize, 0..2u8).prop_map(|(point, till)| Act::Open { point, till }),
        1 => at.clone().prop_map(Act::Close),
        1 => at.clone().prop_map(Act::Sweep),
        1 => (0..3usize, 1..999u16).prop_map(|(point, thousands)| Act::Deposit { point, thousands }),
        1 => (at, any::<u8>()).prop_map(|(deposit, share)| Act::Verify { deposit, share }),
        1 => any::<bool>().prop_map(|partner| Act::Seal { partner }),
        4 => prop_oneof![0..20i64, 300..1500i64].prop_map(Act::Pass),
    ]
}

pub fn any_days() -> impl Strategy<Value = Vec<Act>> {
    prop::collection::vec(any_act(), 1..60)
}

/// A payment that may be made now, picked from what is offered.
pub fn offered(bench: &Bench, option: usize, share: u8) -> Option<Pay> {
    let options = options(&bench.world.policy, bench.state(), &bench.position());
    let picked = options.get(option.checked_rem(options.len())?)?;
    Some(match picked {
        PaymentOption::Full { amount } => pay(PaymentKind::Full, amount.centavos()),
        PaymentOption::Partial { min, max, step } => {
            let room = (max.centavos() - min.centavos()) * i64::from(share) / 255;
            let amount = Money::from_centavos(min.centavos() + room).floor_to(*step);
            pay(PaymentKind::Partial, amount.centavos())
        }
        PaymentOption::Installment { agreement_id, amounts, .. } => {
            let amount = amounts[usize::from(share) % amounts.len()];
            let agreement_id = Some(agreement_id.clone());
            Pay { agreement_id, ..pay(PaymentKind::Installment, amount.centavos()) }
        }
    })
}

fn nth(bench: &Bench, n: usize, kind: &str) -> Option<Id> {
    let facts: Vec<&Arc<Fact>> = bench.facts.iter().filter(|fact| fact.body.kind() == kind).collect();
    Some(facts.get(n.checked_rem(facts.len())?)?.id)
}

const POINTS: [&str; 3] = ["a-01", "a-02", "b-01"];

impl Bench {
    fn sessions_of(&self, party: &str) -> Vec<Id> {
        let opened = self.facts.iter().filter(|fact| fact.body.kind() == "session_opening");
        opened.filter(|fact| fact.party.as_str() == party).map(|fact| fact.id).collect()
    }

    /// Does it, if there is anything to do it with; what comes of it is the rules' affair.
    pub fn act(&mut self, act: &Act) -> Option<Outcome> {
        let operator = party(PartyKind::Operator);
        let (caller, command) = match act {
            Act::Pass(minutes) => {
                self.pass(*minutes);
                return None;
            }
            Act::Pay { point, option, share, till, card, offline } => {
                let mut pay = offered(self, *option, *share)?;
                pay.till = format!("C{till}");
                pay.tender = if *card { Tender::DebitCard } else { Tender::Cash };
                pay.offline = *offline;
                pay.collected_at = offline.then(|| self.now.plus_minutes(-i64::from(*share)));
                (cashier(POINTS[*point]), Command::Pay(pay))
            }
            Act::Repeat(payment) => {
                let fact = &self.world.facts[&nth(self, *payment, "payment")?];
                let distinct =
                    Pay { confirm_distinct_from: Some(fact.id), ..pay(PaymentKind::Partial, fact.amount.centavos()) };
                (cashier(fact.collection_point.as_ref()?.as_str()), Command::Pay(distinct))
            }
            Act::Reverse { payment, operator: by_operator } => {
                let id = nth(self, *payment, "payment")?;
                let point = self.world.facts[&id].collection_point.clone()?;
                (if *by_operator { operator } else { cashier(point.as_str()) }, reverse(id))
            }
            Act::Reconnect => (cashier("a-01"), Command::Reconnect { account_number: "100001".into() }),
            Act::Move { order, status } => {
                let step = MoveOrder {
                    at: Some(self.now.plus_minutes(-5)),
                    ..move_order(nth(self, *order, "reconnection_order")?, *status)
                };
                (party(PartyKind::Reconnection), Command::MoveOrder(step))
            }
            Act::Overdue(order) => (operator, Command::Overdue { order_id: nth(self, *order, "reconnection_order")? }),
            Act::Open { point, till } => {
                let open = Open { till: format!("C{till}"), cashier: "ana".to_owned(), base: pesos(50_000) };
                (cashier(POINTS[*point]), Command::Open(open))
            }
            Act::Close(session) => {
                let session_id = nth(self, *session, "session_opening")?;
                let point = self.world.facts[&session_id].collection_point.clone()?;
                let close = Close { session_id, cashier: "ana".to_owned(), denominations: Vec::new() };
                (cashier(point.as_str()), Command::Close(close))
            }
            Act::Sweep(session) => {
                let till = self.world.facts[&nth(self, *session, "session_opening")?].till()?;
                (operator, Command::CloseUnattended { till })
            }
            Act::Deposit { point, thousands } => {
                let own = self.sessions_of(&POINTS[*point][..1]);
                let deposit = DeclareDeposit {
                    slip_number: (thousands % 7).to_string(),
                    amount: pesos(1000 * i64::from(*thousands)),
                    deposited_on: day("2026-11-24"),
                    sessions: own.into_iter().take(usize::from(*thousands) % 4).collect(),
                };
                (cashier(POINTS[*point]), Command::Deposit(deposit))
            }
            Act::Verify { deposit, share } => {
                let deposit_id = nth(self, *deposit, "deposit")?;
                let Body::Deposit(deposit) = &self.world.facts[&deposit_id].body else { return None };
                let amount = Money::from_centavos(deposit.amount.centavos() * i64::from(*share) / 255);
                (operator, Command::VerifyDeposit(VerifyDeposit { deposit_id, amount, bank_reference: None }))
            }
            Act::Seal { partner } => {
                let today = self.world.policy.business_date(self.now).to_string();
                (party(PartyKind::Billing), seal(if *partner { "a" } else { "b" }, &today))
            }
        };
        Some(self.ask(&caller, None, command))
    }
}
