//! What billing said about accounts, replaced a chunk at a time.

use std::collections::HashMap;
use std::sync::Arc;

use diesel::prelude::*;

use super::rows::{FactRow, fact_columns, facts_of, limit};
use super::{Conn, Texts, append};
use crate::domain::fact::Fact;
use crate::domain::ids::AccountNumber;
use crate::domain::position::{Snapshot, settled_through};
use crate::store::{AccountDocuments, StoreError};
use crate::store::schema::{accounts, facts};
use crate::store::statement::statement;

statement! {
    /// The facts of accounts that no snapshot has settled. Whether an account has any fact at all is asked
    /// first, as a value, which no planner moves: where none has, as for a first file, no account's row need
    /// be looked for.
    UnsettledFacts(numbers: Texts) -> facts::SqlType =
        "SELECT ", fact_columns!(),
        " FROM {} CROSS JOIN accounts a JOIN facts f \
          ON f.account_number = a.account_number AND f.account_seq > a.settled_seq \
          WHERE a.account_number = list.value \
            AND (SELECT max(l.account_seq) FROM facts l WHERE l.account_number = list.value) IS NOT NULL"
}

/// Replaces what billing said about these accounts, and settles what the snapshot contains.
///
/// A fact that another gateway appends meanwhile lies behind the place up to which the account is
/// settled, so it goes on counting.
pub fn replace_documents(
    conn: &mut Conn,
    snapshot: &Snapshot,
    accounts: &Arc<AccountDocuments>,
) -> Result<(), StoreError> {
    let unsettled = unsettled_facts(conn, Texts::new(&accounts.numbers))?;
    let settled = |number: &String| {
        // Zero leaves the place where it is: an account never becomes less settled.
        unsettled.get(number.as_str()).map_or(0, |facts| {
            let before = facts.first().and_then(|fact| fact.account.as_ref()).map_or(0, |place| place.seq - 1);
            settled_through(snapshot, facts, before)
        })
    };
    let settled = accounts.numbers.iter().map(settled).collect();
    append::replace_accounts(conn, &snapshot.id, settled, accounts)
}

/// Writes what billing said about accounts that are not known: nothing of theirs can be settled, and
/// nobody has to look whether they are there.
pub fn add_documents(
    conn: &mut Conn,
    snapshot: &Snapshot,
    accounts: &Arc<AccountDocuments>,
) -> Result<(), StoreError> {
    append::add_accounts(conn, &snapshot.id, accounts)
}

/// The facts of these accounts that no snapshot has settled, in the order of their places. Accounts
/// without any, which are nearly all, cost nothing but the look-up.
fn unsettled_facts(conn: &mut Conn, numbers: Texts) -> Result<HashMap<String, Vec<Arc<Fact>>>, StoreError> {
    let rows: Vec<FactRow> = UnsettledFacts { numbers }.load(conn)?;
    let mut facts: HashMap<String, Vec<Arc<Fact>>> = HashMap::new();
    for fact in facts_of(rows)? {
        if let Some(place) = &fact.account {
            facts.entry(place.of.as_str().to_owned()).or_default().push(Arc::clone(&fact));
        }
    }
    for facts in facts.values_mut() {
        facts.sort_by_key(|fact| fact.account.as_ref().map_or(0, |place| place.seq));
    }
    Ok(facts)
}

/// How many accounts there are.
pub fn count_accounts(conn: &mut Conn) -> Result<i64, StoreError> {
    Ok(accounts::table.count().get_result(conn)?)
}

/// The numbers of the next accounts, in order.
pub fn account_numbers(conn: &mut Conn, after: &str, rows: u32) -> Result<Vec<AccountNumber>, StoreError> {
    let page: Vec<String> = accounts::table
        .filter(accounts::account_number.gt(after))
        .order(accounts::account_number)
        .limit(limit(rows))
        .select(accounts::account_number)
        .load(conn)?;
    Ok(page.into_iter().map(AccountNumber::new).collect())
}

/// Forgets accounts.
pub fn remove_accounts(conn: &mut Conn, numbers: &[AccountNumber]) -> Result<(), StoreError> {
    let numbers = numbers.iter().map(AccountNumber::as_str);
    diesel::delete(accounts::table.filter(accounts::account_number.eq_any(numbers))).execute(conn)?;
    Ok(())
}
