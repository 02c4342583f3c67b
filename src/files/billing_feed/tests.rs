//! The three forms say the same, faults have a place, and no account is taken in part.

use std::io::Write;

use super::csv::CsvFeedWriter;
use super::*;
use crate::domain::calendar::BusinessDate;
use crate::domain::money::Money;
use crate::files::asobancaria_2001::billing::{BillingHeader, BillingLot, BillingRecord, BillingWriter};
use crate::files::asobancaria_2001::{LotHeader, codes::FileModifier};
use crate::files::billing_sample::sample;
use crate::files::fixed_width::HourMinute;
use crate::files::seeded::SplitMix64;

const HEADER: &str = r#"{"snapshot":{"id":"2026-11-24-full","kind":"full","as_of":"2026-11-24T03:00:00-05:00","collections_included_through":{"coompecens":"bat_01k","jj-pita":null},"currency":"COP"}}"#;
const ACCOUNT: &str = r#"{"account_number":"000123456","holder_name":"MARIA GOMEZ PEREZ","municipality_code":"54001","stratum":2,"status":"active","service":{"status":"suspended","since":"2026-11-10","cause":"non_payment","amount_to_reconnect":"92700.00","reconnection_fee":"0.00"},"bills":[{"bill_number":"F202610000123456","period":"2026-10","issued_on":"2026-10-05","due_on":"2026-10-20","balance":"92700.00","disputed":"0.00"}],"agreements":[{"agreement_id":"CV-000123","status":"in_force","any_amount":false,"installments":[{"number":4,"due_on":"2026-11-30","balance":"45000.00"},{"number":5,"due_on":"2026-12-30","balance":"45000.00"}]}]}"#;

type Read = (SnapshotHeader, Vec<Result<Row, RowError>>);

fn read(bytes: &[u8]) -> Result<Read, FeedError> {
    let (header, rows) = open(bytes, None, &FeedSettings::default())?;
    Ok((header, rows.collect()))
}

fn accounts(bytes: &[u8]) -> Vec<Account> {
    read(bytes).unwrap().1.into_iter().map(|row| row.unwrap().account).collect()
}

fn refused(row: &Result<Row, RowError>) -> &RowFault {
    match row {
        Err(RowError::Rejected(fault)) => fault,
        other => panic!("not refused: {other:?}"),
    }
}

fn header() -> SnapshotHeader {
    read(HEADER.as_bytes()).unwrap().0
}

fn document(row: &Row) -> String {
    let mut document = Vec::new();
    row.write_document(&mut document).unwrap();
    String::from_utf8(document).unwrap()
}

#[test]
fn a_dense_line_is_its_own_document_and_a_loose_one_is_written_anew() {
    // Loose before and behind the first member, and a member more than the books would write.
    let loose = ACCOUNT.replace("\":", "\" : ");
    let behind = format!("{ACCOUNT} ");
    let null = ACCOUNT.replacen("\"stratum\":2", "\"stratum\":null", 1);
    let feed = format!("{HEADER}\n{ACCOUNT}\n{loose}\n{behind}\n{null}");
    let rows: Vec<Row> = read(feed.as_bytes()).unwrap().1.into_iter().map(Result::unwrap).collect();
    let documents: Vec<String> = rows.iter().map(document).collect();
    assert_eq!(documents, [ACCOUNT, ACCOUNT, ACCOUNT, &null]);
    let csv = read(as_csv(&[rows[0].account.clone()]).as_bytes()).unwrap().1.remove(0).unwrap();
    assert_eq!(document(&csv), ACCOUNT);
}

#[test]
fn every_document_says_what_its_account_says() {
    let jsonl = sample_feed(300);
    let csv = as_csv(&accounts(&jsonl));
    for feed in [jsonl, csv.into_bytes()] {
        for row in read(&feed).unwrap().1.into_iter().map(Result::unwrap) {
            assert_eq!(serde_json::from_str::<Account>(&document(&row)).unwrap(), row.account);
        }
    }
}

fn as_csv(accounts: &[Account]) -> String {
    let mut writer = CsvFeedWriter::start(Vec::new(), &header()).unwrap();
    accounts.iter().for_each(|account| writer.account(account).unwrap());
    String::from_utf8(writer.finish().unwrap()).unwrap()
}

