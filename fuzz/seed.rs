//! Writes a few small good files of each form into `corpus/<target>/`, for the fuzzers to start from.

use std::fs;
use std::io::{self, Write};
use std::path::Path;

use recaudo_fuzz::domain::calendar::{BusinessDate, Timestamp};
use recaudo_fuzz::domain::money::Money;
use recaudo_fuzz::files::asobancaria_2001::LotHeader;
use recaudo_fuzz::files::asobancaria_2001::billing::{BillingHeader, BillingLot, BillingRecord, BillingWriter};
use recaudo_fuzz::files::asobancaria_2001::codes::{FileModifier, MeansCode, OriginCode};
use recaudo_fuzz::files::asobancaria_2001::collection::{CollectionHeader, CollectionRecord, CollectionWriter};
use recaudo_fuzz::files::billing_feed::csv::CsvFeedWriter;
use recaudo_fuzz::files::billing_feed::{FeedSettings, open};
use recaudo_fuzz::files::billing_sample::sample;
use recaudo_fuzz::files::fixed_width::HourMinute;

type Result<T> = std::result::Result<T, Box<dyn std::error::Error>>;

fn main() -> Result<()> {
    let corpus = Path::new(env!("CARGO_MANIFEST_DIR")).join("corpus");
    let keep = |target: &str, name: &str, bytes: &[u8]| -> io::Result<()> {
        let folder = corpus.join(target);
        fs::create_dir_all(&folder)?;
        fs::write(folder.join(name), bytes)
    };
    for (seed, accounts) in [(1, 1), (2, 3), (3, 12)] {
        let name = format!("good-{accounts}");
        let jsonl = feed(accounts, seed)?;
        let csv = as_csv(&jsonl)?;
        keep("feed_jsonl", &name, &jsonl)?;
        keep("feed_csv", &name, &csv)?;
        let mut gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
        gzip.write_all(&csv)?;
        keep("feed_packed", &format!("{name}.gz"), &gzip.finish()?)?;
        keep("feed_packed", &format!("{name}.zst"), &zstd::encode_all(jsonl.as_slice(), 1)?)?;
        keep("feed_packed", &format!("{name}.jsonl"), &jsonl)?;
        keep("bills", &name, &bills(accounts)?)?;
        keep("collection", &name, &collection(accounts)?)?;
    }
    for (name, text) in PARTNER_LISTS {
        keep("partner_list", name, text.as_bytes())?;
    }
    for (name, text) in BANK_STATEMENTS {
        keep("bank_statement", name, text.as_bytes())?;
    }
    Ok(())
}

const PARTNER_LISTS: [(&str, &str); 4] = [
    ("csv", "{}\nreceipt_number,account_number,amount,date\nR1,000123456,92700.00,2026-11-24\nR2,000123457,\"1000.00\",2026-11-24\n"),
    (
        "jsonl",
        "{\"format\":\"jsonl\"}\n{\"payment_id\":\"pay_1\",\"account_number\":\"000123456\",\"amount\":\"92700.00\",\"at\":\"2026-11-24T09:30:00-05:00\",\"reversed\":true}\n",
    ),
    (
        "latin",
        "{\"encoding\":\"latin1\",\"delimiter\":\";\",\"columns\":{\"amount\":\"VALOR\",\"account_number\":\"CUENTA\",\"date\":\"FECHA\"},\"date_format\":\"D/M/YYYY\",\"decimal_separator\":\",\",\"thousands_separator\":\".\",\"account_width\":9}\nCUENTA;VALOR;FECHA\n123456;92.700,00;4/11/2026\n",
    ),
    (
        "times",
        "{\"time_format\":\"YYYY-MM-DD HH:mm:ss\",\"implied_decimals\":2,\"reversed_values\":[\"X\"],\"standing_values\":[\"-\"]}\naccount_number,amount,at,collection_point,reversed\n000123456,9270000,2026-11-24 09:30:00,P1,X\n000123457,100000,2026-11-24 09:31:00,P1,-\n",
    ),
];

