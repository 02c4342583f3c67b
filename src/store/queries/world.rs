//! What deciding needs, in a handful of statements whatever the size of the batch.
//!
//! On PostgreSQL each statement sees what was committed when it began, so another gateway's fact may
//! fall between two of them. That is harmless, because everything that is decided on shows in the
//! place a new fact takes: a key, a place in an account's or a series' history, or what it ends. What
//! was missed makes the new fact collide, and the batch is loaded and decided again. An account and
//! its facts are one statement, so that a snapshot never meets the facts of another one; exposure is
//! allowed to lag, and what is sealed is held by the batch locks.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use diesel::prelude::*;
use diesel::sql_types::{BigInt, Nullable, Text};

use super::rows::{FactRow, fact_columns, facts_of, from_json, read_account, read_id};
use super::{Conn, Pairs, Texts, exposure, snapshots};
use crate::domain::calendar::Timestamp;
use crate::domain::command::Needs;
use crate::domain::fact::{Body, Fact};
use crate::domain::ids::{AccountNumber, CollectionPointId, Id, IdempotencyKey, PartyId};
use crate::domain::policy::Policy;
use crate::domain::position::AccountState;
use crate::domain::session::TillState;
use crate::domain::world::{PartnerState, PointState, World, scopes};
use crate::domain::{batch, deposit, receipt_copy, reconnection};
use crate::store::schema::facts;
use crate::store::statement::statement;
use crate::store::{SnapshotCache, StoreError};

statement! {
    /// Facts by their ids.
    FactsById(ids: Texts) -> facts::SqlType =
        "SELECT ", fact_columns!(), " FROM {} CROSS JOIN facts f WHERE f.id = list.value"
}
statement! {
    /// Which fact ended which.
    EndersOf(ids: Texts) -> (Text, Text) =
        "SELECT f.ends, f.id FROM {} CROSS JOIN facts f WHERE f.ends = list.value"
}
statement! {
    /// Accounts, each with the facts that its snapshot has not settled.
    AccountsWithFacts(numbers: Texts) -> (Text, Text, BigInt, Text, Nullable<facts::SqlType>) =
        "SELECT a.account_number, a.snapshot, a.settled_seq, a.document, ", fact_columns!(),
        " FROM {} CROSS JOIN accounts a LEFT JOIN facts f \
          ON f.account_number = a.account_number AND f.account_seq > a.settled_seq \
          WHERE a.account_number = list.value"
}
statement! {
    /// The last fact of each series.
    LastOfSeries(series: Texts) -> facts::SqlType =
        "SELECT ", fact_columns!(),
        " FROM {} CROSS JOIN facts f WHERE f.series = list.value AND f.series_seq = \
          (SELECT max(g.series_seq) FROM facts g WHERE g.series = list.value)"
}
statement! {
    /// Facts by who asked and the key.
    FactsByKey(keys: Pairs) -> facts::SqlType =
        "SELECT ", fact_columns!(),
        " FROM {} CROSS JOIN facts f WHERE f.asked_by = list.value AND f.idempotency_key = list.second"
}
statement! {
    /// Parties that may take money.
    Partners(ids: Texts) -> (Text, Text, Nullable<BigInt>) =
        "SELECT p.id, p.settings, p.suspended_at FROM {} CROSS JOIN parties p WHERE p.id = list.value"
}
statement! {
    /// Collection points.
    Points(ids: Texts) -> (Text, Text, Text, Nullable<BigInt>) =
        "SELECT p.id, p.party, p.settings, p.suspended_at FROM {} CROSS JOIN collection_points p \
         WHERE p.id = list.value"
}

type AccountRow = (String, String, i64, String, Option<FactRow>);

/// What naming facts brings along: themselves, what ended them, and what they make necessary.
///
/// A fact never changes, so this may be asked before the locks are taken; what ended it may be out
/// of date by then, and then the place of the new fact is taken.
pub fn load_named(conn: &mut Conn, needs: &mut Needs) -> Result<World, StoreError> {
    let mut world = World::default();
    if needs.facts.is_empty() {
        return Ok(world);
    }
    let ids: Vec<Id> = needs.facts.iter().copied().collect();
    world.ended = enders(conn, &ids)?;
    for fact in facts_by_id(conn, &ids)? {
        needs.accounts.extend(fact.account.as_ref().map(|place| place.of.clone()));
        needs.tills.extend(fact.till());
        needs.partners.insert(fact.party.clone());
        needs.points.extend(fact.collection_point.clone());
        world.facts.insert(fact.id, fact);
    }
    let session = |fact: &&Arc<Fact>| matches!(fact.body, Body::SessionOpening(_));
    let closes: Vec<Id> =
        world.facts.values().filter(session).filter_map(|fact| world.ended.get(&fact.id).copied()).collect();
    if !closes.is_empty() {
        world.facts.extend(facts_by_id(conn, &closes)?.into_iter().map(|fact| (fact.id, fact)));
    }
    Ok(world)
}

