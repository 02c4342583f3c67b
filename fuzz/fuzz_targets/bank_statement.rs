//! A bank's statement: the first line is its mapping as JSON, the rest is the statement.

#![no_main]

use recaudo_fuzz::reconciliation::bank_file::read;
use recaudo_fuzz::reconciliation::mapping::BankFileMapping;
use recaudo_fuzz::reconciliation::partner_file::ReadError;
use recaudo_fuzz::reconciliation::table::MAX_ERRORS;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    let Some(end) = bytes.iter().position(|byte| *byte == b'\n') else { return };
    let (mapping, statement) = (&bytes[..end], &bytes[end + 1..]);
    let Ok(mapping) = serde_json::from_slice::<BankFileMapping>(mapping) else { return };
    match read(statement, &mapping) {
        Ok(rows) => assert!(rows.iter().all(|row| row.line > 0 && row.amount.is_positive())),
        Err(ReadError::File(errors)) => {
            assert!((1..=MAX_ERRORS).contains(&errors.errors.len()));
            assert!(!errors.to_string().is_empty());
        }
        Err(ReadError::Mapping(_)) => {}
    }
});
