//! Reconciliations, the breaks that they found, and what was said about those.

use std::collections::HashSet;

use diesel::prelude::*;
use diesel::sql_types::Text;

use super::rows::{from_json, limit, read_date, read_id, read_word, to_json, word};
use super::{Conn, Texts};
use crate::domain::calendar::Timestamp;
use crate::domain::ids::{Id, IdempotencyKey, PartyId};
use crate::domain::money::Money;
use crate::reconciliation::result::Reconciliation;
use crate::store::schema::{break_resolutions, breaks, reconciliation_runs};
use crate::store::statement::statement;
use crate::store::{BreakRecord, ResolutionRecord, RunFilter, RunRecord, RunSummary, StoreError};

statement! {
    /// Which of these breaks are known.
    KnownBreaks(ids: Texts) -> Text = "SELECT b.id FROM {} CROSS JOIN breaks b WHERE b.id = list.value"
}
statement! {
    /// Breaks by their ids.
    BreaksById(ids: Texts) -> breaks::SqlType =
        "SELECT b.id, b.party, b.run, b.cause, b.owner, b.document, b.first_seen_at \
         FROM {} CROSS JOIN breaks b WHERE b.id = list.value"
}
statement! {
    /// Everything that was said about some breaks.
    ResolutionsOf(ids: Texts) -> break_resolutions::SqlType =
        "SELECT r.id, r.break_id, r.seq, r.side, r.party, r.kind, r.cure, r.explanation, r.status, \
                r.idempotency_key, r.request_hash, r.at \
         FROM {} CROSS JOIN break_resolutions r WHERE r.break_id = list.value ORDER BY r.break_id, r.seq"
}

#[derive(Queryable, Selectable, Insertable)]
#[diesel(table_name = reconciliation_runs, check_for_backend(super::Backend))]
struct RunRow {
    id: String,
    party: String,
    kind: String,
    from_date: i32,
    to_date: i32,
    as_of: i32,
    inputs_hash: String,
    file_hash: String,
    result: String,
    created_at: i64,
    asked_by: String,
    break_count: i64,
    at_stake: i64,
}

#[derive(Queryable, Selectable)]
#[diesel(table_name = reconciliation_runs, check_for_backend(super::Backend))]
struct SummaryRow {
    id: String,
    party: String,
    kind: String,
    from_date: i32,
    to_date: i32,
    as_of: i32,
    file_hash: String,
    created_at: i64,
    break_count: i64,
    at_stake: i64,
}

#[derive(Queryable, Selectable, Insertable)]
#[diesel(table_name = breaks, check_for_backend(super::Backend))]
struct BreakRow {
    id: String,
    party: String,
    run: String,
    cause: String,
    owner: String,
    document: String,
    first_seen_at: i64,
}

#[derive(Queryable, Selectable, Insertable)]
#[diesel(table_name = break_resolutions, check_for_backend(super::Backend), treat_none_as_default_value = false)]
struct ResolutionRow {
    id: String,
    break_id: String,
    seq: i32,
    side: String,
    party: String,
    kind: String,
    cure: Option<String>,
    explanation: Option<String>,
    status: String,
    idempotency_key: String,
    request_hash: String,
    at: i64,
}

impl RunRow {
    fn of(run: &RunRecord) -> Result<Self, StoreError> {
        Ok(Self {
            id: run.id.to_string(),
            party: run.result.party.as_str().to_owned(),
            kind: word(&run.kind)?,
            from_date: run.result.from.number(),
            to_date: run.result.to.number(),
            as_of: run.result.as_of.number(),
            inputs_hash: run.inputs_hash.clone(),
            file_hash: run.file_hash.clone(),
            result: to_json(&run.result)?,
            created_at: run.created_at.micros(),
            asked_by: run.asked_by.as_str().to_owned(),
            break_count: i64::try_from(run.result.breaks.len()).unwrap_or(i64::MAX),
            at_stake: run.result.breaks.iter().map(|one| one.amount_at_stake).sum::<Money>().centavos(),
        })
    }

