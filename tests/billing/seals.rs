//! Closing business dates: by hand, by itself, and under load by two gateways.

use std::collections::HashMap;
use std::sync::Arc;

use recaudo::billing::door::{Door, WriterDoor};
use recaudo::billing::seal::{SealError, batch_of, seal, seal_of, seal_what_is_over};
use recaudo::clock::SystemClock;
use recaudo::domain::decide::Outcome;
use recaudo::domain::fact::Fact;
use recaudo::domain::ids::PartyId;
use recaudo::domain::money::Money;
use recaudo::store::BatchPage;

use crate::feed::Feed;
use crate::house::{Backend, House, date, payment};

crate::on_both!(a_date_is_sealed_once_and_early_when_it_is_named, what_is_over_is_sealed_by_itself);

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
    assert!(matches!(seal("2026-11-26"), Err(SealError::NotSealable { .. })));
    let nobody = recaudo::billing::seal::seal(&house.office, &house.door, &PartyId::new("billing"), date("2026-11-24"));
    assert!(matches!(nobody, Err(SealError::NotAPartner(_))));
    assert!(batch_of(&mut house.conn(), &partner, date("2026-11-19")).unwrap().is_none());
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

/// Two writers on one PostgreSQL take payments while the dates are sealed under them again and again.
#[test]
fn under_load_each_payment_is_in_exactly_one_batch() {
    let house = House::open(Backend::Postgres);
    house.import(&Feed::full("a", "2026-11-20T03:00:00Z").accounts(1..=40, 500_000)).unwrap();
    let (second, handle) = house.another_writer();
    let doors = [house.door.clone(), WriterDoor::new(second, house.runtime.handle().clone())];
    let partner = PartyId::new("jj-pita");
    let payments: Vec<Arc<Fact>> = std::thread::scope(|scope| {
        let payers: Vec<_> = doors
            .iter()
            .enumerate()
            .map(|(nth, door)| {
                scope.spawn(move || {
                    let mut paid = Vec::new();
                    for round in 0..60u32 {
                        let account = 1 + (round % 20) * 2 + u32::try_from(nth).unwrap();
                        let amount = 1000 + i64::from(round);
                        let mut request = payment(&SystemClock, "jj-pita", account, amount);
                        if let recaudo::domain::command::Command::Pay(pay) = &mut request.command {
                            pay.till = format!("C{nth}");
                        }
                        match door.submit(request).unwrap() {
                            Outcome::Done(facts) => paid.push(Arc::clone(&facts[0])),
                            other => panic!("{other:?}"),
                        }
                    }
                    paid
                })
            })
            .collect();
        for nth in 0..20 {
            let open = sealed_through(&house, &partner).map_or(date("2026-11-24"), |sealed| sealed.next());
            seal(&house.office, &doors[nth % 2], &partner, open).unwrap();
        }
        payers.into_iter().flat_map(|payer| payer.join().unwrap()).collect()
    });
    handle.stop();
    let last = sealed_through(&house, &partner).unwrap().next();
    seal(&house.office, &house.door, &partner, last).unwrap();
    let mut held: HashMap<_, u32> = HashMap::new();
    let filter = recaudo::store::BatchFilter { partner: Some(partner.clone()), after: None, limit: 100 };
    for batch in house.conn().batches(&filter).unwrap() {
        let seal = seal_of(&batch).unwrap();
        let page =
            BatchPage { partner: partner.clone(), from: seal.from, through: seal.through, after: None, limit: 1000 };
        let facts = house.conn().batch_page(&page).unwrap();
        assert_eq!(i64::try_from(facts.len()).unwrap(), seal.count, "{seal:?}");
        assert_eq!(facts.iter().map(|fact| fact.amount).sum::<Money>(), seal.total);
        for fact in facts {
            *held.entry(fact.id).or_default() += 1;
        }
    }
    assert_eq!(payments.len(), 120);
    assert!(payments.iter().all(|payment| held.get(&payment.id) == Some(&1)));
    assert_eq!(held.len(), 120);
}

fn sealed_through(house: &House, partner: &PartyId) -> Option<recaudo::domain::calendar::BusinessDate> {
    let filter = recaudo::store::BatchFilter { partner: Some(partner.clone()), after: None, limit: 1 };
    house.conn().batches(&filter).unwrap().first().and_then(|fact| seal_of(fact)).map(|seal| seal.through)
}
