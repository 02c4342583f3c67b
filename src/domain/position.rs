//! What an account owes now: a pure function of what billing said and what happened since.
//!
//! `position(snapshot, facts not yet contained in it)`. No balance is stored anywhere, so none can
//! be wrong, and a new billing file cannot make a paid debt appear again: a fact counts on top of
//! the snapshot exactly until a snapshot says, per partner, that it contains its business date.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::account::{Account, Agreement, AgreementStatus, Bill, Installment, Service};
use super::calendar::{BusinessDate, Timestamp};
use super::fact::{Allocation, Body, Fact};
use super::ids::PartyId;
use super::money::Money;

/// A billing snapshot as the accounts in it need to know it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Snapshot {
    /// Billing's name for it.
    pub id: String,
    /// The instant it describes.
    pub as_of: Timestamp,
    /// Per partner, the last business date whose payments it contains.
    pub included_through: BTreeMap<PartyId, BusinessDate>,
}

/// One account with everything its position is computed from.
#[derive(Clone, Debug)]
pub struct AccountState {
    /// What billing said.
    pub account: Arc<Account>,
    /// In which snapshot.
    pub snapshot: Arc<Snapshot>,
    /// The account's facts that the snapshot has not settled, in the order of their places.
    pub facts: Vec<Arc<Fact>>,
    /// The last place taken in the account's history.
    pub last_seq: i64,
}

/// What an account owes now, and what may be paid.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Position {
    /// The bills with something left, longest due first.
    pub bills: Vec<Bill>,
    /// The agreements, with what is left of their installments.
    pub agreements: Vec<Agreement>,
    /// The state of the supply as billing knows it.
    pub service: Service,
    /// The sums.
    pub figures: Figures,
    /// Net amount that counters took for bills since the snapshot, saldo a favor and what came back
    /// from agreements included.
    pub paid_on_bills: Money,
    /// Agreements of which an installment was paid off since the snapshot.
    pub advanced_agreements: Vec<String>,
    /// The instant the snapshot describes.
    pub as_of: Timestamp,
}

/// The sums of a position.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Figures {
    /// What is left of all bills, disputed parts included.
    pub total_due: Money,
    /// The part under claim, which need not be paid.
    pub disputed: Money,
    /// What a full payment is: the undisputed rest of all bills, in the counter's step.
    pub payable_now: Money,
    /// The undisputed rest of the bills whose due date has passed.
    pub past_due: Money,
    /// Saldo a favor: more was paid than was owed.
    #[serde(default)]
    pub credit: Money,
    /// Changes whenever anything in the position does.
    pub position_version: String,
}

impl Snapshot {
    /// Whether the snapshot already contains a fact.
    #[must_use]
    pub fn contains(&self, fact: &Fact) -> bool {
        self.included_through.get(&fact.party).is_some_and(|through| fact.business_date <= *through)
    }
}

/// Money placed on bills and installments since a snapshot, reversals taken off.
#[derive(Default)]
struct Placed {
    bills: BTreeMap<String, Money>,
    installments: BTreeMap<(String, u32), Money>,
    credit: Money,
}

impl Placed {
    fn since(snapshot: &Snapshot, facts: &[Arc<Fact>]) -> Self {
        let mut placed = Self::default();
        for fact in facts.iter().filter(|fact| !snapshot.contains(fact)) {
            match &fact.body {
                Body::Payment(payment) => placed.add(&payment.allocations, 1),
                Body::Reversal(reversal) => placed.add(&reversal.allocations, -1),
                _ => {}
            }
        }
        placed
    }

    fn add(&mut self, allocations: &[Allocation], sign: i64) {
        for allocation in allocations {
            let amount = Money::from_centavos(allocation.amount.centavos() * sign);
            match (&allocation.bill_number, &allocation.agreement_id, allocation.installment) {
                (Some(bill), _, _) => *self.bills.entry(bill.clone()).or_default() += amount,
                (None, Some(agreement), Some(number)) => {
                    *self.installments.entry((agreement.clone(), number)).or_default() += amount;
                }
                _ => self.credit += amount,
            }
        }
    }
}

