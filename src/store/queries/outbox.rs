//! What has to leave, until it was handed on.

use std::collections::HashMap;
use std::sync::Arc;

use diesel::prelude::*;

use super::Conn;
use super::rows::{limit, read_id};
use super::world::facts_by_id;
use crate::domain::fact::Fact;
use crate::domain::ids::Id;
use crate::store::schema::outbox;
use crate::store::{OutboxEntry, StoreError};

/// The oldest events that have to leave.
pub fn outbox(conn: &mut Conn, rows: u32) -> Result<Vec<OutboxEntry>, StoreError> {
    let oldest = outbox::table.order((outbox::fact, outbox::event)).limit(limit(rows));
    let rows: Vec<(String, String)> = oldest.load(conn)?;
    let mut ids = rows.iter().map(|(fact, _)| read_id(fact)).collect::<Result<Vec<Id>, _>>()?;
    ids.dedup();
    let facts: HashMap<Id, Arc<Fact>> = facts_by_id(conn, &ids)?.into_iter().map(|fact| (fact.id, fact)).collect();
    let entry = |(fact, event): (String, String)| {
        let id = read_id(&fact)?;
        let fact = facts.get(&id).cloned().ok_or_else(|| StoreError::Corrupt(format!("no fact {id}")))?;
        Ok(OutboxEntry { fact, event })
    };
    rows.into_iter().map(entry).collect()
}

/// Forgets events that were handed on.
pub fn forget_outbox(conn: &mut Conn, entries: &[OutboxEntry]) -> Result<(), StoreError> {
    for entry in entries {
        let row = outbox::table.find((entry.fact.id.to_string(), entry.event.as_str()));
        diesel::delete(row).execute(conn)?;
    }
    Ok(())
}
