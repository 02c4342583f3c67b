//! Locks that are held by name (the business dates of partners, the schema), and what else a transaction
//! may ask for itself.

use diesel::connection::SimpleConnection;
use diesel::prelude::*;
use diesel::sql_types::Bool;

use super::{BEGIN, Conn};
use crate::domain::batch;
use crate::domain::ids::PartyId;
use crate::store::StoreError;

/// Holds the business dates of partners open (shared), or keeps everybody out of them (exclusive),
/// until the transaction ends, which begins here unless it has. A transaction takes one kind only and
/// each in the order of the names, so nobody waits in a circle.
pub fn hold_batches(
    conn: &mut Conn,
    begun: bool,
    shared: &[&PartyId],
    exclusive: &[&PartyId],
) -> Result<(), StoreError> {
    // One text, because it is one round trip.
    let mut sql = if begun { String::new() } else { BEGIN.to_owned() };
    for (function, parties) in [("pg_advisory_xact_lock", exclusive), ("pg_advisory_xact_lock_shared", shared)] {
        let mut series: Vec<String> = parties.iter().map(|party| batch::series(party)).collect();
        series.sort();
        for name in series {
            sql.push_str(&format!("; SELECT {function}(hashtextextended('{}', 0))", name.replace('\'', "''")));
        }
    }
    Ok(conn.batch_execute(&sql)?)
}

/// Lets one process migrate at a time; the connection's end lets go.
pub fn lock_schema(conn: &mut Conn) -> Result<(), StoreError> {
    Ok(conn.batch_execute("SELECT pg_advisory_lock(hashtextextended('recaudo schema', 0))")?)
}

/// Takes the statistics of what waits to be told. Left to itself the server does so within a minute; until
/// then it holds ten thousand rows that came at once for a handful, and joins them accordingly.
pub fn look_at_webhooks(conn: &mut Conn) -> Result<(), StoreError> {
    Ok(conn.batch_execute("ANALYZE webhook_deliveries; ANALYZE outbox")?)
}

/// Whether nobody else fans out at this moment; if so, nobody does until the transaction ends. Nobody is
/// waited for: the writer has payments to commit, and whoever fans out sees to all of it.
pub fn lock_fan_out(conn: &mut Conn) -> Result<bool, StoreError> {
    let lock = diesel::dsl::sql::<Bool>("pg_try_advisory_xact_lock(hashtextextended('recaudo fan out', 0))");
    Ok(diesel::select(lock).get_result(conn)?)
}
