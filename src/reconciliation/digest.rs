//! Digests per stretch of time, so that two systems find the rows they differ in with a few small calls.
//!
//! A payment falls into the bucket of its `recorded_at`: seconds since 1970 in UTC, rounded down to the
//! bucket's length. Its canonical line is
//! `receipt_number;account_number;centavos;business_date;state` and a line feed, where state is `A`
//! for a payment that stands and `R` for one taken back. The hash of a bucket is the SHA-256 of its
//! lines in byte order, one after the other; so the order in which a system keeps its rows is its own
//! affair. `count` counts all lines, `sum` adds those that stand. A bucket without lines is left out.
//!
//! A partner computes the same in ten lines of Python:
//!
//! ```python
//! import collections, datetime, hashlib
//! def digests(payments, minutes):
//!     buckets = collections.defaultdict(list)
//!     for p in payments:
//!         at = int(datetime.datetime.fromisoformat(p["recorded_at"].replace("Z", "+00:00")).timestamp())
//!         centavos, state = int(p["amount"].replace(".", "")), "R" if p["reversed"] else "A"
//!         line = f'{p["receipt_number"]};{p["account_number"]};{centavos};{p["business_date"]};{state}\n'
//!         buckets[at - at % (minutes * 60)].append((line.encode(), centavos if state == "A" else 0))
//!     for start, lines in sorted(buckets.items()):
//!         yield start, len(lines), sum(c for _, c in lines), hashlib.sha256(b"".join(sorted(l for l, _ in lines))).hexdigest()
//! ```

use std::collections::BTreeMap;
use std::fmt::Write as _;

use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

use super::record::LedgerPayment;
use crate::domain::calendar::{BusinessDate, Timestamp};
use crate::domain::ids::AccountNumber;
use crate::domain::money::Money;

/// The length of a bucket in minutes; a whole number of them makes a day.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "u16", into = "u16")]
pub struct BucketMinutes(u16);

/// Why digests cannot be made or compared.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum DigestError {
    /// Not a divisor of a day.
    #[error("a bucket is 1 to 1440 minutes and a whole number of them makes a day")]
    Minutes,
    /// The two lists were made with other bucket lengths.
    #[error("digests compare only when their buckets have the same length")]
    OtherLength,
}

/// What a digest is made from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DigestRow<'a> {
    /// The number printed on the receipt.
    pub receipt_number: &'a str,
    /// Whose debt was paid.
    pub account_number: &'a AccountNumber,
    /// How much.
    pub amount: Money,
    /// The day it belongs to.
    pub business_date: BusinessDate,
    /// When the gateway wrote it down, as the gateway answered it.
    pub recorded_at: Timestamp,
    /// Whether it was taken back.
    pub reversed: bool,
}

/// One bucket.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Digest {
    /// Its first instant.
    pub start: Timestamp,
    /// Payments in it, those taken back too.
    pub count: u64,
    /// Sum of those that stand.
    pub sum: Money,
    /// SHA-256 of the canonical lines, 64 hexadecimal digits.
    pub hash: String,
}

/// The buckets of a stretch of time, those that hold something, in order.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Digests {
    /// The length of each bucket.
    pub bucket_minutes: BucketMinutes,
    /// The buckets.
    pub buckets: Vec<Digest>,
}

/// A bucket in which two systems differ.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DigestDifference {
    /// The bucket's first instant.
    pub start: Timestamp,
    /// The instant after its last.
    pub end: Timestamp,
    /// Ours; none: we have nothing there.
    pub ours: Option<Digest>,
    /// Theirs; none: they have nothing there.
    pub theirs: Option<Digest>,
}

impl BucketMinutes {
    /// An hour.
    pub const HOUR: Self = Self(60);

    /// From minutes.
    ///
    /// # Errors
    /// Not 1 to 1440, or a day is not a whole number of them.
    pub const fn new(minutes: u16) -> Result<Self, DigestError> {
        if minutes == 0 || 1440 % minutes != 0 { Err(DigestError::Minutes) } else { Ok(Self(minutes)) }
    }

    /// In minutes.
    #[must_use]
    pub const fn get(self) -> u16 {
        self.0
    }

