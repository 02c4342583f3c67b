//! Appending on PostgreSQL: one statement for all rows of a table, a bind for each column.

use std::ops::Range;
use std::sync::Arc;

use diesel::prelude::*;
use diesel::query_builder::AstPass;
use diesel::sql_types::{Array, BigInt, Integer, Nullable, Text};

use super::outbox::listened_to;
use super::rows::FactRow;
use super::{Backend, Conn, Put};
use crate::store::statement::statement;
use crate::store::{AccountDocuments, StoreError};

macro_rules! columns {
    ($($name:ident($type:ty as $sql_type:ty)),*) => {
        $(
            /// A column of values.
            struct $name(Vec<$type>);

            impl Put for $name {
                fn put<'b>(&'b self, out: &mut AstPass<'_, 'b, Backend>) -> QueryResult<()> {
                    out.push_bind_param::<Array<$sql_type>, _>(&self.0)
                }
            }
        )*
    };
}
columns!(
    TextColumn(String as Text),
    BigColumn(i64 as BigInt),
    DateColumn(i32 as Integer),
    MaybeText(Option<String> as Nullable<Text>),
    MaybeBig(Option<i64> as Nullable<BigInt>)
);

statement! {
    /// Everything that facts bring, in one statement: a bind for each column. What each part waits for
    /// fixes their order: the charges come last, because these rows are shared by everybody who
    /// collects and stay locked until the commit. An event that no endpoint listens to has nowhere to
    /// go and is not written; whoever sends the others is called with the commit.
    Append(
        id: TextColumn, kind: TextColumn, recorded_at: BigColumn, business_date: DateColumn, party: TextColumn,
        collection_point: MaybeText, account_number: MaybeText, account_seq: MaybeBig, series: MaybeText,
        series_seq: MaybeBig, asked_by: MaybeText, idempotency_key: MaybeText, request_hash: MaybeText, ends: MaybeText,
        amount: BigColumn, body: TextColumn,
        fact: TextColumn, event: TextColumn,
        scope: TextColumn, change: BigColumn
    ) -> (BigInt, Nullable<Text>) =
        "WITH written AS (INSERT INTO facts (id, kind, recorded_at, business_date, party, collection_point, \
           account_number, account_seq, series, series_seq, asked_by, idempotency_key, request_hash, ends, amount, body) \
           SELECT * FROM unnest({}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}) RETURNING 1), \
         leaving AS (INSERT INTO outbox (fact, event) \
           SELECT list.fact, list.event FROM unnest({}, {}) AS list(fact, event) \
           WHERE (SELECT count(*) FROM written) > 0 AND ", listened_to!("list.event"), " RETURNING 1), \
         charged AS (INSERT INTO exposure (scope, used) SELECT * FROM unnest({}, {}) AS list(scope, change) \
           WHERE (SELECT count(*) FROM leaving) >= 0 \
           ON CONFLICT (scope) DO UPDATE SET used = exposure.used + excluded.used RETURNING 1) \
         SELECT count(*), CASE WHEN count(*) > 0 THEN CAST(pg_notify('recaudo_outbox', '') AS TEXT) END FROM leaving"
}

/// Writes facts, their events and what they charge. Says how many events have to leave.
pub fn append(
    conn: &mut Conn,
    rows: Vec<FactRow>,
    events: Vec<(String, String)>,
    charges: Vec<(String, i64)>,
) -> Result<usize, StoreError> {
    let (fact, event) = events.into_iter().unzip();
    let (scope, change) = charges.into_iter().unzip();
    let mut all = Append {
        id: TextColumn(Vec::with_capacity(rows.len())),
        kind: TextColumn(Vec::with_capacity(rows.len())),
        recorded_at: BigColumn(Vec::with_capacity(rows.len())),
        business_date: DateColumn(Vec::with_capacity(rows.len())),
        party: TextColumn(Vec::with_capacity(rows.len())),
        collection_point: MaybeText(Vec::with_capacity(rows.len())),
        account_number: MaybeText(Vec::with_capacity(rows.len())),
        account_seq: MaybeBig(Vec::with_capacity(rows.len())),
        series: MaybeText(Vec::with_capacity(rows.len())),
        series_seq: MaybeBig(Vec::with_capacity(rows.len())),
        asked_by: MaybeText(Vec::with_capacity(rows.len())),
        idempotency_key: MaybeText(Vec::with_capacity(rows.len())),
        request_hash: MaybeText(Vec::with_capacity(rows.len())),
        ends: MaybeText(Vec::with_capacity(rows.len())),
        amount: BigColumn(Vec::with_capacity(rows.len())),
        body: TextColumn(Vec::with_capacity(rows.len())),
        fact: TextColumn(fact),
        event: TextColumn(event),
        scope: TextColumn(scope),
        change: BigColumn(change),
    };
    for row in rows {
        all.id.0.push(row.id);
        all.kind.0.push(row.kind);
        all.recorded_at.0.push(row.recorded_at);
        all.business_date.0.push(row.business_date);
        all.party.0.push(row.party);
        all.collection_point.0.push(row.collection_point);
        all.account_number.0.push(row.account_number);
        all.account_seq.0.push(row.account_seq);
        all.series.0.push(row.series);
        all.series_seq.0.push(row.series_seq);
        all.asked_by.0.push(row.asked_by);
        all.idempotency_key.0.push(row.idempotency_key);
        all.request_hash.0.push(row.request_hash);
        all.ends.0.push(row.ends);
        all.amount.0.push(row.amount);
        all.body.0.push(row.body);
    }
    let (leaving, _): (i64, Option<String>) = all.get_result(conn)?;
    Ok(usize::try_from(leaving).unwrap_or(0))
}

