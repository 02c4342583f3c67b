//! Who may try a delivery, who has a say in it, and how many are under way.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use recaudo::clock::Clock;
use recaudo::config::Config;
use recaudo::domain::calendar::Timestamp;
use recaudo::domain::command::PartyKind;
use recaudo::domain::ids::Id;
use recaudo::store::{DeliveryStatus, EndedAttempt, Replay, WebhookDelivery};
use recaudo::webhooks::courier::{Bag, Returned, carry};
use recaudo::webhooks::round::{Parcel, Round, hand_back, round};
use recaudo::webhooks::settings;
use tokio::sync::Semaphore;

use crate::books::*;
use crate::desk::*;
use crate::receiver::{Act, Receiver};

on_both! {
    whoever_lost_a_lease_has_no_say
    the_first_acknowledgement_counts_and_a_replay_leaves_what_waits
    what_waited_longer_than_its_lease_is_not_tried
    endpoints_that_failed_together_part_again
    what_a_stopped_dispatcher_did_not_try_is_free_at_once
    no_more_is_under_way_than_there_are_places
    whoever_fails_once_is_given_no_more_than_there_are_places
    numbers_follow_the_order_in_which_things_happened
}

/// One round of a dispatcher of this name, with nothing ended and nothing under way.
fn order(owner: &str, now: Timestamp) -> Round {
    Round {
        ended: Vec::new(),
        released: Vec::new(),
        now,
        lease_until: now.plus_minutes(1),
        owner: owner.to_owned(),
        under_way: HashMap::new(),
        smooth: HashMap::new(),
        careful: 8,
        altogether: 512,
        fan_out: 512,
    }
}

async fn take(desk: &Desk, owner: &'static str) -> Vec<Parcel> {
    let now = desk.clock.now();
    desk.write(move |connection| round(connection, &order(owner, now))).await.parcels
}

fn ended(delivery: &WebhookDelivery, attempts_before: u32) -> EndedAttempt {
    EndedAttempt {
        endpoint: delivery.endpoint,
        seq: delivery.seq,
        account_number: delivery.account_number.clone(),
        attempts_before,
        status: DeliveryStatus::Delivered,
        next_attempt_at: delivery.next_attempt_at,
        last_status: Some(204),
        last_error: None,
        disables: None,
    }
}

async fn say(desk: &Desk, owner: &'static str, ended: Vec<EndedAttempt>, released: Vec<(Id, i64)>) {
    let now = desk.clock.now();
    desk.write(move |connection| hand_back(connection, &Round { ended, released, ..order(owner, now) })).await;
}

async fn whoever_lost_a_lease_has_no_say(books: &Books) {
    let desk = Desk::open(books).await;
    let endpoint = desk.endpoint("operator", PartyKind::Operator, &Receiver::good().await).await;
    desk.done(&cashier("a-01"), pay(0, 5_000)).await;
    assert_eq!(take(&desk, "one").await.len(), 1);
    assert!(take(&desk, "two").await.is_empty(), "it is the other's");
    books.clock.advance_minutes(1);
    let taken = take(&desk, "two").await;
    assert_eq!(taken.len(), 1, "the lease is over");
    let held = &desk.deliveries(endpoint).await[0];
    for (owner, said, given) in [
        ("one", vec![ended(held, 0)], vec![]),
        ("one", vec![], vec![(endpoint, held.seq)]),
        ("two", vec![ended(held, 1)], vec![]),
    ] {
        say(&desk, owner, said, given).await;
        assert_eq!(desk.deliveries(endpoint).await[0], *held);
    }
    say(&desk, "two", vec![ended(held, 0)], vec![]).await;
    let settled = &desk.deliveries(endpoint).await[0];
    assert_eq!((settled.status, settled.attempts, settled.lease_until), (DeliveryStatus::Delivered, 1, None));
    desk.close().await;
}

async fn the_first_acknowledgement_counts_and_a_replay_leaves_what_waits(books: &Books) {
    let desk = Desk::open(books).await;
    let receiver = Receiver::start(|_, seen| Act::Answer(if seen.account() == number(0) { 204 } else { 500 })).await;
    let endpoint = desk.endpoint("operator", PartyKind::Operator, &receiver).await;
    let dispatcher = desk.dispatcher();
    desk.done(&cashier("a-01"), pay(0, 5_000)).await;
    desk.done(&cashier("a-01"), pay(1, 5_000)).await;
    let tried = |all: &[WebhookDelivery]| all.len() == 2 && all.iter().all(|one| one.attempts == 1);
    let before = desk.until(endpoint, tried).await;
    assert_eq!(before[0].acknowledged_at, Some(at(MORNING)));
    let now = Timestamp::from_micros(at(MORNING).micros() + 1_000_000);
    books.clock.set(now);
    let events: Vec<(Id, String)> = before.iter().map(|one| (one.fact, one.event.clone())).collect();
    let again = desk.write(move |c| c.replay_webhook_deliveries(endpoint, &Replay::Events(events), now)).await;
    assert_eq!(again, 1, "what is still tried is not begun again");
    let settled = |all: &[WebhookDelivery]| all[0].status == DeliveryStatus::Delivered;
    let after = desk.until(endpoint, |all| settled(all) && receiver.count() == 3).await;
    assert_eq!((after[0].settled_at, after[0].acknowledged_at), (Some(now), Some(at(MORNING))));
    assert_eq!(after[1], before[1]);
    let range = Replay::Range { from: 1, through: 2 };
    assert_eq!(desk.write(move |c| c.replay_webhook_deliveries(endpoint, &range, now)).await, 1);
    dispatcher.stop().await;
    desk.close().await;
}