    /// The length to ask for next inside a bucket that differs; none: ask for its rows.
    #[must_use]
    pub const fn finer(self) -> Option<Self> {
        match self.0 {
            61.. => Some(Self(60)),
            6.. => Some(Self(5)),
            2.. => Some(Self(1)),
            _ => None,
        }
    }

    /// The first instant of the bucket that holds `at`.
    #[must_use]
    pub const fn start_of(self, at: Timestamp) -> Timestamp {
        let length = self.0 as i64 * 60_000_000;
        Timestamp::from_micros(at.micros().div_euclid(length) * length)
    }
}

impl TryFrom<u16> for BucketMinutes {
    type Error = DigestError;
    fn try_from(minutes: u16) -> Result<Self, DigestError> {
        Self::new(minutes)
    }
}

impl From<BucketMinutes> for u16 {
    fn from(minutes: BucketMinutes) -> Self {
        minutes.0
    }
}

impl<'a> From<&'a LedgerPayment> for DigestRow<'a> {
    fn from(one: &'a LedgerPayment) -> Self {
        Self {
            receipt_number: &one.receipt_number,
            account_number: &one.account_number,
            amount: one.amount,
            business_date: one.business_date,
            recorded_at: one.recorded_at,
            reversed: one.reversed.is_some(),
        }
    }
}

impl DigestRow<'_> {
    /// The canonical line, its line feed included.
    #[must_use]
    pub fn canonical(&self) -> String {
        let state = if self.reversed { 'R' } else { 'A' };
        let centavos = self.amount.centavos();
        format!("{};{};{centavos};{};{state}\n", self.receipt_number, self.account_number, self.business_date)
    }
}

/// The digests of rows in any order.
pub fn digests<'a>(rows: impl IntoIterator<Item = DigestRow<'a>>, bucket_minutes: BucketMinutes) -> Digests {
    let mut lines: BTreeMap<Timestamp, (Vec<String>, Money)> = BTreeMap::new();
    for row in rows {
        let entry = lines.entry(bucket_minutes.start_of(row.recorded_at)).or_default();
        entry.0.push(row.canonical());
        entry.1 += if row.reversed { Money::ZERO } else { row.amount };
    }
    let bucket = |(start, (mut lines, sum)): (Timestamp, (Vec<String>, Money))| {
        lines.sort_unstable();
        let mut hash = Sha256::new();
        lines.iter().for_each(|line| hash.update(line.as_bytes()));
        let hash = hash.finalize().iter().fold(String::with_capacity(64), |mut text, byte| {
            // Writing to a String cannot fail.
            _ = write!(text, "{byte:02x}");
            text
        });
        Digest { start, count: lines.len() as u64, sum, hash }
    };
    Digests { bucket_minutes, buckets: lines.into_iter().map(bucket).collect() }
}

