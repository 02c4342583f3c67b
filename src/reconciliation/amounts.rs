//! Amounts as Colombian files and people write them, read by a stated rule and never by guessing.
//!
//! `92.700` is ninety-two thousand seven hundred to one partner and a fraction to another; which of
//! the two is the mapping's word, and a text that does not fit the mapping refuses the file.

use serde::{Deserialize, Serialize};

use crate::domain::money::Money;

/// How a file writes amounts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct AmountFormat {
    /// What stands before the centavos.
    pub decimal_separator: char,
    /// What may stand between groups of three digits; none: it may not occur.
    pub thousands_separator: Option<char>,
    /// How many trailing digits are centavos when no separator is written: 0, or 2 for `9270000`.
    pub implied_decimals: u8,
}

impl Default for AmountFormat {
    fn default() -> Self {
        Self { decimal_separator: '.', thousands_separator: None, implied_decimals: 0 }
    }
}

impl AmountFormat {
    /// Whether the three settings make sense together.
    ///
    /// # Errors
    /// Says which do not.
    pub fn check(&self) -> Result<(), &'static str> {
        let separators = [Some(self.decimal_separator), self.thousands_separator];
        if separators.into_iter().flatten().any(|c| c.is_ascii_digit() || c == '-' || c == '+') {
            return Err("a separator may not be a digit or a sign");
        }
        if self.thousands_separator == Some(self.decimal_separator) {
            return Err("the two separators may not be the same");
        }
        if !matches!(self.implied_decimals, 0 | 2) {
            return Err("implied_decimals is 0 or 2");
        }
        Ok(())
    }

    /// Reads an amount; blanks around it are ignored, a sign is not allowed.
    #[must_use]
    pub fn read(&self, text: &str) -> Option<Money> {
        let text = text.trim_matches(' ');
        if self.implied_decimals == 2 {
            let digits = all_digits(text) && text.len() <= 16;
            let centavos = if digits { text.parse().ok()? } else { return None };
            return Some(Money::from_centavos(centavos)).filter(|amount| *amount <= Money::MAX);
        }
        let (whole, fraction) = match text.split_once(self.decimal_separator) {
            Some((whole, fraction)) => (whole, Some(fraction)),
            None => (text, None),
        };
        let whole = self.without_groups(whole)?;
        if fraction.is_some_and(|digits| !all_digits(digits) || digits.len() > 2) {
            return None;
        }
        match fraction {
            Some(fraction) => format!("{whole}.{fraction}").parse().ok(),
            None => whole.parse().ok(),
        }
    }

    /// What the mapping allows, as an example for people.
    #[must_use]
    pub fn example(&self) -> String {
        match (self.implied_decimals, self.thousands_separator) {
            (2, _) => "9270000 (dos decimales implícitos)".to_owned(),
            (_, Some(group)) => format!("92700 o 92{group}700{}00", self.decimal_separator),
            (_, None) => format!("92700 o 92700{}00", self.decimal_separator),
        }
    }

    /// The digits of the whole part; groups, once begun, have to be of three.
    fn without_groups(&self, whole: &str) -> Option<String> {
        let Some(separator) = self.thousands_separator.filter(|separator| whole.contains(*separator)) else {
            return all_digits(whole).then(|| whole.to_owned());
        };
        let mut groups = whole.split(separator);
        let first = groups.next()?;
        let shaped = all_digits(first) && first.len() <= 3 && groups.all(|group| all_digits(group) && group.len() == 3);
        shaped.then(|| whole.replace(separator, ""))
    }
}

/// An amount for people: `$ 92.700,00`.
#[must_use]
pub fn pesos(amount: Money) -> String {
    let centavos = amount.centavos().unsigned_abs();
    let sign = if amount < Money::ZERO { "-" } else { "" };
    format!("{sign}$ {},{:02}", grouped(centavos / 100), centavos % 100)
}

/// A whole number with points between groups of three digits: `92.700`.
#[must_use]
pub fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::with_capacity(digits.len() + digits.len() / 3);
    for (place, digit) in digits.chars().enumerate() {
        if place > 0 && (digits.len() - place).is_multiple_of(3) {
            text.push('.');
        }
        text.push(digit);
    }
    text
}

fn all_digits(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit())
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const PLAIN: AmountFormat = AmountFormat { decimal_separator: '.', thousands_separator: None, implied_decimals: 0 };
    const COLOMBIAN: AmountFormat =
        AmountFormat { decimal_separator: ',', thousands_separator: Some('.'), implied_decimals: 0 };
    const IMPLIED: AmountFormat =
        AmountFormat { decimal_separator: '.', thousands_separator: None, implied_decimals: 2 };

    fn centavos(format: AmountFormat, text: &str) -> Option<i64> {
        format.read(text).map(Money::centavos)
    }

    #[test]
    fn one_text_means_what_the_mapping_says_and_nothing_else() {
        assert_eq!(centavos(PLAIN, "92700"), Some(9_270_000));
        assert_eq!(centavos(PLAIN, "92700.5"), Some(9_270_050));
        assert_eq!(centavos(COLOMBIAN, "92.700,00"), Some(9_270_000));
        assert_eq!(centavos(COLOMBIAN, "92.700"), Some(9_270_000));
        assert_eq!(centavos(COLOMBIAN, "92700"), Some(9_270_000));
        assert_eq!(centavos(IMPLIED, "9270000"), Some(9_270_000));
        for text in ["92.700", "92,700", "92.700,00", "-1", "+1", "", " ", "1e3", "$ 5", "1.", ".5", "٣"] {
            assert_eq!(centavos(PLAIN, text), None, "plain {text}");
        }
        for text in ["92.70", "92700.00", "9.2700,00", ".700", "92..700", "92.700.", "1234.567", "1,234,5", "92,700"] {
            assert_eq!(centavos(COLOMBIAN, text), None, "colombian {text}");
        }
        for text in ["92700.00", "92.700", "99999999999999"] {
            assert_eq!(centavos(IMPLIED, text), None, "implied {text}");
        }
    }

    #[test]
    fn settings_that_contradict_themselves_are_refused() {
        assert!(AmountFormat { thousands_separator: Some('.'), ..PLAIN }.check().is_err());
        assert!(AmountFormat { implied_decimals: 1, ..PLAIN }.check().is_err());
        assert!(AmountFormat { decimal_separator: '0', ..PLAIN }.check().is_err());
        assert!(COLOMBIAN.check().is_ok());
    }

    proptest! {
        #[test]
        fn what_is_printed_for_people_is_read_back(amount in 0..=9_999_999_999_999i64) {
            let printed = pesos(Money::from_centavos(amount));
            prop_assert_eq!(centavos(COLOMBIAN, printed.trim_start_matches("$ ")), Some(amount));
        }
    }
}
