//! What holds for an account in whatever form it came, and where in a JSON line a member stands.

use std::collections::BTreeMap;

use serde_json::value::RawValue;

use super::{RowFault, SnapshotHeader};
use crate::domain::account::Account;
use crate::domain::money::Money;
use crate::domain::policy::{AccountNumberRule, CheckDigit};

/// The currency of every amount.
const CURRENCY: &str = "COP";
/// The longest id of a snapshot.
const MAX_ID_CHARS: usize = 100;
/// The longest text of an account.
const MAX_TEXT_CHARS: usize = 200;
/// How much of what was found a fault shows.
const SHOWN_CHARS: usize = 60;

/// The first rule an account breaks, as a JSON pointer and a sentence.
pub(super) fn broken_rule(account: &Account, rule: &AccountNumberRule) -> Option<(String, String)> {
    if rule.parse(account.account_number.as_str()).is_err() {
        let check = if rule.check_digit == CheckDigit::None { "" } else { ", the last of them the check digit" };
        let sentence = format!("an account number is {} to {} digits{check}", rule.min_digits, rule.max_digits);
        return Some(("/account_number".to_owned(), sentence));
    }
    if let Some((member, sentence)) = account.faults().into_iter().next() {
        return Some((as_pointer(&member), sentence.to_owned()));
    }
    let negative = |amount: Option<Money>| amount.is_some_and(|amount| amount < Money::ZERO);
    let service = &account.service;
    for (pointer, amount) in [
        ("/service/amount_to_reconnect", service.amount_to_reconnect),
        ("/service/reconnection_fee", service.reconnection_fee),
    ] {
        if negative(amount) {
            return Some((pointer.to_owned(), "an amount is not below zero".to_owned()));
        }
    }
    for (i, bill) in account.bills.iter().enumerate() {
        if !is_period(&bill.period) {
            return Some((format!("/bills/{i}/period"), "a period is a month, YYYY-MM".to_owned()));
        }
    }
    broken_text(account).map(|pointer| {
        (pointer, format!("a text has at most {MAX_TEXT_CHARS} characters and none that controls a printer"))
    })
}

/// Where the first text stands that may not come from outside and go to tickets and screens.
fn broken_text(account: &Account) -> Option<String> {
    let broken = |text: &str| !is_text(text);
    if broken(&account.holder_name) {
        return Some("/holder_name".to_owned());
    }
    if account.service.known_incident.as_deref().is_some_and(broken) {
        return Some("/service/known_incident".to_owned());
    }
    if let Some(i) = account.bills.iter().position(|bill| broken(&bill.bill_number)) {
        return Some(format!("/bills/{i}/bill_number"));
    }
    let i = account.agreements.iter().position(|agreement| broken(&agreement.agreement_id))?;
    Some(format!("/agreements/{i}/agreement_id"))
}

fn is_text(text: &str) -> bool {
    (text.len() <= MAX_TEXT_CHARS || text.chars().count() <= MAX_TEXT_CHARS) && !text.chars().any(char::is_control)
}

fn is_period(text: &str) -> bool {
    let bytes = text.as_bytes();
    bytes.len() == 7
        && bytes[4] == b'-'
        && bytes.iter().enumerate().all(|(i, byte)| i == 4 || byte.is_ascii_digit())
        && matches!(&bytes[5..], [b'0', b'1'..=b'9'] | [b'1', b'0'..=b'2'])
}

/// The first rule a header breaks, as a member's name and a sentence.
pub(super) fn broken_header(header: &SnapshotHeader) -> Option<(&'static str, String)> {
    if header.currency != CURRENCY {
        return Some(("currency", format!("the currency is {CURRENCY}")));
    }
    let length = header.id.chars().count();
    if length == 0 || length > MAX_ID_CHARS || header.id.chars().any(char::is_control) {
        return Some(("id", format!("a snapshot has an id of 1 to {MAX_ID_CHARS} characters")));
    }
    None
}

/// `bills[0].balance` as a JSON pointer.
fn as_pointer(member: &str) -> String {
    format!("/{}", member.replace(['.', '['], "/").replace(']', ""))
}

/// A text as a fault shows it.
pub(super) fn shown(bytes: &[u8]) -> String {
    let text = String::from_utf8_lossy(bytes);
    if text.chars().count() <= SHOWN_CHARS {
        return text.into_owned();
    }
    text.chars().take(SHOWN_CHARS).chain(std::iter::once('…')).collect()
}

/// A fault of a JSON line at a pointer: looks up where the member stands and what it says.
pub(super) fn fault_at(line: u64, raw: &[u8], pointer: String, rule: String) -> RowFault {
    let (column, found) = match locate(raw, &pointer) {
        Some((offset, value)) => (offset + 1, shown(value)),
        None => (1, shown(raw)),
    };
    RowFault { line, column, pointer, rule, found, raw: raw.to_vec() }
}

/// Where in a JSON text the value at a pointer stands: its offset and its bytes.
fn locate<'a>(raw: &'a [u8], pointer: &str) -> Option<(usize, &'a [u8])> {
    let mut value: &RawValue = serde_json::from_slice(raw).ok()?;
    for segment in pointer.split('/').skip(1) {
        let text = value.get();
        value = if text.starts_with('[') {
            let items: Vec<&RawValue> = serde_json::from_str(text).ok()?;
            items.get(segment.parse::<usize>().ok()?).copied()?
        } else {
            let members: BTreeMap<String, &RawValue> = serde_json::from_str(text).ok()?;
            members.get(segment).copied()?
        };
    }
    let bytes = value.get().as_bytes();
    // The value borrows from `raw`, so the distance of their addresses is its offset.
    let offset = (bytes.as_ptr() as usize).checked_sub(raw.as_ptr() as usize)?;
    Some((offset, bytes))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_member_is_found_where_it_stands() {
        let raw = br#" {"a":{"b":[1, "two"]},"c":null}"#;
        assert_eq!(locate(raw, "/a/b/1"), Some((15, b"\"two\"".as_slice())));
        assert_eq!(locate(raw, "/c"), Some((27, b"null".as_slice())));
        assert_eq!(locate(raw, "/a/b/2"), None);
        assert_eq!(locate(b"{", "/a"), None);
        assert_eq!(as_pointer("bills[0].balance"), "/bills/0/balance");
    }

    #[test]
    fn periods_are_months() {
        assert!(is_period("2026-10") && is_period("2026-01"));
        assert!(!["2026-13", "2026-00", "202610", "2026-1", "2026/10", "2026-1a"].into_iter().any(is_period));
    }
}
