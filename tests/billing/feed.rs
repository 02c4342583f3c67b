//! Small feeds, written to files.

use std::fs::File;
use std::io::{Seek, Write};

use recaudo::billing::import::Options;
use recaudo::files::billing_feed::{SnapshotHeader, SnapshotKind};
use serde_json::{Value, json};

/// A feed that a test builds up.
#[derive(Clone)]
pub struct Feed {
    pub header: SnapshotHeader,
    pub lines: Vec<String>,
}

impl Feed {
    pub fn full(id: &str, as_of: &str) -> Self {
        let as_of = recaudo::domain::calendar::Timestamp::parse(as_of).unwrap();
        let header = SnapshotHeader {
            id: id.to_owned(),
            kind: SnapshotKind::Full,
            as_of,
            collections_included_through: Default::default(),
            currency: "COP".to_owned(),
        };
        Self { header, lines: Vec::new() }
    }

    pub fn delta(id: &str, as_of: &str) -> Self {
        let mut feed = Self::full(id, as_of);
        feed.header.kind = SnapshotKind::Delta;
        feed
    }

    pub fn through(mut self, partner: &str, batch: Option<String>) -> Self {
        self.header.collections_included_through.insert(partner.into(), batch);
        self
    }

    pub fn account(mut self, number: u32, balance: u32) -> Self {
        self.lines.push(account(number, balance).to_string());
        self
    }

    pub fn accounts(mut self, numbers: impl IntoIterator<Item = u32>, balance: u32) -> Self {
        self.lines.extend(numbers.into_iter().map(|number| account(number, balance).to_string()));
        self
    }

    pub fn suspended(mut self, number: u32, balance: u32) -> Self {
        let mut account = account(number, balance);
        account["service"] = json!({"status": "suspended", "since": "2026-11-10", "cause": "non_payment"});
        self.lines.push(account.to_string());
        self
    }

    pub fn text(&self) -> String {
        let head = json!({ "snapshot": self.header }).to_string();
        std::iter::once(&head).chain(&self.lines).map(|line| format!("{line}\n")).collect()
    }

    pub fn file(&self) -> File {
        file_of(self.text().as_bytes())
    }
}

pub fn file_of(bytes: &[u8]) -> File {
    let mut file = tempfile::tempfile().unwrap();
    file.write_all(bytes).unwrap();
    file.rewind().unwrap();
    file
}

pub fn number(number: u32) -> String {
    format!("{number:09}")
}

fn account(number: u32, balance: u32) -> Value {
    let bills = match balance {
        0 => json!([]),
        _ => json!([{"bill_number": format!("F{number}"), "period": "2026-10", "issued_on": "2026-10-05",
            "due_on": "2026-10-20", "balance": format!("{balance}.00")}]),
    };
    json!({"account_number": self::number(number), "holder_name": "MARIA GOMEZ PEREZ",
        "municipality_code": "54001", "status": "active", "service": {"status": "active"}, "bills": bills})
}

pub fn valid_only() -> Options {
    Options { accept_valid: true, ..Options::default() }
}
