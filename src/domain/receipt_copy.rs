//! Copies of receipts: each reprint is counted, so that two pieces of paper are never one payment twice.

use serde::{Deserialize, Serialize};

use super::fact::{Body, Fact, Place};
use super::ids::Id;
use super::money::Money;
use super::rejection::Rejection;
use super::world::{Moment, World};

/// A receipt printed again.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReceiptCopy {
    /// The payment.
    pub payment_id: Id,
    /// Which copy: 1 is the first after the original.
    pub copy: u32,
}

/// The series in which the copies of one receipt are numbered.
#[must_use]
pub fn series(payment: Id) -> String {
    format!("receipt/{payment}")
}

/// Decides a reprint: it bears the next number.
///
/// # Errors
/// The caller has no such payment.
pub fn decide(world: &World, moment: &Moment<'_>, payment_id: Id) -> Result<Vec<Fact>, Rejection> {
    let payment = world.fact_of(&moment.caller.party, payment_id).ok_or(Rejection::NotFound)?;
    payment.payment().ok_or(Rejection::NotFound)?;
    let series = series(payment_id);
    let printed = world.last_of.get(&series).and_then(|fact| fact.series.as_ref()).map_or(0, |place| place.seq);
    let copy = u32::try_from(printed + 1).unwrap_or(u32::MAX);
    Ok(vec![Fact {
        id: moment.id,
        recorded_at: moment.now,
        business_date: world.policy.business_date(moment.now),
        party: moment.caller.party.clone(),
        collection_point: moment.caller.collection_point.clone(),
        account: None,
        series: Some(Place { of: series, seq: printed + 1 }),
        request: moment.asked(),
        ends: None,
        amount: Money::ZERO,
        body: Body::ReceiptCopy(ReceiptCopy { payment_id, copy }),
    }])
}
