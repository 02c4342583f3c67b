//! Billing files that were uploaded and are being taken in: how far each came.
//!
//! The books know how an import ended; what is between is known here, by the process that does it.

use std::collections::HashMap;
use std::fs::File;
use std::sync::{Arc, Mutex, PoisonError};

use super::Office;
use super::door::Door;
use super::import::{self, Options, Step};
use crate::domain::ids::Id;

/// Files taken in at once: one is written at a time, the others are judged or wait to be refused.
pub const MAX_RUNNING: usize = 4;

/// The files that are being taken in.
#[derive(Clone, Debug, Default)]
pub struct Uploads(Arc<Mutex<HashMap<Id, Step>>>);

impl Uploads {
    /// Makes room for a file that arrives. `false`: too many are under way.
    #[must_use]
    pub fn expect(&self, id: Id) -> bool {
        let mut running = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let room = running.len() < MAX_RUNNING;
        if room {
            running.insert(id, Step::Checking(0, 0));
        }
        room
    }

    /// Forgets a file that did not arrive, or that is done.
    pub fn forget(&self, id: Id) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).remove(&id);
    }

    /// How far a file came.
    #[must_use]
    pub fn step(&self, id: Id) -> Option<Step> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).get(&id).copied()
    }

    /// Takes a file in and forgets it. Blocks for as long as that takes.
    pub fn take_in(&self, office: &Office, door: &impl Door, id: Id, file: &mut File, options: &Options) {
        let watch = |step| {
            self.0.lock().unwrap_or_else(PoisonError::into_inner).insert(id, step);
        };
        match import::run(office, door, id, file, options, &watch) {
            Ok(report) => tracing::info!(import = %id, snapshot = report.snapshot, "a billing file was taken in"),
            Err(error) => tracing::warn!(import = %id, %error, "a billing file was not taken in"),
        }
        self.forget(id);
    }
}
