//! A billing feed that looks like the real thing and names nobody: for demonstrations and for load.
//!
//! The same seed gives the same bytes everywhere, and an account depends on the seed and its own
//! index only, so a load generator knows the account numbers without reading the feed.

use std::collections::BTreeMap;
use std::io::{self, BufWriter, Write};

use super::billing_feed::{SnapshotHeader, SnapshotKind};
use super::seeded::SplitMix64;
use crate::domain::account::{
    Account, AccountStatus, Agreement, AgreementStatus, Bill, Installment, Service, ServiceStatus, SuspensionCause,
};
use crate::domain::calendar::{BusinessDate, Timestamp};
use crate::domain::ids::AccountNumber;
use crate::domain::money::Money;

/// The municipalities of Norte de Santander (DANE, DIVIPOLA).
const MUNICIPALITIES: &str = include_str!("data/divipola_norte_de_santander.csv");
/// Where most people live: Cúcuta, then Ocaña, Villa del Rosario, Los Patios and Pamplona.
const LARGE: &[&str] = &["54001", "54001", "54001", "54001", "54498", "54874", "54405", "54518"];
/// Bogotá, in minutes from UTC.
const UTC_OFFSET_MINUTES: i16 = -300;
/// How many account numbers of nine digits there are.
const NUMBERS: u64 = 1_000_000_000;
/// A prime that is no divisor of [`NUMBERS`], so that multiples of it never meet.
const STRIDE: u64 = 387_420_497;

const GIVEN: &[&str] = &[
    "MARIA", "JOSE", "LUZ", "CARLOS", "ANA", "LUIS", "CARMEN", "JORGE", "ROSA", "PEDRO", "MARTHA", "JUAN", "GLORIA",
    "RAMON", "BLANCA", "NELSON", "YOLANDA", "ALVARO", "DORIS", "HENRY", "SANDRA", "WILMER", "BELÉN", "ÁNGEL",
];
const FAMILY: &[&str] = &[
    "GOMEZ",
    "PEREZ",
    "RODRIGUEZ",
    "CONTRERAS",
    "RAMIREZ",
    "SANCHEZ",
    "ROJAS",
    "MENDOZA",
    "CASTRO",
    "VILLAMIZAR",
    "QUINTERO",
    "SUAREZ",
    "CARRASCAL",
    "LEAL",
    "PABON",
    "RIVERA",
    "ORTEGA",
    "JAIMES",
    "PEÑARANDA",
    "BAYONA",
    "IBÁÑEZ",
];

/// Writes a full snapshot of so many accounts as JSON Lines.
///
/// # Errors
/// The stream fails.
pub fn sample(accounts: u64, seed: u64, as_of: Timestamp, out: impl Write) -> io::Result<()> {
    let mut out = BufWriter::with_capacity(256 * 1024, out);
    let today = as_of.date_at(UTC_OFFSET_MINUTES);
    let header = SnapshotHeader {
        id: format!("sample-{today}-{seed}"),
        kind: SnapshotKind::Full,
        as_of,
        collections_included_through: BTreeMap::new(),
        currency: "COP".to_owned(),
    };
    serde_json::to_writer(&mut out, &BTreeMap::from([("snapshot", header)]))?;
    out.write_all(b"\n")?;
    let municipalities = municipalities();
    for index in 0..accounts {
        serde_json::to_writer(&mut out, &sample_account(index, seed, today, &municipalities))?;
        out.write_all(b"\n")?;
    }
    out.flush()
}

/// The number of the sample's account at `index`, from zero: nine digits, each index another one.
#[must_use]
pub fn sample_account_number(index: u64, seed: u64) -> AccountNumber {
    let start = SplitMix64::new(seed).below(NUMBERS);
    let number = (u128::from(index) * u128::from(STRIDE) + u128::from(start)) % u128::from(NUMBERS);
    AccountNumber::new(format!("{number:09}"))
}

fn municipalities() -> Vec<&'static str> {
    MUNICIPALITIES.lines().skip(1).filter_map(|line| line.split(',').next()).collect()
}

