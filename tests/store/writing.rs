//! The writer's queue: bounded, in order, and indifferent to who stopped waiting.

use std::sync::mpsc;
use std::task::{Context, Poll, Waker};

use recaudo::clock::Clock;
use recaudo::domain::command::{Command, PartyKind, Seal};
use recaudo::domain::decide::Outcome;
use recaudo::domain::fact::{Body, Fact};
use recaudo::domain::money::Money;
use recaudo::domain::rejection::Rejection;
use recaudo::posting::{CommitFate, SubmitError};
use recaudo::store::{BatchFilter, BatchPage};

use crate::books::*;

on_both! {
    a_full_queue_executes_nothing
    a_command_runs_to_its_end_without_anybody_waiting
    commands_in_order_are_decided_in_order
    a_refused_command_does_not_disturb_its_neighbours
    a_seal_counts_what_is_in_it_and_closes_the_date
    a_suspension_bites_at_once
}

/// Keeps the writer busy until the sender is dropped.
fn hold(counter: &Counter) -> (mpsc::Sender<()>, tokio::task::JoinHandle<Result<(), SubmitError>>) {
    let (release, held) = mpsc::channel::<()>();
    let (began, begun) = mpsc::channel();
    let posting = counter.posting.clone();
    let task = counter.runtime.spawn(async move {
        let job = move |_: &mut recaudo::store::Connection| {
            _ = began.send(());
            _ = held.recv();
            Ok(())
        };
        posting.write("hold", job).await
    });
    // The runtime runs only when it is waited for.
    counter.runtime.block_on(async {
        while begun.try_recv().is_err() {
            tokio::task::yield_now().await;
        }
    });
    (release, task)
}

/// Starts to wait and goes away.
fn submit_and_go(counter: &Counter, command: Command) -> Result<(), SubmitError> {
    let request = counter.request(&cashier("a-01"), command);
    counter.runtime.block_on(async {
        let mut waiting = Box::pin(counter.posting.submit(request));
        match waiting.as_mut().poll(&mut Context::from_waker(Waker::noop())) {
            Poll::Ready(Err(error)) => Err(error),
            Poll::Ready(Ok(_)) | Poll::Pending => Ok(()),
        }
    })
}

fn payments(books: &Books) -> Vec<Fact> {
    let mut connection = books.connect();
    let state = connection.load_accounts(&[number(0).as_str().into()]).unwrap().into_values().next().unwrap();
    state.facts.iter().map(|fact| (**fact).clone()).collect()
}

fn a_full_queue_executes_nothing(books: &Books) {
    let settings = recaudo::config::Posting { queue: 2, ..posting() };
    let counter = books.counter_with(&settings, || CommitFate::Through);
    let (release, task) = hold(&counter);
    assert!(submit_and_go(&counter, pay(0, 5_000)).is_ok());
    assert!(submit_and_go(&counter, pay(0, 6_000)).is_ok());
    assert_eq!(counter.posting.queue_depth(), 2);
    let full = submit_and_go(&counter, pay(0, 7_000));
    assert!(matches!(full, Err(SubmitError::QueueFull)), "{full:?}");
    let many = (0..3).map(|i| counter.request(&cashier("a-01"), pay(0, 8_000 + i))).collect();
    let full = counter.runtime.block_on(counter.posting.submit_in_order(many));
    assert!(matches!(full, Err(SubmitError::QueueFull)), "{full:?}");
    drop(release);
    counter.runtime.block_on(task).unwrap().unwrap();
    counter.stop();
    let amounts: Vec<Money> = payments(books).iter().map(|fact| fact.amount).collect();
    assert_eq!(amounts, [Money::from_pesos(5_000), Money::from_pesos(6_000)]);
}

fn a_command_runs_to_its_end_without_anybody_waiting(books: &Books) {
    let counter = books.counter();
    assert!(submit_and_go(&counter, pay(0, 5_000)).is_ok());
    let posting = counter.posting.clone();
    let request = counter.request(&cashier("a-01"), pay(0, 6_000));
    counter.stop();
    assert_eq!(payments(books).len(), 1, "a stop lets what waits be decided");
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    let late = runtime.block_on(posting.submit(request));
    assert!(matches!(late, Err(SubmitError::Stopped)), "{late:?}");
}