/// What the account owes on a calendar day, with amounts payable in multiples of `step`.
#[must_use]
pub fn position(state: &AccountState, today: BusinessDate, step: Money) -> Position {
    let placed = Placed::since(&state.snapshot, &state.facts);
    let (agreements, advanced_agreements, freed) = agreements_left(&state.account, &placed, step);
    let paid_on_bills = placed.bills.values().copied().sum::<Money>() + placed.credit + freed;
    let (bills, credit) = bills_left(&state.account, &placed, placed.credit + freed);
    let undisputed = |bill: &Bill| bill.balance - bill.disputed;
    let figures = Figures {
        total_due: bills.iter().map(|bill| bill.balance).sum(),
        disputed: bills.iter().map(|bill| bill.disputed).sum(),
        payable_now: bills.iter().map(undisputed).sum::<Money>().floor_to(step),
        past_due: bills.iter().filter(|bill| bill.due_on < today).map(undisputed).sum(),
        credit,
        position_version: version(state, today),
    };
    Position {
        bills,
        agreements,
        service: state.account.service.clone(),
        figures,
        paid_on_bills,
        advanced_agreements,
        as_of: state.snapshot.as_of,
    }
}

/// Billing may fold an old bill into a new one: what was paid on a bill that the snapshot no longer
/// shows (or shows with less) goes to the others, longest due first, and only then becomes credit.
fn bills_left(account: &Account, placed: &Placed, mut loose: Money) -> (Vec<Bill>, Money) {
    let mut bills = account.bills.clone();
    for (number, amount) in placed.bills.iter().filter(|(_, amount)| **amount < Money::ZERO) {
        match bills.iter_mut().find(|bill| bill.bill_number == *number) {
            Some(bill) => bill.balance -= *amount,
            None => bills.push(reopened(account, number, -*amount)),
        }
    }
    bills.sort_by(|a, b| (a.due_on, a.issued_on, &a.bill_number).cmp(&(b.due_on, b.issued_on, &b.bill_number)));
    for (number, amount) in placed.bills.iter().filter(|(_, amount)| amount.is_positive()) {
        loose += match bills.iter_mut().find(|bill| bill.bill_number == *number) {
            Some(bill) => take(bill, *amount),
            None => *amount,
        };
    }
    for bill in &mut bills {
        if loose.is_positive() {
            loose = take(bill, loose);
        }
    }
    bills.retain(|bill| bill.balance.is_positive());
    (bills, loose.less(Money::ZERO))
}

/// A bill that billing dropped as paid and whose payment was taken back since.
fn reopened(account: &Account, number: &str, balance: Money) -> Bill {
    let due_on = account.bills.iter().map(|bill| bill.due_on).min();
    let due_on = due_on.unwrap_or_else(|| BusinessDate::from_date(time::Date::MIN));
    Bill {
        bill_number: number.to_owned(),
        period: String::new(),
        issued_on: due_on,
        due_on,
        balance,
        disputed: Money::ZERO,
    }
}

/// Pays the undisputed part of a bill and gives back what was too much.
fn take(bill: &mut Bill, amount: Money) -> Money {
    let taken = amount.min(bill.balance - bill.disputed);
    bill.balance -= taken;
    amount - taken
}

/// What is left of the agreements, which of them were advanced, and the money that is free for bills:
/// that of an agreement which broke or vanished since went back to the bills with the debt.
fn agreements_left(account: &Account, placed: &Placed, step: Money) -> (Vec<Agreement>, Vec<String>, Money) {
    let mut agreements = account.agreements.clone();
    let mut advanced = Vec::new();
    let known = |id: &String| account.agreements.iter().any(|agreement| agreement.agreement_id == *id);
    let mut freed = placed.installments.iter().filter(|((id, _), _)| !known(id)).map(|(_, amount)| *amount).sum();
    for (agreement, billed) in agreements.iter_mut().zip(&account.agreements) {
        let of_this = placed.installments.iter().filter(|((id, _), _)| *id == billed.agreement_id);
        freed += match agreement.status {
            AgreementStatus::Broken => of_this.map(|(_, amount)| *amount).sum(),
            _ => pay_off(agreement, of_this.map(|((_, number), amount)| (*number, *amount))),
        };
        if advanced_since(billed, agreement, step) {
            advanced.push(agreement.agreement_id.clone());
        }
        agreement.installments.retain(|installment| installment.balance.is_positive());
        if agreement.installments.is_empty() && agreement.status == AgreementStatus::InForce {
            agreement.status = AgreementStatus::Finished;
        }
    }
    (agreements, advanced, freed)
}