fn sample_feed(count: u64) -> Vec<u8> {
    let mut out = Vec::new();
    sample(count, 11, Timestamp::parse("2026-11-24T08:00:00Z").unwrap(), &mut out).unwrap();
    out
}

#[test]
fn the_contracts_own_example_is_read() {
    let (header, rows) = read(format!("{HEADER}\r\n\n{ACCOUNT}").as_bytes()).unwrap();
    assert_eq!(header.as_of, Timestamp::parse("2026-11-24T08:00:00Z").unwrap());
    assert_eq!(header.collections_included_through.len(), 2);
    let row = rows.into_iter().next().unwrap().unwrap();
    assert_eq!((row.line, row.account.agreements[0].installments.len()), (3, 2));
    assert_eq!(row.raw, ACCOUNT.as_bytes());
}

#[test]
fn the_forms_and_the_packings_say_the_same() {
    let jsonl = sample_feed(300);
    let expected = accounts(&jsonl);
    assert_eq!(expected.len(), 300);
    let csv = as_csv(&expected);
    let mut gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    gzip.write_all(csv.as_bytes()).unwrap();
    let semicolons = csv.replace(',', ";").replace('\n', "\r\n");
    let packed = zstd::stream::encode_all(jsonl.as_slice(), 3).unwrap();
    for form in [csv.clone().into_bytes(), gzip.finish().unwrap(), semicolons.into_bytes(), packed] {
        assert!(accounts(&form) == expected);
    }
    let (header, rows) = read(csv.as_bytes()).unwrap();
    assert_eq!(header, self::header());
    let raw: Vec<u8> = rows.into_iter().flat_map(|row| row.unwrap().raw).collect();
    assert!(csv.into_bytes().ends_with(&raw), "the rows' bytes are the feed's");
}

