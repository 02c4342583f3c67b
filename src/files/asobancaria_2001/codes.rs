//! The codes that both files use: NIT, GLN, entity, modifier, procedencia and medio.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// A text that is not the code it should be, with what is allowed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct CodeError(pub &'static str);

/// A company's tax number: nine digits and their check digit.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Nit(u64);

impl Nit {
    /// What is allowed, as a phrase.
    pub const ALLOWED: &'static str = "a NIT: nine digits and the check digit that belongs to them";

    /// From the ten digits as a number.
    ///
    /// # Errors
    /// Zero, more than ten digits, or a check digit that does not belong to the others.
    pub const fn from_number(number: u64) -> Result<Self, CodeError> {
        let body = number / 10;
        if number == 0 || body > 999_999_999 || nit_check_digit(body) != number % 10 {
            return Err(CodeError(Self::ALLOWED));
        }
        Ok(Self(number))
    }

    /// The ten digits as a number.
    #[must_use]
    pub const fn number(self) -> u64 {
        self.0
    }
}

impl FromStr for Nit {
    type Err = CodeError;

    fn from_str(text: &str) -> Result<Self, CodeError> {
        let digits = text.replacen('-', "", 1);
        let shaped = digits.len() == 10 && digits.bytes().all(|byte| byte.is_ascii_digit());
        let dashed_right = text.find('-').is_none_or(|place| place == 9);
        let number = digits.parse().ok().filter(|_| shaped && dashed_right).ok_or(CodeError(Self::ALLOWED))?;
        Self::from_number(number)
    }
}

impl fmt::Display for Nit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:09}-{}", self.0 / 10, self.0 % 10)
    }
}

/// The tax authority's weights, from the last of the nine digits to the first.
const fn nit_check_digit(body: u64) -> u64 {
    let weights = [3, 7, 13, 17, 19, 23, 29, 37, 41];
    let (mut sum, mut rest, mut place) = (0, body, 0);
    while place < weights.len() {
        sum += rest % 10 * weights[place];
        rest /= 10;
        place += 1;
    }
    let remainder = sum % 11;
    if remainder < 2 { remainder } else { 11 - remainder }
}

/// A service's GLN (EAN-13): twelve digits and their check digit.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Gln(u64);

impl Gln {
    /// What is allowed, as a phrase.
    pub const ALLOWED: &'static str = "a GLN (EAN-13): twelve digits and the check digit that belongs to them";

    /// From the thirteen digits as a number.
    ///
    /// # Errors
    /// More than thirteen digits, or a check digit that does not belong to the others.
    pub const fn from_number(number: u64) -> Result<Self, CodeError> {
        let (mut sum, mut rest, mut weight) = (0, number / 10, 3);
        while rest > 0 {
            sum += rest % 10 * weight;
            rest /= 10;
            weight = 4 - weight;
        }
        if number > 9_999_999_999_999 || (10 - sum % 10) % 10 != number % 10 {
            return Err(CodeError(Self::ALLOWED));
        }
        Ok(Self(number))
    }

    /// The thirteen digits as a number.
    #[must_use]
    pub const fn number(self) -> u64 {
        self.0
    }
}

impl FromStr for Gln {
    type Err = CodeError;

    fn from_str(text: &str) -> Result<Self, CodeError> {
        let shaped = text.len() == 13 && text.bytes().all(|byte| byte.is_ascii_digit());
        let number = text.parse().ok().filter(|_| shaped).ok_or(CodeError(Self::ALLOWED))?;
        Self::from_number(number)
    }
}

impl fmt::Display for Gln {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:013}", self.0)
    }
}

/// Which of the day's files this is: `A` to `Z`, then `0` to `9`; no day has more than 36.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct FileModifier(u8);

impl FileModifier {
    /// How many files a day can have.
    pub const PER_DAY: u8 = 36;
    /// The first file of a day.
    pub const FIRST: Self = Self(0);
    /// What is allowed, as a phrase.
    pub const ALLOWED: &'static str = "A to Z, then 0 to 9";

    /// The modifier of the day's file number `ordinal`, counted from zero.
    #[must_use]
    pub const fn from_ordinal(ordinal: u8) -> Option<Self> {
        if ordinal < Self::PER_DAY { Some(Self(ordinal)) } else { None }
    }

