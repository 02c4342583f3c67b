//! Cash in other people's drawers, by scope.

use std::collections::HashMap;

use diesel::prelude::*;
use diesel::sql_types::{BigInt, Text};

use super::{Conn, Texts};
use crate::domain::money::Money;
use crate::store::StoreError;
use crate::store::statement::statement;

statement! {
    /// Counters by their scopes.
    Exposures(scopes: Texts) -> (Text, BigInt) =
        "SELECT e.scope, e.used FROM {} CROSS JOIN exposure e WHERE e.scope = list.value"
}

/// The cash that scopes hold; unknown ones are missing.
pub fn exposures(conn: &mut Conn, scopes: &[String]) -> Result<HashMap<String, Money>, StoreError> {
    let rows: Vec<(String, i64)> = Exposures { scopes: Texts::new(scopes) }.load(conn)?;
    Ok(rows.into_iter().map(|(scope, used)| (scope, Money::from_centavos(used))).collect())
}
