//! Deposits: cash that left the drawers for the utility's bank account.
//!
//! Declared by the partner with the slip, verified by an operator or a bank file: in part, late,
//! or for one slip at several times. Verification releases exposure; a setting gives a share of it
//! on the partner's word, which verification takes back as it replaces it. A slip is declared once.
//!
//! Whose room it is: the sessions a deposit names say whose cash it was, so each of their collection
//! points is credited in the proportion of the cash that its sessions took. A deposit that names none,
//! or none with cash, credits the collection point that declares it.

use serde::{Deserialize, Serialize};

use super::command::{DeclareDeposit, PartyKind, VerifyDeposit};
use super::fact::{Body, Deposit, DepositVerification, Fact, Place};
use super::ids::{CollectionPointId, Id, PartyId};
use super::money::Money;
use super::rejection::Rejection;
use super::world::{Moment, World};

/// A part of a deposit that is one collection point's.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Credit {
    /// The collection point.
    pub collection_point: CollectionPointId,
    /// How much.
    pub amount: Money,
}

/// The series in which the verifications of one deposit are numbered.
#[must_use]
pub fn series(deposit: Id) -> String {
    format!("deposit/{deposit}")
}

/// The series in which a slip has the only place: two declarations cannot both take it.
#[must_use]
pub fn slip_series(party: &PartyId, declare: &DeclareDeposit) -> String {
    format!("slip/{party}/{}/{}", declare.deposited_on, declare.slip_number.trim().to_uppercase())
}

/// Decides a declaration.
///
/// # Errors
/// The caller takes no money, the amount is none, the slip was declared before, or a session is not
/// the caller's.
pub fn declare(world: &World, moment: &Moment<'_>, command: &DeclareDeposit) -> Result<Vec<Fact>, Rejection> {
    if moment.caller.kind != PartyKind::Partner {
        return Err(Rejection::NotFound);
    }
    if !command.amount.is_positive() {
        return Err(Rejection::AmountBelowMinimum { minimum: Money::from_centavos(1) });
    }
    if command.amount > Money::MAX {
        return Err(Rejection::AmountExceedsDue { maximum: Money::MAX });
    }
    let party = &moment.caller.party;
    let series = slip_series(party, command);
    if let Some(earlier) = world.last_of.get(&series) {
        return Err(Rejection::DepositAlreadyDeclared { deposit_id: earlier.id });
    }
    let percent = world.partner(party).map_or(0, |partner| partner.settings.provisional_deposit_percent.min(100));
    let provisional = Money::from_centavos(command.amount.centavos() / 100 * i64::from(percent));
    let body = Deposit {
        slip_number: command.slip_number.clone(),
        amount: command.amount,
        deposited_on: command.deposited_on,
        sessions: command.sessions.clone(),
        provisional,
        credits: credits(world, moment, command)?,
    };
    Ok(vec![Fact {
        id: moment.id,
        recorded_at: moment.now,
        business_date: world.policy.business_date(moment.now),
        party: party.clone(),
        collection_point: moment.caller.collection_point.clone(),
        account: None,
        series: Some(Place { of: series, seq: 1 }),
        request: moment.asked(),
        ends: None,
        amount: Money::ZERO,
        body: Body::Deposit(body),
    }])
}

/// Decides a verification.
///
/// # Errors
/// Unknown deposit, or more than is outstanding of it.
pub fn verify(world: &World, moment: &Moment<'_>, command: &VerifyDeposit) -> Result<Vec<Fact>, Rejection> {
    if moment.caller.kind != PartyKind::Operator {
        return Err(Rejection::NotFound);
    }
    let declared = world.facts.get(&command.deposit_id).ok_or(Rejection::NotFound)?;
    let Body::Deposit(deposit) = &declared.body else { return Err(Rejection::NotFound) };
    let series = series(declared.id);
    let previous = world.last_of.get(&series);
    let (verified, released) = match previous.map(|fact| &fact.body) {
        Some(Body::DepositVerification(previous)) => (previous.verified, share(deposit, previous.verified)),
        _ => (Money::ZERO, Money::ZERO),
    };
    let outstanding = deposit.amount - verified;
    if command.amount > outstanding || !command.amount.is_positive() {
        return Err(Rejection::DepositExceeded { outstanding });
    }
    let body = DepositVerification {
        deposit_id: declared.id,
        partner: declared.party.clone(),
        amount: command.amount,
        verified: verified + command.amount,
        outstanding: outstanding - command.amount,
        provisional_released: share(deposit, verified + command.amount) - released,
        credits: released_between(deposit, verified, verified + command.amount),
        bank_reference: command.bank_reference.clone(),
    };
    Ok(vec![Fact {
        id: moment.id,
        recorded_at: moment.now,
        business_date: world.policy.business_date(moment.now),
        party: moment.caller.party.clone(),
        collection_point: declared.collection_point.clone(),
        account: None,
        series: Some(Place {
            of: series,
            seq: previous.and_then(|fact| fact.series.as_ref()).map_or(1, |place| place.seq + 1),
        }),
        request: moment.asked(),
        ends: None,
        amount: Money::ZERO,
        body: Body::DepositVerification(body),
    }])
}

