//! Single cases of reconnection, avoided cuts and reversals.

use super::worlds::*;
use crate::domain::account::*;
use crate::domain::command::{Command, MoveOrder, PartyKind, Pay, ReportCut};
use crate::domain::decide::Outcome;
use crate::domain::fact::*;
use crate::domain::ids::Id;
use crate::domain::money::Money;
use crate::domain::rejection::Rejection;

fn reconnect() -> Command {
    Command::Reconnect { account_number: "100001".into() }
}

fn reports(bench: &mut Bench, order: Id, status: OrderStatus) {
    bench.done(&party(PartyKind::Reconnection), Command::MoveOrder(move_order(order, status)));
}

fn cut() -> Account {
    let bills = vec![bill("F1", "2026-10-20", 5_000_000), bill("F2", "2026-12-20", 2_000_000)];
    unpaid(account(bills), ServiceStatus::Suspended, Some(5_000_000))
}

#[test]
fn an_installment_that_billing_shows_as_paid_is_no_payment_of_today() {
    let mut account = cut();
    account.agreements = vec![Agreement { clears_suspension: true, ..agreement("CV", &[0, 4_500_000]) }];
    let mut bench = Bench::with(vec![account]);
    let rejection = bench.refused(&cashier("a-01"), reconnect());
    let missing = Rejection::ReconnectionNotEligible { amount_to_reconnect: pesos(50_000), blocked_by: None };
    assert_eq!(rejection, missing);
    let installment = Pay { agreement_id: Some("CV".to_owned()), ..pay(PaymentKind::Installment, 4_500_000) };
    assert!(bench.pays(installment).1.is_some());
}

#[test]
fn a_supply_restored_before_the_snapshot_and_reported_after_it_is_not_ordered_again() {
    let mut bench = Bench::with(vec![cut()]);
    let order = bench.pays(pay(PaymentKind::Partial, 5_000_000)).1.unwrap();
    bench.now = at("2026-11-25T07:00:00-05:00");
    let step = MoveOrder { at: Some(at("2026-11-25T02:50:00-05:00")), ..move_order(order.id, OrderStatus::Completed) };
    bench.done(&party(PartyKind::Reconnection), Command::MoveOrder(step));
    bench.load("second", "2026-11-25T03:00:00-05:00", &[], vec![cut()]);
    let rejection = bench.refused(&cashier("a-01"), reconnect());
    assert!(matches!(rejection, Rejection::ReconnectionNotEligible { blocked_by: Some("already_reconnected"), .. }));
    assert!(bench.pays(pay(PaymentKind::Partial, 2_000_000)).1.is_none());
}

#[test]
fn a_known_incident_does_not_keep_an_avoided_cut_secret() {
    let mut account = cut();
    account.service.status = ServiceStatus::SuspensionScheduled;
    account.service.known_incident = Some("INC-1".to_owned());
    let mut bench = Bench::with(vec![account]);
    let (payment, order) = bench.pays(pay(PaymentKind::Partial, 5_000_000));
    assert!(payment.payment().unwrap().cancels_suspension && order.is_none());
    assert_eq!(payment.events(), vec!["payment.posted", "suspension.cancel_requested"]);
}

#[test]
fn a_cut_whose_cause_was_clear_before_is_called_off_by_the_next_payment_and_once() {
    let mut account = cut();
    account.service.status = ServiceStatus::SuspensionScheduled;
    account.service.amount_to_reconnect = None;
    account.bills[0].disputed = account.bills[0].balance;
    let mut bench = Bench::with(vec![account]);
    let (first, _) = bench.pays(pay(PaymentKind::Partial, 500_000));
    let (second, _) = bench.pays(pay(PaymentKind::Partial, 600_000));
    assert!(first.payment().unwrap().cancels_suspension && !second.payment().unwrap().cancels_suspension);
    for payment in [second, first] {
        bench.done(&cashier("a-01"), reverse(payment.id));
    }
    let (again, _) = bench.pays(pay(PaymentKind::Partial, 700_000));
    assert!(again.payment().unwrap().cancels_suspension, "the reversed one does not count");
}

#[test]
fn a_payment_that_brought_the_light_back_is_not_taken_back_at_the_counter() {
    let mut bench = Bench::with(vec![cut()]);
    let (payment, order) = bench.pays(pay(PaymentKind::Partial, 5_000_000));
    let order = order.unwrap().id;
    let in_the_way = Rejection::ReconnectionInTheWay { order_id: order };
    assert_eq!(bench.refused(&cashier("a-01"), reverse(payment.id)), in_the_way);
    reports(&mut bench, order, OrderStatus::Completed);
    assert_eq!(bench.refused(&cashier("a-01"), reverse(payment.id)), in_the_way);
    bench.done(&party(PartyKind::Operator), reverse(payment.id));
}

#[test]
fn a_failed_order_is_not_in_the_way() {
    let mut bench = Bench::with(vec![cut()]);
    let (payment, order) = bench.pays(pay(PaymentKind::Partial, 5_000_000));
    reports(&mut bench, order.unwrap().id, OrderStatus::Failed);
    bench.done(&cashier("a-01"), reverse(payment.id));
    assert_eq!(bench.position().figures.past_due, pesos(50_000));
}

