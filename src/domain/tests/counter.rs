//! Properties of whole days at the counters, checked against the facts by other means than the rules'.

use std::collections::{BTreeMap, HashMap, HashSet};

use proptest::prelude::*;
use sha2::{Digest, Sha256};

use super::generators::*;
use super::worlds::*;
use crate::domain::account::Account;
use crate::domain::decide::Outcome;
use crate::domain::fact::*;
use crate::domain::ids::Id;
use crate::domain::money::Money;
use crate::domain::receipt_number::holds;

fn bench_of(account: Account) -> Bench {
    let mut bench = Bench::with(vec![account]);
    bench.policy(|policy| policy.overpayment = crate::domain::policy::Overpayment::Refuse);
    bench.partner("a", |settings| settings.provisional_deposit_percent = 40);
    bench.partner("b", |settings| settings.offline_credit = true);
    bench.partner("b", |settings| settings.exposure_limit = Some(pesos(400_000)));
    for point in ["a-01", "b-01"] {
        bench.point(point, |settings| settings.offline_floor_limit = Some(pesos(50_000)));
    }
    bench
}

/// Everything that moved at the tills, in the order of their series.
fn by_till(bench: &Bench) -> BTreeMap<String, Vec<&Fact>> {
    let mut tills: BTreeMap<String, Vec<&Fact>> = BTreeMap::new();
    for fact in bench.facts.iter().filter(|fact| fact.till().is_some()) {
        tills.entry(fact.series.as_ref().unwrap().of.clone()).or_default().push(fact);
    }
    for facts in tills.values_mut() {
        facts.sort_by_key(|fact| fact.series.as_ref().unwrap().seq);
    }
    tills
}

