//! The 48 digits that say what was paid, and where in them the account number stands.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use super::codes::CodeError;
use crate::domain::ids::AccountNumber;

/// The length of a reference in both files.
pub const LENGTH: usize = 48;

/// The principal reference: 48 digits.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Reference([u8; LENGTH]);

impl Reference {
    /// The digits.
    #[must_use]
    pub fn as_str(&self) -> &str {
        // Only digits ever get in, so this never falls back.
        std::str::from_utf8(&self.0).unwrap_or_default()
    }
}

impl FromStr for Reference {
    type Err = CodeError;

    fn from_str(text: &str) -> Result<Self, CodeError> {
        let digits: [u8; LENGTH] = text.as_bytes().try_into().map_err(|_| CodeError("48 digits"))?;
        if digits.iter().all(u8::is_ascii_digit) { Ok(Self(digits)) } else { Err(CodeError("48 digits")) }
    }
}

impl fmt::Display for Reference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl fmt::Debug for Reference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// Where the account number stands in the reference; it differs per bank and agreement.
///
/// The place is exactly as long as the account number: since leading zeros count, a shorter number
/// filled up with zeros would come back as another account.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum ReferencePlace {
    /// From the digit `start` (from 1), `length` digits.
    Columns {
        /// The first digit, from 1.
        start: usize,
        /// How many.
        length: usize,
    },
    /// The last so many digits.
    LastDigits(usize),
}

/// Why an account number and a place do not go together.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PlaceError {
    /// The setting points outside the 48 digits.
    #[error("the account number's place has to lie within the 48 digits of the reference")]
    Outside,
    /// The number is not as long as its place.
    #[error("account {account} does not fill the {length} digits that the reference keeps for it")]
    Length {
        /// The account.
        account: String,
        /// The length of the place.
        length: usize,
    },
    /// The number is not made of digits.
    #[error("account {account} is not made of digits only")]
    Digits {
        /// The account.
        account: String,
    },
}

impl ReferencePlace {
    /// A reference that carries the account number at this place and zeros elsewhere.
    ///
    /// # Errors
    /// The place lies outside the reference, or the number does not fill it exactly.
    pub fn place(self, account: &AccountNumber) -> Result<Reference, PlaceError> {
        let range = self.range().ok_or(PlaceError::Outside)?;
        let digits = account.as_str().as_bytes();
        if !digits.iter().all(u8::is_ascii_digit) {
            return Err(PlaceError::Digits { account: account.to_string() });
        }
        if digits.len() != range.len() {
            return Err(PlaceError::Length { account: account.to_string(), length: range.len() });
        }
        let mut reference = [b'0'; LENGTH];
        reference[range].copy_from_slice(digits);
        Ok(Reference(reference))
    }

    /// The account number that stands at this place.
    ///
    /// # Errors
    /// The place lies outside the reference.
    pub fn extract(self, reference: &Reference) -> Result<AccountNumber, PlaceError> {
        let range = self.range().ok_or(PlaceError::Outside)?;
        Ok(AccountNumber::from(&reference.as_str()[range]))
    }

    /// Whether the setting makes sense at all.
    #[must_use]
    pub fn is_valid(self) -> bool {
        self.range().is_some()
    }

    fn range(self) -> Option<std::ops::Range<usize>> {
        let (start, length) = match self {
            Self::Columns { start, length } => (start.checked_sub(1)?, length),
            Self::LastDigits(length) => (LENGTH.checked_sub(length)?, length),
        };
        let end = start.checked_add(length)?;
        (length > 0 && end <= LENGTH).then_some(start..end)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn an_account_is_found_where_it_was_placed(account in "[0-9]{1,48}", shift in 0usize..48) {
            let account = AccountNumber::new(account);
            let length = account.as_str().len();
            let start = 1 + shift.min(LENGTH - length);
            for place in [ReferencePlace::Columns { start, length }, ReferencePlace::LastDigits(length)] {
                prop_assert_eq!(place.extract(&place.place(&account)?)?, account.clone());
            }
        }
    }

    #[test]
    fn a_number_that_would_come_back_changed_is_refused() {
        let account = AccountNumber::from("000123456");
        assert!(ReferencePlace::LastDigits(8).place(&account).is_err());
        assert!(ReferencePlace::LastDigits(10).place(&account).is_err());
        assert!(ReferencePlace::LastDigits(9).place(&AccountNumber::from("00012345A")).is_err());
        for place in [
            ReferencePlace::LastDigits(49),
            ReferencePlace::LastDigits(0),
            ReferencePlace::Columns { start: 0, length: 9 },
            ReferencePlace::Columns { start: 41, length: 9 },
            ReferencePlace::Columns { start: 2, length: usize::MAX },
        ] {
            assert_eq!(place.place(&account), Err(PlaceError::Outside), "{place:?}");
        }
    }

    #[test]
    fn it_reads_as_a_setting() -> Result<(), serde_json::Error> {
        assert_eq!(serde_json::from_str::<ReferencePlace>(r#"{"last_digits":9}"#)?, ReferencePlace::LastDigits(9));
        let columns = serde_json::from_str::<ReferencePlace>(r#"{"columns":{"start":40,"length":9}}"#)?;
        assert_eq!(columns, ReferencePlace::Columns { start: 40, length: 9 });
        assert!(serde_json::from_str::<ReferencePlace>(r#"{"columns":{"start":1,"length":9,"pad":1}}"#).is_err());
        Ok(())
    }
}
