//! The same batch in every form: the same money, the same bytes, and nothing that does not fit.

use sha2::{Digest, Sha256};

use super::*;
use crate::files::asobancaria_2001::collection::{CollectionItem, CollectionReader};

pub(super) fn batch() -> Batch {
    Batch {
        id: "bat_01k".to_owned(),
        partner: "coompecens".into(),
        from: BusinessDate::parse("2026-11-23").unwrap(),
        through: BusinessDate::parse("2026-11-24").unwrap(),
        sealed_at: Timestamp::parse("2026-11-25T03:30:00Z").unwrap(),
        utc_offset_minutes: -300,
    }
}

pub(super) fn settings() -> PartnerFile {
    let text = r#"{"nit":"890500514-9","entity_code":901,"gln":"4006381333931","account":"12345678","account_type":1,
        "reference":{"last_digits":9},"means":{"transfer":11}}"#;
    serde_json::from_str(text).unwrap()
}

pub(super) fn line(ordinal: u32, pesos: i64, tender: Tender, adjustment: bool) -> CollectionLine {
    CollectionLine {
        receipt_number: format!("COOMPECENS-01-C1-{ordinal:06}-X"),
        payment_id: format!("pay_{ordinal}"),
        account_number: "000123456".into(),
        amount: Money::from_pesos(pesos),
        business_date: BusinessDate::parse("2026-11-24").unwrap(),
        collected_at: Timestamp::parse("2026-11-24T15:00:00Z").unwrap(),
        collection_point: "coompecens-01".into(),
        branch_code: Some("0012".to_owned()),
        tender,
        adjustment,
    }
}

fn lines() -> Vec<CollectionLine> {
    vec![
        line(1, 85_400, Tender::Cash, false),
        line(2, 20_000, Tender::Transfer, false),
        line(3, 5_000, Tender::Cash, true),
        line(4, 20_000, Tender::DebitCard, false),
    ]
}

fn written(format: CollectionFormat, lines: Vec<CollectionLine>) -> Result<(Written, Vec<u8>), CollectionFileError> {
    let mut out = Vec::new();
    let written = write_collection_file(&mut out, format, &batch(), Some(&settings()), lines)?;
    Ok((written, out))
}

#[test]
fn every_form_tells_the_same_money_and_is_the_same_every_time() {
    for (name, format) in CollectionFormat::ALL {
        assert_eq!(name.parse::<CollectionFormat>().unwrap(), format);
        assert_eq!(format.to_string(), name);
        let (told, bytes) = written(format, lines()).unwrap();
        assert_eq!((told.payments.count, told.payments.total), (3, Money::from_pesos(125_400)), "{name}");
        assert_eq!((told.adjustments.count, told.net), (1, Money::from_pesos(120_400)), "{name}");
        let hash: String = Sha256::digest(&bytes).iter().map(|byte| format!("{byte:02x}")).collect();
        assert_eq!((told.bytes, &told.sha256), (bytes.len() as u64, &hash), "{name}");
        assert!(written(format, lines()).unwrap().1 == bytes, "{name}");
    }
    assert!("xml".parse::<CollectionFormat>().is_err());
}

#[test]
fn asobancaria_holds_the_payments_as_the_settings_say() {
    let (_, bytes) = written(CollectionFormat::Asobancaria2001, lines()).unwrap();
    let items: Vec<CollectionItem> = CollectionReader::new(bytes.as_slice()).map(|read| read.unwrap().item).collect();
    let CollectionItem::Header(header) = &items[0] else { panic!("{:?}", items[0]) };
    assert_eq!((header.collection_date.number(), header.file_date.number()), (20_261_124, 20_261_124));
    assert_eq!((header.recorded_at.number(), header.modifier), (2230, FileModifier::FIRST));
    let payments: Vec<_> = items
        .iter()
        .filter_map(|item| match item {
            CollectionItem::Payment(p) => Some((p.sequence, p.operation_number, p.means.0, p.branch, p.amount)),
            _ => None,
        })
        .collect();
    let pesos = Money::from_pesos;
    assert_eq!(payments, [(2, 1, 1, 12, pesos(85_400)), (3, 2, 11, 12, pesos(20_000)), (4, 4, 13, 12, pesos(20_000))]);
    let CollectionItem::Payment(first) = &items[2] else { panic!("{:?}", items[2]) };
    assert_eq!(settings().reference.extract(&first.reference).unwrap().as_str(), "000123456");
}

#[test]
fn a_file_made_in_the_first_minute_keeps_its_day() {
    let mut batch = batch();
    batch.sealed_at = Timestamp::parse("2026-11-25T05:00:10Z").unwrap();
    let mut out = Vec::new();
    write_collection_file(&mut out, CollectionFormat::Asobancaria2001, &batch, Some(&settings()), []).unwrap();
    let text = String::from_utf8(out).unwrap();
    assert_eq!(&text[40..52], "202611250001");
    assert_eq!(text.lines().count(), 4, "an empty batch is a file too");
}

#[test]
fn adjustments_are_rows_of_their_own() {
    let text = |format| String::from_utf8(written(format, lines()).unwrap().1).unwrap();
    let csv = text(CollectionFormat::Csv);
    assert_eq!(csv.lines().count(), 5);
    let row = "adjustment,COOMPECENS-01-C1-000003-X,pay_3,000123456,-5000.00,COP,2026-11-24,\
               2026-11-24T15:00:00.000000Z,coompecens-01,0012,cash";
    assert!(csv.contains(&format!("\r\n{row}\r\n")), "{csv}");
    let report = text(CollectionFormat::AdjustmentsCsv);
    assert!(report.lines().count() == 2 && report.contains(row), "{report}");
    let jsonl = text(CollectionFormat::Jsonl);
    let objects: Vec<serde_json::Value> = jsonl.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(objects.len(), 6);
    assert_eq!(objects[0]["collection_batch"]["through"], "2026-11-24");
    assert_eq!((&objects[3]["kind"], &objects[3]["amount"]), (&"adjustment".into(), &"-5000.00".into()));
    assert_eq!(objects[5]["totals"]["net"], "120400.00");
}

#[test]
fn what_does_not_fit_is_refused() {
    let refused = |change: fn(&mut CollectionLine)| {
        let mut lines = lines();
        change(&mut lines[0]);
        written(CollectionFormat::Asobancaria2001, lines).map(|_| ()).unwrap_err().to_string()
    };
    assert!(refused(|line| line.amount = Money::ZERO).ends_with("an amount is above zero"));
    assert!(refused(|line| line.branch_code = Some("12345".to_owned())).contains("one to four digits"));
    assert!(refused(|line| line.branch_code = Some("+1".to_owned())).contains("one to four digits"));
    assert!(refused(|line| line.account_number = "1234567890".into()).contains("does not fill the 9 digits"));
    assert!(refused(|line| line.amount = Money::from_pesos(100_000_000_000)).contains("valor_recaudado"));
    let nothing = write_collection_file(Vec::new(), CollectionFormat::Asobancaria2001, &batch(), None, lines());
    assert!(matches!(nothing, Err(CollectionFileError::Settings)));
    assert!(serde_json::from_str::<PartnerFile>(r#"{"nit":"890500514-8"}"#).is_err());
    let unknown = serde_json::to_string(&settings()).unwrap().replacen('{', "{\"color\":1,", 1);
    assert!(serde_json::from_str::<PartnerFile>(&unknown).is_err());
}
