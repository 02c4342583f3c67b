//! Two facts never share a place, a key or what they end; and a key belongs to who used it.

use std::sync::Arc;

use recaudo::clock::Clock;
use recaudo::domain::decide::Outcome;
use recaudo::domain::fact::Fact;
use recaudo::domain::rejection::Rejection;
use recaudo::store::StoreError;

use crate::books::*;

on_both! {
    a_place_is_taken_once
    a_repeated_request_is_answered_by_the_fact_of_then
    a_key_never_leaks_across_parties
}

fn a_place_is_taken_once(books: &Books) {
    let counter = books.counter();
    let payment = Arc::clone(&counter.done(&cashier("a-01"), pay(0, 5_000))[0]);
    let other = Arc::clone(&counter.done(&cashier("b-01"), pay(1, 5_000))[0]);
    let reversal = Arc::clone(&counter.done(&cashier("a-01"), reverse(payment.id))[0]);
    counter.stop();
    let free =
        Fact { id: books.clock.id(), account: None, series: None, request: None, ends: None, ..(*other).clone() };
    let faults = [
        ("facts_account", Fact { account: payment.account.clone(), ..free.clone() }),
        ("facts_series", Fact { series: payment.series.clone(), ..free.clone() }),
        ("facts_key", Fact { request: payment.request.clone(), ..free.clone() }),
        ("facts_ends", Fact { ends: reversal.ends, ..free.clone() }),
        ("facts_pkey", Fact { id: payment.id, ..free.clone() }),
    ];
    for (place, fault) in faults {
        let mut connection = books.connect();
        let appended = connection.transaction(|connection| connection.append(&[Arc::new(fault.clone())]));
        assert!(matches!(appended, Err(StoreError::Conflict(_))), "{place}: {appended:?}");
        assert!(connection.facts(&[free.id]).unwrap().is_empty(), "{place}");
    }
    // What takes no place disturbs nobody.
    books.connect().transaction(|connection| connection.append(&[Arc::new(free.clone())])).unwrap();
}

fn a_repeated_request_is_answered_by_the_fact_of_then(books: &Books) {
    let counter = books.counter();
    let (caller, command) = (cashier("a-01"), pay(0, 5_000));
    let first = done(counter.submit(keyed(books.clock.id(), &caller, "k", command.clone())).unwrap());
    // From another point of the partner, and after a restart.
    counter.stop();
    let counter = books.counter();
    let again = counter.submit(keyed(books.clock.id(), &cashier("a-02"), "k", command)).unwrap();
    assert!(matches!(&again, Outcome::Replayed(fact) if *fact == first[0]), "{again:?}");
    let other = counter.submit(keyed(books.clock.id(), &caller, "k", pay(0, 6_000))).unwrap();
    assert!(matches!(other, Outcome::Rejected(Rejection::IdempotencyKeyReused)), "{other:?}");
    counter.stop();
}

fn a_key_never_leaks_across_parties(books: &Books) {
    let counter = books.counter();
    let of_a = done(counter.submit(keyed(books.clock.id(), &cashier("a-01"), "same", pay(0, 5_000))).unwrap());
    let of_b = done(counter.submit(keyed(books.clock.id(), &cashier("b-01"), "same", pay(1, 6_000))).unwrap());
    assert_ne!(of_a[0].id, of_b[0].id);
    let foreign = counter.ask(&cashier("b-01"), reverse(of_a[0].id));
    assert!(matches!(foreign, Outcome::Rejected(Rejection::NotFound)), "{foreign:?}");
    counter.stop();
    let mut connection = books.connect();
    assert_eq!(connection.payment(&"a".into(), of_a[0].id).unwrap().unwrap().fact, of_a[0]);
    assert_eq!(connection.payment(&"b".into(), of_a[0].id).unwrap(), None);
}