async fn what_waited_longer_than_its_lease_is_not_tried(books: &Books) {
    let desk = Desk::open(books).await;
    let receiver = Receiver::good().await;
    desk.endpoint("operator", PartyKind::Operator, &receiver).await;
    desk.done(&cashier("a-01"), pay(0, 5_000)).await;
    let parcel = take(&desk, "one").await.remove(0);
    let mut webhooks = Config::load(None).unwrap().webhooks;
    webhooks.allowed_hosts = vec!["http://127.0.0.1".to_owned()];
    let clock: Arc<dyn Clock> = Arc::<recaudo::clock::ManualClock>::clone(&books.clock);
    let (sender, schedule) = (settings::sender(&webhooks).unwrap(), settings::schedule(&webhooks).unwrap());
    let (timeout, lease) = (Duration::from_secs(15), Duration::from_secs(60));
    let bag = Arc::new(Bag { clock, sender, schedule, timeout, lease });
    let carried = |waited: u64| {
        let leased = Instant::now().checked_sub(Duration::from_secs(waited)).unwrap();
        carry(Arc::clone(&bag), Arc::new(Semaphore::new(1)), parcel.clone(), leased)
    };
    // An attempt may take as long as is left of the lease, or another gateway would begin the same one.
    assert!(matches!(carried(46).await, Returned::NotTried));
    assert_eq!(receiver.count(), 0);
    let Returned::Ended(told) = carried(30).await else { panic!("there is time enough") };
    assert_eq!((told.status, receiver.count()), (DeliveryStatus::Delivered, 1));
    desk.close().await;
}

async fn endpoints_that_failed_together_part_again(books: &Books) {
    let desk = Desk::open(books).await;
    let receiver = Receiver::start(|_, _| Act::Answer(500)).await;
    let mut endpoints = Vec::new();
    for _ in 0..4 {
        endpoints.push(desk.endpoint("operator", PartyKind::Operator, &receiver).await);
    }
    let dispatcher = desk.dispatcher();
    desk.done(&cashier("a-01"), pay(0, 5_000)).await;
    let mut times = std::collections::BTreeSet::new();
    for endpoint in endpoints {
        let tried = desk.until(endpoint, |all| all.iter().any(|one| one.attempts == 1)).await;
        times.insert(tried[0].next_attempt_at);
    }
    assert!(times.len() >= 3, "{times:?}");
    dispatcher.stop().await;
    desk.close().await;
}

async fn what_a_stopped_dispatcher_did_not_try_is_free_at_once(books: &Books) {
    let desk = Desk::open(books).await;
    let receiver = Receiver::good().await;
    let endpoint = desk.endpoint("operator", PartyKind::Operator, &receiver).await;
    let dispatcher = desk.dispatcher_with(|webhooks| {
        webhooks.concurrency_per_endpoint = 1;
        webhooks.attempt_timeout_seconds = 2;
    });
    // Whoever answers well is given more than there are places.
    desk.done(&cashier("a-01"), pay(0, 5_000)).await;
    desk.until(endpoint, |all| all.iter().any(|one| one.status == DeliveryStatus::Delivered)).await;
    receiver.now(|_, _| Act::Hang);
    let leased = |all: &[WebhookDelivery]| all.iter().filter(|one| one.lease_until.is_some()).count();
    let mut paid = 0;
    while leased(&desk.deliveries(endpoint).await) < 3 {
        paid += 1;
        desk.done(&cashier("a-01"), pay(paid % 20, 5_000 + i64::from(paid))).await;
        assert!(paid < 1_000, "never more than there are places");
    }
    eventually("one is under way", || receiver.count() >= 2).await;
    dispatcher.stop().await;
    let left = desk.deliveries(endpoint).await;
    assert_eq!(leased(&left), 0, "{left:?}");
    assert!(left.iter().any(|one| one.status == DeliveryStatus::Pending && one.attempts == 0));
    desk.close().await;
}

