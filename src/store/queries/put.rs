//! How values put themselves into a written statement. Lists are the backend's own affair.

use diesel::prelude::*;
use diesel::query_builder::AstPass;
use diesel::sql_types::{BigInt, Integer, Text};

use super::rows::to_json;
use super::{Backend, JSON_ROWS};
use crate::store::StoreError;

/// A value that can take the place of `{}`.
pub trait Put {
    /// Puts it there.
    fn put<'b>(&'b self, out: &mut AstPass<'_, 'b, Backend>) -> QueryResult<()>;
}

impl Put for String {
    fn put<'b>(&'b self, out: &mut AstPass<'_, 'b, Backend>) -> QueryResult<()> {
        out.push_bind_param::<Text, _>(self)
    }
}

impl Put for i64 {
    fn put<'b>(&'b self, out: &mut AstPass<'_, 'b, Backend>) -> QueryResult<()> {
        out.push_bind_param::<BigInt, _>(self)
    }
}

impl Put for i32 {
    fn put<'b>(&'b self, out: &mut AstPass<'_, 'b, Backend>) -> QueryResult<()> {
        out.push_bind_param::<Integer, _>(self)
    }
}

/// Rows of any shape, as one JSON bind: a table `list` whose `value ->> 0` is a row's first value.
pub struct Rows(String);

impl Rows {
    /// Takes rows, each of which is written as a JSON array.
    pub fn new<T: serde::Serialize>(rows: &[T]) -> Result<Self, StoreError> {
        to_json(&rows).map(Self)
    }
}

impl Put for Rows {
    fn put<'b>(&'b self, out: &mut AstPass<'_, 'b, Backend>) -> QueryResult<()> {
        let (before, after) = JSON_ROWS;
        out.push_sql(before);
        out.push_bind_param::<Text, _>(&self.0)?;
        out.push_sql(after);
        Ok(())
    }
}
