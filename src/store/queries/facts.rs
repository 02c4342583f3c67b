//! Facts: appended once, read by identity. Nothing here changes or deletes one.

use std::collections::BTreeMap;
use std::sync::Arc;

use diesel::prelude::*;

use super::Conn;
use super::append;
use super::rows::{FactRow, facts_of, limit};
use super::world::{enders, facts_by_id};
use crate::domain::fact::Fact;
use crate::domain::ids::{AccountNumber, Id};
use crate::domain::money::Money;
use crate::store::schema::facts as facts_table;
use crate::store::{Listed, StoreError};

/// Writes facts, then their events, then what they charge; the caller holds the transaction. Says how
/// many events have to leave.
pub fn append(conn: &mut Conn, facts: &[Arc<Fact>]) -> Result<usize, StoreError> {
    if facts.is_empty() {
        return Ok(0);
    }
    let mut rows = facts.iter().map(|fact| FactRow::of(fact)).collect::<Result<Vec<_>, _>>()?;
    // Two gateways that meet in the same places meet in the same order.
    rows.sort_by(|a, b| (&a.account_number, a.account_seq, &a.id).cmp(&(&b.account_number, b.account_seq, &b.id)));
    let mut events: Vec<(String, String)> = Vec::with_capacity(facts.len());
    let mut charges: BTreeMap<String, Money> = BTreeMap::new();
    for fact in facts {
        events.extend(fact.events().into_iter().map(|event| (fact.id.to_string(), event.to_owned())));
        for (scope, change) in fact.charges() {
            *charges.entry(scope).or_default() += change;
        }
    }
    // In the order of their names: these rows are shared by everybody who collects.
    let charges = charges.into_iter().map(|(scope, change)| (scope, change.centavos())).collect();
    append::append(conn, rows, events, charges)
}

/// A fact of anybody.
pub fn fact(conn: &mut Conn, id: Id) -> Result<Option<Listed>, StoreError> {
    let facts = facts_by_id(conn, &[id])?;
    Ok(listed(conn, facts)?.pop())
}

/// Facts of anybody, in the order of their ids; unknown ones are missing.
pub fn facts(conn: &mut Conn, ids: &[Id]) -> Result<Vec<Arc<Fact>>, StoreError> {
    let mut facts = facts_by_id(conn, ids)?;
    facts.sort_by_key(|fact| fact.id);
    Ok(facts)
}

/// The latest facts of an account, latest first.
pub fn account_history(conn: &mut Conn, number: &AccountNumber, most: u32) -> Result<Vec<Arc<Fact>>, StoreError> {
    let of_account = facts_table::table.filter(facts_table::account_number.eq(number.as_str()));
    let latest = of_account.order(facts_table::account_seq.desc()).limit(limit(most));
    facts_of(latest.load(conn)?)
}

/// Facts with what ended them, in the order they came.
pub(super) fn listed(conn: &mut Conn, facts: Vec<Arc<Fact>>) -> Result<Vec<Listed>, StoreError> {
    let ids: Vec<Id> = facts.iter().map(|fact| fact.id).collect();
    let ended = if ids.is_empty() { Default::default() } else { enders(conn, &ids)? };
    Ok(facts.into_iter().map(|fact| Listed { ended_by: ended.get(&fact.id).copied(), fact }).collect())
}
