//! A cut that was made, as the crew or an operator reports it: kept as evidence, and nothing follows from
//! it. What state the supply is in stays billing's word.

use serde::{Deserialize, Serialize};

use super::calendar::Timestamp;
use super::command::{PartyKind, ReportCut};
use super::fact::{Body, Fact, Place};
use super::money::Money;
use super::rejection::Rejection;
use super::world::{Moment, World};

/// A cut that was made.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CutReport {
    /// When, as the crew says.
    pub at: Timestamp,
    /// Who did it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub crew: Option<String>,
}

/// Decides a report; it takes its place in the account's history.
///
/// # Errors
/// Billing does not know the account, or the caller has nothing to do with cuts.
pub fn report(world: &World, moment: &Moment<'_>, command: &ReportCut) -> Result<Vec<Fact>, Rejection> {
    if !matches!(moment.caller.kind, PartyKind::Reconnection | PartyKind::Operator) {
        return Err(Rejection::NotFound);
    }
    let state = world.account(&command.account_number)?;
    // Nothing is reported before it happens.
    let at = command.at.unwrap_or(moment.now).min(moment.now);
    Ok(vec![Fact {
        id: moment.id,
        recorded_at: moment.now,
        business_date: world.policy.business_date(moment.now),
        party: moment.caller.party.clone(),
        collection_point: None,
        account: Some(Place { of: command.account_number.clone(), seq: state.last_seq + 1 }),
        series: None,
        request: moment.asked(),
        ends: None,
        amount: Money::ZERO,
        body: Body::CutReport(CutReport { at, crew: command.crew.clone() }),
    }])
}
