//! Appending on SQLite: one cached statement a row costs less than one statement for all.

use diesel::prelude::*;

use super::Conn;
use super::outbox::listened_to;
use super::rows::FactRow;
use crate::store::StoreError;
use crate::store::schema::facts;
use crate::store::statement::statement;

statement! {
    /// An increment. The driver's own upsert is never cached.
    Charge(scope: String, change: i64) -> () =
        "INSERT INTO exposure (scope, used) VALUES ({}, {}) \
         ON CONFLICT (scope) DO UPDATE SET used = exposure.used + excluded.used"
}

statement! {
    /// An event, unless no endpoint listens to it: then it has nowhere to go.
    Leave(fact: String, event: String, wanted: String) -> () =
        "INSERT INTO outbox (fact, event) SELECT {}, {} WHERE ", listened_to!("{}")
}

/// Writes facts, their events and what they charge. Says how many events have to leave.
pub fn append(
    conn: &mut Conn,
    rows: Vec<FactRow>,
    events: Vec<(String, String)>,
    charges: Vec<(String, i64)>,
) -> Result<usize, StoreError> {
    for row in &rows {
        diesel::insert_into(facts::table).values(row).execute(conn)?;
    }
    let mut leaving = 0;
    for (fact, event) in events {
        leaving += Leave { fact, wanted: event.clone(), event }.execute(conn)?;
    }
    for (scope, change) in charges {
        Charge { scope, change }.execute(conn)?;
    }
    Ok(leaving)
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
