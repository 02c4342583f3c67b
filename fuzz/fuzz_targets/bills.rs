//! Asobancaria facturación 2001: the reader by itself, and as a billing feed.
//!
//! What is read whole and can be written is read again as the same.

#![no_main]

use recaudo_fuzz::files::asobancaria_2001::billing::{BillingItem, BillingReader, BillingWriter};
use recaudo_fuzz::files::billing_feed::Format;
use recaudo_fuzz::files::fixed_width::FileError;

fn read(bytes: &[u8]) -> Result<Vec<BillingItem>, FileError> {
    BillingReader::new(bytes).map(|read| read.map(|read| read.item)).collect()
}

fn written(items: &[BillingItem]) -> Result<Vec<u8>, FileError> {
    let Some((BillingItem::Header(header), items)) = items.split_first() else { panic!("no header: {items:?}") };
    let mut writer = BillingWriter::start(Vec::new(), header)?;
    for item in items {
        match item {
            BillingItem::Header(_) => panic!("two headers"),
            BillingItem::Lot(lot) => writer.start_lot(lot)?,
            BillingItem::Bill(bill) => writer.bill(bill)?,
            BillingItem::LotEnd(totals) => assert_eq!(writer.end_lot()?, *totals),
            BillingItem::End(totals) => {
                let (bytes, sums) = writer.finish()?;
                assert_eq!(sums, *totals);
                return Ok(bytes);
            }
        }
    }
    panic!("the file was taken without an end")
}

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    if let Ok(items) = read(bytes)
        && let Ok(bytes) = written(&items)
    {
        assert_eq!(read(&bytes).expect("what was written"), items);
    }
    recaudo_fuzz::feed(bytes, Some(Format::Asobancaria2001));
});
