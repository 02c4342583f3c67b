//! Sealed batches as files: read back with equal totals, the same bytes for ever.

use std::sync::Arc;

use recaudo::billing::collection::{CollectionError, write, write_to};
use recaudo::billing::seal::{seal, seal_of};
use recaudo::clock::Clock;
use recaudo::domain::fact::{Body, Fact, Place};
use recaudo::domain::ids::{CollectionPointId, PartyId};
use recaudo::domain::money::Money;
use recaudo::domain::policy::PartnerSettings;
use recaudo::files::asobancaria_2001::collection::{CollectionItem, CollectionReader};
use recaudo::files::collection_file::CollectionFormat;

use crate::feed::Feed;
use crate::house::{Backend, House, date};

crate::on_both!(a_batch_is_the_same_file_for_ever, a_reversal_removes_its_pair_or_is_an_adjustment);

/// The rules of today demand the same business date; the files are ready for rules that do not.
fn take_back_later(house: &House, like: &Fact, payment: &Fact) {
    let mut fact = like.clone();
    fact.id = house.clock.id();
    fact.business_date = date("2026-11-25");
    fact.account = payment.account.clone().map(|place| Place { seq: place.seq + 1, ..place });
    (fact.series, fact.request) = (None, None);
    (fact.ends, fact.amount) = (Some(payment.id), -payment.amount);
    if let Body::Reversal(reversal) = &mut fact.body {
        reversal.payment_id = payment.id;
    }
    house.conn().transaction(|conn| conn.append(&[Arc::new(fact)])).unwrap();
}

fn bytes(house: &House, batch: &Fact, format: CollectionFormat) -> Vec<u8> {
    let mut bytes = Vec::new();
    write(&house.office, &house.door, batch, format, &mut bytes).unwrap();
    bytes
}

fn a_batch_is_the_same_file_for_ever(backend: Backend) {
    let house = House::open(backend);
    house.import(&Feed::full("a", "2026-11-20T03:00:00Z").accounts(1..=20, 50_000)).unwrap();
    let partner = PartyId::new("jj-pita");
    house.set_time("2026-11-23T10:00:00-05:00");
    for account in 1..=12 {
        house.pay("jj-pita", account, 1000 + i64::from(account));
    }
    house.set_time("2026-11-24T10:00:00-05:00");
    let first = seal(&house.office, &house.door, &partner, date("2026-11-23")).unwrap().batches;
    house.pay("jj-pita", 13, 5000);
    let second = seal(&house.office, &house.door, &partner, date("2026-11-24")).unwrap().batches;
    let before: Vec<Vec<u8>> =
        CollectionFormat::ALL.iter().map(|(_, format)| bytes(&house, &first[0], *format)).collect();

    // Read back by the parser: the totals are the seal's.
    let items: Vec<_> = CollectionReader::new(before[0].as_slice()).map(|read| read.unwrap().item).collect();
    let Some(CollectionItem::End(totals)) = items.last() else { panic!("{items:?}") };
    let sealed = seal_of(&first[0]).unwrap();
    assert_eq!((totals.count, totals.total), (12, Money::from_pesos(12_078)));
    assert_eq!((sealed.count, sealed.total), (12, Money::from_pesos(12_078)));
    assert!(items.iter().any(|item| matches!(item, CollectionItem::Payment(record) if record.branch == 21)));
    let modifier = |bytes: &[u8]| match CollectionReader::new(bytes).next().unwrap().unwrap().item {
        CollectionItem::Header(header) => header.modifier.to_string(),
        other => panic!("{other:?}"),
    };
    assert_eq!(modifier(&before[0]), "A");

    // Settings change, days go by; what was made once stays.
    let mut conn = house.conn();
    conn.transaction(|conn| {
        let point = CollectionPointId::new("jj-pita-01");
        let mut settings = conn.collection_point(&point)?.unwrap().settings;
        settings.branch_code = Some("9999".to_owned());
        conn.set_collection_point_settings(&point, &settings)?;
        let mut settings = conn.party(&partner)?.unwrap().settings;
        settings.files["asobancaria"]["entity_code"] = 7.into();
        conn.set_party_settings(&partner, &settings)
    })
    .unwrap();
    house.set_time("2026-12-24T10:00:00-05:00");
    for ((_, format), before) in CollectionFormat::ALL.iter().zip(&before) {
        assert_eq!(&bytes(&house, &first[0], *format), before, "{format}");
    }
    let later = bytes(&house, &second[0], CollectionFormat::Asobancaria2001);
    assert_eq!(modifier(&later), "B", "the second file of its day");

    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("lote.txt");
    let written = write_to(&house.office, &house.door, &first[0], CollectionFormat::Asobancaria2001, &path).unwrap();
    assert_eq!(std::fs::read(&path).unwrap(), before[0]);
    assert_eq!(written.bytes, before[0].len() as u64);
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1, "no part is left behind");
}

fn a_reversal_removes_its_pair_or_is_an_adjustment(backend: Backend) {
    let house = House::open(backend);
    house.import(&Feed::full("a", "2026-11-20T03:00:00Z").accounts(1..=20, 50_000)).unwrap();
    let partner = PartyId::new("jj-pita");
    let kept = house.pay("jj-pita", 1, 10_000);
    let taken_back = house.pay("jj-pita", 2, 20_000);
    let reversal = house.reverse(&taken_back);
    let first = seal(&house.office, &house.door, &partner, date("2026-11-24")).unwrap().batches;
    house.pay("jj-pita", 3, 30_000);
    take_back_later(&house, &reversal, &kept);
    house.set_time("2026-11-25T10:00:00-05:00");
    let second = seal(&house.office, &house.door, &partner, date("2026-11-25")).unwrap().batches;
    let written = |batch, format| {
        let mut bytes = Vec::new();
        let written = write(&house.office, &house.door, batch, format, &mut bytes).unwrap();
        (written, String::from_utf8(bytes).unwrap())
    };
    let (sums, csv) = written(&first[0], CollectionFormat::Csv);
    assert_eq!((sums.payments.count, sums.adjustments.count, sums.net), (1, 0, Money::from_pesos(10_000)));
    assert!(!csv.contains("000000002"), "{csv}");
    let (sums, csv) = written(&second[0], CollectionFormat::Csv);
    assert_eq!((sums.payments.count, sums.adjustments.count, sums.net), (1, 1, Money::from_pesos(20_000)));
    assert!(csv.contains("adjustment") && csv.contains("-10000.00"), "{csv}");
    let (_, report) = written(&second[0], CollectionFormat::AdjustmentsCsv);
    assert_eq!(report.lines().count(), 2, "{report}");

    // Settings that say nothing of Asobancaria, or something that is not known, make no file of it.
    for files in [
        serde_json::Value::Null,
        serde_json::json!({"asobancaria": {"nit": "890500514-8"}}),
        serde_json::json!({"x": 1}),
    ] {
        let settings = PartnerSettings { files, ..PartnerSettings::default() };
        house.conn().transaction(|conn| conn.set_party_settings(&partner, &settings)).unwrap();
        let refused = write(&house.office, &house.door, &first[0], CollectionFormat::Asobancaria2001, std::io::sink());
        assert!(matches!(refused, Err(CollectionError::Settings { .. })), "{refused:?}");
    }
    let payment = write(&house.office, &house.door, &kept, CollectionFormat::Csv, std::io::sink());
    assert!(matches!(payment, Err(CollectionError::NotABatch(_))));
}
