//! Single cases of payments, agreements, snapshots and cash that a reader would not expect to matter.

use super::worlds::*;
use crate::domain::account::*;
use crate::domain::command::{Command, DeclareDeposit, VerifyDeposit};
use crate::domain::decide::Outcome;
use crate::domain::fact::*;
use crate::domain::money::Money;
use crate::domain::payment::{PaymentOption, options};
use crate::domain::policy::Overpayment;
use crate::domain::rejection::Rejection;

fn installment(centavos: i64) -> crate::domain::command::Pay {
    crate::domain::command::Pay { agreement_id: Some("CV".to_owned()), ..pay(PaymentKind::Installment, centavos) }
}

#[test]
fn a_payment_into_an_agreement_that_broke_since_reduces_the_bills_the_debt_went_back_to() {
    let mut first = account(vec![]);
    first.agreements = vec![agreement("CV", &[4_500_000, 4_500_000])];
    let mut bench = Bench::with(vec![first]);
    bench.pays(installment(4_500_000));
    // Broken: billing does not know of the payment yet and puts the whole debt back.
    let mut broken = account(vec![bill("F1", "2026-11-20", 9_000_000)]);
    broken.agreements = vec![Agreement { status: AgreementStatus::Broken, ..agreement("CV", &[4_500_000, 4_500_000]) }];
    let gone = account(vec![bill("F1", "2026-11-20", 9_000_000)]);
    for next in [broken, gone] {
        bench.load("second", "2026-11-24T08:00:00-05:00", &[], vec![next]);
        assert_eq!(bench.position().figures.payable_now, pesos(45_000));
    }
    // And where nothing is owed on bills either, it is saldo a favor and not lost.
    bench.load("third", "2026-11-24T09:00:00-05:00", &[], vec![account(vec![])]);
    assert_eq!(bench.position().figures.credit, pesos(45_000));
}

#[test]
fn what_is_left_below_the_counters_step_is_paid_off() {
    let mut of_centavos = unpaid(account(vec![]), ServiceStatus::Suspended, Some(9_000_100));
    of_centavos.agreements = vec![agreement("CV", &[4_500_050, 4_500_050])];
    of_centavos.agreements[0].clears_suspension = true;
    let mut bench = Bench::with(vec![of_centavos]);
    let (_, order) = bench.pays(installment(4_500_000));
    assert!(order.is_some(), "a whole installment in the counter's step is the whole installment");
    bench.pays(installment(4_500_100));
    let position = bench.position();
    let offered = options(&bench.world.policy, bench.state(), &position);
    assert!(offered.is_empty(), "{offered:?}");
}

#[test]
fn a_full_payment_beside_an_old_credit_brings_the_light_back() {
    let mut bench = Bench::with(vec![account(vec![bill("F1", "2026-10-20", 1_000_000)])]);
    bench.policy(|policy| policy.overpayment = Overpayment::Credit);
    bench.pays(pay(PaymentKind::Partial, 2_000_000));
    let cut = unpaid(account(vec![bill("F2", "2026-11-20", 5_000_000)]), ServiceStatus::Suspended, Some(5_000_000));
    bench.load("second", "2026-11-24T09:00:00-05:00", &[], vec![cut]);
    // F1 was paid and is not shown any more; all of it counts.
    assert_eq!(bench.position().figures.payable_now, pesos(30_000));
    let (payment, order) = bench.pays(pay(PaymentKind::Full, 3_000_000));
    assert!(order.is_some(), "{payment:?}");
}

#[test]
fn the_bounds_of_a_partial_payment_are_in_every_step_there_is() {
    let mut bench = Bench::with(vec![account(vec![bill("F1", "2026-10-20", 10_040_000)])]);
    bench.policy(|policy| {
        policy.partial_minimum = pesos(1_000);
        policy.partial_step = pesos(300);
        policy.cash_step = pesos(200);
    });
    let offered = options(&bench.world.policy, bench.state(), &bench.position());
    let partial = PaymentOption::Partial { min: pesos(1_200), max: pesos(100_200), step: pesos(600) };
    assert!(offered.contains(&partial), "{offered:?}");
    bench.pays(pay(PaymentKind::Partial, 120_000));
}

