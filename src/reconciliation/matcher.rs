//! Compares the three witnesses: every difference becomes exactly one break.
//!
//! A pair that differs in several ways is one break, named after the gravest way, with the others in
//! `also`. Two equal partial payments on one day are legitimate: the word "duplicate" is used only for
//! what is left over after both sides have been paired one to one.

use std::collections::{BTreeMap, HashMap};

use serde::{Deserialize, Serialize};

use super::breaks::{Break, Cause, Evidence, Rule, break_id_of};
use super::cures::{cure, policy};
use super::deposits::{judge, settle};
use super::pairing::{Pairing, canonical, days_between};
use super::record::{BankRow, LedgerDeposit, LedgerPayment, PartnerRow};
use super::result::{Hour, Match, Reconciliation, Totals};
use super::twins::{alike, keys, without_annulled_originals};
use crate::domain::calendar::{BusinessDate, Timestamp};
use crate::domain::ids::{AccountNumber, PartyId};
use crate::domain::money::Money;

/// The most siblings that a row left over is compared with before it is called single.
const MAX_SIBLINGS: usize = 256;

/// How far apart two rows may be and still be one payment.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Tolerance {
    /// Minutes between the two clocks when the account is only nearly the same.
    pub time_minutes: u32,
    /// Minutes between the two clocks when the amount is another.
    pub amount_minutes: u32,
    /// Days between the two business dates.
    pub date_days: u16,
    /// Minutes within which an equal payment of the same account looks like a repetition.
    pub duplicate_minutes: u32,
    /// Days after its due date on which a deposit without a slip number is still looked for.
    pub bank_days: u16,
    /// Minutes from UTC to the utility's day.
    pub offset_minutes: i16,
}

impl Default for Tolerance {
    fn default() -> Self {
        Self {
            time_minutes: 10,
            amount_minutes: 30,
            date_days: 1,
            duplicate_minutes: 30,
            bank_days: 5,
            offset_minutes: -300,
        }
    }
}

/// What is compared.
#[derive(Clone, Copy, Debug)]
pub struct Inputs<'a> {
    /// The partner whose day it is.
    pub party: &'a PartyId,
    /// The first business date.
    pub from: BusinessDate,
    /// The last business date.
    pub to: BusinessDate,
    /// The day on which it is compared: ages are counted to it, and what is due on it or later is not missing yet.
    pub as_of: BusinessDate,
    /// The gateway's payments. Those outside `from..=to` (load `date_days` more on both ends) take
    /// part only when the partner's file claims them.
    pub payments: &'a [LedgerPayment],
    /// The partner's file; none: not compared.
    pub partner_rows: Option<&'a [PartnerRow]>,
    /// The deposits that were declared.
    pub deposits: &'a [LedgerDeposit],
    /// The bank's statement; none: not compared.
    pub bank_rows: Option<&'a [BankRow]>,
}

/// Compares the three witnesses.
#[must_use]
pub fn reconcile(inputs: &Inputs<'_>, tolerance: &Tolerance) -> Reconciliation {
    let mut book = Book::new(inputs, tolerance);
    if let Some(rows) = inputs.partner_rows {
        book.payments(rows);
    } else {
        let within = |one: &&LedgerPayment| book.within(one) && one.reversed.is_none();
        let standing: Vec<_> = inputs.payments.iter().filter(within).collect();
        standing.into_iter().for_each(|one| book.count_payment(one));
    }
    if let Some(credits) = inputs.bank_rows {
        book.deposits(credits);
    } else {
        inputs.deposits.iter().for_each(|one| book.totals.declared.add(one.amount));
    }
    book.close()
}

struct Book<'a> {
    inputs: &'a Inputs<'a>,
    tolerance: &'a Tolerance,
    totals: Totals,
    hours: Vec<Hour>,
    breaks: Vec<Break>,
    matches: Vec<Match>,
}

/// What leads to a break, before it is given its name and number.
struct Finding {
    causes: Vec<Cause>,
    rule: Option<Rule>,
    at_stake: Money,
    difference: Money,
    date: Option<BusinessDate>,
    evidence: Vec<Evidence>,
}

type Group<'a> = (&'a AccountNumber, Money, Option<BusinessDate>);