fn sample_account(index: u64, seed: u64, today: BusinessDate, municipalities: &[&str]) -> Account {
    let mut random = SplitMix64::new(seed ^ index.wrapping_mul(0xd6e8_feb8_6659_fd93));
    let account_number = sample_account_number(index, seed);
    let supply = Supply::draw(&mut random);
    let bills = bills(&mut random, supply, &account_number, today);
    let agreements = agreements(&mut random, supply, index, today);
    let past_due: Money =
        bills.iter().filter(|bill| bill.due_on < today).map(|bill| bill.balance - bill.disputed).sum();
    let municipality = if random.chance(75) { *random.pick(LARGE) } else { *random.pick(municipalities) };
    let name = format!("{} {} {}", random.pick(GIVEN), random.pick(FAMILY), random.pick(FAMILY));
    Account {
        account_number,
        holder_name: name,
        municipality_code: municipality.to_owned(),
        stratum: random.chance(95).then(|| *random.pick(&[1, 1, 1, 2, 2, 2, 2, 3, 3, 4, 5, 6])),
        status: if supply == Supply::Closed { AccountStatus::Closed } else { AccountStatus::Active },
        service: service(&mut random, supply, past_due, today),
        bills,
        agreements,
    }
}

/// What an account's supply is like; it decides what the account may owe.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Supply {
    Active,
    Scheduled,
    Unpaid,
    Tampered,
    Closed,
}

impl Supply {
    fn draw(random: &mut SplitMix64) -> Self {
        match random.below(1000) {
            0..30 => Self::Unpaid,
            30..45 => Self::Scheduled,
            45..49 => Self::Tampered,
            49..57 => Self::Closed,
            _ => Self::Active,
        }
    }

    const fn owes_for_long(self) -> bool {
        matches!(self, Self::Unpaid | Self::Scheduled)
    }
}

fn service(random: &mut SplitMix64, supply: Supply, past_due: Money, today: BusinessDate) -> Service {
    let (status, cause) = match supply {
        Supply::Active | Supply::Closed => (ServiceStatus::Active, None),
        Supply::Scheduled => (ServiceStatus::SuspensionScheduled, Some(SuspensionCause::NonPayment)),
        Supply::Unpaid => (ServiceStatus::Suspended, Some(SuspensionCause::NonPayment)),
        Supply::Tampered => (ServiceStatus::Suspended, Some(SuspensionCause::Tampering)),
    };
    let unpaid = supply == Supply::Unpaid;
    Service {
        status,
        since: (status == ServiceStatus::Suspended).then(|| day(month(today) - 1, random.between(21, 28))),
        cause,
        amount_to_reconnect: (unpaid && random.chance(50)).then_some(past_due),
        reconnection_fee: unpaid.then_some(Money::ZERO),
        known_incident: None,
    }
}

fn bills(random: &mut SplitMix64, supply: Supply, account: &AccountNumber, today: BusinessDate) -> Vec<Bill> {
    let count = match random.below(100) {
        _ if supply.owes_for_long() => random.between(2, 4),
        0..30 => 0,
        30..85 => 1,
        85..95 => 2,
        _ => 3,
    };
    // A month's bill is issued on the 5th and due on the 20th.
    let newest = if today.number() % 100 >= 5 { month(today) } else { month(today) - 1 };
    let usual = random.between(2_000, 24_000);
    (0..i64::try_from(count).unwrap_or(0))
        .rev()
        .map(|back| {
            let issued = newest - back;
            let period = day(issued - 1, 1).month_number();
            let balance = pesos(usual * random.between(80, 120) / 100 * 10);
            let disputed = if random.chance(2) { pesos(random.between(1, usual / 2) * 10) } else { Money::ZERO };
            Bill {
                bill_number: format!("F{period}{account}"),
                period: format!("{:04}-{:02}", period / 100, period % 100),
                issued_on: day(issued, 5),
                due_on: day(issued, 20),
                balance,
                disputed,
            }
        })
        .collect()
}

