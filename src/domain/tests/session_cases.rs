//! Single cases of sessions, midnight and sealed dates.

use super::worlds::*;
use crate::domain::command::{Close, Command, Open, PartyKind};
use crate::domain::fact::*;
use crate::domain::ids::Id;
use crate::domain::money::Money;
use crate::domain::rejection::Rejection;

fn bench() -> Bench {
    Bench::with(vec![account(vec![bill("F1", "2026-10-20", 10_000_000)])])
}

fn close(session_id: Id, denominations: Vec<Denomination>) -> Command {
    Command::Close(Close { session_id, cashier: "ana".to_owned(), denominations })
}

#[test]
fn at_midnight_one_decision_closes_opens_and_pays_in_the_order_of_the_series() {
    let mut bench = bench();
    let (first, _) = bench.pays(pay(PaymentKind::Partial, 1_000_000));
    bench.now = at("2026-11-25T00:00:01-05:00");
    let facts = bench.done(&cashier("a-01"), Command::Pay(pay(PaymentKind::Partial, 1_100_000)));
    let mut places: Vec<_> = facts.iter().map(|f| (f.series.as_ref().unwrap().seq, f.body.kind())).collect();
    assert_eq!(places[0], (5, "payment"), "what was asked for is told first");
    places.sort_unstable();
    assert_eq!(places, vec![(3, "session_close"), (4, "session_opening"), (5, "payment")]);
    let till = bench.world.tills.values().next().unwrap();
    let session = till.session.as_ref().unwrap();
    assert_eq!((till.last_seq, session.count, session.total), (5, 1, pesos(11_000)));
    let closed = facts.iter().find(|f| f.ends == first.session().map(|s| s.id)).unwrap();
    assert_eq!(closed.business_date, day("2026-11-24"), "a session is listed under the day it belongs to");
    let mut ids: Vec<Id> = bench.facts.iter().map(|f| f.id).collect();
    ids.sort_unstable();
    ids.dedup();
    assert_eq!(ids.len(), bench.facts.len());
}

#[test]
fn an_explicit_opening_at_midnight_closes_first_and_keeps_its_base() {
    let mut bench = bench();
    bench.partner("a", |settings| settings.explicit_sessions = true);
    let pay = |centavos| Command::Pay(pay(PaymentKind::Partial, centavos));
    let open = || Command::Open(Open { till: "C1".to_owned(), cashier: "ana".to_owned(), base: pesos(50_000) });
    assert_eq!(bench.refused(&cashier("a-01"), pay(1_000_000)).code(), "session-required");
    let session = bench.done(&cashier("a-01"), open())[0].id;
    assert_eq!(bench.refused(&cashier("a-01"), open()).code(), "session-already-open");
    bench.done(&cashier("a-01"), pay(1_000_000));
    bench.pass(24 * 60);
    assert_eq!(bench.refused(&cashier("a-01"), pay(1_100_000)).code(), "session-required");
    let facts = bench.done(&cashier("a-01"), open());
    assert_eq!(facts[1].ends, Some(session));
    let Body::SessionClose(closed) = &facts[1].body else { panic!() };
    assert_eq!((closed.expected, closed.counted, closed.unattended), (pesos(60_000), None, true));
    assert_eq!(
        bench.refused(&cashier("a-01"), close(session, vec![])),
        Rejection::SessionClosed { session_id: session }
    );
    bench.done(&cashier("a-01"), pay(1_100_000));
}

#[test]
fn a_count_that_no_drawer_holds_is_still_a_count() {
    let mut bench = bench();
    let (payment, _) = bench.pays(pay(PaymentKind::Partial, 1_000_000));
    let session = payment.session().unwrap().id;
    assert_eq!(bench.refused(&cashier("a-01"), close(payment.id, vec![])), Rejection::NotFound);
    let absurd = vec![Denomination { value: Money::MAX, count: u32::MAX }; 3];
    let facts = bench.done(&cashier("a-01"), close(session, absurd));
    let Body::SessionClose(closed) = &facts[0].body else { panic!() };
    assert_eq!(closed.counted, Some(Money::MAX));
}

#[test]
fn what_comes_after_a_seal_counts_for_the_next_date_and_nothing_is_left_between_batches() {
    let mut bench = bench();
    bench.pays(pay(PaymentKind::Partial, 1_000_000));
    let Command::Seal(mut first) = seal("a", "2026-11-24") else { panic!() };
    first.contents.first = Some(day("2026-11-20"));
    let sealed = bench.done(&party(PartyKind::Billing), Command::Seal(first));
    let Body::BatchSeal(sealed) = &sealed[0].body else { panic!() };
    assert_eq!((sealed.from, sealed.through), (day("2026-11-20"), day("2026-11-24")));
    let (after, _) = bench.pays(pay(PaymentKind::Partial, 1_100_000));
    assert_eq!(after.business_date, day("2026-11-25"));
    assert_eq!(after.session().unwrap().business_date, day("2026-11-25"));
    assert_eq!(bench.refused(&party(PartyKind::Billing), seal("a", "2026-11-24")), Rejection::BatchNotSealable);
    // The open date has not begun, so it stays open.
    assert_eq!(bench.refused(&party(PartyKind::Billing), seal("a", "2026-11-25")), Rejection::BatchNotSealable);
    assert_eq!(bench.refused(&cashier("a-01"), seal("a", "2026-11-25")), Rejection::NotFound);
    bench.pass(24 * 60);
    let facts = bench.done(&cashier("a-01"), Command::Pay(pay(PaymentKind::Partial, 1_200_000)));
    assert_eq!(facts.len(), 1, "the session opened ahead of the date goes on");
    let next = bench.done(&party(PartyKind::Billing), seal("a", "2026-11-25"));
    let Body::BatchSeal(next) = &next[0].body else { panic!() };
    assert_eq!((next.from, next.through), (day("2026-11-25"), day("2026-11-25")));
}

#[test]
fn a_clock_that_goes_back_over_midnight_changes_no_date_and_opens_no_window() {
    let mut bench = bench();
    bench.now = at("2026-11-25T00:30:00-05:00");
    let (payment, _) = bench.pays(pay(PaymentKind::Partial, 1_000_000));
    bench.now = at("2026-11-24T23:50:00-05:00");
    let (back, _) = bench.pays(pay(PaymentKind::Partial, 1_100_000));
    assert_eq!(back.business_date, back.session().unwrap().business_date);
    assert_eq!(bench.refused(&cashier("a-01"), reverse(payment.id)).code(), "reversal-window-closed");
}

#[test]
fn a_clock_that_goes_back_within_the_day_opens_no_window_either() {
    let mut bench = bench();
    let (payment, _) = bench.pays(pay(PaymentKind::Partial, 1_000_000));
    bench.now = bench.now.plus_minutes(-1);
    assert_eq!(bench.refused(&cashier("a-01"), reverse(payment.id)).code(), "reversal-window-closed");
}
