//! What is told of a billing file: its report, and why it was refused or broke off.

use std::collections::BTreeMap;
use std::io;

use serde::{Deserialize, Serialize};

use crate::domain::calendar::{BusinessDate, Timestamp};
use crate::domain::ids::PartyId;
use crate::files::billing_feed::SnapshotKind;
use crate::posting::SubmitError;
use crate::store::{ImportState, StoreError};

/// What came of a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    /// It is in place.
    Loaded,
    /// The same file was in place already; nothing was written again.
    AlreadyLoaded,
    /// It has faults; nothing was written.
    Refused,
}

/// One fault of a file.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Fault {
    /// The line, from 1.
    pub line: u64,
    /// The byte in it, from 1.
    pub column: usize,
    /// The member, as a JSON pointer.
    pub pointer: String,
    /// The rule it breaks.
    pub rule: String,
    /// What stands there, shortened.
    pub found: String,
}

/// What a file brought.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Report {
    /// What came of it.
    pub outcome: Outcome,
    /// Billing's name for the snapshot.
    pub snapshot: String,
    /// Everything, or what changed.
    pub kind: SnapshotKind,
    /// The instant it describes.
    pub as_of: Timestamp,
    /// SHA-256 over the file as it came.
    pub sha256: String,
    /// Per partner, the last business date whose payments it contains.
    pub included_through: BTreeMap<PartyId, BusinessDate>,
    /// Accounts in it, without faults.
    pub accounts_read: u64,
    /// Accounts that a full file did not show and that are not known any more.
    pub accounts_removed: u64,
    /// Open reconnection orders that it showed to be done.
    pub orders_completed: u64,
    /// Rows with a fault.
    pub faults_total: u64,
    /// The first of them.
    pub faults: Vec<Fault>,
    /// Where the rows with faults were written to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rejects: Option<String>,
}

impl Report {
    /// As the books keep it.
    #[must_use]
    pub fn to_json(&self) -> String {
        serde_json::to_string(self).unwrap_or_else(|_| "{}".to_owned())
    }
}

/// Why a file is not in place.
#[derive(Debug, thiserror::Error)]
pub enum ImportError {
    /// Rows or header have faults.
    #[error("{} has {} faults; nothing was written", .0.snapshot, .0.faults_total)]
    Faults(Box<Report>),
    /// It cannot be read at all, or no further.
    #[error("line {}, column {}: {}; found {:?}; nothing was written", .fault.line, .fault.column, .fault.rule, .fault.found)]
    Unreadable {
        /// Where and why.
        fault: Fault,
    },
    /// More accounts than are taken.
    #[error("a file has at most {most} accounts (billing.max_accounts)")]
    TooMany {
        /// The setting.
        most: usize,
    },
    /// Another file came under the same name.
    #[error("snapshot {snapshot} was sent before with other content; a new file needs a new id")]
    IdTaken {
        /// The name.
        snapshot: String,
    },
    /// A newer snapshot is known.
    #[error(
        "snapshot {snapshot} describes {as_of}, and {newest} of {newest_as_of} is loaded: an older file is not taken"
    )]
    Older {
        /// Its name.
        snapshot: String,
        /// Its instant.
        as_of: Timestamp,
        /// The newest one.
        newest: String,
        /// Its instant.
        newest_as_of: Timestamp,
    },
    /// A delta would stand on half a snapshot.
    #[error("snapshot {unfinished} broke off: send it again, or a newer full file, before a delta")]
    Unfinished {
        /// The one that broke off.
        unfinished: String,
    },
    /// A full file that was cut.
    #[error("{inside} accounts in a full file, {known} are known: it looks cut (--accept-shrink takes it)")]
    Shrinks {
        /// In the file.
        inside: u64,
        /// Known.
        known: u64,
    },
    /// Another file is being written.
    #[error("{import} is being written since {since} (snapshot {snapshot}); send this one when it is done")]
    Busy {
        /// Its outward id.
        import: String,
        /// Its snapshot.
        snapshot: String,
        /// When it began.
        since: Timestamp,
    },
    /// The same file was sent again and goes on in its place.
    #[error("the same file was sent again and is written there; this import stopped")]
    Displaced,
    /// An Asobancaria file has totals over all of its rows.
    #[error("an Asobancaria file is taken whole or not at all: its totals cover every row")]
    Whole,
    /// The file, or the rejects, cannot be read or written.
    #[error("file: {0}")]
    File(#[source] io::Error),
    /// What was judged cannot be kept until it is written (`billing.spool`).
    #[error("spool: {0}")]
    Spool(#[source] io::Error),
    /// The writer has no answer.
    #[error(transparent)]
    Writer(#[from] SubmitError),
    /// The books have no answer.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl ImportError {
    /// What the books say became of the file.
    #[must_use]
    pub const fn state(&self) -> ImportState {
        match self {
            Self::Displaced => ImportState::Displaced,
            Self::File(_) | Self::Spool(_) | Self::Writer(_) | Self::Store(_) => ImportState::Failed,
            _ => ImportState::Refused,
        }
    }

    /// A word for machines.
    #[must_use]
    pub const fn code(&self) -> &'static str {
        match self {
            Self::Faults(_) => "faults",
            Self::Unreadable { .. } => "unreadable",
            Self::TooMany { .. } => "too-many-accounts",
            Self::IdTaken { .. } => "snapshot-id-taken",
            Self::Older { .. } => "snapshot-older",
            Self::Unfinished { .. } => "snapshot-unfinished",
            Self::Shrinks { .. } => "snapshot-shrinks",
            Self::Busy { .. } => "import-under-way",
            Self::Displaced => "import-displaced",
            Self::Whole => "file-is-whole",
            Self::File(_) => "file",
            Self::Spool(_) => "spool",
            Self::Writer(_) | Self::Store(_) => "unavailable",
        }
    }

    /// As the books keep it.
    #[must_use]
    pub fn to_json(&self) -> String {
        let mut value = match self {
            Self::Faults(report) => serde_json::to_value(report).unwrap_or_default(),
            Self::Unreadable { fault } => serde_json::json!({ "faults_total": 1, "faults": [fault] }),
            _ => serde_json::json!({}),
        };
        value["code"] = self.code().into();
        value["detail"] = self.to_string().into();
        value.to_string()
    }
}
