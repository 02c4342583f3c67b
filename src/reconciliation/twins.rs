//! Rows of the partner that speak of one payment more than once.

use std::collections::HashMap;

use super::record::PartnerRow;
use crate::domain::ids::AccountNumber;
use crate::domain::money::Money;

/// Some partners write an annulled payment twice: as it was, and again as annulled. The annulled row
/// speaks for both; the original takes no further part.
pub(super) fn without_annulled_originals(rows: &[&PartnerRow]) -> Vec<bool> {
    let key = |row: &PartnerRow| row.payment_id.clone().or_else(|| row.receipt_number.clone());
    let mut annulled: HashMap<(String, &AccountNumber, Money), u32> = HashMap::new();
    for row in rows.iter().filter(|row| row.reversed) {
        if let Some(key) = key(row) {
            *annulled.entry((key, &row.account_number, row.amount)).or_default() += 1;
        }
    }
    let mut usable = vec![true; rows.len()];
    for (index, row) in rows.iter().enumerate().filter(|(_, row)| !row.reversed) {
        let Some(key) = key(row) else { continue };
        if let Some(count) = annulled.get_mut(&(key, &row.account_number, row.amount)).filter(|count| **count > 0) {
            *count -= 1;
            usable[index] = false;
        }
    }
    usable
}

/// The names that a row of the partner carries; the kinds below 2 are unique by their nature.
pub(super) fn keys(row: &PartnerRow) -> impl Iterator<Item = (u8, &str)> {
    let names = [&row.payment_id, &row.receipt_number, &row.partner_reference];
    (0u8..).zip(names).filter_map(|(kind, name)| name.as_deref().map(|name| (kind, name.trim())))
}

/// Whether two rows tell of the same account and amount.
pub(super) fn alike(one: &PartnerRow, twin: &PartnerRow) -> bool {
    one.account_number == twin.account_number && one.amount == twin.amount
}
