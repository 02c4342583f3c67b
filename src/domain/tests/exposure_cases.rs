//! Single cases of ceilings, warnings and provisional room.

use super::worlds::*;
use crate::domain::command::{Command, DeclareDeposit, PartyKind, VerifyDeposit};
use crate::domain::fact::*;
use crate::domain::rejection::Rejection;

fn bench() -> Bench {
    Bench::with(vec![account(vec![bill("F1", "2026-10-20", 100_000_000)])])
}

fn paid(bench: &mut Bench, point: &str, pesos: i64) -> std::sync::Arc<Fact> {
    bench.done(&cashier(point), Command::Pay(pay(PaymentKind::Partial, pesos * 100))).remove(0)
}

fn refused(bench: &mut Bench, point: &str, pesos: i64) -> Rejection {
    bench.refused(&cashier(point), Command::Pay(pay(PaymentKind::Partial, pesos * 100)))
}

#[test]
fn a_limit_may_be_reached_and_not_passed_and_its_warnings_come_on_the_percent() {
    let mut bench = bench();
    bench.partner("a", |settings| settings.exposure_limit = Some(pesos(100_000)));
    let steps = [(68_999, None), (70_000, Some(70)), (83_998, Some(70)), (85_000, Some(85)), (95_000, Some(95))];
    let mut used = 0;
    for (to, warning) in steps.into_iter().chain([(100_000, Some(95))]) {
        let payment = paid(&mut bench, "a-01", to - used);
        used = to;
        let stamp = &payment.payment().unwrap().exposure;
        assert_eq!((stamp.used, stamp.limit, stamp.warning), (pesos(to), Some(pesos(100_000)), warning));
    }
    let reached = Rejection::ExposureLimitReached { used: pesos(100_000), limit: pesos(100_000) };
    assert_eq!(refused(&mut bench, "a-02", 1000), reached);
    let card = crate::domain::command::Pay { tender: Tender::DebitCard, ..pay(PaymentKind::Partial, 150_000) };
    bench.done(&cashier("a-01"), Command::Pay(card));
}

#[test]
fn the_tighter_of_the_two_limits_is_told_and_either_refuses() {
    let mut bench = bench();
    bench.partner("a", |settings| settings.exposure_limit = Some(pesos(100_000)));
    bench.point("a-01", |settings| settings.exposure_limit = Some(pesos(20_000)));
    let stamp = |fact: &Fact| fact.payment().unwrap().exposure.clone();
    let first = stamp(&paid(&mut bench, "a-01", 14_000));
    assert_eq!((first.used, first.limit, first.warning), (pesos(14_000), Some(pesos(20_000)), Some(70)));
    let limit = pesos(20_000);
    assert_eq!(refused(&mut bench, "a-01", 6_001), Rejection::ExposureLimitReached { used: pesos(14_000), limit });
    let other = stamp(&paid(&mut bench, "a-02", 60_000));
    assert_eq!((other.used, other.limit), (pesos(74_000), Some(pesos(100_000))));
}

#[test]
fn the_month_counts_what_was_taken_whatever_was_banked_and_gives_back_what_was_taken_back() {
    let mut bench = bench();
    bench.partner("a", |settings| settings.cash_month_limit = Some(pesos(50_000)));
    let first = paid(&mut bench, "a-01", 30_000);
    let (slip_number, amount, deposited_on) = ("1".to_owned(), pesos(30_000), day("2026-11-24"));
    let deposit = DeclareDeposit { slip_number, amount, deposited_on, sessions: vec![] };
    let deposit_id = bench.done(&cashier("a-01"), Command::Deposit(deposit))[0].id;
    let verify = VerifyDeposit { deposit_id, amount, bank_reference: None };
    assert_eq!(bench.refused(&cashier("a-01"), Command::VerifyDeposit(verify.clone())), Rejection::NotFound);
    bench.done(&party(PartyKind::Operator), Command::VerifyDeposit(verify));
    assert_eq!(refused(&mut bench, "a-01", 20_001), Rejection::CashLimitExceeded { limit: pesos(50_000) });
    bench.done(&cashier("a-01"), reverse(first.id));
    paid(&mut bench, "a-01", 49_000);
    assert_eq!(refused(&mut bench, "a-02", 1_001), Rejection::CashLimitExceeded { limit: pesos(50_000) });
    bench.now = at("2026-12-01T00:00:01-05:00");
    paid(&mut bench, "a-01", 50_000);
}

#[test]
fn no_setting_gives_more_room_than_was_declared() {
    let mut bench = bench();
    bench.partner("a", |settings| settings.provisional_deposit_percent = 200);
    paid(&mut bench, "a-01", 30_000);
    let (slip_number, amount, deposited_on) = ("1".to_owned(), pesos(30_000), day("2026-11-24"));
    let deposit = DeclareDeposit { slip_number, amount, deposited_on, sessions: vec![] };
    bench.done(&cashier("a-01"), Command::Deposit(deposit));
    assert_eq!(bench.world.exposure("party/a"), pesos(0));
}

#[test]
fn a_session_without_cash_takes_no_part_of_a_deposit() {
    let mut bench = bench();
    bench.partner("a", |settings| settings.provisional_deposit_percent = 100);
    paid(&mut bench, "a-01", 30_000);
    let open = crate::domain::command::Open { till: "C1".to_owned(), cashier: "luz".to_owned(), base: pesos(50_000) };
    let empty = bench.done(&cashier("a-02"), Command::Open(open))[0].id;
    let (slip_number, amount, deposited_on) = ("1".to_owned(), pesos(30_000), day("2026-11-24"));
    let deposit = DeclareDeposit { slip_number, amount, deposited_on, sessions: vec![empty] };
    bench.done(&cashier("a-01"), Command::Deposit(deposit));
    assert_eq!([bench.world.exposure("point/a-01"), bench.world.exposure("point/a-02")], [pesos(0), pesos(0)]);
}
