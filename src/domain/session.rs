//! Cash sessions: one cashier's drawer from opening to counted close.
//!
//! Everything that happens at a till is one numbered series, and every payment or reversal carries
//! the session as it stands after it. The chain makes a lost or doubled payment visible at the very
//! next call: a till that keeps its own count computes the same link, or knows that it differs.

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::calendar::{BusinessDate, Timestamp};
use super::command::{Close, Open};
use super::fact::{Body, Denomination, Fact, Place, SessionClose, SessionOpening, Tender};
use super::ids::{Id, Till};
use super::money::Money;
use super::position::hex;
use super::rejection::Rejection;
use super::world::{Moment, World};

/// A session right after one of its facts.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SessionStamp {
    /// The session: the id of its opening.
    pub id: Id,
    /// The business date it belongs to.
    pub business_date: BusinessDate,
    /// Who sits at it.
    pub cashier: String,
    /// What was in the drawer at the beginning.
    pub base: Money,
    /// How many payments and reversals it has seen.
    pub count: i64,
    /// Payments less reversals, of every tender.
    pub total: Money,
    /// The part of the total that is cash.
    pub cash: Money,
    /// SHA-256 link over the previous one and the canonical fact, in hexadecimal.
    pub chain: String,
}

/// A till, as its series says.
#[derive(Clone, Debug, Default)]
pub struct TillState {
    /// The last place taken in the series.
    pub last_seq: i64,
    /// The open session.
    pub session: Option<SessionStamp>,
}

impl TillState {
    /// What the last fact of the series says about the till.
    #[must_use]
    pub fn after(fact: &Fact) -> Self {
        let last_seq = fact.series.as_ref().map_or(0, |place| place.seq);
        let open = !matches!(fact.body, Body::SessionClose(_));
        Self { last_seq, session: fact.session().filter(|_| open).cloned() }
    }
}

impl SessionStamp {
    /// The session after money of one tender moved.
    #[must_use]
    pub fn after_money(&self, canonical: &Canonical<'_>, tender: Tender) -> Self {
        let cash = if tender == Tender::Cash { canonical.amount } else { Money::ZERO };
        Self {
            count: self.count + 1,
            total: self.total + canonical.amount,
            cash: self.cash + cash,
            chain: canonical.link(&self.chain),
            ..self.clone()
        }
    }

    /// What should be in the drawer.
    #[must_use]
    pub fn expected(&self) -> Money {
        self.base + self.cash
    }
}

/// The part of a fact that a chain covers. Its canonical form is six lines, each ended by `\n`:
/// the previous link, the outward id, the account number (or nothing), the amount, the business
/// date, the instant of recording.
#[derive(Clone, Copy, Debug)]
pub struct Canonical<'a> {
    /// The outward id.
    pub public_id: &'a str,
    /// The account.
    pub account_number: &'a str,
    /// Positive into the drawer, negative out of it.
    pub amount: Money,
    /// The business date.
    pub business_date: BusinessDate,
    /// The instant of recording.
    pub recorded_at: Timestamp,
}

impl Canonical<'_> {
    /// The next link of the chain.
    #[must_use]
    pub fn link(&self, previous: &str) -> String {
        let Self { public_id, account_number, amount, business_date, recorded_at } = self;
        let text = format!("{previous}\n{public_id}\n{account_number}\n{amount}\n{business_date}\n{recorded_at}\n");
        hex(&Sha256::digest(text.as_bytes()))
    }
}

/// Opens a session.
///
/// # Errors
/// The till has an open session of this business date, or the base is no amount.
pub fn open(world: &World, moment: &Moment<'_>, command: &Open) -> Result<Vec<Fact>, Rejection> {
    let till = moment.till(&command.till)?;
    if command.base < Money::ZERO {
        return Err(Rejection::AmountBelowMinimum { minimum: Money::ZERO });
    }
    if command.base > Money::MAX {
        return Err(Rejection::AmountExceedsDue { maximum: Money::MAX });
    }
    let state = world.till(&till);
    let today = world.business_date(&till.party, moment.now);
    let mut facts = Vec::new();
    if let Some(session) = &state.session {
        if session.business_date >= today {
            return Err(Rejection::SessionAlreadyOpen { session_id: session.id, cashier: session.cashier.clone() });
        }
        facts.push(unattended_close(world, moment, &till, session, state.last_seq + 1));
    }
    let seq = state.last_seq + 1 + i64::from(!facts.is_empty());
    let mut opening = opening(world, moment, &till, &command.cashier, seq);
    if let Body::SessionOpening(body) = &mut opening.body {
        body.base = command.base;
        body.session.base = command.base;
        body.implicit = false;
    }
    opening.id = moment.id;
    if let Body::SessionOpening(body) = &mut opening.body {
        body.session.id = moment.id;
    }
    opening.request = moment.asked();
    facts.insert(0, opening);
    Ok(facts)
}

