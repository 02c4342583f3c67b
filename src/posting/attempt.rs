//! One transaction: load, decide, append, commit.

use std::sync::Arc;

use super::probe::{CommitFate, CommitProbe};
use crate::domain::calendar::Timestamp;
use crate::domain::command::{Command, Needs, Request};
use crate::domain::decide::{Outcome, decide};
use crate::domain::fact::Fact;
use crate::domain::policy::Policy;
use crate::domain::world::World;
use crate::store::{Connection, StoreError};

/// How a transaction ended.
pub(super) enum Attempt {
    /// Durable; an outcome for each request, and whether events have to leave.
    Committed(Vec<Outcome>, bool),
    /// Nothing was executed.
    Failed(StoreError),
    /// COMMIT was sent and not answered. What was decided stands if it arrived.
    InDoubt(Vec<Outcome>),
}

/// Decides requests against one world and commits what comes of them.
pub(super) fn attempt(
    connection: &mut Connection,
    requests: &[&Request],
    policy: &Arc<Policy>,
    now: Timestamp,
    probe: &mut CommitProbe,
) -> Attempt {
    let decided = decide_and_append(connection, requests, policy, now);
    let Decided { outcomes, appended, leaving } = match decided {
        Ok(decided) => decided,
        Err(error) => {
            connection.rollback();
            return Attempt::Failed(error);
        }
    };
    if !appended {
        connection.rollback();
        return Attempt::Committed(outcomes, false);
    }
    let fate = probe();
    if fate == CommitFate::LostBefore {
        return Attempt::InDoubt(outcomes);
    }
    match connection.commit() {
        Ok(()) if fate == CommitFate::LostAfter => Attempt::InDoubt(outcomes),
        Ok(()) => Attempt::Committed(outcomes, leaving),
        Err(error) => {
            connection.rollback();
            // A database that still answers says that it did not commit.
            if connection.is_alive() { Attempt::Failed(error) } else { Attempt::InDoubt(outcomes) }
        }
    }
}

/// What came of requests, before the commit.
struct Decided {
    outcomes: Vec<Outcome>,
    appended: bool,
    leaving: bool,
}

fn decide_and_append(
    connection: &mut Connection,
    requests: &[&Request],
    policy: &Arc<Policy>,
    now: Timestamp,
) -> Result<Decided, StoreError> {
    let mut needs = Needs::default();
    requests.iter().for_each(|request| needs.add(request));
    // A seal is alone in its batch.
    let sealing = match requests {
        [Request { command: Command::Seal(seal), .. }] => Some(&seal.partner),
        _ => None,
    };
    let mut world = connection.begin_with_world(&needs, policy, now, sealing)?;
    let mut outcomes = Vec::with_capacity(requests.len());
    for request in requests {
        let outcome = match &request.command {
            Command::Seal(_) => {
                let counted = counted(connection, &world, request)?;
                decide(&mut world, &counted, now)
            }
            _ => decide(&mut world, request, now),
        };
        outcomes.push(outcome);
    }
    let facts: Vec<Arc<Fact>> = outcomes.iter().flat_map(facts).cloned().collect();
    let leaving = connection.append(&facts)? > 0;
    Ok(Decided { outcomes, appended: !facts.is_empty(), leaving })
}

/// The request with what the batch contains, counted under the lock that keeps everybody out of it.
fn counted(connection: &mut Connection, world: &World, request: &Request) -> Result<Request, StoreError> {
    let mut request = request.clone();
    if let Command::Seal(seal) = &mut request.command {
        let sealed_through = world.partner(&seal.partner).and_then(|partner| partner.sealed_through);
        seal.contents = connection.batch_contents(&seal.partner, sealed_through, seal.through)?;
    }
    Ok(request)
}

/// The facts that an outcome brings.
pub(super) fn facts(outcome: &Outcome) -> &[Arc<Fact>] {
    match outcome {
        Outcome::Done(facts) => facts,
        Outcome::Replayed(_) | Outcome::Rejected(_) => &[],
    }
}