/// Everything that has to be known to decide at an instant, on top of what [`load_named`] brought.
pub fn load_world(
    conn: &mut Conn,
    named: World,
    needs: &Needs,
    policy: &Arc<Policy>,
    now: Timestamp,
    cache: &mut SnapshotCache,
) -> Result<World, StoreError> {
    let mut world = World { policy: Arc::clone(policy), ..named };
    let numbers: Vec<AccountNumber> = needs.accounts.iter().cloned().collect();
    world.accounts = load_accounts(conn, &numbers, cache)?;
    world.partners = partners(conn, &needs.partners)?;
    world.points = points(conn, &needs.points)?;
    world.keys = by_key(conn, &needs.keys)?;
    load_series(conn, &mut world, needs)?;
    let scopes = exposure_scopes(&world, needs, now);
    world.exposure = exposure::exposures(conn, &scopes)?;
    Ok(world)
}

/// Accounts with their unsettled facts; unknown ones are missing.
pub fn load_accounts(
    conn: &mut Conn,
    numbers: &[AccountNumber],
    cache: &mut SnapshotCache,
) -> Result<HashMap<AccountNumber, AccountState>, StoreError> {
    if numbers.is_empty() {
        return Ok(HashMap::new());
    }
    let texts = Texts::new(numbers.iter().map(AccountNumber::as_str));
    let rows: Vec<AccountRow> = AccountsWithFacts { numbers: texts }.load(conn)?;
    snapshots::fill(conn, cache, rows.iter().map(|row| row.1.as_str()))?;
    let mut accounts: HashMap<AccountNumber, AccountState> = HashMap::with_capacity(numbers.len());
    for (number, snapshot, settled_seq, document, fact) in rows {
        let state = match accounts.entry(AccountNumber::new(number)) {
            std::collections::hash_map::Entry::Occupied(entry) => entry.into_mut(),
            std::collections::hash_map::Entry::Vacant(entry) => entry.insert(AccountState {
                account: read_account(&document)?,
                snapshot: cache.get(&snapshot).ok_or(StoreError::Corrupt(format!("no snapshot {snapshot}")))?,
                facts: Vec::new(),
                last_seq: settled_seq,
            }),
        };
        state.facts.extend(fact.map(FactRow::fact).transpose()?);
    }
    for state in accounts.values_mut() {
        let seq = |fact: &Arc<Fact>| fact.account.as_ref().map_or(0, |place| place.seq);
        state.facts.sort_by_key(seq);
        state.last_seq = state.facts.last().map_or(0, seq).max(state.last_seq);
    }
    Ok(accounts)
}

/// Facts by their ids; unknown ones are missing.
pub fn facts_by_id(conn: &mut Conn, ids: &[Id]) -> Result<Vec<Arc<Fact>>, StoreError> {
    let ids = Texts::new(ids.iter().map(ToString::to_string));
    facts_of(FactsById { ids }.load(conn)?)
}

/// Which of these facts were ended, and by which.
pub fn enders(conn: &mut Conn, ids: &[Id]) -> Result<HashMap<Id, Id>, StoreError> {
    let ids = Texts::new(ids.iter().map(ToString::to_string));
    let rows: Vec<(String, String)> = EndersOf { ids }.load(conn)?;
    rows.into_iter().map(|(ended, by)| Ok((read_id(&ended)?, read_id(&by)?))).collect()
}

/// The last fact of each of these series; unused ones are missing.
pub fn last_of(conn: &mut Conn, series: impl IntoIterator<Item = String>) -> Result<Vec<Arc<Fact>>, StoreError> {
    facts_of(LastOfSeries { series: Texts::new(series) }.load(conn)?)
}

