//! Cash sessions: opened and closed by facts.

use std::sync::Arc;

use diesel::prelude::*;

use super::Conn;
use super::facts::fact;
use super::rows::{FactRow, fact_columns};
use super::world::{facts_by_id, last_of};
use crate::domain::calendar::{BusinessDate, Timestamp};
use crate::domain::fact::{Body, Fact};
use crate::domain::ids::{Id, PartyId};
use crate::store::schema::facts;
use crate::store::statement::statement;
use crate::store::{OpenTill, SessionRecord, StoreError, first_id_at};

statement! {
    /// Sessions that nothing ended, of business dates that are over.
    StaleSessions(since: String, today: i32, limit: i64) -> facts::SqlType =
        "SELECT ", fact_columns!(),
        " FROM facts f WHERE f.kind = 'session_opening' AND f.id >= {} AND f.business_date < {} \
          AND NOT EXISTS (SELECT 1 FROM facts e WHERE e.ends = f.id) ORDER BY f.id LIMIT {}"
}

/// A cash session of this party.
pub fn session(conn: &mut Conn, party: &PartyId, id: Id) -> Result<Option<SessionRecord>, StoreError> {
    let own = |fact: &Fact| fact.party == *party && matches!(fact.body, Body::SessionOpening(_));
    let Some(listed) = fact(conn, id)?.filter(|listed| own(&listed.fact)) else { return Ok(None) };
    let opening = listed.fact;
    let (mut close, mut last) = (None, None);
    match (listed.ended_by, opening.till()) {
        (Some(by), _) => close = facts_by_id(conn, &[by])?.pop(),
        (None, Some(till)) => last = last_of(conn, [till.series()])?.pop(),
        (None, None) => {}
    }
    Ok(Some(SessionRecord { opening, close, last }))
}

/// Tills whose open session belongs to a business date before `today`.
pub fn stale_tills(
    conn: &mut Conn,
    today: BusinessDate,
    since: Timestamp,
    limit: u32,
) -> Result<Vec<OpenTill>, StoreError> {
    let since = first_id_at(since).to_string();
    let rows: Vec<FactRow> = StaleSessions { since, today: today.number(), limit: i64::from(limit) }.load(conn)?;
    let mut stale = Vec::with_capacity(rows.len());
    for row in rows {
        let opening = row.fact()?;
        stale.extend(opening.till().map(|till| OpenTill { till, opening: Arc::clone(&opening) }));
    }
    Ok(stale)
}
