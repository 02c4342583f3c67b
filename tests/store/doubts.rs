//! A COMMIT that nobody answered: what was committed is answered as committed, what was not is posted,
//! and nothing twice.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use recaudo::domain::ids::Id;
use recaudo::posting::{CommitFate, SubmitError};
use recaudo::store::StoreError;

use crate::books::*;

on_both! {
    a_commit_whose_answer_was_lost_is_answered_with_what_it_did
    a_commit_that_never_arrived_is_made_again
    every_second_commit_is_lost_and_no_payment_is
    a_write_that_failed_wrote_nothing_and_says_so
}

/// The first commit has this fate, all others go through.
fn once(fate: CommitFate) -> (Arc<AtomicU32>, impl FnMut() -> CommitFate + Send) {
    let asked = Arc::new(AtomicU32::new(0));
    let counted = Arc::clone(&asked);
    let probe = move || if counted.fetch_add(1, Ordering::SeqCst) == 0 { fate } else { CommitFate::Through };
    (asked, probe)
}

fn assert_paid_once(books: &Books, payment: Id) {
    let mut connection = books.connect();
    let state = connection.load_accounts(&[number(0).as_str().into()]).unwrap().into_values().next().unwrap();
    let paid: Vec<Id> = state.facts.iter().map(|fact| fact.id).collect();
    assert_eq!(paid, [payment]);
    assert_eq!(connection.outbox(10).unwrap().len(), 1);
}

fn a_commit_whose_answer_was_lost_is_answered_with_what_it_did(books: &Books) {
    books.somebody_listens();
    let (asked, probe) = once(CommitFate::LostAfter);
    let counter = books.counter_with(&posting(), probe);
    let facts = counter.done(&cashier("a-01"), pay(0, 5_000));
    assert_eq!(asked.load(Ordering::SeqCst), 1, "it was not committed again");
    counter.stop();
    assert_paid_once(books, facts[0].id);
}

fn a_commit_that_never_arrived_is_made_again(books: &Books) {
    books.somebody_listens();
    let (asked, probe) = once(CommitFate::LostBefore);
    let counter = books.counter_with(&posting(), probe);
    let facts = counter.done(&cashier("a-01"), pay(0, 5_000));
    assert_eq!(asked.load(Ordering::SeqCst), 2);
    counter.stop();
    assert_paid_once(books, facts[0].id);
}

fn every_second_commit_is_lost_and_no_payment_is(books: &Books) {
    let mut turn = 0;
    let probe = move || {
        turn += 1;
        [CommitFate::LostAfter, CommitFate::Through, CommitFate::LostBefore, CommitFate::Through][turn % 4]
    };
    let counter = books.counter_with(&posting(), probe);
    for i in 0..12 {
        counter.done(&cashier("a-01"), pay(0, 5_000 + i));
    }
    counter.stop();
    let state = books.connect().load_accounts(&[number(0).as_str().into()]).unwrap().into_values().next().unwrap();
    assert_eq!((state.facts.len(), state.last_seq), (12, 12));
}

fn a_write_that_failed_wrote_nothing_and_says_so(books: &Books) {
    let counter = books.counter();
    let refused = counter.write(|connection| {
        connection.finish_snapshot("first", 7, 7, at(MORNING))?;
        Err::<(), _>(StoreError::Corrupt("line 3".to_owned()))
    });
    assert!(matches!(refused, Err(SubmitError::Store(StoreError::Corrupt(_)))), "{refused:?}");
    // A job that swallows an error must not be told that the rest of it was written.
    let swallowed = counter.write(|connection| {
        connection.finish_snapshot("first", 7, 7, at(MORNING))?;
        _ = connection.begin_snapshot(&snapshot("first", MORNING, &[]));
        Ok(())
    });
    let read = books.connect().snapshot("first").unwrap().unwrap().accounts_rejected;
    assert_eq!(read, if swallowed.is_ok() { 7 } else { 0 }, "{swallowed:?}");
    let written = counter.write(|connection| connection.finish_snapshot("first", 9, 9, at(MORNING)));
    assert!(written.is_ok(), "{written:?}");
    assert_eq!(books.connect().snapshot("first").unwrap().unwrap().accounts_rejected, 9);
    counter.stop();
}

/// The server ends the connection under a writer that has work.
#[test]
fn a_connection_that_the_server_ends_is_opened_again() {
    let books = Books::postgres();
    let counter = books.counter();
    counter.done(&cashier("a-01"), pay(0, 5_000));
    let database = books.database.as_ref().unwrap();
    database.execute(
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity \
         WHERE datname = current_database() AND pid <> pg_backend_pid()",
    );
    counter.done(&cashier("a-01"), pay(0, 6_000));
    counter.stop();
    assert_eq!(database.value("SELECT count(*) FROM facts WHERE kind = 'payment'").as_deref(), Some("2"));
}