impl<'a> Book<'a> {
    fn new(inputs: &'a Inputs<'a>, tolerance: &'a Tolerance) -> Self {
        let hours = (0..24).map(|hour| Hour { hour, ..Hour::default() }).collect();
        Self { inputs, tolerance, totals: Totals::default(), hours, breaks: Vec::new(), matches: Vec::new() }
    }

    fn payments(&mut self, rows: &'a [PartnerRow]) {
        let ledger_order = canonical(self.inputs.payments);
        let row_order = canonical(rows);
        let ledger: Vec<&LedgerPayment> = ledger_order.iter().map(|index| &self.inputs.payments[*index]).collect();
        let rows: Vec<&PartnerRow> = row_order.iter().map(|index| &rows[*index]).collect();
        let usable = without_annulled_originals(&rows);
        let pairing = Pairing::run(&ledger, &rows, self.tolerance, &usable);
        for (l, r, rule) in &pairing.pairs {
            self.pair(ledger[*l as usize], rows[*r as usize], *rule);
            self.matches.push(Match { payment: ledger_order[*l as usize], row: row_order[*r as usize], rule: *rule });
        }
        self.left_here(&pairing);
        self.left_there(&pairing, &usable);
    }

    /// Two rows that are one payment.
    fn pair(&mut self, here: &LedgerPayment, there: &PartnerRow, rule: Rule) {
        *self.totals.by_rule.entry(rule).or_default() += 1;
        let stands = |stands: bool, amount| if stands { amount } else { Money::ZERO };
        let ours = stands(here.reversed.is_none(), here.amount);
        let theirs = stands(!there.reversed, there.amount);
        self.count_standing(here, there);
        if here.reversed.is_some() && there.reversed {
            self.totals.void.add(here.amount);
            return;
        }
        self.totals.matched.add(here.amount);
        let causes = differences(here, there, self.tolerance.offset_minutes);
        let Some(first) = causes.first() else {
            self.totals.agreed.add(here.amount);
            return;
        };
        let at_stake = match first {
            Cause::AmountDiffers => distance(here.amount, there.amount),
            Cause::ReversedHere => there.amount,
            _ => here.amount,
        };
        let evidence = vec![Evidence::payment(here), Evidence::partner(there, self.tolerance.offset_minutes)];
        self.found(Finding {
            causes,
            rule: Some(rule),
            at_stake,
            difference: ours - theirs,
            date: Some(here.business_date),
            evidence,
        });
    }

    /// Payments of ours that no row of the partner answers.
    fn left_here(&mut self, pairing: &Pairing<'_>) {
        let ledger = pairing.ledger;
        let mut paired: HashMap<Group<'_>, Vec<&LedgerPayment>> = HashMap::new();
        for (l, r, _) in &pairing.pairs {
            let one = ledger[*l as usize];
            if one.reversed.is_none() && !pairing.rows[*r as usize].reversed {
                paired.entry((&one.account_number, one.amount, Some(one.business_date))).or_default().push(one);
            }
        }
        for one in (0..ledger.len()).filter(|l| pairing.row_of[*l].is_none()).map(|l| ledger[l]) {
            if !self.within(one) {
                continue;
            }
            if one.reversed.is_some() {
                self.totals.void.add(one.amount);
                continue;
            }
            self.count_payment(one);
            let siblings = paired.get(&(&one.account_number, one.amount, Some(one.business_date)));
            let twin = siblings.into_iter().flatten().take(MAX_SIBLINGS).find(|twin| self.repeats(one, twin));
            let cause = if twin.is_some() { Cause::DuplicateHere } else { Cause::OnlyHere };
            let evidence = std::iter::once(one).chain(twin.copied()).map(Evidence::payment).collect();
            self.found(Finding {
                causes: vec![cause],
                rule: None,
                at_stake: one.amount,
                difference: one.amount,
                date: Some(one.business_date),
                evidence,
            });
        }
    }

