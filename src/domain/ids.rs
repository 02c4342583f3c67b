//! Names of things: what billing, partners and we ourselves call accounts, parties and facts.
//!
//! An [`Id`] is a UUIDv7 written as 26 characters of lower-case Crockford base32 (RFC 9562),
//! so text order is time order. Outside it wears the prefix of its kind (`pay_01k…`); inside it
//! goes without. Ids are minted by `clock.rs`; this room only reads and prints them.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use super::text::from_text;

const ALPHABET: &[u8; 32] = b"0123456789abcdefghjkmnpqrstvwxyz";
/// Characters of an id.
const CHARS: usize = 26;
/// What each character stands for; [`NO_DIGIT`] for those that are not of the alphabet.
const DIGITS: [u8; 256] = {
    let mut digits = [NO_DIGIT; 256];
    let mut value = 0;
    while value < ALPHABET.len() {
        digits[ALPHABET[value] as usize] = value as u8;
        value += 1;
    }
    digits
};
const NO_DIGIT: u8 = 0xff;

/// The identity of one fact (or other row of ours).
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Id(u128);

/// A text that is not an id.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("an id is a prefix, an underscore and 26 characters of 0-9 a-z without i, l, o, u")]
pub struct IdError;

impl Id {
    /// From the 128 bits of a UUID.
    #[must_use]
    pub const fn from_bits(bits: u128) -> Self {
        Self(bits)
    }

    /// The 128 bits.
    #[must_use]
    pub const fn bits(self) -> u128 {
        self.0
    }

    /// The id of a fact that is born together with this one: the same instant, another tail.
    #[must_use]
    pub const fn sibling(self, ordinal: u8) -> Self {
        Self(self.0 ^ ordinal as u128)
    }

    /// The outward form: `pay_01k…`.
    #[must_use]
    pub fn with_prefix(self, prefix: &str) -> String {
        let mut text = String::with_capacity(prefix.len() + 1 + CHARS);
        text.push_str(prefix);
        text.push('_');
        text.push_str(as_str(&self.text()));
        text
    }

    fn text(self) -> [u8; CHARS] {
        let mut text = [0u8; CHARS];
        let mut rest = self.0;
        for place in text.iter_mut().rev() {
            *place = ALPHABET[(rest & 31) as usize];
            rest >>= 5;
        }
        text
    }

    /// Reads the outward form of one kind.
    ///
    /// # Errors
    /// Another prefix, or not 26 characters of the alphabet.
    pub fn parse_with_prefix(text: &str, prefix: &str) -> Result<Self, IdError> {
        text.strip_prefix(prefix).and_then(|rest| rest.strip_prefix('_')).ok_or(IdError)?.parse()
    }
}

impl fmt::Display for Id {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(as_str(&self.text()))
    }
}

/// Only letters of the alphabet are in it.
fn as_str(text: &[u8; CHARS]) -> &str {
    std::str::from_utf8(text).unwrap_or_default()
}

impl fmt::Debug for Id {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl FromStr for Id {
    type Err = IdError;

    fn from_str(text: &str) -> Result<Self, IdError> {
        let bytes = text.as_bytes();
        // 26 × 5 = 130 bits: the first character carries only three.
        if bytes.len() != CHARS || bytes[0] > b'7' {
            return Err(IdError);
        }
        let (mut bits, mut strange) = (0u128, false);
        for byte in bytes {
            let value = DIGITS[*byte as usize];
            strange |= value == NO_DIGIT;
            bits = bits << 5 | u128::from(value & 31);
        }
        if strange { Err(IdError) } else { Ok(Self(bits)) }
    }
}

impl Serialize for Id {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(as_str(&self.text()))
    }
}

impl<'de> Deserialize<'de> for Id {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        from_text(deserializer, "an id of 26 characters", str::parse)
    }
}

macro_rules! name {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(transparent)]
        pub struct $name(String);

        impl $name {
            /// As it stands; whoever calls has checked the shape.
            pub fn new(text: impl Into<String>) -> Self {
                Self(text.into())
            }

            /// The text.
            #[must_use]
            pub fn as_str(&self) -> &str {
                &self.0
            }

            /// The text, without a copy.
            #[must_use]
            pub fn into_text(self) -> String {
                self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }

        impl From<&str> for $name {
            fn from(text: &str) -> Self {
                Self(text.to_owned())
            }
        }
    };
}

name! {
    /// The number of a supply contract: digits whose leading zeros count.
    AccountNumber
}
name! {
    /// A registered party: a partner, billing, the reconnection service or an operator.
    PartyId
}
name! {
    /// One place where a partner takes money.
    CollectionPointId
}
name! {
    /// What makes a repeated request recognisable: 1 to 255 visible ASCII characters.
    IdempotencyKey
}

/// One cash drawer: its partner, its collection point, and the name the partner gave it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Till {
    /// The partner.
    pub party: PartyId,
    /// The place.
    pub collection_point: CollectionPointId,
    /// The drawer.
    pub till: String,
}

impl Till {
    /// The series in which everything that happens at this till is numbered.
    #[must_use]
    pub fn series(&self) -> String {
        format!("till/{}/{}/{}", self.party, self.collection_point, self.till)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn ids_read_what_they_print_and_sort_as_their_bits(a: u128, b: u128) {
            let (left, right) = (Id::from_bits(a), Id::from_bits(b));
            prop_assert_eq!(left.to_string().parse::<Id>(), Ok(left));
            prop_assert_eq!(Id::parse_with_prefix(&left.with_prefix("pay"), "pay"), Ok(left));
            prop_assert_eq!(left.cmp(&right), left.to_string().cmp(&right.to_string()));
        }
    }

    #[test]
    fn what_is_not_an_id_is_refused() {
        for text in [
            "",
            "pay_",
            "pay_0",
            "rec_01k00000000000000000000000",
            "pay_81k00000000000000000000000",
            "pay_01K00000000000000000000000",
            "pay_0lk00000000000000000000000",
        ] {
            assert_eq!(Id::parse_with_prefix(text, "pay"), Err(IdError), "{text}");
        }
    }
}
