//! What the commands about billing's files share: the books, and a writer of their own.
//!
//! On PostgreSQL a gateway may run meanwhile: two writers are settled by the schema. On SQLite they
//! take turns.

use std::sync::Arc;

use super::{Context, Failure};
use crate::billing::Office;
use crate::billing::door::WriterDoor;
use crate::clock::SystemClock;
use crate::posting::Posting;
use crate::store::{Store, StoreError};

/// Opens the books and a writer, does the work, and lets the writer finish.
///
/// # Errors
/// The books cannot be opened, are behind, or the work fails.
pub fn with_office<T>(
    context: &Context,
    work: impl FnOnce(&Office, &WriterDoor) -> Result<T, Failure>,
) -> Result<T, Failure> {
    let config = context.config()?;
    let store = Store::new(&config.database)?;
    let pending = store.pending_migrations()?;
    if !pending.is_empty() {
        return Err(StoreError::Schema(pending.join(", ")).into());
    }
    let office = Office::new(&config, store, Arc::new(SystemClock));
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build();
    let runtime = runtime.map_err(|error| Failure::Work(error.to_string()))?;
    let (policy, clock) = (Arc::clone(&office.policy), Arc::clone(&office.clock));
    let (posting, writer) = Posting::start(&office.store, policy, clock, &config.posting)?;
    let done = work(&office, &WriterDoor::new(posting, runtime.handle().clone()));
    writer.stop();
    done
}