/// The buckets in which two systems differ, in order.
///
/// # Errors
/// The buckets have other lengths.
pub fn compare(ours: &Digests, theirs: &Digests) -> Result<Vec<DigestDifference>, DigestError> {
    if ours.bucket_minutes != theirs.bucket_minutes {
        return Err(DigestError::OtherLength);
    }
    let mut by_start: BTreeMap<Timestamp, (Option<&Digest>, Option<&Digest>)> = BTreeMap::new();
    ours.buckets.iter().for_each(|one| by_start.entry(one.start).or_default().0 = Some(one));
    theirs.buckets.iter().for_each(|one| by_start.entry(one.start).or_default().1 = Some(one));
    let minutes = i64::from(ours.bucket_minutes.get());
    let differing = by_start.into_iter().filter(|(_, (ours, theirs))| ours != theirs);
    Ok(differing
        .map(|(start, (ours, theirs))| DigestDifference {
            start,
            end: start.plus_minutes(minutes),
            ours: ours.cloned(),
            theirs: theirs.cloned(),
        })
        .collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::reconciliation::tests::planted::{Chance, payment, reversal};
    use proptest::prelude::*;

    fn of(payments: &[LedgerPayment], minutes: u16) -> Digests {
        digests(payments.iter().map(DigestRow::from), BucketMinutes::new(minutes).unwrap())
    }

    fn some(seed: u64, count: u64) -> Vec<LedgerPayment> {
        let mut chance = Chance(seed);
        (0..count).map(|number| payment(number, number, chance.number(500) + 1, chance.number(1_200))).collect()
    }

    /// Rows of ours within a bucket, as the next question would ask for them.
    fn within(payments: &[LedgerPayment], one: &DigestDifference) -> Vec<LedgerPayment> {
        payments.iter().filter(|row| (one.start..one.end).contains(&row.recorded_at)).cloned().collect()
    }

    #[test]
    fn the_hash_is_the_one_that_a_partner_computes() {
        let mut rows = vec![payment(1, 123_456, 92_700, 600), payment(2, 7, 50, 601), payment(3, 8, 1_000, 700)];
        rows[2].reversed = reversal();
        let made = of(&rows, 60);
        let told: Vec<_> =
            made.buckets.iter().map(|b| (b.start.to_string(), b.count, b.sum, b.hash.as_str())).collect();
        // The two hashes were computed with the Python lines of this module's description.
        let expected = [
            ("2026-11-24T15:00:00.000000Z".to_owned(), 2, Money::from_pesos(92_750), FIRST),
            ("2026-11-24T16:00:00.000000Z".to_owned(), 1, Money::ZERO, SECOND),
        ];
        assert_eq!(told, expected);
    }

    const FIRST: &str = "23d66f112c723e7658f8f5d4467419df0e94c6865ad62b3797ab74d1741de615";
    const SECOND: &str = "5e3d0d96aec9ac06a14f2cfedd2da7a53c6f1cafbad62c232aab330dd54d960b";

    #[test]
    fn a_bucket_divides_the_day() {
        for minutes in [0, 7, 1_441, 2_880] {
            assert_eq!(BucketMinutes::new(minutes), Err(DigestError::Minutes));
        }
        assert!(serde_json::from_str::<BucketMinutes>("7").is_err());
        assert_eq!(compare(&of(&[], 60), &of(&[], 30)), Err(DigestError::OtherLength));
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]

        #[test]
        fn order_never_matters_and_nothing_is_lost(seed: u64, count in 0u64..200, minutes in prop::sample::select(vec![1u16, 5, 15, 60, 1440])) {
            let rows = some(seed, count);
            let mut shuffled = rows.clone();
            Chance(seed ^ 1).shuffle(&mut shuffled);
            let made = of(&rows, minutes);
            prop_assert_eq!(&made, &of(&shuffled, minutes));
            prop_assert_eq!(made.buckets.iter().map(|one| one.count).sum::<u64>(), count);
            let sum: Money = rows.iter().map(|one| one.amount).sum();
            prop_assert_eq!(made.buckets.iter().map(|one| one.sum).sum::<Money>(), sum);
            prop_assert!(compare(&made, &made)?.is_empty());
        }

        #[test]
        fn bisecting_ends_at_the_rows_that_differ(seed: u64, changed in 0usize..200, how in 0u8..5) {
            let ours = some(seed, 200);
            let mut theirs = ours.clone();
            match how {
                0 => _ = theirs.remove(changed),
                1 => theirs[changed].amount += Money::from_centavos(1),
                2 => theirs[changed].account_number = AccountNumber::from("999999999"),
                3 => theirs[changed].reversed = reversal(),
                _ => theirs[changed].business_date = theirs[changed].business_date.next(),
            }
            let (mut left, mut right) = (ours.clone(), theirs);
            let mut length = Some(BucketMinutes::new(1440)?);
            let mut calls = 0;
            while let Some(minutes) = length {
                let found = compare(&of(&left, minutes.get()), &of(&right, minutes.get()))?;
                prop_assert_eq!(found.len(), 1);
                (left, right) = (within(&left, &found[0]), within(&right, &found[0]));
                length = minutes.finer();
                calls += 1;
            }
            prop_assert!(calls <= 4);
            prop_assert!(left.contains(&ours[changed]));
            prop_assert!(left.len() <= 20, "a minute of two hundred payments in twenty hours");
        }
    }
}
