//! Closing business dates: by hand, by itself, and under load by two gateways.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use recaudo::billing::door::{Door, WriterDoor};
use recaudo::billing::seal::{SealError, batch_of, seal, seal_of, seal_what_is_over};
use recaudo::clock::{Clock, SystemClock};
use recaudo::domain::command::Command;
use recaudo::domain::decide::Outcome;
use recaudo::domain::fact::Fact;
use recaudo::domain::ids::{Id, PartyId};
use recaudo::domain::money::Money;
use recaudo::store::{BatchFilter, BatchPage};

use crate::feed::Feed;
use crate::house::{Backend, House, date, payment};

crate::on_both!(
    a_date_is_sealed_once_and_early_when_it_is_named,
    a_date_that_has_not_begun_stays_open,
    what_is_over_is_sealed_by_itself,
);

fn dates(batches: &[Arc<Fact>]) -> Vec<(String, String, i64)> {
    let seal =
        |fact: &Arc<Fact>| seal_of(fact).map(|seal| (seal.from.to_string(), seal.through.to_string(), seal.count));
    batches.iter().filter_map(seal).collect()
}

fn row(from: &str, through: &str, count: i64) -> (String, String, i64) {
    (from.to_owned(), through.to_owned(), count)
}

fn a_date_is_sealed_once_and_early_when_it_is_named(backend: Backend) {
    let house = House::open(backend);
    house.import(&Feed::full("a", "2026-11-20T03:00:00Z").accounts(1..=9, 50_000)).unwrap();
    let partner = PartyId::new("jj-pita");
    let seal = |through: &str| seal(&house.office, &house.door, &partner, date(through));
    house.set_time("2026-11-20T10:00:00-05:00");
    house.pay("jj-pita", 1, 10_000);
    house.set_time("2026-11-22T10:00:00-05:00");
    house.pay("jj-pita", 2, 10_000);
    house.set_time("2026-11-24T10:00:00-05:00");
    house.pay("jj-pita", 3, 10_000);
    // Each date with money is a batch; the date without goes into the one that follows.
    let sealed = seal("2026-11-23").unwrap();
    let expected =
        [row("2026-11-20", "2026-11-20", 1), row("2026-11-21", "2026-11-22", 1), row("2026-11-23", "2026-11-23", 0)];
    assert_eq!(dates(&sealed.batches), expected);
    // Today early: what comes later takes tomorrow.
    let today = seal("2026-11-24").unwrap();
    assert_eq!(dates(&today.batches), [row("2026-11-24", "2026-11-24", 1)]);
    assert_eq!(house.pay("jj-pita", 4, 10_000).business_date, date("2026-11-25"));
    assert_eq!(house.pay("coompecens", 5, 10_000).business_date, date("2026-11-24"));
    let again = seal("2026-11-24").unwrap();
    assert!(again.already && again.batches[0].id == today.batches[0].id);
    let within = seal("2026-11-21").unwrap();
    assert_eq!(dates(&within.batches), [row("2026-11-21", "2026-11-22", 1)]);
    let nobody = recaudo::billing::seal::seal(&house.office, &house.door, &PartyId::new("billing"), date("2026-11-24"));
    assert!(matches!(nobody, Err(SealError::NotAPartner(_))));
    assert!(batch_of(&mut house.conn(), &partner, date("2026-11-19")).unwrap().is_none());
}

/// However often it is tried, payments are not pushed further ahead than to tomorrow.
fn a_date_that_has_not_begun_stays_open(backend: Backend) {
    let house = House::open(backend);
    house.import(&Feed::full("a", "2026-11-20T03:00:00Z").accounts(1..=9, 50_000)).unwrap();
    let partner = PartyId::new("jj-pita");
    let seal = |through: &str| seal(&house.office, &house.door, &partner, date(through));
    let refused = |through: &str| match seal(through) {
        Err(SealError::NotBegun { date, today }) => (date.to_string(), today.to_string()),
        other => panic!("{other:?}"),
    };
    let row = |date: &str, today: &str| (date.to_owned(), today.to_owned());
    house.pay("jj-pita", 1, 10_000);
    assert_eq!(refused("2026-11-25"), row("2026-11-25", "2026-11-24"), "nothing was sealed yet");
    seal("2026-11-24").unwrap();
    assert_eq!(house.pay("jj-pita", 2, 10_000).business_date, date("2026-11-25"));
    for through in ["2026-11-25", "2026-11-26", "2027-11-25"] {
        assert_eq!(refused(through), row(through, "2026-11-24"));
    }
    assert_eq!(house.pay("jj-pita", 3, 10_000).business_date, date("2026-11-25"));
    house.set_time("2026-11-25T00:00:00-05:00");
    assert_eq!(dates(&seal("2026-11-25").unwrap().batches), [("2026-11-25".to_owned(), "2026-11-25".to_owned(), 2)]);
    // What is sealed is told, even by a clock that went back before it.
    house.set_time("2026-11-24T23:59:59-05:00");
    let again = seal("2026-11-25").unwrap();
    assert!(again.already && again.batches.len() == 1);
    assert_eq!(refused("2026-11-26"), row("2026-11-26", "2026-11-24"));
}

