//! Payments: over the counter while a file comes in, and a day's worth straight through the writer.

use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use recaudo::clock::{Clock, SystemClock};
use recaudo::config::Config;
use recaudo::domain::command::{Caller, Command, PartyKind, Pay, Request};
use recaudo::domain::decide::Outcome;
use recaudo::domain::fact::{KeyedRequest, PaymentKind, Tender};
use recaudo::domain::money::Money;
use recaudo::files::asobancaria_2001::collection::{CollectionItem, CollectionReader};
use recaudo::posting::Posting;
use recaudo::store::Store;

use crate::billing::Billing;
use crate::gateway::{Prepared, Sample};
use crate::load::{Work, drive};

/// How many wait for the writer at once.
const AT_ONCE: usize = 512;

/// Sends a later file through the gateway and posts payments until it is in.
pub fn while_importing(prepared: &Prepared, database: &str, sample: &Sample, later: &Path) {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    let mut server = prepared.serve();
    runtime.block_on(async {
        let billing = Billing::of(prepared, &server.address).await;
        let place = billing.send(later).await;
        let started = Instant::now();
        let (mut done, mut refused, mut worst, mut next) = (0, 0, Duration::ZERO, 0);
        // In spells, because nobody knows beforehand how long it takes.
        let status = loop {
            let accounts = sample.payable[next..(next + 40_000).min(sample.payable.len())].to_vec();
            let outcome = drive(prepared, &server.address, Work::Posting(accounts), crate::CASHIERS, SPELL).await;
            next += outcome.done + outcome.refused;
            (done, refused, worst) = (done + outcome.done, refused + outcome.refused, worst.max(outcome.p99));
            let status = billing.status(&place).await;
            if !matches!(status.as_str(), "checking" | "loading") {
                break status;
            }
        };
        assert_eq!(status, "loaded");
        println!(
            "{database:<9} payments during an import of {:.0?} ({status}): {done} posted, {refused} refused (0), p99 of the worst {SPELL:?} {worst:.1?} (at most 200 ms)",
            started.elapsed()
        );
    });
    server.stop();
}

/// How long is posted before the import is asked after.
const SPELL: Duration = Duration::from_secs(3);

/// Posts payments of one partner straight through a writer.
pub fn post(prepared: &Prepared, sample: &Sample, payments: usize) -> Duration {
    let config = Config::load(Some(&prepared.configuration())).unwrap();
    let store = Store::new(&config.database).unwrap();
    let clock: Arc<dyn Clock> = Arc::new(SystemClock);
    let policy = Arc::new(config.counter.clone());
    let (posting, writer) = Posting::start(&store, policy, Arc::clone(&clock), &config.posting).unwrap();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let started = Instant::now();
    runtime.block_on(async {
        let tasks: Vec<_> = (0..AT_ONCE)
            .map(|client| {
                let (posting, clock) = (posting.clone(), Arc::clone(&clock));
                let accounts: Vec<(usize, String)> = (client..payments)
                    .step_by(AT_ONCE)
                    .map(|at| (at / sample.payable.len(), sample.payable[at % sample.payable.len()].clone()))
                    .collect();
                tokio::spawn(async move {
                    for (round, account) in accounts {
                        let outcome = posting.submit(payment(&account, round, client, clock.as_ref())).await.unwrap();
                        assert!(matches!(outcome, Outcome::Done(_)), "{outcome:?}");
                    }
                })
            })
            .collect();
        for task in tasks {
            task.await.unwrap();
        }
    });
    writer.stop();
    started.elapsed()
}

fn payment(account: &str, round: usize, client: usize, clock: &dyn Clock) -> Request {
    let id = clock.id();
    let pay = Pay {
        account_number: account.into(),
        kind: PaymentKind::Partial,
        // Never twice the same on one account, so that nobody is asked whether it is.
        amount: Money::from_pesos(1_100 + i64::try_from(round).unwrap() * 100),
        agreement_id: None,
        tender: Tender::Cash,
        till: format!("C{}", client % 64),
        cashier: "banco".to_owned(),
        collected_at: None,
        partner_reference: None,
        confirm_distinct_from: None,
        if_position: None,
        offline: false,
    };
    let keyed = KeyedRequest { key: id.to_string().as_str().into(), hash: "0".repeat(64) };
    let caller =
        Caller { party: "coompecens".into(), kind: PartyKind::Partner, collection_point: Some("coompecens-01".into()) };
    Request { id, caller, request: Some(keyed), command: Command::Pay(pay) }
}

/// How many payments a collection file has, and how much they come to.
pub fn read_back(file: &[u8]) -> (u64, Money) {
    let (mut count, mut total) = (0, Money::ZERO);
    for item in CollectionReader::new(file) {
        if let CollectionItem::Payment(payment) = item.unwrap().item {
            count += 1;
            total += payment.amount;
        }
    }
    (count, total)
}
