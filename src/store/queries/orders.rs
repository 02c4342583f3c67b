//! Reconnection orders and where they stand.

use std::collections::HashMap;
use std::sync::Arc;

use diesel::prelude::*;

use super::Conn;
use super::rows::{FactRow, fact_columns, facts_of};
use super::world::{facts_by_id, last_of};
use crate::domain::calendar::Timestamp;
use crate::domain::fact::{Body, Fact};
use crate::domain::ids::{Id, PartyId};
use crate::domain::reconnection;
use crate::store::schema::facts;
use crate::store::statement::statement;
use crate::store::{OrderFilter, OrderRecord, StoreError, first_id_at};

/// How many orders are looked through for one page whose filter is about their last move.
const LOOKED_THROUGH: i64 = 1000;

statement! {
    /// Orders of anybody after an id.
    Orders(after: String, limit: i64) -> facts::SqlType =
        "SELECT ", fact_columns!(),
        " FROM facts f WHERE f.kind = 'reconnection_order' AND f.id > {} ORDER BY f.id LIMIT {}"
}
statement! {
    /// Orders for one account after an id.
    OrdersOfAccount(account_number: String, after: String, limit: i64) -> facts::SqlType =
        "SELECT ", fact_columns!(),
        " FROM facts f WHERE f.account_number = {} AND f.kind = 'reconnection_order' AND f.id > {} \
          ORDER BY f.id LIMIT {}"
}

/// A reconnection order.
pub fn order(conn: &mut Conn, id: Id) -> Result<Option<OrderRecord>, StoreError> {
    let facts = facts_by_id(conn, &[id])?;
    let orders = facts.into_iter().filter(|fact| matches!(fact.body, Body::ReconnectionOrder(_))).collect();
    Ok(with_moves(conn, orders)?.pop())
}

/// Reconnection orders, in the order of their ids.
pub fn orders(conn: &mut Conn, filter: &OrderFilter) -> Result<Vec<OrderRecord>, StoreError> {
    let fits = |record: &OrderRecord| {
        let party: Option<&PartyId> = filter.party.as_ref();
        party.is_none_or(|party| record.order.party == *party)
            && filter.status.is_none_or(|status| record.status() == status)
    };
    let wanted = usize::try_from(filter.limit).unwrap_or(usize::MAX);
    let mut found = Vec::new();
    let mut after = filter.after.map(|id| id.to_string()).unwrap_or_default();
    loop {
        let limit = LOOKED_THROUGH;
        let rows: Vec<FactRow> = match &filter.account_number {
            Some(number) => OrdersOfAccount { account_number: number.as_str().to_owned(), after, limit }.load(conn)?,
            None => Orders { after, limit }.load(conn)?,
        };
        let Some(last) = rows.last().map(|row| row.id.clone()) else { return Ok(found) };
        after = last;
        for record in with_moves(conn, facts_of(rows)?)?.into_iter().filter(fits) {
            found.push(record);
            if found.len() == wanted {
                return Ok(found);
            }
        }
    }
}

/// Open orders that are due before `now` and were not announced.
pub fn overdue_orders(
    conn: &mut Conn,
    now: Timestamp,
    since: Timestamp,
    limit: u32,
) -> Result<Vec<OrderRecord>, StoreError> {
    let wanted = usize::try_from(limit).unwrap_or(usize::MAX);
    let late = |record: &OrderRecord| {
        let due_by = match &record.order.body {
            Body::ReconnectionOrder(order) => order.due_by,
            _ => now,
        };
        let announced = matches!(record.last_move.as_ref().map(|fact| &fact.body),
            Some(Body::ReconnectionMove(step)) if step.overdue || step.announced);
        record.status().is_open() && due_by < now && !announced
    };
    let mut found = Vec::new();
    let mut after = first_id_at(since).to_string();
    while found.len() < wanted {
        let rows: Vec<FactRow> = Orders { after, limit: LOOKED_THROUGH }.load(conn)?;
        let Some(last) = rows.last().map(|row| row.id.clone()) else { break };
        after = last;
        found.extend(with_moves(conn, facts_of(rows)?)?.into_iter().filter(late));
    }
    found.truncate(wanted);
    Ok(found)
}

fn with_moves(conn: &mut Conn, orders: Vec<Arc<Fact>>) -> Result<Vec<OrderRecord>, StoreError> {
    if orders.is_empty() {
        return Ok(Vec::new());
    }
    let moves = last_of(conn, orders.iter().map(|order| reconnection::series(order.id)))?;
    let of_order = |fact: Arc<Fact>| match &fact.body {
        Body::ReconnectionMove(step) => Some((step.order_id, fact)),
        _ => None,
    };
    let mut moves: HashMap<Id, Arc<Fact>> = moves.into_iter().filter_map(of_order).collect();
    Ok(orders.into_iter().map(|order| OrderRecord { last_move: moves.remove(&order.id), order }).collect())
}