    /// Rows of the partner that no payment of ours answers.
    fn left_there(&mut self, pairing: &Pairing<'_>, usable: &[bool]) {
        let offset = self.tolerance.offset_minutes;
        let rows = pairing.rows;
        let mut paired: HashMap<Group<'_>, Vec<&PartnerRow>> = HashMap::new();
        let mut named: HashMap<(u8, &str), &PartnerRow> = HashMap::new();
        for (l, r, _) in &pairing.pairs {
            let one = rows[*r as usize];
            keys(one).for_each(|key| _ = named.entry(key).or_insert(one));
            if !one.reversed && pairing.ledger[*l as usize].reversed.is_none() {
                paired.entry((&one.account_number, one.amount, one.day(offset))).or_default().push(one);
            }
        }
        let left = (0..rows.len()).filter(|r| usable[*r] && pairing.payment_of[*r].is_none());
        for one in left.map(|r| rows[r]) {
            if one.reversed {
                self.totals.void.add(one.amount);
                continue;
            }
            self.count_row(one, one.at);
            let same_name =
                keys(one).find_map(|key| named.get(&key).copied().filter(|twin| key.0 < 2 || alike(one, twin)));
            let siblings = paired.get(&(&one.account_number, one.amount, one.day(offset)));
            let same_time = || siblings.into_iter().flatten().take(MAX_SIBLINGS).find(|twin| self.repeated(one, twin));
            let twin = same_name.or_else(|| same_time().copied());
            keys(one).filter(|key| key.0 < 2).for_each(|key| _ = named.entry(key).or_insert(one));
            let cause = if twin.is_some() { Cause::DuplicateThere } else { Cause::OnlyThere };
            let evidence: Vec<_> = std::iter::once(one).chain(twin).map(|row| Evidence::partner(row, offset)).collect();
            self.found(Finding {
                causes: vec![cause],
                rule: None,
                at_stake: one.amount,
                difference: -one.amount,
                date: one.day(offset),
                evidence,
            });
        }
    }

    fn deposits(&mut self, credits: &'a [BankRow]) {
        let deposits: Vec<&LedgerDeposit> =
            canonical(self.inputs.deposits).into_iter().map(|index| &self.inputs.deposits[index]).collect();
        let credits: Vec<&BankRow> = canonical(credits).into_iter().map(|index| &credits[index]).collect();
        deposits.iter().for_each(|one| self.totals.declared.add(one.amount));
        credits.iter().for_each(|one| self.totals.bank.add(one.amount));
        let settled = settle(&deposits, &credits, self.tolerance);
        for settlement in &settled.settlements {
            *self.totals.by_rule.entry(settlement.rule).or_default() += 1;
            let (causes, difference) = judge(settlement, &deposits, &credits);
            let Some(first) = causes.first() else { continue };
            let declared = settlement.deposits.iter().map(|index| deposits[*index]);
            let at_stake = match first {
                Cause::DepositShort | Cause::DepositOver => distance(difference, Money::ZERO),
                Cause::DepositSplit => Money::ZERO,
                _ => declared.clone().map(|one| one.amount).sum(),
            };
            let date = declared.clone().map(|one| one.due_on).max();
            let received = settlement.credits.iter().map(|index| Evidence::bank(credits[*index]));
            let evidence = declared.map(Evidence::deposit).chain(received).collect();
            self.found(Finding { causes, rule: Some(settlement.rule), at_stake, difference, date, evidence });
        }
        for one in settled.deposits_left.into_iter().map(|index| deposits[index]) {
            if one.due_on >= self.inputs.as_of {
                self.totals.pending.add(one.amount);
            } else {
                self.single(Cause::DepositMissing, one.amount, one.due_on, Evidence::deposit(one));
            }
        }
        for one in settled.credits_left.into_iter().map(|index| credits[index]) {
            self.single(Cause::DepositUnknown, -one.amount, one.booked_on, Evidence::bank(one));
        }
    }

    fn single(&mut self, cause: Cause, difference: Money, date: BusinessDate, evidence: Evidence) {
        self.found(Finding {
            causes: vec![cause],
            rule: None,
            at_stake: distance(difference, Money::ZERO),
            difference,
            date: Some(date),
            evidence: vec![evidence],
        });
    }