#[test]
fn confirming_one_payment_does_not_wave_a_later_one_through() {
    let mut bench = Bench::with(vec![account(vec![bill("F1", "2026-10-20", 10_000_000)])]);
    let (first, _) = bench.pays(pay(PaymentKind::Partial, 2_000_000));
    let confirmed = || crate::domain::command::Pay {
        confirm_distinct_from: Some(first.id),
        ..pay(PaymentKind::Partial, 2_000_000)
    };
    let (second, _) = bench.pays(confirmed());
    // The reply to the second was lost; somebody tries again under a fresh key.
    let rejection = bench.refused(&cashier("a-01"), Command::Pay(confirmed()));
    assert!(matches!(rejection, Rejection::PossibleDuplicate { payment_id, .. } if payment_id == second.id));
    // Naming a payment of another amount confirms nothing.
    let (other, _) = bench.pays(pay(PaymentKind::Partial, 100_000));
    let wrong =
        crate::domain::command::Pay { confirm_distinct_from: Some(other.id), ..pay(PaymentKind::Partial, 2_000_000) };
    assert_eq!(bench.refused(&cashier("a-01"), Command::Pay(wrong)).code(), "possible-duplicate");
}

#[test]
fn equal_offline_payments_hours_apart_are_two_and_the_same_one_twice_is_doubted() {
    let mut bench = Bench::with(vec![account(vec![bill("F1", "2026-10-20", 10_000_000)])]);
    bench.point("a-01", |point| point.offline_floor_limit = Some(pesos(100_000)));
    let taken = |time: &str| crate::domain::command::Pay {
        offline: true,
        collected_at: Some(at(time)),
        ..pay(PaymentKind::Partial, 2_000_000)
    };
    bench.pays(taken("2026-11-24T06:00:00-05:00"));
    bench.pays(taken("2026-11-24T08:00:00-05:00"));
    let again = bench.refused(&cashier("a-01"), Command::Pay(taken("2026-11-24T08:00:00-05:00")));
    assert_eq!(again.code(), "possible-duplicate");
}

#[test]
fn offline_cash_has_a_floor_limit_and_without_one_there_is_none() {
    let mut bench = Bench::with(vec![account(vec![bill("F1", "2026-10-20", 10_000_000)])]);
    let offline = |centavos| crate::domain::command::Pay { offline: true, ..pay(PaymentKind::Partial, centavos) };
    let none = bench.refused(&cashier("a-01"), Command::Pay(offline(2_000_000)));
    assert_eq!(none, Rejection::OfflineLimitReached { limit: Money::ZERO });
    bench.point("a-01", |point| point.offline_floor_limit = Some(pesos(20_000)));
    let over = bench.refused(&cashier("a-01"), Command::Pay(offline(2_000_100)));
    assert_eq!(over, Rejection::OfflineLimitReached { limit: pesos(20_000) });
    bench.pays(offline(2_000_000));
}

#[test]
fn the_floor_limit_bounds_the_sum_of_a_business_date_and_a_reversal_gives_its_part_back() {
    let mut bench = Bench::with(vec![account(vec![bill("F1", "2026-10-20", 10_000_000)])]);
    for point in ["a-01", "a-02"] {
        bench.point(point, |point| point.offline_floor_limit = Some(pesos(20_000)));
    }
    let offline = |centavos| crate::domain::command::Pay { offline: true, ..pay(PaymentKind::Partial, centavos) };
    let card = |centavos| crate::domain::command::Pay { tender: Tender::DebitCard, ..offline(centavos) };
    let (first, _) = bench.pays(offline(1_500_000));
    let over = Rejection::OfflineLimitReached { limit: pesos(20_000) };
    assert_eq!(bench.refused(&cashier("a-01"), Command::Pay(offline(500_100))), over);
    bench.pays(card(1_000_000));
    bench.pays(pay(PaymentKind::Partial, 1_700_000));
    bench.pays(offline(500_000));
    assert_eq!(bench.refused(&cashier("a-01"), Command::Pay(offline(100_000))), over);
    bench.done(&cashier("a-02"), Command::Pay(offline(900_000)));
    bench.done(&cashier("a-01"), reverse(first.id));
    assert_eq!(bench.refused(&cashier("a-01"), Command::Pay(offline(1_500_100))), over);
    bench.pays(offline(1_500_000));
    bench.pass(24 * 60);
    bench.pays(offline(1_500_000));
}