    /// The file's place in the day, from zero.
    #[must_use]
    pub const fn ordinal(self) -> u8 {
        self.0
    }

    /// The modifier of the next file of the day.
    #[must_use]
    pub const fn next(self) -> Option<Self> {
        Self::from_ordinal(self.0 + 1)
    }
}

impl FromStr for FileModifier {
    type Err = CodeError;

    fn from_str(text: &str) -> Result<Self, CodeError> {
        match text.as_bytes() {
            [letter @ b'A'..=b'Z'] => Ok(Self(letter - b'A')),
            [digit @ b'0'..=b'9'] => Ok(Self(digit - b'0' + 26)),
            _ => Err(CodeError(Self::ALLOWED)),
        }
    }
}

impl fmt::Display for FileModifier {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let byte = if self.0 < 26 { b'A' + self.0 } else { b'0' + self.0 - 26 };
        write!(f, "{}", char::from(byte))
    }
}

impl Default for FileModifier {
    fn default() -> Self {
        Self::FIRST
    }
}

macro_rules! as_text {
    ($($name:ident),*) => {$(
        impl Serialize for $name {
            fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.collect_str(self)
            }
        }

        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                let text = std::borrow::Cow::<'de, str>::deserialize(deserializer)?;
                text.parse().map_err(serde::de::Error::custom)
            }
        }
    )*};
}
as_text!(Nit, Gln, FileModifier);

/// Procedencia: the kind of place a payment came in through, two digits; unknown ones are kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct OriginCode(pub u8);

impl OriginCode {
    /// 01: what a counter uses in real files.
    pub const COUNTER: Self = Self(1);

    /// Whether the manual lists it: 01 banks to 08 Servibanca.
    #[must_use]
    pub const fn is_known(self) -> bool {
        matches!(self.0, 1..=8)
    }
}

/// Medio: the means of payment, two digits; unknown ones are kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct MeansCode(pub u8);

impl MeansCode {
    /// 01: cash at a counter.
    pub const COUNTER_CASH: Self = Self(1);
    /// 02: a cheque at a counter.
    pub const COUNTER_CHEQUE: Self = Self(2);
    /// 13: a debit card at a point of sale.
    pub const DEBIT_POINT_OF_SALE: Self = Self(13);
    /// 23: a credit card at a point of sale.
    pub const CREDIT_POINT_OF_SALE: Self = Self(23);

    /// Whether the manual lists it: 01 to 03 counter, 11 to 15 debit, 21 to 25 credit card.
    #[must_use]
    pub const fn is_known(self) -> bool {
        matches!(self.0, 1..=3 | 11..=15 | 21..=25)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn check_digits_tell_a_slip_of_the_pen() {
        assert_eq!("890500514-9".parse::<Nit>().map(|nit| nit.to_string()), Ok("890500514-9".to_owned()));
        assert_eq!("8909049961".parse::<Nit>().map(Nit::number), Ok(8_909_049_961));
        for wrong in ["890500541-9", "890500514-8", "890500514", "89-05005149", "", "0000000000", "+890500514"] {
            assert!(wrong.parse::<Nit>().is_err(), "{wrong}");
        }
        assert_eq!("4006381333931".parse::<Gln>().map(|gln| gln.to_string()), Ok("4006381333931".to_owned()));
        for wrong in ["4006381333913", "4006381333930", "400638133393", "40063813339310", "+400638133393"] {
            assert!(wrong.parse::<Gln>().is_err(), "{wrong}");
        }
    }

    #[test]
    fn a_day_has_thirty_six_files_in_order() {
        let day: String = (0..=36).map_while(FileModifier::from_ordinal).map(|m| m.to_string()).collect();
        assert_eq!(day, "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789");
        assert!(day.chars().enumerate().all(|(i, letter)| {
            letter.to_string().parse::<FileModifier>().is_ok_and(|modifier| usize::from(modifier.ordinal()) == i)
        }));
        assert!(["", "a", "AA", "-", "Ñ"].iter().all(|wrong| wrong.parse::<FileModifier>().is_err()));
    }

    #[test]
    fn serde_goes_through_the_same_check() {
        assert!(serde_json::from_str::<Nit>("\"890500514-9\"").is_ok());
        assert!(serde_json::from_str::<Nit>("\"890500514-1\"").is_err());
    }
}
