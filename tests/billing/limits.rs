//! What has a named maximum, and what comes on more than one page.

use std::cell::Cell;
use std::sync::Arc;

use recaudo::billing::Settings;
use recaudo::billing::collection::{CollectionError, write};
use recaudo::billing::import::{ImportError, Options, Outcome, Step, run};
use recaudo::billing::seal::{MAX_BATCHES_A_DAY, SealError, seal, seal_of, seal_what_is_over};
use recaudo::clock::Clock;
use recaudo::domain::fact::{Fact, Place};
use recaudo::domain::ids::PartyId;
use recaudo::domain::money::Money;
use recaudo::files::asobancaria_2001::LotHeader;
use recaudo::files::asobancaria_2001::billing::{BillingHeader, BillingLot, BillingRecord, BillingWriter};
use recaudo::files::asobancaria_2001::codes::FileModifier;
use recaudo::files::asobancaria_2001::collection::{CollectionItem, CollectionReader};
use recaudo::files::collection_file::CollectionFormat;
use recaudo::files::fixed_width::HourMinute;
use recaudo::store::ImportState;

use crate::feed::{Feed, file_of, valid_only};
use crate::house::{Backend, House, ShutAfter, date};
use crate::support::postgres::TestDatabase;

crate::on_both!(
    a_file_has_its_bounds,
    a_delta_never_stands_on_half_a_snapshot,
    a_file_in_place_is_known_however_small_it_looks_now,
    a_row_that_comes_twice_is_set_aside,
    what_was_judged_is_written_whatever_becomes_of_the_file,
    what_has_no_rejects_is_refused_before_it_begins,
    what_is_gone_goes_from_every_page,
    a_day_has_thirty_six_files_and_keeps_no_other_partner_waiting,
    a_batch_of_many_pages_is_whole_and_held_against_its_seal,
);

fn set(house: &mut House, change: impl FnOnce(&mut Settings)) {
    let mut settings = (*house.office.settings).clone();
    change(&mut settings);
    house.office.settings = Arc::new(settings);
}

fn a_file_has_its_bounds(backend: Backend) {
    let mut house = House::open(backend);
    set(&mut house, |settings| (settings.max_accounts, settings.max_faults, settings.max_rejects) = (10, 2, 3));
    let feed = |id: &str, accounts: u32, broken: usize| {
        let mut feed = Feed::full(id, "2026-11-23T03:00:00Z").accounts(1..=accounts, 10_000);
        feed.lines.iter_mut().take(broken).for_each(|line| *line = line.replace("\"10000.00\"", "\"-1.00\""));
        feed
    };
    assert!(matches!(house.import(&feed("many", 11, 0)), Err(ImportError::TooMany { most: 10 })));
    match house.import(&feed("listed", 10, 5)) {
        Err(ImportError::Faults(report)) => assert_eq!((report.faults_total, report.faults.len()), (5, 2)),
        other => panic!("{other:?}"),
    }
    let refused = house.import_file(feed("rejected", 10, 4).file(), &valid_only());
    assert!(matches!(refused, Err(ImportError::Faults(report)) if report.faults_total == 4));
    assert!(house.accounts(1..=11).is_empty());
    let taken = house.import_file(feed("rejected", 10, 3).file(), &valid_only()).unwrap();
    assert_eq!((taken.accounts_read, taken.faults_total, taken.faults.len()), (7, 3, 2));
    // The name tells of the latest file that came under it.
    let latest = house.conn().import_of_snapshot("rejected").unwrap().unwrap();
    assert_eq!(latest.state, ImportState::Loaded);
}

fn a_delta_never_stands_on_half_a_snapshot(backend: Backend) {
    let house = House::open(backend);
    house.import(&Feed::full("a", "2026-11-21T03:00:00Z").accounts(1..=20, 10_000)).unwrap();
    let half = Feed::full("b", "2026-11-22T03:00:00Z").accounts(1..=20, 20_000);
    let shut = ShutAfter { door: &house.door, left: Cell::new(4) };
    run(&house.office, &shut, house.clock.id(), &mut half.file(), &Options::default(), &|_| {}).unwrap_err();
    let delta = Feed::delta("c", "2026-11-23T03:00:00Z").account(1, 30_000);
    match house.import(&delta) {
        Err(ImportError::Unfinished { unfinished }) => assert_eq!(unfinished, "b"),
        other => panic!("{other:?}"),
    }
    house.import(&half).unwrap();
    assert_eq!(house.import(&delta).unwrap().outcome, Outcome::Loaded);
    assert_eq!((house.due(1), house.due(20)), (Some(Money::from_pesos(30_000)), Some(Money::from_pesos(20_000))));
}

fn a_file_in_place_is_known_however_small_it_looks_now(backend: Backend) {
    let house = House::open(backend);
    let small = Feed::full("small", "2026-11-21T03:00:00Z").accounts(1..=5, 10_000);
    house.import(&small).unwrap();
    house.import(&Feed::delta("more", "2026-11-22T03:00:00Z").accounts(6..=20, 10_000)).unwrap();
    assert_eq!(house.import(&small).unwrap().outcome, Outcome::AlreadyLoaded);
    assert_eq!(house.accounts(1..=20).len(), 20);
}

