//! How values put themselves into a written statement. Lists are the backend's own affair.

use diesel::prelude::*;
use diesel::query_builder::AstPass;
use diesel::sql_types::{BigInt, Integer, Text};

use super::Backend;

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
