//! Digests of a stretch of time, from the payments that were recorded in it.

use super::own_side::Payments;
use crate::domain::calendar::Timestamp;
use crate::domain::ids::PartyId;
use crate::domain::policy::Policy;
use crate::reconciliation::digest::{BucketMinutes, DigestRow, Digests, digests};

/// Buckets of one answer, at most.
pub const MAX_BUCKETS: i64 = 2000;

/// The payments that were recorded from one instant up to another.
///
/// A payment takes the business date of its instant or, when that was sealed early, the next one.
#[must_use]
pub fn payments(policy: &Policy, party: &PartyId, from: Timestamp, until: Timestamp, max_rows: usize) -> Payments {
    let through = policy.business_date(until).next();
    Payments::of_dates(party, policy.business_date(from), through, max_rows).recorded(from, until)
}

/// How many buckets a stretch has.
#[must_use]
pub const fn buckets(from: Timestamp, until: Timestamp, bucket: BucketMinutes) -> i64 {
    until.minutes_since(from) / bucket.get() as i64 + 1
}

/// The digests of payments.
#[must_use]
pub fn of(payments: Payments, bucket: BucketMinutes) -> Digests {
    let rows = payments.rows();
    digests(rows.iter().map(DigestRow::from), bucket)
}
