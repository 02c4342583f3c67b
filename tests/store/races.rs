//! Two gateways on one database: the unique indexes settle every race, and nothing is lost or doubled.

use std::collections::{BTreeMap, HashSet};
use std::sync::Barrier;
use std::thread;

use recaudo::clock::Clock;
use recaudo::domain::account::Account;
use recaudo::domain::command::Request;
use recaudo::domain::decide::Outcome;
use recaudo::domain::ids::{AccountNumber, Id};
use recaudo::domain::money::Money;
use recaudo::domain::session::SessionStamp;
use recaudo::ledger::audit;
use recaudo::posting::CommitFate;

use crate::books::*;

on_both! {
    two_writers_on_the_same_accounts_lose_and_double_nothing
    the_same_key_at_two_gateways_is_one_payment
    paid_and_taken_back_at_once_each_payment_is_reversed_at_most_once
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

/// Five payments of one account, each taken back twice and paid again, all at once at two gateways. One
/// till is at either; the account is new in every round, so that the rounds stay as long as they are.
fn round(gateway: u32, round: u32, counter: &Counter, minted: impl Fn(u32) -> Id) -> Vec<Request> {
    let cashier = cashier("a-01");
    let group = |group: u32| {
        let (id, key) = (minted(group), format!("pay-{round}-{group}"));
        let amount = i64::from(2_000 + group * 10);
        let first = || pay_at(ACCOUNTS + round, amount, "C1");
        match gateway {
            0 => [keyed(id, &cashier, &key, first()), counter.request(&cashier, reverse(id))],
            _ if group.is_multiple_of(2) => {
                [counter.request(&cashier, reverse(id)), keyed(counter.clock.id(), &cashier, &key, first())]
            }
            _ => {
                let again = pay_at(ACCOUNTS + round, amount + 1, "C2");
                [counter.request(&cashier, reverse(id)), counter.request(&cashier, again)]
            }
        }
    };
    (0..5).flat_map(group).collect()
}

fn paid_and_taken_back_at_once_each_payment_is_reversed_at_most_once(books: &Books) {
    const ROUNDS: u32 = 500;
    // All in service: a reconnection would stand in a reversal's way.
    let account = |round| Account { service: account(0).service, ..account(ACCOUNTS + round) };
    let accounts: Vec<Account> = (0..ROUNDS).map(account).collect();
    books.load("second", "2026-11-24T04:00:00-05:00", &[], &accounts);
    let ids: Vec<Id> = (0..ROUNDS * 5).map(|_| books.clock.id()).collect();
    let start = Barrier::new(2);
    let outcomes: Vec<Outcome> = thread::scope(|scope| {
        let gateway = |number: u32| {
            let (ids, start) = (&ids, &start);
            scope.spawn(move || {
                let counter = books.counter();
                let mut told = Vec::new();
                for i in 0..ROUNDS {
                    let requests = round(number, i, &counter, |group| ids[(i * 5 + group) as usize]);
                    start.wait();
                    told.extend(counter.runtime.block_on(counter.posting.submit_in_order(requests)).unwrap());
                }
                counter.stop();
                told
            })
        };
        let gateways = [gateway(0), gateway(1)];
        gateways.into_iter().flat_map(|thread| thread.join().unwrap()).collect()
    });

    let (mut standing, mut taken_back) = (BTreeMap::new(), HashSet::new());
    let mut sessions: BTreeMap<Id, (Money, SessionStamp)> = BTreeMap::new();
    for outcome in &outcomes {
        let fact = match outcome {
            Outcome::Done(facts) => &facts[0],
            Outcome::Replayed(_) => continue,
            Outcome::Rejected(rejection) => {
                assert!(["not-found", "already-reversed"].contains(&rejection.code()), "{rejection:?}");
                continue;
            }
        };
        if let Some(payment) = fact.ends {
            assert!(taken_back.insert(payment), "twice taken back");
        }
        standing.insert(fact.id, fact.amount);
        let stamp = fact.session().unwrap();
        let (total, last) = sessions.entry(stamp.id).or_insert_with(|| (Money::ZERO, stamp.clone()));
        *total += fact.amount;
        if stamp.count > last.count {
            *last = stamp.clone();
        }
    }
    assert!(taken_back.len() > ROUNDS as usize && taken_back.iter().all(|payment| standing.contains_key(payment)));
    let sum: Money = standing.values().copied().sum();
    let kept = standing.iter().filter(|(id, amount)| amount.is_positive() && !taken_back.contains(id));
    assert_eq!(kept.map(|(_, amount)| *amount).sum::<Money>(), sum);
    for (total, last) in sessions.values() {
        assert_eq!((last.total, last.cash), (*total, *total));
    }
    assert_eq!(sessions.len(), 2);
    let mut connection = books.connect();
    let scopes = ["party/a", "point/a-01", "month/a/202611"].map(str::to_owned);
    let held = connection.exposures(&scopes).unwrap();
    assert_eq!(scopes.map(|scope| held[&scope]), [sum; 3]);
    let audit = audit(&mut connection).unwrap();
    assert!(audit.faults.is_empty(), "{:?}", audit.faults);
    assert_eq!((audit.payments + audit.reversals, audit.net), (standing.len() as u64, sum));
}
