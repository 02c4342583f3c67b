//! Finds which rows are one payment: exact keys first, then fall-backs that can be explained.
//!
//! Every pass proposes candidates with a penalty, sorts them and takes the best ones, so the order
//! of the input never matters. Candidates come from hash groups; a group so large that its key
//! says nothing is paired by rank instead of by all combinations, which keeps the whole linear.

use std::collections::HashMap;
use std::hash::Hash;

use super::breaks::Rule;
use super::matcher::Tolerance;
use super::record::{LedgerPayment, PartnerRow};
use crate::domain::calendar::BusinessDate;
use crate::domain::money::Money;

/// The most combinations that one group of equal keys is tried in.
const MAX_COMBINATIONS: usize = 4096;
/// Up to here accounts are compared one by one; beyond, the neighbours of one are looked up.
const FEW_ACCOUNTS: usize = 64;
/// The most equal payments of one account that a mistyped row is compared with.
const MAX_SAME_ACCOUNT: usize = 64;
/// Penalty when one side took the payment back and the other did not.
const OTHER_STATE: u64 = 10_000;
/// Penalty when both know the collection point and disagree.
const OTHER_POINT: u64 = 2_000;
/// Penalty for each of account, amount and day that differs under an exact key.
const OTHER_FIELD: u64 = 100_000;
/// Minutes assumed between two rows of which one states no time.
const UNKNOWN_MINUTES: u64 = 1_440;

/// Both sides in canonical order, and what has been paired so far.
pub(super) struct Pairing<'a> {
    pub(super) ledger: &'a [&'a LedgerPayment],
    pub(super) rows: &'a [&'a PartnerRow],
    pub(super) row_of: Vec<Option<u32>>,
    pub(super) payment_of: Vec<Option<u32>>,
    pub(super) pairs: Vec<(u32, u32, Rule)>,
    tolerance: &'a Tolerance,
}

type Candidate = (u64, u32, u32);
/// Payments by the digits of their account.
type ByAccount<'a> = HashMap<&'a [u8], Vec<u32>>;

