//! The three payments: what may be paid, and where each centavo goes.
//!
//! `full` is exactly what is payable now; `partial` lies between a minimum and that; `installment`
//! pays whole installments of a named agreement in their order, or any amount where the agreement
//! allows it. Billing splits bills into concepts (Código Civil 1653); here a bill is one thing.

use super::account::{AccountStatus, Agreement, AgreementStatus, Bill};
use super::calendar::Timestamp;
use super::command::Pay;
use super::exposure;
use super::fact::{Allocation, AllocationRule, Body, Fact, Payment, PaymentKind, Place, ReconnectionStamp, Tender};
use super::ids::Till;
use super::money::Money;
use super::policy::{Overpayment, Policy};
use super::position::{AccountState, Position, position, standing_payments};
use super::receipt_number::receipt_number;
use super::reconnection;
use super::rejection::Rejection;
use super::session::{self, Canonical};
use super::world::{Moment, World, scopes};

/// What may be paid now.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PaymentOption {
    /// Everything payable now.
    Full {
        /// Exactly this.
        amount: Money,
    },
    /// A part of it.
    Partial {
        /// The least.
        min: Money,
        /// The most.
        max: Money,
        /// In multiples of this.
        step: Money,
    },
    /// Into an agreement.
    Installment {
        /// Which.
        agreement_id: String,
        /// The sums of the next one, two, three… whole installments.
        amounts: Vec<Money>,
        /// Whether other amounts are taken.
        any_amount: bool,
        /// Whether the next installment clears the cause of a suspension.
        clears_suspension: bool,
    },
}

/// What may be paid now.
#[must_use]
pub fn options(policy: &Policy, state: &AccountState, position: &Position) -> Vec<PaymentOption> {
    if state.account.status == AccountStatus::Closed {
        return Vec::new();
    }
    let mut options = Vec::new();
    let payable = position.figures.payable_now;
    if payable.is_positive() {
        options.push(PaymentOption::Full { amount: payable });
    }
    let (min, step) = (policy.least_partial(), policy.partial_unit());
    let max = payable.floor_to(step);
    if min < payable && min <= max {
        options.push(PaymentOption::Partial { min, max, step });
    }
    let running = position.agreements.iter().filter(|agreement| agreement.status == AgreementStatus::InForce);
    options.extend(running.filter_map(|agreement| {
        let amounts = whole_installments(agreement, policy.cash_step);
        (!amounts.is_empty()).then(|| PaymentOption::Installment {
            agreement_id: agreement.agreement_id.clone(),
            amounts,
            any_amount: agreement.any_amount,
            clears_suspension: agreement.clears_suspension,
        })
    }));
    options
}

/// Decides a payment: the facts it gives rise to, the payment first.
///
/// # Errors
/// The first rule that refuses it.
pub fn decide(world: &World, moment: &Moment<'_>, pay: &Pay) -> Result<Vec<Fact>, Rejection> {
    world.may_collect(moment.caller)?;
    let policy = &world.policy;
    let state = world.account(&pay.account_number)?;
    if state.account.status == AccountStatus::Closed {
        return Err(Rejection::PaymentNotAccepted);
    }
    let today = policy.calendar_date(moment.now);
    let before = position(state, today, policy.cash_step);
    if pay.if_position.as_ref().is_some_and(|seen| *seen != before.figures.position_version) {
        return Err(Rejection::PositionChanged { current: Box::new(before.figures) });
    }
    let allocations = allocate_for(world, moment, pay, &before)?;
    refuse_possible_duplicate(world, moment, pay, state)?;
    let exposure = exposure::check(world, moment, pay.tender, pay.amount)?;
    check_offline(world, moment, pay)?;
    let paid_at = instant_of_payment(world, moment, pay)?;
    let till = moment.till(&pay.till)?;
    let (before_session, opened, last_seq) = session::for_payment(world, moment, &till, &pay.cashier)?;

    // A session may lie ahead of a clock that went back; the payment belongs to its session's date.
    let business_date = before_session.business_date;
    let public_id = moment.id.with_prefix("pay");
    let canonical = Canonical {
        public_id: &public_id,
        account_number: pay.account_number.as_str(),
        amount: pay.amount,
        business_date,
        recorded_at: moment.now,
    };
    let payment = Payment {
        kind: pay.kind,
        agreement_id: pay.agreement_id.clone(),
        tender: pay.tender,
        till: pay.till.clone(),
        cashier: pay.cashier.clone(),
        collected_at: pay.collected_at,
        partner_reference: pay.partner_reference.clone(),
        offline: pay.offline,
        distinct_from: pay.confirm_distinct_from,
        receipt_number: receipt_number(&till, last_seq + 1),
        holder: state.account.masked_holder(),
        municipality_code: state.account.municipality_code.clone(),
        allocations,
        position_after: before.figures,
        session: before_session.after_money(&canonical, pay.tender),
        exposure,
        reconnection: None,
        cancels_suspension: false,
    };
    let mut facts = vec![fact(moment, &till, pay, payment, state.last_seq + 1, last_seq + 1, business_date)];
    settle(world, moment, state, paid_at, &mut facts);
    facts.extend(opened);
    Ok(facts)
}

