//! What is written is read again, the tables are the published ones, and what is tolerated is told.

use proptest::prelude::*;
use serde_json::Value;

use super::billing::*;
use super::codes::*;
use super::collection::*;
use super::layouts::{BILLING, COLLECTION};
use super::reference::Reference;
use super::scanner::Form;
use super::*;
use crate::domain::calendar::BusinessDate;
use crate::files::fixed_width::{FileError, HourMinute};

pub(super) fn collection_header() -> CollectionHeader {
    CollectionHeader {
        biller: "890500514-9".parse().unwrap(),
        collection_date: BusinessDate::parse("2026-11-24").unwrap(),
        entity_code: 901,
        account: "00000000012345678".to_owned(),
        file_date: BusinessDate::parse("2026-11-25").unwrap(),
        recorded_at: HourMinute::new(6, 30).unwrap(),
        modifier: FileModifier::FIRST,
        account_type: 1,
    }
}

pub(super) fn lot(lot_number: u16) -> LotHeader {
    LotHeader { service_code: "4006381333931".parse().unwrap(), lot_number }
}

pub(super) fn payment(sequence: u32, centavos: i64) -> CollectionRecord {
    CollectionRecord {
        reference: format!("{:048}", 1_000 + u64::from(sequence)).parse().unwrap(),
        amount: Money::from_centavos(centavos),
        origin: OriginCode::COUNTER,
        means: MeansCode::COUNTER_CASH,
        operation_number: sequence,
        authorisation_number: 0,
        debited_entity: 0,
        branch: 12,
        sequence,
        return_cause: String::new(),
    }
}

/// A file of one lot for each list of amounts.
pub(super) fn collection_file(lots: &[&[i64]]) -> Vec<u8> {
    let mut writer = CollectionWriter::start(Vec::new(), &collection_header()).unwrap();
    for (number, amounts) in (1..).zip(lots) {
        writer.start_lot(&lot(number)).unwrap();
        for amount in *amounts {
            writer.payment(&payment(writer.next_sequence(), *amount)).unwrap();
        }
        writer.end_lot().unwrap();
    }
    writer.finish().unwrap().0
}

pub(super) fn billing_header() -> BillingHeader {
    BillingHeader {
        biller: "890500514-9".parse().unwrap(),
        additional_biller: None,
        entity_code: 901,
        file_date: BusinessDate::parse("2026-11-24").unwrap(),
        recorded_at: HourMinute::new(3, 0).unwrap(),
        modifier: FileModifier::FIRST,
    }
}

pub(super) fn bill(number: u64, centavos: i64) -> BillingRecord {
    BillingRecord {
        reference: format!("{number:048}").parse().unwrap(),
        secondary_reference: format!("F{number}"),
        periods: 1,
        cycle: "C01".to_owned(),
        amount: Money::from_centavos(centavos),
        additional_service: None,
        additional_amount: Money::from_centavos(centavos / 10),
        due_on: BusinessDate::parse("2026-12-05").unwrap(),
        receiving_entity: 0,
        customer_account: String::new(),
        customer_account_type: 0,
        customer_id: String::new(),
        customer_name: "MARIA GOMEZ PEREZ".to_owned(),
        entity_code: 901,
    }
}

/// A file of one lot for each list of amounts.
pub(super) fn billing_file(lots: &[&[i64]]) -> Vec<u8> {
    let mut writer = BillingWriter::start(Vec::new(), &billing_header()).unwrap();
    let mut account = 100_000;
    for (number, amounts) in (1..).zip(lots) {
        let lot = BillingLot { lot: lot(number), description: "ENERGIA".to_owned() };
        writer.start_lot(&lot).unwrap();
        for amount in *amounts {
            account += 1;
            writer.bill(&bill(account, *amount)).unwrap();
        }
        writer.end_lot().unwrap();
    }
    writer.finish().unwrap().0
}

fn read_collection(bytes: &[u8]) -> Result<Vec<Read<CollectionItem>>, FileError> {
    CollectionReader::new(bytes).collect()
}

