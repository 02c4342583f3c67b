//! Locks that are held by name: the business dates of partners, and the schema.

use diesel::connection::SimpleConnection;
use diesel::prelude::*;
use diesel::sql_types::{Bool, Text};

use super::{Conn, Texts};
use crate::domain::batch;
use crate::domain::ids::PartyId;
use crate::store::StoreError;
use crate::store::statement::statement;

statement! {
    /// Shared batch locks, in the order of the list.
    LockShared(series: Texts) -> Text =
        "SELECT pg_advisory_xact_lock_shared(hashtextextended(list.value, 0))::text FROM {}"
}
statement! {
    /// Exclusive batch locks, in the order of the list.
    LockExclusive(series: Texts) -> Text =
        "SELECT pg_advisory_xact_lock(hashtextextended(list.value, 0))::text FROM {}"
}

/// Holds the business dates of partners open (shared), or keeps everybody out of them (exclusive),
/// until the transaction ends. A transaction takes one kind only, so the order is one.
pub fn lock_batches(conn: &mut Conn, shared: &[&PartyId], exclusive: &[&PartyId]) -> Result<(), StoreError> {
    let sorted = |parties: &[&PartyId]| {
        let mut series: Vec<String> = parties.iter().map(|party| batch::series(party)).collect();
        series.sort();
        Texts::new(series)
    };
    if !exclusive.is_empty() {
        LockExclusive { series: sorted(exclusive) }.execute(conn)?;
    }
    if !shared.is_empty() {
        LockShared { series: sorted(shared) }.execute(conn)?;
    }
    Ok(())
}

/// Lets one process migrate at a time; the connection's end lets go.
pub fn lock_schema(conn: &mut Conn) -> Result<(), StoreError> {
    Ok(conn.batch_execute("SELECT pg_advisory_lock(hashtextextended('recaudo schema', 0))")?)
}

/// Whether nobody else fans out at this moment; if so, nobody does until the transaction ends. Nobody is
/// waited for: the writer has payments to commit, and whoever fans out sees to all of it.
pub fn lock_fan_out(conn: &mut Conn) -> Result<bool, StoreError> {
    let lock = diesel::dsl::sql::<Bool>("pg_try_advisory_xact_lock(hashtextextended('recaudo fan out', 0))");
    Ok(diesel::select(lock).get_result(conn)?)
}
