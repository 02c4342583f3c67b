//! What deciding needs, in one statement whatever the size of the batch.
//!
//! On PostgreSQL a statement sees what was committed when it began, so another gateway's fact may come
//! right after it, or, for commands that name facts, fall between two of them. That is harmless, because
//! everything that is decided on shows in the place a new fact takes: a key, a place in an account's or a
//! series' history, or what it ends. What was missed makes the new fact collide, and the batch is loaded
//! and decided again. A snapshot never meets the facts of another one; exposure is allowed to lag, and
//! what is sealed is held by the batch locks.

use std::collections::HashMap;
use std::sync::Arc;

use diesel::prelude::*;
use diesel::sql_types::{BigInt, Integer, Nullable, Text};

use super::rows::{FactRow, fact_columns, facts_of, from_json, read_account, read_id};
use super::{Conn, Pairs, Texts, exposure, snapshots};
use crate::domain::calendar::Timestamp;
use crate::domain::command::Needs;
use crate::domain::fact::{Body, Fact};
use crate::domain::ids::{AccountNumber, CollectionPointId, Id, PartyId};
use crate::domain::money::Money;
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
macro_rules! no_fact {
    () => {
        "NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL"
    };
}

statement! {
    /// Everything that deciding needs, in one round trip: accounts with their unsettled facts, parties,
    /// collection points, exposure, and facts by their series and by who asked under which key. The
    /// first column says what a row is.
    Everything(
        numbers: Texts, parties: Texts, points: Texts, scopes: Texts, series: Texts, keys: Pairs
    ) -> (Integer, Nullable<Text>, Nullable<Text>, Nullable<BigInt>, Nullable<Text>, Nullable<facts::SqlType>) =
        "SELECT 1, a.account_number, a.snapshot, a.settled_seq, a.document, ", fact_columns!(),
        " FROM {} CROSS JOIN accounts a LEFT JOIN facts f \
            ON f.account_number = a.account_number AND f.account_seq > a.settled_seq \
            WHERE a.account_number = list.value \
          UNION ALL SELECT 2, p.id, NULL, p.suspended_at, p.settings, ", no_fact!(),
        " FROM {} CROSS JOIN parties p WHERE p.id = list.value \
          UNION ALL SELECT 3, p.id, p.party, p.suspended_at, p.settings, ", no_fact!(),
        " FROM {} CROSS JOIN collection_points p WHERE p.id = list.value \
          UNION ALL SELECT 4, e.scope, NULL, e.used, NULL, ", no_fact!(),
        " FROM {} CROSS JOIN exposure e WHERE e.scope = list.value \
          UNION ALL SELECT 5, NULL, NULL, NULL, NULL, ", fact_columns!(),
        " FROM {} CROSS JOIN facts f WHERE f.series = list.value AND f.series_seq = \
            (SELECT max(g.series_seq) FROM facts g WHERE g.series = list.value) \
          UNION ALL SELECT 6, NULL, NULL, NULL, NULL, ", fact_columns!(),
        " FROM {} CROSS JOIN facts f WHERE f.asked_by = list.value AND f.idempotency_key = list.second"
}

