//! A seeded day at the counters in which every difference is known, because it was planted.

use std::collections::BTreeMap;

use crate::domain::calendar::{BusinessDate, Timestamp};
use crate::domain::ids::{AccountNumber, CollectionPointId, Id, IdempotencyKey, PartyId};
use crate::domain::money::Money;
use crate::reconciliation::breaks::Cause;
use crate::reconciliation::matcher::{Inputs, Tolerance, reconcile};
use crate::reconciliation::record::{BankRow, LedgerDeposit, LedgerPayment, LedgerReversal, PartnerRow};
use crate::reconciliation::result::Reconciliation;

/// SplitMix64: enough chance for tests, the same on every machine.
pub(in crate::reconciliation) struct Chance(pub(in crate::reconciliation) u64);

impl Chance {
    pub(in crate::reconciliation) fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    pub(in crate::reconciliation) fn below(&mut self, bound: u64) -> u64 {
        self.next() % bound
    }

    pub(in crate::reconciliation) fn number(&mut self, bound: i64) -> i64 {
        (self.next() % bound.unsigned_abs()).cast_signed()
    }

    pub(in crate::reconciliation) fn shuffle<T>(&mut self, items: &mut [T]) {
        for end in (1..items.len()).rev() {
            let other = usize::try_from(self.below(end as u64 + 1)).unwrap();
            items.swap(end, other);
        }
    }
}

/// The name by which a planted difference is found again in a break's evidence.
pub(super) type Name = String;

#[derive(Clone, Default)]
pub(super) struct Day {
    pub(super) payments: Vec<LedgerPayment>,
    pub(super) rows: Vec<PartnerRow>,
    pub(super) deposits: Vec<LedgerDeposit>,
    pub(super) credits: Vec<BankRow>,
    pub(super) planted: BTreeMap<Name, Cause>,
}

pub(super) fn today() -> BusinessDate {
    BusinessDate::from_number(20_261_124).unwrap()
}

pub(super) fn party() -> PartyId {
    PartyId::from("coompecens")
}

pub(super) fn run(day: &Day) -> Reconciliation {
    let party = party();
    let inputs = Inputs {
        party: &party,
        from: today(),
        to: today(),
        as_of: BusinessDate::from_number(20_261_128).unwrap(),
        payments: &day.payments,
        partner_rows: Some(&day.rows),
        deposits: &day.deposits,
        bank_rows: Some(&day.credits),
    };
    reconcile(&inputs, &Tolerance::default())
}

/// A payment at a minute of the local day.
pub(in crate::reconciliation) fn payment(number: u64, account: u64, pesos: i64, minute: i64) -> LedgerPayment {
    let midnight = Timestamp::parse("2026-11-24T05:00:00Z").unwrap();
    LedgerPayment {
        payment_id: Id::from_bits(u128::from(number) << 64 | 0x7ac0),
        receipt_number: format!("R{:09}", number * 37),
        idempotency_key: IdempotencyKey::new(format!("key-{number}")),
        partner_reference: Some(format!("REF{:08}", number * 53)),
        account_number: AccountNumber::new(format!("{account:09}")),
        amount: Money::from_pesos(pesos),
        business_date: today(),
        recorded_at: midnight.plus_minutes(minute),
        collection_point: CollectionPointId::new(format!("coompecens-{:02}", number % 7 + 1)),
        till: format!("{}", number % 3 + 1),
        reversed: None,
        offline_credit: false,
    }
}

/// The partner's row for a payment, carrying the keys that `style` allows: 0 all, 1 receipt, 2 own reference, 3 none.
pub(super) fn row(of: &LedgerPayment, line: u64, style: u64) -> PartnerRow {
    PartnerRow {
        line,
        payment_id: (style == 0).then(|| of.payment_id.with_prefix("pay")),
        receipt_number: (style <= 1).then(|| of.receipt_number.clone()),
        partner_reference: if style == 0 || style == 2 { of.partner_reference.clone() } else { None },
        account_number: of.account_number.clone(),
        amount: of.amount,
        date: Some(of.business_date),
        at: (!line.is_multiple_of(5)).then(|| of.recorded_at.plus_minutes(1)),
        collection_point: (line.is_multiple_of(2)).then(|| of.collection_point.clone()),
        reversed: of.reversed.is_some(),
    }
}

