//! Money: whole centavos in an `i64`, and nothing else.
//!
//! The wire form is a decimal string with at most two decimals (`"85400.00"`); a JSON number,
//! a sign, an exponent or a third decimal is refused, because each of them has cost somebody a
//! peso somewhere. `rust_decimal` reads; arithmetic and printing are integer. Floats may not enter.

use std::fmt;
use std::iter::Sum;
use std::str::FromStr;

use rust_decimal::Decimal;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::text::from_text;

/// An amount of money in centavos (hundredths of a peso).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Money(i64);

/// Why a text is not an amount.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum MoneyError {
    /// Not digits, optionally followed by a point and one or two digits.
    #[error("an amount is digits with at most two decimals, such as \"85400.00\"")]
    Shape,
    /// More than the ledger can hold.
    #[error("an amount may not exceed {max}", max = Money::MAX)]
    TooLarge,
}

impl Money {
    /// Nothing.
    pub const ZERO: Self = Self(0);
    /// The largest amount accepted from outside: 99,999,999,999.99, which leaves room to add
    /// ninety million of them without overflow.
    pub const MAX: Self = Self(9_999_999_999_999);
    /// The largest sum that is written and read back: what a day adds up to outgrows one amount, and
    /// a fact that could not be read again would stop its till for ever.
    const MAX_SUM: Self = Self(999_999_999_999_999_999);

    /// From centavos.
    #[must_use]
    pub const fn from_centavos(centavos: i64) -> Self {
        Self(centavos)
    }

    /// From whole pesos.
    #[must_use]
    pub const fn from_pesos(pesos: i64) -> Self {
        Self(pesos * 100)
    }

    /// In centavos.
    #[must_use]
    pub const fn centavos(self) -> i64 {
        self.0
    }

    /// Whether this is exactly nothing.
    #[must_use]
    pub const fn is_zero(self) -> bool {
        self.0 == 0
    }

    /// Whether this is more than nothing.
    #[must_use]
    pub const fn is_positive(self) -> bool {
        self.0 > 0
    }

    /// What remains after taking `other` away, never below zero.
    #[must_use]
    pub fn less(self, other: Self) -> Self {
        Self((self.0 - other.0).max(0))
    }

    /// Whether this is a whole multiple of `step`; any amount is one of a step of zero.
    #[must_use]
    pub const fn is_multiple_of(self, step: Self) -> bool {
        step.0 == 0 || self.0 % step.0 == 0
    }

    /// The largest multiple of `step` that is not above this.
    #[must_use]
    pub const fn floor_to(self, step: Self) -> Self {
        if step.0 == 0 { self } else { Self(self.0 - self.0 % step.0) }
    }
}

impl std::ops::Add for Money {
    type Output = Self;
    fn add(self, other: Self) -> Self {
        Self(self.0 + other.0)
    }
}

impl std::ops::Sub for Money {
    type Output = Self;
    fn sub(self, other: Self) -> Self {
        Self(self.0 - other.0)
    }
}

impl std::ops::AddAssign for Money {
    fn add_assign(&mut self, other: Self) {
        self.0 += other.0;
    }
}

impl std::ops::SubAssign for Money {
    fn sub_assign(&mut self, other: Self) {
        self.0 -= other.0;
    }
}

impl std::ops::Neg for Money {
    type Output = Self;
    fn neg(self) -> Self {
        Self(-self.0)
    }
}

impl Sum for Money {
    fn sum<I: Iterator<Item = Self>>(amounts: I) -> Self {
        amounts.fold(Self::ZERO, |total, amount| total + amount)
    }
}

impl fmt::Display for Money {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.printed(|text| f.write_str(text))
    }
}