fn agreements(random: &mut SplitMix64, supply: Supply, index: u64, today: BusinessDate) -> Vec<Agreement> {
    if !random.chance(if supply.owes_for_long() { 20 } else { 6 }) {
        return Vec::new();
    }
    let status = if random.chance(90) { AgreementStatus::InForce } else { AgreementStatus::Broken };
    let (first, left, each) = (random.between(1, 6), random.between(1, 12), random.between(15, 120));
    let installments = (first..first + left)
        .zip(0i64..)
        .map(|(number, ahead)| Installment {
            number: u32::try_from(number).unwrap_or(u32::MAX),
            due_on: day(month(today) + ahead, 28),
            balance: pesos(each * 1_000),
        })
        .collect();
    vec![Agreement {
        agreement_id: format!("CV-{index:06}"),
        status,
        any_amount: random.chance(30),
        clears_suspension: supply == Supply::Unpaid && random.chance(50),
        installments,
    }]
}

fn pesos(pesos: u64) -> Money {
    Money::from_pesos(i64::try_from(pesos).unwrap_or(0))
}

/// Months since year zero.
fn month(date: BusinessDate) -> i64 {
    let number = i64::from(date.month_number());
    number / 100 * 12 + number % 100 - 1
}

/// A day of a month; days up to the 28th exist in each.
fn day(month: i64, day: u64) -> BusinessDate {
    let number = (month.div_euclid(12) * 100 + month.rem_euclid(12) + 1) * 100 + i64::try_from(day).unwrap_or(1);
    let date = i32::try_from(number).ok().and_then(|number| BusinessDate::from_number(number).ok());
    date.unwrap_or_else(|| BusinessDate::from_date(time::Date::MIN))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::files::billing_feed::{FeedSettings, open};

    fn feed(accounts: u64, seed: u64) -> Vec<u8> {
        let mut out = Vec::new();
        sample(accounts, seed, Timestamp::parse("2026-11-24T08:00:00Z").unwrap(), &mut out).unwrap();
        out
    }

    #[test]
    fn the_sample_is_a_feed_without_a_fault_and_has_what_a_utility_has() {
        let bytes = feed(4_000, 7);
        let (header, rows) = open(bytes.as_slice(), None, &FeedSettings::default()).unwrap();
        assert_eq!(header.id, "sample-2026-11-24-7");
        let accounts: Vec<Account> = rows.map(|row| row.unwrap().account).collect();
        let share = |has: fn(&Account) -> bool| accounts.iter().filter(|account| has(account)).count();
        let between = |count: usize, low: usize, high: usize| assert!((low..=high).contains(&count), "{count}");
        assert_eq!(accounts.len(), 4_000);
        between(share(|a| !a.bills.is_empty()), 2_700, 3_000);
        between(share(|a| a.service.cause == Some(SuspensionCause::NonPayment)), 120, 250);
        between(share(|a| a.service.status == ServiceStatus::SuspensionScheduled), 30, 100);
        between(share(|a| a.service.cause == Some(SuspensionCause::Tampering)), 4, 40);
        between(share(|a| a.status == AccountStatus::Closed), 10, 70);
        between(share(|a| !a.agreements.is_empty()), 150, 400);
        between(share(|a| a.bills.iter().any(|bill| bill.disputed.is_positive())), 20, 150);
        let centavos = accounts.iter().flat_map(|a| &a.bills).map(|bill| bill.balance.centavos() % 100).sum::<i64>();
        assert_eq!(centavos, 0, "whole pesos");
        let numbers: std::collections::HashSet<_> = accounts.iter().map(|a| a.account_number.as_str()).collect();
        assert_eq!(numbers.len(), 4_000);
        assert_eq!(accounts[17].account_number, sample_account_number(17, 7));
    }

    #[test]
    fn a_seed_is_a_feed() {
        assert!(feed(50, 1) == feed(50, 1));
        assert!(feed(50, 1) != feed(50, 2));
        assert!(feed(60, 1).starts_with(&feed(50, 1)));
    }

    #[test]
    fn suspended_accounts_owe_something_past_due() {
        let bytes = feed(2_000, 3);
        let (_, rows) = open(bytes.as_slice(), None, &FeedSettings::default()).unwrap();
        let today = BusinessDate::parse("2026-11-24").unwrap();
        let unpaid: Vec<Account> =
            rows.map(|row| row.unwrap().account).filter(|a| a.service.status == ServiceStatus::Suspended).collect();
        assert!(unpaid.len() > 20);
        for account in unpaid.iter().filter(|a| a.service.cause == Some(SuspensionCause::NonPayment)) {
            assert!(account.bills.iter().any(|bill| bill.due_on < today), "{}", account.account_number);
        }
    }
}
