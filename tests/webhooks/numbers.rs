//! From a commit to a receiver: nothing lost, nothing twice, numbers without a gap.

use std::collections::HashSet;

use recaudo::domain::command::PartyKind;
use recaudo::domain::fact::Body;
use recaudo::store::{DeliveryStatus, OrderFilter};

use crate::books::*;
use crate::desk::*;
use crate::receiver::{Receiver, Seen};

on_both! {
    a_payment_is_told_signed_to_those_who_may_know
    numbers_have_no_gap_and_nothing_is_told_twice_by_two_gateways
    a_gateway_hears_the_commits_of_another
    an_event_of_before_an_endpoint_is_not_told
    two_payments_that_clear_the_cause_at_once_order_once
}

/// As the public library does it, without its own clock.
fn verify(seen: &Seen) {
    let public = standardwebhooks::Webhook::new(SECRET).unwrap();
    assert_eq!(public.sign(&seen.id, seen.timestamp, seen.body.as_bytes()).unwrap(), seen.signature);
}

async fn a_payment_is_told_signed_to_those_who_may_know(books: &Books) {
    let desk = Desk::open(books).await;
    let (own, other, reconnection) = (Receiver::good().await, Receiver::good().await, Receiver::good().await);
    desk.endpoint("a", PartyKind::Partner, &own).await;
    desk.endpoint("b", PartyKind::Partner, &other).await;
    let service = desk.endpoint("reconnection", PartyKind::Reconnection, &reconnection).await;
    let dispatcher = desk.dispatcher();
    let facts = desk.done(&cashier("a-01"), pay(4, 10_000)).await;
    let payment = facts[0].public_id();
    let order = facts.iter().find(|fact| matches!(fact.body, Body::ReconnectionOrder(_))).unwrap().public_id();
    eventually("both are told", || own.seen().len() == 2 && reconnection.seen().len() == 1).await;
    own.seen().iter().chain(&reconnection.seen()).for_each(verify);

    let told = reconnection.seen()[0].json();
    assert_eq!((told["type"].as_str(), told["seq"].as_i64()), (Some("reconnection.requested"), Some(1)));
    let data = &told["data"];
    assert_eq!((data["payment_id"].as_str(), data["order_id"].as_str()), (Some(&*payment), Some(&*order)));
    assert_eq!((data["account_number"].as_str(), data["municipality_code"].as_str()), (Some("100004"), Some("54001")));
    assert_eq!(data["due_by"].as_str(), Some("2026-11-25T14:30:00.000000Z"));
    let types: HashSet<String> = own.seen().iter().map(|seen| seen.json()["type"].to_string()).collect();
    assert_eq!(types, HashSet::from(["\"payment.posted\"".to_owned(), "\"reconnection.requested\"".to_owned()]));

    let settled = desk.until(service, |all| all.iter().all(|one| one.status == DeliveryStatus::Delivered)).await;
    assert_eq!((settled[0].attempts, settled[0].last_status), (1, Some(204)));
    assert_eq!(settled[0].acknowledged_at, Some(at(MORNING)));
    dispatcher.stop().await;
    assert!(other.seen().is_empty(), "nobody else's payment");
    desk.close().await;
}