fn fact(
    moment: &Moment<'_>,
    till: &Till,
    pay: &Pay,
    payment: Payment,
    account_seq: i64,
    till_seq: i64,
    business_date: super::calendar::BusinessDate,
) -> Fact {
    Fact {
        id: moment.id,
        recorded_at: moment.now,
        business_date,
        party: till.party.clone(),
        collection_point: Some(till.collection_point.clone()),
        account: Some(Place { of: pay.account_number.clone(), seq: account_seq }),
        series: Some(Place { of: till.series(), seq: till_seq }),
        request: moment.asked(),
        ends: None,
        amount: pay.amount,
        body: Body::Payment(Box::new(payment)),
    }
}

/// Looks at the account as the payment leaves it: the figures it keeps, and whether it brings the
/// light back or keeps it on.
fn settle(world: &World, moment: &Moment<'_>, state: &AccountState, paid_at: Timestamp, facts: &mut Vec<Fact>) {
    let today = world.policy.calendar_date(moment.now);
    let step = world.policy.cash_step;
    let mut after = state.clone();
    let was = reconnection::assess(state, &position(state, today, step), step);
    let told = standing_payments(&state.facts)
        .into_iter()
        .any(|fact| !state.snapshot.contains(fact) && fact.payment().is_some_and(|payment| payment.cancels_suspension));
    after.facts.push(std::sync::Arc::new(facts[0].clone()));
    after.last_seq += 1;
    let mut now = position(&after, today, step);
    let is = reconnection::assess(&after, &now, step);
    let order = is.eligible.then(|| reconnection::order(world, moment, &after, paid_at, facts[0].id));
    if order.is_some() {
        // The order takes a place in the account's history too, and so moves its version.
        after.last_seq += 1;
        now = position(&after, today, step);
    }
    if let Body::Payment(payment) = &mut facts[0].body {
        payment.position_after = now.figures;
        payment.cancels_suspension = is.cut_avoided && !(was.cut_avoided && told);
        if let Some(Fact { id, body: Body::ReconnectionOrder(order), .. }) = &order {
            payment.reconnection = Some(ReconnectionStamp { id: *id, due_by: order.due_by });
        }
    }
    facts.extend(order);
}

/// When the money changed hands: now, or when an offline till took it.
fn instant_of_payment(world: &World, moment: &Moment<'_>, pay: &Pay) -> Result<Timestamp, Rejection> {
    let Some(collected_at) = pay.collected_at else { return Ok(moment.now) };
    let oldest = moment.now.plus_minutes(-60 * i64::from(world.policy.offline_max_age_hours));
    // A till's clock may be a little ahead of ours.
    if collected_at < oldest || collected_at > moment.now.plus_minutes(5) {
        return Err(Rejection::CollectedAtImplausible { oldest });
    }
    Ok(collected_at.min(moment.now))
}

/// What the place has taken offline that counts for the open business date.
fn taken_offline(world: &World, moment: &Moment<'_>) -> Money {
    let date = world.business_date(&moment.caller.party, moment.now);
    moment.caller.collection_point.as_ref().map_or(Money::ZERO, |point| world.exposure(&scopes::offline(point, date)))
}

