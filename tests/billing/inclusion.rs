//! What a snapshot contains of our payments: a paid debt never appears again, and none counts twice.

use recaudo::billing::collection::write;
use recaudo::billing::import::ImportError;
use recaudo::billing::seal::seal;
use recaudo::domain::ids::PartyId;
use recaudo::domain::money::Money;
use recaudo::files::collection_file::CollectionFormat;

use crate::feed::Feed;
use crate::house::{Backend, House, date, nobody};

crate::on_both!(a_paid_debt_never_appears_again, a_batch_that_is_not_the_partners_is_a_fault);

fn a_paid_debt_never_appears_again(backend: Backend) {
    let house = House::open(backend);
    house.set_time("2026-11-24T10:00:00-05:00");
    house.import(&Feed::full("mon", "2026-11-24T03:00:00-05:00").accounts(1..=6, 50_000)).unwrap();
    house.pay("jj-pita", 1, 50_000);
    house.pay("coompecens", 2, 50_000);

    // The next file was made before billing took any batch: the debts are still in it.
    house.set_time("2026-11-25T08:00:00-05:00");
    house.import(&Feed::full("tue", "2026-11-25T03:00:00-05:00").accounts(1..=6, 50_000)).unwrap();
    assert_eq!((house.due(1), house.due(2)), (Some(Money::ZERO), Some(Money::ZERO)));

    // Billing takes the file of one partner and applies it; the other's lies still.
    let sealed = seal(&house.office, &house.door, &PartyId::new("jj-pita"), date("2026-11-24")).unwrap();
    let batch = sealed.batches[0].clone();
    let mut file = Vec::new();
    write(&house.office, &house.door, &batch, CollectionFormat::Csv, &mut file).unwrap();
    let file = String::from_utf8(file).unwrap();
    assert!(file.contains("000000001") && !file.contains("000000002"), "{file}");
    house.pay("jj-pita", 3, 20_000);
    house.set_time("2026-11-26T08:00:00-05:00");
    let wed = Feed::full("wed", "2026-11-26T03:00:00-05:00")
        .account(1, 0)
        .accounts(2..=6, 50_000)
        .through("jj-pita", Some(batch.public_id()))
        .through("coompecens", None);
    let report = house.import(&wed).unwrap();
    assert_eq!(report.included_through.get(&PartyId::new("jj-pita")), Some(&date("2026-11-24")));
    let due = |account| house.due(account).unwrap();
    assert_eq!((due(1), due(2), due(3)), (Money::ZERO, Money::ZERO, Money::from_pesos(30_000)));

    // A new bill on the paid account is owed in full: the old payment is in the file and counts no more.
    house.set_time("2026-11-27T08:00:00-05:00");
    let thu = Feed::delta("thu", "2026-11-27T03:00:00-05:00").account(1, 41_000).account(3, 50_000);
    let report = house.import(&thu).unwrap();
    assert_eq!(report.included_through.get(&PartyId::new("jj-pita")), Some(&date("2026-11-24")), "it stays");
    let due = |account| house.due(account).unwrap();
    assert_eq!((due(1), due(2), due(3)), (Money::from_pesos(41_000), Money::ZERO, Money::from_pesos(30_000)));

    // Nothing moves back, even when an earlier batch is named.
    let later = seal(&house.office, &house.door, &PartyId::new("jj-pita"), date("2026-11-25")).unwrap();
    let named = |id: &str, as_of: &str, batch: String| {
        Feed::full(id, as_of)
            .accounts([1, 2], 0)
            .account(3, 30_000)
            .accounts(4..=6, 50_000)
            .through("jj-pita", Some(batch))
    };
    house.import(&named("fri", "2026-11-27T04:00:00-05:00", later.batches[0].public_id())).unwrap();
    assert_eq!(house.due(3), Some(Money::from_pesos(30_000)));
    let back = house.import(&named("sat", "2026-11-27T05:00:00-05:00", batch.public_id())).unwrap();
    assert_eq!(back.included_through.get(&PartyId::new("jj-pita")), Some(&date("2026-11-25")));
    assert_eq!(house.due(3), Some(Money::from_pesos(30_000)));
}

fn a_batch_that_is_not_the_partners_is_a_fault(backend: Backend) {
    let house = House::open(backend);
    house.import(&Feed::full("mon", "2026-11-24T03:00:00-05:00").accounts(1..=3, 50_000)).unwrap();
    let payment = house.pay("jj-pita", 1, 50_000);
    let batch = seal(&house.office, &house.door, &PartyId::new("jj-pita"), date("2026-11-24")).unwrap().batches;
    for (partner, named) in [
        ("coompecens", batch[0].public_id()),
        ("jj-pita", nobody().with_prefix("bat")),
        ("jj-pita", payment.public_id()),
        ("jj-pita", payment.id.with_prefix("bat")),
        ("jj-pita", "2026-11-24".to_owned()),
    ] {
        let feed = Feed::full("tue", "2026-11-25T03:00:00-05:00")
            .accounts(1..=3, 50_000)
            .through(partner, Some(named.clone()));
        match house.import(&feed) {
            Err(ImportError::Faults(report)) => {
                let fault = &report.faults[0];
                assert!(fault.pointer.ends_with(partner) && fault.found == named, "{fault:?}");
            }
            other => panic!("{other:?}"),
        }
        let valid = house.import_file(feed.file(), &crate::feed::valid_only());
        assert!(matches!(valid, Err(ImportError::Faults(_))), "a header is not a row to be set aside");
    }
}
