//! Bringing the light back: who qualifies, what an order is, and where it may go.
//!
//! Paying lifts a suspension for non-payment only. What clears the cause is billing's word
//! (`amount_to_reconnect`), less what the counters took since; without it, everything past due and
//! undisputed. The legal clock (24 hours, a setting) starts at the instant of payment.

use std::sync::Arc;

use super::account::{AccountStatus, ServiceStatus, SuspensionCause};
use super::calendar::Timestamp;
use super::command::{MoveOrder, PartyKind};
use super::fact::{Body, Fact, OrderStatus, Place, ReconnectionMove, ReconnectionOrder};
use super::ids::{AccountNumber, Id};
use super::money::Money;
use super::position::{AccountState, Position, position};
use super::rejection::Rejection;
use super::world::{Moment, World};

impl OrderStatus {
    /// Whether the order is still to be done.
    #[must_use]
    pub const fn is_open(self) -> bool {
        matches!(self, Self::Requested | Self::Dispatched | Self::InProgress)
    }

    /// Whether an order that stands here may go there.
    #[must_use]
    pub const fn may_become(self, next: Self) -> bool {
        match self {
            Self::Requested => !matches!(next, Self::Requested),
            Self::Dispatched => matches!(next, Self::InProgress | Self::Completed | Self::Failed | Self::Cancelled),
            Self::InProgress => matches!(next, Self::Completed | Self::Failed),
            Self::Completed | Self::Failed | Self::Cancelled => false,
        }
    }
}

/// Whether paying brings the light back, and what is missing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Assessment {
    /// A reconnection may be ordered now.
    pub eligible: bool,
    /// What still has to be paid to clear the cause.
    pub amount_to_reconnect: Money,
    /// What money does not lift.
    pub blocked_by: Option<&'static str>,
    /// What reconnecting costs, as billing sent it.
    pub fee: Option<Money>,
    /// A cut was on its way and its cause is cleared.
    pub cut_avoided: bool,
}

/// Whether paying brings the light back, and what is missing.
#[must_use]
pub fn assess(state: &AccountState, position: &Position, step: Money) -> Assessment {
    let service = &position.service;
    let missing = missing(state, position, step);
    let blocked_by = match (state.account.status, service.cause) {
        (AccountStatus::Closed, _) => Some("account_closed"),
        _ if service.status == ServiceStatus::Active => Some("not_suspended"),
        (_, Some(SuspensionCause::Tampering)) => Some("tampering"),
        (_, Some(SuspensionCause::Danger)) => Some("danger"),
        (_, Some(SuspensionCause::CustomerRequest)) => Some("customer_request"),
        (_, Some(SuspensionCause::Other) | None) => Some("other"),
        (_, Some(SuspensionCause::NonPayment)) if service.known_incident.is_some() => Some("known_incident"),
        (_, Some(SuspensionCause::NonPayment)) if open_order(state).is_some() => Some("order_open"),
        (_, Some(SuspensionCause::NonPayment)) if restored_since(state) => Some("already_reconnected"),
        (_, Some(SuspensionCause::NonPayment)) => None,
    };
    let cleared = missing.is_zero() && blocked_by.is_none();
    Assessment {
        eligible: cleared && service.status == ServiceStatus::Suspended,
        amount_to_reconnect: missing,
        blocked_by,
        fee: service.reconnection_fee,
        // Whatever else goes on at the account, a cut whose cause is gone must not come.
        cut_avoided: missing.is_zero()
            && service.status == ServiceStatus::SuspensionScheduled
            && service.cause == Some(SuspensionCause::NonPayment)
            && state.account.status == AccountStatus::Active,
    }
}

fn missing(state: &AccountState, position: &Position, step: Money) -> Money {
    let clears = |id: &String| {
        state.account.agreements.iter().any(|agreement| agreement.agreement_id == *id && agreement.clears_suspension)
    };
    if position.service.status == ServiceStatus::Active || position.advanced_agreements.iter().any(clears) {
        return Money::ZERO;
    }
    match position.service.amount_to_reconnect {
        Some(amount) => amount.less(position.paid_on_bills.less(Money::ZERO)).floor_to(step),
        None => position.figures.past_due.floor_to(step),
    }
}