#[test]
fn a_deposit_credits_the_points_whose_sessions_it_names_by_their_cash() {
    let mut bench = Bench::with(vec![account(vec![bill("F1", "2026-10-20", 10_000_000)])]);
    bench.partner("a", |settings| settings.provisional_deposit_percent = 50);
    let paid = |bench: &mut Bench, point: &str, centavos| {
        let facts = bench.done(&cashier(point), Command::Pay(pay(PaymentKind::Partial, centavos)));
        facts[0].session().unwrap().id
    };
    let first = paid(&mut bench, "a-01", 3_000_000);
    let second = paid(&mut bench, "a-02", 1_000_000);
    let other = paid(&mut bench, "b-01", 500_000);
    let close = crate::domain::command::Close { session_id: first, cashier: "ana".to_owned(), denominations: vec![] };
    bench.done(&cashier("a-01"), Command::Close(close));
    let held =
        |bench: &Bench| ["point/a-01", "point/a-02", "party/a"].map(|scope| bench.world.exposure(scope).centavos());
    let deposit = |slip: &str, sessions: Vec<_>| {
        let (slip_number, amount) = (slip.to_owned(), pesos(40_000));
        Command::Deposit(DeclareDeposit { slip_number, amount, deposited_on: day("2026-11-24"), sessions })
    };
    let declared = bench.done(&cashier("a-02"), deposit("1", vec![second, first, second]))[0].id;
    assert_eq!(held(&bench), [1_500_000, 500_000, 2_000_000], "half of each on the partner's word");
    let again = bench.refused(&cashier("a-01"), deposit(" 1", vec![]));
    assert_eq!(again, Rejection::DepositAlreadyDeclared { deposit_id: declared });
    assert_eq!(bench.refused(&cashier("a-01"), deposit("2", vec![other])), Rejection::NotFound);
    let operator = party(crate::domain::command::PartyKind::Operator);
    for centavos in [1, 1_333_332, 2_666_667] {
        let amount = Money::from_centavos(centavos);
        let part = VerifyDeposit { deposit_id: declared, amount, bank_reference: None };
        bench.done(&operator, Command::VerifyDeposit(part));
        let [one, two, both] = held(&bench);
        assert_eq!(one + two, both);
    }
    assert_eq!(held(&bench), [0, 0, 0]);
    bench.done(&cashier("b-01"), deposit("1", vec![]));
    assert_eq!(bench.world.exposure("point/b-01"), pesos(5_000), "another partner's slip of the same number");
}

#[test]
fn offline_cash_that_came_too_late_becomes_credit_where_the_partner_may() {
    let mut bench = Bench::with(vec![account(vec![bill("F1", "2026-10-20", 2_000_000)])]);
    bench.point("a-01", |point| point.offline_floor_limit = Some(pesos(100_000)));
    bench.pays(pay(PaymentKind::Full, 2_000_000));
    bench.pass(30);
    let late = || crate::domain::command::Pay { offline: true, ..pay(PaymentKind::Full, 2_000_000) };
    assert_eq!(bench.refused(&cashier("a-01"), Command::Pay(late())), Rejection::NothingDue);
    bench.partner("a", |settings| settings.offline_credit = true);
    let (payment, _) = bench.pays(late());
    assert_eq!(payment.payment().unwrap().allocations[0].rule, AllocationRule::CreditBalance);
    assert_eq!(bench.position().figures.credit, pesos(20_000));
    bench.done(&cashier("a-01"), reverse(payment.id));
    assert_eq!(bench.position().figures.credit, Money::ZERO);
}