fn by_key(
    conn: &mut Conn,
    keys: &HashSet<(PartyId, IdempotencyKey)>,
) -> Result<HashMap<(PartyId, IdempotencyKey), Arc<Fact>>, StoreError> {
    if keys.is_empty() {
        return Ok(HashMap::new());
    }
    let keys = Pairs::new(keys.iter().map(|(party, key)| (party.as_str(), key.as_str())));
    let facts = facts_of(FactsByKey { keys }.load(conn)?)?;
    let keyed = |fact: Arc<Fact>| {
        let asked = fact.request.as_ref()?;
        Some(((asked.by.clone(), asked.key.clone()), fact))
    };
    Ok(facts.into_iter().filter_map(keyed).collect())
}

fn partners(conn: &mut Conn, ids: &HashSet<PartyId>) -> Result<HashMap<PartyId, PartnerState>, StoreError> {
    let ids = Texts::new(ids.iter().map(PartyId::as_str));
    let rows: Vec<(String, String, Option<i64>)> = Partners { ids }.load(conn)?;
    let state = |(id, settings, suspended_at): (String, String, Option<i64>)| {
        let settings = Arc::new(from_json(&settings)?);
        let state = PartnerState { settings, suspended: suspended_at.is_some(), sealed_through: None };
        Ok((PartyId::new(id), state))
    };
    rows.into_iter().map(state).collect()
}

fn points(
    conn: &mut Conn,
    ids: &HashSet<CollectionPointId>,
) -> Result<HashMap<CollectionPointId, PointState>, StoreError> {
    if ids.is_empty() {
        return Ok(HashMap::new());
    }
    let ids = Texts::new(ids.iter().map(CollectionPointId::as_str));
    let rows: Vec<(String, String, String, Option<i64>)> = Points { ids }.load(conn)?;
    let state = |(id, party, settings, suspended_at): (String, String, String, Option<i64>)| {
        let settings = Arc::new(from_json(&settings)?);
        let state = PointState { party: PartyId::new(party), settings, suspended: suspended_at.is_some() };
        Ok((CollectionPointId::new(id), state))
    };
    rows.into_iter().map(state).collect()
}

/// The last facts of tills, of what named facts have numbered after them, and of batches.
fn load_series(conn: &mut Conn, world: &mut World, needs: &Needs) -> Result<(), StoreError> {
    let tills = needs.tills.iter().map(|till| till.series());
    let seals = needs.partners.iter().map(batch::series);
    let named = world.facts.values().filter_map(|fact| match &fact.body {
        Body::ReconnectionOrder(_) => Some(reconnection::series(fact.id)),
        Body::Deposit(_) => Some(deposit::series(fact.id)),
        Body::Payment(_) => Some(receipt_copy::series(fact.id)),
        _ => None,
    });
    let series: Vec<String> = tills.chain(seals).chain(named).chain(needs.series.iter().cloned()).collect();
    for fact in last_of(conn, series)? {
        if let Some(till) = fact.till() {
            world.tills.insert(till, TillState::after(&fact));
        } else if let Some(place) = &fact.series {
            if let Body::BatchSeal(seal) = &fact.body
                && let Some(partner) = world.partners.get_mut(&seal.partner)
            {
                partner.sealed_through = Some(seal.through);
            }
            world.last_of.insert(place.of.clone(), fact);
        }
    }
    // The moves of an order that is not settled stand in its account's history as well.
    for fact in world.accounts.values().flat_map(|state| &state.facts) {
        if let (Body::ReconnectionMove(_), Some(place)) = (&fact.body, &fact.series) {
            let known = world.last_of.get(&place.of).and_then(|last| last.series.as_ref()).map_or(0, |last| last.seq);
            if place.seq > known {
                world.last_of.insert(place.of.clone(), Arc::clone(fact));
            }
        }
    }
    Ok(())
}

fn exposure_scopes(world: &World, needs: &Needs, now: Timestamp) -> Vec<String> {
    let of_party = |party: &PartyId| [scopes::party(party), scopes::month(party, world.business_date(party, now))];
    // Only offline payments ask what was taken offline: the scope is loaded for them alone.
    let offline = world.points.iter().filter(|_| needs.offline);
    let offline = offline.map(|(id, point)| scopes::offline(id, world.business_date(&point.party, now)));
    let scopes = needs.partners.iter().flat_map(of_party).chain(needs.points.iter().map(scopes::point));
    scopes.chain(offline).collect()
}
