//! What the files of a sealed batch were first made with, and what they are made of beside payments.

use diesel::prelude::*;

use super::Conn;
use super::rows::{limit, read_date, read_id};
use crate::domain::calendar::BusinessDate;
use crate::domain::ids::{Id, PartyId};
use crate::store::StoreError;
use crate::store::schema::{batch_files, facts};

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
    let mut query = facts::table
        .filter(facts::party.eq(partner.as_str()))
        .filter(facts::business_date.ge(from.number()))
        .filter(facts::business_date.le(through.number()))
        .filter(facts::kind.eq("reversal"))
        .order((facts::business_date, facts::id))
        .limit(limit(rows))
        .select((facts::id, facts::business_date, facts::ends.assume_not_null()))
        .into_boxed();
    if let Some((date, id)) = after {
        let later = facts::business_date.gt(date.number()).or(facts::id.gt(id.to_string()));
        query = query.filter(facts::business_date.ge(date.number())).filter(later);
    }
    let rows: Vec<(String, i32, String)> = query.load(conn)?;
    rows.into_iter().map(|(id, date, ended)| Ok((read_id(&id)?, read_date(date)?, read_id(&ended)?))).collect()
}