fn what_is_over_is_sealed_by_itself(backend: Backend) {
    let house = House::open(backend);
    house.import(&Feed::full("a", "2026-11-20T03:00:00Z").accounts(1..=9, 50_000)).unwrap();
    let over = || dates(&seal_what_is_over(&house.office, &house.door).unwrap());
    assert_eq!(over(), [], "nobody has taken money yet");
    house.set_time("2026-11-24T23:59:00-05:00");
    house.pay("jj-pita", 1, 10_000);
    assert_eq!(over(), [], "the date is not over");
    house.clock.advance_minutes(2);
    assert_eq!(over(), [row("2026-11-24", "2026-11-24", 1)]);
    assert_eq!(over(), []);
    house.set_time("2026-11-28T00:00:00-05:00");
    house.pay("coompecens", 2, 10_000);
    assert_eq!(over(), [row("2026-11-25", "2026-11-27", 0)], "days without money are one batch");
}

/// Seals of the test under load.
const SEALS: usize = 200;

/// Two writers on one PostgreSQL take payments while date after date is sealed under them, some dates
/// by both at once.
#[test]
fn under_load_each_payment_is_in_exactly_one_batch() {
    let house = House::open(Backend::Postgres);
    house.import(&Feed::full("a", "2026-11-20T03:00:00Z").accounts(1..=200, 5_000_000)).unwrap();
    let (second, handle) = house.another_writer();
    let doors = [house.door.clone(), WriterDoor::new(second, house.runtime.handle().clone())];
    let partner = PartyId::new("jj-pita");
    let over = AtomicBool::new(false);
    let (doors, office, until) = (&doors, &house.office, &over);
    let sealed_by = |nth: usize, today| seal(office, &doors[nth % 2], &partner, today).unwrap();
    let sealed_by = &sealed_by;
    let payments: Vec<Arc<Fact>> = std::thread::scope(|scope| {
        let pay = |(nth, door)| scope.spawn(move || pay_until(until, door, nth));
        let payers: Vec<_> = (0..).zip(doors).map(pay).collect();
        for nth in 0..SEALS {
            let today = house.office.policy.business_date(house.clock.now());
            let other = (nth % 4 == 0).then(|| scope.spawn(move || sealed_by(nth + 1, today)));
            let sealed = sealed_by(nth, today);
            let other = other.map(|other| other.join().unwrap());
            let batches = sealed.batches.iter().chain(other.iter().flat_map(|other| &other.batches));
            let held: HashSet<_> = batches.map(|batch| batch.id).collect();
            assert_eq!(held.len(), 1, "one date, one batch, whoever sealed it");
            house.clock.advance_minutes(24 * 60);
        }
        over.store(true, Ordering::SeqCst);
        payers.into_iter().flat_map(|payer| payer.join().unwrap()).collect()
    });
    handle.stop();
    let today = house.office.policy.business_date(house.clock.now());
    seal(&house.office, &house.door, &partner, today).unwrap();
    let (held, total) = what_batches_hold(&house, &partner);
    assert!(payments.len() >= SEALS, "{} payments are no load", payments.len());
    assert!(payments.iter().all(|payment| held.get(&payment.id) == Some(&1)));
    assert_eq!(held.len(), payments.len());
    assert_eq!(total, payments.iter().map(|payment| payment.amount).sum());
    // The first batch is found behind all the others.
    let first = batch_of(&mut house.conn(), &partner, date("2026-11-24")).unwrap().unwrap();
    assert_eq!(seal_of(&first).map(|seal| seal.through), Some(date("2026-11-24")));
}

/// Pays at a till of its own, again and again, until it is over.
fn pay_until(over: &AtomicBool, door: &WriterDoor, nth: u32) -> Vec<Arc<Fact>> {
    let mut paid = Vec::new();
    for round in 0u32.. {
        if over.load(Ordering::SeqCst) {
            break;
        }
        let account = 1 + (round % 100) * 2 + nth;
        let mut request = payment(&SystemClock, "jj-pita", account, 1000 + i64::from(round / 100));
        if let Command::Pay(pay) = &mut request.command {
            pay.till = format!("C{nth}");
        }
        match door.submit(request).unwrap() {
            Outcome::Done(facts) => paid.extend(facts.into_iter().find(|fact| fact.payment().is_some())),
            other => panic!("{other:?}"),
        }
    }
    paid
}

/// How often each payment lies in a batch, and the sum of all batches; their dates have no gap.
fn what_batches_hold(house: &House, partner: &PartyId) -> (HashMap<Id, u32>, Money) {
    let (mut held, mut total) = (HashMap::new(), Money::ZERO);
    let filter = BatchFilter { partner: Some(partner.clone()), after: None, limit: 1000 };
    let batches = house.conn().batches(&filter).unwrap();
    assert_eq!(batches.len(), SEALS + 1);
    let mut next = None;
    for batch in &batches {
        let seal = seal_of(batch).unwrap();
        assert!(next.is_none_or(|next| seal.through.next() == next), "{seal:?} is not followed by {next:?}");
        next = Some(seal.from);
        let page =
            BatchPage { partner: partner.clone(), from: seal.from, through: seal.through, after: None, limit: 100_000 };
        let facts = house.conn().batch_page(&page).unwrap();
        assert_eq!(i64::try_from(facts.len()).unwrap(), seal.count, "{seal:?}");
        assert_eq!(facts.iter().map(|fact| fact.amount).sum::<Money>(), seal.total);
        total += seal.total;
        for fact in facts {
            *held.entry(fact.id).or_default() += 1;
        }
    }
    (held, total)
}