async fn no_more_is_under_way_than_there_are_places(books: &Books) {
    let desk = Desk::open(books).await;
    let mut slow = Vec::new();
    for _ in 0..2 {
        let receiver = Receiver::start(|_, _| Act::Hang).await;
        slow.push((desk.endpoint("operator", PartyKind::Operator, &receiver).await, receiver));
    }
    let dispatcher = desk.dispatcher_with(|webhooks| {
        (webhooks.concurrency, webhooks.concurrency_per_endpoint) = (4, 8);
        (webhooks.attempt_timeout_seconds, webhooks.lease_seconds) = (60, 600);
    });
    for account in 0..10 {
        // Each time a round is made for what was paid, and takes no more on.
        desk.done(&cashier("a-01"), pay(account, 5_000)).await;
        for (endpoint, _) in &slow {
            desk.until(*endpoint, |all| all.len() > account as usize).await;
        }
    }
    for (endpoint, receiver) in &slow {
        eventually("as many as there are places", || receiver.count() == 2).await;
        let leased = desk.deliveries(*endpoint).await.iter().filter(|one| one.lease_until.is_some()).count();
        assert_eq!(leased, 2, "every endpoint has its even share");
    }
    drop(dispatcher);
    desk.close().await;
}

async fn whoever_fails_once_is_given_no_more_than_there_are_places(books: &Books) {
    let desk = Desk::open(books).await;
    let receiver = Receiver::good().await;
    let endpoint = desk.endpoint("operator", PartyKind::Operator, &receiver).await;
    let dispatcher = desk.dispatcher_with(|webhooks| {
        webhooks.concurrency_per_endpoint = 1;
        (webhooks.attempt_timeout_seconds, webhooks.lease_seconds) = (60, 600);
    });
    desk.done(&cashier("a-01"), pay(0, 5_000)).await;
    desk.until(endpoint, |all| all.iter().any(|one| one.status == DeliveryStatus::Delivered)).await;
    receiver.now(|_, _| Act::Answer(500));
    desk.done(&cashier("a-01"), pay(1, 5_000)).await;
    desk.until(endpoint, |all| all.iter().any(|one| one.last_status == Some(500))).await;
    receiver.now(|_, _| Act::Hang);
    for account in 5..9 {
        desk.done(&cashier("a-01"), pay(account, 5_000)).await;
        desk.until(endpoint, |all| all.len() as u32 > account - 3).await;
    }
    eventually("one is under way", || receiver.count() == 3).await;
    let leased = desk.deliveries(endpoint).await.iter().filter(|one| one.lease_until.is_some()).count();
    assert_eq!(leased, 1);
    drop(dispatcher);
    desk.close().await;
}

async fn numbers_follow_the_order_in_which_things_happened(books: &Books) {
    let desk = Desk::open(books).await;
    let endpoint = desk.endpoint("operator", PartyKind::Operator, &Receiver::good().await).await;
    let request = |i: u32| {
        let id = desk.clock.id();
        keyed(id, &cashier("a-01"), &id.to_string(), pay(i % 3, 5_000 + i64::from(i)))
    };
    let facts = desk.posting.submit_in_order((0..12).map(request).collect()).await.unwrap();
    let facts: Vec<Id> = facts.into_iter().map(|outcome| done(outcome)[0].id).collect();
    let dispatcher = desk.dispatcher_with(|webhooks| webhooks.fan_out_batch = 5);
    let told = desk.until(endpoint, |all| all.len() == 12).await;
    assert_eq!(told.iter().map(|one| one.fact).collect::<Vec<_>>(), facts);
    dispatcher.stop().await;
    desk.close().await;
}

/// How many rows the server's own statistics of the table speak of; below zero, it has never looked.
async fn reckoned(books: &Arc<Books>) -> i64 {
    let books = Arc::clone(books);
    let asked = "SELECT reltuples::bigint::text FROM pg_class WHERE relname = 'webhook_deliveries'";
    let rows = tokio::task::spawn_blocking(move || books.database.as_ref().unwrap().value(asked)).await.unwrap();
    rows.unwrap().parse().unwrap()
}

/// The server plans by what it knew before a burst, until it looks again: left to itself, within a minute.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn after_a_burst_postgres_is_made_to_look() {
    let books = Arc::new(tokio::task::spawn_blocking(Books::postgres).await.unwrap());
    let desk = Desk::open(&books).await;
    let endpoint = desk.endpoint("operator", PartyKind::Operator, &Receiver::good().await).await;
    let request = |i: u32| {
        let id = desk.clock.id();
        keyed(id, &cashier("a-01"), &id.to_string(), pay(i % 20, 1_000 + i64::from(i / 20)))
    };
    for outcome in desk.posting.submit_in_order((0..600).map(request).collect()).await.unwrap() {
        done(outcome);
    }
    assert!(reckoned(&books).await < 1, "nobody has looked yet");
    let dispatcher = desk.dispatcher();
    desk.until(endpoint, |all| all.len() >= 600).await;
    let (begun, patience) = (Instant::now(), Duration::from_secs(30));
    while reckoned(&books).await < 500 {
        assert!(begun.elapsed() < patience, "nobody looked");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    dispatcher.stop().await;
    desk.close().await;
    tokio::task::spawn_blocking(move || drop(books)).await.unwrap();
}
