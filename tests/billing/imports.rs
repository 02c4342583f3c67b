//! What becomes of a file: loaded, refused, resumed, displaced.

use std::cell::Cell;
use std::io::Write;
use std::sync::atomic::{AtomicBool, AtomicI64, Ordering};

use recaudo::billing::import::{ImportError, Options, Outcome, run};
use recaudo::clock::Clock;
use recaudo::domain::calendar::Timestamp;
use recaudo::domain::fact::{Body, OrderStatus};
use recaudo::domain::money::Money;
use recaudo::store::{ImportRecord, ImportState};

use crate::feed::{Feed, file_of, valid_only};
use crate::house::{Backend, Doubtful, House, ShutAfter};

crate::on_both!(
    a_killed_import_is_repeated_to_the_same_end,
    a_file_whose_writes_are_in_doubt_is_written_once,
    what_is_known_and_what_is_new_is_written_at_the_first_try,
    a_file_is_applied_once_and_never_after_a_newer_one,
    two_at_once_never_mix,
    a_broken_row_is_named_and_nothing_is_applied,
    rows_set_aside_are_mended_and_loaded,
    a_full_file_says_what_is_gone,
    payments_pass_between_the_chunks,
    an_order_that_a_snapshot_explains_is_completed,
);

fn a_killed_import_is_repeated_to_the_same_end(backend: Backend) {
    let house = House::open(backend);
    house.import(&Feed::full("before", "2026-11-20T03:00:00Z").accounts(1..=24, 50_000)).unwrap();
    house.pay("jj-pita", 3, 20_000);
    let mut day = 21;
    let mut survived = 0;
    for writes in 0..16 {
        let as_of = format!("2026-11-{day}T0{}:00:00Z", writes % 10);
        day += i32::from(writes % 10 == 9);
        let balance = 60_000 + writes * 1_000;
        let feed = Feed::full(&format!("s{writes:02}"), &as_of).accounts(1..=23, balance).account(40 + writes, balance);
        let shut = ShutAfter { door: &house.door, left: Cell::new(writes as usize) };
        let killed =
            run(&house.office, &shut, house.clock.id(), &mut feed.file(), &Options::default(), &|_| {}).is_err();
        survived += i32::from(!killed);
        house.import(&feed).unwrap();
        let accounts = house.accounts(1..=60);
        assert_eq!(accounts.len(), 24, "after {writes} writes");
        assert!(accounts.values().all(|state| state.contains(&format!("s{writes:02}"))), "after {writes} writes");
        assert_eq!(house.due(3), Some(Money::from_pesos(i64::from(balance) - 20_000)));
        assert_eq!(house.conn().snapshot(&feed.header.id).unwrap().map(|known| known.accounts_read), Some(24));
    }
    assert!(survived < 8, "the door has to be shut within the import as well");
    assert!(house.conn().loading_import().unwrap().is_none());
}

fn a_file_whose_writes_are_in_doubt_is_written_once(backend: Backend) {
    let house = House::open(backend);
    let doubtful = Doubtful { door: &house.door, writes: Cell::new(0) };
    let import = |feed: &Feed| {
        run(&house.office, &doubtful, house.clock.id(), &mut feed.file(), &Options::default(), &|_| {}).unwrap()
    };
    // All are new; then some are new, some known, of which some have paid, and some gone.
    import(&Feed::full("a", "2026-11-21T03:00:00Z").accounts(1..=23, 10_000));
    house.pay("jj-pita", 7, 4_000);
    let report = import(&Feed::full("b", "2026-11-22T03:00:00Z").accounts(3..=29, 20_000));
    assert_eq!((report.accounts_read, report.accounts_removed), (27, 2));
    assert_eq!(house.conn().count_accounts().unwrap(), 27);
    for account in 3..=29 {
        let paid = if account == 7 { 4_000 } else { 0 };
        assert_eq!(house.due(account), Some(Money::from_pesos(20_000 - paid)), "{account}");
    }
    assert_eq!((house.due(2), house.due(30)), (None, None));
}

