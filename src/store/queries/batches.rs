//! Collection batches: the seals, and the money between them.

use std::sync::Arc;

use diesel::prelude::*;
use diesel::sql_types::{BigInt, Integer, Nullable};

use super::Conn;
use super::rows::{FactRow, fact_columns, facts_of, limit, read_date};
use crate::domain::calendar::BusinessDate;
use crate::domain::command::BatchContents;
use crate::domain::fact::Fact;
use crate::domain::ids::PartyId;
use crate::domain::money::Money;
use crate::store::schema::facts;
use crate::store::statement::statement;
use crate::store::{BatchFilter, BatchPage, StoreError};

statement! {
    /// Seals of anybody before an id.
    Seals(before: String, limit: i64) -> facts::SqlType =
        "SELECT ", fact_columns!(),
        " FROM facts f WHERE f.kind = 'batch_seal' AND f.id < {} ORDER BY f.id DESC LIMIT {}"
}
statement! {
    /// Seals of one partner before an id.
    SealsOf(series: String, before: String, limit: i64) -> facts::SqlType =
        "SELECT ", fact_columns!(),
        " FROM facts f WHERE f.series = {} AND f.id < {} ORDER BY f.series_seq DESC LIMIT {}"
}
statement! {
    /// The money of a partner's business dates. A reversal takes a payment out of the count when that
    /// payment lies in the same dates, and only off the sum when it lies in earlier ones.
    Contents(after: i32, party: String, after_again: i32, through: i32)
        -> (Nullable<Integer>, BigInt, BigInt) =
        "SELECT min(f.business_date), \
                CAST(coalesce(sum(CASE WHEN f.kind = 'payment' THEN 1 WHEN p.id IS NULL THEN 0 ELSE -1 END), 0) AS BIGINT), \
                CAST(coalesce(sum(f.amount), 0) AS BIGINT) \
         FROM facts f LEFT JOIN facts p ON p.id = f.ends AND p.party = f.party AND p.business_date > {} \
         WHERE f.party = {} AND f.business_date > {} AND f.business_date <= {} AND f.kind IN ('payment', 'reversal')"
}

/// Sealed collection batches, latest first; `after` goes on to earlier ones.
pub fn batches(conn: &mut Conn, filter: &BatchFilter) -> Result<Vec<Arc<Fact>>, StoreError> {
    // Behind every id, because an id begins with a digit of 0 to 7.
    let before = filter.after.map_or_else(|| "8".to_owned(), |id| id.to_string());
    let limit = limit(filter.limit);
    let rows: Vec<FactRow> = match &filter.partner {
        Some(partner) => SealsOf { series: crate::domain::batch::series(partner), before, limit }.load(conn)?,
        None => Seals { before, limit }.load(conn)?,
    };
    facts_of(rows)
}

/// The payments and reversals of a partner's business dates, a page of them.
pub fn batch_page(conn: &mut Conn, page: &BatchPage) -> Result<Vec<Arc<Fact>>, StoreError> {
    let mut query = facts::table
        .filter(facts::party.eq(page.partner.as_str()))
        .filter(facts::business_date.ge(page.from.number()))
        .filter(facts::business_date.le(page.through.number()))
        .filter(facts::kind.eq("payment").or(facts::kind.eq("reversal")))
        .order((facts::business_date, facts::id))
        .limit(limit(page.limit))
        .into_boxed();
    if let Some(after) = &page.after {
        let date = after.business_date.number();
        let later = facts::business_date.gt(date).or(facts::id.gt(after.id.to_string()));
        query = query.filter(facts::business_date.ge(date)).filter(later);
    }
    facts_of(query.load(conn)?)
}

/// What a seal of the business dates after one, through another, would contain.
pub fn batch_contents(
    conn: &mut Conn,
    partner: &PartyId,
    after: Option<BusinessDate>,
    through: BusinessDate,
) -> Result<BatchContents, StoreError> {
    let after = after.map_or(0, BusinessDate::number);
    let party = partner.as_str().to_owned();
    let contents = Contents { after, party, after_again: after, through: through.number() };
    let (first, count, total): (Option<i32>, i64, i64) = contents.get_result(conn)?;
    Ok(BatchContents { first: first.map(read_date).transpose()?, count, total: Money::from_centavos(total) })
}
