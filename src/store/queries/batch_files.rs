//! What the files of a sealed batch were first made with, and what they are made of beside payments.

use diesel::prelude::*;
use diesel::sql_types::{Integer, Text};

use super::Conn;
use super::rows::{limit, read_date, read_id};
use crate::domain::calendar::BusinessDate;
use crate::domain::ids::{Id, PartyId};
use crate::store::StoreError;
use crate::store::schema::batch_files;
use crate::store::statement::statement;

statement! {
    /// What was taken back within a partner's business dates, after a place; reversals have an index of
    /// their own, because they are few among many payments.
    ReversedIn(party: String, date: i32, id: String, through: i32, limit: i64) -> (Text, Integer, Text) =
        "SELECT f.id, f.business_date, f.ends FROM facts f \
         WHERE f.kind = 'reversal' AND f.party = {} AND (f.business_date, f.id) > ({}, {}) \
           AND f.business_date <= {} \
         ORDER BY f.business_date, f.id LIMIT {}"
}

/// What one part of a batch's files was first made with.
pub fn batch_file(conn: &mut Conn, batch: Id, part: &str) -> Result<Option<String>, StoreError> {
    let row = batch_files::table.find((batch.to_string(), part)).select(batch_files::settings);
    Ok(row.first(conn).optional()?)
}

/// Keeps what one part of a batch's files is made with, unless it is kept already; answers what is kept.
pub fn keep_batch_file(conn: &mut Conn, batch: Id, part: &str, settings: &str) -> Result<String, StoreError> {
    let values =
        (batch_files::batch.eq(batch.to_string()), batch_files::part.eq(part), batch_files::settings.eq(settings));
    diesel::insert_into(batch_files::table).values(values).on_conflict_do_nothing().execute(conn)?;
    let kept = batch_file(conn, batch, part)?;
    kept.ok_or_else(|| StoreError::Corrupt(format!("batch {batch} has lost its settings")))
}

/// The payments that were taken back within a partner's business dates, a page of them in the order of
/// the reversals' dates and ids: the reversal, its date, and the payment.
pub fn reversed_in(
    conn: &mut Conn,
    partner: &PartyId,
    from: BusinessDate,
    through: BusinessDate,
    after: Option<(BusinessDate, Id)>,
    rows: u32,
) -> Result<Vec<(Id, BusinessDate, Id)>, StoreError> {
    let (date, id) = after.map_or((from.number(), String::new()), |(date, id)| (date.number(), id.to_string()));
    let query = ReversedIn {
        party: partner.as_str().to_owned(),
        date,
        id,
        through: through.number(),
        limit: limit(rows),
    };
    let rows: Vec<(String, i32, String)> = query.load(conn)?;
    rows.into_iter().map(|(id, date, ended)| Ok((read_id(&id)?, read_date(date)?, read_id(&ended)?))).collect()
}