type AccountRow = (String, String, i64, String, Option<FactRow>);
type WorldRow = (i32, Option<String>, Option<String>, Option<i64>, Option<String>, Option<FactRow>);

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
    let scopes = likely_scopes(policy, needs, now);
    let everything = Everything {
        numbers: Texts::new(needs.accounts.iter().map(AccountNumber::as_str)),
        parties: Texts::new(needs.partners.iter().map(PartyId::as_str)),
        points: Texts::new(needs.points.iter().map(CollectionPointId::as_str)),
        scopes: Texts::new(&scopes),
        series: Texts::new(series_of(&world, needs)),
        keys: Pairs::new(needs.keys.iter().map(|(party, key)| (party.as_str(), key.as_str()))),
    };
    let rows: Vec<WorldRow> = everything.load(conn)?;
    let (mut accounts, mut lasts) = (Vec::new(), Vec::new());
    for row in rows {
        match row {
            (1, Some(number), Some(snapshot), Some(settled), Some(document), fact) => {
                accounts.push((number, snapshot, settled, document, fact));
            }
            (2, Some(id), None, suspended_at, Some(settings), None) => {
                let settings = Arc::new(from_json(&settings)?);
                let state = PartnerState { settings, suspended: suspended_at.is_some(), sealed_through: None };
                world.partners.insert(PartyId::new(id), state);
            }
            (3, Some(id), Some(party), suspended_at, Some(settings), None) => {
                let settings = Arc::new(from_json(&settings)?);
                let state = PointState { party: PartyId::new(party), settings, suspended: suspended_at.is_some() };
                world.points.insert(CollectionPointId::new(id), state);
            }
            (4, Some(scope), None, Some(used), None, None) => {
                world.exposure.insert(scope, Money::from_centavos(used));
            }
            (5, .., Some(fact)) => lasts.push(fact.fact()?),
            (6, .., Some(fact)) => {
                let fact = fact.fact()?;
                let asked = fact.request.as_ref().map(|asked| (asked.by.clone(), asked.key.clone()));
                world.keys.extend(asked.map(|asked| (asked, fact)));
            }
            (kind, ..) => return Err(StoreError::Corrupt(format!("a row of kind {kind} is not what it should be"))),
        }
    }
    world.accounts = account_states(conn, accounts, cache)?;
    take_in_series(&mut world, lasts);
    load_unlikely_scopes(conn, &mut world, needs, &scopes, now)?;
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
    let numbers = Texts::new(numbers.iter().map(AccountNumber::as_str));
    let rows = AccountsWithFacts { numbers }.load(conn)?;
    account_states(conn, rows, cache)
}

fn account_states(
    conn: &mut Conn,
    rows: Vec<AccountRow>,
    cache: &mut SnapshotCache,
) -> Result<HashMap<AccountNumber, AccountState>, StoreError> {
    snapshots::fill(conn, cache, rows.iter().map(|row| row.1.as_str()))?;
    let mut accounts: HashMap<AccountNumber, AccountState> = HashMap::with_capacity(rows.len());
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

/// Tills, batches, and what named facts have numbered after them.
fn series_of(world: &World, needs: &Needs) -> Vec<String> {
    let tills = needs.tills.iter().map(|till| till.series());
    let seals = needs.partners.iter().map(batch::series);
    let named = world.facts.values().filter_map(|fact| match &fact.body {
        Body::ReconnectionOrder(_) => Some(reconnection::series(fact.id)),
        Body::Deposit(_) => Some(deposit::series(fact.id)),
        Body::Payment(_) => Some(receipt_copy::series(fact.id)),
        _ => None,
    });
    tills.chain(seals).chain(named).chain(needs.series.iter().cloned()).collect()
}

/// Takes in the last facts of series.
fn take_in_series(world: &mut World, lasts: Vec<Arc<Fact>>) {
    for fact in lasts {
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
}

/// The scopes of exposure that matter, as far as they can be told before it is known what is sealed:
/// the month is that of today, or of tomorrow.
fn likely_scopes(policy: &Policy, needs: &Needs, now: Timestamp) -> Vec<String> {
    let today = policy.business_date(now);
    let of_party = |party: &PartyId| {
        let (this, next) = (scopes::month(party, today), scopes::month(party, today.next()));
        let next = Some(next).filter(|next| *next != this);
        [scopes::party(party), this].into_iter().chain(next)
    };
    let scopes = needs.partners.iter().flat_map(of_party).chain(needs.points.iter().map(scopes::point));
    // Only offline payments ask what was taken offline: the scope is loaded for them alone.
    let offline = needs.points.iter().filter(|_| needs.offline).map(|point| scopes::offline(point, today));
    scopes.chain(offline).collect()
}

/// Where a partner is sealed ahead, its next payment counts for another date, and perhaps another month.
fn load_unlikely_scopes(
    conn: &mut Conn,
    world: &mut World,
    needs: &Needs,
    known: &[String],
    now: Timestamp,
) -> Result<(), StoreError> {
    let months = needs.partners.iter().map(|party| scopes::month(party, world.business_date(party, now)));
    let offline = world.points.iter().filter(|_| needs.offline);
    let offline = offline.map(|(id, point)| scopes::offline(id, world.business_date(&point.party, now)));
    let missing: Vec<String> = months.chain(offline).filter(|scope| !known.contains(scope)).collect();
    if !missing.is_empty() {
        world.exposure.extend(exposure::exposures(conn, &missing)?);
    }
    Ok(())
}
