//! `recaudo migrate`: the schema, brought up to date.

use serde_json::json;

use super::{Context, Failure};
use crate::store::Store;

/// Runs the migrations that are missing.
pub fn run(context: &Context) -> Result<(), Failure> {
    let applied = Store::new(&context.config()?.database)?.migrate()?;
    let lines = match applied.is_empty() {
        true => vec!["the schema is up to date".to_owned()],
        false => applied.iter().map(|name| format!("applied {name}")).collect(),
    };
    context.tell(&lines, &json!({ "applied": applied }))
}
