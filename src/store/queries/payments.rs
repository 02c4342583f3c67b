//! A party's own payments.

use std::cmp::Ordering;

use diesel::dsl::sql;
use diesel::prelude::*;
use diesel::sql_types::{Bool, Integer, Text};

use super::Conn;
use super::facts::{fact, listed};
use super::rows::{FactRow, facts_of, limit};
use crate::domain::ids::{Id, PartyId, Till};
use crate::store::schema::facts;
use crate::store::{Listed, PaymentFilter, StoreError};

/// A payment of this party.
pub fn payment(conn: &mut Conn, party: &PartyId, id: Id) -> Result<Option<Listed>, StoreError> {
    let found = fact(conn, id)?;
    Ok(found.filter(|listed| listed.fact.party == *party && listed.fact.payment().is_some()))
}

/// A party's payments, in the order of business date and id, so that the index of the party's days
/// gives the pages.
pub fn payments(conn: &mut Conn, filter: &PaymentFilter) -> Result<Vec<Listed>, StoreError> {
    let mut query = facts::table
        .filter(facts::party.eq(filter.party.as_str()))
        .filter(facts::kind.eq("payment"))
        .order((facts::business_date, facts::id))
        .limit(limit(filter.limit))
        .into_boxed();
    if let Some(key) = &filter.idempotency_key {
        let asked = facts::asked_by.eq(filter.party.as_str()).and(facts::idempotency_key.eq(key.as_str()));
        query = query.filter(asked);
    }
    if let Some(point) = &filter.collection_point {
        query = query.filter(facts::collection_point.eq(point.as_str()));
    }
    if let Some(date) = filter.business_date {
        query = query.filter(facts::business_date.eq(date.number()));
    }
    if let Some(number) = &filter.account_number {
        query = query.filter(facts::account_number.eq(number.as_str()));
    }
    match (&filter.till, &filter.collection_point) {
        (Some(till), Some(point)) => {
            let till = Till { party: filter.party.clone(), collection_point: point.clone(), till: till.clone() };
            query = query.filter(facts::series.eq(till.series()));
        }
        (Some(till), None) => {
            let literal = |text: &str| text.replace('\\', "\\\\").replace('%', "\\%").replace('_', "\\_");
            let pattern = format!("till/{}/%/{}", literal(filter.party.as_str()), literal(till));
            query = query.filter(facts::series.like(pattern).escape('\\'));
        }
        (None, _) => {}
    }
    if let Some(after) = filter.after {
        let Some(last) = fact(conn, after)?.filter(|last| last.fact.party == filter.party) else {
            return Ok(Vec::new());
        };
        let date = last.fact.business_date.number();
        // As one place and not as two conditions: the index is entered there, not at the date's beginning.
        let later = sql::<Bool>("(business_date, id) > (").bind::<Integer, _>(date).sql(", ");
        query = match filter.business_date.map(|wanted| wanted.number().cmp(&date)) {
            None => query.filter(later.bind::<Text, _>(after.to_string()).sql(")")),
            Some(Ordering::Equal) => query.filter(facts::id.gt(after.to_string())),
            Some(Ordering::Greater) => query,
            // The date that is asked for lies before the place.
            Some(Ordering::Less) => return Ok(Vec::new()),
        };
    }
    let rows: Vec<FactRow> = query.load(conn)?;
    let facts = facts_of(rows)?;
    listed(conn, facts)
}
