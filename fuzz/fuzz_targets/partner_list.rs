//! A partner's own list: the first line is its mapping as JSON, the rest is the list.

#![no_main]

use recaudo_fuzz::domain::calendar::BusinessDate;
use recaudo_fuzz::reconciliation::mapping::PartnerFileMapping;
use recaudo_fuzz::reconciliation::partner_file::{ReadError, read};
use recaudo_fuzz::reconciliation::table::MAX_ERRORS;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    let Some(end) = bytes.iter().position(|byte| *byte == b'\n') else { return };
    let (mapping, list) = (&bytes[..end], &bytes[end + 1..]);
    let Ok(mapping) = serde_json::from_slice::<PartnerFileMapping>(mapping) else { return };
    match read(list, &mapping, BusinessDate::parse("2026-11-24").ok()) {
        Ok(rows) => assert!(rows.iter().all(|row| row.line > 0 && row.amount.is_positive())),
        Err(ReadError::File(errors)) => {
            assert!((1..=MAX_ERRORS).contains(&errors.errors.len()));
            assert!(!errors.to_string().is_empty());
        }
        Err(ReadError::Mapping(_)) => {}
    }
});