impl<'a> Pairing<'a> {
    /// Runs all passes, strongest first. `usable` says which of the partner's rows take part.
    pub(super) fn run(
        ledger: &'a [&'a LedgerPayment],
        rows: &'a [&'a PartnerRow],
        tolerance: &'a Tolerance,
        usable: &[bool],
    ) -> Self {
        let payment_of = usable.iter().map(|usable| (!usable).then_some(u32::MAX)).collect();
        let mut pairing =
            Self { ledger, rows, row_of: vec![None; ledger.len()], payment_of, pairs: Vec::new(), tolerance };
        pairing.by_keys();
        pairing.by_content();
        pairing.pass(Rule::ReceiptNumberOnly, |l| Some(l.receipt_number.trim()), receipt, Self::key_score);
        pairing.pairs.sort_unstable();
        pairing
    }

    fn by_keys(&mut self) {
        self.pass(Rule::PaymentId, |l| Some(l.payment_id), PartnerRow::known_payment_id, Self::key_score);
        let plausible = |it: &Self, l: &LedgerPayment, r: &PartnerRow| {
            (l.amount == r.amount || near(l.account_number.as_str(), r.account_number.as_str()))
                .then(|| it.key_score(l, r))
                .flatten()
        };
        self.pass(Rule::ReceiptNumber, |l| Some(l.receipt_number.trim()), receipt, plausible);
        self.pass(
            Rule::PartnerReference,
            |l| l.partner_reference.as_deref().map(str::trim),
            |r| r.partner_reference.as_deref().map(str::trim),
            plausible,
        );
    }

    fn by_content(&mut self) {
        let offset = self.tolerance.offset_minutes;
        self.pass(
            Rule::AccountAmountDate,
            |l| Some((&l.account_number, l.amount, l.business_date)),
            |r| Some((&r.account_number, r.amount, r.day(offset)?)),
            |it, l, r| Some(it.distance(l, r) + if contradicts(l, r) { OTHER_FIELD } else { 0 }),
        );
        self.pass(
            Rule::AccountAmount,
            |l| Some((&l.account_number, l.amount)),
            |r| Some((&r.account_number, r.amount)),
            Self::neighbouring_day,
        );
        let near = self.near_accounts();
        self.take(Rule::NearAccount, near);
        self.pass(
            Rule::AccountDate,
            |l| Some((&l.account_number, l.business_date)),
            |r| Some((&r.account_number, r.day(offset)?)),
            |it, l, r| it.weak(l, r, it.tolerance.amount_minutes),
        );
    }

    /// Proposes every pair within equal keys that `score` accepts, and takes the best.
    fn pass<K: Hash + Eq>(
        &mut self,
        rule: Rule,
        left: impl Fn(&'a LedgerPayment) -> Option<K>,
        right: impl Fn(&'a PartnerRow) -> Option<K>,
        score: impl Fn(&Self, &LedgerPayment, &PartnerRow) -> Option<u64>,
    ) {
        let mut groups: HashMap<K, (Vec<u32>, Vec<u32>)> = HashMap::new();
        for (index, row) in (0u32..).zip(self.rows) {
            if self.payment_of[index as usize].is_none()
                && let Some(key) = right(row)
            {
                groups.entry(key).or_default().1.push(index);
            }
        }
        for (index, payment) in (0u32..).zip(self.ledger) {
            if self.row_of[index as usize].is_none()
                && let Some(group) = left(payment).and_then(|key| groups.get_mut(&key))
            {
                group.0.push(index);
            }
        }
        let mut candidates = Vec::new();
        for (payments, rows) in groups.values() {
            let mut propose = |l: u32, r: u32| {
                if let Some(score) = score(self, self.ledger[l as usize], self.rows[r as usize]) {
                    candidates.push((score, l, r));
                }
            };
            if payments.len().saturating_mul(rows.len()) <= MAX_COMBINATIONS.max(payments.len() + rows.len()) {
                payments.iter().for_each(|l| rows.iter().for_each(|r| propose(*l, *r)));
            } else {
                payments.iter().zip(rows).for_each(|(l, r)| propose(*l, *r));
            }
        }
        self.take(rule, candidates);
    }

    fn take(&mut self, rule: Rule, mut candidates: Vec<Candidate>) {
        candidates.sort_unstable();
        for (_, l, r) in candidates {
            let (payment, row) = (l as usize, r as usize);
            if self.row_of[payment].is_none() && self.payment_of[row].is_none() {
                self.row_of[payment] = Some(r);
                self.payment_of[row] = Some(l);
                self.pairs.push((l, r, rule));
            }
        }
    }

    /// Pairs of the same amount and day whose accounts are one slip of the finger apart.
    fn near_accounts(&self) -> Vec<Candidate> {
        let mut open: HashMap<(Money, BusinessDate), ByAccount<'_>> = HashMap::new();
        for (index, payment) in (0u32..).zip(self.ledger) {
            if self.row_of[index as usize].is_none() {
                let group = open.entry((payment.amount, payment.business_date)).or_default();
                group.entry(payment.account_number.as_str().as_bytes()).or_default().push(index);
            }
        }
        let mut candidates = Vec::new();
        for (index, row) in (0u32..).zip(self.rows).filter(|(index, _)| self.payment_of[*index as usize].is_none()) {
            let day = row.day(self.tolerance.offset_minutes);
            let Some(group) = day.and_then(|day| open.get(&(row.amount, day))) else { continue };
            let mut propose = |payments: &Vec<u32>| {
                for l in payments.iter().take(MAX_SAME_ACCOUNT) {
                    if let Some(score) = self.weak(self.ledger[*l as usize], row, self.tolerance.time_minutes) {
                        candidates.push((score, *l, index));
                    }
                }
            };
            let account = row.account_number.as_str();
            if group.len() <= FEW_ACCOUNTS {
                let close = |other: &&[u8]| std::str::from_utf8(other).is_ok_and(|other| near(account, other));
                group.iter().filter(|(other, _)| close(other)).for_each(|(_, payments)| propose(payments));
            } else {
                for_each_neighbour(account.as_bytes(), |other| group.get(other).into_iter().for_each(&mut propose));
            }
        }
        candidates
    }

    fn key_score(&self, l: &LedgerPayment, r: &PartnerRow) -> Option<u64> {
        let other_day = r.day(self.tolerance.offset_minutes).is_some_and(|day| day != l.business_date);
        let differing = [l.account_number != r.account_number, l.amount != r.amount, other_day];
        let fields = differing.into_iter().map(u64::from).sum::<u64>();
        Some(self.distance(l, r) + fields * OTHER_FIELD)
    }

    fn neighbouring_day(&self, l: &LedgerPayment, r: &PartnerRow) -> Option<u64> {
        let days = match r.day(self.tolerance.offset_minutes) {
            Some(day) => days_between(l.business_date, day).unsigned_abs(),
            None => 0,
        };
        let fits = days <= u64::from(self.tolerance.date_days) && !contradicts(l, r) && same_state(l, r);
        fits.then(|| days * OTHER_FIELD + self.distance(l, r))
    }

    /// For rules that rest on little: the times must fit where both are known, and nothing may speak against it.
    fn weak(&self, l: &LedgerPayment, r: &PartnerRow, minutes: u32) -> Option<u64> {
        let timely = r
            .at
            .is_none_or(|at| l.offline_credit || at.minutes_since(l.recorded_at).unsigned_abs() <= u64::from(minutes));
        (timely && !contradicts(l, r) && same_state(l, r)).then(|| self.distance(l, r))
    }

    fn distance(&self, l: &LedgerPayment, r: &PartnerRow) -> u64 {
        let minutes =
            r.at.map_or(UNKNOWN_MINUTES, |at| at.minutes_since(l.recorded_at).unsigned_abs().min(UNKNOWN_MINUTES));
        let elsewhere = r.collection_point.as_ref().is_some_and(|point| *point != l.collection_point);
        let state = if same_state(l, r) { 0 } else { OTHER_STATE };
        minutes + state + if elsewhere { OTHER_POINT } else { 0 }
    }
}

/// Indices in the order of the rows' own content, so that the order of the input never matters.
pub(super) fn canonical<T: Ord>(rows: &[T]) -> Vec<usize> {
    let mut order: Vec<usize> = (0..rows.len()).collect();
    order.sort_by(|a, b| rows[*a].cmp(&rows[*b]));
    order
}

/// Whole days from `earlier` to `later`.
pub(super) fn days_between(earlier: BusinessDate, later: BusinessDate) -> i64 {
    (later.date() - earlier.date()).whole_days()
}

/// Whether two account numbers are equal or one slip of the finger apart: one digit, two neighbours
/// exchanged, or zeros lost on the left.
pub(super) fn near(a: &str, b: &str) -> bool {
    if a == b || a.trim_start_matches('0') == b.trim_start_matches('0') {
        return true;
    }
    if a.len() != b.len() {
        return false;
    }
    let (a, b) = (a.as_bytes(), b.as_bytes());
    let differing: Vec<usize> = (0..a.len()).filter(|i| a[*i] != b[*i]).take(3).collect();
    match differing[..] {
        [_] => true,
        [i, j] => j == i + 1 && a[i] == b[j] && a[j] == b[i],
        _ => false,
    }
}

/// Whether the row names a payment id or receipt of another payment.
fn contradicts(l: &LedgerPayment, r: &PartnerRow) -> bool {
    let other_id = r.payment_id.is_some() && r.known_payment_id() != Some(l.payment_id);
    other_id || r.receipt_number.as_deref().is_some_and(|number| !near(number.trim(), l.receipt_number.trim()))
}

fn same_state(l: &LedgerPayment, r: &PartnerRow) -> bool {
    l.reversed.is_some() == r.reversed
}

fn receipt(row: &PartnerRow) -> Option<&str> {
    row.receipt_number.as_deref().map(str::trim)
}

/// Calls `visit` with every account one slip of the finger away.
fn for_each_neighbour(account: &[u8], mut visit: impl FnMut(&[u8])) {
    let mut buffer = account.to_vec();
    for place in 0..buffer.len() {
        let own = buffer[place];
        for digit in (b'0'..=b'9').filter(|digit| *digit != own) {
            buffer[place] = digit;
            visit(&buffer);
        }
        buffer[place] = own;
        if place + 1 < buffer.len() && buffer[place] != buffer[place + 1] {
            buffer.swap(place, place + 1);
            visit(&buffer);
            buffer.swap(place, place + 1);
        }
    }
    // Spreadsheets drop zeros on the left: an account has at most a dozen digits.
    for width in 1..=12usize.saturating_sub(buffer.len()) {
        let padded: Vec<u8> = std::iter::repeat_n(b'0', width).chain(account.iter().copied()).collect();
        visit(&padded);
    }
    let zeros = account.iter().take_while(|digit| **digit == b'0').count();
    (1..=zeros).for_each(|width| visit(&account[width..]));
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn one_slip_of_the_finger_is_near_and_two_are_not() {
        for (a, b) in [
            ("000123456", "000123456"),
            ("000123456", "000128456"),
            ("000123456", "000124356"),
            ("000123456", "123456"),
        ] {
            assert!(near(a, b), "{a} {b}");
        }
        for (a, b) in [("000123456", "000128457"), ("000123456", "000143256"), ("123456", "1234560")] {
            assert!(!near(a, b), "{a} {b}");
        }
    }

    proptest! {
        #[test]
        fn neighbours_are_exactly_the_near_ones(account in "[0-9]{6,9}") {
            let mut count = 0;
            let mut all_near = true;
            for_each_neighbour(account.as_bytes(), |other| {
                count += 1;
                let other = std::str::from_utf8(other).unwrap_or_default();
                all_near &= near(&account, other) && other != account;
            });
            prop_assert!(all_near);
            prop_assert!(count >= account.len() * 9);
        }
    }
}