fn what_is_known_and_what_is_new_is_written_at_the_first_try(backend: Backend) {
    let house = House::open(backend);
    let writes_of = |feed: &Feed| {
        let counted = ShutAfter { door: &house.door, left: Cell::new(1000) };
        run(&house.office, &counted, house.clock.id(), &mut feed.file(), &Options::default(), &|_| {}).unwrap();
        1000 - counted.left.get()
    };
    // A file as large of new accounts only, of known ones only, and of both. A new one taken for a known
    // one, or the other way round, would come to the same end by a second try.
    let first = writes_of(&Feed::full("a", "2026-11-21T03:00:00Z").accounts(1..=30, 10_000));
    let second = writes_of(&Feed::full("b", "2026-11-22T03:00:00Z").accounts(1..=30, 20_000));
    let third = writes_of(&Feed::delta("c", "2026-11-23T03:00:00Z").accounts(16..=45, 20_000));
    let fourth = writes_of(&Feed::full("d", "2026-11-24T03:00:00Z").accounts(1..=60, 20_000));
    assert_eq!((second, third), (first, first));
    // Another thirty accounts in chunks of five.
    assert_eq!(fourth, first + 6);
}

fn a_file_is_applied_once_and_never_after_a_newer_one(backend: Backend) {
    let house = House::open(backend);
    let first = Feed::full("first", "2026-11-23T03:00:00Z").accounts(1..=12, 10_000);
    let second = Feed::delta("second", "2026-11-24T03:00:00Z").account(1, 20_000);
    assert_eq!(house.import(&first).unwrap().outcome, Outcome::Loaded);
    assert_eq!(house.import(&first).unwrap().outcome, Outcome::AlreadyLoaded);
    assert_eq!(house.import(&second).unwrap().outcome, Outcome::Loaded);
    assert_eq!(house.import(&first).unwrap().outcome, Outcome::AlreadyLoaded);
    assert_eq!(house.due(1), Some(Money::from_pesos(20_000)));
    assert_eq!(house.due(2), Some(Money::from_pesos(10_000)));

    let older = Feed::full("older", "2026-11-23T23:00:00Z").accounts(1..=12, 1);
    match house.import(&older) {
        Err(ImportError::Older { newest, .. }) => assert_eq!(newest, "second"),
        other => panic!("{other:?}"),
    }
    let renamed = Feed::full("second", "2026-11-25T03:00:00Z").accounts(1..=12, 1);
    assert!(matches!(house.import(&renamed), Err(ImportError::IdTaken { .. })));
    assert_eq!(house.due(1), Some(Money::from_pesos(20_000)));
}

fn two_at_once_never_mix(backend: Backend) {
    let house = House::open(backend);
    let first = Feed::full("first", "2026-11-23T03:00:00Z").accounts(1..=20, 10_000);
    let other = Feed::full("other", "2026-11-24T03:00:00Z").accounts(1..=20, 30_000);
    // In the middle of the first, a second file comes, and then the first once more.
    let once = AtomicBool::new(false);
    let watch = |step| {
        if matches!(step, recaudo::billing::import::Step::Loading(10, _)) && !once.swap(true, Ordering::SeqCst) {
            match house.import(&other) {
                Err(ImportError::Busy { snapshot, .. }) => assert_eq!(snapshot, "first"),
                refused => panic!("{refused:?}"),
            }
            assert_eq!(house.import(&first).unwrap().outcome, Outcome::Loaded);
        }
    };
    let ended = run(&house.office, &house.door, house.clock.id(), &mut first.file(), &Options::default(), &watch);
    assert!(matches!(ended, Err(ImportError::Displaced)), "{ended:?}");
    assert!(once.load(Ordering::SeqCst));
    assert_eq!(house.due(20), Some(Money::from_pesos(10_000)));

    // Whoever stays silent for longer than the lease has lost the turn.
    let id = house.clock.id();
    let now = house.clock.now();
    let silent = ImportRecord {
        id,
        snapshot: Some("dead".to_owned()),
        file_hash: Some("0".repeat(64)),
        state: ImportState::Loading,
        accounts: 5,
        started_at: now,
        heard_at: now,
        finished_at: None,
        report: "{}".to_owned(),
    };
    house.conn().put_import(&silent).unwrap();
    assert!(matches!(house.import(&other), Err(ImportError::Busy { .. })));
    house.clock.advance_minutes(2);
    assert_eq!(house.import(&other).unwrap().outcome, Outcome::Loaded);
    assert_eq!(house.conn().import(id).unwrap().map(|import| import.state), Some(ImportState::Displaced));
}