async fn numbers_have_no_gap_and_nothing_is_told_twice_by_two_gateways(books: &Books) {
    const EACH: u32 = 30;
    let desks = [Desk::open(books).await, Desk::open(books).await];
    let receiver = Receiver::good().await;
    let endpoint = desks[0].endpoint("operator", PartyKind::Operator, &receiver).await;
    let dispatchers = desks.each_ref().map(|desk| desk.dispatcher_with(|webhooks| webhooks.fan_out_batch = 7));
    let paying = |desk: usize, point: &'static str, from: i64| {
        let posting = desks[desk].posting.clone();
        let requests: Vec<_> = (0..EACH)
            .map(|i| {
                let id = recaudo::clock::Clock::id(&*books.clock);
                keyed(id, &cashier(point), &format!("{point}-{i}"), pay(i % 4, from + i64::from(i)))
            })
            .collect();
        tokio::spawn(async move {
            for request in requests {
                done(posting.submit(request).await.unwrap());
            }
        })
    };
    let (first, second) = (paying(0, "a-01", 1_000), paying(1, "b-01", 2_000));
    first.await.unwrap();
    second.await.unwrap();
    let all = 2 * EACH as usize;
    let told = |deliveries: &[recaudo::store::WebhookDelivery]| {
        deliveries.len() == all && deliveries.iter().all(|one| one.status == DeliveryStatus::Delivered)
    };
    let deliveries = desks[0].until(endpoint, told).await;
    let numbers: Vec<i64> = deliveries.iter().map(|one| one.seq).collect();
    assert_eq!(numbers, (1..=i64::try_from(all).unwrap()).collect::<Vec<_>>());
    let seen = receiver.seen();
    let ids: HashSet<&str> = seen.iter().map(|seen| seen.id.as_str()).collect();
    assert_eq!((seen.len(), ids.len()), (all, all), "each attempt once, each event once");
    assert!(desks[1].read(|connection| connection.outbox(1)).await.is_empty());
    for dispatcher in dispatchers {
        dispatcher.stop().await;
    }
    for desk in desks {
        desk.close().await;
    }
}

async fn a_gateway_hears_the_commits_of_another(books: &Books) {
    let (paying, sending) = (Desk::open(books).await, Desk::open(books).await);
    let receiver = Receiver::good().await;
    sending.endpoint("operator", PartyKind::Operator, &receiver).await;
    // On SQLite there is one gateway; a second process looks from time to time.
    let poll = if books.database.is_some() { 60_000 } else { 20 };
    let dispatcher = sending.dispatcher_with(|webhooks| webhooks.poll_milliseconds = poll);
    // Said until it is heard: the line for calls is opened while the test goes on.
    for i in 0..600 {
        paying.done(&cashier("a-01"), pay(0, 1_000 + i)).await;
        tokio::time::sleep(std::time::Duration::from_millis(50)).await;
        if !receiver.seen().is_empty() {
            break;
        }
    }
    assert!(!receiver.seen().is_empty());
    dispatcher.stop().await;
    paying.close().await;
    sending.close().await;
}

async fn an_event_of_before_an_endpoint_is_not_told(books: &Books) {
    let desk = Desk::open(books).await;
    let dispatcher = desk.dispatcher();
    desk.done(&cashier("a-01"), pay(0, 1_000)).await;
    assert!(desk.read(|connection| connection.outbox(1)).await.is_empty(), "nobody wants it");
    let receiver = Receiver::good().await;
    let endpoint = desk.endpoint("a", PartyKind::Partner, &receiver).await;
    desk.done(&cashier("a-01"), pay(0, 2_000)).await;
    let told = desk.until(endpoint, |all| all.iter().any(|one| one.status == DeliveryStatus::Delivered)).await;
    assert_eq!((told.len(), told[0].seq), (1, 1));
    assert_eq!(receiver.seen()[0].json()["data"]["amount"], "2000.00");
    dispatcher.stop().await;
    desk.close().await;
}

async fn two_payments_that_clear_the_cause_at_once_order_once(books: &Books) {
    const ROUNDS: u32 = 500;
    let ordinals: Vec<u32> = (0..ROUNDS).map(|i| 104 + 5 * i).collect();
    let accounts: Vec<_> = ordinals.iter().map(|ordinal| account(*ordinal)).collect();
    tokio::task::block_in_place(|| books.load("more", "2026-11-24T04:00:00-05:00", &[], &accounts));
    let desks = [Desk::open(books).await, Desk::open(books).await];
    for ordinal in ordinals {
        let (a, b) = (cashier("a-01"), cashier("b-01"));
        let both = tokio::join!(desks[0].ask(&a, pay(ordinal, 10_000)), desks[1].ask(&b, pay(ordinal, 12_000)));
        done(both.0);
        done(both.1);
        let filter =
            OrderFilter { account_number: Some(number(ordinal).as_str().into()), limit: 10, ..Default::default() };
        let orders = desks[0].read(move |connection| connection.orders(&filter)).await;
        assert_eq!(orders.len(), 1, "account {ordinal}");
    }
    for desk in desks {
        desk.close().await;
    }
}
