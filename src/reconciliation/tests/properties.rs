//! What holds for any input: the order never matters, and the breaks explain the totals to the centavo.

use std::collections::BTreeSet;

use proptest::prelude::*;

use super::planted::{Chance, Day, day, payment, reversal, row, run};
use crate::domain::money::Money;
use crate::reconciliation::breaks::Cause;
use crate::reconciliation::result::Reconciliation;

/// A few accounts, few amounts, all kinds of rows: as many coincidences as possible.
fn crowded(seed: u64) -> Day {
    let mut chance = Chance(seed);
    let mut crowd = Day::default();
    for number in 1..=chance.below(60) {
        let amount = (chance.number(3) + 1) * 1_000;
        let mut one = payment(number, 100_000 + chance.below(4), amount, 600 + chance.number(90));
        one.reversed = if chance.below(5) == 0 { reversal() } else { None };
        one.partner_reference = (chance.below(2) == 0).then(|| format!("{}", chance.below(20)));
        one.offline_credit = chance.below(10) == 0;
        one.business_date = if chance.below(6) == 0 { one.business_date.next() } else { one.business_date };
        for copy in 0..chance.below(3) {
            let mut other = row(&one, number * 3 + copy, chance.below(4));
            other.reversed ^= chance.below(8) == 0;
            other.amount += Money::from_pesos(if chance.below(8) == 0 { 500 } else { 0 });
            other.date = if chance.below(8) == 0 { None } else { other.date };
            crowd.rows.push(other);
        }
        if chance.below(6) != 0 {
            crowd.payments.push(one);
        }
    }
    let slips = day(seed, 0, 1);
    Day { deposits: slips.deposits, credits: slips.credits, ..crowd }
}

fn explained(result: &Reconciliation) -> (Money, Money) {
    let of = |deposits: bool| {
        let mine = result.breaks.iter().filter(move |one| (one.cause >= Cause::DepositShort) == deposits);
        mine.map(|one| one.difference).sum()
    };
    (of(false), of(true))
}

fn check(result: &Reconciliation, original: &Day) -> Result<(), TestCaseError> {
    let totals = &result.totals;
    let (payments, deposits) = explained(result);
    prop_assert_eq!(totals.gateway.amount - totals.partner.amount, payments);
    prop_assert_eq!(totals.declared.amount - totals.pending.amount - totals.bank.amount, deposits);
    let ids: BTreeSet<_> = result.breaks.iter().map(|one| one.break_id).collect();
    prop_assert_eq!(ids.len(), result.breaks.len(), "every break has an id of its own");
    for one in &result.breaks {
        prop_assert!(one.amount_at_stake >= Money::ZERO);
        prop_assert!(!one.cure.is_empty() && !one.evidence.is_empty());
        prop_assert_eq!(one.money_moves, one.approver.is_some_and(|approver| approver != one.owner));
    }
    let rows: BTreeSet<_> = result.matches.iter().map(|one| one.row).collect();
    let payments: BTreeSet<_> = result.matches.iter().map(|one| one.payment).collect();
    prop_assert!(rows.len() == result.matches.len() && payments.len() == result.matches.len());
    prop_assert!(rows.iter().all(|row| *row < original.rows.len()));
    Ok(())
}

/// Who is matched with whom, told by content.
fn partners(result: &Reconciliation, day: &Day) -> BTreeSet<(u128, u64)> {
    let name = |one: &crate::reconciliation::result::Match| {
        (day.payments[one.payment].payment_id.bits(), day.rows[one.row].line)
    };
    result.matches.iter().map(name).collect()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    #[test]
    fn the_order_of_the_input_never_matters(seed: u64, order: u64) {
        let original = crowded(seed);
        let first = run(&original);
        check(&first, &original)?;
        let mut shuffled = original.clone();
        let mut chance = Chance(order);
        chance.shuffle(&mut shuffled.payments);
        chance.shuffle(&mut shuffled.rows);
        chance.shuffle(&mut shuffled.deposits);
        chance.shuffle(&mut shuffled.credits);
        let second = run(&shuffled);
        prop_assert_eq!(partners(&first, &original), partners(&second, &shuffled));
        let (mut first, mut second) = (first, second);
        first.matches.clear();
        second.matches.clear();
        prop_assert_eq!(&first, &second);
        let json = serde_json::to_string(&first)?;
        prop_assert_eq!(serde_json::from_str::<Reconciliation>(&json)?, first);
    }

    #[test]
    fn a_side_compared_with_itself_has_no_difference(seed: u64) {
        let mut same = crowded(seed);
        same.rows = (2..).zip(&same.payments).map(|(line, one)| row(one, line, line % 4)).collect();
        same.deposits.clear();
        same.credits.clear();
        prop_assert!(run(&same).is_clean());
    }
}

#[test]
fn a_planted_day_explains_its_totals() {
    let planted = day(11, 3_000, 20);
    check(&run(&planted), &planted).unwrap();
}
