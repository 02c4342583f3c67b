//! Rows as the tables have them, and the words they stand for.

use std::sync::Arc;

use diesel::prelude::*;
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::domain::account::Account;
use crate::domain::calendar::{BusinessDate, Timestamp};
use crate::domain::fact::{Asked, Fact, Place};
use crate::domain::ids::{AccountNumber, CollectionPointId, Id, IdempotencyKey, PartyId};
use crate::domain::money::Money;
use crate::store::StoreError;
use crate::store::schema::facts;

/// The columns of a fact under the name `f`, in the order of [`FactRow`].
macro_rules! fact_columns {
    () => {
        "f.id, f.kind, f.recorded_at, f.business_date, f.party, f.collection_point, f.account_number, \
         f.account_seq, f.series, f.series_seq, f.asked_by, f.idempotency_key, f.request_hash, f.ends, f.amount, f.body"
    };
}
pub(super) use fact_columns;

/// A fact as its row.
#[derive(Clone, Debug, Queryable, Selectable, Insertable)]
#[diesel(table_name = facts, check_for_backend(super::Backend), treat_none_as_default_value = false)]
pub(super) struct FactRow {
    pub(super) id: String,
    pub(super) kind: String,
    pub(super) recorded_at: i64,
    pub(super) business_date: i32,
    pub(super) party: String,
    pub(super) collection_point: Option<String>,
    pub(super) account_number: Option<String>,
    pub(super) account_seq: Option<i64>,
    pub(super) series: Option<String>,
    pub(super) series_seq: Option<i64>,
    pub(super) asked_by: Option<String>,
    pub(super) idempotency_key: Option<String>,
    pub(super) request_hash: Option<String>,
    pub(super) ends: Option<String>,
    pub(super) amount: i64,
    pub(super) body: String,
}

impl FactRow {
    /// The row of a fact.
    pub(super) fn of(fact: &Fact) -> Result<Self, StoreError> {
        let request = fact.request.as_ref();
        Ok(Self {
            id: fact.id.to_string(),
            kind: fact.body.kind().to_owned(),
            recorded_at: fact.recorded_at.micros(),
            business_date: fact.business_date.number(),
            party: fact.party.as_str().to_owned(),
            collection_point: fact.collection_point.as_ref().map(|point| point.as_str().to_owned()),
            account_number: fact.account.as_ref().map(|place| place.of.as_str().to_owned()),
            account_seq: fact.account.as_ref().map(|place| place.seq),
            series: fact.series.as_ref().map(|place| place.of.clone()),
            series_seq: fact.series.as_ref().map(|place| place.seq),
            asked_by: request.map(|asked| asked.by.as_str().to_owned()),
            idempotency_key: request.map(|keyed| keyed.key.as_str().to_owned()),
            request_hash: request.map(|keyed| keyed.hash.clone()),
            ends: fact.ends.map(|id| id.to_string()),
            amount: fact.amount.centavos(),
            body: to_json(&fact.body)?,
        })
    }

    /// The fact of a row.
    pub(super) fn fact(self) -> Result<Arc<Fact>, StoreError> {
        let account = self.account_number.zip(self.account_seq);
        let series = self.series.zip(self.series_seq);
        let request = self.asked_by.zip(self.idempotency_key.zip(self.request_hash));
        Ok(Arc::new(Fact {
            id: read_id(&self.id)?,
            recorded_at: Timestamp::from_micros(self.recorded_at),
            business_date: read_date(self.business_date)?,
            party: PartyId::new(self.party),
            collection_point: self.collection_point.map(CollectionPointId::new),
            account: account.map(|(of, seq)| Place { of: AccountNumber::new(of), seq }),
            series: series.map(|(of, seq)| Place { of, seq }),
            request: request.map(|(by, (key, hash))| Asked { by: PartyId::new(by), key: IdempotencyKey::new(key), hash }),
            ends: self.ends.as_deref().map(read_id).transpose()?,
            amount: Money::from_centavos(self.amount),
            body: from_json(&self.body)?,
        }))
    }
}

/// Facts of rows.
pub(super) fn facts_of(rows: Vec<FactRow>) -> Result<Vec<Arc<Fact>>, StoreError> {
    rows.into_iter().map(FactRow::fact).collect()
}

/// An account's document as billing sent it.
pub(super) fn read_account(document: &str) -> Result<Arc<Account>, StoreError> {
    from_json(document).map(Arc::new)
}

pub(super) fn read_id(text: &str) -> Result<Id, StoreError> {
    text.parse().map_err(corrupt)
}

pub(super) fn read_date(number: i32) -> Result<BusinessDate, StoreError> {
    BusinessDate::from_number(number).map_err(corrupt)
}

/// A word that serde knows as a variant, such as a kind or a status.
pub(super) fn read_word<T: DeserializeOwned>(word: &str) -> Result<T, StoreError> {
    serde_json::from_value(serde_json::Value::String(word.to_owned())).map_err(corrupt)
}

/// The word of a variant.
pub(super) fn word<T: Serialize>(value: &T) -> Result<String, StoreError> {
    match serde_json::to_value(value).map_err(corrupt)? {
        serde_json::Value::String(word) => Ok(word),
        other => Err(StoreError::Corrupt(format!("{other} is not a word"))),
    }
}

pub(super) fn to_json<T: Serialize>(value: &T) -> Result<String, StoreError> {
    serde_json::to_string(value).map_err(corrupt)
}

pub(super) fn from_json<T: DeserializeOwned>(text: &str) -> Result<T, StoreError> {
    serde_json::from_str(text).map_err(corrupt)
}

pub(super) fn corrupt(error: impl std::fmt::Display) -> StoreError {
    StoreError::Corrupt(error.to_string())
}

/// A limit as the database takes it.
pub(super) fn limit(rows: u32) -> i64 {
    i64::from(rows)
}
