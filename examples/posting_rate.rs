//! How fast the writer alone posts: payments a second, without the edge.
//!
//! `cargo run --release --example posting_rate -- sqlite:/tmp/rate.db [PAYMENTS] [ACCOUNTS]`
#![allow(clippy::print_stdout, clippy::unwrap_used, reason = "a measurement, run by hand")]

use std::sync::Arc;
use std::time::Instant;

use recaudo::clock::{Clock, SystemClock};
use recaudo::config::Config;
use recaudo::domain::account::Account;
use recaudo::domain::command::{Caller, Command, PartyKind, Pay, Request};
use recaudo::domain::decide::Outcome;
use recaudo::domain::fact::{KeyedRequest, PaymentKind, Tender};
use recaudo::domain::ids::{AccountNumber, CollectionPointId, PartyId};
use recaudo::domain::money::Money;
use recaudo::domain::position::Snapshot;
use recaudo::domain::rejection::Rejection;
use recaudo::posting::Posting;
use recaudo::store::{CollectionPoint, Connection, Party, SnapshotKind, SnapshotRecord, SnapshotStatus, Store};

const PARTNERS: usize = 3;
const POINTS: usize = 8;
const TILLS: usize = 4;
const CHUNK: usize = 1000;

fn main() {
    let mut arguments = std::env::args().skip(1);
    let url = arguments.next().expect("a database URL");
    let mut number = |default: usize| arguments.next().map_or(default, |text| text.parse().unwrap());
    let (payments, accounts) = (number(100_000), number(50_000));
    let mut config = Config::load(None).unwrap();
    config.database.url = url.into();
    let store = Store::new(&config.database).unwrap();
    store.migrate().unwrap();
    let clock: Arc<dyn Clock> = Arc::new(SystemClock);
    prepare(&mut store.connect().unwrap(), accounts, clock.as_ref());

    let policy = Arc::new(config.counter.clone());
    let (posting, writer) = Posting::start(&store, policy, Arc::clone(&clock), &config.posting).unwrap();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    for clients in [1, 64, 512] {
        let share = if clients == 1 { 500 } else { payments };
        let begun = Instant::now();
        runtime.block_on(async {
            let tasks: Vec<_> = (0..clients)
                .map(|client| {
                    let (posting, clock) = (posting.clone(), Arc::clone(&clock));
                    tokio::spawn(async move {
                        for turn in 0..share / clients {
                            let request = payment(client * 7919 + turn * 104_729, accounts, clock.as_ref());
                            match posting.submit(request).await.unwrap() {
                                // The same amount on the same account by chance: decided, and not written.
                                Outcome::Done(_) | Outcome::Rejected(Rejection::PossibleDuplicate { .. }) => {}
                                other => panic!("{other:?}"),
                            }
                        }
                    })
                })
                .collect();
            for task in tasks {
                task.await.unwrap();
            }
        });
        let rate = (share / clients * clients) as u128 * 1_000_000 / begun.elapsed().as_micros();
        println!("{clients} clients: {rate} payments/s");
    }
    writer.stop();
}

fn name(ordinal: usize) -> String {
    format!("{:09}", 100_000_000 + ordinal)
}

fn payment(seed: usize, accounts: usize, clock: &dyn Clock) -> Request {
    let (partner, point, till) = (seed % PARTNERS, seed / 3 % POINTS, seed / 31 % TILLS);
    let id = clock.id();
    let caller = Caller {
        party: PartyId::new(format!("partner-{partner}")),
        kind: PartyKind::Partner,
        collection_point: Some(CollectionPointId::new(format!("partner-{partner}-{point:02}"))),
    };
    let pay = Pay {
        account_number: AccountNumber::new(name(seed % accounts)),
        kind: PaymentKind::Partial,
        // Seldom the same, so that nobody is asked whether it is.
        amount: Money::from_pesos(1000 + i64::try_from(id.bits() >> 8 & 0xffff).unwrap()),
        agreement_id: None,
        tender: Tender::Cash,
        till: format!("C{till}"),
        cashier: "ana".to_owned(),
        collected_at: None,
        partner_reference: None,
        confirm_distinct_from: None,
        if_position: None,
        offline: false,
    };
    let keyed = KeyedRequest { key: id.to_string().as_str().into(), hash: "0".repeat(64) };
    Request { id, caller, request: Some(keyed), command: Command::Pay(pay) }
}

fn prepare(connection: &mut Connection, accounts: usize, clock: &dyn Clock) {
    let now = clock.now();
    let id = clock.id().to_string();
    connection
        .transaction(|connection| {
            for partner in 0..PARTNERS {
                let party = PartyId::new(format!("partner-{partner}"));
                connection.register_party(&Party {
                    id: party.clone(),
                    kind: PartyKind::Partner,
                    name: "Aliado".to_owned(),
                    settings: Default::default(),
                    registered_at: now,
                    suspended_at: None,
                })?;
                for point in 0..POINTS {
                    connection.register_collection_point(&CollectionPoint {
                        id: CollectionPointId::new(format!("partner-{partner}-{point:02}")),
                        party: party.clone(),
                        settings: Default::default(),
                        registered_at: now,
                        suspended_at: None,
                    })?;
                }
            }
            connection.begin_snapshot(&SnapshotRecord {
                snapshot: Snapshot { id: id.clone(), as_of: now, included_through: Default::default() },
                kind: SnapshotKind::Full,
                file_hash: id.clone(),
                status: SnapshotStatus::Loading,
                accounts_read: 0,
                accounts_rejected: 0,
                started_at: now,
                finished_at: None,
            })
        })
        .unwrap();
    let snapshot = Snapshot { id, as_of: now, included_through: Default::default() };
    let begun = Instant::now();
    for first in (0..accounts).step_by(CHUNK) {
        let chunk: Vec<Account> = (first..accounts.min(first + CHUNK)).map(account).collect();
        connection.transaction(|connection| connection.replace_accounts(&snapshot, &chunk)).unwrap();
    }
    println!("{accounts} accounts in {:?}", begun.elapsed());
}

fn account(ordinal: usize) -> Account {
    let line = format!(
        r#"{{"account_number":"{}","holder_name":"MARIA GOMEZ PEREZ","municipality_code":"54001","stratum":2,
            "status":"active","service":{{"status":"active"}},"bills":[
            {{"bill_number":"F1{ordinal}","period":"2026-09","issued_on":"2026-09-05","due_on":"2026-09-20","balance":"90000000.00","disputed":"0.00"}},
            {{"bill_number":"F2{ordinal}","period":"2026-10","issued_on":"2026-10-05","due_on":"2026-10-20","balance":"90000000.00","disputed":"0.00"}}]}}"#,
        name(ordinal)
    );
    serde_json::from_str(&line).unwrap()
}