fn notes(bytes: &[u8]) -> Vec<String> {
    read_collection(bytes).unwrap().into_iter().flat_map(|read| read.warnings).map(|w| w.to_string()).collect()
}

fn fault(bytes: &[u8]) -> (u64, usize, &'static str) {
    let error = read_collection(bytes).unwrap_err();
    let fault = error.fault().unwrap();
    (fault.line, fault.column, fault.field)
}

#[test]
fn the_tables_are_the_published_layout() {
    let published: Value =
        serde_json::from_str(include_str!("../../../tests/data/asobancaria2001_layout.json")).unwrap();
    let compare = |name: &str, form: &'static Form| {
        let file = &published[name];
        assert_eq!(file["record_length"], form.length);
        let layouts = [form.header, form.lot_header, form.detail, form.lot_trailer, form.trailer];
        assert_eq!(file["records"].as_object().unwrap().len(), layouts.len());
        for layout in layouts {
            let ours: Vec<Value> = layout
                .columns
                .iter()
                .map(|column| {
                    serde_json::json!({
                        "name": column.name,
                        "start_1based": column.start,
                        "end_1based": column.start + column.length - 1,
                        "offset_0based": column.start - 1,
                        "length": column.length,
                        "type": column.kind.letter(),
                    })
                })
                .collect();
            assert_eq!(file["records"][layout.code], Value::Array(ours), "{name} {}", layout.code);
            let end = layout.columns.iter().fold(1, |start, column| {
                assert_eq!(column.start, start);
                start + column.length
            });
            assert_eq!(end - 1, form.length);
            assert_eq!(layout.length, form.length);
        }
    };
    compare("recaudo_2001", &COLLECTION);
    compare("facturacion_2001", &BILLING);
    let meaningful = [COLLECTION.header, COLLECTION.lot_header, COLLECTION.detail, COLLECTION.lot_trailer];
    assert_eq!(meaningful.map(|layout| layout.meaningful), [55, 19, 94, 33]);
    assert_eq!(COLLECTION.trailer.meaningful, 29);
}

prop_compose! {
    fn any_payment()(
        reference in "[0-9]{48}", centavos in 0..=9_999_999_999_999i64, origin in 0u8..100, means in 0u8..100,
        operation_number in 0u32..1_000_000, authorisation_number in 0u32..1_000_000, debited_entity in 0u16..1_000,
        branch in 0u16..10_000, return_cause in "[A-Z0-9]{0,3}",
    ) -> CollectionRecord {
        CollectionRecord {
            reference: reference.parse().unwrap(), amount: Money::from_centavos(centavos), origin: OriginCode(origin),
            means: MeansCode(means), operation_number, authorisation_number, debited_entity, branch, sequence: 0,
            return_cause,
        }
    }
}

