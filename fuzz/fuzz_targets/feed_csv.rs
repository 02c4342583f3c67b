//! The billing feed as CSV.

#![no_main]

use recaudo_fuzz::files::billing_feed::Format;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| recaudo_fuzz::feed(bytes, Some(Format::Csv)));