    fn record(self) -> Result<RunRecord, StoreError> {
        let result: Reconciliation = from_json(&self.result)?;
        let told = (PartyId::new(self.party), read_date(self.from_date)?, read_date(self.to_date)?);
        if told != (result.party.clone(), result.from, result.to) {
            return Err(StoreError::Corrupt(format!("reconciliation {} is another one's", self.id)));
        }
        Ok(RunRecord {
            id: read_id(&self.id)?,
            kind: read_word(&self.kind)?,
            inputs_hash: self.inputs_hash,
            file_hash: self.file_hash,
            result,
            created_at: Timestamp::from_micros(self.created_at),
            asked_by: PartyId::new(self.asked_by),
        })
    }
}

impl SummaryRow {
    fn summary(self) -> Result<RunSummary, StoreError> {
        Ok(RunSummary {
            id: read_id(&self.id)?,
            party: PartyId::new(self.party),
            kind: read_word(&self.kind)?,
            from: read_date(self.from_date)?,
            to: read_date(self.to_date)?,
            as_of: read_date(self.as_of)?,
            file_hash: self.file_hash,
            created_at: Timestamp::from_micros(self.created_at),
            break_count: self.break_count,
            at_stake: Money::from_centavos(self.at_stake),
        })
    }
}

impl BreakRow {
    fn of(record: &BreakRecord) -> Result<Self, StoreError> {
        Ok(Self {
            id: record.document.break_id.to_string(),
            party: record.party.as_str().to_owned(),
            run: record.run.to_string(),
            cause: record.document.cause.code().to_owned(),
            owner: record.document.owner.code().to_owned(),
            document: to_json(&record.document)?,
            first_seen_at: record.first_seen_at.micros(),
        })
    }

    fn record(self) -> Result<BreakRecord, StoreError> {
        Ok(BreakRecord {
            party: PartyId::new(self.party),
            run: read_id(&self.run)?,
            document: from_json(&self.document)?,
            first_seen_at: Timestamp::from_micros(self.first_seen_at),
        })
    }
}

impl ResolutionRow {
    fn of(record: &ResolutionRecord) -> Result<Self, StoreError> {
        Ok(Self {
            id: record.id.to_string(),
            break_id: record.break_id.to_string(),
            seq: record.seq,
            side: word(&record.side)?,
            party: record.party.as_str().to_owned(),
            kind: word(&record.kind)?,
            cure: record.cure.clone(),
            explanation: record.explanation.clone(),
            status: word(&record.status)?,
            idempotency_key: record.key.as_str().to_owned(),
            request_hash: record.request_hash.clone(),
            at: record.at.micros(),
        })
    }

    fn record(self) -> Result<ResolutionRecord, StoreError> {
        Ok(ResolutionRecord {
            id: read_id(&self.id)?,
            break_id: read_id(&self.break_id)?,
            seq: self.seq,
            side: read_word(&self.side)?,
            party: PartyId::new(self.party),
            kind: read_word(&self.kind)?,
            cure: self.cure,
            explanation: self.explanation,
            status: read_word(&self.status)?,
            key: IdempotencyKey::new(self.idempotency_key),
            request_hash: self.request_hash,
            at: Timestamp::from_micros(self.at),
        })
    }
}

/// A reconciliation of anybody.
pub fn reconciliation(conn: &mut Conn, id: Id) -> Result<Option<RunRecord>, StoreError> {
    let row: Option<RunRow> = reconciliation_runs::table.find(id.to_string()).first(conn).optional()?;
    row.map(RunRow::record).transpose()
}