fn a_row_that_comes_twice_is_set_aside(backend: Backend) {
    let house = House::open(backend);
    let mut feed = Feed::full("twice", "2026-11-23T03:00:00Z").accounts(1..=12, 10_000).account(3, 99_000);
    feed.lines.swap(6, 12);
    let folder = tempfile::tempdir().unwrap();
    let rejects = folder.path().join("rejects.jsonl");
    let report = house.import_file(feed.file(), &Options { rejects: Some(rejects.clone()), ..valid_only() }).unwrap();
    assert_eq!((report.accounts_read, report.faults_total), (12, 1));
    assert_eq!(house.due(3), Some(Money::from_pesos(10_000)), "the first counts");
    let aside = std::fs::read_to_string(rejects).unwrap();
    assert!(aside.lines().count() == 2 && aside.contains("99000.00"), "{aside}");
    let kept = house.conn().snapshot("twice").unwrap().unwrap();
    assert_eq!((kept.accounts_read, kept.accounts_rejected), (12, 1));
    assert_eq!(kept.finished_at, Some(house.clock.now()));
}

/// An account that comes once more behind another one: a fault that the form itself allows.
fn twice_in_asobancaria() -> Vec<u8> {
    let header = BillingHeader {
        biller: "890500514-9".parse().unwrap(),
        additional_biller: None,
        entity_code: 901,
        file_date: date("2026-11-24"),
        recorded_at: HourMinute::new(0, 0).unwrap(),
        modifier: FileModifier::FIRST,
    };
    let mut writer = BillingWriter::start(Vec::new(), &header).unwrap();
    let lot = LotHeader { service_code: "4006381333931".parse().unwrap(), lot_number: 1 };
    writer.start_lot(&BillingLot { lot, description: "ENERGIA".to_owned() }).unwrap();
    for account in [1, 2, 1] {
        let record = BillingRecord {
            reference: format!("{account:048}").parse().unwrap(),
            secondary_reference: String::new(),
            periods: 1,
            cycle: String::new(),
            amount: Money::from_pesos(90_000),
            additional_service: None,
            additional_amount: Money::ZERO,
            due_on: date("2026-12-05"),
            receiving_entity: 0,
            customer_account: String::new(),
            customer_account_type: 0,
            customer_id: String::new(),
            customer_name: "MARIA GOMEZ".to_owned(),
            entity_code: 901,
        };
        writer.bill(&record).unwrap();
    }
    writer.end_lot().unwrap();
    writer.finish().unwrap().0
}

fn what_has_no_rejects_is_refused_before_it_begins(backend: Backend) {
    let house = House::open(backend);
    let folder = tempfile::tempdir().unwrap();
    let options = Options { rejects: Some(folder.path().join("rejects")), ..valid_only() };
    let refused = house.import_file(file_of(&twice_in_asobancaria()), &options);
    assert!(matches!(refused, Err(ImportError::Whole)), "{refused:?}");
    assert!(house.conn().snapshots(10).unwrap().is_empty(), "nothing was begun");
    // A delta would be refused if something stood half.
    let delta = Feed::delta("delta", "2026-11-24T03:00:00Z").account(1, 10_000);
    assert_eq!(house.import(&delta).unwrap().outcome, Outcome::Loaded);
}

fn what_was_judged_is_written_whatever_becomes_of_the_file(backend: Backend) {
    let house = House::open(backend);
    let feed = |at: usize| Feed::full(&format!("s{at}"), &format!("2026-11-2{at}T03:00:00Z"));
    let good = |at| feed(at).accounts(1..=20, 10_000 + at as u32);
    let (mut shorter, mut broken) = (good(1), good(2));
    shorter.lines.truncate(12);
    broken.lines[7] = broken.lines[7].replace("\"10002.00\"", "\"-1.00\"");
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("feed.jsonl");
    for (at, changed) in [(1, shorter), (2, broken)] {
        std::fs::write(&path, good(at).text()).unwrap();
        let mut file = std::fs::File::open(&path).unwrap();
        let judged = |step| {
            if matches!(step, Step::Checking(done, total) if done == total) {
                std::fs::write(&path, changed.text()).unwrap();
            }
        };
        let ended = run(&house.office, &house.door, house.clock.id(), &mut file, &Options::default(), &judged);
        assert_eq!(ended.unwrap().accounts_read, 20);
        assert!(std::fs::read_to_string(&path).unwrap() == changed.text());
        for account in 1..=20 {
            assert_eq!(house.due(account), Some(Money::from_pesos(10_000 + at as i64)));
        }
    }
}

