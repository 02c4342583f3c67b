//! Deposits: cash that left the drawers for the utility's bank account.
//!
//! Declared by the partner with the slip, verified by an operator or a bank file: in part, late,
//! or for one slip at several times. Verification releases exposure; a setting gives a share of it
//! on the partner's word, which verification takes back as it replaces it.

use super::command::{DeclareDeposit, PartyKind, VerifyDeposit};
use super::fact::{Body, Deposit, DepositVerification, Fact, Place};
use super::ids::Id;
use super::money::Money;
use super::rejection::Rejection;
use super::world::{Moment, World};

/// The series in which the verifications of one deposit are numbered.
#[must_use]
pub fn series(deposit: Id) -> String {
    format!("deposit/{deposit}")
}

/// Decides a declaration.
///
/// # Errors
/// The caller takes no money, or the amount is none.
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
    let percent = world.partner(party).map_or(0, |partner| partner.settings.provisional_deposit_percent.min(100));
    let provisional = Money::from_centavos(command.amount.centavos() / 100 * i64::from(percent));
    let body = Deposit {
        slip_number: command.slip_number.clone(),
        amount: command.amount,
        deposited_on: command.deposited_on,
        sessions: command.sessions.clone(),
        provisional,
    };
    Ok(vec![Fact {
        id: moment.id,
        recorded_at: moment.now,
        business_date: world.policy.business_date(moment.now),
        party: party.clone(),
        collection_point: moment.caller.collection_point.clone(),
        account: None,
        series: None,
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
