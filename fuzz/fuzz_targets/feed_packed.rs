//! The billing feed as it comes: packed or plain, its form told by its first bytes.

#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| recaudo_fuzz::feed(bytes, None));
