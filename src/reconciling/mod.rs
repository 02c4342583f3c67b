//! 7. Runs a reconciliation: loads what the gateway holds, reads the file, has the matcher compare, keeps the outcome.
//!
//! The comparison itself belongs to `reconciliation/` and knows nothing of this room; SQL belongs to
//! `store/`. Everything here goes in steps that each need a connection for a moment, so that the edge
//! can do them between other work on its own threads and a command can do them in a row.

pub mod digests;
pub mod files;
pub mod keep;
pub mod own_side;
pub mod resolution;
pub mod run;
pub mod settings;

pub use settings::Settings;

use crate::domain::calendar::BusinessDate;
use crate::domain::command::PartyKind;
use crate::domain::ids::PartyId;
use crate::store::{CollectionPoint, Connection, Party, RunKind, StoreError};

/// What is to be compared.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Question {
    /// The partner.
    pub party: PartyId,
    /// Its own list, or the bank's statement.
    pub kind: RunKind,
    /// The first business date.
    pub from: BusinessDate,
    /// The last business date.
    pub to: BusinessDate,
    /// The day from which ages and due dates are counted.
    pub as_of: BusinessDate,
}

/// A partner with its places.
#[derive(Clone, Debug)]
pub struct Partner {
    /// The partner.
    pub party: Party,
    /// Where it takes money.
    pub points: Vec<CollectionPoint>,
}

impl Partner {
    /// The partner of this name; `None`: there is none.
    ///
    /// # Errors
    /// The books fail.
    pub fn load(connection: &mut Connection, id: &PartyId) -> Result<Option<Self>, StoreError> {
        let Some(party) = connection.party(id)?.filter(|party| party.kind == PartyKind::Partner) else {
            return Ok(None);
        };
        let points = connection.collection_points(Some(id))?;
        Ok(Some(Self { party, points }))
    }
}
