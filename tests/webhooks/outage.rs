//! A receiver that is down for three days: every attempt at its time, then delivered, or dead and listed.

use std::collections::{BTreeMap, HashSet};

use recaudo::clock::Clock;
use recaudo::domain::calendar::Timestamp;
use recaudo::domain::command::PartyKind;
use recaudo::domain::ids::Id;
use recaudo::store::{DeliveryFilter, DeliveryStatus, Replay, WebhookDelivery};
use recaudo::webhooks::schedule::DEFAULT_DELAYS_SECONDS;

use crate::books::*;
use crate::desk::*;
use crate::receiver::{Act, Receiver};

on_both! {
    ten_thousand_events_outlive_a_receiver_that_is_down_for_three_days
}

const ACCOUNTS_TOLD: u32 = 1_000;
const EACH: u32 = 10;
const HEADS: usize = ACCOUNTS_TOLD as usize;
const ALL: usize = HEADS * EACH as usize;
const SECOND: i64 = 1_000_000;

/// Accounts in service, so that each payment is one event.
fn ordinal(place: u32) -> u32 {
    1_000 + place + place / 4
}

async fn ten_thousand_payments(desk: &Desk) {
    for round in 0..EACH {
        for chunk in 0..ACCOUNTS_TOLD / 500 {
            let request = |place: u32| {
                let id = desk.clock.id();
                let command = pay(ordinal(place), 1_000 + i64::from(round));
                keyed(id, &cashier("a-01"), &id.to_string(), command)
            };
            let requests = (chunk * 500..(chunk + 1) * 500).map(request).collect();
            for outcome in desk.posting.submit_in_order(requests).await.unwrap() {
                done(outcome);
            }
        }
    }
}

/// The first event of each account: those behind it wait with it, untried.
fn heads(all: &[WebhookDelivery]) -> Vec<&WebhookDelivery> {
    let mut seen = HashSet::new();
    all.iter().filter(|one| seen.insert(one.account_number.clone())).collect()
}

/// Moves the clock to an instant; exactly those that are due by then are tried, and none before.
async fn move_to(desk: &Desk, endpoint: Id, receiver: &Receiver, instant: Timestamp) -> Vec<WebhookDelivery> {
    let before = desk.deliveries(endpoint).await;
    let due: HashSet<i64> =
        heads(&before).iter().filter(|one| one.next_attempt_at <= instant).map(|one| one.seq).collect();
    let count = receiver.count() + due.len();
    desk.clock.set(instant);
    eventually("those that are due were tried", || receiver.count() == count).await;
    let attempts: BTreeMap<i64, u32> = before.iter().map(|one| (one.seq, one.attempts)).collect();
    let tried = |one: &WebhookDelivery| one.attempts == attempts[&one.seq] + u32::from(due.contains(&one.seq));
    let all = desk.until(endpoint, |all| all.iter().all(tried)).await;
    wait_as_listed(&all, &due, instant);
    all
}

/// Those that were tried just now wait as long as the schedule says, and those behind them wait with them.
fn wait_as_listed(all: &[WebhookDelivery], tried: &HashSet<i64>, now: Timestamp) {
    let mut waits = BTreeMap::new();
    for one in all.iter().filter(|one| tried.contains(&one.seq)) {
        let listed = i64::from(DEFAULT_DELAYS_SECONDS[one.attempts as usize]) * SECOND;
        let wait = one.next_attempt_at.micros() - now.micros();
        assert!((wait - listed).abs() <= listed / 10, "{wait} instead of {listed}: {one:?}");
        assert_eq!(one.status, DeliveryStatus::Pending);
        waits.insert(one.account_number.clone(), one.next_attempt_at);
    }
    for behind in all.iter().filter(|one| one.attempts == 0) {
        let Some(head) = waits.get(&behind.account_number) else { continue };
        assert_eq!(behind.next_attempt_at, *head, "{behind:?}");
    }
}

