//! Judged accounts in chunks, each to be written in one commit. Made on a thread of its own.

use std::sync::Arc;
use std::sync::mpsc::SyncSender;

use super::numbers::Numbers;
use super::pace::Pace;
use super::report::ImportError;
use super::spool::Accounts;
use crate::domain::position::Snapshot;
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

/// Whoever makes them.
pub(super) struct Chunks<'a> {
    pub(super) accounts: Accounts,
    pub(super) pace: &'a Pace,
    /// What the books know, less what the file has shown; nothing: not asked for.
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

impl Chunks<'_> {
    /// Sends chunks until the accounts end or nobody takes them any more. Answers what the books know and
    /// the file did not show.
    pub(super) fn send(mut self, send: &SyncSender<Chunk>) -> Result<Option<Numbers>, ImportError> {
        let mut draft = Draft::default();
        while let Some((number, account)) = self.accounts.next()? {
            let known = self.unseen.as_mut().is_none_or(|unseen| unseen.remove(number));
            if known { &mut draft.known } else { &mut draft.new }.push(account);
            // When nobody takes it the writer has its own reason, and tells it.
            if draft.len() >= self.pace.size() && send.send(draft.chunk()).is_err() {
                return Ok(None);
            }
        }
        if draft.len() > 0 && send.send(draft.chunk()).is_err() {
            return Ok(None);
        }
        Ok(self.unseen)
    }
}