pub(in crate::reconciliation) fn reversal() -> Option<LedgerReversal> {
    let reversed_at = Timestamp::parse("2026-11-24T22:00:00Z").unwrap();
    Some(LedgerReversal { reversal_id: Id::from_bits(9), reversed_at })
}

/// A day of `total` payments with `each` differences of every cause.
pub(super) fn day(seed: u64, total: u64, each: u64) -> Day {
    let mut chance = Chance(seed);
    let mut day = Day::default();
    let causes: Vec<Cause> = Cause::ALL.iter().copied().filter(|cause| *cause < Cause::DepositShort).collect();
    for number in 1..=total {
        let pesos = (chance.number(4_000) + 20) * 50;
        let account = 100_000 + chance.below(total * 4);
        let one = payment(number, account, pesos, 420 + chance.number(720));
        let cause = usize::try_from(number / 3).ok().filter(|_| number.is_multiple_of(3)).map(|n| n % causes.len());
        let cause = cause.map(|n| causes[n]).filter(|_| number / 3 <= each * causes.len() as u64);
        match cause {
            Some(cause) => plant(&mut day, &mut chance, one, cause),
            None => agree(&mut day, &mut chance, one),
        }
    }
    deposits(&mut day, &mut chance, each);
    chance.shuffle(&mut day.payments);
    chance.shuffle(&mut day.rows);
    chance.shuffle(&mut day.deposits);
    chance.shuffle(&mut day.credits);
    day
}

fn line(day: &Day) -> u64 {
    day.rows.len() as u64 + 2
}

/// What is no difference, however much it may look like one.
fn agree(day: &mut Day, chance: &mut Chance, mut one: LedgerPayment) {
    let style = chance.below(4);
    match chance.below(40) {
        0 => {
            // A second equal partial payment, known to both.
            let number = 10_000_000 + day.payments.len() as u64;
            let mut second = payment(number, 1, 1, 0);
            second.account_number = one.account_number.clone();
            second.amount = one.amount;
            second.recorded_at = one.recorded_at.plus_minutes(chance.number(200));
            day.rows.push(row(&second, line(day), style));
            day.payments.push(second);
        }
        1 => one.reversed = reversal(),
        2 => {
            // Taken back here; the partner leaves such payments out of its file.
            one.reversed = reversal();
            day.payments.push(one);
            return;
        }
        _ => {}
    }
    day.rows.push(row(&one, line(day), style));
    day.payments.push(one);
}

fn plant(day: &mut Day, chance: &mut Chance, mut one: LedgerPayment, cause: Cause) {
    let style = chance.below(4);
    let mut other = row(&one, line(day), style);
    let mut name = one.receipt_number.clone();
    match cause {
        Cause::OnlyHere => {
            day.payments.push(one);
            day.planted.insert(name, cause);
            return;
        }
        Cause::OnlyThere => {
            day.planted.insert(format!("line {}", other.line), cause);
            day.rows.push(other);
            return;
        }
        Cause::AmountDiffers => other.amount += Money::from_pesos(50 + chance.number(100) * 50),
        Cause::DuplicateHere => {
            let number = 20_000_000 + day.payments.len() as u64;
            let mut twin = payment(number, 1, 1, 0);
            twin.account_number = one.account_number.clone();
            twin.amount = one.amount;
            twin.recorded_at = one.recorded_at.plus_minutes(3);
            day.planted.insert(twin.receipt_number.clone(), cause);
            day.payments.push(twin);
        }
        Cause::DuplicateThere => {
            let mut twin = other.clone();
            twin.line += 1;
            if style == 2 {
                twin.partner_reference = Some(format!("X{}", twin.line));
            }
            name = format!("line {}", other.line);
            day.planted.insert(format!("line {}", twin.line), cause);
            day.rows.push(twin);
        }
        Cause::WrongAccount => other.account_number = slip(chance, &one.account_number, style),
        Cause::WrongBusinessDate => other.date = Some(one.business_date.next()),
        Cause::ReversedHere => one.reversed = reversal(),
        _ => other.reversed = true,
    }
    day.planted.insert(name, cause);
    day.rows.push(other);
    day.payments.push(one);
}

