//! The rows that a reconciliation reads, one type for each witness.
//!
//! Plain values in the order in which they identify themselves; nothing is computed here.

use serde::{Deserialize, Serialize};

use crate::domain::calendar::{BusinessDate, Timestamp};
use crate::domain::ids::{AccountNumber, CollectionPointId, Id, IdempotencyKey};
use crate::domain::money::Money;

/// A payment as the gateway's facts tell it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct LedgerPayment {
    /// The payment's id, outside `pay_…`.
    pub payment_id: Id,
    /// The number printed on the receipt.
    pub receipt_number: String,
    /// The key under which the partner sent it.
    pub idempotency_key: IdempotencyKey,
    /// The partner's own number for it, if it gave one.
    pub partner_reference: Option<String>,
    /// Whose debt was paid.
    pub account_number: AccountNumber,
    /// How much was taken.
    pub amount: Money,
    /// The day it belongs to.
    pub business_date: BusinessDate,
    /// When the gateway wrote it down.
    pub recorded_at: Timestamp,
    /// Where the money was taken.
    pub collection_point: CollectionPointId,
    /// In which drawer.
    pub till: String,
    /// The reversal that took it back, if there is one.
    pub reversed: Option<LedgerReversal>,
    /// Whether it was taken while the line was down and credited beyond what was due. Its
    /// `recorded_at` is then the time of the upload, not of the counter.
    pub offline_credit: bool,
}

/// The reversal of a payment, as the gateway's facts tell it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct LedgerReversal {
    /// The reversal's id, outside `rev_…`.
    pub reversal_id: Id,
    /// When it was written down.
    pub reversed_at: Timestamp,
}

/// A payment as the partner's own file tells it. Which of the keys it knows is the partner's affair.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PartnerRow {
    /// The line of the file, from 1; the header counts.
    pub line: u64,
    /// The gateway's payment id, with or without `pay_`.
    pub payment_id: Option<String>,
    /// The gateway's receipt number.
    pub receipt_number: Option<String>,
    /// The partner's own number.
    pub partner_reference: Option<String>,
    /// Whose debt was paid.
    pub account_number: AccountNumber,
    /// How much was taken.
    pub amount: Money,
    /// The day it belongs to.
    pub date: Option<BusinessDate>,
    /// When the money was taken.
    pub at: Option<Timestamp>,
    /// Where the money was taken.
    pub collection_point: Option<CollectionPointId>,
    /// Whether the partner counts it as taken back.
    pub reversed: bool,
}

/// A deposit as the partner declared it to the gateway.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct LedgerDeposit {
    /// The deposit's id, outside `dep_…`.
    pub deposit_id: Id,
    /// The number of the bank's slip.
    pub slip_number: String,
    /// How much was declared.
    pub amount: Money,
    /// The day it was declared.
    pub declared_on: BusinessDate,
    /// The last day on which it is on time.
    pub due_on: BusinessDate,
    /// Whose cash it is.
    pub collection_point: CollectionPointId,
}

/// A credit as the bank's statement tells it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct BankRow {
    /// The line of the file, from 1; the header counts.
    pub line: u64,
    /// The slip's number, where the bank gives it.
    pub slip_number: Option<String>,
    /// The free reference, where the bank gives one.
    pub reference: Option<String>,
    /// How much came in.
    pub amount: Money,
    /// The day the bank booked it.
    pub booked_on: BusinessDate,
}

impl PartnerRow {
    /// The day of the row: its date, else the day of its time at `offset_minutes` from UTC.
    #[must_use]
    pub fn day(&self, offset_minutes: i16) -> Option<BusinessDate> {
        self.date.or_else(|| self.at.map(|at| at.date_at(offset_minutes)))
    }

    /// The gateway's payment id, if the row carries one that can be read.
    #[must_use]
    pub fn known_payment_id(&self) -> Option<Id> {
        let text = self.payment_id.as_deref()?.trim().to_ascii_lowercase();
        Id::parse_with_prefix(&text, "pay").or_else(|_| text.parse()).ok()
    }
}