/// Whether the place may take cash while the line is down, and this much more of it.
fn check_offline(world: &World, moment: &Moment<'_>, pay: &Pay) -> Result<(), Rejection> {
    let point = moment.caller.collection_point.as_ref().and_then(|id| world.points.get(id));
    match point.and_then(|point| point.settings.offline_floor_limit) {
        _ if !pay.offline => Ok(()),
        None => Err(Rejection::OfflineLimitReached { limit: Money::ZERO }),
        Some(limit) if pay.tender == Tender::Cash && taken_offline(world, moment) + pay.amount > limit => {
            Err(Rejection::OfflineLimitReached { limit })
        }
        Some(_) => Ok(()),
    }
}

fn allocate_for(
    world: &World,
    moment: &Moment<'_>,
    pay: &Pay,
    before: &Position,
) -> Result<Vec<Allocation>, Rejection> {
    let refused = match allocate(&world.policy, pay, before) {
        Ok(allocations) => return Ok(allocations),
        Err(refused) => refused,
    };
    // The cash is in a drawer up the river already: whoever allows it gives the customer credit.
    let credit = world.partner(&moment.caller.party).is_some_and(|partner| partner.settings.offline_credit);
    let of_amount = matches!(
        refused,
        Rejection::NothingDue
            | Rejection::AmountExceedsDue { .. }
            | Rejection::AmountMismatch { .. }
            | Rejection::AmountBelowMinimum { .. }
            | Rejection::InstallmentAlreadyPaid { .. }
    );
    if pay.offline && credit && of_amount {
        return Ok(oldest_due_first(&before.bills, pay.amount));
    }
    Err(refused)
}

/// Places an amount, or says why it cannot be taken.
///
/// # Errors
/// The first rule of the amount that refuses it.
pub fn allocate(policy: &Policy, pay: &Pay, before: &Position) -> Result<Vec<Allocation>, Rejection> {
    if !pay.amount.is_multiple_of(policy.cash_step) || !pay.amount.is_positive() {
        return Err(Rejection::AmountNotInStep { step: policy.cash_step });
    }
    if pay.amount > Money::MAX {
        return Err(Rejection::AmountExceedsDue { maximum: Money::MAX });
    }
    if pay.kind == PaymentKind::Installment {
        return allocate_installments(policy, pay, before);
    }
    let payable = before.figures.payable_now;
    if !payable.is_positive() {
        return Err(Rejection::NothingDue);
    }
    match pay.kind {
        PaymentKind::Full if pay.amount != payable => {
            let current = Box::new(before.figures.clone());
            return Err(Rejection::AmountMismatch { expected: vec![payable], current });
        }
        PaymentKind::Partial if !pay.amount.is_multiple_of(policy.partial_unit()) => {
            return Err(Rejection::AmountNotInStep { step: policy.partial_unit() });
        }
        PaymentKind::Partial if pay.amount < policy.least_partial() => {
            return Err(Rejection::AmountBelowMinimum { minimum: policy.least_partial() });
        }
        _ => {}
    }
    if pay.amount > payable && policy.overpayment == Overpayment::Refuse {
        return Err(Rejection::AmountExceedsDue { maximum: payable });
    }
    Ok(oldest_due_first(&before.bills, pay.amount))
}

fn oldest_due_first(bills: &[Bill], amount: Money) -> Vec<Allocation> {
    let mut left = amount;
    let mut allocations = Vec::with_capacity(bills.len());
    for bill in bills {
        let taken = left.min(bill.balance - bill.disputed);
        if taken.is_positive() {
            left -= taken;
            allocations.push(Allocation {
                bill_number: Some(bill.bill_number.clone()),
                agreement_id: None,
                installment: None,
                amount: taken,
                rule: AllocationRule::OldestDueFirst,
            });
        }
    }
    if left.is_positive() {
        let rule = AllocationRule::CreditBalance;
        allocations.push(Allocation { bill_number: None, agreement_id: None, installment: None, amount: left, rule });
    }
    allocations
}

