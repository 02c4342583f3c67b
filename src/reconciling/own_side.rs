//! What the gateway holds of some business dates, loaded a page at a time.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use time::Duration;

use super::files::Rows;
use super::{Question, Settings};
use crate::domain::calendar::{BusinessDate, Timestamp};
use crate::domain::fact::{AllocationRule, Body, Deposit, Fact};
use crate::domain::ids::{CollectionPointId, Id, IdempotencyKey, PartyId};
use crate::reconciliation::plain_slip;
use crate::reconciliation::record::{BankRow, LedgerDeposit, LedgerPayment, LedgerReversal};
use crate::store::{ComparedPage, ComparedRow, Connection, RunKind, StoreError};

/// By when the cash of a day has to be in the bank: from the day on which it was taken to the last day on time.
pub type DueDate = fn(BusinessDate) -> BusinessDate;

/// Rows of a page.
const PAGE: u32 = 1000;

/// How far loading came.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Progress {
    /// There is another page.
    More,
    /// Everything is there.
    Done,
    /// There is more than may be compared at once.
    TooMany,
}

/// A partner's payments, page after page.
#[derive(Clone, Debug)]
pub struct Payments {
    page: ComparedPage,
    recorded: Option<(Timestamp, Timestamp)>,
    max_rows: usize,
    rows: Vec<LedgerPayment>,
}

impl Payments {
    /// Those of the business dates `from..=through`, at most `max_rows`.
    #[must_use]
    pub fn of_dates(party: &PartyId, from: BusinessDate, through: BusinessDate, max_rows: usize) -> Self {
        let page = ComparedPage { party: party.clone(), from, through, after: None, limit: PAGE };
        Self { page, recorded: None, max_rows, rows: Vec::new() }
    }

    /// Only those that were recorded at or after the first instant and before the second.
    #[must_use]
    pub fn recorded(mut self, from: Timestamp, until: Timestamp) -> Self {
        self.recorded = Some((from, until));
        self
    }

    /// Loads a page.
    ///
    /// # Errors
    /// The books fail.
    pub fn step(&mut self, connection: &mut Connection) -> Result<Progress, StoreError> {
        let found = connection.compared_payments(&self.page)?;
        self.page.after = found.last().map(|row| (row.payment.business_date, row.payment.id)).or(self.page.after);
        let whole = found.len() < PAGE as usize;
        let wanted =
            |row: &LedgerPayment| self.recorded.is_none_or(|(from, until)| (from..until).contains(&row.recorded_at));
        self.rows.extend(found.iter().filter_map(ledger_payment).filter(wanted));
        Ok(match self.rows.len() > self.max_rows {
            true => Progress::TooMany,
            false if whole => Progress::Done,
            false => Progress::More,
        })
    }

    /// What was loaded.
    #[must_use]
    pub fn rows(self) -> Vec<LedgerPayment> {
        self.rows
    }
}

/// Everything on our side of a question.
#[derive(Clone, Debug, Default)]
pub struct OwnSide {
    /// The payments, with the neighbouring days that the other side may claim.
    pub payments: Vec<LedgerPayment>,
    /// The partner's deposits.
    pub deposits: Vec<LedgerDeposit>,
    /// Slips of other partners' deposits, as [`plain_slip`] writes them.
    pub slips_of_others: HashSet<String>,
}

/// Loads our side of a question.
#[derive(Clone, Debug)]
pub struct Loading {
    question: Question,
    bank_days: u16,
    max_rows: usize,
    due: DueDate,
    claimed: HashSet<String>,
    payments: Option<Payments>,
    after: Option<(BusinessDate, Id)>,
    own_side: OwnSide,
}

impl Loading {
    /// Begins; `rows` decide which deposits of other days take part.
    #[must_use]
    pub fn new(question: &Question, rows: &Rows, settings: &Settings, due: DueDate) -> Self {
        let tolerance = &settings.tolerance;
        let (claimed, around) = match rows {
            Rows::Partner(_) => (HashSet::new(), tolerance.date_days),
            Rows::Bank(rows) => (rows.iter().flat_map(slips).collect(), 0),
        };
        let (from, through) = (days_before(question.from, around), days_after(question.to, around));
        Self {
            payments: Some(Payments::of_dates(&question.party, from, through, settings.max_rows)),
            question: question.clone(),
            bank_days: tolerance.bank_days,
            max_rows: settings.max_rows,
            due,
            claimed,
            after: None,
            own_side: OwnSide::default(),
        }
    }

    /// Loads a page: first of the payments, then of the deposits.
    ///
    /// # Errors
    /// The books fail.
    pub fn step(&mut self, connection: &mut Connection) -> Result<Progress, StoreError> {
        let Some(payments) = &mut self.payments else { return self.deposits(connection) };
        let progress = payments.step(connection)?;
        if progress == Progress::Done {
            self.own_side.payments = self.payments.take().map(Payments::rows).unwrap_or_default();
            return Ok(Progress::More);
        }
        Ok(progress)
    }