prop_compose! {
    fn any_bill()(
        numbers in ("[0-9]{48}", 0u8..100, 0u32..100_000_000, 0u8..100, 0u16..1_000),
        texts in ("([A-Z0-9]{1,30})?", "[A-Z]{0,3}", "[0-9]{0,17}", "[0-9]{0,10}", "([A-Z]{1,10} [A-Z]{1,11})?"),
        centavos in 0..=9_999_999_999_999i64, additional in 0..=9_999_999_999_999i64, serviced: bool, day in 1i32..29,
    ) -> BillingRecord {
        BillingRecord {
            reference: numbers.0.parse().unwrap(), secondary_reference: texts.0, periods: numbers.1, cycle: texts.1,
            amount: Money::from_centavos(centavos), additional_amount: Money::from_centavos(additional),
            additional_service: serviced.then(|| "4006381333931".parse().unwrap()),
            due_on: BusinessDate::from_number(20_261_200 + day).unwrap(), receiving_entity: numbers.2,
            customer_account: texts.2, customer_account_type: numbers.3, customer_id: texts.3,
            customer_name: texts.4, entity_code: numbers.4,
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn a_collection_reads_as_it_was_written(
        lots in proptest::collection::vec(proptest::collection::vec(any_payment(), 0..6), 1..5),
    ) {
        let header = collection_header();
        let mut writer = CollectionWriter::start(Vec::new(), &header)?;
        let mut items = vec![CollectionItem::Header(header)];
        for (number, payments) in (7..).zip(lots) {
            writer.start_lot(&lot(number))?;
            items.push(CollectionItem::Lot(lot(number)));
            for mut payment in payments {
                payment.sequence = writer.next_sequence();
                writer.payment(&payment)?;
                items.push(CollectionItem::Payment(payment));
            }
            items.push(CollectionItem::LotEnd(writer.end_lot()?));
        }
        let (bytes, totals) = writer.finish()?;
        items.push(CollectionItem::End(totals));
        prop_assert!(bytes.split_inclusive(|byte| *byte == b'\n').all(|line| line.len() == 164));
        let read: Vec<_> = read_collection(&bytes)?.into_iter().map(|read| read.item).collect();
        prop_assert_eq!(&read, &items);
        let with_lf: Vec<u8> = bytes.iter().copied().filter(|byte| *byte != b'\r').collect();
        let read: Vec<_> = read_collection(&with_lf)?.into_iter().map(|read| read.item).collect();
        prop_assert_eq!(read, items);
    }

    #[test]
    fn a_billing_file_reads_as_it_was_written(
        lots in proptest::collection::vec(proptest::collection::vec(any_bill(), 0..6), 1..5),
    ) {
        let header = billing_header();
        let mut writer = BillingWriter::start(Vec::new(), &header)?;
        let mut items = vec![BillingItem::Header(header)];
        for (number, bills) in (1..).zip(lots) {
            let lot = BillingLot { lot: lot(number), description: "ENERGIA".to_owned() };
            writer.start_lot(&lot)?;
            items.push(BillingItem::Lot(lot));
            for bill in bills {
                writer.bill(&bill)?;
                items.push(BillingItem::Bill(Box::new(bill)));
            }
            items.push(BillingItem::LotEnd(writer.end_lot()?));
        }
        let (bytes, totals) = writer.finish()?;
        items.push(BillingItem::End(totals));
        prop_assert!(bytes.split_inclusive(|byte| *byte == b'\n').all(|line| line.len() == 222));
        let read: Vec<_> = BillingReader::new(bytes.as_slice()).collect::<Result<Vec<_>, _>>()?;
        prop_assert_eq!(read.into_iter().map(|read| read.item).collect::<Vec<_>>(), items);
    }
}

#[test]
fn a_known_file_stands_byte_by_byte() {
    let text = String::from_utf8(collection_file(&[&[8_540_000, 1_999]])).unwrap();
    let lines: Vec<&str> = text.split("\r\n").map(str::trim_end).collect();
    let header = "01890500514920261124901000000000123456782026112506".to_owned() + "30A01";
    assert_eq!(lines[0], header);
    assert_eq!(lines[1], "0540063813339310001");
    let reference = format!("{:048}", 1_002);
    assert_eq!(lines[2], format!("06{reference}00000008540000{}", "010100000200000000000120000002"));
    assert_eq!(lines[4], "080000000020000000000085419990001");
    assert_eq!(lines[5], "09000000002000000000008541999");
    assert_eq!(lines[6], "");
}

#[test]
fn the_last_line_may_lack_its_end_and_its_blanks_and_nothing_else() {
    let bytes = collection_file(&[&[100, 200]]);
    let last = bytes.len() - 164;
    assert!(notes(&bytes).is_empty());
    assert_eq!(
        notes(&bytes[..bytes.len() - 2]),
        ["line 6, column 163, record: found \"162 bytes\"; the last line has no line end"]
    );
    assert_eq!(notes(&bytes[..last + 29]).len(), 2, "no line end, no blanks");
    assert_eq!(notes(&[&bytes[..last + 29], b"\r\n"].concat()).len(), 1, "no blanks");
    assert_eq!(fault(&bytes[..last + 28]), (6, 29, "record"));
    assert_eq!(fault(&bytes[..bytes.len() - 1]), (6, 163, "record"), "a lone carriage return");
    assert_eq!(fault(&bytes[..last]), (6, 1, "tipo_registro"), "no 09");
    assert_eq!(fault(&[&bytes[..55], &bytes[162..]].concat()), (1, 56, "record"), "not the last line");
    assert_eq!(fault(b""), (1, 1, "tipo_registro"));
}

#[test]
fn odd_counts_lots_and_codes_are_kept_with_a_warning() {
    let bytes = collection_file(&[&[100, 200], &[300]]);
    let text = String::from_utf8(bytes).unwrap();
    let trailer = text.replacen("08000000002", "08000000004", 1);
    assert_eq!(
        notes(trailer.as_bytes()),
        ["line 5, column 3, total_registros_lote: found \"4\"; taken as 2: it also counts the lot's own 05 and 08"]
    );
    let same_number = text.replace("0540063813339310002", "0540063813339310001");
    let same_number = same_number.replacen("0000000003000002", "0000000003000001", 1);
    assert_eq!(
        notes(same_number.as_bytes()),
        ["line 6, column 16, numero_lote: found \"0001\"; an earlier lot has the same number"]
    );
    let codes = text.replacen("0101000002", "0977000002", 1);
    assert_eq!(
        notes(codes.as_bytes()),
        [
            "line 3, column 65, procedencia_pago: found \"09\"; not in the manual; kept",
            "line 3, column 67, medio_pago: found \"77\"; not in the manual; kept",
        ]
    );
    let returned = text.replacen("00000000120000002   ", "00000000120000002\u{d1}1 ", 1);
    let latin1: Vec<u8> = returned.chars().map(|letter| u8::try_from(u32::from(letter)).unwrap()).collect();
    let items = read_collection(&latin1).unwrap();
    assert!(matches!(&items[2].item, CollectionItem::Payment(p) if p.return_cause == "Ñ1"));
}

#[test]
fn the_writer_refuses_what_the_reader_would() {
    let start = || CollectionWriter::start(Vec::new(), &collection_header()).unwrap();
    let refused = |result: Result<(), FileError>| {
        let error = result.unwrap_err();
        error.fault().map(|fault| (fault.line, fault.column, fault.field)).unwrap()
    };
    assert_eq!(refused(start().payment(&payment(2, 1))), (2, 1, "tipo_registro"));
    assert_eq!(refused(start().finish().map(|_| ())), (2, 1, "tipo_registro"));
    let mut writer = start();
    writer.start_lot(&lot(1)).unwrap();
    assert_eq!(refused(writer.start_lot(&lot(2))), (3, 1, "tipo_registro"));
    assert_eq!(refused(writer.payment(&payment(3, 1))), (3, 88, "secuencia"));
    assert_eq!(refused(writer.payment(&payment(2, -1))), (3, 51, "valor_recaudado"));
    assert_eq!(refused(writer.payment(&payment(2, 10_000_000_000_000))), (3, 51, "valor_recaudado"));
    let mut big = payment(2, 1);
    big.operation_number = 1_000_000;
    assert_eq!(refused(writer.payment(&big)), (3, 69, "numero_operacion"));
    writer.payment(&payment(2, 1)).unwrap();
    writer.end_lot().unwrap();
    assert_eq!(refused(writer.start_lot(&lot(1))), (5, 16, "numero_lote"));
    let mut header = collection_header();
    header.account = "cuenta".to_owned();
    assert_eq!(refused(CollectionWriter::start(Vec::new(), &header).map(|_| ())), (1, 24, "numero_cuenta"));
}

#[test]
fn a_refused_record_leaves_the_writer_where_it_was() {
    let mut writer = CollectionWriter::start(Vec::new(), &collection_header()).unwrap();
    writer.start_lot(&lot(1)).unwrap();
    assert!(writer.payment(&payment(2, -1)).is_err());
    writer.payment(&payment(2, 500)).unwrap();
    writer.end_lot().unwrap();
    let (bytes, totals) = writer.finish().unwrap();
    assert_eq!((totals.count, totals.total), (1, Money::from_centavos(500)));
    assert_eq!(read_collection(&bytes).unwrap().len(), 5);
}

#[test]
fn references_are_forty_eight_digits() {
    assert!("1".repeat(47).parse::<Reference>().is_err());
    assert!(("1".repeat(47) + "A").parse::<Reference>().is_err());
}
