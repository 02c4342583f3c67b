//! Seeded days at the counters, every answer checked against a model that shares no code with the
//! rules: on the rules alone, and through the gateway's own writer on both databases.
//!
//! `RECAUDO_STEPS=1000000` has each of the three take a million steps instead of a hundred thousand; a
//! failure names its seed and step.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on says so by ending")]

#[rustfmt::skip] // A line a thought: the model is short enough to be read at one sitting.
mod model;

mod books;
mod chance;
mod script;
#[path = "../support/mod.rs"]
mod support;
mod words;

use std::collections::BTreeMap;

use books::{Books, InMemory, Written};
use script::Simulation;
use support::postgres::TestDatabase;

/// How long one seed's days are, at most: a failure is found again within seconds.
const DAYS: u64 = 12_500;
const STEPS: u64 = 100_000;

type Seen = BTreeMap<&'static str, usize>;

fn steps(otherwise: u64) -> u64 {
    std::env::var("RECAUDO_STEPS").ok().and_then(|text| text.parse().ok()).unwrap_or(otherwise)
}

/// Runs seed after seed until there were enough steps.
fn run<B: Books>(steps: u64, seeds: u64, open: impl Fn() -> B, close: impl Fn(B)) {
    let mut seen = Seen::new();
    let (mut seed, mut left) = (seeds, steps);
    while left > 0 {
        seed += 1;
        let mut simulation = Simulation::new(open(), seed).unwrap();
        let days = left.min(DAYS);
        for step in 0..days {
            simulation.step().unwrap_or_else(|difference| panic!("seed {seed}, step {step}: {difference}"));
        }
        simulation.settle().unwrap_or_else(|difference| panic!("seed {seed}, at the end: {difference}"));
        left -= days;
        for (outcome, times) in std::mem::take(&mut simulation.seen) {
            *seen.entry(outcome).or_insert(0) += times;
        }
        close(simulation.books);
    }
    // A simulation that never meets a rule proves nothing about it.
    assert!(steps < DAYS || seen.len() >= 23, "only {seen:?}");
}

#[test]
fn the_rules_do_what_the_model_says() {
    run(steps(STEPS), 0, || InMemory::new(words::register()), drop);
}

/// Each database's steps, in parts that run beside each other.
macro_rules! parts {
    ($($part:ident: $seeds:literal)*) => {$(
        mod $part {
            use super::*;

            #[test]
            fn the_writer_on_sqlite_does_what_the_model_says() {
                run(steps(STEPS) / 4, $seeds, || Written::new("sqlite::memory:", words::register()), Written::finish);
            }

            #[test]
            fn the_writer_on_postgresql_does_what_the_model_says() {
                let database = TestDatabase::create();
                let open = || Written::fresh(&database, words::register());
                run(steps(STEPS) / 4, $seeds, open, Written::finish);
            }
        }
    )*};
}
parts! { first: 1000 second: 2000 third: 3000 fourth: 4000 }
