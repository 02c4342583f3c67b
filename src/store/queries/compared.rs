//! What the gateway holds of some business dates, as a reconciliation reads it.

use std::sync::Arc;

use diesel::prelude::*;
use diesel::sql_types::{BigInt, Nullable, Text};

use super::Conn;
use super::rows::{FactRow, fact_columns, facts_of, limit, read_id};
use crate::domain::calendar::{BusinessDate, Timestamp};
use crate::domain::fact::Fact;
use crate::domain::ids::Id;
use crate::store::schema::facts;
use crate::store::statement::statement;
use crate::store::{ComparedPage, ComparedRow, StoreError};

type ComparedColumns = (facts::SqlType, Nullable<Text>, Nullable<BigInt>);

statement! {
    /// Payments of a partner's business dates with their reversals, after a date and an id.
    Payments(party: String, date: i32, id: String, through: i32, limit: i64) -> ComparedColumns =
        "SELECT ", fact_columns!(), ", e.id, e.recorded_at \
         FROM facts f LEFT JOIN facts e ON e.ends = f.id \
         WHERE f.party = {} AND f.kind = 'payment' AND (f.business_date, f.id) > ({}, {}) \
           AND f.business_date <= {} \
         ORDER BY f.business_date, f.id LIMIT {}"
}
statement! {
    /// Deposits of anybody that were declared on some business dates, after a date and an id.
    Deposits(date: i32, id: String, through: i32, limit: i64) -> facts::SqlType =
        "SELECT ", fact_columns!(), " FROM facts f \
         WHERE f.kind = 'deposit' AND (f.business_date, f.id) > ({}, {}) AND f.business_date <= {} \
         ORDER BY f.business_date, f.id LIMIT {}"
}

/// A page of a partner's payments, each with what took it back.
pub fn compared_payments(conn: &mut Conn, page: &ComparedPage) -> Result<Vec<ComparedRow>, StoreError> {
    let (date, id) = place(page.from, page.after);
    let query = Payments {
        party: page.party.as_str().to_owned(),
        date,
        id,
        through: page.through.number(),
        limit: limit(page.limit),
    };
    let rows: Vec<(FactRow, Option<String>, Option<i64>)> = query.load(conn)?;
    let row = |(payment, reversal, at): (FactRow, Option<String>, Option<i64>)| {
        let reversal = reversal.as_deref().map(read_id).transpose()?;
        Ok(ComparedRow { payment: payment.fact()?, reversal: reversal.zip(at.map(Timestamp::from_micros)) })
    };
    rows.into_iter().map(row).collect()
}

/// A page of the deposits that anybody declared on some business dates.
pub fn compared_deposits(
    conn: &mut Conn,
    from: BusinessDate,
    through: BusinessDate,
    after: Option<(BusinessDate, Id)>,
    rows: u32,
) -> Result<Vec<Arc<Fact>>, StoreError> {
    let (date, id) = place(from, after);
    let query = Deposits { date, id, through: through.number(), limit: limit(rows) };
    let rows: Vec<FactRow> = query.load(conn)?;
    facts_of(rows)
}

/// Where a page begins; before every id of the first date when nothing was read yet.
fn place(from: BusinessDate, after: Option<(BusinessDate, Id)>) -> (i32, String) {
    after.map_or_else(|| (from.number(), String::new()), |(date, id)| (date.number(), id.to_string()))
}
