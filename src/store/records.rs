//! What the store hands out besides facts: rows with their words already read.

use std::borrow::Cow;
use std::sync::Arc;

use serde::Deserialize;

use super::StoreError;
use crate::domain::account::Account;
use crate::domain::calendar::{BusinessDate, Timestamp};
use crate::domain::command::PartyKind;
use crate::domain::fact::{Body, Fact, OrderStatus, Tender};
use crate::domain::ids::{AccountNumber, CollectionPointId, Id, IdempotencyKey, PartyId, Till};
use crate::domain::money::Money;
use crate::domain::policy::{PartnerSettings, PointSettings};
use crate::domain::position::Snapshot;

/// A registered party.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Party {
    /// Its name in tokens and certificates.
    pub id: PartyId,
    /// What it is.
    pub kind: PartyKind,
    /// What it is called on reports.
    pub name: String,
    /// What it may do (the defaults for anybody who takes no money).
    pub settings: PartnerSettings,
    /// Since when it is known.
    pub registered_at: Timestamp,
    /// Since when it may take no money.
    pub suspended_at: Option<Timestamp>,
}

/// A registered collection point.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CollectionPoint {
    /// Its name.
    pub id: CollectionPointId,
    /// Whose it is.
    pub party: PartyId,
    /// What it may do.
    pub settings: PointSettings,
    /// Since when it is known.
    pub registered_at: Timestamp,
    /// Since when it may take no money.
    pub suspended_at: Option<Timestamp>,
}

/// A client certificate that names a party.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Certificate {
    /// SHA-256 over the certificate (DER), in the form the edge computes it.
    pub thumbprint: String,
    /// Whose it is.
    pub party: PartyId,
    /// Its subject, to be read by people.
    pub subject: String,
    /// When it expires.
    pub not_after: Timestamp,
    /// Since when it is known.
    pub registered_at: Timestamp,
    /// Since when it is not accepted any more.
    pub revoked_at: Option<Timestamp>,
}

/// A certificate whose end has to be announced now.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ExpiringCertificate {
    /// The certificate.
    pub certificate: Certificate,
    /// Within how many days it ends.
    pub days: u32,
    /// How often that was announced before, with more days.
    pub announced: i64,
}

/// Whether a snapshot replaces everything billing said, or some of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SnapshotKind {
    /// Every account is in it.
    Full,
    /// The accounts in it changed.
    Delta,
}

/// How far the import of a snapshot came.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SnapshotStatus {
    /// Chunks are still arriving.
    Loading,
    /// All of it is in place.
    Loaded,
}

/// A billing snapshot and what its import counted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SnapshotRecord {
    /// Name, instant, and what it contains of our payments.
    pub snapshot: Snapshot,
    /// Whether it is the whole.
    pub kind: SnapshotKind,
    /// SHA-256 over the file, against loading it twice.
    pub file_hash: String,
    /// How far it came.
    pub status: SnapshotStatus,
    /// Lines that became accounts.
    pub accounts_read: i64,
    /// Lines that did not.
    pub accounts_rejected: i64,
    /// When it began.
    pub started_at: Timestamp,
    /// When it was done.
    pub finished_at: Option<Timestamp>,
}

/// Which payments to list. Party and limit always, the rest where given.
#[derive(Clone, Debug)]
pub struct PaymentFilter {
    /// Whose: nobody sees another's.
    pub party: PartyId,
    /// The one that was asked for under this key.
    pub idempotency_key: Option<IdempotencyKey>,
    /// Taken at this place.
    pub collection_point: Option<CollectionPointId>,
    /// Taken at a till of this name.
    pub till: Option<String>,
    /// Of this business date.
    pub business_date: Option<BusinessDate>,
    /// On this account.
    pub account_number: Option<AccountNumber>,
    /// After this one, in the order of business date and id.
    pub after: Option<Id>,
    /// How many, at most.
    pub limit: u32,
}

/// A fact, and the one that ended it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Listed {
    /// The fact.
    pub fact: Arc<Fact>,
    /// The reversal of a payment, the close of a session.
    pub ended_by: Option<Id>,
}

/// Which reconnection orders to list.
#[derive(Clone, Debug, Default)]
pub struct OrderFilter {
    /// Ordered by this party; absent: by anybody.
    pub party: Option<PartyId>,
    /// For this account.
    pub account_number: Option<AccountNumber>,
    /// Standing here now.
    pub status: Option<OrderStatus>,
    /// After this one, in the order of their ids.
    pub after: Option<Id>,
    /// How many, at most.
    pub limit: u32,
}

/// A reconnection order and the last thing that happened to it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OrderRecord {
    /// The order.
    pub order: Arc<Fact>,
    /// Its last move, if it moved.
    pub last_move: Option<Arc<Fact>>,
}

