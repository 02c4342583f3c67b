//! Every planted difference is found, called by its name, and nothing else is called a difference.

use std::collections::{BTreeMap, BTreeSet};

use super::planted::{Chance, Day, day, payment, reversal, row, run, today};
use crate::domain::money::Money;
use crate::reconciliation::breaks::{Break, Cause, Rule, Side};
use crate::reconciliation::record::PartnerRow;
use crate::reconciliation::result::Reconciliation;

/// The names under which a break can have been planted.
fn names(one: &Break) -> Vec<String> {
    let of = |side, word: &str| -> Vec<String> {
        let lines = one.evidence.iter().filter(|one| one.side == side).filter_map(|one| one.line);
        lines.map(|line| format!("{word} {line}")).collect()
    };
    let receipts = one.evidence.iter().filter(|one| one.side == Side::Gateway);
    let mut names: Vec<String> = receipts.filter_map(|one| one.receipt_number.clone()).collect();
    names.extend(of(Side::Partner, "line"));
    names.extend(of(Side::Bank, "bank"));
    names
}

/// Planted against found: `table[(planted, found)]`; what was not planted counts as `-`, what was not found as `+`.
fn confusion(planted: &Day, result: &Reconciliation) -> BTreeMap<(String, String), usize> {
    let mut table: BTreeMap<(String, String), usize> = BTreeMap::new();
    let mut seen = BTreeSet::new();
    for one in &result.breaks {
        let hits: Vec<_> = names(one).into_iter().filter_map(|name| planted.planted.get_key_value(&name)).collect();
        // A duplicate shows its twin too, which may itself have been planted as something else.
        let hit = hits.iter().find(|(_, cause)| **cause == one.cause).or(hits.first());
        let cause = hit.map_or("-", |(_, cause)| cause.code());
        *table.entry((cause.to_owned(), one.cause.code().to_owned())).or_default() += 1;
        seen.extend(hits.into_iter().map(|(name, _)| name.clone()));
    }
    for (_, cause) in planted.planted.iter().filter(|(name, _)| !seen.contains(*name)) {
        *table.entry((cause.code().to_owned(), "+".to_owned())).or_default() += 1;
    }
    table
}

fn judge(planted: &Day, result: &Reconciliation, each: usize) {
    let table = confusion(planted, result);
    let print = || {
        let lines: Vec<_> = table.iter().map(|((a, b), n)| format!("{a:>20} -> {b:<20} {n}")).collect();
        lines.join("\n")
    };
    for cause in Cause::ALL {
        let code = cause.code().to_owned();
        let found: usize = table.iter().filter(|((a, b), _)| *a == code && b != "+").map(|(_, n)| n).sum();
        let right = table.get(&(code.clone(), code.clone())).copied().unwrap_or_default();
        assert!(found >= each, "{code}: {found} of {each} found\n{}", print());
        assert!(right * 100 >= each * 95, "{code}: {right} of {each} called by name\n{}", print());
        assert!(!table.contains_key(&(code.clone(), "+".to_owned())), "{code} not found\n{}", print());
    }
    assert!(!table.keys().any(|(a, _)| a == "-"), "called a difference and is none\n{}", print());
}

#[test]
fn five_hundred_planted_differences_are_found_and_named() {
    for seed in [1, 2, 3] {
        let planted = day(seed, 10_000, 34);
        judge(&planted, &run(&planted), 33);
    }
}

#[test]
#[ignore = "a hundred thousand payments: run with --release, and read the time it prints"]
fn five_hundred_of_each_cause_in_a_hundred_thousand() {
    let planted = day(7, 100_000, 500);
    let started = std::time::Instant::now();
    let result = run(&planted);
    println!("{} payments, {} breaks: {:?}", planted.payments.len(), result.breaks.len(), started.elapsed());
    judge(&planted, &result, 499);
}

#[test]
#[ignore = "hostile input of a hundred thousand rows: run with --release, and read the times it prints"]
fn hostile_inputs_stay_fast() {
    type Shape = fn(u64) -> (u64, i64, u64);
    let shapes: [(&str, Shape); 3] = [
        ("one account, one amount, no keys", |_| (1, 100, 3)),
        ("one account, other amounts, no keys", |n| (1, n.cast_signed(), 3)),
        ("one reference for all", |n| (n, 100, 2)),
    ];
    for (name, shape) in shapes {
        let mut hostile = Day::default();
        for number in 1..=100_000 {
            let (account, pesos, style) = shape(number);
            let mut one = payment(number, account, pesos, 600);
            one.partner_reference = Some("0".to_owned());
            let mut other = row(&one, number, style);
            if name.contains("other amounts") {
                other.amount += Money::from_centavos(1);
            }
            hostile.rows.push(other);
            hostile.payments.push(one);
        }
        let started = std::time::Instant::now();
        let result = run(&hostile);
        println!("{name}: {:?}, {} breaks", started.elapsed(), result.breaks.len());
    }
}

