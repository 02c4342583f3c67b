//! Properties of the position over days and snapshots: a paid debt stays paid, whatever billing has
//! got round to.

use std::sync::Arc;

use proptest::prelude::*;

use super::generators::*;
use super::paying::sums;
use super::worlds::*;
use crate::domain::account::Account;
use crate::domain::fact::*;
use crate::domain::money::Money;
use crate::domain::position::{AccountState, Snapshot, position, settled_through};
use crate::domain::reconnection::{assess, open_order};

const DAYS: [&str; 5] = ["2026-11-23", "2026-11-24", "2026-11-25", "2026-11-26", "2026-11-27"];

/// The next snapshot: per partner, what is contained through which day.
fn next_snapshot(a: usize, b: usize, as_of: crate::domain::calendar::Timestamp) -> Snapshot {
    let included_through = [("a".into(), day(DAYS[a])), ("b".into(), day(DAYS[b]))].into_iter().collect();
    Snapshot { id: "next".to_owned(), as_of, included_through }
}

/// What billing sends with it: the balances and what clears the cause, less what it contains.
fn next_account(account: &Account, snapshot: &Snapshot, facts: &[Arc<Fact>]) -> Account {
    let through = |fact: &Fact| snapshot.included_through.get(&fact.party);
    let contained: Vec<&Arc<Fact>> =
        facts.iter().filter(|fact| through(fact).is_some_and(|day| fact.business_date <= *day)).collect();
    let mut next = billed(account, &contained);
    let balance = |account: &Account| account.bills.iter().map(|bill| bill.balance).sum::<Money>();
    let paid = balance(account) - balance(&next);
    next.service.amount_to_reconnect = next.service.amount_to_reconnect.map(|amount| amount.less(paid));
    next
}

fn of_account(bench: &Bench) -> Vec<Arc<Fact>> {
    bench.facts.iter().filter(|fact| fact.account.is_some()).cloned().collect()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(192))]

    #[test]
    fn a_snapshot_that_contains_payments_says_what_the_older_one_and_they_said(
        account in any_account(), acts in any_days(), a in 0..5usize, b in 0..5usize
    ) {
        let mut bench = Bench::with(vec![account.clone()]);
        for act in &acts {
            bench.act(act);
        }
        let facts = of_account(&bench);
        let old = bench.position();
        let snapshot = next_snapshot(a, b, bench.now);
        let next = next_account(&account, &snapshot, &facts);
        let mut state = AccountState {
            account: Arc::new(next), snapshot: Arc::new(snapshot), facts, last_seq: bench.state().last_seq,
        };
        let (today, step) = (bench.world.policy.calendar_date(bench.now), bench.world.policy.cash_step);
        let new = position(&state, today, step);
        prop_assert_eq!(sums(&new.figures), sums(&old.figures));
        prop_assert_eq!((&new.bills, &new.agreements), (&old.bills, &old.agreements));
        if !account.agreements.iter().any(|agreement| agreement.clears_suspension) {
            let missing = |state: &AccountState, position| assess(state, position, step).amount_to_reconnect;
            prop_assert_eq!(missing(&state, &new), missing(bench.state(), &old));
        }
        // Its own settled facts need not be loaded again.
        let settled = settled_through(&state.snapshot, &state.facts, 0);
        let whole = assess(&state, &new, step);
        let order = open_order(&state).map(|(order, status)| (order.id, status));
        state.facts.retain(|fact| seq_in_account(fact) > settled);
        let after = position(&state, today, step);
        prop_assert_eq!(&after, &new);
        prop_assert_eq!(assess(&state, &after, step), whole);
        prop_assert_eq!(open_order(&state).map(|(order, status)| (order.id, status)), order);
    }

    #[test]
    fn a_debt_that_was_paid_does_not_come_back_when_billing_has_not_heard(
        account in any_account(), acts in any_days()
    ) {
        let mut bench = Bench::with(vec![account.clone()]);
        for act in &acts {
            bench.act(act);
        }
        let old = bench.position();
        let as_of = bench.now.plus_minutes(60).to_string();
        bench.load("next", &as_of, &[], vec![account]);
        prop_assert_eq!(sums(&bench.position().figures), sums(&old.figures));
    }

    #[test]
    fn a_reversal_always_falls_on_the_side_of_its_payment(account in any_account(), acts in any_days()) {
        let mut bench = Bench::with(vec![account]);
        for act in &acts {
            bench.act(act);
        }
        for fact in &bench.facts {
            if let Body::Reversal(reversal) = &fact.body {
                let payment = &bench.world.facts[&reversal.payment_id];
                prop_assert_eq!((fact.business_date, &fact.party), (payment.business_date, &payment.party));
                prop_assert_eq!(reversal.payment_business_date, payment.business_date);
            }
        }
    }
}
