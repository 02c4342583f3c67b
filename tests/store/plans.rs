//! No hot statement scans a table on PostgreSQL, not even one that was empty when the statement was
//! first planned. (SQLite's plans are asked for beside the statements.)

use std::collections::HashMap;

use recaudo::clock::Clock;
use recaudo::config::Config;
use recaudo::domain::account::Account;
use recaudo::domain::ids::AccountNumber;
use recaudo::reading::Reading;
use recaudo::webhooks::round::{Round, round};

use crate::books::*;

#[test]
fn a_table_that_was_empty_at_first_is_not_scanned_later() {
    let books = Books::postgres();
    let database = books.database.as_ref().unwrap();
    let counter = books.counter();
    let settings = Config::load(None).unwrap().reading;
    let (reading, readers) = Reading::start(&books.store, 2, &settings).unwrap();
    // Everything is planned while there is next to nothing.
    let paid = counter.done(&cashier("a-01"), pay(0, 5_000));
    counter.done(&cashier("a-01"), reverse(paid[0].id));
    let look_up = |ordinal: u32| {
        let number: AccountNumber = number(ordinal).as_str().into();
        counter.runtime.block_on(reading.account(number)).unwrap()
    };
    assert!(look_up(0).is_some() && look_up(999_999).is_none());

    let many: Vec<Account> = (0..3_000).map(account).collect();
    books.load("second", "2026-11-24T04:00:00-05:00", &[], &many);
    database.execute(
        "INSERT INTO facts SELECT 'x' || n, kind, recorded_at, business_date, party, collection_point, NULL, NULL, \
         'filler', n, NULL, NULL, NULL, NULL, amount, body FROM facts, generate_series(1, 3000) n WHERE kind = 'payment'; \
         ANALYZE",
    );
    // Only the writer and the readers are left, and what others did is counted and forgotten.
    wait_for_backends(&books, 3);
    database.execute("SELECT pg_stat_reset()");
    for ordinal in 0..20 {
        let paid = counter.done(&cashier("a-01"), pay(ordinal, 6_000));
        counter.done(&cashier("a-01"), reverse(paid[0].id));
        assert!(look_up(ordinal).is_some());
    }
    readers.stop();
    counter.stop();
    wait_for_backends(&books, 0);
    let scanned = "SELECT string_agg(relname || ' ' || seq_scan, ', ') FROM pg_stat_user_tables WHERE seq_scan > 0";
    assert_eq!(database.value(scanned), None, "the writer or a reader scanned a table");
    let used = database.value("SELECT sum(idx_scan) > 100 FROM pg_stat_user_tables WHERE relname = 'facts'");
    assert_eq!(used.as_deref(), Some("t"), "and the statistics would have shown it");
}

#[test]
fn a_round_of_deliveries_does_not_compare_everything_with_everything() {
    let books = Books::postgres();
    let database = books.database.as_ref().unwrap();
    books.somebody_listens();
    let now = books.clock.now();
    let order = Round {
        ended: Vec::new(),
        released: Vec::new(),
        now,
        lease_until: now.plus_minutes(1),
        owner: "test".to_owned(),
        under_way: HashMap::new(),
        smooth: HashMap::new(),
        careful: 8,
        altogether: 64,
        fan_out: 512,
    };
    let mut connection = books.connect();
    let counter = books.counter();
    // Planned while there is one of everything.
    counter.done(&cashier("a-01"), pay(0, 1_000));
    assert_eq!(connection.transaction(|connection| round(connection, &order)).unwrap().parcels.len(), 1);
    for paid in 0..1_500 {
        counter.done(&cashier("a-01"), pay(paid % 20, 1_001 + i64::from(paid)));
    }
    counter.stop();
    let mut handed_on = 0;
    while handed_on < 1_500 {
        handed_on += connection.transaction(|connection| round(connection, &order)).unwrap().fanned_out.taken;
    }
    drop(connection);
    wait_for_backends(&books, 0);
    let read = "SELECT string_agg(relname || ' ' || coalesce(idx_tup_fetch, 0) + seq_tup_read, ', ') \
                FROM pg_stat_user_tables WHERE relname IN ('webhook_deliveries', 'outbox', 'webhook_endpoints') \
                AND coalesce(idx_tup_fetch, 0) + seq_tup_read > 30000";
    assert_eq!(database.value(read), None, "three rounds of 1,500 events read every row for each row");
}

/// Waits until this many connections are left: what an ended one did is counted before it is gone.
fn wait_for_backends(books: &Books, expected: u32) {
    let database = books.database.as_ref().unwrap();
    let count = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() \
                 AND backend_type = 'client backend' AND pid <> pg_backend_pid()";
    let expected = expected.to_string();
    for _ in 0..1_000 {
        if database.value(count).as_deref() == Some(expected.as_str()) {
            return;
        }
        std::thread::sleep(std::time::Duration::from_millis(20));
    }
    panic!("connections stay open");
}
