//! The pure rooms of the program, mounted as they are, and what every target holds against them.
//!
//! Only `domain/`, `files/` and `reconciliation/` are here: they need neither a database nor a web
//! server, so a target is built in a minute and spends its time in the readers.

#![allow(dead_code, missing_docs, unexpected_cfgs, reason = "the rooms are mounted whole, and each target uses a part")]

#[path = "../../src/domain/mod.rs"]
pub mod domain;
#[path = "../../src/files/mod.rs"]
pub mod files;
#[path = "../../src/reconciliation/mod.rs"]
pub mod reconciliation;

use files::billing_feed::{FeedSettings, Format, MAX_LINE_BYTES, RowError, open};

/// Reads a feed to its end. Lines rise, no row is longer than the maximum, a fault names its place,
/// and an account that was taken is taken again when it is written as the contract says.
///
/// # Panics
/// One of these does not hold.
pub fn feed(bytes: &[u8], format: Option<Format>) {
    let Ok((header, rows)) = open(bytes, format, &FeedSettings::default()) else { return };
    let mut last = 0;
    let mut again = format!("{}\n", serde_json::json!({ "snapshot": header })).into_bytes();
    let mut taken = Vec::new();
    for row in rows {
        match row {
            Ok(row) => {
                assert!(row.line > last, "line {} comes after line {last}", row.line);
                assert!(row.raw.len() <= MAX_LINE_BYTES);
                last = row.line;
                again.extend(serde_json::to_vec(&row.account).expect("an account is JSON"));
                again.push(b'\n');
                taken.push(row.account);
            }
            Err(RowError::Rejected(fault)) => {
                assert!(fault.line > 0 && fault.column > 0 && !fault.rule.is_empty(), "{fault:?}");
                assert!(fault.raw.len() <= MAX_LINE_BYTES);
            }
            Err(RowError::Broken(_)) => return,
        }
    }
    let (same, rows) = open(again.as_slice(), Some(Format::Jsonl), &FeedSettings::default()).expect("a header");
    assert_eq!(same, header);
    let rows: Vec<_> = rows.map(|row| row.map(|row| row.account).expect("an account that was taken")).collect();
    assert_eq!(rows, taken);
}