const BANK_STATEMENTS: [(&str, &str); 2] = [
    ("csv", "{}\nslip_number,reference,amount,booked_on,kind\nS1,R,92700.00,2026-11-24,credit\nS2,,1000.00,2026-11-24,debit\n"),
    (
        "latin",
        "{\"encoding\":\"latin1\",\"delimiter\":\";\",\"columns\":{\"amount\":\"VALOR\",\"booked_on\":\"FECHA\"},\"date_format\":\"DD/MM/YYYY\",\"decimal_separator\":\",\",\"thousands_separator\":\".\"}\nFECHA;VALOR\n24/11/2026;1.092.700,00\n",
    ),
];

fn feed(accounts: u64, seed: u64) -> Result<Vec<u8>> {
    let mut bytes = Vec::new();
    sample(accounts, seed, Timestamp::parse("2026-11-24T03:00:00-05:00")?, &mut bytes)?;
    Ok(bytes)
}

fn as_csv(jsonl: &[u8]) -> Result<Vec<u8>> {
    let (header, rows) = open(jsonl, None, &FeedSettings::default())?;
    let mut bytes = Vec::new();
    let mut writer = CsvFeedWriter::start(&mut bytes, &header)?;
    for row in rows {
        writer.account(&row?.account)?;
    }
    Ok(bytes)
}

fn bills(count: u64) -> Result<Vec<u8>> {
    let header = BillingHeader {
        biller: "890500514-9".parse()?,
        additional_biller: None,
        entity_code: 901,
        file_date: BusinessDate::parse("2026-11-24")?,
        recorded_at: HourMinute::new(3, 0).ok_or("a time")?,
        modifier: FileModifier::FIRST,
    };
    let mut writer = BillingWriter::start(Vec::new(), &header)?;
    let lot = LotHeader { service_code: "4006381333931".parse()?, lot_number: 1 };
    writer.start_lot(&BillingLot { lot, description: "ENERGIA".to_owned() })?;
    for number in 0..count {
        writer.bill(&BillingRecord {
            reference: format!("{:048}", 123_456 + number).parse()?,
            secondary_reference: format!("F{number}"),
            periods: 1,
            cycle: "C01".to_owned(),
            amount: Money::from_pesos(92_700),
            additional_service: None,
            additional_amount: Money::ZERO,
            due_on: BusinessDate::parse("2026-12-05")?,
            receiving_entity: 0,
            customer_account: String::new(),
            customer_account_type: 0,
            customer_id: String::new(),
            customer_name: "MARIA GOMEZ PEREZ".to_owned(),
            entity_code: 901,
        })?;
    }
    writer.end_lot()?;
    Ok(writer.finish()?.0)
}

fn collection(count: u64) -> Result<Vec<u8>> {
    let header = CollectionHeader {
        biller: "890500514-9".parse()?,
        collection_date: BusinessDate::parse("2026-11-24")?,
        entity_code: 901,
        account: "00000000012345678".to_owned(),
        file_date: BusinessDate::parse("2026-11-25")?,
        recorded_at: HourMinute::new(6, 30).ok_or("a time")?,
        modifier: FileModifier::FIRST,
        account_type: 1,
    };
    let mut writer = CollectionWriter::start(Vec::new(), &header)?;
    writer.start_lot(&LotHeader { service_code: "4006381333931".parse()?, lot_number: 1 })?;
    for number in 0..count {
        writer.payment(&CollectionRecord {
            reference: format!("{:048}", 123_456 + number).parse()?,
            amount: Money::from_pesos(92_700),
            origin: OriginCode::COUNTER,
            means: MeansCode::COUNTER_CASH,
            operation_number: 1,
            authorisation_number: 0,
            debited_entity: 0,
            branch: 12,
            sequence: writer.next_sequence(),
            return_cause: String::new(),
        })?;
    }
    writer.end_lot()?;
    Ok(writer.finish()?.0)
}