#[test]
fn amounts_no_ledger_can_hold_are_refused_and_sums_are_read_back() {
    let mut bench = Bench::with(vec![account(vec![bill("F1", "2026-10-20", 2_000_000)])]);
    bench.policy(|policy| policy.overpayment = Overpayment::Credit);
    let huge = Money::MAX.floor_to(pesos(1)) + pesos(1);
    let card =
        |amount| crate::domain::command::Pay { tender: Tender::Transfer, amount, ..pay(PaymentKind::Partial, 1) };
    let rejection = bench.refused(&cashier("a-01"), Command::Pay(card(huge)));
    assert_eq!(rejection, Rejection::AmountExceedsDue { maximum: Money::MAX });
    let most = Money::MAX.floor_to(pesos(1));
    bench.pays(card(most));
    bench.policy(|policy| policy.duplicate_window_minutes = 0);
    bench.load(
        "second",
        "2026-11-24T09:00:00-05:00",
        &[],
        vec![account(vec![bill("F1", "2026-10-20", i64::from(i32::MAX) * 10_000)])],
    );
    let (second, _) = bench.pays(card(most));
    let text = serde_json::to_string(&second.body).unwrap();
    assert_eq!(serde_json::from_str::<Body>(&text).unwrap(), second.body, "a session's total outgrows one amount");
    let mut absurd = account(vec![bill("F1", "2026-10-20", huge.centavos())]);
    absurd.service.amount_to_reconnect = Some(-pesos(1));
    assert_eq!(absurd.faults().len(), 2, "{:?}", absurd.faults());
}

#[test]
fn a_provisional_share_is_taken_back_as_the_bank_confirms() {
    let mut bench = Bench::with(vec![account(vec![bill("F1", "2026-10-20", 10_000_000)])]);
    bench.partner("a", |settings| settings.provisional_deposit_percent = 33);
    bench.pays(pay(PaymentKind::Full, 10_000_000));
    let held = |bench: &Bench| bench.world.exposure("party/a");
    let deposit = Command::Deposit(DeclareDeposit {
        slip_number: "1".to_owned(),
        amount: pesos(100_000),
        deposited_on: day("2026-11-24"),
        sessions: Vec::new(),
    });
    let declared = bench.done(&cashier("a-01"), deposit)[0].id;
    assert_eq!(held(&bench), pesos(67_000));
    let part = |amount| Command::VerifyDeposit(VerifyDeposit { deposit_id: declared, amount, bank_reference: None });
    let operator = party(crate::domain::command::PartyKind::Operator);
    for amount in [33_333, 1, 66_665] {
        bench.done(&operator, part(pesos(amount)));
    }
    assert_eq!(held(&bench), Money::from_centavos(67), "the last peso has its share of room still");
    assert_eq!(bench.refused(&operator, part(pesos(2))), Rejection::DepositExceeded { outstanding: pesos(1) });
    bench.done(&operator, part(pesos(1)));
    assert_eq!(held(&bench), Money::ZERO);
    assert_eq!(bench.world.exposure("point/a-01"), Money::ZERO);
    assert_eq!(bench.world.exposure("month/a/202611"), pesos(100_000), "the month counts what was taken");
}

#[test]
fn a_reversal_that_no_snapshot_has_brings_back_bill_and_installment() {
    // No rule gives a reversal another business date than its payment; if one ever did, this holds.
    let mut first = account(vec![bill("F1", "2026-10-20", 3_000_000)]);
    first.agreements = vec![agreement("CV", &[4_500_000, 4_500_000])];
    let mut bench = Bench::with(vec![first]);
    let (on_bill, _) = bench.pays(pay(PaymentKind::Full, 3_000_000));
    let (on_agreement, _) = bench.pays(installment(4_500_000));
    let mut facts = Vec::new();
    for payment in [on_bill, on_agreement] {
        let reversal = bench.done(&cashier("a-01"), reverse(payment.id));
        let mut reversal = (*reversal[0]).clone();
        reversal.business_date = day("2026-11-25");
        facts.push(std::sync::Arc::new(reversal));
    }
    let mut next = account(vec![]);
    next.agreements = vec![Agreement {
        installments: agreement("CV", &[0, 4_500_000]).installments[1..].to_vec(),
        ..agreement("CV", &[])
    }];
    bench.load("second", "2026-11-25T03:00:00-05:00", &[("a", "2026-11-24")], vec![next]);
    bench.world.accounts.get_mut(&"100001".into()).unwrap().facts = facts;
    let position = bench.position();
    assert_eq!(position.figures.payable_now, pesos(30_000));
    let left: Vec<_> = position.agreements[0].installments.iter().map(|part| (part.number, part.balance)).collect();
    assert_eq!(left, vec![(4, pesos(45_000)), (5, pesos(45_000))]);
}