/// Accounts in one statement. Its binds are copied several times on both sides, each time into memory that
/// is fetched from the system anew when it is much larger than this.
const ACCOUNTS_A_STATEMENT: usize = 1000;

/// The numbers of some of the accounts, as a column.
struct Numbers(Arc<AccountDocuments>, Range<usize>);

impl Put for Numbers {
    fn put<'b>(&'b self, out: &mut AstPass<'_, 'b, Backend>) -> QueryResult<()> {
        out.push_bind_param::<Array<Text>, _>(&self.0.numbers[self.1.clone()])
    }
}

/// Their documents.
struct Documents(Arc<AccountDocuments>, Range<usize>);

impl Put for Documents {
    fn put<'b>(&'b self, out: &mut AstPass<'_, 'b, Backend>) -> QueryResult<()> {
        out.push_bind_param::<Array<Text>, _>(&self.0.documents[self.1.clone()])
    }
}

statement! {
    /// What billing said, replaced.
    ReplaceAccounts(account_number: Numbers, snapshot: String, settled_seq: BigColumn, document: Documents) -> () =
        "INSERT INTO accounts (account_number, snapshot, settled_seq, document) \
         SELECT unnest({}), {}, unnest({}), unnest({}) \
         ON CONFLICT (account_number) DO UPDATE SET snapshot = excluded.snapshot, \
         settled_seq = greatest(accounts.settled_seq, excluded.settled_seq), document = excluded.document"
}

statement! {
    /// What billing said of accounts that are not known: three fifths of the work for the server, which need not
    /// look for the row that it would replace.
    AddAccounts(account_number: Numbers, snapshot: String, document: Documents) -> () =
        "INSERT INTO accounts (account_number, snapshot, settled_seq, document) SELECT unnest({}), {}, 0, unnest({})"
}

fn parts(accounts: &AccountDocuments) -> impl Iterator<Item = Range<usize>> {
    let count = accounts.len();
    (0..count).step_by(ACCOUNTS_A_STATEMENT).map(move |start| start..(start + ACCOUNTS_A_STATEMENT).min(count))
}

/// Replaces accounts: the snapshot that they are of, and for each the place up to which it is settled.
pub fn replace_accounts(
    conn: &mut Conn,
    snapshot: &str,
    settled: Vec<i64>,
    accounts: &Arc<AccountDocuments>,
) -> Result<(), StoreError> {
    for some in parts(accounts) {
        let all = ReplaceAccounts {
            account_number: Numbers(Arc::clone(accounts), some.clone()),
            snapshot: snapshot.to_owned(),
            settled_seq: BigColumn(settled[some.clone()].to_vec()),
            document: Documents(Arc::clone(accounts), some),
        };
        all.execute(conn)?;
    }
    Ok(())
}

/// Writes accounts that are not known, of this snapshot.
pub fn add_accounts(conn: &mut Conn, snapshot: &str, accounts: &Arc<AccountDocuments>) -> Result<(), StoreError> {
    for some in parts(accounts) {
        let all = AddAccounts {
            account_number: Numbers(Arc::clone(accounts), some.clone()),
            snapshot: snapshot.to_owned(),
            document: Documents(Arc::clone(accounts), some),
        };
        all.execute(conn)?;
    }
    Ok(())
}