/// The account's open order and where it stands.
#[must_use]
pub fn open_order(state: &AccountState) -> Option<(&Arc<Fact>, OrderStatus)> {
    let order = state.facts.iter().rev().find(|fact| matches!(fact.body, Body::ReconnectionOrder(_)))?;
    let status = status_in(state, order.id);
    status.is_open().then_some((order, status))
}

/// Where an order of the account stands.
#[must_use]
pub fn status_in(state: &AccountState, order: Id) -> OrderStatus {
    let moves = state.facts.iter().rev().find_map(|fact| match &fact.body {
        Body::ReconnectionMove(step) if step.order_id == order => Some(step.status),
        _ => None,
    });
    moves.unwrap_or(OrderStatus::Requested)
}

/// A crew's report that the supply is back came after the snapshot was made, so the snapshot's word
/// is out of date; when the crew was done does not matter, for billing cannot have known.
fn restored_since(state: &AccountState) -> bool {
    state.facts.iter().any(|fact| match &fact.body {
        Body::ReconnectionMove(step) => {
            step.status == OrderStatus::Completed && fact.recorded_at > state.snapshot.as_of
        }
        _ => false,
    })
}

/// The order that a payment gives rise to.
#[must_use]
pub fn order(world: &World, moment: &Moment<'_>, state: &AccountState, cleared_at: Timestamp, payment: Id) -> Fact {
    let mut fact = ordered(world, moment, state, cleared_at);
    fact.id = moment.id.sibling(4);
    if let Body::ReconnectionOrder(order) = &mut fact.body {
        order.payment_id = Some(payment);
    }
    fact
}

/// Decides an explicit request.
///
/// # Errors
/// Unknown account, something still to be paid or in the way, or an open order.
pub fn request(world: &World, moment: &Moment<'_>, number: &AccountNumber) -> Result<Vec<Fact>, Rejection> {
    world.may_collect(moment.caller)?;
    let state = world.account(number)?;
    if let Some((order, _)) = open_order(state) {
        let due_by = due_by(order).unwrap_or(moment.now);
        return Err(Rejection::ReconnectionAlreadyOpen { order_id: order.id, due_by });
    }
    let step = world.policy.cash_step;
    let assessment = assess(state, &position(state, world.policy.calendar_date(moment.now), step), step);
    if !assessment.eligible {
        let Assessment { amount_to_reconnect, blocked_by, .. } = assessment;
        let blocked_by = blocked_by.or((amount_to_reconnect.is_zero()).then_some("not_suspended"));
        return Err(Rejection::ReconnectionNotEligible { amount_to_reconnect, blocked_by });
    }
    let mut fact = ordered(world, moment, state, moment.now);
    fact.request = moment.asked();
    Ok(vec![fact])
}

/// Decides a report of the reconnection service or an operator.
///
/// # Errors
/// Unknown order, or it cannot go there from where it stands.
pub fn report(world: &World, moment: &Moment<'_>, command: &MoveOrder) -> Result<Vec<Fact>, Rejection> {
    if !matches!(moment.caller.kind, PartyKind::Reconnection | PartyKind::Operator) {
        return Err(Rejection::NotFound);
    }
    let order = world.facts.get(&command.order_id).ok_or(Rejection::NotFound)?;
    let from = current_status(world, order);
    if !from.may_become(command.status) {
        return Err(Rejection::TransitionNotAllowed { from, to: command.status });
    }
    let seq = account_seq(world, order)?;
    let at = command.at.unwrap_or(moment.now).min(moment.now);
    let step = Step { status: command.status, at, reason: command.reason.clone(), crew: command.crew.clone() };
    let mut fact = moved(world, moment, order, step, seq, moment.id);
    fact.party = moment.caller.party.clone();
    fact.request = moment.asked();
    Ok(vec![fact])
}

