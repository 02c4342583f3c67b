//! The outcome of a reconciliation: totals that prove themselves, matches and breaks.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::breaks::{Break, Cause, Rule};
use crate::domain::calendar::BusinessDate;
use crate::domain::ids::PartyId;
use crate::domain::money::Money;

/// How many rows, and how much money.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Tally {
    /// Rows.
    pub count: u64,
    /// Their sum.
    pub amount: Money,
}

/// The totals of all witnesses. `gateway.amount − partner.amount` is the sum of the payment breaks'
/// `difference`; `declared.amount − pending.amount − bank.amount` is that of the deposit breaks.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Totals {
    /// The gateway's payments that stand.
    pub gateway: Tally,
    /// The partner's rows that stand.
    pub partner: Tally,
    /// Payments found on both sides, with or without a difference.
    pub matched: Tally,
    /// Payments on which both sides agree in everything.
    pub agreed: Tally,
    /// Payments taken back on both sides, or taken back on one and absent from the other: nothing is owed.
    pub void: Tally,
    /// Deposits that were declared.
    pub declared: Tally,
    /// Credits of the bank.
    pub bank: Tally,
    /// Deposits not received and not due yet.
    pub pending: Tally,
    /// Matched payments and deposits by the rule that matched them.
    pub by_rule: BTreeMap<Rule, u64>,
}

/// The payments of one hour of the local day, on both sides.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Hour {
    /// The hour, 0 to 23.
    pub hour: u8,
    /// The gateway's payments that stand.
    pub gateway: Tally,
    /// The partner's rows that stand, at their own time or else at that of the payment they are.
    pub partner: Tally,
}

/// Two rows that are one payment.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Match {
    /// The gateway's payment, as an index into the input.
    pub payment: usize,
    /// The partner's row, as an index into the input.
    pub row: usize,
    /// What made them one.
    pub rule: Rule,
}

/// Breaks of one cause: count, money at stake, and their age.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CauseTotal {
    /// The cause.
    pub cause: Cause,
    /// Count and money at stake.
    pub total: Tally,
    /// Breaks of at most one day, two to three, four to seven, and more than seven days.
    pub by_age: [u64; 4],
}

/// The outcome of a reconciliation.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Reconciliation {
    /// The partner.
    pub party: PartyId,
    /// The first business date.
    pub from: BusinessDate,
    /// The last business date.
    pub to: BusinessDate,
    /// The day from which ages and due dates are counted.
    pub as_of: BusinessDate,
    /// Whether the partner's file was compared.
    pub partner_compared: bool,
    /// Whether the bank's statement was compared.
    pub bank_compared: bool,
    /// The totals.
    pub totals: Totals,
    /// The local day by hour, 24 of them.
    pub hours: Vec<Hour>,
    /// Every difference once, by cause, day and id.
    pub breaks: Vec<Break>,
    /// Which rows are one payment; as many as there are payments, so left out of the JSON form.
    #[serde(skip)]
    pub matches: Vec<Match>,
}

impl Tally {
    /// Counts one more.
    pub fn add(&mut self, amount: Money) {
        self.count += 1;
        self.amount += amount;
    }
}

impl Reconciliation {
    /// The breaks by cause, those that occur, in the order of the causes.
    #[must_use]
    pub fn by_cause(&self) -> Vec<CauseTotal> {
        let mut totals: BTreeMap<Cause, CauseTotal> = BTreeMap::new();
        for one in &self.breaks {
            let entry = totals.entry(one.cause).or_insert(CauseTotal {
                cause: one.cause,
                total: Tally::default(),
                by_age: [0; 4],
            });
            entry.total.add(one.amount_at_stake);
            let age = match one.age_days {
                ..=1 => 0,
                2..=3 => 1,
                4..=7 => 2,
                _ => 3,
            };
            entry.by_age[age] += 1;
        }
        totals.into_values().collect()
    }

    /// Whether all witnesses agree.
    #[must_use]
    pub fn is_clean(&self) -> bool {
        self.breaks.is_empty()
    }
}