fn commands_in_order_are_decided_in_order(books: &Books) {
    let settings = recaudo::config::Posting { max_batch: 3, ..posting() };
    let counter = books.counter_with(&settings, || CommitFate::Through);
    let requests = (0..10).map(|i| counter.request(&cashier("a-01"), pay(0, 5_000 + i))).collect();
    let outcomes = counter.runtime.block_on(counter.posting.submit_in_order(requests)).unwrap();
    counter.stop();
    let told: Vec<_> = outcomes.into_iter().map(|outcome| (*done(outcome)[0]).clone()).collect();
    assert_eq!(told, payments(books));
    assert!(told.windows(2).all(|pair| pair[0].amount < pair[1].amount));
}

fn a_refused_command_does_not_disturb_its_neighbours(books: &Books) {
    let counter = books.counter();
    let commands = [pay(0, 5_000), pay(0, 5_000), pay(777, 5_000), pay(0, 6_000)];
    let requests = commands.map(|command| counter.request(&cashier("a-01"), command)).to_vec();
    let outcomes = counter.runtime.block_on(counter.posting.submit_in_order(requests)).unwrap();
    counter.stop();
    assert!(matches!(outcomes[1], Outcome::Rejected(Rejection::PossibleDuplicate { .. })));
    assert!(matches!(outcomes[2], Outcome::Rejected(Rejection::AccountNotFound { .. })));
    assert_eq!(payments(books).len(), 2);
}

fn a_seal_counts_what_is_in_it_and_closes_the_date(books: &Books) {
    let counter = books.counter();
    let operator = party("operator", PartyKind::Operator);
    let seal = |through: &str| {
        Command::Seal(Seal { partner: "a".into(), through: day(through), contents: Default::default() })
    };
    let request = |command| counter.request(&cashier("a-01"), command);
    let sealing = counter.request(&operator, seal("2026-11-24"));
    // All in one queue: what was asked for before the seal is in it, what after is not.
    let requests = vec![request(pay(0, 5_000)), request(pay(0, 6_000)), sealing, request(pay(0, 7_000))];
    counter.done(&cashier("b-01"), pay(1, 9_000));
    let taken_back = counter.done(&cashier("a-01"), pay(1, 8_000))[0].id;
    counter.done(&cashier("a-01"), reverse(taken_back));
    let outcomes = counter.runtime.block_on(counter.posting.submit_in_order(requests)).unwrap();
    let facts: Vec<_> = outcomes.into_iter().map(done).collect();
    let Body::BatchSeal(batch) = &facts[2][0].body else { panic!("{:?}", facts[2]) };
    assert_eq!((batch.count, batch.total), (2, Money::from_pesos(11_000)));
    assert_eq!((batch.from, batch.through), (day("2026-11-24"), day("2026-11-24")));
    assert_eq!(facts[3][0].business_date, day("2026-11-25"));
    let again = counter.ask(&operator, seal("2026-11-24"));
    assert!(matches!(again, Outcome::Rejected(Rejection::BatchNotSealable)), "{again:?}");
    counter.stop();

    let mut connection = books.connect();
    let filter = BatchFilter { limit: 10, ..BatchFilter::default() };
    assert_eq!(connection.batches(&filter).unwrap(), [facts[2][0].clone()]);
    let mut page = BatchPage { partner: "a".into(), from: batch.from, through: batch.through, after: None, limit: 3 };
    let mut sum = Money::ZERO;
    let mut pages = 0;
    loop {
        let rows = connection.batch_page(&page).unwrap();
        sum += rows.iter().map(|fact| fact.amount).sum();
        pages += 1;
        match rows.last() {
            Some(last) => page.after = Some((last.business_date, last.id)),
            None => break,
        }
    }
    assert_eq!((sum, pages), (batch.total, 3));
}

fn a_suspension_bites_at_once(books: &Books) {
    let counter = books.counter();
    counter.done(&cashier("a-01"), pay(0, 5_000));
    let now = books.clock.now();
    assert!(counter.write(move |connection| connection.suspend_party(&"a".into(), Some(now))).unwrap());
    let refused = counter.ask(&cashier("a-01"), pay(0, 6_000));
    assert!(matches!(refused, Outcome::Rejected(Rejection::CollectionPointSuspended)), "{refused:?}");
    assert!(counter.write(|connection| connection.suspend_party(&"a".into(), None)).unwrap());
    counter.done(&cashier("a-01"), pay(0, 6_000));
    counter.stop();
}