#[test]
fn two_equal_partial_payments_are_no_duplicates_while_both_sides_have_two() {
    let mut both = Day::default();
    for number in 1..=2 {
        let one = payment(number, 123_456, 50_000, 600 + i64::try_from(number).unwrap());
        both.rows.push(row(&one, number + 1, 3));
        both.payments.push(one);
    }
    assert!(run(&both).is_clean());
    let mut fewer = both.clone();
    fewer.rows.pop();
    let found = run(&fewer);
    assert_eq!(found.breaks.iter().map(|one| one.cause).collect::<Vec<_>>(), [Cause::DuplicateHere]);
    let mut hours_apart = fewer;
    hours_apart.payments[1].recorded_at = hours_apart.payments[1].recorded_at.plus_minutes(240);
    let found = run(&hours_apart);
    assert_eq!(found.breaks.iter().map(|one| one.cause).collect::<Vec<_>>(), [Cause::OnlyHere]);
    both.payments.pop();
    let found = run(&both);
    assert_eq!(found.breaks.iter().map(|one| one.cause).collect::<Vec<_>>(), [Cause::DuplicateThere]);
}

#[test]
fn one_payment_that_differs_twice_is_one_break() {
    let one = payment(1, 123_456, 50_000, 600);
    let mut other = row(&one, 2, 0);
    other.amount = Money::from_pesos(40_000);
    other.date = Some(today().next());
    let found = run(&Day { payments: vec![one], rows: vec![other], ..Day::default() });
    let [only] = &found.breaks[..] else { panic!("{:?}", found.breaks) };
    assert_eq!((only.cause, &only.also[..]), (Cause::AmountDiffers, &[Cause::WrongBusinessDate][..]));
    assert_eq!((only.rule, only.amount_at_stake), (Some(Rule::PaymentId), Money::from_pesos(10_000)));
    assert!(only.money_moves && only.approver.is_some());
}

#[test]
fn a_payment_taken_back_and_made_again_is_no_difference() {
    let mut first = payment(1, 123_456, 50_000, 600);
    first.reversed = reversal();
    let second = payment(2, 123_456, 50_000, 605);
    let answer = row(&second, 2, 3);
    assert!(run(&Day { payments: vec![first, second], rows: vec![answer], ..Day::default() }).is_clean());
}

#[test]
fn a_partner_that_writes_an_annulled_payment_twice_is_understood() {
    let mut one = payment(1, 123_456, 50_000, 600);
    let original = row(&one, 2, 1);
    let annulled = PartnerRow { line: 3, reversed: true, ..original.clone() };
    let rows = vec![original, annulled];
    let found = run(&Day { payments: vec![one.clone()], rows: rows.clone(), ..Day::default() });
    assert_eq!(found.breaks.iter().map(|one| one.cause).collect::<Vec<_>>(), [Cause::ReversedThere]);
    one.reversed = reversal();
    assert!(run(&Day { payments: vec![one], rows, ..Day::default() }).is_clean());
}

#[test]
fn a_payment_of_the_day_before_takes_part_only_when_the_partner_claims_it() {
    let mut yesterday = payment(1, 123_456, 50_000, -60);
    yesterday.business_date = crate::domain::calendar::BusinessDate::from_number(20_261_123).unwrap();
    let mut claimed = row(&yesterday, 2, 3);
    claimed.date = Some(today());
    let alone = Day { payments: vec![yesterday], ..Day::default() };
    assert!(run(&alone).is_clean());
    let found = run(&Day { rows: vec![claimed], ..alone });
    assert_eq!(found.breaks.iter().map(|one| one.cause).collect::<Vec<_>>(), [Cause::WrongBusinessDate]);
    assert_eq!(found.breaks[0].rule, Some(Rule::AccountAmount));
}

#[test]
fn a_mistyped_receipt_never_steals_the_payment_of_another() {
    let (first, second) = (payment(1, 123_456, 50_000, 600), payment(2, 777_777, 91_000, 700));
    let mut mistyped = row(&first, 2, 1);
    mistyped.receipt_number = Some(second.receipt_number.clone());
    let right = row(&second, 3, 1);
    let found = run(&Day { payments: vec![first, second], rows: vec![mistyped, right], ..Day::default() });
    assert!(found.is_clean(), "{:?}", found.breaks);
    assert_eq!(found.totals.by_rule.get(&Rule::AccountAmountDate), Some(&1));
}

#[test]
fn a_receipt_alone_is_no_proof_while_account_amount_and_day_tell_another_story() {
    let (first, second) = (payment(1, 123_456, 50_000, 600), payment(2, 777_777, 91_000, 700));
    let mut mistyped = row(&first, 2, 1);
    mistyped.receipt_number = Some(second.receipt_number.clone());
    let found = run(&Day { payments: vec![first, second], rows: vec![mistyped], ..Day::default() });
    assert_eq!(found.breaks.iter().map(|one| one.cause).collect::<Vec<_>>(), [Cause::OnlyHere]);
    assert_eq!(found.breaks[0].amount_at_stake, Money::from_pesos(91_000));
}

#[test]
fn a_row_that_stands_three_times_is_two_breaks_whose_ids_outlive_a_line_added_above() {
    let one = payment(1, 123_456, 50_000, 600);
    let rows = |from: u64| (from..from + 3).map(|line| PartnerRow { line, ..row(&one, 3, 1) }).collect::<Vec<_>>();
    let ids = |from| {
        let found = run(&Day { payments: vec![one.clone()], rows: rows(from), ..Day::default() });
        found.breaks.iter().map(|one| (one.cause, one.break_id)).collect::<BTreeSet<_>>()
    };
    assert_eq!(ids(2).len(), 2);
    assert!(ids(2).iter().all(|(cause, _)| *cause == Cause::DuplicateThere));
    assert_eq!(ids(2), ids(3));
}

#[test]
fn chance_is_the_same_on_every_machine() {
    assert_eq!(Chance(1).next(), 0x910a_2dec_8902_5cc1);
}