fn a_broken_row_is_named_and_nothing_is_applied(backend: Backend) {
    let house = House::open(backend);
    let good = Feed::full("good", "2026-11-23T03:00:00Z").accounts(1..=30, 10_000);
    house.import(&good).unwrap();
    let mut broken = Feed::full("broken", "2026-11-24T03:00:00Z").accounts(1..=30, 20_000);
    broken.lines[14] = broken.lines[14].replace("\"20000.00\"", "20000.00");
    broken.lines[20] = broken.lines[3].clone();
    match house.import(&broken) {
        Err(ImportError::Faults(report)) => {
            assert_eq!((report.faults_total, report.outcome), (2, Outcome::Refused));
            let fault = &report.faults[0];
            assert_eq!((fault.line, fault.pointer.as_str()), (16, "/bills/0/balance"));
            assert!(fault.column > 1 && fault.found.contains("20000.00"), "{fault:?}");
            assert_eq!((report.faults[1].line, report.faults[1].found.as_str()), (22, "000000004"));
        }
        other => panic!("{other:?}"),
    }
    for bytes in [&b""[..], b"{}", b"\x1f\x8b\x08", b"hello"] {
        let refused = house.import_file(file_of(bytes), &Options::default());
        assert!(matches!(refused, Err(ImportError::Unreadable { .. })), "{refused:?}");
    }
    assert!(house.accounts(1..=30).values().all(|state| state.contains("good")));
    assert!(house.conn().snapshot("broken").unwrap().is_none());
    let kept = house.conn().import_of_snapshot("broken").unwrap().unwrap();
    assert_eq!(kept.state, ImportState::Refused);
    assert!(kept.report.contains("/bills/0/balance"));
}

fn rows_set_aside_are_mended_and_loaded(backend: Backend) {
    let house = House::open(backend);
    house.import(&Feed::full("good", "2026-11-23T03:00:00Z").accounts(1..=12, 10_000)).unwrap();
    let mut broken = Feed::full("broken", "2026-11-24T03:00:00Z").accounts(1..=12, 20_000);
    broken.lines[4] = broken.lines[4].replace("\"20000.00\"", "\"-5.00\"");
    let folder = tempfile::tempdir().unwrap();
    let rejects = folder.path().join("rejects.jsonl");
    let report = house.import_file(broken.file(), &Options { rejects: Some(rejects.clone()), ..valid_only() }).unwrap();
    assert_eq!((report.accounts_read, report.faults_total, report.accounts_removed), (11, 1, 0));
    // The account whose row was set aside is not forgotten: it stays as it was.
    assert_eq!(house.due(5), Some(Money::from_pesos(10_000)));
    assert_eq!(house.due(6), Some(Money::from_pesos(20_000)));
    let mended = std::fs::read_to_string(&rejects).unwrap().replace("-5.00", "7000.00");
    assert_eq!(mended.lines().count(), 2);
    let report = house.import_file(file_of(mended.as_bytes()), &Options::default()).unwrap();
    assert_eq!((report.snapshot.as_str(), report.accounts_read), ("broken-mended", 1));
    assert_eq!(house.due(5), Some(Money::from_pesos(7000)));

    // The same with CSV, packed: the head goes along, whatever the separator.
    let csv = "#snapshot;csv;delta;2026-11-25T03:00:00Z;COP\nkind;account_number;holder_name;municipality_code;status;service_status\n\
               account;000000001;ANA;54001;active;active\naccount;000000002;ANA;54001;active;acti\n";
    let mut packed = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    packed.write_all(csv.as_bytes()).unwrap();
    let packed = packed.finish().unwrap();
    let report =
        house.import_file(file_of(&packed), &Options { rejects: Some(rejects.clone()), ..valid_only() }).unwrap();
    assert_eq!((report.accounts_read, report.faults_total), (1, 1));
    let mended = std::fs::read_to_string(&rejects).unwrap().replace(";acti\n", ";active\n");
    let report = house.import_file(file_of(mended.as_bytes()), &Options::default()).unwrap();
    assert_eq!((report.snapshot.as_str(), report.accounts_read, report.faults_total), ("csv-mended", 1, 0));
}