impl Money {
    /// As `rust_decimal` prints it (a property test compares), without the division of a wide number for
    /// each digit: every answer prints a dozen amounts.
    fn printed<T>(self, then: impl FnOnce(&str) -> T) -> T {
        // A sign, seventeen digits, a point and two more.
        let mut text = [0u8; 21];
        let (mut at, mut rest) = (text.len(), self.0.unsigned_abs());
        while at > text.len() - 4 || rest > 0 {
            at -= 1;
            if at == text.len() - 3 {
                text[at] = b'.';
                continue;
            }
            text[at] = b"0123456789"[(rest % 10) as usize];
            rest /= 10;
        }
        if self.0 < 0 {
            at -= 1;
            text[at] = b'-';
        }
        then(std::str::from_utf8(&text[at..]).unwrap_or_default())
    }
}

impl FromStr for Money {
    type Err = MoneyError;

    fn from_str(text: &str) -> Result<Self, MoneyError> {
        Self::read(text, Self::MAX)
    }
}

impl Money {
    fn read(text: &str, most: Self) -> Result<Self, MoneyError> {
        let (whole, fraction) = text.split_once('.').unwrap_or((text, "0"));
        let digits = |part: &str| !part.is_empty() && part.bytes().all(|b| b.is_ascii_digit());
        if !digits(whole) || !digits(fraction) || fraction.len() > 2 {
            return Err(MoneyError::Shape);
        }
        if whole.len() > 18 {
            return Err(MoneyError::TooLarge);
        }
        let mut amount: Decimal = text.parse().map_err(|_| MoneyError::Shape)?;
        amount.rescale(2);
        let centavos = i64::try_from(amount.mantissa()).map_err(|_| MoneyError::TooLarge)?;
        if centavos > most.0 {
            return Err(MoneyError::TooLarge);
        }
        Ok(Self(centavos))
    }
}

impl Serialize for Money {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.printed(|text| serializer.serialize_str(text))
    }
}

impl<'de> Deserialize<'de> for Money {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        // A stored difference may be below zero and a stored sum large; what comes from outside is held to its
        // bounds by the edge, the billing feed's faults and the rules.
        from_text(deserializer, "an amount as a string, such as \"85400.00\"", |text| match text.strip_prefix('-') {
            Some(rest) => Self::read(rest, Self::MAX_SUM).map(|amount| -amount),
            None => Self::read(text, Self::MAX_SUM),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn what_is_not_an_amount_is_refused() {
        for text in ["", "-1", "+1", "1e3", "1_0", "1.", ".5", "1.234", " 1", "1,00", "٣", "0x10", "NaN", "1.0.0"] {
            assert_eq!(text.parse::<Money>(), Err(MoneyError::Shape), "{text}");
        }
        assert_eq!("100000000000".parse::<Money>(), Err(MoneyError::TooLarge));
        assert_eq!("9999999999999999999999999999999".parse::<Money>(), Err(MoneyError::TooLarge));
        assert!(serde_json::from_str::<Money>("85400").is_err());
        assert!(serde_json::from_str::<Money>("85400.5").is_err());
    }

    #[test]
    fn centavos_survive_where_floats_lose_them() {
        assert_eq!("19.99".parse::<Money>().map(Money::centavos), Ok(1999));
        assert_eq!("85400".parse::<Money>().map(|m| m.to_string()), Ok("85400.00".to_owned()));
        assert_eq!("0.5".parse::<Money>().map(Money::centavos), Ok(50));
    }

    proptest! {
        #[test]
        fn it_prints_as_a_decimal_of_two_places_does(centavos in proptest::num::i64::ANY) {
            prop_assert_eq!(Money::from_centavos(centavos).to_string(), Decimal::new(centavos, 2).to_string());
        }

        #[test]
        fn printing_and_parsing_is_the_identity(centavos in 0..=Money::MAX.0) {
            let amount = Money::from_centavos(centavos);
            prop_assert_eq!(amount.to_string().parse::<Money>(), Ok(amount));
            prop_assert_eq!(serde_json::from_str::<Money>(&serde_json::to_string(&amount)?)?, amount);
        }
    }
}
