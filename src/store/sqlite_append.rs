//! Appending on SQLite: one cached statement a row costs less than one statement for all.

use diesel::prelude::*;

use super::Conn;
use super::rows::FactRow;
use crate::store::StoreError;
use crate::store::schema::{facts as facts_table, outbox};
use crate::store::statement::statement;

pub fn facts(conn: &mut Conn, rows: Vec<FactRow>) -> Result<(), StoreError> {
    for row in &rows {
        diesel::insert_into(facts_table::table).values(row).execute(conn)?;
    }
    Ok(())
}

pub fn events(conn: &mut Conn, events: Vec<(String, String)>) -> Result<(), StoreError> {
    for (fact, event) in &events {
        let values = (outbox::fact.eq(fact), outbox::event.eq(event));
        diesel::insert_into(outbox::table).values(values).execute(conn)?;
    }
    Ok(())
}

statement! {
    /// An increment. The driver's own upsert is never cached.
    Charge(scope: String, change: i64) -> () =
        "INSERT INTO exposure (scope, used) VALUES ({}, {}) \
         ON CONFLICT (scope) DO UPDATE SET used = exposure.used + excluded.used"
}

pub fn charges(conn: &mut Conn, charges: Vec<(String, i64)>) -> Result<(), StoreError> {
    for (scope, change) in charges {
        Charge { scope, change }.execute(conn)?;
    }
    Ok(())
}

statement! {
    /// What billing said, replaced.
    ReplaceAccount(account_number: String, snapshot: String, settled_seq: i64, document: String) -> () =
        "INSERT INTO accounts (account_number, snapshot, settled_seq, document) VALUES ({}, {}, {}, {}) \
         ON CONFLICT (account_number) DO UPDATE SET snapshot = excluded.snapshot, \
         settled_seq = max(excluded.settled_seq, accounts.settled_seq), document = excluded.document"
}

/// Accounts: number, snapshot, settled place, document.
pub fn accounts(conn: &mut Conn, rows: Vec<(String, String, i64, String)>) -> Result<(), StoreError> {
    for (account_number, snapshot, settled_seq, document) in rows {
        ReplaceAccount { account_number, snapshot, settled_seq, document }.execute(conn)?;
    }
    Ok(())
}
