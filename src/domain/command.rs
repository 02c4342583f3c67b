//! What somebody asks the gateway to do.
//!
//! A command is data: who asks was established before it was made, and what it names has the right
//! shape. Whether it may be done is for the rules to say.

use std::collections::HashSet;

use super::calendar::{BusinessDate, Timestamp};
use super::deposit;
use super::fact::{Denomination, KeyedRequest, OrderStatus, PaymentKind, ReversalReason, Tender};
use super::ids::{AccountNumber, CollectionPointId, Id, IdempotencyKey, PartyId, Till};
use super::money::Money;

/// What a party is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PartyKind {
    /// Takes money at collection points.
    Partner,
    /// Sends snapshots and takes collection files.
    Billing,
    /// Restores supplies.
    Reconnection,
    /// Runs the gateway.
    Operator,
}

/// Who asks, as certificate and token say.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Caller {
    /// The party.
    pub party: PartyId,
    /// What it is.
    pub kind: PartyKind,
    /// The collection point in the token of a partner.
    pub collection_point: Option<CollectionPointId>,
}

/// A command with who asked and under which key.
#[derive(Clone, Debug)]
pub struct Request {
    /// The identity that its first fact will have.
    pub id: Id,
    /// Who asks.
    pub caller: Caller,
    /// Key and hash, for everything that moves money or orders work.
    pub request: Option<KeyedRequest>,
    /// What to do.
    pub command: Command,
}

/// What to do.
#[derive(Clone, Debug)]
pub enum Command {
    /// Take money.
    Pay(Pay),
    /// Take a payment back.
    Reverse(Reverse),
    /// Begin to take money at a till.
    Open(Open),
    /// Count a drawer and stop.
    Close(Close),
    /// Close a session that nobody closed, if its business date is over.
    CloseUnattended {
        /// The till.
        till: Till,
    },
    /// Say that cash went to the bank.
    Deposit(DeclareDeposit),
    /// Say that the bank has it.
    VerifyDeposit(VerifyDeposit),
    /// Ask for a supply to be restored.
    Reconnect {
        /// The account.
        account_number: AccountNumber,
    },
    /// Report on an order.
    MoveOrder(MoveOrder),
    /// Say that a supply was cut.
    ReportCut(ReportCut),
    /// Announce that an order's deadline has passed.
    Overdue {
        /// The order.
        order_id: Id,
    },
    /// Close the business dates up to one.
    Seal(Seal),
    /// Print a receipt again.
    CopyReceipt {
        /// The payment.
        payment_id: Id,
    },
}

/// Take money.
#[derive(Clone, Debug)]
pub struct Pay {
    /// The account.
    pub account_number: AccountNumber,
    /// Which of the three payments.
    pub kind: PaymentKind,
    /// How much.
    pub amount: Money,
    /// The agreement, for an installment.
    pub agreement_id: Option<String>,
    /// What was handed over.
    pub tender: Tender,
    /// The drawer.
    pub till: String,
    /// Who takes it.
    pub cashier: String,
    /// When it was taken, if not now.
    pub collected_at: Option<Timestamp>,
    /// The partner's own name for it.
    pub partner_reference: Option<String>,
    /// The earlier payment that this one is not.
    pub confirm_distinct_from: Option<Id>,
    /// The position the cashier saw.
    pub if_position: Option<String>,
    /// Taken while the line was down.
    pub offline: bool,
}

/// Take a payment back.
#[derive(Clone, Debug)]
pub struct Reverse {
    /// The payment.
    pub payment_id: Id,
    /// Why.
    pub reason: ReversalReason,
    /// Who approved it.
    pub supervisor: String,
    /// Anything else.
    pub note: Option<String>,
}

/// Begin to take money at a till.
#[derive(Clone, Debug)]
pub struct Open {
    /// The drawer.
    pub till: String,
    /// Who sits at it.
    pub cashier: String,
    /// What is in it.
    pub base: Money,
}

/// Count a drawer and stop.
#[derive(Clone, Debug)]
pub struct Close {
    /// The session.
    pub session_id: Id,
    /// Who counted.
    pub cashier: String,
    /// What was counted.
    pub denominations: Vec<Denomination>,
}

/// Say that cash went to the bank.
#[derive(Clone, Debug)]
pub struct DeclareDeposit {
    /// The bank's slip number.
    pub slip_number: String,
    /// How much.
    pub amount: Money,
    /// The day of the slip.
    pub deposited_on: BusinessDate,
    /// The sessions whose cash it is.
    pub sessions: Vec<Id>,
}

