//! The row of a billing file on its way in.

use crate::domain::calendar::Timestamp;
use crate::domain::ids::Id;

/// A billing file on its way in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ImportRecord {
    /// Its identity; outside it wears `imp_`.
    pub id: Id,
    /// The snapshot it brings, once its header was read.
    pub snapshot: Option<String>,
    /// SHA-256 over the file, once it was read.
    pub file_hash: Option<String>,
    /// How far it came.
    pub state: ImportState,
    /// Accounts in place.
    pub accounts: i64,
    /// When it began.
    pub started_at: Timestamp,
    /// When it last wrote.
    pub heard_at: Timestamp,
    /// When it ended.
    pub finished_at: Option<Timestamp>,
    /// What it found, as JSON.
    pub report: String,
}

/// How far a billing file came.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ImportState {
    /// It is being read; nothing of it is in place.
    Checking,
    /// Its accounts are being written.
    Loading,
    /// All of it is in place.
    Loaded,
    /// It was refused; nothing of it is in place.
    Refused,
    /// It broke off and can be repeated.
    Failed,
    /// The same file, sent again, took its place.
    Displaced,
}
