//! The file for the second time, on a thread of its own: judged accounts, written out in chunks.

use std::fs::File;
use std::io::BufReader;
use std::sync::Arc;
use std::sync::mpsc::SyncSender;

use super::Options;
use super::check::{Checked, first};
use super::numbers::{Numbers, packed};
use super::pace::Pace;
use super::rejects::Rejects;
use super::report::ImportError;
use crate::billing::Office;
use crate::domain::account::Account;
use crate::domain::position::Snapshot;
use crate::files::billing_feed::{self, RowError};
use crate::store::{AccountDocument, AccountDocuments, Connection, StoreError};

/// Accounts that are written in one commit.
pub(super) struct Chunk {
    /// Those that the books may know.
    known: Arc<AccountDocuments>,
    /// Those that they did not know when the file got its turn; nobody else has one meanwhile.
    new: Arc<AccountDocuments>,
}

impl Chunk {
    pub(super) fn len(&self) -> usize {
        self.known.len() + self.new.len()
    }

    /// Writes it. When it may have been written before, nothing in it is new.
    pub(super) fn write(&self, conn: &mut Connection, snapshot: &Snapshot, again: bool) -> Result<(), StoreError> {
        if !self.known.is_empty() {
            conn.replace_documents(snapshot, &self.known)?;
        }
        match (self.new.is_empty(), again) {
            (true, _) => Ok(()),
            (false, false) => conn.add_documents(snapshot, &self.new),
            (false, true) => conn.replace_documents(snapshot, &self.new),
        }
    }
}

/// Whoever reads.
pub(super) struct Reader<'a> {
    pub(super) office: &'a Office,
    pub(super) file: &'a File,
    pub(super) checked: &'a Checked,
    pub(super) options: &'a Options,
    pub(super) pace: &'a Pace,
    /// What the books know, less what the file has shown; nothing: not asked for.
    pub(super) unseen: Option<Numbers>,
}

/// What is left when the file has ended.
pub(super) struct Rest {
    /// Where the rejects lie.
    pub(super) rejects: Option<String>,
    /// What the books know and the file did not show.
    pub(super) unseen: Option<Numbers>,
}

/// The rows of a chunk on their way.
#[derive(Default)]
struct Draft {
    known: Vec<AccountDocument>,
    new: Vec<AccountDocument>,
}

impl Draft {
    fn len(&self) -> usize {
        self.known.len() + self.new.len()
    }

    fn chunk(&mut self) -> Chunk {
        let Self { known, new } = std::mem::take(self);
        Chunk { known: Arc::new(AccountDocuments::new(known)), new: Arc::new(AccountDocuments::new(new)) }
    }
}

impl Reader<'_> {
    /// Sends chunks until the file ends or nobody takes them any more.
    pub(super) fn read(mut self, send: &SyncSender<Chunk>) -> Result<Rest, ImportError> {
        let settings = self.office.settings.feed(&self.office.policy);
        let faults = self.checked.faults_total > 0;
        let mut rejects = match &self.options.rejects {
            Some(path) if faults => Some(Rejects::start(path, self.file, self.options.format, &self.checked.header)?),
            _ => None,
        };
        let (_, rows) = billing_feed::open(BufReader::new(self.file), self.options.format, &settings)?;
        let mut seen = faults.then(Numbers::default);
        let mut draft = Draft::default();
        for row in rows {
            let refused = match row {
                Ok(row) if seen.as_mut().is_none_or(|seen| first(seen, &row.account.account_number)) => {
                    self.take(&mut draft, &row.account)?;
                    None
                }
                Ok(row) => Some(row.raw),
                Err(RowError::Rejected(fault)) if self.options.accept_valid => Some(fault.raw),
                Err(RowError::Rejected(_)) => return Err(ImportError::Changed),
                Err(RowError::Broken(error)) => return Err(error.into()),
            };
            if let (Some(raw), Some(rejects)) = (refused, &mut rejects) {
                rejects.row(&raw)?;
            }
            // Nobody takes it: the writer has its own reason, and tells it.
            if draft.len() >= self.pace.size() && send.send(draft.chunk()).is_err() {
                return Ok(Rest { rejects: None, unseen: None });
            }
        }
        if draft.len() > 0 && send.send(draft.chunk()).is_err() {
            return Ok(Rest { rejects: None, unseen: None });
        }
        Ok(Rest { rejects: rejects.map(Rejects::finish).transpose()?, unseen: self.unseen })
    }

    fn take(&mut self, draft: &mut Draft, account: &Account) -> Result<(), StoreError> {
        let known = match (&mut self.unseen, packed(&account.account_number)) {
            (Some(unseen), Some(number)) => unseen.remove(number),
            _ => true,
        };
        let rows = if known { &mut draft.known } else { &mut draft.new };
        rows.push(AccountDocument::of(account)?);
        Ok(())
    }
}