/// Reconciliations, latest first. Their ids come from their inputs and say nothing of time, so the
/// place after which a page goes on is looked up.
pub fn reconciliations(conn: &mut Conn, filter: &RunFilter) -> Result<Vec<RunSummary>, StoreError> {
    let mut query = reconciliation_runs::table
        .order((reconciliation_runs::created_at.desc(), reconciliation_runs::id.desc()))
        .limit(limit(filter.limit))
        .select(SummaryRow::as_select())
        .into_boxed();
    if let Some(party) = &filter.party {
        query = query.filter(reconciliation_runs::party.eq(party.as_str()));
    }
    if let Some(after) = filter.after {
        let id = after.to_string();
        let place = reconciliation_runs::table.find(&id).select(reconciliation_runs::created_at);
        let Some(at) = place.first::<i64>(conn).optional()? else { return Ok(Vec::new()) };
        let earlier = reconciliation_runs::created_at.lt(at).or(reconciliation_runs::id.lt(id));
        query = query.filter(reconciliation_runs::created_at.le(at)).filter(earlier);
    }
    query.load(conn)?.into_iter().map(SummaryRow::summary).collect()
}

/// Keeps a reconciliation, unless it is there; answers the one that is kept.
pub fn keep_reconciliation(conn: &mut Conn, run: &RunRecord) -> Result<RunRecord, StoreError> {
    let insert = diesel::insert_into(reconciliation_runs::table).values(RunRow::of(run)?);
    insert.on_conflict_do_nothing().execute(conn)?;
    reconciliation(conn, run.id)?.ok_or_else(|| StoreError::Corrupt(format!("reconciliation {} went", run.id)))
}

/// Keeps the breaks that are not known yet.
pub fn keep_breaks(conn: &mut Conn, found: &[BreakRecord]) -> Result<(), StoreError> {
    let ids = Texts::new(found.iter().map(|one| one.document.break_id.to_string()));
    let known: Vec<String> = KnownBreaks { ids }.load(conn)?;
    let known: HashSet<Id> = known.iter().map(|id| read_id(id)).collect::<Result<_, _>>()?;
    for one in found.iter().filter(|one| !known.contains(&one.document.break_id)) {
        diesel::insert_into(breaks::table).values(BreakRow::of(one)?).on_conflict_do_nothing().execute(conn)?;
    }
    Ok(())
}

/// Breaks of anybody by their ids; unknown ones are missing.
pub fn breaks(conn: &mut Conn, ids: &[Id]) -> Result<Vec<BreakRecord>, StoreError> {
    let ids = Texts::new(ids.iter().map(ToString::to_string));
    let rows: Vec<BreakRow> = BreaksById { ids }.load(conn)?;
    rows.into_iter().map(BreakRow::record).collect()
}

/// How many breaks a run saw first, and the first of them.
pub fn breaks_of_run(conn: &mut Conn, run: Id, most: u32) -> Result<(i64, Vec<BreakRecord>), StoreError> {
    let of_run = || breaks::table.filter(breaks::run.eq(run.to_string()));
    let count: i64 = of_run().count().get_result(conn)?;
    let rows: Vec<BreakRow> = of_run().order(breaks::id).limit(limit(most)).load(conn)?;
    Ok((count, rows.into_iter().map(BreakRow::record).collect::<Result<_, _>>()?))
}

/// Everything that was said about these breaks, each in its order.
pub fn resolutions(conn: &mut Conn, ids: &[Id]) -> Result<Vec<ResolutionRecord>, StoreError> {
    let ids = Texts::new(ids.iter().map(ToString::to_string));
    let rows: Vec<ResolutionRow> = ResolutionsOf { ids }.load(conn)?;
    rows.into_iter().map(ResolutionRow::record).collect()
}

/// What a party said under a key.
pub fn resolution_by_key(
    conn: &mut Conn,
    party: &PartyId,
    key: &IdempotencyKey,
) -> Result<Option<ResolutionRecord>, StoreError> {
    let row: Option<ResolutionRow> = break_resolutions::table
        .filter(break_resolutions::party.eq(party.as_str()))
        .filter(break_resolutions::idempotency_key.eq(key.as_str()))
        .first(conn)
        .optional()?;
    row.map(ResolutionRow::record).transpose()
}

/// Adds what a side said; a place that is taken is a conflict.
pub fn add_resolution(conn: &mut Conn, record: &ResolutionRecord) -> Result<(), StoreError> {
    diesel::insert_into(break_resolutions::table).values(ResolutionRow::of(record)?).execute(conn)?;
    Ok(())
}
