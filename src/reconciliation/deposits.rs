//! Which credits of the bank are which declared deposits: by slip, by amount and day, by sum.

use std::collections::BTreeMap;

use super::breaks::{Cause, Rule};
use super::matcher::Tolerance;
use super::pairing::days_between;
use super::record::{BankRow, LedgerDeposit};
use crate::domain::calendar::BusinessDate;
use crate::domain::money::Money;

/// Above this many rows left over on a side, sums of two are no longer searched: chance would find them.
const MAX_LEFT_FOR_SUMS: usize = 2_000;

/// Deposits and credits that belong together.
pub(super) struct Settlement {
    pub(super) deposits: Vec<usize>,
    pub(super) credits: Vec<usize>,
    pub(super) rule: Rule,
}

/// Everything that was settled, and what is left on either side.
pub(super) struct Settled {
    pub(super) settlements: Vec<Settlement>,
    pub(super) deposits_left: Vec<usize>,
    pub(super) credits_left: Vec<usize>,
}

struct Settling<'a> {
    deposits: &'a [&'a LedgerDeposit],
    credits: &'a [&'a BankRow],
    deposit_free: Vec<bool>,
    credit_free: Vec<bool>,
    settlements: Vec<Settlement>,
    tolerance: &'a Tolerance,
}

/// Settles deposits with credits; both in canonical order.
pub(super) fn settle(deposits: &[&LedgerDeposit], credits: &[&BankRow], tolerance: &Tolerance) -> Settled {
    let mut it = Settling {
        deposits,
        credits,
        deposit_free: vec![true; deposits.len()],
        credit_free: vec![true; credits.len()],
        settlements: Vec::new(),
        tolerance,
    };
    it.by_slip(|credit| credit.slip_number.as_deref());
    it.by_slip(|credit| credit.reference.as_deref());
    it.by_amount();
    it.by_sum();
    let left = |free: &[bool]| (0..free.len()).filter(|index| free[*index]).collect();
    Settled { deposits_left: left(&it.deposit_free), credits_left: left(&it.credit_free), settlements: it.settlements }
}

/// What is wrong with a settlement, gravest first, and declared minus received.
pub(super) fn judge(settlement: &Settlement, deposits: &[&LedgerDeposit], credits: &[&BankRow]) -> (Vec<Cause>, Money) {
    let declared: Money = settlement.deposits.iter().map(|index| deposits[*index].amount).sum();
    let received: Money = settlement.credits.iter().map(|index| credits[*index].amount).sum();
    let due = settlement.deposits.iter().map(|index| deposits[*index].due_on).max();
    let booked = settlement.credits.iter().map(|index| credits[*index].booked_on).max();
    let mut causes = Vec::new();
    if received < declared {
        causes.push(Cause::DepositShort);
    } else if received > declared {
        causes.push(Cause::DepositOver);
    }
    if booked > due {
        causes.push(Cause::DepositLate);
    }
    // One slip for several drawers is everyday practice; several credits for one slip are not.
    let parts = settlement.credits.len() > 1 || (settlement.deposits.len() > 1 && settlement.rule == Rule::DepositSum);
    if parts {
        causes.push(Cause::DepositSplit);
    }
    (causes, declared - received)
}