fn a_full_file_says_what_is_gone(backend: Backend) {
    let house = House::open(backend);
    house.import(&Feed::full("a", "2026-11-21T03:00:00Z").accounts(1..=20, 10_000)).unwrap();
    let cut = Feed::full("b", "2026-11-22T03:00:00Z").accounts(1..=15, 10_000);
    match house.import(&cut) {
        Err(ImportError::Shrinks { inside, known }) => assert_eq!((inside, known), (15, 20)),
        other => panic!("{other:?}"),
    }
    let shrinks = Options { accept_shrink: true, ..Options::default() };
    assert_eq!(house.import_file(cut.file(), &shrinks).unwrap().accounts_removed, 5);
    assert_eq!((house.due(15), house.due(16)), (Some(Money::from_pesos(10_000)), None));
    let delta = Feed::delta("c", "2026-11-23T03:00:00Z").account(16, 5000);
    assert_eq!(house.import(&delta).unwrap().accounts_removed, 0);
    assert_eq!((house.due(15), house.due(16)), (Some(Money::from_pesos(10_000)), Some(Money::from_pesos(5000))));
}

fn payments_pass_between_the_chunks(backend: Backend) {
    let house = House::open(backend);
    house.import(&Feed::full("a", "2026-11-21T03:00:00Z").accounts(1..=60, 100_000)).unwrap();
    let next = Feed::full("b", "2026-11-22T03:00:00Z").accounts(1..=60, 100_000);
    let paying = AtomicI64::new(0);
    let watch = |step| {
        if let recaudo::billing::import::Step::Loading(done, _) = step {
            let account = u32::try_from(done % 60 + 1).unwrap();
            house.pay("jj-pita", account, 10_000);
            house.pay("coompecens", 61 - account, 10_000);
            paying.fetch_add(2, Ordering::SeqCst);
        }
    };
    run(&house.office, &house.door, house.clock.id(), &mut next.file(), &Options::default(), &watch).unwrap();
    let paid = paying.load(Ordering::SeqCst);
    assert!(paid >= 20);
    let due: Money = (1..=60).filter_map(|account| house.due(account)).sum();
    assert_eq!(due, Money::from_pesos(6_000_000 - 10_000 * paid), "no payment is lost and none counts twice");
}

fn an_order_that_a_snapshot_explains_is_completed(backend: Backend) {
    let house = House::open(backend);
    let suspended =
        Feed::full("a", "2026-11-24T03:00:00-05:00").suspended(1, 20_000).suspended(2, 20_000).suspended(3, 20_000);
    house.import(&suspended).unwrap();
    for account in [1, 2, 3] {
        house.pay("jj-pita", account, 20_000);
    }
    let statuses = || {
        let filter = recaudo::store::OrderFilter { limit: 10, ..Default::default() };
        let orders = house.conn().orders(&filter).unwrap();
        orders.iter().map(|order| order.status()).collect::<Vec<_>>()
    };
    assert_eq!(statuses(), [OrderStatus::Requested; 3]);
    // Older than the orders: it cannot know.
    let before = Feed::full("b", "2026-11-24T09:00:00-05:00").accounts([1, 2], 20_000).suspended(3, 20_000);
    assert_eq!(house.import(&before).unwrap().orders_completed, 0);
    house.set_time("2026-11-25T08:00:00-05:00");
    let after = Feed::full("c", "2026-11-25T03:00:00-05:00").accounts([1, 2], 20_000).suspended(3, 20_000);
    assert_eq!(house.import(&after).unwrap().orders_completed, 2);
    assert_eq!(statuses(), [OrderStatus::Completed, OrderStatus::Completed, OrderStatus::Requested]);
    assert_eq!(house.import(&after).unwrap().orders_completed, 0);
    let moved = house.conn().orders(&recaudo::store::OrderFilter { limit: 1, ..Default::default() }).unwrap();
    match moved[0].last_move.as_ref().map(|fact| &fact.body) {
        Some(Body::ReconnectionMove(step)) => {
            assert_eq!(step.at, Timestamp::parse("2026-11-25T03:00:00-05:00").unwrap());
        }
        other => panic!("{other:?}"),
    }
}
