//! Account numbers by the million, at eight bytes each.

use std::collections::HashSet;

use crate::billing::Office;
use crate::domain::ids::AccountNumber;
use crate::store::StoreError;

/// Numbers read from the books at once.
const PAGE: u32 = 50_000;
/// The most digits of which, with a one before them, make an integer of eight bytes.
const MOST_DIGITS: usize = 18;

/// A set of account numbers. With a one before its digits, which keeps leading zeros apart, a number is
/// an integer.
#[derive(Debug, Default)]
pub(super) struct Numbers(HashSet<u64>);

/// A number as an integer; nothing when it is not digits, or too many of them.
pub(super) fn packed(number: &AccountNumber) -> Option<u64> {
    let digits = number.as_str().as_bytes();
    if digits.len() > MOST_DIGITS || !digits.iter().all(u8::is_ascii_digit) {
        return None;
    }
    Some(digits.iter().fold(1, |sum, digit| sum * 10 + u64::from(digit - b'0')))
}

/// The number that an integer stands for.
pub(super) fn unpacked(number: u64) -> AccountNumber {
    AccountNumber::new(&number.to_string()[1..])
}

impl Numbers {
    /// Every account that the books know.
    pub(super) fn known(office: &Office) -> Result<Self, StoreError> {
        let mut conn = office.store.connect()?;
        let (mut numbers, mut after) = (HashSet::new(), String::new());
        loop {
            let page = conn.account_numbers(&after, PAGE)?;
            let Some(last) = page.last() else { return Ok(Self(numbers)) };
            after = last.to_string();
            for number in &page {
                let wrong = || StoreError::Corrupt(format!("account {number} is not a number of {MOST_DIGITS} digits"));
                numbers.insert(packed(number).ok_or_else(wrong)?);
            }
        }
    }

    /// Takes a number in. `false`: it was in.
    pub(super) fn insert(&mut self, number: u64) -> bool {
        self.0.insert(number)
    }

    /// Takes a number out. `false`: it was not in.
    pub(super) fn remove(&mut self, number: u64) -> bool {
        self.0.remove(&number)
    }

    pub(super) fn len(&self) -> usize {
        self.0.len()
    }

    /// What is in, in order.
    pub(super) fn sorted(self) -> Vec<AccountNumber> {
        let mut numbers: Vec<u64> = self.0.into_iter().collect();
        numbers.sort_unstable();
        numbers.into_iter().map(unpacked).collect()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn a_number_comes_back_with_its_leading_zeros(text in "[0-9]{1,18}") {
            let number = AccountNumber::new(text);
            prop_assert_eq!(packed(&number).map(unpacked), Some(number));
        }

        #[test]
        fn what_is_no_number_is_not_packed(text in "[0-9]{0,5}[a-z +-][0-9]{0,5}|[0-9]{19,30}") {
            prop_assert_eq!(packed(&AccountNumber::new(text)), None);
        }
    }
}
