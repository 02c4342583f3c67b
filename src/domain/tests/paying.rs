//! Properties of one payment, whatever the account.

use proptest::prelude::*;

use super::generators::*;
use super::worlds::*;
use crate::domain::account::Account;
use crate::domain::command::{Command, Pay};
use crate::domain::decide::Outcome;
use crate::domain::fact::*;
use crate::domain::money::Money;
use crate::domain::payment::{PaymentOption, options};
use crate::domain::position::Figures;
use crate::domain::reconnection::{assess, open_order};
use crate::domain::rejection::Rejection;

/// The figures without the version, which changes whenever anything happens.
pub fn sums(figures: &Figures) -> Figures {
    Figures { position_version: String::new(), ..figures.clone() }
}

/// An account of that number with the same debts.
fn twin(account: &Account, number: &str) -> Account {
    Account { account_number: number.into(), ..account.clone() }
}

fn bounds(option: &PaymentOption, least: Money, step: Money) -> (Vec<Pay>, Vec<Pay>) {
    let with = |kind, agreement: &Option<String>, amounts: Vec<Money>| {
        let pays = amounts
            .into_iter()
            .map(move |amount| Pay { agreement_id: agreement.clone(), ..pay(kind, amount.centavos()) });
        pays.collect::<Vec<Pay>>()
    };
    match option {
        PaymentOption::Full { amount } => (
            with(PaymentKind::Full, &None, vec![*amount]),
            with(PaymentKind::Full, &None, vec![*amount - step, *amount + step]),
        ),
        PaymentOption::Partial { min, max, step } => (
            with(PaymentKind::Partial, &None, vec![*min, *max]),
            with(PaymentKind::Partial, &None, vec![*min - *step, *max + *step, *min + Money::from_centavos(1)]),
        ),
        PaymentOption::Installment { agreement_id, amounts, any_amount, .. } => {
            let id = Some(agreement_id.clone());
            let all = amounts[amounts.len() - 1];
            let smallest = if *any_amount { least.min(amounts[0]) } else { amounts[0] };
            let mut good = amounts.clone();
            good.push(smallest);
            (
                with(PaymentKind::Installment, &id, good),
                with(PaymentKind::Installment, &id, vec![smallest - step, all + step]),
            )
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(256))]

    #[test]
    fn a_payment_is_placed_to_the_centavo_and_nothing_goes_below_zero(account in any_account(), option in 0..9usize, share: u8) {
        let mut bench = Bench::with(vec![account]);
        let before = bench.position();
        let Some(pay) = offered(&bench, option, share) else { return Ok(()) };
        let (fact, _) = bench.pays(pay);
        let payment = fact.payment().unwrap();
        prop_assert_eq!(payment.allocations.iter().map(|part| part.amount).sum::<Money>(), fact.amount);
        prop_assert!(payment.allocations.iter().all(|part| part.amount.is_positive()));
        let after = bench.position();
        prop_assert_eq!(&payment.position_after, &after.figures);
        prop_assert!(after.bills.iter().all(|bill| bill.balance.is_positive() && bill.disputed <= bill.balance));
        prop_assert!(after.agreements.iter().all(|a| a.installments.iter().all(|part| part.balance.is_positive())));
        prop_assert_eq!(after.figures.credit, Money::ZERO);
        let owed = |p: &crate::domain::position::Position| {
            let parts = p.agreements.iter().flat_map(|a| &a.installments).map(|part| part.balance);
            p.bills.iter().map(|bill| bill.balance).chain(parts).sum::<Money>()
        };
        prop_assert_eq!(owed(&before) - owed(&after), fact.amount);
    }

    #[test]
    fn a_full_payment_leaves_nothing_to_be_paid_now(account in any_account()) {
        let mut bench = Bench::with(vec![account]);
        let payable = bench.position().figures.payable_now;
        if payable.is_positive() {
            bench.pays(pay(PaymentKind::Full, payable.centavos()));
            prop_assert_eq!(bench.position().figures.payable_now, Money::ZERO);
            let again = bench.refused(&cashier("a-01"), Command::Pay(pay(PaymentKind::Partial, 100_000)));
            prop_assert_eq!(again, Rejection::NothingDue);
        }
    }

    #[test]
    fn what_is_offered_is_taken_at_its_bounds_and_refused_beyond(account in any_account(), partial_step in 1..5i64) {
        let mut bench = Bench::with(vec![account]);
        bench.policy(|policy| policy.partial_step = pesos(partial_step * 50));
        let (least, step) = (bench.world.policy.partial_minimum, bench.world.policy.cash_step);
        for option in options(&bench.world.policy, bench.state(), &bench.position()) {
            let (good, bad) = bounds(&option, least, step);
            for pay in good {
                let outcome = bench.clone().ask(&cashier("a-01"), None, Command::Pay(pay.clone()));
                prop_assert!(matches!(outcome, Outcome::Done(_)), "{:?} {:?} {:?}", option, pay, outcome);
            }
            for pay in bad {
                let outcome = bench.clone().ask(&cashier("a-01"), None, Command::Pay(pay.clone()));
                prop_assert!(matches!(outcome, Outcome::Rejected(_)), "{:?} {:?} {:?}", option, pay, outcome);
            }
        }
    }

    #[test]
    fn a_payment_and_its_reversal_leave_everything_as_it_was(account in any_account(), option in 0..9usize, share: u8, card: bool) {
        let mut bench = Bench::with(vec![account]);
        bench.partner("a", |settings| settings.exposure_limit = Some(pesos(900_000)));
        bench.partner("a", |settings| settings.explicit_sessions = true);
        let open = crate::domain::command::Open { till: "C1".to_owned(), cashier: "ana".to_owned(), base: pesos(1) };
        let opened = bench.done(&cashier("a-01"), Command::Open(open));
        let (before, cash) = (bench.position(), bench.world.exposure.clone());
        let Some(mut pay) = offered(&bench, option, share) else { return Ok(()) };
        pay.tender = if card { Tender::DebitCard } else { Tender::Cash };
        let Outcome::Done(paid) = bench.ask(&cashier("a-01"), None, Command::Pay(pay)) else { return Ok(()) };
        let operator = party(crate::domain::command::PartyKind::Operator);
        let back = bench.done(&operator, reverse(paid[0].id));
        let after = bench.position();
        prop_assert_eq!(sums(&after.figures), sums(&before.figures));
        prop_assert_eq!((after.bills, after.agreements, after.paid_on_bills), (before.bills, before.agreements, before.paid_on_bills));
        let (was, is) = (opened[0].session().unwrap(), back[0].session().unwrap());
        prop_assert_eq!((is.total, is.cash, is.count), (was.total, was.cash, was.count + 2));
        for (scope, used) in &bench.world.exposure {
            prop_assert_eq!(*used, cash.get(scope).copied().unwrap_or_default());
        }
        let Body::Reversal(reversal) = &back[0].body else { panic!() };
        prop_assert_eq!(&reversal.position_after, &after.figures);
        prop_assert_eq!(reversal.exposure.used, bench.world.exposure("party/a"));
        // Where the cause was clear before, the order stands on its own feet.
        let assessment = assess(bench.state(), &bench.position(), bench.world.policy.cash_step);
        prop_assert!(open_order(bench.state()).is_none() || assessment.amount_to_reconnect.is_zero());
    }

    #[test]
    fn two_accounts_do_not_care_who_comes_first(one in any_account(), other in any_account(), option in 0..9usize, share: u8) {
        let accounts = vec![one, twin(&other, "100002")];
        let on_second = {
            let alone = Bench::with(vec![other]);
            offered(&alone, option, share).map(|pay| Pay { account_number: "100002".into(), ..pay })
        };
        let start = Bench::with(accounts);
        let (Some(first), Some(second)) = (offered(&start, option, share), on_second) else { return Ok(()) };
        let run = |pays: [&Pay; 2]| {
            let mut bench = start.clone();
            for pay in pays {
                bench.done(&cashier("a-01"), Command::Pay(pay.clone()));
            }
            let today = day("2026-11-24");
            let of = |number: &str| crate::domain::position::position(&bench.world.accounts[&number.into()], today, pesos(1));
            let till = bench.world.tills.values().next().unwrap().session.clone().unwrap();
            (of("100001"), of("100002"), till.total, till.cash, bench.world.exposure.clone())
        };
        prop_assert_eq!(run([&first, &second]), run([&second, &first]));
    }

    #[test]
    fn a_repeated_request_changes_nothing_and_a_key_serves_once(account in any_account(), option in 0..9usize, share: u8) {
        let mut bench = Bench::with(vec![account]);
        let Some(pay) = offered(&bench, option, share) else { return Ok(()) };
        let ask = |bench: &mut Bench, pay: &Pay| bench.ask(&cashier("a-01"), Some("k"), Command::Pay(pay.clone()));
        let Outcome::Done(facts) = ask(&mut bench, &pay) else { panic!() };
        let before = (bench.position(), bench.world.exposure.clone(), bench.state().last_seq, bench.world.facts.len());
        bench.pass(3 * 24 * 60);
        let Outcome::Replayed(again) = ask(&mut bench, &pay) else { panic!() };
        prop_assert_eq!(&*again, &*facts[0]);
        let other = Pay { cashier: "luz".to_owned(), ..pay.clone() };
        prop_assert!(matches!(ask(&mut bench, &other), Outcome::Rejected(Rejection::IdempotencyKeyReused)));
        bench.pass(-3 * 24 * 60);
        let after = (bench.position(), bench.world.exposure.clone(), bench.state().last_seq, bench.world.facts.len());
        prop_assert_eq!(before, after);
        // Another party's key of the same name is another key.
        let b = bench.ask(&cashier("b-01"), Some("k"), Command::Pay(pay));
        prop_assert!(!matches!(b, Outcome::Replayed(_) | Outcome::Rejected(Rejection::IdempotencyKeyReused)));
    }
}
