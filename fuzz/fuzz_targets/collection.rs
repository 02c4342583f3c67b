//! Asobancaria recaudo 2001. What is read whole and can be written is read again as the same.

#![no_main]

use recaudo_fuzz::files::asobancaria_2001::collection::{CollectionItem, CollectionReader, CollectionWriter};
use recaudo_fuzz::files::fixed_width::FileError;

fn read(bytes: &[u8]) -> Result<Vec<CollectionItem>, FileError> {
    CollectionReader::new(bytes).map(|read| read.map(|read| read.item)).collect()
}

fn written(items: &[CollectionItem]) -> Result<Vec<u8>, FileError> {
    let Some((CollectionItem::Header(header), items)) = items.split_first() else { panic!("no header: {items:?}") };
    let mut writer = CollectionWriter::start(Vec::new(), header)?;
    for item in items {
        match item {
            CollectionItem::Header(_) => panic!("two headers"),
            CollectionItem::Lot(lot) => writer.start_lot(lot)?,
            CollectionItem::Payment(payment) => writer.payment(payment)?,
            CollectionItem::LotEnd(totals) => assert_eq!(writer.end_lot()?, *totals),
            CollectionItem::End(totals) => {
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
});
