//! What is loaded is what was appended: the store's world against one that was kept in memory.

use std::collections::HashMap;
use std::sync::Arc;

use recaudo::clock::Clock;
use recaudo::domain::command::{Command, DeclareDeposit, MoveOrder, Needs, PartyKind, Request, VerifyDeposit};
use recaudo::domain::decide::{Outcome, decide};
use recaudo::domain::fact::{Body, Fact, OrderStatus};
use recaudo::domain::money::Money;
use recaudo::domain::policy::Policy;
use recaudo::domain::position::position;
use recaudo::domain::world::World;

use crate::books::*;

on_both! {
    what_is_loaded_is_what_was_appended
    a_snapshot_that_contains_payments_settles_them_and_no_others
    an_import_keeps_what_was_paid_meanwhile
}

/// Everything that these requests could need.
fn all_needs(requests: &[Request], facts: &[Arc<Fact>]) -> Needs {
    let mut needs = Needs::default();
    requests.iter().for_each(|request| needs.add(request));
    needs.facts.extend(facts.iter().map(|fact| fact.id));
    needs
}

fn assert_same(loaded: &World, kept: &World) {
    assert_eq!(loaded.accounts.len(), kept.accounts.len());
    for (number, state) in &kept.accounts {
        let other = &loaded.accounts[number];
        assert_eq!((&other.account, &other.snapshot), (&state.account, &state.snapshot));
        assert_eq!((&other.facts, other.last_seq), (&state.facts, state.last_seq));
    }
    assert_eq!(loaded.tills.len(), kept.tills.len());
    for (till, state) in &kept.tills {
        assert_eq!(loaded.tills[till].session, state.session);
        assert_eq!(loaded.tills[till].last_seq, state.last_seq);
    }
    assert_eq!(loaded.keys, kept.keys);
    assert_eq!(loaded.facts, kept.facts);
    assert_eq!(loaded.ended, kept.ended);
    assert_eq!(loaded.last_of, kept.last_of);
    let charged = |world: &World| -> HashMap<String, Money> {
        world.exposure.iter().filter(|(_, used)| !used.is_zero()).map(|(scope, used)| (scope.clone(), *used)).collect()
    };
    assert_eq!(charged(loaded), charged(kept));
    assert!(!charged(kept).is_empty());
    for (party, state) in &kept.partners {
        assert_eq!(loaded.partners[party].sealed_through, state.sealed_through, "{party}");
        assert_eq!(loaded.partners[party].settings, state.settings);
    }
}

fn what_is_loaded_is_what_was_appended(books: &Books) {
    let policy = Arc::new(Policy::default());
    let counter = books.counter();
    let (a, b, operator) = (cashier("a-01"), cashier("b-01"), party("operator", PartyKind::Operator));
    let reconnection = party("operator", PartyKind::Operator);
    let mut requests = Vec::new();
    let mut facts: Vec<Arc<Fact>> = Vec::new();
    let mut told = Vec::new();
    let mut ask = |caller, command| {
        let request = counter.request(caller, command);
        let outcome = counter.submit(request.clone()).unwrap();
        if let Outcome::Done(new) = &outcome {
            facts.extend(new.iter().cloned());
        }
        requests.push(request);
        told.push(outcome.clone());
        outcome
    };
    let paid = done(ask(&a, pay(0, 5_000)));
    done(ask(&b, pay(0, 6_000)));
    done(ask(&a, pay_at(1, 7_000, "C2")));
    done(ask(&a, reverse(paid[0].id)));
    assert!(matches!(ask(&a, reverse(paid[0].id)), Outcome::Rejected(_)));
    let restored = done(ask(&b, pay(4, 20_000)));
    let order = restored.iter().find(|fact| matches!(fact.body, Body::ReconnectionOrder(_))).unwrap().id;
    for status in [OrderStatus::Dispatched, OrderStatus::Completed] {
        let step = MoveOrder { order_id: order, status, at: None, reason: None, crew: Some("7".to_owned()) };
        done(ask(&reconnection, Command::MoveOrder(step)));
    }
    let amount = Money::from_pesos(6_000);
    let deposit =
        DeclareDeposit { slip_number: "1".to_owned(), amount, deposited_on: day("2026-11-24"), sessions: Vec::new() };
    let deposit = done(ask(&b, Command::Deposit(deposit)))[0].id;
    let verify = VerifyDeposit { deposit_id: deposit, amount, bank_reference: None };
    done(ask(&operator, Command::VerifyDeposit(verify)));
    counter.stop();

    // The same requests, decided in a world that never left the memory, from what was there before.
    let fresh = if books.database.is_some() { Books::postgres() } else { Books::sqlite() };
    let before = all_needs(&requests, &facts);
    let mut kept = fresh.connect().load_world(&before, &policy, books.clock.now()).unwrap();
    // Whoever orders by name loads by name: nothing of that is there yet, so the accounts are named.
    for (request, outcome) in requests.iter().zip(&told) {
        let kept_outcome = decide(&mut kept, request, books.clock.now());
        assert_eq!(format!("{kept_outcome:?}"), format!("{outcome:?}"));
    }
    let mut named = before;
    named.points.extend(facts.iter().filter_map(|fact| fact.collection_point.clone()));
    let loaded = books.connect().load_world(&named, &policy, books.clock.now()).unwrap();
    assert_same(&loaded, &kept);
}

fn a_snapshot_that_contains_payments_settles_them_and_no_others(books: &Books) {
    let counter = books.counter();
    counter.done(&cashier("a-01"), pay(0, 5_000));
    counter.done(&cashier("b-01"), pay(0, 7_000));
    counter.stop();
    let mut billed = account(0);
    billed.bills[0].balance -= Money::from_pesos(5_000);
    // Long enough after it that nobody brings the same payment again from an offline till.
    books.load("second", "2026-11-30T03:00:00-05:00", &[("a", "2026-11-24")], &[billed]);
    let number = number(0).as_str().into();
    let state = books.connect().load_accounts(&[number]).unwrap().into_values().next().unwrap();
    // The first place is settled, the second is not; nobody's money counts twice or not at all.
    assert_eq!((state.facts.len(), state.last_seq), (1, 2));
    let figures = position(&state, day("2026-11-30"), Money::from_pesos(1)).figures;
    assert_eq!(figures.total_due, Money::from_pesos(1_000_000 - 12_000));
}

fn an_import_keeps_what_was_paid_meanwhile(books: &Books) {
    let counter = books.counter();
    counter.done(&cashier("a-01"), pay(2, 5_000));
    books.load("again", "2026-11-24T12:00:00-05:00", &[], &[account(2)]);
    counter.done(&cashier("a-02"), pay(2, 6_000));
    counter.stop();
    let states = books.connect().load_accounts(&[number(2).as_str().into(), number(999).as_str().into()]).unwrap();
    let state = states.into_values().next().unwrap();
    assert_eq!((state.facts.len(), state.last_seq, state.snapshot.id.as_str()), (2, 2, "again"));
    assert_eq!(books.connect().count_accounts().unwrap(), i64::from(ACCOUNTS));
}
