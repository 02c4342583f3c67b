//! PostgreSQL, and whatever speaks its protocol: for more than one machine.
//!
//! Opening (see `postgres_open.rs`), the settings and the checks that they hold, the batch locks,
//! and how lists and appends are said here.

use std::time::Duration;

use diesel::connection::SimpleConnection;
use diesel::prelude::*;
use diesel::query_builder::AstPass;
use diesel::sql_types::{Array, Text};
use diesel_async::AsyncPgConnection;
use diesel_async::async_connection_wrapper::AsyncConnectionWrapper;
use diesel_migrations::{EmbeddedMigrations, embed_migrations};

use super::StoreError;

#[path = "postgres_append.rs"]
mod append;
#[path = "postgres_listen.rs"]
mod listen;
#[path = "postgres_locks.rs"]
pub mod locks;
#[path = "postgres_open.rs"]
mod open;
super::mounted::mount_queries!();

pub use listen::listen;
pub use locks::{hold_batches, lock_schema};
pub use open::{Options, read_url};

/// The driver's backend.
pub type Backend = diesel::pg::Pg;
/// The driver's connection: asynchronous inside, driven by the thread that uses it.
pub type Conn = AsyncConnectionWrapper<AsyncPgConnection, open::OwnRuntime>;

/// What it is called in messages.
pub const NAME: &str = "postgres";

/// The schema, embedded.
pub const MIGRATIONS: EmbeddedMigrations = embed_migrations!("migrations/postgres");

/// A table that is empty when a statement is first planned would be scanned for ever after, so the
/// plans are not left to what the tables held at that moment: look-ups by index, from the list on.
const PLANS: &str = "SET plan_cache_mode = force_generic_plan; SET enable_seqscan = off; \
                     SET enable_hashjoin = off; SET enable_mergejoin = off; SET jit = off";

/// Opens a connection and checks that it keeps what it is told.
pub fn connect(options: &Options) -> Result<Conn, StoreError> {
    let mut conn = open::connect(options)?;
    let millis = |limit: Duration| limit.as_millis();
    conn.batch_execute(&format!(
        "SET synchronous_commit = on; SET statement_timeout = {}; SET lock_timeout = {}; \
         SET idle_in_transaction_session_timeout = {}; {PLANS}",
        millis(options.statement_timeout),
        millis(options.statement_timeout),
        millis(options.statement_timeout),
    ))?;
    check_durability(&mut conn)?;
    Ok(conn)
}

#[derive(QueryableByName)]
struct Setting {
    #[diesel(sql_type = Text)]
    name: String,
    #[diesel(sql_type = Text)]
    setting: String,
}

/// Reads back what is in force; a wish is not a setting.
pub fn check_durability(conn: &mut Conn) -> Result<(), StoreError> {
    let settings: Vec<Setting> = diesel::sql_query(
        "SELECT name, setting FROM pg_settings WHERE name IN ('fsync', 'synchronous_commit', 'full_page_writes')",
    )
    .load(conn)?;
    for Setting { name, setting } in settings {
        let strong = matches!(setting.as_str(), "on" | "remote_apply" | "remote_write");
        if !strong || (name != "synchronous_commit" && setting != "on") {
            return Err(StoreError::NotDurable(format!("{name} is {setting}, not on")));
        }
    }
    Ok(())
}

/// Runs a command that answers nothing.
pub fn run(conn: &mut Conn, sql: &str) -> Result<(), StoreError> {
    Ok(conn.batch_execute(sql)?)
}

/// Races with other gateways are settled by the unique indexes.
const BEGIN: &str = "BEGIN ISOLATION LEVEL READ COMMITTED";

/// Begins a transaction.
pub fn begin(conn: &mut Conn) -> Result<(), StoreError> {
    Ok(conn.batch_execute(BEGIN)?)
}

/// How a JSON array becomes a table of rows.
pub const JSON_ROWS: (&str, &str) = ("json_array_elements(CAST(", " AS json)) AS list(value)");

/// A list of texts, as one array bind.
pub struct Texts(Vec<String>);

impl Texts {
    /// Takes the texts.
    pub fn new<T: AsRef<str>>(texts: impl IntoIterator<Item = T>) -> Self {
        Self(texts.into_iter().map(|text| text.as_ref().to_owned()).collect())
    }
}

impl Put for Texts {
    fn put<'b>(&'b self, out: &mut AstPass<'_, 'b, Backend>) -> QueryResult<()> {
        out.push_sql("unnest(");
        out.push_bind_param::<Array<Text>, _>(&self.0)?;
        out.push_sql(") AS list(value)");
        Ok(())
    }
}

/// A list of pairs of texts, as two array binds.
pub struct Pairs(Vec<String>, Vec<String>);

impl Pairs {
    /// Takes the pairs.
    pub fn new<'t>(pairs: impl IntoIterator<Item = (&'t str, &'t str)>) -> Self {
        let (first, second) = pairs.into_iter().map(|(first, second)| (first.to_owned(), second.to_owned())).unzip();
        Self(first, second)
    }
}

impl Put for Pairs {
    fn put<'b>(&'b self, out: &mut AstPass<'_, 'b, Backend>) -> QueryResult<()> {
        out.push_sql("unnest(");
        out.push_bind_param::<Array<Text>, _>(&self.0)?;
        out.push_sql(", ");
        out.push_bind_param::<Array<Text>, _>(&self.1)?;
        out.push_sql(") AS list(value, second)");
        Ok(())
    }
}