    fn found(&mut self, finding: Finding) {
        let mut causes = finding.causes.into_iter();
        let Some(cause) = causes.next() else { return };
        let (owner, money_moves, approver) = policy(cause);
        let age_days = finding.date.map_or(0, |date| days_between(date, self.inputs.as_of).max(0));
        self.breaks.push(Break {
            break_id: break_id_of(self.inputs.party, cause, &finding.evidence, 0),
            cause,
            also: causes.collect(),
            rule: finding.rule,
            owner,
            money_moves,
            approver,
            amount_at_stake: finding.at_stake,
            difference: finding.difference,
            date: finding.date,
            age_days,
            cure: cure(cause, &finding.evidence),
            evidence: finding.evidence,
        });
    }

    /// Whether one of two equal payments of ours looks like a repetition of the other.
    fn repeats(&self, one: &LedgerPayment, twin: &LedgerPayment) -> bool {
        let same_reference = one.partner_reference.is_some() && one.partner_reference == twin.partner_reference;
        let minutes = one.recorded_at.minutes_since(twin.recorded_at).unsigned_abs();
        same_reference
            || one.offline_credit
            || twin.offline_credit
            || minutes <= u64::from(self.tolerance.duplicate_minutes)
    }

    /// Whether one of two equal rows of the partner looks like a repetition of the other.
    fn repeated(&self, one: &PartnerRow, twin: &PartnerRow) -> bool {
        let (Some(a), Some(b)) = (one.at, twin.at) else { return true };
        a.minutes_since(b).unsigned_abs() <= u64::from(self.tolerance.duplicate_minutes)
    }

    fn within(&self, one: &LedgerPayment) -> bool {
        (self.inputs.from..=self.inputs.to).contains(&one.business_date)
    }

    fn count_standing(&mut self, here: &LedgerPayment, there: &PartnerRow) {
        if here.reversed.is_none() {
            self.count_payment(here);
        }
        if !there.reversed {
            // A row that states no time is placed where its payment is.
            self.count_row(there, there.at.or(Some(here.recorded_at)));
        }
    }

    fn count_payment(&mut self, one: &LedgerPayment) {
        self.totals.gateway.add(one.amount);
        let hour = one.recorded_at.at(self.tolerance.offset_minutes).hour();
        self.hours[usize::from(hour)].gateway.add(one.amount);
    }

    fn count_row(&mut self, one: &PartnerRow, at: Option<Timestamp>) {
        self.totals.partner.add(one.amount);
        if let Some(at) = at {
            self.hours[usize::from(at.at(self.tolerance.offset_minutes).hour())].partner.add(one.amount);
        }
    }

    fn close(mut self) -> Reconciliation {
        self.breaks.sort_by_key(|one| (one.cause, one.date, one.break_id));
        let mut ordinals: BTreeMap<_, u32> = BTreeMap::new();
        for one in &mut self.breaks {
            let ordinal = ordinals.entry(one.break_id).or_default();
            if *ordinal > 0 {
                one.break_id = break_id_of(self.inputs.party, one.cause, &one.evidence, *ordinal);
            }
            *ordinal += 1;
        }
        self.matches.sort_unstable();
        Reconciliation {
            party: self.inputs.party.clone(),
            from: self.inputs.from,
            to: self.inputs.to,
            as_of: self.inputs.as_of,
            partner_compared: self.inputs.partner_rows.is_some(),
            bank_compared: self.inputs.bank_rows.is_some(),
            totals: self.totals,
            hours: self.hours,
            breaks: self.breaks,
            matches: self.matches,
        }
    }
}

/// In what a pair differs, gravest first.
fn differences(here: &LedgerPayment, there: &PartnerRow, offset_minutes: i16) -> Vec<Cause> {
    let other_day = there.day(offset_minutes).is_some_and(|day| day != here.business_date);
    [
        (here.reversed.is_some() && !there.reversed, Cause::ReversedHere),
        (here.reversed.is_none() && there.reversed, Cause::ReversedThere),
        (here.account_number != there.account_number, Cause::WrongAccount),
        (here.amount != there.amount, Cause::AmountDiffers),
        (other_day, Cause::WrongBusinessDate),
    ]
    .into_iter()
    .filter_map(|(differs, cause)| differs.then_some(cause))
    .collect()
}

fn distance(a: Money, b: Money) -> Money {
    if a > b { a - b } else { b - a }
}