/// Announces, once, that an order's deadline has passed.
///
/// # Errors
/// The order is not open, not late, or was announced before.
pub fn overdue(world: &World, moment: &Moment<'_>, order_id: Id) -> Result<Vec<Fact>, Rejection> {
    let order = world.facts.get(&order_id).ok_or(Rejection::NotFound)?;
    let status = current_status(world, order);
    let announced = last_move(world, order_id).is_some_and(|step| step.overdue || step.announced);
    let late = due_by(order).is_some_and(|due_by| moment.now > due_by);
    if !status.is_open() || announced || !late {
        return Err(Rejection::TransitionNotAllowed { from: status, to: status });
    }
    let seq = account_seq(world, order)?;
    let step = Step { status, at: moment.now, reason: None, crew: None };
    let mut fact = moved(world, moment, order, step, seq, moment.id);
    if let Body::ReconnectionMove(step) = &mut fact.body {
        step.overdue = true;
    }
    Ok(vec![fact])
}

/// The series in which the moves of one order are numbered.
#[must_use]
pub fn series(order: Id) -> String {
    format!("order/{order}")
}

/// Where an order stands.
#[must_use]
pub fn current_status(world: &World, order: &Fact) -> OrderStatus {
    last_move(world, order.id).map_or(OrderStatus::Requested, |step| step.status)
}

fn last_move(world: &World, order: Id) -> Option<&ReconnectionMove> {
    world.last_of.get(&series(order)).and_then(|fact| match &fact.body {
        Body::ReconnectionMove(step) => Some(step),
        _ => None,
    })
}

fn due_by(order: &Fact) -> Option<Timestamp> {
    match &order.body {
        Body::ReconnectionOrder(order) => Some(order.due_by),
        _ => None,
    }
}

fn account_seq(world: &World, order: &Fact) -> Result<i64, Rejection> {
    let place = order.account.as_ref().ok_or(Rejection::NotFound)?;
    Ok(world.account(&place.of)?.last_seq + 1)
}

/// What happened to an order.
#[derive(Clone, Debug)]
pub struct Step {
    /// Where it stands now.
    pub status: OrderStatus,
    /// When.
    pub at: Timestamp,
    /// Why.
    pub reason: Option<String>,
    /// Who.
    pub crew: Option<String>,
}

/// The fact that an order went on.
#[must_use]
pub fn moved(world: &World, moment: &Moment<'_>, order: &Arc<Fact>, step: Step, account_seq: i64, id: Id) -> Fact {
    let series = series(order.id);
    let previous = world.last_of.get(&series);
    let seq = previous.and_then(|fact| fact.series.as_ref()).map_or(1, |place| place.seq + 1);
    let announced = last_move(world, order.id).is_some_and(|step| step.overdue || step.announced);
    let place = order.account.as_ref().map(|place| Place { of: place.of.clone(), seq: account_seq });
    let Step { status, at, reason, crew } = step;
    let body = ReconnectionMove {
        order_id: order.id,
        status,
        at,
        reason,
        crew,
        due_by: due_by(order).unwrap_or(moment.now),
        requested_by: order.party.clone(),
        overdue: false,
        announced,
    };
    Fact {
        id,
        recorded_at: moment.now,
        business_date: world.policy.business_date(moment.now),
        party: order.party.clone(),
        collection_point: None,
        account: place,
        series: Some(Place { of: series, seq }),
        request: None,
        ends: None,
        amount: Money::ZERO,
        body: Body::ReconnectionMove(body),
    }
}

fn ordered(world: &World, moment: &Moment<'_>, state: &AccountState, cleared_at: Timestamp) -> Fact {
    let body = ReconnectionOrder {
        cleared_at,
        due_by: cleared_at.plus_minutes(60 * i64::from(world.policy.reconnection_hours)),
        payment_id: None,
        municipality_code: state.account.municipality_code.clone(),
        fee: state.account.service.reconnection_fee,
    };
    Fact {
        id: moment.id,
        recorded_at: moment.now,
        business_date: world.policy.business_date(moment.now),
        party: moment.caller.party.clone(),
        collection_point: moment.caller.collection_point.clone(),
        account: Some(Place { of: state.account.account_number.clone(), seq: state.last_seq + 1 }),
        series: None,
        request: None,
        ends: None,
        amount: Money::ZERO,
        body: Body::ReconnectionOrder(body),
    }
}
