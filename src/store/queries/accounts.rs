//! What billing said about accounts, replaced a chunk at a time.

use std::collections::HashMap;

use diesel::prelude::*;

use super::rows::to_json;
use super::world::load_accounts;
use super::{Conn, append};
use crate::domain::account::Account;
use crate::domain::ids::AccountNumber;
use crate::domain::position::{Snapshot, settled_through};
use crate::store::schema::accounts;
use crate::store::{SnapshotCache, StoreError};

/// Replaces what billing said about these accounts, and settles what the snapshot contains.
///
/// An account that stands twice in the chunk is taken as it stands last. A fact that another gateway
/// appends meanwhile lies behind the place up to which the account is settled, so it goes on counting.
pub fn replace_accounts(
    conn: &mut Conn,
    snapshot: &Snapshot,
    chunk: &[Account],
    cache: &mut SnapshotCache,
) -> Result<(), StoreError> {
    let latest: HashMap<&AccountNumber, &Account> =
        chunk.iter().map(|account| (&account.account_number, account)).collect();
    let numbers: Vec<AccountNumber> = latest.keys().map(|number| (*number).clone()).collect();
    let known = load_accounts(conn, &numbers, cache)?;
    let mut rows = Vec::with_capacity(latest.len());
    for (number, account) in latest {
        let settled = known.get(number).map_or(0, |state| {
            let before = state.facts.first().and_then(|fact| fact.account.as_ref()).map_or(state.last_seq, |place| place.seq - 1);
            settled_through(snapshot, &state.facts, before)
        });
        rows.push((number.as_str().to_owned(), snapshot.id.clone(), settled, to_json(account)?));
    }
    rows.sort();
    append::accounts(conn, rows)
}

/// How many accounts there are.
pub fn count_accounts(conn: &mut Conn) -> Result<i64, StoreError> {
    Ok(accounts::table.count().get_result(conn)?)
}
