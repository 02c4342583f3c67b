//! Billing on both sides of the counter: its files come in, its collection files go out.
//!
//! A feed is read twice in constant memory: the first time it is judged and nothing is written, the
//! second time it is written in chunks through the one writer, between the payments. Business dates
//! are sealed here, by hand or once they are over, and a sealed batch becomes the same bytes for
//! ever. The forms of the files belong to `files/`, the rules to `domain/`, SQL to `store/`.

pub mod collection;
pub mod door;
pub mod holidays;
pub mod import;
pub mod seal;
pub mod settings;
pub mod uploads;

use std::sync::Arc;

pub use settings::Settings;

use crate::clock::Clock;
use crate::config::Config;
use crate::domain::command::{Caller, PartyKind, Request};
use crate::domain::ids::PartyId;
use crate::domain::policy::Policy;
use crate::store::Store;

/// What the work with billing's files needs, beside the door to the writer.
#[derive(Clone)]
pub struct Office {
    /// The books, to be read on a connection of its own.
    pub store: Store,
    /// The utility's rules.
    pub policy: Arc<Policy>,
    /// Time and ids.
    pub clock: Arc<dyn Clock>,
    /// The settings of this room.
    pub settings: Arc<Settings>,
}

impl std::fmt::Debug for Office {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Office").field("settings", &self.settings).finish_non_exhaustive()
    }
}

impl Office {
    /// The office of a configuration.
    #[must_use]
    pub fn new(config: &Config, store: Store, clock: Arc<dyn Clock>) -> Self {
        Self { store, policy: Arc::new(config.counter.clone()), clock, settings: Arc::new(config.billing.clone()) }
    }

    /// A command that the gateway gives itself.
    fn request(&self, command: crate::domain::command::Command) -> Request {
        let caller = Caller { party: PartyId::new("gateway"), kind: PartyKind::Operator, collection_point: None };
        Request { id: self.clock.id(), caller, request: None, command }
    }
}