#[test]
fn an_order_stays_while_the_cause_stays_cleared() {
    let mut bench = Bench::with(vec![cut()]);
    let (_, order) = bench.pays(pay(PaymentKind::Partial, 5_000_000));
    let (later, none) = bench.pays(pay(PaymentKind::Partial, 2_000_000));
    assert!(order.is_some() && none.is_none());
    // The later payment did not bring the order about, so it may go, and the order may not.
    let facts = bench.done(&cashier("a-01"), reverse(later.id));
    assert_eq!(facts.len(), 1);
    let (later, _) = bench.pays(pay(PaymentKind::Partial, 1_900_000));
    let facts = bench.done(&party(PartyKind::Operator), reverse(later.id));
    assert_eq!(facts.len(), 1, "{facts:?}");
    assert_eq!(bench.refused(&cashier("a-01"), reconnect()).code(), "reconnection-already-open");
}

#[test]
fn an_operators_reversal_takes_the_order_along_and_says_whose_cash_it_was() {
    let mut bench = Bench::with(vec![cut()]);
    bench.partner("a", |settings| settings.exposure_limit = Some(pesos(100_000)));
    bench.pays(pay(PaymentKind::Partial, 1_000_000));
    let (payment, order) = bench.pays(pay(PaymentKind::Partial, 4_000_000));
    let operator = party(PartyKind::Operator);
    let Outcome::Done(facts) = bench.ask(&operator, Some("k"), reverse(payment.id)) else { panic!() };
    assert_eq!(facts[0].party, "a".into());
    let Body::Reversal(reversal) = &facts[0].body else { panic!() };
    assert_eq!((reversal.exposure.used, reversal.exposure.limit), (pesos(10_000), Some(pesos(100_000))));
    let Body::ReconnectionMove(step) = &facts[1].body else { panic!() };
    assert_eq!((step.order_id, step.status), (order.unwrap().id, OrderStatus::Cancelled));
    // The operator's key is the operator's: a lost reply is told again, a partner's same key is another.
    let Outcome::Replayed(again) = bench.ask(&operator, Some("k"), reverse(payment.id)) else { panic!() };
    assert_eq!(again.id, facts[0].id);
    let other = bench.ask(&operator, Some("k"), reverse(again.id));
    assert!(matches!(other, Outcome::Rejected(Rejection::IdempotencyKeyReused)));
    let paid = bench.ask(&cashier("a-01"), Some("k"), Command::Pay(pay(PaymentKind::Partial, 4_100_000)));
    let Outcome::Done(paid) = paid else { panic!("{paid:?}") };
    assert_eq!(paid.iter().filter(|fact| matches!(fact.body, Body::ReconnectionOrder(_))).count(), 1);
}

#[test]
fn an_operators_reversal_is_bound_by_the_sealed_date_of_the_partner() {
    let mut bench = Bench::with(vec![cut()]);
    let (payment, _) = bench.pays(pay(PaymentKind::Partial, 1_000_000));
    bench.done(&party(PartyKind::Billing), seal("a", "2026-11-24"));
    let rejection = bench.refused(&party(PartyKind::Operator), reverse(payment.id));
    assert!(matches!(rejection, Rejection::ReversalWindowClosed { .. }));
    // A partner that was not loaded is not a partner without seals.
    bench.world.partners.clear();
    assert_eq!(bench.refused(&party(PartyKind::Operator), reverse(payment.id)), Rejection::NotFound);
}

#[test]
fn the_clock_of_an_offline_payment_starts_when_the_cash_was_taken() {
    let mut bench = Bench::with(vec![cut()]);
    bench.point("a-01", |point| point.offline_floor_limit = Some(pesos(100_000)));
    let taken = at("2026-11-24T06:00:00-05:00");
    let (_, order) =
        bench.pays(Pay { offline: true, collected_at: Some(taken), ..pay(PaymentKind::Partial, 5_000_000) });
    let Body::ReconnectionOrder(order) = &order.unwrap().body else { panic!() };
    assert_eq!((order.cleared_at, order.due_by), (taken, taken.plus_minutes(24 * 60)));
}

#[test]
fn money_does_not_lift_what_was_not_for_want_of_money() {
    for cause in [SuspensionCause::Tampering, SuspensionCause::Danger, SuspensionCause::CustomerRequest] {
        for status in [ServiceStatus::Suspended, ServiceStatus::SuspensionScheduled] {
            let mut account = cut();
            account.service.cause = Some(cause);
            account.service.status = status;
            let mut bench = Bench::with(vec![account]);
            let (payment, order) = bench.pays(pay(PaymentKind::Full, 7_000_000));
            assert!(order.is_none() && !payment.payment().unwrap().cancels_suspension);
            assert_eq!(bench.refused(&cashier("a-01"), reconnect()).code(), "reconnection-not-eligible");
        }
    }
    assert_eq!(Money::ZERO, Money::default());
}

#[test]
fn a_cut_is_reported_by_whoever_cuts_and_never_ahead_of_time() {
    let mut bench = Bench::with(vec![cut()]);
    let report = |at| Command::ReportCut(ReportCut { account_number: "100001".into(), at, crew: None });
    for stranger in [cashier("a-01"), party(PartyKind::Billing)] {
        assert!(matches!(bench.refused(&stranger, report(None)), Rejection::NotFound));
    }
    let now = at("2026-11-24T09:30:00-05:00");
    for (reported, kept) in [(None, None), (Some(-5), Some(-5)), (Some(5), None)] {
        let facts = bench.done(&party(PartyKind::Operator), report(reported.map(|minutes| now.plus_minutes(minutes))));
        let Body::CutReport(cut) = &facts[0].body else { panic!("{facts:?}") };
        assert_eq!(cut.at, kept.map_or(facts[0].recorded_at, |minutes| now.plus_minutes(minutes)));
    }
}
