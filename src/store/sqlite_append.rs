//! Appending on SQLite: one cached statement a row costs less than one statement for all.

use std::sync::Arc;

use diesel::prelude::*;

use super::Conn;
use super::outbox::listened_to;
use super::rows::FactRow;
use crate::store::schema::facts;
use crate::store::statement::statement;
use crate::store::{AccountDocuments, StoreError};

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

statement! {
    /// What billing said of an account that is not known.
    AddAccount(account_number: String, snapshot: String, document: String) -> () =
        "INSERT INTO accounts (account_number, snapshot, settled_seq, document) VALUES ({}, {}, 0, {})"
}

/// Replaces accounts: the snapshot that they are of, and for each the place up to which it is settled.
pub fn replace_accounts(
    conn: &mut Conn,
    snapshot: &str,
    settled: Vec<i64>,
    accounts: &Arc<AccountDocuments>,
) -> Result<(), StoreError> {
    for ((account_number, document), settled_seq) in accounts.iter().zip(settled) {
        let snapshot = snapshot.to_owned();
        ReplaceAccount { account_number, snapshot, settled_seq, document }.execute(conn)?;
    }
    Ok(())
}

/// Writes accounts that are not known, of this snapshot.
pub fn add_accounts(conn: &mut Conn, snapshot: &str, accounts: &Arc<AccountDocuments>) -> Result<(), StoreError> {
    for (account_number, document) in accounts.iter() {
        AddAccount { account_number, snapshot: snapshot.to_owned(), document }.execute(conn)?;
    }
    Ok(())
}