fn open_orders(bench: &Bench) -> usize {
    let ordered = bench.facts.iter().filter(|fact| fact.body.kind() == "reconnection_order").count();
    let ended = bench.facts.iter().filter(|fact| match &fact.body {
        Body::ReconnectionMove(step) => {
            matches!(step.status, OrderStatus::Completed | OrderStatus::Failed | OrderStatus::Cancelled)
        }
        _ => false,
    });
    ordered - ended.count()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(192))]

    #[test]
    fn every_history_is_numbered_without_gap_and_every_name_is_used_once(account in any_account(), acts in any_days()) {
        let mut bench = bench_of(account);
        for act in &acts {
            bench.act(act);
            prop_assert!(open_orders(&bench) <= 1, "after {:?}", act);
        }
        let mut places: HashMap<String, Vec<i64>> = HashMap::new();
        for fact in &bench.facts {
            let account = fact.account.as_ref().map(|place| (place.of.to_string(), place.seq));
            let series = fact.series.as_ref().map(|place| (place.of.clone(), place.seq));
            for (of, seq) in account.into_iter().chain(series) {
                places.entry(of).or_default().push(seq);
            }
        }
        for (of, mut seqs) in places {
            seqs.sort_unstable();
            prop_assert!(seqs.iter().copied().eq(1..=seqs.len() as i64), "{}: {:?}", of, seqs);
        }
        let ids: HashSet<Id> = bench.facts.iter().map(|fact| fact.id).collect();
        prop_assert_eq!(ids.len(), bench.facts.len());
        let ends: Vec<Id> = bench.facts.iter().filter_map(|fact| fact.ends).collect();
        prop_assert_eq!(ends.iter().collect::<HashSet<_>>().len(), ends.len());
        let receipts: Vec<&str> = bench.facts.iter().filter_map(|fact| Some(fact.payment()?.receipt_number.as_str())).collect();
        prop_assert_eq!(receipts.iter().collect::<HashSet<_>>().len(), receipts.len());
        prop_assert!(receipts.iter().all(|number| holds(number)));
    }

    #[test]
    fn a_session_is_the_sum_of_its_facts_and_its_chain_can_be_told_by_anyone(account in any_account(), acts in any_days()) {
        let mut bench = bench_of(account);
        for act in &acts {
            bench.act(act);
        }
        for facts in by_till(&bench).values() {
            let (mut count, mut total, mut cash, mut chain, mut open) = (0, 0, 0, "0".repeat(64), None);
            for fact in facts {
                let stamp = fact.session().unwrap();
                match &fact.body {
                    Body::SessionOpening(_) => {
                        prop_assert_eq!(open, None);
                        (count, total, cash, chain, open) = (0, 0, 0, "0".repeat(64), Some(stamp.id));
                    }
                    Body::SessionClose(close) => {
                        prop_assert_eq!(close.expected.centavos(), stamp.base.centavos() + cash);
                        open = None;
                    }
                    _ => {
                        let tender = match &fact.body {
                            Body::Payment(payment) => payment.tender,
                            Body::Reversal(reversal) => reversal.tender,
                            _ => panic!(),
                        };
                        let centavos = fact.amount.centavos();
                        count += 1;
                        total += centavos;
                        cash += if tender == Tender::Cash { centavos } else { 0 };
                        let prefix = if fact.payment().is_some() { "pay" } else { "rev" };
                        let sign = if centavos < 0 { "-" } else { "" };
                        let amount = format!("{sign}{}.{:02}", centavos.abs() / 100, centavos.abs() % 100);
                        let text = format!("{chain}\n{prefix}_{}\n100001\n{amount}\n{}\n{}\n", fact.id, fact.business_date, fact.recorded_at);
                        chain = Sha256::digest(text.as_bytes()).iter().map(|byte| format!("{byte:02x}")).collect();
                        prop_assert_eq!(open, Some(stamp.id));
                        prop_assert_eq!(fact.business_date, stamp.business_date);
                    }
                }
                let told = (stamp.count, stamp.total.centavos(), stamp.cash.centavos(), &stamp.chain);
                prop_assert_eq!(told, (count, total, cash, &chain));
            }
        }
    }

    #[test]
    fn exposure_is_what_was_taken_less_what_was_banked(account in any_account(), acts in any_days()) {
        let mut bench = bench_of(account);
        for act in &acts {
            bench.act(act);
        }
        let (mut held, mut month) = (HashMap::<String, i64>::new(), HashMap::<String, i64>::new());
        let mut verified = HashMap::<Id, i64>::new();
        for fact in &bench.facts {
            let (party, change) = match &fact.body {
                Body::Payment(payment) if payment.tender == Tender::Cash => (fact.party.to_string(), fact.amount.centavos()),
                Body::Reversal(reversal) if reversal.tender == Tender::Cash => (fact.party.to_string(), fact.amount.centavos()),
                Body::DepositVerification(part) => {
                    *verified.entry(part.deposit_id).or_default() += part.amount.centavos();
                    continue;
                }
                _ => continue,
            };
            *held.entry(party.clone()).or_default() += change;
            *month.entry(party).or_default() += change;
        }
        for fact in &bench.facts {
            if let Body::Deposit(deposit) = &fact.body {
                let (declared, banked) = (deposit.amount.centavos(), verified.get(&fact.id).copied().unwrap_or(0));
                prop_assert!(banked <= declared);
                // Its share of room, as far as it is not confirmed; rounding favours the utility by less than two centavos.
                let share = if fact.party.as_str() == "a" { (declared - banked) * 40 / 100 } else { 0 };
                *held.entry(fact.party.to_string()).or_default() -= banked;
                *held.entry(format!("rounding {}", fact.party)).or_default() += share;
            }
        }
        for party in ["a", "b"] {
            let expected = held.get(party).copied().unwrap_or(0) - held.get(&format!("rounding {party}")).copied().unwrap_or(0);
            let used = bench.world.exposure(&format!("party/{party}")).centavos();
            prop_assert!((used - expected).abs() <= 2 * acts.len() as i64, "{}: {} {}", party, used, expected);
            let taken: i64 = bench.world.exposure.iter().filter(|(scope, _)| scope.starts_with(&format!("month/{party}/"))).map(|(_, used)| used.centavos()).sum();
            prop_assert_eq!(taken, month.get(party).copied().unwrap_or(0));
            let of_points: Money = bench.world.exposure.iter().filter(|(scope, _)| scope.starts_with(&format!("point/{party}-"))).map(|(_, used)| *used).sum();
            prop_assert_eq!(of_points.centavos(), used);
        }
        let charged: Money = bench.facts.iter().flat_map(|fact| fact.charges()).map(|(_, change)| change).sum();
        prop_assert_eq!(charged, bench.world.exposure.values().copied().sum());
    }

    #[test]
    fn what_a_point_takes_offline_stays_in_sum_under_its_floor_limit(account in any_account(), acts in any_days()) {
        let mut bench = bench_of(account);
        for act in &acts {
            bench.act(act);
        }
        let mut taken = HashMap::<String, i64>::new();
        let mut offline = HashSet::new();
        for fact in &bench.facts {
            let counts = match &fact.body {
                Body::Payment(payment) => payment.offline && payment.tender == Tender::Cash && offline.insert(fact.id),
                Body::Reversal(reversal) => offline.contains(&reversal.payment_id),
                _ => false,
            };
            if counts {
                let point = fact.collection_point.as_ref().unwrap();
                let sum = taken.entry(format!("offline/{point}/{}", fact.business_date)).or_default();
                *sum += fact.amount.centavos();
                prop_assert!((0..=5_000_000).contains(sum), "{}: {}", point, sum);
            }
        }
        for (scope, sum) in taken {
            prop_assert_eq!(bench.world.exposure(&scope).centavos(), sum, "{}", scope);
        }
    }

    #[test]
    fn a_slip_is_declared_once(account in any_account(), acts in any_days()) {
        let mut bench = bench_of(account);
        for act in &acts {
            bench.act(act);
        }
        let slips = bench.facts.iter().filter_map(|fact| match &fact.body {
            Body::Deposit(deposit) => Some((fact.party.clone(), deposit.slip_number.clone(), deposit.deposited_on)),
            _ => None,
        });
        let slips: Vec<_> = slips.collect();
        prop_assert_eq!(slips.iter().collect::<HashSet<_>>().len(), slips.len());
    }

    #[test]
    fn a_sealed_date_gets_no_more_money_and_a_limit_holds(account in any_account(), acts in any_days()) {
        let mut bench = bench_of(account);
        let mut sealed = HashMap::new();
        for act in &acts {
            let before = bench.world.exposure("party/b");
            let Some(Outcome::Done(facts)) = bench.act(act) else { continue };
            for fact in &facts {
                match &fact.body {
                    Body::BatchSeal(seal) => {
                        if let Some(last) = sealed.insert(seal.partner.clone(), seal.through) {
                            prop_assert_eq!(seal.from, last.next());
                        }
                    }
                    Body::Payment(_) | Body::Reversal(_) => {
                        prop_assert!(sealed.get(&fact.party).is_none_or(|through| fact.business_date > *through));
                    }
                    _ => {}
                }
            }
            let used = bench.world.exposure("party/b");
            prop_assert!(used <= pesos(400_000) || used <= before);
        }
    }
}
