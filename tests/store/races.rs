//! Two gateways on one database: the unique indexes settle every race, and nothing is lost or doubled.

use std::collections::{BTreeMap, HashSet};
use std::thread;

use recaudo::clock::Clock;
use recaudo::domain::decide::Outcome;
use recaudo::domain::ids::{AccountNumber, Id};
use recaudo::domain::money::Money;
use recaudo::posting::CommitFate;

use crate::books::*;

on_both! {
    two_writers_on_the_same_accounts_lose_and_double_nothing
    the_same_key_at_two_gateways_is_one_payment
}

const EACH: u32 = 150;
const SHARED: u32 = 4;

fn two_writers_on_the_same_accounts_lose_and_double_nothing(books: &Books) {
    let settings = recaudo::config::Posting { max_batch: 16, ..posting() };
    let sent: Vec<(Id, Money)> = thread::scope(|scope| {
        let gateway = |point: &'static str, offset: u32| {
            let settings = settings.clone();
            scope.spawn(move || {
                let counter = books.counter_with(&settings, || CommitFate::Through);
                let request = |i: u32| counter.request(&cashier(point), pay(i % SHARED, i64::from(2_000 + offset + i)));
                let requests = (0..EACH).map(request).collect();
                let outcomes = counter.runtime.block_on(counter.posting.submit_in_order(requests)).unwrap();
                counter.stop();
                outcomes.into_iter().map(|outcome| (done(outcome)[0].id, Money::ZERO)).collect::<Vec<_>>()
            })
        };
        let gateways = [gateway("a-01", 0), gateway("b-01", 10_000)];
        gateways.into_iter().flat_map(|thread| thread.join().unwrap()).collect()
    });
    assert_eq!(sent.len(), 2 * EACH as usize);

    let mut connection = books.connect();
    let numbers: Vec<AccountNumber> = (0..SHARED).map(|i| number(i).as_str().into()).collect();
    let states = connection.load_accounts(&numbers).unwrap();
    let mut found = HashSet::new();
    let mut taken: BTreeMap<String, Money> = BTreeMap::new();
    let mut tills: BTreeMap<String, Vec<i64>> = BTreeMap::new();
    for state in states.values() {
        let places: Vec<i64> = state.facts.iter().filter_map(|fact| Some(fact.account.as_ref()?.seq)).collect();
        assert_eq!(places, (1..=state.last_seq).collect::<Vec<_>>(), "no place is empty");
        for fact in &state.facts {
            assert!(found.insert(fact.id));
            *taken.entry(format!("party/{}", fact.party)).or_default() += fact.amount;
            tills.entry(fact.party.to_string()).or_default().push(fact.series.as_ref().unwrap().seq);
        }
    }
    assert_eq!(found, sent.iter().map(|(id, _)| *id).collect());
    for places in tills.values_mut() {
        places.sort_unstable();
        // The first place of a till is its opening.
        assert_eq!(*places, (2..=i64::from(EACH) + 1).collect::<Vec<_>>());
    }
    let scopes: Vec<String> = taken.keys().cloned().collect();
    let charged: BTreeMap<String, Money> = connection.exposures(&scopes).unwrap().into_iter().collect();
    assert_eq!(charged, taken);
}

fn the_same_key_at_two_gateways_is_one_payment(books: &Books) {
    const KEYS: u32 = 40;
    let settings = recaudo::config::Posting { max_batch: 4, ..posting() };
    let ids: Vec<Vec<Id>> = thread::scope(|scope| {
        let gateway = || {
            let settings = settings.clone();
            scope.spawn(move || {
                let counter = books.counter_with(&settings, || CommitFate::Through);
                let request = |i: u32| {
                    let command = pay(i % SHARED, i64::from(2_000 + i));
                    keyed(books.clock.id(), &cashier("a-01"), &format!("shared-{i}"), command)
                };
                let requests = (0..KEYS).map(request).collect();
                let outcomes = counter.runtime.block_on(counter.posting.submit_in_order(requests)).unwrap();
                counter.stop();
                let id = |outcome| match outcome {
                    Outcome::Done(facts) => facts[0].id,
                    Outcome::Replayed(fact) => fact.id,
                    Outcome::Rejected(rejection) => panic!("{rejection:?}"),
                };
                outcomes.into_iter().map(id).collect::<Vec<Id>>()
            })
        };
        let gateways = [gateway(), gateway()];
        gateways.into_iter().map(|thread| thread.join().unwrap()).collect()
    });
    assert_eq!(ids[0], ids[1], "both were told of the same payments");
    let distinct: HashSet<Id> = ids[0].iter().copied().collect();
    assert_eq!(distinct.len(), KEYS as usize);
}