#[test]
fn what_is_disputed_is_never_asked_for_nor_taken() {
    let mut disputed = bill("F1", "2026-10-20", 5_000_050);
    disputed.disputed = pesos(20_000);
    let mut bench = Bench::with(vec![account(vec![disputed, bill("F2", "2026-11-20", 1_000_060)])]);
    let figures = bench.position().figures;
    assert_eq!(figures.payable_now, pesos(40_001), "centavos of two bills make a peso");
    let over = bench.refused(&cashier("a-01"), Command::Pay(pay(PaymentKind::Partial, 4_000_200)));
    assert_eq!(over, Rejection::AmountExceedsDue { maximum: pesos(40_001) });
    bench.pays(pay(PaymentKind::Full, 4_000_100));
    let after = bench.position().figures;
    assert_eq!(
        (after.payable_now, after.disputed, after.total_due),
        (Money::ZERO, pesos(20_000), Money::from_centavos(2_000_010))
    );
}

#[test]
fn an_old_credit_does_not_eat_what_is_disputed_either() {
    let mut bench = Bench::with(vec![account(vec![bill("F1", "2026-10-20", 3_000_000)])]);
    bench.pays(pay(PaymentKind::Full, 3_000_000));
    // F1 is not shown any more, though billing has not heard of the payment: it is free for the others.
    let mut disputed = bill("F2", "2026-11-20", 2_500_000);
    disputed.disputed = pesos(20_000);
    let next = account(vec![disputed, bill("F3", "2026-11-21", 1_000_000)]);
    bench.load("second", "2026-11-24T08:00:00-05:00", &[], vec![next]);
    let figures = bench.position().figures;
    assert_eq!((figures.total_due, figures.disputed), (pesos(20_000), pesos(20_000)));
    assert_eq!((figures.payable_now, figures.credit), (Money::ZERO, pesos(15_000)));
}

#[test]
fn an_offline_payment_is_known_again_when_a_snapshot_has_settled_it() {
    let mut bench = Bench::with(vec![account(vec![bill("F1", "2026-10-20", 10_000_000)])]);
    bench.point("a-01", |point| point.offline_floor_limit = Some(pesos(100_000)));
    let taken = || crate::domain::command::Pay {
        offline: true,
        collected_at: Some(at("2026-11-24T08:00:00-05:00")),
        ..pay(PaymentKind::Partial, 2_000_000)
    };
    bench.pays(taken());
    bench.now = at("2026-11-26T09:00:00-05:00");
    let next = account(vec![bill("F1", "2026-10-20", 8_000_000)]);
    bench.load("second", "2026-11-26T03:00:00-05:00", &[("a", "2026-11-25")], vec![next]);
    let again = bench.refused(&cashier("a-01"), Command::Pay(taken()));
    assert_eq!(again.code(), "possible-duplicate");
    assert_eq!(bench.position().figures.payable_now, pesos(80_000));
}

#[test]
fn the_first_rule_in_the_list_is_the_one_that_is_given() {
    let mut bench = Bench::with(vec![account(vec![bill("F1", "2026-10-20", 1_000_000)])]);
    bench.policy(|policy| policy.partial_step = pesos(100));
    let both = bench.refused(&cashier("a-01"), Command::Pay(pay(PaymentKind::Partial, 55_000)));
    assert_eq!(both, Rejection::AmountNotInStep { step: pesos(100) });
    let old = crate::domain::command::Pay {
        collected_at: Some(at("2026-11-01T08:00:00-05:00")),
        ..pay(PaymentKind::Partial, 2_000_000)
    };
    assert_eq!(bench.refused(&cashier("a-01"), Command::Pay(old.clone())).code(), "amount-exceeds-due");
    let old = crate::domain::command::Pay { amount: pesos(10_000), ..old };
    assert!(matches!(bench.refused(&cashier("a-01"), Command::Pay(old)), Rejection::CollectedAtImplausible { .. }));
    assert!(matches!(
        bench.ask(&cashier("b-01"), None, Command::Pay(pay(PaymentKind::Full, 1_000_000))),
        Outcome::Done(_)
    ));
}
