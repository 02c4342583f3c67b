//! What has to leave, until it was handed on.

use std::collections::HashMap;
use std::sync::Arc;

use diesel::prelude::*;

use super::{Conn, Pairs};
use super::rows::{limit, read_id};
use super::world::facts_by_id;
use crate::domain::fact::Fact;
use crate::domain::ids::Id;
use crate::store::schema::outbox;
use crate::store::statement::statement;
use crate::store::{OutboxEntry, StoreError};

/// Whether an endpoint listens to an event. The types an endpoint wants are a JSON list of names, in
/// which a name between its quotes stands for itself alone; one that is disabled is numbered on.
macro_rules! listened_to {
    ($event:literal) => {
        concat!(
            "EXISTS (SELECT 1 FROM webhook_endpoints w WHERE w.status IN ('active', 'disabled') AND w.event_types LIKE '%\"' || ",
            $event,
            " || '\"%')"
        )
    };
}
pub(in crate::store) use listened_to;

statement! {
    /// Events that were handed on.
    Forget(handed_on: Pairs) -> () =
        "DELETE FROM outbox WHERE (fact, event) IN (SELECT list.value, list.second FROM {})"
}

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
    let handed_on: Vec<(String, &str)> =
        entries.iter().map(|entry| (entry.fact.id.to_string(), entry.event.as_str())).collect();
    let handed_on = Pairs::new(handed_on.iter().map(|(fact, event)| (fact.as_str(), *event)));
    Forget { handed_on }.execute(conn)?;
    Ok(())
}