/// Which sealed collection batches to list.
#[derive(Clone, Debug, Default)]
pub struct BatchFilter {
    /// This partner's; absent: everybody's.
    pub partner: Option<PartyId>,
    /// After this one, in the order of their ids.
    pub after: Option<Id>,
    /// How many, at most.
    pub limit: u32,
}

/// What billing said about an account, as it is kept: written out by whoever read it, so that the writer
/// has that much less to do.
#[derive(Clone, Debug)]
pub struct AccountDocument {
    /// Which account.
    pub account_number: AccountNumber,
    /// What billing said.
    pub document: String,
}

impl AccountDocument {
    /// Writes an account out.
    ///
    /// # Errors
    /// It cannot be written as JSON.
    pub fn of(account: &Account) -> Result<Self, StoreError> {
        let document = serde_json::to_string(account).map_err(|error| StoreError::Corrupt(error.to_string()))?;
        Ok(Self { account_number: account.account_number.clone(), document })
    }
}

/// Accounts that are written together, each of them once: a column of numbers and one of documents.
#[derive(Clone, Debug, Default)]
pub struct AccountDocuments {
    pub(super) numbers: Vec<String>,
    pub(super) documents: Vec<String>,
}

impl AccountDocuments {
    /// Takes accounts in.
    #[must_use]
    pub fn new(accounts: Vec<AccountDocument>) -> Self {
        let (numbers, documents) =
            accounts.into_iter().map(|account| (account.account_number.into_text(), account.document)).unzip();
        Self { numbers, documents }
    }

    /// Numbers and documents.
    pub(super) fn iter(&self) -> impl Iterator<Item = (String, String)> {
        self.numbers.iter().cloned().zip(self.documents.iter().cloned())
    }

    /// How many there are.
    #[must_use]
    pub const fn len(&self) -> usize {
        self.numbers.len()
    }

    /// Whether there is none.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.numbers.is_empty()
    }
}

/// A part of the money that a partner's business dates hold, in the order of business date and id.
#[derive(Clone, Debug)]
pub struct BatchPage {
    /// The partner.
    pub partner: PartyId,
    /// The first business date.
    pub from: BusinessDate,
    /// The last business date.
    pub through: BusinessDate,
    /// After this place.
    pub after: Option<(BusinessDate, Id)>,
    /// How many, at most.
    pub limit: u32,
}

/// Money that moved in a collection batch: as much of a payment or reversal as a file says of it.
#[derive(Clone, Debug)]
pub struct Collected {
    /// The fact.
    pub id: Id,
    /// The business date it counts for.
    pub business_date: BusinessDate,
    /// When it was decided.
    pub recorded_at: Timestamp,
    /// Where.
    pub collection_point: CollectionPointId,
    /// The account.
    pub account_number: AccountNumber,
    /// Positive for a payment, negative for a reversal.
    pub amount: Money,
    /// The fact's body, unread: whoever writes the file reads it, while the next page is on its way.
    pub(super) body: String,
}

/// What a file says of a body. The rest, which is most of it, is skipped and not read.
#[derive(Debug, Deserialize)]
pub struct CollectedBody<'b> {
    /// The number on the receipt; of a reversal, on that of its payment.
    #[serde(borrow)]
    pub receipt_number: Cow<'b, str>,
    /// What was handed over, or handed back.
    pub tender: Tender,
    /// When a payment was taken, if not when it was recorded.
    #[serde(default)]
    pub collected_at: Option<Timestamp>,
    /// Of a reversal: the business date of its payment.
    #[serde(default, rename = "payment_business_date")]
    pub reverses: Option<BusinessDate>,
}

impl Collected {
    /// Reads the body.
    ///
    /// # Errors
    /// It is not what was written.
    pub fn body(&self) -> Result<CollectedBody<'_>, StoreError> {
        serde_json::from_str(&self.body).map_err(|error| StoreError::Corrupt(error.to_string()))
    }
}

/// One event that has to leave.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OutboxEntry {
    /// Because of this fact.
    pub fact: Arc<Fact>,
    /// Under this name.
    pub event: String,
}

/// A cash session.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SessionRecord {
    /// Its opening, which gives it its identity.
    pub opening: Arc<Fact>,
    /// Its close, when it is closed.
    pub close: Option<Arc<Fact>>,
    /// The last fact of its till while it is open: how the session stands now.
    pub last: Option<Arc<Fact>>,
}

/// A till whose session is still open.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OpenTill {
    /// The till.
    pub till: Till,
    /// The opening of its session.
    pub opening: Arc<Fact>,
}

impl OrderRecord {
    /// Where the order stands.
    #[must_use]
    pub fn status(&self) -> OrderStatus {
        match self.last_move.as_ref().map(|fact| &fact.body) {
            Some(Body::ReconnectionMove(step)) => step.status,
            _ => OrderStatus::Requested,
        }
    }
}
