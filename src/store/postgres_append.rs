//! Appending on PostgreSQL: one statement for all rows of a table, a bind for each column.

use diesel::prelude::*;
use diesel::query_builder::AstPass;
use diesel::sql_types::{Array, BigInt, Integer, Nullable, Text};

use super::rows::FactRow;
use super::{Backend, Conn, Put};
use crate::store::StoreError;
use crate::store::statement::statement;

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
    /// Facts, a bind for each column.
    InsertFacts(
        id: TextColumn, kind: TextColumn, recorded_at: BigColumn, business_date: DateColumn, party: TextColumn,
        collection_point: MaybeText, account_number: MaybeText, account_seq: MaybeBig, series: MaybeText,
        series_seq: MaybeBig, asked_by: MaybeText, idempotency_key: MaybeText, request_hash: MaybeText, ends: MaybeText,
        amount: BigColumn, body: TextColumn
    ) -> () =
        "INSERT INTO facts (id, kind, recorded_at, business_date, party, collection_point, account_number, \
         account_seq, series, series_seq, asked_by, idempotency_key, request_hash, ends, amount, body) \
         SELECT * FROM unnest({}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {})"
}
statement! {
    /// Events, and a call to whoever sends them; it goes out with the commit.
    InsertEvents(fact: TextColumn, event: TextColumn) -> Text =
        "WITH written AS (INSERT INTO outbox (fact, event) SELECT * FROM unnest({}, {}) RETURNING 1) \
         SELECT CAST(pg_notify('recaudo_outbox', '') AS TEXT) FROM (SELECT count(*) FROM written) AS counted"
}
statement! {
    /// Increments.
    Charge(scope: TextColumn, change: BigColumn) -> () =
        "INSERT INTO exposure (scope, used) SELECT * FROM unnest({}, {}) \
         ON CONFLICT (scope) DO UPDATE SET used = exposure.used + excluded.used"
}

pub fn facts(conn: &mut Conn, rows: Vec<FactRow>) -> Result<(), StoreError> {
    let mut all = InsertFacts {
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
    all.execute(conn)?;
    Ok(())
}

pub fn events(conn: &mut Conn, events: Vec<(String, String)>) -> Result<(), StoreError> {
    if events.is_empty() {
        return Ok(());
    }
    let (fact, event) = events.into_iter().unzip();
    InsertEvents { fact: TextColumn(fact), event: TextColumn(event) }.execute(conn)?;
    Ok(())
}

pub fn charges(conn: &mut Conn, charges: Vec<(String, i64)>) -> Result<(), StoreError> {
    if charges.is_empty() {
        return Ok(());
    }
    let (scope, change) = charges.into_iter().unzip();
    Charge { scope: TextColumn(scope), change: BigColumn(change) }.execute(conn)?;
    Ok(())
}

statement! {
    /// What billing said, replaced.
    ReplaceAccounts(account_number: TextColumn, snapshot: TextColumn, settled_seq: BigColumn, document: TextColumn)
        -> () =
        "INSERT INTO accounts (account_number, snapshot, settled_seq, document) SELECT * FROM unnest({}, {}, {}, {}) \
         ON CONFLICT (account_number) DO UPDATE SET snapshot = excluded.snapshot, \
         settled_seq = greatest(accounts.settled_seq, excluded.settled_seq), document = excluded.document"
}

/// Accounts: number, snapshot, settled place, document.
pub fn accounts(conn: &mut Conn, rows: Vec<(String, String, i64, String)>) -> Result<(), StoreError> {
    let mut all = ReplaceAccounts {
        account_number: TextColumn(Vec::with_capacity(rows.len())),
        snapshot: TextColumn(Vec::with_capacity(rows.len())),
        settled_seq: BigColumn(Vec::with_capacity(rows.len())),
        document: TextColumn(Vec::with_capacity(rows.len())),
    };
    for (number, snapshot, settled_seq, document) in rows {
        all.account_number.0.push(number);
        all.snapshot.0.push(snapshot);
        all.settled_seq.0.push(settled_seq);
        all.document.0.push(document);
    }
    all.execute(conn)?;
    Ok(())
}