/// Another account: any where a key still tells the payment, one slip of the finger where none does.
fn slip(chance: &mut Chance, account: &AccountNumber, style: u64) -> AccountNumber {
    let mut digits = account.as_str().as_bytes().to_vec();
    let place = 3 + usize::try_from(chance.below(5)).unwrap();
    if style < 3 && chance.below(2) == 0 {
        return AccountNumber::new(format!("9{:08}", chance.below(100_000_000)));
    }
    if digits[place] != digits[place + 1] && chance.below(2) == 0 {
        digits.swap(place, place + 1);
    } else {
        digits[place] = b'0' + (digits[place] - b'0' + 1 + u8::try_from(chance.below(9)).unwrap()) % 10;
    }
    AccountNumber::new(String::from_utf8(digits).unwrap())
}

fn deposits(day: &mut Day, chance: &mut Chance, each: u64) {
    let causes: Vec<Cause> = Cause::ALL.iter().copied().filter(|cause| *cause >= Cause::DepositShort).collect();
    let mut used = std::collections::BTreeSet::new();
    for number in 0..each * causes.len() as u64 * 2 {
        let mut amount = Money::from_pesos(1_000_000 + chance.number(90_000_000) * 50 / 50);
        while !used.insert(amount) {
            amount += Money::from_pesos(1);
        }
        let slip = format!("{:010}", 7_000_000 + number * 131);
        let one = LedgerDeposit {
            deposit_id: Id::from_bits(u128::from(number) << 32 | 0xd0),
            slip_number: slip.clone(),
            amount,
            declared_on: today(),
            due_on: today().next(),
            collection_point: CollectionPointId::new(format!("coompecens-{:02}", number % 7 + 1)),
        };
        let mut credit = BankRow {
            line: day.credits.len() as u64 + 2,
            slip_number: (!number.is_multiple_of(4)).then(|| slip.trim_start_matches('0').to_owned()),
            reference: number.is_multiple_of(8).then(|| slip.clone()),
            amount,
            booked_on: today().next(),
        };
        let cause = (number.is_multiple_of(2)).then(|| causes[usize::try_from(number / 2).unwrap() % causes.len()]);
        let named = credit.slip_number.get_or_insert_with(|| slip.clone()).clone();
        match cause {
            Some(Cause::DepositShort) => credit.amount -= Money::from_pesos(1_000 + chance.number(50_000)),
            Some(Cause::DepositOver) => credit.amount += Money::from_pesos(1_000 + chance.number(50_000)),
            Some(Cause::DepositLate) => credit.booked_on = today().next().next().next(),
            Some(Cause::DepositSplit) => {
                let part = Money::from_pesos(chance.number(900_000) + 1_000);
                credit.amount -= part;
                let mut second = BankRow { line: credit.line + 1, amount: part, ..credit.clone() };
                if number.is_multiple_of(3) {
                    (credit.slip_number, second.slip_number) = (None, None);
                    (credit.reference, second.reference) = (None, None);
                }
                day.credits.push(second);
            }
            Some(Cause::DepositUnknown) => {
                day.planted.insert(format!("bank {}", credit.line), Cause::DepositUnknown);
                day.credits.push(credit);
                continue;
            }
            Some(Cause::DepositMissing) => {
                day.planted.insert(slip, Cause::DepositMissing);
                day.deposits.push(one);
                continue;
            }
            // Without a slip, amount and day have to do.
            _ if number.is_multiple_of(5) => credit.slip_number = None,
            _ => credit.slip_number = Some(named),
        }
        if let Some(cause) = cause {
            day.planted.insert(slip, cause);
        }
        day.credits.push(credit);
        day.deposits.push(one);
    }
}
