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
         settled_seq = excluded.settled_seq, document = excluded.document"
}

/// Accounts: number, snapshot, settled place, document.
pub fn accounts(conn: &mut Conn, rows: Vec<(String, String, i64, String)>) -> Result<(), StoreError> {
<<<<<<< HEAD
    for (number, snapshot, settled_seq, document) in &rows {
        let values = (
            accounts_table::account_number.eq(number),
            accounts_table::snapshot.eq(snapshot),
            accounts_table::settled_seq.eq(settled_seq),
            accounts_table::document.eq(document),
        );
        diesel::insert_into(accounts_table::table)
            .values(values)
            .on_conflict(accounts_table::account_number)
            .do_update()
            .set((
                accounts_table::snapshot.eq(excluded(accounts_table::snapshot)),
                accounts_table::settled_seq.eq(diesel::dsl::case_when(
                    excluded(accounts_table::settled_seq).gt(accounts_table::settled_seq),
                    excluded(accounts_table::settled_seq),
                )
                .otherwise(accounts_table::settled_seq)),
                accounts_table::document.eq(excluded(accounts_table::document)),
            ))
            .execute(conn)?;
=======
    for (account_number, snapshot, settled_seq, document) in rows {
        ReplaceAccount { account_number, snapshot, settled_seq, document }.execute(conn)?;
>>>>>>> store
    }
    Ok(())
}
