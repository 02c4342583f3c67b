//! Who may call, and from where.

use diesel::prelude::*;

use super::Conn;
use super::rows::{from_json, read_word, to_json, word};
use crate::domain::calendar::Timestamp;
use crate::domain::ids::{CollectionPointId, PartyId};
use crate::domain::policy::{PartnerSettings, PointSettings};
use crate::store::schema::{collection_points, parties};
use crate::store::{CollectionPoint, Party, StoreError};

#[derive(Queryable, Selectable, Insertable)]
#[diesel(table_name = parties, check_for_backend(super::Backend), treat_none_as_default_value = false)]
pub(super) struct PartyRow {
    id: String,
    kind: String,
    name: String,
    settings: String,
    registered_at: i64,
    suspended_at: Option<i64>,
}

#[derive(Queryable, Selectable, Insertable)]
#[diesel(table_name = collection_points, check_for_backend(super::Backend), treat_none_as_default_value = false)]
struct PointRow {
    id: String,
    party: String,
    settings: String,
    registered_at: i64,
    suspended_at: Option<i64>,
}

impl PartyRow {
    pub(super) fn party(self) -> Result<Party, StoreError> {
        Ok(Party {
            id: PartyId::new(self.id),
            kind: read_word(&self.kind)?,
            name: self.name,
            settings: from_json(&self.settings)?,
            registered_at: Timestamp::from_micros(self.registered_at),
            suspended_at: self.suspended_at.map(Timestamp::from_micros),
        })
    }
}

impl PointRow {
    fn point(self) -> Result<CollectionPoint, StoreError> {
        Ok(CollectionPoint {
            id: CollectionPointId::new(self.id),
            party: PartyId::new(self.party),
            settings: from_json(&self.settings)?,
            registered_at: Timestamp::from_micros(self.registered_at),
            suspended_at: self.suspended_at.map(Timestamp::from_micros),
        })
    }
}

/// A party.
pub fn party(conn: &mut Conn, id: &PartyId) -> Result<Option<Party>, StoreError> {
    let row: Option<PartyRow> = parties::table.find(id.as_str()).first(conn).optional()?;
    row.map(PartyRow::party).transpose()
}

/// All parties, by name.
pub fn parties(conn: &mut Conn) -> Result<Vec<Party>, StoreError> {
    let rows: Vec<PartyRow> = parties::table.order(parties::id).load(conn)?;
    rows.into_iter().map(PartyRow::party).collect()
}

/// Registers a party, or replaces its name and settings. What it is, it stays.
pub fn register_party(conn: &mut Conn, party: &Party) -> Result<(), StoreError> {
    let row = PartyRow {
        id: party.id.as_str().to_owned(),
        kind: word(&party.kind)?,
        name: party.name.clone(),
        settings: to_json(&party.settings)?,
        registered_at: party.registered_at.micros(),
        suspended_at: party.suspended_at.map(Timestamp::micros),
    };
    let changes = (parties::name.eq(row.name.clone()), parties::settings.eq(row.settings.clone()));
    diesel::insert_into(parties::table).values(row).on_conflict(parties::id).do_update().set(changes).execute(conn)?;
    Ok(())
}

/// Suspends a party, or lifts the suspension.
pub fn suspend_party(conn: &mut Conn, id: &PartyId, suspended_at: Option<Timestamp>) -> Result<bool, StoreError> {
    let change = parties::suspended_at.eq(suspended_at.map(Timestamp::micros));
    Ok(diesel::update(parties::table.find(id.as_str())).set(change).execute(conn)? == 1)
}

/// Replaces what a party may do.
pub fn set_party_settings(conn: &mut Conn, id: &PartyId, settings: &PartnerSettings) -> Result<bool, StoreError> {
    let change = parties::settings.eq(to_json(settings)?);
    Ok(diesel::update(parties::table.find(id.as_str())).set(change).execute(conn)? == 1)
}

/// A collection point.
pub fn collection_point(conn: &mut Conn, id: &CollectionPointId) -> Result<Option<CollectionPoint>, StoreError> {
    let row: Option<PointRow> = collection_points::table.find(id.as_str()).first(conn).optional()?;
    row.map(PointRow::point).transpose()
}

/// Collection points of one party, or of all.
pub fn collection_points(conn: &mut Conn, party: Option<&PartyId>) -> Result<Vec<CollectionPoint>, StoreError> {
    let mut query = collection_points::table.order(collection_points::id).into_boxed();
    if let Some(party) = party {
        query = query.filter(collection_points::party.eq(party.as_str().to_owned()));
    }
    let rows: Vec<PointRow> = query.load(conn)?;
    rows.into_iter().map(PointRow::point).collect()
}

/// Registers a collection point, or replaces its settings; it never changes hands.
pub fn register_collection_point(conn: &mut Conn, point: &CollectionPoint) -> Result<(), StoreError> {
    let row = PointRow {
        id: point.id.as_str().to_owned(),
        party: point.party.as_str().to_owned(),
        settings: to_json(&point.settings)?,
        registered_at: point.registered_at.micros(),
        suspended_at: point.suspended_at.map(Timestamp::micros),
    };
    if collection_point(conn, &point.id)?.is_some_and(|known| known.party != point.party) {
        return Err(StoreError::Conflict(format!("collection point {} is another party's", point.id)));
    }
    let change = collection_points::settings.eq(row.settings.clone());
    let insert = diesel::insert_into(collection_points::table).values(row);
    insert.on_conflict(collection_points::id).do_update().set(change).execute(conn)?;
    Ok(())
}

/// Suspends a collection point, or lifts the suspension.
pub fn suspend_collection_point(
    conn: &mut Conn,
    id: &CollectionPointId,
    suspended_at: Option<Timestamp>,
) -> Result<bool, StoreError> {
    let change = collection_points::suspended_at.eq(suspended_at.map(Timestamp::micros));
    Ok(diesel::update(collection_points::table.find(id.as_str())).set(change).execute(conn)? == 1)
}

/// Replaces what a collection point may do.
pub fn set_collection_point_settings(
    conn: &mut Conn,
    id: &CollectionPointId,
    settings: &PointSettings,
) -> Result<bool, StoreError> {
    let change = collection_points::settings.eq(to_json(settings)?);
    Ok(diesel::update(collection_points::table.find(id.as_str())).set(change).execute(conn)? == 1)
}