/// The session a payment falls into, opening one (and closing yesterday's) where the rules allow.
/// The facts that have to be appended before the payment come back with it, and the last place
/// that they take.
///
/// # Errors
/// The partner's tills have to be opened first.
pub fn for_payment(
    world: &World,
    moment: &Moment<'_>,
    till: &Till,
    cashier: &str,
) -> Result<(SessionStamp, Vec<Fact>, i64), Rejection> {
    let state = world.till(till);
    let today = world.business_date(&till.party, moment.now);
    let stale = match &state.session {
        Some(session) if session.business_date >= today => return Ok((session.clone(), Vec::new(), state.last_seq)),
        stale => stale,
    };
    if world.partner(&till.party).is_some_and(|partner| partner.settings.explicit_sessions) {
        return Err(Rejection::SessionRequired { till: till.till.clone() });
    }
    let mut facts = Vec::new();
    let mut seq = state.last_seq;
    if let Some(session) = stale {
        seq += 1;
        facts.push(unattended_close(world, moment, till, session, seq));
    }
    seq += 1;
    let opening = opening(world, moment, till, cashier, seq);
    let Some(session) = opening.session().cloned() else {
        return Err(Rejection::SessionRequired { till: till.till.clone() });
    };
    facts.push(opening);
    Ok((session, facts, seq))
}

/// Closes a session with a blind count.
///
/// # Errors
/// No such session of this partner, or it is closed.
pub fn close(world: &World, moment: &Moment<'_>, command: &Close) -> Result<Vec<Fact>, Rejection> {
    let opening = world.fact_of(&moment.caller.party, command.session_id);
    let opening = opening.filter(|fact| matches!(fact.body, Body::SessionOpening(_))).ok_or(Rejection::NotFound)?;
    let till = opening.till().ok_or(Rejection::NotFound)?;
    moment.at_point(&till.collection_point)?;
    let state = world.till(&till);
    let session = match &state.session {
        Some(session) if session.id == opening.id => session,
        _ => return Err(Rejection::SessionClosed { session_id: opening.id }),
    };
    let counted = counted(&command.denominations);
    let body = SessionClose {
        session: session.clone(),
        till: till.till.clone(),
        cashier: command.cashier.clone(),
        expected: session.expected(),
        counted: Some(counted),
        difference: Some(counted - session.expected()),
        denominations: command.denominations.clone(),
        unattended: false,
    };
    let mut fact = till_fact(world, moment, &till, moment.id, state.last_seq + 1, Body::SessionClose(body));
    fact.ends = Some(session.id);
    fact.business_date = session.business_date;
    fact.request = moment.asked();
    Ok(vec![fact])
}

/// Closes a session whose business date is over and that nobody closed.
#[must_use]
pub fn unattended_close(world: &World, moment: &Moment<'_>, till: &Till, session: &SessionStamp, seq: i64) -> Fact {
    let body = SessionClose {
        session: session.clone(),
        till: till.till.clone(),
        cashier: session.cashier.clone(),
        expected: session.expected(),
        counted: None,
        difference: None,
        denominations: Vec::new(),
        unattended: true,
    };
    let mut fact = till_fact(world, moment, till, moment.id.sibling(1), seq, Body::SessionClose(body));
    fact.ends = Some(session.id);
    fact.business_date = session.business_date;
    fact
}

/// What was counted; a count that no drawer could hold stops at the largest amount.
fn counted(denominations: &[Denomination]) -> Money {
    let worth = |part: &Denomination| i128::from(part.value.centavos()) * i128::from(part.count);
    let sum: i128 = denominations.iter().map(worth).sum();
    i64::try_from(sum.clamp(0, i128::from(Money::MAX.centavos()))).map_or(Money::MAX, Money::from_centavos)
}

fn opening(world: &World, moment: &Moment<'_>, till: &Till, cashier: &str, seq: i64) -> Fact {
    let id = moment.id.sibling(2);
    let session = SessionStamp {
        id,
        business_date: world.business_date(&till.party, moment.now),
        cashier: cashier.to_owned(),
        base: Money::ZERO,
        count: 0,
        total: Money::ZERO,
        cash: Money::ZERO,
        chain: "0".repeat(64),
    };
    let body = SessionOpening {
        till: till.till.clone(),
        cashier: cashier.to_owned(),
        base: Money::ZERO,
        implicit: true,
        session,
    };
    till_fact(world, moment, till, id, seq, Body::SessionOpening(body))
}

fn till_fact(world: &World, moment: &Moment<'_>, till: &Till, id: Id, seq: i64, body: Body) -> Fact {
    Fact {
        id,
        recorded_at: moment.now,
        business_date: world.business_date(&till.party, moment.now),
        party: till.party.clone(),
        collection_point: Some(till.collection_point.clone()),
        account: None,
        series: Some(Place { of: till.series(), seq }),
        request: None,
        ends: None,
        amount: Money::ZERO,
        body,
    }
}
