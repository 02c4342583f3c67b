//! Cash in other people's drawers: what a partner holds and has not deposited.
//!
//! Checked on a read, charged by an increment when the batch commits. Between the two, another
//! gateway may charge as well: the overshoot is bounded by what the gateways have in flight, one
//! batch each (`posting.max_batch`), and the next batch sees it.

use super::deposit;
use super::fact::{Body, ExposureStamp, Fact, Tender};
use super::ids::{CollectionPointId, PartyId};
use super::money::Money;
use super::rejection::Rejection;
use super::world::{Moment, World, scopes};

/// Checks the ceilings for cash that is about to be taken, and says how things stand after it.
///
/// # Errors
/// A cash ceiling or an exposure limit would be passed.
pub fn check(world: &World, moment: &Moment<'_>, tender: Tender, amount: Money) -> Result<ExposureStamp, Rejection> {
    let cash = if tender == Tender::Cash { amount } else { Money::ZERO };
    let (party, point) = (&moment.caller.party, moment.caller.collection_point.as_ref());
    if let Some(partner) = world.partner(party).filter(|_| cash.is_positive()) {
        if let Some(limit) = partner.settings.cash_operation_limit.filter(|limit| cash > *limit) {
            return Err(Rejection::CashLimitExceeded { limit });
        }
        let month = scopes::month(party, world.business_date(party, moment.now));
        if let Some(limit) = partner.settings.cash_month_limit.filter(|limit| world.exposure(&month) + cash > *limit) {
            return Err(Rejection::CashLimitExceeded { limit });
        }
        for (used, limit) in limits(world, party, point) {
            if used + cash > limit {
                return Err(Rejection::ExposureLimitReached { used, limit });
            }
        }
    }
    Ok(stamp(world, party, point, cash))
}

/// How things stand for the holder of the cash after `change`: the tighter of the partner's and the collection point's limits.
#[must_use]
pub fn stamp(world: &World, party: &PartyId, point: Option<&CollectionPointId>, change: Money) -> ExposureStamp {
    let share = |used: Money, limit: Money| i128::from(used.centavos()) * 100 / i128::from(limit.centavos().max(1));
    let after = limits(world, party, point).into_iter().map(|(used, limit)| (used + change, limit));
    match after.max_by_key(|(used, limit)| share(*used, *limit)) {
        Some((used, limit)) => {
            let reached = |percent: &u8| share(used, limit) >= i128::from(*percent);
            let warning = world.policy.exposure_warnings.iter().copied().filter(|percent| reached(percent)).max();
            ExposureStamp { used, limit: Some(limit), warning }
        }
        None => {
            let used = world.exposure(&scopes::party(party)) + change;
            ExposureStamp { used, limit: None, warning: None }
        }
    }
}

fn limits(world: &World, party: &PartyId, point: Option<&CollectionPointId>) -> Vec<(Money, Money)> {
    let of_party = world.partner(party).and_then(|partner| partner.settings.exposure_limit);
    let of_point = point.and_then(|id| {
        let limit = world.points.get(id)?.settings.exposure_limit?;
        Some((world.exposure(&scopes::point(id)), limit))
    });
    of_party.map(|limit| (world.exposure(&scopes::party(party)), limit)).into_iter().chain(of_point).collect()
}

impl Fact {
    /// What it adds to which exposure counter.
    #[must_use]
    pub fn charges(&self) -> Vec<(String, Money)> {
        let change = self.exposure_change();
        let holder = match &self.body {
            Body::DepositVerification(verification) => &verification.partner,
            _ => &self.party,
        };
        let mut charges = vec![(scopes::party(holder), change)];
        if let Some(point) = &self.collection_point {
            match &self.body {
                Body::Deposit(deposit) if !deposit.credits.is_empty() => {
                    let room = deposit::divided(deposit.provisional, &deposit.credits);
                    let points = deposit.credits.iter().zip(room);
                    charges.extend(points.map(|(credit, room)| (scopes::point(&credit.collection_point), -room)));
                }
                Body::DepositVerification(part) if !part.credits.is_empty() => {
                    let points = part.credits.iter();
                    charges.extend(points.map(|part| (scopes::point(&part.collection_point), -part.amount)));
                }
                _ => charges.push((scopes::point(point), change)),
            }
        }
        let offline = match &self.body {
            Body::Payment(payment) => Some(payment.offline),
            Body::Reversal(reversal) => Some(reversal.offline),
            _ => None,
        };
        if let Some(offline) = offline {
            charges.push((scopes::month(holder, self.business_date), change));
            let point = self.collection_point.as_ref().filter(|_| offline);
            charges.extend(point.map(|point| (scopes::offline(point, self.business_date), change)));
        }
        charges.retain(|(_, change)| !change.is_zero());
        charges
    }
}