fn allocate_installments(policy: &Policy, pay: &Pay, before: &Position) -> Result<Vec<Allocation>, Rejection> {
    let agreement_id = pay.agreement_id.clone().unwrap_or_default();
    let Some(agreement) = before.agreements.iter().find(|agreement| agreement.agreement_id == agreement_id) else {
        return Err(Rejection::AgreementNotFound { agreement_id });
    };
    match agreement.status {
        AgreementStatus::Broken => return Err(Rejection::AgreementNotInForce { agreement_id }),
        AgreementStatus::Finished => return Err(Rejection::InstallmentAlreadyPaid { agreement_id }),
        AgreementStatus::InForce => {}
    }
    let sums = whole_installments(agreement, policy.cash_step);
    let Some(all) = sums.last().copied() else { return Err(Rejection::InstallmentAlreadyPaid { agreement_id }) };
    if pay.amount > all {
        return Err(Rejection::AmountExceedsDue { maximum: all });
    }
    if !agreement.any_amount && !sums.contains(&pay.amount) {
        let current = Box::new(before.figures.clone());
        return Err(Rejection::AmountMismatch { expected: sums, current });
    }
    if agreement.any_amount && pay.amount < policy.partial_minimum.min(sums[0]) {
        return Err(Rejection::AmountBelowMinimum { minimum: policy.partial_minimum.min(sums[0]) });
    }
    let mut left = pay.amount;
    let mut allocations = Vec::new();
    for installment in &agreement.installments {
        let amount = left.min(installment.balance);
        if amount.is_positive() {
            left -= amount;
            allocations.push(Allocation {
                bill_number: None,
                agreement_id: Some(agreement_id.clone()),
                installment: Some(installment.number),
                amount,
                rule: AllocationRule::InstallmentInOrder,
            });
        }
    }
    Ok(allocations)
}

/// The sums of the next one, two, three… whole installments, in the counter's step.
fn whole_installments(agreement: &Agreement, step: Money) -> Vec<Money> {
    let sums = agreement.installments.iter().scan(Money::ZERO, |sum, installment| {
        *sum += installment.balance;
        Some(sum.floor_to(step))
    });
    let mut sums: Vec<Money> = sums.filter(|sum| sum.is_positive()).collect();
    sums.dedup();
    sums
}

/// The same amount on the same account minutes ago is more often a doubt than a second payment. What
/// counts is when the cash was taken: two payments of an offline day are not one because they arrive
/// together.
fn refuse_possible_duplicate(
    world: &World,
    moment: &Moment<'_>,
    pay: &Pay,
    state: &AccountState,
) -> Result<(), Rejection> {
    let window = i64::from(world.policy.duplicate_window_minutes);
    let paid_at = pay.collected_at.unwrap_or(moment.now).min(moment.now);
    let taken_at = |fact: &Fact| {
        let collected_at = fact.payment().and_then(|payment| payment.collected_at);
        collected_at.unwrap_or(fact.recorded_at).min(fact.recorded_at)
    };
    let near =
        |fact: &Fact| taken_at(fact) > paid_at.plus_minutes(-window) && taken_at(fact) < paid_at.plus_minutes(window);
    let place = |fact: &Fact| fact.account.as_ref().map_or(0, |place| place.seq);
    let mut twins = standing_payments(&state.facts);
    twins.retain(|fact| fact.amount == pay.amount);
    // Whoever confirmed a payment was shown the latest one of then: earlier ones are answered with
    // it, later ones are not.
    let confirmed = twins.iter().find(|fact| Some(fact.id) == pay.confirm_distinct_from);
    let confirmed = confirmed.map_or(0, |fact| place(fact));
    let Some(fact) = twins.into_iter().rev().find(|fact| place(fact) > confirmed && near(fact)) else {
        return Ok(());
    };
    let same_partner = fact.party == moment.caller.party;
    Err(Rejection::PossibleDuplicate {
        payment_id: fact.id,
        amount: fact.amount,
        recorded_at: fact.recorded_at,
        same_partner,
        till: fact.payment().filter(|_| same_partner).map(|payment| payment.till.clone()),
    })
}