fn what_is_gone_goes_from_every_page(backend: Backend) {
    let database = matches!(backend, Backend::Postgres).then(TestDatabase::create);
    let url = database.as_ref().map_or("sqlite::memory:", |database| database.url()).to_owned();
    let house = House::at(&url, database, 1000);
    house.import(&Feed::full("a", "2026-11-21T03:00:00Z").accounts(1..=4500, 10_000)).unwrap();
    let stay = (1..=4500).filter(|account| account % 10 != 0);
    let report = house.import(&Feed::full("b", "2026-11-22T03:00:00Z").accounts(stay, 10_000)).unwrap();
    assert_eq!((report.accounts_read, report.accounts_removed), (4050, 450));
    assert!(house.accounts((1..=450).map(|tenth| tenth * 10)).is_empty());
    assert_eq!(house.conn().count_accounts().unwrap(), 4050);
}

fn modifier(house: &House, batch: &Fact) -> String {
    let mut bytes = Vec::new();
    write(&house.office, &house.door, batch, CollectionFormat::Asobancaria2001, &mut bytes).unwrap();
    match CollectionReader::new(bytes.as_slice()).next().unwrap().unwrap().item {
        CollectionItem::Header(header) => header.modifier.to_string(),
        other => panic!("{other:?}"),
    }
}

fn a_day_has_thirty_six_files_and_keeps_no_other_partner_waiting(backend: Backend) {
    let house = House::open(backend);
    house.import(&Feed::full("a", "2026-11-20T03:00:00Z").accounts(1..=60, 90_000)).unwrap();
    for account in 1..=MAX_BATCHES_A_DAY + 1 {
        house.pay("coompecens", account, 1000);
        house.clock.advance_minutes(24 * 60);
    }
    house.pay("jj-pita", 50, 1000);
    house.clock.advance_minutes(24 * 60);
    // The first partner's day is full before it is done; the second's date is sealed all the same.
    let batches = seal_what_is_over(&house.office, &house.door).unwrap();
    assert_eq!(batches.iter().filter(|batch| batch.party.as_str() == "jj-pita").count(), 1);
    let partner = PartyId::new("coompecens");
    let filter = recaudo::store::BatchFilter { partner: Some(partner.clone()), after: None, limit: 100 };
    let mut made = house.conn().batches(&filter).unwrap();
    made.reverse();
    assert_eq!(made.len(), MAX_BATCHES_A_DAY as usize);
    let modifiers: String = [0, 25, 26, 35].map(|nth| modifier(&house, &made[nth])).concat();
    assert_eq!(modifiers, "AZ09");
    let today = house.office.policy.business_date(house.clock.now());
    let full = seal(&house.office, &house.door, &partner, today);
    assert!(matches!(full, Err(SealError::DayIsFull { .. })), "{full:?}");

    house.clock.advance_minutes(24 * 60);
    let next = seal(&house.office, &house.door, &partner, today).unwrap().batches;
    assert_eq!(next.iter().filter_map(|batch| seal_of(batch)).map(|seal| seal.count).sum::<i64>(), 1);
    assert_eq!(modifier(&house, &next[0]), "A", "a new day begins anew");
}

/// Payments like one, further on in the account's history, in the books without the writer.
fn copies(house: &House, like: &Fact, many: i64) {
    let copy = |nth: i64| {
        let mut fact = like.clone();
        fact.id = house.clock.id();
        fact.account = like.account.clone().map(|place| Place { seq: place.seq + nth, ..place });
        (fact.series, fact.request) = (None, None);
        Arc::new(fact)
    };
    let facts: Vec<Arc<Fact>> = (1..=many).map(copy).collect();
    house.conn().transaction(|conn| conn.append(&facts)).unwrap();
}

fn a_batch_of_many_pages_is_whole_and_held_against_its_seal(backend: Backend) {
    const COPIES: i64 = 4500;
    let house = House::open(backend);
    house.import(&Feed::full("a", "2026-11-20T03:00:00Z").accounts(1..=3, 90_000)).unwrap();
    let payment = house.pay("jj-pita", 1, 1000);
    copies(&house, &payment, COPIES);
    let sealed = seal(&house.office, &house.door, &PartyId::new("jj-pita"), date("2026-11-24")).unwrap().batches;
    let file = || {
        let mut bytes = Vec::new();
        write(&house.office, &house.door, &sealed[0], CollectionFormat::Jsonl, &mut bytes).map(|sums| (sums, bytes))
    };
    let (sums, bytes) = file().unwrap();
    assert_eq!((sums.payments.count, sums.net), (4501, Money::from_pesos(4_501_000)));
    assert!(String::from_utf8(bytes).unwrap().lines().count() >= 4501);
    // Nothing can enter a sealed date; if something did, no file would be handed out.
    let again = house.conn().fact(payment.id).unwrap().unwrap().fact;
    let mut late = (*again).clone();
    late.account = payment.account.clone().map(|place| Place { seq: place.seq + COPIES, ..place });
    copies(&house, &late, 1);
    match file() {
        Err(CollectionError::Mismatch { sealed, found, .. }) => assert_ne!(sealed, found),
        other => panic!("{other:?}"),
    }
}