#[test]
fn a_fault_of_a_line_has_its_place_and_the_next_line_is_read() {
    let cases: &[(&str, &str, &str, usize, &str)] = &[
        (r#""92700.00","disputed":"0.00""#, r#""92700.0O","disputed":"0.00""#, "/bills/0/balance", 0, "\"92700.0O\""),
        (r#""92700.00","disputed":"0.00""#, r#""100.00","disputed":"100.01""#, "/bills/0/disputed", 0, "\"100.01\""),
        (r#""balance":"92700.00""#, r#""balance":92700"#, "/bills/0/balance", 0, "92700"),
        (r#""reconnection_fee":"0.00""#, r#""reconnection_fee":"-1.00""#, "/service/reconnection_fee", 0, "\"-1.00\""),
        ("000123456\",\"h", "12345\",\"h", "/account_number", 19, "\"12345\""),
        ("000123456\",\"h", "12345678901234\",\"h", "/account_number", 19, "\"12345678901234\""),
        ("2026-10\"", "2026-13\"", "/bills/0/period", 0, "\"2026-13\""),
        ("\"2026-11-30\"", "\"2026-11-31\"", "/agreements/0/installments/0/due_on", 0, "\"2026-11-31\""),
        ("MARIA GOMEZ", "MARIA\\u001bGOMEZ", "/holder_name", 45, "\"MARIA\\u001bGOMEZ PEREZ\""),
    ];
    for (good, bad, pointer, column, found) in cases {
        let line = ACCOUNT.replacen(good, bad, 1);
        let rows = read(format!("{HEADER}\n{line}\n{ACCOUNT}\n").as_bytes()).unwrap().1;
        let fault = refused(&rows[0]);
        assert_eq!((fault.line, fault.pointer.as_str(), fault.found.as_str()), (2, *pointer, *found), "{fault}");
        assert_eq!(&line[fault.column - 1..fault.column - 1 + found.len()], *found, "{fault}");
        assert!(*column == 0 || fault.column == *column, "{fault}");
        assert_eq!(fault.raw, line.as_bytes());
        assert!(rows[1].is_ok());
    }
}

#[test]
fn what_is_no_line_is_refused() {
    for bad in [
        ACCOUNT.replace("\"bills\"", "\"bils\""),
        ACCOUNT.replace("\"stratum\":2", "\"stratum\":2,\"stratum\":3"),
        ACCOUNT[..100].to_owned(),
        format!("{ACCOUNT}{ACCOUNT}"),
        "null".to_owned(),
        "[".repeat(10_000),
        ACCOUNT.replace("MARIA", &"M".repeat(MAX_LINE_BYTES)),
    ] {
        let rows = read(format!("{HEADER}\n{bad}\n{ACCOUNT}").as_bytes()).unwrap().1;
        assert_eq!(rows.len(), 2);
        let fault = refused(&rows[0]);
        assert!(fault.line == 2 && fault.column >= 1 && !fault.rule.is_empty(), "{fault}");
        assert!(fault.raw.len() <= MAX_LINE_BYTES);
        assert!(rows[1].is_ok());
    }
}

#[test]
fn a_header_that_is_none_stops_the_feed() {
    let error = |text: &str| read(text.as_bytes()).map(|_| ()).unwrap_err().to_string();
    assert_eq!(error(""), "the feed is empty");
    assert!(error("hello").starts_with("a feed is jsonl, csv or asobancaria-2001"));
    let usd = error(&HEADER.replace("COP", "USD"));
    assert_eq!(usd, "line 1, column 169, /snapshot/currency: the currency is COP; found \"USD\"");
    assert!(error(ACCOUNT).contains("unknown field `account_number`"));
    assert!(error(&HEADER.replace("full\",\"as", "half\",\"as")).contains("/snapshot/kind"));
    assert!(error("#snapshot,a,full,2026-11-24T03:00:00-05:00,COP\n").contains("goes on to the names"));
    assert!(error("#snapshot,a,full,2026-11-24,COP\nkind\n").starts_with("line 1, column 18, /as_of"));
    let names = "#snapshot,a,full,2026-11-24T03:00:00-05:00,COP\nkind,account_number,colour\n";
    assert!(error(names).starts_with("line 2, column 21, /: there is no column \"colour\""), "{}", error(names));
}

#[test]
fn an_account_in_csv_is_taken_whole_or_not_at_all() {
    let mut three = accounts(format!("{HEADER}\n{ACCOUNT}\n{ACCOUNT}\n{ACCOUNT}").as_bytes());
    three[1].account_number = "000123457".into();
    three[2].account_number = "000123458".into();
    let csv = as_csv(&three);
    let lines: Vec<&str> = csv.lines().collect();
    assert_eq!(lines.len(), 4 + 9);
    let outcome = |line: usize, text: &str| {
        let mut spoilt = lines.clone();
        spoilt[line - 1] = text;
        let rows = read(spoilt.join("\n").as_bytes()).unwrap().1;
        let taken: Vec<String> = rows.iter().flatten().map(|row| row.account.account_number.to_string()).collect();
        let first = rows.iter().find(|row| row.is_err()).map(|row| refused(row).clone());
        (taken.join(" "), first.unwrap())
    };
    let (taken, fault) = outcome(9, &lines[8].replace("45000.00", "45000.001"));
    assert_eq!((taken.as_str(), fault.line, fault.pointer.as_str()), ("000123456 000123458", 9, "/balance"));
    assert_eq!(&lines[8][fault.column - 1..fault.column + 4], "45000");
    let (taken, fault) = outcome(10, &lines[9].replace("MARIA", "MARTA"));
    assert_eq!((taken.as_str(), fault.pointer.as_str()), ("000123456 000123458", "/holder_name"));
    let (taken, fault) = outcome(8, "bill,\"000123457");
    assert_eq!((taken.as_str(), fault.line, fault.column), ("000123458", 8, 6), "both neighbours are refused");
    let (taken, _) = outcome(9, "bill,\"000123457");
    assert_eq!(taken, "000123456 000123458", "it stood amid its own account");
    let (taken, fault) = outcome(5, &lines[4].replacen("bill,", "payment,", 1));
    assert_eq!((taken.as_str(), fault.line, fault.column), ("000123457 000123458", 5, 1));
    let (taken, fault) = outcome(6, &lines[5].replacen("installment,", "bill,", 1));
    assert_eq!((taken.as_str(), fault.pointer.as_str()), ("000123457 000123458", "/agreement_id"));
    let huge = format!("bill,{}", "9".repeat(2 * MAX_LINE_BYTES));
    assert_eq!(outcome(13, &huge).0, "000123456 000123457");
}

fn asobancaria(numbers: &[u64]) -> Vec<u8> {
    let header = BillingHeader {
        biller: "890500514-9".parse().unwrap(),
        additional_biller: None,
        entity_code: 901,
        file_date: BusinessDate::parse("2026-11-24").unwrap(),
        recorded_at: HourMinute::new(0, 0).unwrap(),
        modifier: FileModifier::FIRST,
    };
    let mut writer = BillingWriter::start(Vec::new(), &header).unwrap();
    let lot = LotHeader { service_code: "4006381333931".parse().unwrap(), lot_number: 1 };
    writer.start_lot(&BillingLot { lot, description: "ENERGIA".to_owned() }).unwrap();
    for (i, number) in numbers.iter().enumerate() {
        let record = BillingRecord {
            reference: format!("{number:048}").parse().unwrap(),
            secondary_reference: if i == 0 { String::new() } else { format!("F{i}") },
            periods: 1,
            cycle: String::new(),
            amount: Money::from_pesos(90_000),
            additional_service: None,
            additional_amount: Money::from_pesos(2_700),
            due_on: BusinessDate::parse("2026-12-05").unwrap(),
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

#[test]
fn asobancaria_bills_become_accounts() {
    let bytes = asobancaria(&[123_456, 123_456, 777_777]);
    let (header, rows) = read(&bytes).unwrap();
    assert_eq!(header.id, "asobancaria-890500514-9-2026-11-24-A");
    assert_eq!(header.as_of, Timestamp::parse("2026-11-25T00:00:00-05:00").unwrap(), "24:00 of its own day");
    let rows: Vec<Row> = rows.into_iter().map(Result::unwrap).collect();
    assert_eq!(rows.iter().map(|row| row.line).collect::<Vec<_>>(), [3, 5]);
    assert_eq!(rows[0].account.account_number.as_str(), "000123456");
    let bills: Vec<_> = rows[0].account.bills.iter().map(|b| (b.bill_number.as_str(), b.balance.to_string())).collect();
    assert_eq!(bills, [("20261205-123456", "92700.00".to_owned()), ("F1", "92700.00".to_owned())]);
    assert_eq!(rows[0].raw.len(), 2 * 220 + 2);
}

#[test]
fn a_file_that_contradicts_itself_breaks_the_feed() {
    let text = String::from_utf8(asobancaria(&[123_456, 777_777])).unwrap();
    let spoilt = text.replacen("09000000002", "09000000003", 1);
    let rows = read(spoilt.as_bytes()).unwrap().1;
    let last = rows.last().unwrap();
    assert!(
        matches!(last, Err(RowError::Broken(FeedError::Asobancaria(f))) if (f.line, f.column) == (6, 3)),
        "{last:?}"
    );
    let packed = zstd::stream::encode_all(sample_feed(3_000).as_slice(), 3).unwrap();
    let rows = read(&packed[..packed.len() / 2]).unwrap().1;
    assert!(matches!(rows.last(), Some(Err(RowError::Broken(FeedError::Io { .. })))));
}

#[test]
fn no_spoilt_feed_makes_the_readers_panic_or_lose_a_line() {
    let jsonl = sample_feed(12);
    let csv = as_csv(&accounts(&jsonl)).into_bytes();
    let gzip = {
        let mut gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
        gzip.write_all(&jsonl).unwrap();
        gzip.finish().unwrap()
    };
    let zstd = zstd::stream::encode_all(csv.as_slice(), 3).unwrap();
    let asobancaria = asobancaria(&[123_456, 123_456, 777_777]);
    let mut random = SplitMix64::new(5);
    for good in [jsonl, csv, gzip, zstd, asobancaria] {
        for _ in 0..150 {
            let mut bytes = good.clone();
            for _ in 0..random.between(1, 4) {
                let place = random.below(bytes.len() as u64) as usize;
                match random.below(4) {
                    0 => bytes[place] = random.next() as u8,
                    1 => drop(bytes.remove(place)),
                    2 => bytes.insert(place, *random.pick(b"\n\r\0\",{}[]09\xff")),
                    _ => bytes.truncate(place.max(1)),
                }
            }
            let Ok((_, rows)) = read(&bytes) else { continue };
            for fault in rows.iter().filter(|row| matches!(row, Err(RowError::Rejected(_)))).map(refused) {
                assert!(fault.line >= 2 && fault.column >= 1 && !fault.rule.is_empty(), "{fault}");
            }
            let broken = rows.iter().position(|row| matches!(row, Err(RowError::Broken(_))));
            assert!(broken.is_none_or(|place| place == rows.len() - 1), "a broken feed goes no further");
        }
    }
}
