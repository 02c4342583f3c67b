//! The whole of the rules: a world and a request in, facts or a rejection out.

use std::sync::Arc;

use super::calendar::Timestamp;
use super::command::{Command, PartyKind, Request};
use super::fact::Fact;
use super::rejection::Rejection;
use super::world::{Moment, World};
use super::{batch, cut, deposit, payment, receipt_copy, reconnection, reversal, session};

/// What comes of a request.
#[derive(Clone, Debug)]
pub enum Outcome {
    /// New facts, the one that was asked for first; they are in the world already.
    Done(Vec<Arc<Fact>>),
    /// The key came before with the same request: the fact of then.
    Replayed(Arc<Fact>),
    /// A rule refused it, and nothing happened.
    Rejected(Rejection),
}

/// Decides a request and takes what comes of it into the world.
pub fn decide(world: &mut World, request: &Request, now: Timestamp) -> Outcome {
    if let Some(outcome) = told_before(world, request) {
        return outcome;
    }
    let moment = Moment { now, id: request.id, caller: &request.caller, request: request.request.as_ref() };
    match decide_new(world, &moment, &request.command) {
        Err(rejection) => Outcome::Rejected(rejection),
        Ok(facts) => {
            let facts: Vec<Arc<Fact>> = facts.into_iter().map(Arc::new).collect();
            for fact in in_order(&facts) {
                world.apply(fact);
            }
            Outcome::Done(facts)
        }
    }
}

/// A series is applied in the order of its places, whatever order the answer is told in.
fn in_order(facts: &[Arc<Fact>]) -> Vec<&Arc<Fact>> {
    let mut ordered: Vec<&Arc<Fact>> = facts.iter().collect();
    ordered.sort_by_key(|fact| {
        let account = fact.account.as_ref().map_or(0, |place| place.seq);
        (fact.series.as_ref().filter(|_| fact.till().is_some()).map_or(i64::MAX, |place| place.seq), account)
    });
    ordered
}

fn told_before(world: &World, request: &Request) -> Option<Outcome> {
    let keyed = request.request.as_ref()?;
    let fact = world.keys.get(&(request.caller.party.clone(), keyed.key.clone()))?;
    let same = fact.request.as_ref().is_some_and(|earlier| earlier.hash == keyed.hash);
    Some(match same {
        true => Outcome::Replayed(Arc::clone(fact)),
        false => Outcome::Rejected(Rejection::IdempotencyKeyReused),
    })
}

fn decide_new(world: &World, moment: &Moment<'_>, command: &Command) -> Result<Vec<Fact>, Rejection> {
    match command {
        Command::Pay(pay) => payment::decide(world, moment, pay),
        Command::Reverse(reverse) => reversal::decide(world, moment, reverse),
        Command::Open(open) => {
            world.may_collect(moment.caller)?;
            session::open(world, moment, open)
        }
        Command::Close(close) => session::close(world, moment, close),
        Command::CloseUnattended { till } => close_unattended(world, moment, till),
        Command::Deposit(declare) => deposit::declare(world, moment, declare),
        Command::VerifyDeposit(verify) => deposit::verify(world, moment, verify),
        Command::Reconnect { account_number } => reconnection::request(world, moment, account_number),
        Command::MoveOrder(step) => reconnection::report(world, moment, step),
        Command::ReportCut(report) => cut::report(world, moment, report),
        Command::CopyReceipt { payment_id } => receipt_copy::decide(world, moment, *payment_id),
        Command::Overdue { order_id } => reconnection::overdue(world, moment, *order_id),
        Command::Seal(seal) if matches!(moment.caller.kind, PartyKind::Billing | PartyKind::Operator) => {
            batch::seal(world, moment, seal)
        }
        Command::Seal(_) => Err(Rejection::NotFound),
    }
}

fn close_unattended(world: &World, moment: &Moment<'_>, till: &super::ids::Till) -> Result<Vec<Fact>, Rejection> {
    let state = world.till(till);
    let today = world.business_date(&till.party, moment.now);
    match &state.session {
        Some(session) if session.business_date < today => {
            Ok(vec![session::unattended_close(world, moment, till, session, state.last_seq + 1)])
        }
        _ => Err(Rejection::NotFound),
    }
}