    /// What was loaded.
    #[must_use]
    pub fn own_side(self) -> OwnSide {
        self.own_side
    }

    fn deposits(&mut self, connection: &mut Connection) -> Result<Progress, StoreError> {
        let around = if self.question.kind == RunKind::Bank { self.bank_days } else { 0 };
        let (from, through) = (days_before(self.question.from, around), days_after(self.question.to, around));
        let found = connection.compared_deposits(from, through, self.after, PAGE)?;
        self.after = found.last().map(|fact| (fact.business_date, fact.id)).or(self.after);
        let taken = days_of_sessions(connection, &found)?;
        for fact in &found {
            let Body::Deposit(deposit) = &fact.body else { continue };
            let slip = plain_slip(&deposit.slip_number);
            if fact.party != self.question.party {
                self.own_side.slips_of_others.insert(slip);
                continue;
            }
            let within = (self.question.from..=self.question.to).contains(&fact.business_date);
            if within || self.claimed.contains(&slip) {
                self.own_side.deposits.push(ledger_deposit(fact, deposit, &taken, self.due));
            }
        }
        Ok(match self.own_side.deposits.len() + self.own_side.slips_of_others.len() > self.max_rows {
            true => Progress::TooMany,
            false if found.len() < PAGE as usize => Progress::Done,
            false => Progress::More,
        })
    }
}

/// The slips that a credit may carry, as they are compared.
pub(super) fn slips(row: &BankRow) -> impl Iterator<Item = String> {
    [&row.slip_number, &row.reference]
        .into_iter()
        .flatten()
        .map(|text| plain_slip(text))
        .filter(|slip| !slip.is_empty())
}

/// The business dates of the sessions whose cash some deposits hold, by session.
fn days_of_sessions(
    connection: &mut Connection,
    deposits: &[Arc<Fact>],
) -> Result<HashMap<Id, BusinessDate>, StoreError> {
    let sessions = deposits.iter().filter_map(|fact| match &fact.body {
        Body::Deposit(deposit) => Some(deposit.sessions.iter().copied()),
        _ => None,
    });
    let ids: Vec<Id> = sessions.flatten().collect::<HashSet<_>>().into_iter().collect();
    let mut days = HashMap::new();
    for ids in ids.chunks(PAGE as usize) {
        days.extend(connection.facts(ids)?.iter().map(|fact| (fact.id, fact.business_date)));
    }
    Ok(days)
}

/// A deposit is due from the oldest cash in it; where no session is named, from the day of its slip.
fn ledger_deposit(fact: &Fact, deposit: &Deposit, taken: &HashMap<Id, BusinessDate>, due: DueDate) -> LedgerDeposit {
    let oldest = deposit.sessions.iter().filter_map(|session| taken.get(session)).min();
    LedgerDeposit {
        deposit_id: fact.id,
        slip_number: deposit.slip_number.clone(),
        amount: deposit.amount,
        declared_on: deposit.deposited_on,
        due_on: due(oldest.copied().unwrap_or(deposit.deposited_on)),
        collection_point: point(fact),
    }
}

fn ledger_payment(row: &ComparedRow) -> Option<LedgerPayment> {
    let fact = &row.payment;
    let payment = fact.payment()?;
    let credited = payment.allocations.iter().any(|part| part.rule == AllocationRule::CreditBalance);
    let reversed = row.reversal.map(|(reversal_id, reversed_at)| LedgerReversal { reversal_id, reversed_at });
    Some(LedgerPayment {
        payment_id: fact.id,
        receipt_number: payment.receipt_number.clone(),
        idempotency_key: fact.request.as_ref().map_or_else(|| IdempotencyKey::new(""), |asked| asked.key.clone()),
        partner_reference: payment.partner_reference.clone(),
        account_number: fact.account.as_ref()?.of.clone(),
        amount: fact.amount,
        business_date: fact.business_date,
        recorded_at: fact.recorded_at,
        collection_point: point(fact),
        till: payment.till.clone(),
        reversed,
        offline_credit: payment.offline && credited,
    })
}

fn point(fact: &Fact) -> CollectionPointId {
    fact.collection_point.clone().unwrap_or_else(|| CollectionPointId::new(""))
}

fn days_before(day: BusinessDate, days: u16) -> BusinessDate {
    BusinessDate::from_date(day.date().saturating_sub(Duration::days(i64::from(days))))
}

fn days_after(day: BusinessDate, days: u16) -> BusinessDate {
    BusinessDate::from_date(day.date().saturating_add(Duration::days(i64::from(days))))
}