impl Settling<'_> {
    fn by_slip(&mut self, name: impl Fn(&BankRow) -> Option<&str>) {
        let mut slips: BTreeMap<String, (Vec<usize>, Vec<usize>)> = BTreeMap::new();
        for index in (0..self.deposits.len()).filter(|index| self.deposit_free[*index]) {
            slips.entry(plain_slip(&self.deposits[index].slip_number)).or_default().0.push(index);
        }
        for index in (0..self.credits.len()).filter(|index| self.credit_free[*index]) {
            let slip = name(self.credits[index]).map(plain_slip);
            if let Some(entry) = slip.and_then(|slip| slips.get_mut(&slip)) {
                entry.1.push(index);
            }
        }
        slips.remove("");
        for (mut deposits, mut credits) in slips.into_values() {
            if deposits.len().saturating_mul(credits.len()) > 1 {
                self.equal_amounts(&mut deposits, &mut credits);
            }
            if !deposits.is_empty() && !credits.is_empty() {
                self.take(deposits, credits, Rule::SlipNumber);
            }
        }
    }

    /// Under one slip, what is equal to the centavo belongs together; the rest settles as a whole.
    fn equal_amounts(&mut self, deposits: &mut Vec<usize>, credits: &mut Vec<usize>) {
        let total = |amounts: &mut dyn Iterator<Item = Money>| amounts.sum::<Money>();
        let declared = total(&mut deposits.iter().map(|index| self.deposits[*index].amount));
        if declared == total(&mut credits.iter().map(|index| self.credits[*index].amount)) {
            return;
        }
        let mut rest = Vec::new();
        for deposit in deposits.drain(..) {
            let amount = self.deposits[deposit].amount;
            match credits.iter().position(|credit| self.credits[*credit].amount == amount) {
                Some(place) => {
                    let credit = credits.remove(place);
                    self.take(vec![deposit], vec![credit], Rule::SlipNumber);
                }
                None => rest.push(deposit),
            }
        }
        *deposits = rest;
    }

    fn by_amount(&mut self) {
        let mut by_amount: BTreeMap<Money, Vec<usize>> = BTreeMap::new();
        for index in (0..self.credits.len()).filter(|index| self.credit_free[*index]) {
            by_amount.entry(self.credits[index].amount).or_default().push(index);
        }
        let mut candidates = Vec::new();
        for deposit in (0..self.deposits.len()).filter(|index| self.deposit_free[*index]) {
            for credit in by_amount.get(&self.deposits[deposit].amount).into_iter().flatten() {
                if let Some(days) = self.fits(deposit, self.credits[*credit].booked_on) {
                    candidates.push((days, deposit, *credit));
                }
            }
        }
        candidates.sort_unstable();
        for (_, deposit, credit) in candidates {
            if self.deposit_free[deposit] && self.credit_free[credit] {
                self.take(vec![deposit], vec![credit], Rule::DepositAmountDate);
            }
        }
    }

    /// Two credits for one deposit, or two deposits of one collection point for one credit. Credits that
    /// carry different slips are different deposits, so only those of one name, or of none, are added up.
    fn by_sum(&mut self) {
        let free = |free: &[bool]| (0..free.len()).filter(|index| free[*index]).collect::<Vec<usize>>();
        let (deposits, credits) = (free(&self.deposit_free), free(&self.credit_free));
        if deposits.len() > MAX_LEFT_FOR_SUMS || credits.len() > MAX_LEFT_FOR_SUMS {
            return;
        }
        let names = grouped(&credits, |part| {
            let one = self.credits[part];
            (one.slip_number.as_deref().map(plain_slip).unwrap_or_default(), one.amount)
        });
        let points = grouped(&deposits, |part| {
            let one = self.deposits[part];
            (one.collection_point.to_string(), one.amount)
        });
        for whole in deposits {
            let fits = |part: usize| self.credit_free[part] && self.fits(whole, self.credits[part].booked_on).is_some();
            if let Some((a, b)) = only_two_that_sum(&names, self.deposits[whole].amount, fits) {
                self.take(vec![whole], vec![a, b], Rule::DepositSum);
            }
        }
        for whole in credits.into_iter().filter(|whole| self.credit_free[*whole]).collect::<Vec<_>>() {
            let booked = self.credits[whole].booked_on;
            let fits = |part: usize| self.deposit_free[part] && self.fits(part, booked).is_some();
            if let Some((a, b)) = only_two_that_sum(&points, self.credits[whole].amount, fits) {
                self.take(vec![a, b], vec![whole], Rule::DepositSum);
            }
        }
    }

    /// Days between the due date and the booking, when the booking can be this deposit's at all.
    fn fits(&self, deposit: usize, booked: BusinessDate) -> Option<u64> {
        let one = self.deposits[deposit];
        let (early, late) = (days_between(booked, one.declared_on), days_between(one.due_on, booked));
        let slack = i64::from(self.tolerance.bank_days);
        (early <= 1 && late <= slack).then_some(late.unsigned_abs())
    }

    fn take(&mut self, deposits: Vec<usize>, credits: Vec<usize>, rule: Rule) {
        deposits.iter().for_each(|index| self.deposit_free[*index] = false);
        credits.iter().for_each(|index| self.credit_free[*index] = false);
        self.settlements.push(Settlement { deposits, credits, rule });
    }
}

/// Amounts that may be added up with one another, ascending.
type Parts = Vec<(Money, usize)>;

/// The groups of two and more that share a name.
fn grouped(of: &[usize], name: impl Fn(usize) -> (String, Money)) -> Vec<Parts> {
    let mut groups: BTreeMap<String, Parts> = BTreeMap::new();
    for part in of {
        let (name, amount) = name(*part);
        groups.entry(name).or_default().push((amount, *part));
    }
    let mut groups: Vec<Parts> = groups.into_values().filter(|parts| parts.len() > 1).collect();
    groups.iter_mut().for_each(|parts| parts.sort_unstable());
    groups
}

/// The two parts of one group whose amounts add up to `whole`; none when there is a choice, because
/// then it would be a guess.
fn only_two_that_sum(groups: &[Parts], whole: Money, fits: impl Fn(usize) -> bool) -> Option<(usize, usize)> {
    let mut found = None;
    for parts in groups {
        for (place, (amount, part)) in parts.iter().enumerate() {
            let rest = whole - *amount;
            // Each pair once, smaller part first: beyond the half there is nothing new.
            if rest < *amount {
                break;
            }
            if !fits(*part) {
                continue;
            }
            let others = &parts[place + 1..];
            let first = others.partition_point(|(other, _)| *other < rest);
            for (_, other) in
                others[first..].iter().take_while(|(other, _)| *other == rest).filter(|(_, other)| fits(*other))
            {
                if found.replace((*part, *other)).is_some() {
                    return None;
                }
            }
        }
    }
    found
}

/// A slip number without what people and banks add to it: blanks, dashes, zeros on the left.
#[must_use]
pub fn plain_slip(text: &str) -> String {
    let kept: String = text.chars().filter(char::is_ascii_alphanumeric).map(|c| c.to_ascii_uppercase()).collect();
    kept.trim_start_matches('0').to_owned()
}