/// Places money on the installments it was meant for and the rest on the next ones; gives back what
/// was too much.
fn pay_off(agreement: &mut Agreement, placed: impl Iterator<Item = (u32, Money)>) -> Money {
    let mut loose = Money::ZERO;
    let installments = &mut agreement.installments;
    for (number, amount) in placed {
        match installments.iter_mut().find(|installment| installment.number == number) {
            Some(installment) => {
                let left = installment.balance - amount;
                installment.balance = left.less(Money::ZERO);
                loose += (-left).less(Money::ZERO);
            }
            // Billing dropped it as paid, and the payment was taken back since.
            None if amount < Money::ZERO => {
                let first_due = installments.iter().map(|installment| installment.due_on).min();
                let due_on = first_due.unwrap_or_else(|| BusinessDate::from_date(time::Date::MIN));
                installments.push(Installment { number, due_on, balance: -amount });
            }
            None => loose += amount,
        }
    }
    installments.sort_by_key(|installment| installment.number);
    for installment in installments {
        let taken = loose.min(installment.balance);
        installment.balance -= taken;
        loose -= taken;
    }
    loose
}

/// Whether an installment that could be paid in the counter's step was, since billing spoke.
fn advanced_since(billed: &Agreement, left: &Agreement, step: Money) -> bool {
    let payable = |installment: &Installment| installment.balance.floor_to(step).is_positive();
    let due = |number: u32| billed.installments.iter().any(|part| part.number == number && payable(part));
    left.installments.iter().any(|part| !payable(part) && due(part.number))
}

/// Everything a position depends on, in sixteen hexadecimal digits.
fn version(state: &AccountState, today: BusinessDate) -> String {
    let mut hash = Sha256::new();
    hash.update(state.account.account_number.as_str());
    hash.update(state.snapshot.id.as_bytes());
    hash.update(state.snapshot.as_of.micros().to_be_bytes());
    hash.update(today.number().to_be_bytes());
    hash.update(state.last_seq.to_be_bytes());
    hex(&hash.finalize()[..8])
}

/// Lower-case hexadecimal.
#[must_use]
pub fn hex(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    let digit = |value: u8| char::from(DIGITS[usize::from(value)]);
    bytes.iter().flat_map(|byte| [digit(byte >> 4), digit(byte & 15)]).collect()
}

/// For how long before a snapshot a contained payment is still looked at: an offline till may bring
/// the same payment again, under another key, when a snapshot has settled the first.
const DOUBTED_MINUTES: i64 = 4 * 24 * 60;

/// The last place up to which nothing in the account's history matters any more: a snapshot contains
/// its money, it is too old to be the twin of a payment to come, and no order in it is open or newer than what billing knew. Later loads begin after it.
#[must_use]
pub fn settled_through(snapshot: &Snapshot, facts: &[Arc<Fact>], settled_before: i64) -> i64 {
    let forgotten = snapshot.as_of.plus_minutes(-DOUBTED_MINUTES);
    let mut open_orders = HashMap::new();
    for fact in facts {
        match &fact.body {
            Body::ReconnectionOrder(_) => _ = open_orders.insert(fact.id, ()),
            Body::ReconnectionMove(step) if !step.status.is_open() && fact.recorded_at <= snapshot.as_of => {
                open_orders.remove(&step.order_id);
            }
            _ => {}
        }
    }
    let settled = |fact: &Fact| match &fact.body {
        Body::Payment(_) | Body::Reversal(_) => snapshot.contains(fact) && fact.recorded_at < forgotten,
        Body::ReconnectionOrder(_) => !open_orders.contains_key(&fact.id),
        Body::ReconnectionMove(step) => !open_orders.contains_key(&step.order_id),
        _ => true,
    };
    let places = facts.iter().take_while(|fact| settled(fact)).filter_map(|fact| fact.account.as_ref());
    places.map(|place| place.seq).last().unwrap_or(settled_before)
}

/// The account's open payments: those that no later fact of the account took back.
#[must_use]
pub fn standing_payments(facts: &[Arc<Fact>]) -> Vec<&Arc<Fact>> {
    let ended: HashMap<_, _> = facts.iter().filter_map(|fact| fact.ends.map(|id| (id, ()))).collect();
    facts.iter().filter(|fact| fact.payment().is_some() && !ended.contains_key(&fact.id)).collect()
}