/// The part of the provisional room that a verified amount has replaced.
fn share(deposit: &Deposit, verified: Money) -> Money {
    if verified >= deposit.amount {
        return deposit.provisional;
    }
    let part = i128::from(deposit.provisional.centavos()) * i128::from(verified.centavos());
    Money::from_centavos(i64::try_from(part / i128::from(deposit.amount.centavos().max(1))).unwrap_or(0))
}

/// Whose cash a deposit is, by the sessions it names.
fn credits(world: &World, moment: &Moment<'_>, command: &DeclareDeposit) -> Result<Vec<Credit>, Rejection> {
    let mut held: Vec<Credit> = Vec::new();
    let named = command.sessions.iter().enumerate();
    let named = named.filter(|(i, id)| !command.sessions[..*i].contains(id)).map(|(_, id)| id);
    for id in named {
        let opening =
            world.fact_of(&moment.caller.party, *id).filter(|fact| matches!(fact.body, Body::SessionOpening(_)));
        let opening = opening.ok_or(Rejection::NotFound)?;
        let till = opening.till().ok_or(Rejection::NotFound)?;
        let close =
            world.ended.get(id).and_then(|close| world.facts.get(close)).and_then(|close| close.session().cloned());
        let last = close.or_else(|| world.till(&till).session.filter(|session| session.id == *id));
        let amount = last.map_or(Money::ZERO, |session| session.cash.less(Money::ZERO));
        match held.iter_mut().find(|part| part.collection_point == till.collection_point) {
            Some(part) => part.amount += amount,
            None => held.push(Credit { collection_point: till.collection_point, amount }),
        }
    }
    held.retain(|part| part.amount.is_positive());
    let declaring: Option<&CollectionPointId> = moment.caller.collection_point.as_ref();
    if held.iter().all(|part| Some(&part.collection_point) == declaring) {
        return Ok(Vec::new());
    }
    let parts = divided(command.amount, &held);
    Ok(held.into_iter().zip(parts).map(|(part, amount)| Credit { amount, ..part }).collect())
}

/// An amount, divided in the proportion of others to the last centavo.
pub(super) fn divided(amount: Money, proportion: &[Credit]) -> Vec<Money> {
    let whole: i128 = proportion.iter().map(|part| i128::from(part.amount.centavos())).sum::<i128>().max(1);
    let (mut weight, mut given) = (0, 0);
    let part = |credit: &Credit| {
        weight += i128::from(credit.amount.centavos());
        let through = i128::from(amount.centavos()) * weight / whole;
        let part = through - given;
        given = through;
        Money::from_centavos(i64::try_from(part).unwrap_or(0))
    };
    proportion.iter().map(part).collect()
}

/// What each collection point gets back when the bank shows more of a deposit than before.
fn released_between(deposit: &Deposit, before: Money, after: Money) -> Vec<Credit> {
    let released = |verified: Money| {
        let parts = divided(verified, &deposit.credits).into_iter();
        let room = divided(share(deposit, verified), &deposit.credits);
        parts.zip(room).map(|(part, room)| part - room).collect::<Vec<Money>>()
    };
    let (before, after) = (released(before), released(after));
    let points = deposit.credits.iter().map(|credit| credit.collection_point.clone());
    let parts = before.into_iter().zip(after).map(|(before, after)| after - before);
    points.zip(parts).map(|(collection_point, amount)| Credit { collection_point, amount }).collect()
}
