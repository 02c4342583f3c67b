//! Reversals: a payment taken back by a new fact, never by a change.
//!
//! Same business date, same collection point, session still open, inside the window, with a
//! supervisor; never silently once a reconnection was ordered because of it, be the order open or
//! done. An operator may reverse past the last rule, because the operator is who tells the crew; the
//! business date binds operators too, so what was handed to billing in a sealed batch stays.

use std::sync::Arc;

use super::command::{PartyKind, Reverse};
use super::exposure;
use super::fact::{Body, ExposureStamp, Fact, OrderStatus, Payment, Place, Reversal, Tender};
use super::ids::{Id, PartyId};
use super::money::Money;
use super::position::{AccountState, position};
use super::reconnection;
use super::rejection::Rejection;
use super::session::Canonical;
use super::world::{Moment, World};

/// Decides a reversal: the reversal first, then the cancellation of an order it takes along.
///
/// # Errors
/// The first rule that refuses it.
pub fn decide(world: &World, moment: &Moment<'_>, command: &Reverse) -> Result<Vec<Fact>, Rejection> {
    let operator = moment.caller.kind == PartyKind::Operator;
    let known = world.facts.get(&command.payment_id).filter(|fact| operator || fact.party == moment.caller.party);
    let original = known.ok_or(Rejection::NotFound)?;
    let payment = original.payment().ok_or(Rejection::NotFound)?;
    if let Some(reversal_id) = world.ended.get(&original.id) {
        return Err(Rejection::AlreadyReversed { reversal_id: *reversal_id });
    }
    let place = original.account.as_ref().ok_or(Rejection::NotFound)?;
    let state = world.account(&place.of)?;
    let till = original.till().ok_or(Rejection::NotFound)?;
    // Without the partner nobody knows which of its dates are closed.
    world.partner(&till.party).ok_or(Rejection::NotFound)?;
    if !operator {
        moment.at_point(&till.collection_point)?;
    }
    check_window(world, moment, original, &till.party)?;
    let till_state = world.till(&till);
    let session = till_state.session.as_ref().filter(|session| session.id == payment.session.id);
    let session = session.ok_or(Rejection::SessionClosed { session_id: payment.session.id })?;
    let public_id = moment.id.with_prefix("rev");
    let canonical = Canonical {
        public_id: &public_id,
        account_number: place.of.as_str(),
        amount: -original.amount,
        business_date: original.business_date,
        recorded_at: moment.now,
    };
    let body = Reversal {
        payment_id: original.id,
        receipt_number: payment.receipt_number.clone(),
        reason: command.reason,
        supervisor: command.supervisor.clone(),
        note: command.note.clone(),
        till: payment.till.clone(),
        tender: payment.tender,
        allocations: payment.allocations.clone(),
        position_after: payment.position_after.clone(),
        session: session.after_money(&canonical, payment.tender),
        exposure: exposure_after(world, original, payment),
        payment_business_date: original.business_date,
        offline: payment.offline,
    };
    let fact = Fact {
        id: moment.id,
        recorded_at: moment.now,
        business_date: original.business_date,
        party: till.party.clone(),
        collection_point: Some(till.collection_point.clone()),
        account: Some(Place { of: place.of.clone(), seq: state.last_seq + 1 }),
        series: Some(Place { of: till.series(), seq: till_state.last_seq + 1 }),
        request: moment.asked(),
        ends: Some(original.id),
        amount: -original.amount,
        body: Body::Reversal(body),
    };
    let owed_again = owed_again(world, moment, state, &fact);
    if !operator && let Some(order_id) = order_in_the_way(state, original, owed_again) {
        return Err(Rejection::ReconnectionInTheWay { order_id });
    }
    let mut facts = vec![fact];
    let open_order = reconnection::open_order(state).filter(|_| owed_again);
    if let Some((order, _)) = open_order.filter(|(_, status)| status.may_become(OrderStatus::Cancelled)) {
        let reason = Some("anulación del pago".to_owned());
        let step = reconnection::Step { status: OrderStatus::Cancelled, at: moment.now, reason, crew: None };
        let seq = state.last_seq + 2;
        facts.push(reconnection::moved(world, moment, order, step, seq, moment.id.sibling(3)));
    }
    keep_position(world, moment, state, &mut facts);
    Ok(facts)
}

fn check_window(world: &World, moment: &Moment<'_>, original: &Fact, party: &PartyId) -> Result<(), Rejection> {
    let until = original.recorded_at.plus_minutes(i64::from(world.policy.reversal_window_minutes));
    let today = world.business_date(party, moment.now);
    // A clock that went back must not open a window again: the payment may not lie ahead of us.
    if moment.now > until || moment.now < original.recorded_at || today != original.business_date {
        return Err(Rejection::ReversalWindowClosed { until });
    }
    Ok(())
}

/// Whether the reversal leaves something to be paid before the supply may be restored.
fn owed_again(world: &World, moment: &Moment<'_>, state: &AccountState, reversal: &Fact) -> bool {
    let mut after = state.clone();
    after.facts.push(Arc::new(reversal.clone()));
    let step = world.policy.cash_step;
    let now = position(&after, world.policy.calendar_date(moment.now), step);
    reconnection::assess(&after, &now, step).amount_to_reconnect.is_positive()
}

/// The order that keeps a payment from being taken back at the counter: one that names it, or one
/// that would not have been without it, as long as it is open or done.
fn order_in_the_way(state: &AccountState, original: &Fact, owed_again: bool) -> Option<Id> {
    let seq = |fact: &Fact| fact.account.as_ref().map_or(0, |place| place.seq);
    let stands = |fact: &Arc<Fact>| {
        let Body::ReconnectionOrder(order) = &fact.body else { return false };
        let status = reconnection::status_in(state, fact.id);
        let done = status == OrderStatus::Completed;
        let names = order.payment_id == Some(original.id) && (status.is_open() || done);
        names || owed_again && (status.is_open() || done && seq(fact) > seq(original))
    };
    state.facts.iter().rev().find(|fact| stands(fact)).map(|fact| fact.id)
}

fn exposure_after(world: &World, original: &Fact, payment: &Payment) -> ExposureStamp {
    let change = if payment.tender == Tender::Cash { -original.amount } else { Money::ZERO };
    exposure::stamp(world, &original.party, original.collection_point.as_ref(), change)
}

fn keep_position(world: &World, moment: &Moment<'_>, state: &AccountState, facts: &mut [Fact]) {
    let mut after = state.clone();
    after.facts.extend(facts.iter().cloned().map(Arc::new));
    after.last_seq += facts.len() as i64;
    let now = position(&after, world.policy.calendar_date(moment.now), world.policy.cash_step);
    if let Body::Reversal(reversal) = &mut facts[0].body {
        reversal.position_after = now.figures;
    }
}
