//! Deposits against the bank: split, gathered, short, late, on their way, and what must not be guessed.

use super::planted::{Day, run, today};
use crate::domain::calendar::BusinessDate;
use crate::domain::ids::{CollectionPointId, Id};
use crate::domain::money::Money;
use crate::reconciliation::breaks::{Cause, Rule};
use crate::reconciliation::record::{BankRow, LedgerDeposit};

fn deposit(number: u8, slip: &str, pesos: i64) -> LedgerDeposit {
    LedgerDeposit {
        deposit_id: Id::from_bits(u128::from(number)),
        slip_number: slip.to_owned(),
        amount: Money::from_pesos(pesos),
        declared_on: today(),
        due_on: today().next(),
        collection_point: CollectionPointId::from("coompecens-01"),
    }
}

fn credit(line: u64, slip: Option<&str>, pesos: i64) -> BankRow {
    BankRow {
        line,
        slip_number: slip.map(str::to_owned),
        reference: None,
        amount: Money::from_pesos(pesos),
        booked_on: today().next(),
    }
}

fn causes(deposits: Vec<LedgerDeposit>, credits: Vec<BankRow>) -> Vec<Cause> {
    run(&Day { deposits, credits, ..Day::default() }).breaks.iter().map(|one| one.cause).collect()
}

#[test]
fn slips_are_the_same_however_they_are_written() {
    assert_eq!(causes(vec![deposit(1, "000-7781 A", 500)], vec![credit(2, Some("7781a"), 500)]), []);
}

#[test]
fn one_slip_for_several_drawers_is_everyday_practice() {
    let two = vec![deposit(1, "77", 500), deposit(2, "77", 300)];
    assert_eq!(causes(two.clone(), vec![credit(2, Some("77"), 800)]), []);
    assert_eq!(causes(two.clone(), vec![credit(2, Some("77"), 790)]), [Cause::DepositShort]);
    // Equal to the centavo: that one is in, the other is not.
    assert_eq!(causes(two, vec![credit(2, Some("77"), 500)]), [Cause::DepositMissing]);
}

#[test]
fn parts_of_one_deposit_are_one_difference_and_no_money() {
    let parts = vec![credit(2, Some("77"), 300), credit(3, Some("77"), 200)];
    let found = run(&Day { deposits: vec![deposit(1, "77", 500)], credits: parts, ..Day::default() });
    assert_eq!(found.breaks.len(), 1);
    assert_eq!((found.breaks[0].cause, found.breaks[0].money_moves), (Cause::DepositSplit, false));
    assert_eq!(found.breaks[0].evidence.len(), 3);
    let nameless = vec![credit(2, None, 300), credit(3, None, 200)];
    let found = run(&Day { deposits: vec![deposit(1, "77", 500)], credits: nameless, ..Day::default() });
    assert_eq!((found.breaks[0].cause, found.breaks[0].rule), (Cause::DepositSplit, Some(Rule::DepositSum)));
}

#[test]
fn a_sum_is_not_guessed() {
    // Two slips of their own are two deposits, and a choice between two pairs is no proof.
    let named = vec![credit(2, Some("1"), 300), credit(3, Some("2"), 200)];
    let unknown = [Cause::DepositUnknown; 4];
    assert_eq!(causes(vec![deposit(9, "77", 500)], named), [&unknown[..2], &[Cause::DepositMissing]].concat());
    let choice = vec![credit(2, None, 300), credit(3, None, 200), credit(4, None, 400), credit(5, None, 100)];
    assert_eq!(causes(vec![deposit(9, "77", 500)], choice), [&unknown[..], &[Cause::DepositMissing]].concat());
}

#[test]
fn two_equal_halves_are_a_split_too() {
    let halves = vec![credit(2, None, 250), credit(3, None, 250)];
    assert_eq!(causes(vec![deposit(1, "77", 500)], halves), [Cause::DepositSplit]);
    let gathered = vec![deposit(1, "77", 250), deposit(2, "78", 250)];
    assert_eq!(causes(gathered, vec![credit(2, None, 500)]), [Cause::DepositSplit]);
}

#[test]
fn short_and_late_is_one_break() {
    let mut late = credit(2, Some("77"), 450);
    late.booked_on = today().next().next();
    let found = run(&Day { deposits: vec![deposit(1, "77", 500)], credits: vec![late], ..Day::default() });
    assert_eq!((found.breaks[0].cause, &found.breaks[0].also[..]), (Cause::DepositShort, &[Cause::DepositLate][..]));
    assert_eq!(found.breaks[0].amount_at_stake, Money::from_pesos(50));
}

#[test]
fn what_is_not_due_yet_is_not_missing() {
    let mut on_its_way = deposit(1, "77", 500);
    on_its_way.due_on = BusinessDate::from_number(20_261_128).unwrap();
    let found = run(&Day { deposits: vec![on_its_way], ..Day::default() });
    assert!(found.is_clean());
    assert_eq!((found.totals.pending.count, found.totals.pending.amount), (1, Money::from_pesos(500)));
}