async fn ten_thousand_events_outlive_a_receiver_that_is_down_for_three_days(books: &Books) {
    let accounts: Vec<_> = (0..ACCOUNTS_TOLD).map(|place| account(ordinal(place))).collect();
    tokio::task::block_in_place(|| books.load("more", "2026-11-24T04:00:00-05:00", &[], &accounts));
    let desk = Desk::open(books).await;
    let receiver = Receiver::start(|_, _| Act::Reset).await;
    let endpoint = desk.endpoint("operator", PartyKind::Operator, &receiver).await;
    ten_thousand_payments(&desk).await;
    let dispatcher = desk.dispatcher_with(|webhooks| webhooks.concurrency_per_endpoint = 64);
    eventually("the first of each account were tried", || receiver.count() == HEADS).await;
    let tried_once = |all: &[WebhookDelivery]| all.len() == ALL && heads(all).iter().all(|one| one.attempts == 1);
    let mut all = desk.until(endpoint, tried_once).await;
    assert!(all.iter().map(|one| one.seq).eq(1..=i64::try_from(ALL).unwrap()));
    wait_as_listed(&all, &heads(&all).iter().map(|one| one.seq).collect(), at(MORNING));

    // In two steps each time: whoever is due earlier is tried, the others are not, then the others.
    for made in 2..=9 {
        let mut times: Vec<Timestamp> = heads(&all).iter().map(|one| one.next_attempt_at).collect();
        times.sort_unstable();
        for instant in [times[HEADS / 2], times[HEADS - 1]] {
            all = move_to(&desk, endpoint, &receiver, instant).await;
        }
        assert!(heads(&all).iter().all(|one| one.attempts as usize == made), "attempt {made}");
    }
    // Three days after the beginning the tenth attempt is behind some; the next events of their
    // accounts have their first one at once.
    let three_days = at(MORNING).plus_minutes(72 * 60);
    let given_up = heads(&all).iter().filter(|one| one.next_attempt_at <= three_days).count();
    assert!((1..HEADS).contains(&given_up), "{given_up}");
    let count = receiver.count() + 2 * given_up;
    desk.clock.set(three_days);
    eventually("the tenth attempts were made", || receiver.count() == count).await;
    let dead = |all: &[WebhookDelivery]| all.iter().filter(|one| one.status == DeliveryStatus::Dead).count();
    let next_ones = |all: &[WebhookDelivery]| all.iter().filter(|one| one.attempts == 1).count();
    all = desk.until(endpoint, |all| dead(all) == given_up && next_ones(all) == given_up).await;

    receiver.now(|_, _| Act::Answer(204));
    desk.clock.set(all.iter().map(|one| one.next_attempt_at).max().unwrap());
    eventually("the others were delivered", || receiver.count() == count + ALL - given_up).await;
    all = desk.until(endpoint, |all| all.iter().all(|one| one.status != DeliveryStatus::Pending)).await;
    let tenth = heads(&all).into_iter().filter(|one| one.status == DeliveryStatus::Delivered);
    assert!(tenth.clone().count() == HEADS - given_up && tenth.clone().all(|one| one.attempts == 10));

    let (status, limit) = (Some(DeliveryStatus::Dead), 2 * HEADS as u32);
    let filter = DeliveryFilter { endpoint, status, after_seq: 0, limit };
    let listed = desk.read(move |connection| connection.webhook_deliveries(&filter)).await;
    assert_eq!(listed.len(), given_up);
    assert!(listed.iter().all(|one| one.attempts == 10 && one.last_error.is_some() && one.settled_at.is_some()));
    all_in_their_order(&receiver, ALL - given_up);

    let (now, through) = (desk.clock.now(), i64::try_from(ALL).unwrap());
    let replay = Replay::Events(listed.iter().map(|one| (one.fact, one.event.clone())).collect());
    let again = desk.write(move |connection| connection.replay_webhook_deliveries(endpoint, &replay, now)).await;
    assert_eq!(again, given_up);
    desk.until(endpoint, |all| all.iter().all(|one| one.status == DeliveryStatus::Delivered)).await;
    let numbers: HashSet<i64> = receiver.accepted().iter().map(crate::receiver::Seen::seq).collect();
    assert!(numbers.len() == ALL && (1..=through).all(|seq| numbers.contains(&seq)), "none is missing");
    dispatcher.stop().await;
    desk.close().await;
}

/// Everything was accepted once, and each account's events in their order.
fn all_in_their_order(receiver: &Receiver, expected: usize) {
    let accepted = receiver.accepted();
    let ids: HashSet<&str> = accepted.iter().map(|seen| seen.id.as_str()).collect();
    assert_eq!((accepted.len(), ids.len()), (expected, expected));
    let mut last: BTreeMap<String, i64> = BTreeMap::new();
    for seen in &accepted {
        let before = last.insert(seen.account(), seen.seq()).unwrap_or(0);
        assert!(before < seen.seq(), "{seen:?} after {before}");
    }
}
