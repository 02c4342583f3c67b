//! Collection batches: the payments of a partner's business dates, closed for ever.
//!
//! Sealing is a fact. Payments of a sealed business date cannot be, because every later payment
//! takes the first business date that is not closed; the writer holds the partner's batch lock
//! while it seals, so what is in flight falls on one side or the other.

use super::command::Seal;
use super::fact::{BatchSeal, Body, Fact, Place};
use super::ids::PartyId;
use super::money::Money;
use super::rejection::Rejection;
use super::world::{Moment, World};

/// The series in which a partner's seals are numbered.
#[must_use]
pub fn series(partner: &PartyId) -> String {
    format!("batch/{partner}")
}

/// Decides a seal.
///
/// # Errors
/// Unknown partner, or the business date is closed, or it has not begun.
pub fn seal(world: &World, moment: &Moment<'_>, command: &Seal) -> Result<Vec<Fact>, Rejection> {
    let partner = world.partner(&command.partner).ok_or(Rejection::NotFound)?;
    // Today may be closed before it is over: what comes later takes tomorrow. Tomorrow may not be
    // closed before it begins, or a repeated slip would push payments further and further ahead.
    let today = world.policy.business_date(moment.now);
    if command.through > today || partner.sealed_through.is_some_and(|sealed| command.through <= sealed) {
        return Err(Rejection::BatchNotSealable);
    }
    let series = series(&command.partner);
    let previous = world.last_of.get(&series);
    let seq = previous.and_then(|fact| fact.series.as_ref()).map_or(1, |place| place.seq + 1);
    let body = BatchSeal {
        partner: command.partner.clone(),
        from: match partner.sealed_through {
            Some(sealed) => sealed.next(),
            // The first batch of a partner begins where its facts do, or they would be in none.
            None => command.contents.first.map_or(command.through, |first| first.min(command.through)),
        },
        through: command.through,
        count: command.contents.count,
        total: command.contents.total,
    };
    Ok(vec![Fact {
        id: moment.id,
        recorded_at: moment.now,
        business_date: command.through,
        party: command.partner.clone(),
        collection_point: None,
        account: None,
        series: Some(Place { of: series, seq }),
        request: None,
        ends: None,
        amount: Money::ZERO,
        body: Body::BatchSeal(body),
    }])
}
