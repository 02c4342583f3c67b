//! What billing said about accounts, replaced a chunk at a time.

use std::collections::HashMap;
use std::sync::Arc;

use diesel::prelude::*;

use super::rows::{FactRow, fact_columns, facts_of};
use super::{Conn, Texts, append};
use crate::domain::fact::Fact;
use crate::domain::ids::AccountNumber;
use crate::domain::position::{Snapshot, settled_through};
use crate::store::{AccountDocument, StoreError};
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
/// An account that stands twice in the chunk is taken as it stands last. A fact that another gateway
/// appends meanwhile lies behind the place up to which the account is settled, so it goes on counting.
pub fn replace_documents(
    conn: &mut Conn,
    snapshot: &Snapshot,
    chunk: &[AccountDocument],
) -> Result<(), StoreError> {
    let latest: HashMap<&AccountNumber, &str> =
        chunk.iter().map(|account| (&account.account_number, account.document.as_str())).collect();
    let numbers = Texts::new(latest.keys().map(|number| number.as_str()));
    let mut unsettled = unsettled_facts(conn, numbers)?;
    let mut rows = Vec::with_capacity(latest.len());
    for (number, document) in latest {
        // Zero leaves the place where it is: an account never becomes less settled.
        let settled = unsettled.remove(number).map_or(0, |facts| {
            let before = facts.first().and_then(|fact| fact.account.as_ref()).map_or(0, |place| place.seq - 1);
            settled_through(snapshot, &facts, before)
        });
        rows.push((number.as_str().to_owned(), snapshot.id.clone(), settled, document.to_owned()));
    }
    rows.sort_unstable_by(|a, b| a.0.cmp(&b.0));
    append::accounts(conn, rows)
}

/// The facts of these accounts that no snapshot has settled, in the order of their places. Accounts
/// without any, which are nearly all, cost nothing but the look-up.
fn unsettled_facts(conn: &mut Conn, numbers: Texts) -> Result<HashMap<AccountNumber, Vec<Arc<Fact>>>, StoreError> {
    let rows: Vec<FactRow> = UnsettledFacts { numbers }.load(conn)?;
    let mut facts: HashMap<AccountNumber, Vec<Arc<Fact>>> = HashMap::new();
    for fact in facts_of(rows)? {
        if let Some(place) = &fact.account {
            facts.entry(place.of.clone()).or_default().push(Arc::clone(&fact));
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
