//! Every fact, page by page, for whoever checks the books.

use std::sync::Arc;

use diesel::dsl::sql;
use diesel::prelude::*;
use diesel::sql_types::{BigInt, Bool, Text};

use super::Conn;
use super::rows::{FactRow, facts_of};
use crate::domain::fact::Fact;
use crate::domain::ids::Id;
use crate::store::StoreError;
use crate::store::schema::facts;

/// Facts in the order of their ids, after one.
pub fn facts_page(conn: &mut Conn, after: Option<Id>, limit: u32) -> Result<Vec<Arc<Fact>>, StoreError> {
    let after = after.map(|id| id.to_string()).unwrap_or_default();
    let page = facts::table.filter(facts::id.gt(after)).order(facts::id).limit(i64::from(limit));
    facts_of(page.select(FactRow::as_select()).load(conn)?)
}

/// Facts in the order of their series and places, after a place.
pub fn series_page(conn: &mut Conn, after: &(String, i64), limit: u32) -> Result<Vec<Arc<Fact>>, StoreError> {
    let (series, seq) = after;
    // As one place and not as two conditions: the index, which has no facts without a series, is entered there.
    let later = sql::<Bool>("(series, series_seq) > (").bind::<Text, _>(series).sql(", ");
    let later = facts::series.is_not_null().and(later.bind::<BigInt, _>(seq).sql(")"));
    let page = facts::table.filter(later).order((facts::series, facts::series_seq)).limit(i64::from(limit));
    facts_of(page.select(FactRow::as_select()).load(conn)?)
}