/// Say that the bank has it, or part of it.
#[derive(Clone, Debug)]
pub struct VerifyDeposit {
    /// The deposit.
    pub deposit_id: Id,
    /// How much the bank shows.
    pub amount: Money,
    /// The bank's reference.
    pub bank_reference: Option<String>,
}

/// Report on an order.
#[derive(Clone, Debug)]
pub struct MoveOrder {
    /// The order.
    pub order_id: Id,
    /// Where it stands now.
    pub status: OrderStatus,
    /// When that happened; absent: now.
    pub at: Option<Timestamp>,
    /// Why.
    pub reason: Option<String>,
    /// Who did it.
    pub crew: Option<String>,
}

/// Say that a supply was cut.
#[derive(Clone, Debug)]
pub struct ReportCut {
    /// The account.
    pub account_number: AccountNumber,
    /// When; absent: now.
    pub at: Option<Timestamp>,
    /// Who did it.
    pub crew: Option<String>,
}

/// Close the business dates of a partner up to one.
#[derive(Clone, Debug)]
pub struct Seal {
    /// The partner.
    pub partner: PartyId,
    /// The last business date to close.
    pub through: BusinessDate,
    /// What is in them, as counted under the lock of the same transaction.
    pub contents: BatchContents,
}

/// What a batch to be sealed contains; the writer counts it, the rule only records it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct BatchContents {
    /// Payments, reversed pairs taken out.
    pub count: i64,
    /// Their sum, less later reversals.
    pub total: Money,
    /// The earliest business date among them that is not closed yet, where a first seal has to begin.
    pub first: Option<BusinessDate>,
}

/// Everything that has to be known to decide a set of requests.
#[derive(Clone, Debug, Default)]
pub struct Needs {
    /// Accounts with their unsettled facts.
    pub accounts: HashSet<AccountNumber>,
    /// Tills with their last fact.
    pub tills: HashSet<Till>,
    /// Parties with settings, exposure, the last closed date and the last fact of their batch series.
    pub partners: HashSet<PartyId>,
    /// Collection points with settings and exposure.
    pub points: HashSet<CollectionPointId>,
    /// Facts by who asked for them and the key.
    pub keys: HashSet<(PartyId, IdempotencyKey)>,
    /// Facts by identity, with whatever ended them, the account they stand in, their till, the party
    /// and the collection point whose they are, and the last fact of the series that bears their name;
    /// a session with its close.
    pub facts: HashSet<Id>,
    /// Series by their names, with their last fact.
    pub series: HashSet<String>,
    /// Whether payments are among them that were taken while the line was down.
    pub offline: bool,
}

impl Needs {
    /// Adds what one request needs.
    pub fn add(&mut self, request: &Request) {
        let caller = &request.caller;
        if let Some(keyed) = &request.request {
            self.keys.insert((caller.party.clone(), keyed.key.clone()));
        }
        self.partners.insert(caller.party.clone());
        self.points.extend(caller.collection_point.clone());
        match &request.command {
            Command::Pay(pay) => {
                self.accounts.insert(pay.account_number.clone());
                self.add_till(caller, &pay.till);
                self.facts.extend(pay.confirm_distinct_from);
                self.offline |= pay.offline;
            }
            Command::Reverse(reverse) => _ = self.facts.insert(reverse.payment_id),
            Command::Open(open) => self.add_till(caller, &open.till),
            Command::Close(close) => _ = self.facts.insert(close.session_id),
            Command::CloseUnattended { till } => {
                self.partners.insert(till.party.clone());
                self.tills.insert(till.clone());
            }
            Command::Deposit(declare) => {
                self.series.insert(deposit::slip_series(&caller.party, declare));
                self.facts.extend(&declare.sessions);
            }
            Command::VerifyDeposit(verify) => _ = self.facts.insert(verify.deposit_id),
            Command::Reconnect { account_number } => _ = self.accounts.insert(account_number.clone()),
            Command::ReportCut(report) => _ = self.accounts.insert(report.account_number.clone()),
            Command::MoveOrder(step) => _ = self.facts.insert(step.order_id),
            Command::Overdue { order_id } => _ = self.facts.insert(*order_id),
            Command::CopyReceipt { payment_id } => _ = self.facts.insert(*payment_id),
            Command::Seal(seal) => _ = self.partners.insert(seal.partner.clone()),
        }
    }

    fn add_till(&mut self, caller: &Caller, till: &str) {
        if let Some(collection_point) = &caller.collection_point {
            let (party, collection_point) = (caller.party.clone(), collection_point.clone());
            self.tills.insert(Till { party, collection_point, till: till.to_owned() });
        }
    }
}
