//! Attempts by the manual clock: at their times, in order, given up, taken over, and made again.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use recaudo::clock::Clock;
use recaudo::domain::command::PartyKind;
use recaudo::store::{DeliveryStatus, EndpointStatus, Replay, WebhookDelivery};
use recaudo::webhooks::schedule::DEFAULT_DELAYS_SECONDS;

use crate::books::*;
use crate::desk::*;
use crate::receiver::{Act, Receiver};

on_both! {
    a_receiver_that_is_down_is_tried_at_its_times_and_given_up
    an_endpoint_that_is_gone_gets_nothing_until_it_is_enabled
    a_killed_dispatcher_s_deliveries_are_taken_over_when_its_leases_run_out
    the_order_of_an_account_is_kept_and_others_go_on
}

fn delivered(all: &[WebhookDelivery]) -> bool {
    !all.is_empty() && all.iter().all(|one| one.status == DeliveryStatus::Delivered)
}

async fn a_receiver_that_is_down_is_tried_at_its_times_and_given_up(books: &Books) {
    let desk = Desk::open(books).await;
    let receiver = Receiver::start(|_, _| Act::Answer(500)).await;
    let endpoint = desk.endpoint("operator", PartyKind::Operator, &receiver).await;
    let dispatcher = desk.dispatcher();
    desk.done(&cashier("a-01"), pay(0, 5_000)).await;
    let mut last = at(MORNING);
    for (made, delay) in (1..).zip(&DEFAULT_DELAYS_SECONDS[1..]) {
        let waiting = desk.until(endpoint, |all| all.iter().any(|one| one.attempts == made)).await;
        let next = waiting[0].next_attempt_at;
        let (wait, listed) = (next.micros() - last.micros(), i64::from(*delay) * 1_000_000);
        assert!((wait - listed).abs() <= listed / 10, "attempt {made}: {wait} instead of {listed}");
        assert_eq!((waiting[0].status, waiting[0].last_status), (DeliveryStatus::Pending, Some(500)));
        last = next;
        books.clock.set(next);
    }
    let dead = desk.until(endpoint, |all| all[0].status == DeliveryStatus::Dead).await;
    assert_eq!((dead[0].attempts, dead[0].settled_at, dead[0].acknowledged_at), (10, Some(last), None));
    assert!(dead[0].last_error.as_ref().unwrap().contains("500"));
    books.clock.advance_minutes(60 * 24 * 30);
    let now = books.clock.now();
    assert!(!desk.read(move |connection| connection.webhooks_due(now)).await, "nobody tries any more");

    receiver.now(|_, _| Act::Answer(200));
    let again = desk.write(move |c| c.replay_webhook_deliveries(endpoint, &Replay::Range { from: 1, through: 9 }, now));
    assert_eq!(again.await, 1);
    desk.until(endpoint, delivered).await;
    let seen = receiver.seen();
    assert_eq!(seen.len(), 11);
    assert!(seen.iter().all(|one| one.id == seen[0].id && one.body == seen[0].body), "the same at every attempt");
    let times: Vec<i64> = seen.iter().map(|one| one.timestamp).collect();
    assert!(times.windows(2).all(|pair| pair[0] < pair[1]), "and signed anew each time: {times:?}");
    dispatcher.stop().await;
    desk.close().await;
}

async fn an_endpoint_that_is_gone_gets_nothing_until_it_is_enabled(books: &Books) {
    let desk = Desk::open(books).await;
    let receiver = Receiver::start(|_, _| Act::Answer(410)).await;
    let endpoint = desk.endpoint("operator", PartyKind::Operator, &receiver).await;
    let dispatcher = desk.dispatcher();
    desk.done(&cashier("a-01"), pay(0, 5_000)).await;
    desk.until(endpoint, |all| all.iter().any(|one| one.status == DeliveryStatus::Dead)).await;
    let party = recaudo::domain::ids::PartyId::from("operator");
    let known = desk.read(move |connection| connection.webhook_endpoint(&party, endpoint)).await.unwrap();
    assert_eq!(known.status, EndpointStatus::Disabled);
    assert!(known.disabled_reason.as_ref().unwrap().contains("410"));
    desk.done(&cashier("a-01"), pay(0, 6_000)).await;
    desk.done(&cashier("a-01"), pay(1, 7_000)).await;
    desk.until(endpoint, |all| all.len() == 3).await;
    let now = books.clock.now();
    assert!(!desk.read(move |connection| connection.webhooks_due(now)).await, "what happens meanwhile waits");
    receiver.now(|_, _| Act::Answer(204));
    let enabled = recaudo::store::WebhookEndpoint { status: EndpointStatus::Active, disabled_reason: None, ..known };
    assert!(desk.write(move |connection| connection.change_webhook_endpoint(&enabled)).await);
    let all = desk.until(endpoint, |all| all[1..].iter().all(|one| one.status == DeliveryStatus::Delivered)).await;
    assert_eq!(all[0].status, DeliveryStatus::Dead, "that one has to be asked for");
    assert_eq!(receiver.accepted().len(), 2);
    dispatcher.stop().await;
    desk.close().await;
}

async fn a_killed_dispatcher_s_deliveries_are_taken_over_when_its_leases_run_out(books: &Books) {
    let desk = Desk::open(books).await;
    let receiver = Receiver::start(|_, _| Act::Hang).await;
    let endpoint = desk.endpoint("operator", PartyKind::Operator, &receiver).await;
    let killed = desk.dispatcher();
    desk.done(&cashier("a-01"), pay(0, 5_000)).await;
    eventually("it is under way", || receiver.seen().len() == 1).await;
    drop(killed);
    receiver.now(|_, _| Act::Answer(204));
    let dispatcher = desk.dispatcher();
    let now = books.clock.now();
    let held = desk.deliveries(endpoint).await;
    assert!(held[0].lease_until.unwrap() > now && held[0].attempts == 0);
    assert!(!desk.read(move |connection| connection.webhooks_due(now)).await, "it is still the other's");
    // One of another account shows that this dispatcher works, and leaves the held one alone.
    desk.done(&cashier("a-01"), pay(1, 5_000)).await;
    desk.until(endpoint, |all| all.iter().any(|one| one.seq == 2 && one.status == DeliveryStatus::Delivered)).await;
    assert_eq!(receiver.seen().len(), 2);
    books.clock.set(held[0].lease_until.unwrap());
    desk.until(endpoint, delivered).await;
    let seen = receiver.seen();
    assert_eq!((seen.len(), &seen[0].id), (3, &seen[2].id));
    dispatcher.stop().await;
    desk.close().await;
}

async fn the_order_of_an_account_is_kept_and_others_go_on(books: &Books) {
    let desk = Desk::open(books).await;
    let down = Arc::new(AtomicBool::new(true));
    let fails = Arc::clone(&down);
    let receiver = Receiver::start(move |_, seen| {
        let refused = seen.account() == number(0) && fails.load(Ordering::SeqCst);
        if refused { Act::AnswerWith(503, "retry-after: 120\r\n") } else { Act::Answer(204) }
    })
    .await;
    let endpoint = desk.endpoint("operator", PartyKind::Operator, &receiver).await;
    let dispatcher = desk.dispatcher();
    for (account, pesos) in [(0, 1_000), (1, 2_000), (0, 3_000), (2, 4_000), (0, 5_000)] {
        desk.done(&cashier("a-01"), pay(account, pesos)).await;
    }
    let settled = |all: &[WebhookDelivery]| {
        let of = |seq: i64| all.iter().find(|one| one.seq == seq);
        all.len() == 5
            && [2, 4].iter().all(|seq| of(*seq).unwrap().status == DeliveryStatus::Delivered)
            && of(1).unwrap().attempts == 1
    };
    let waiting = desk.until(endpoint, settled).await;
    let head = waiting[0].next_attempt_at;
    let waits = |one: &WebhookDelivery| one.attempts == 0 && one.next_attempt_at == head;
    assert!(waiting.iter().filter(|one| [3, 5].contains(&one.seq)).all(waits), "{waiting:?}");
    let wait = waiting[0].next_attempt_at.micros() - at(MORNING).micros();
    assert!((120_000_000..=132_000_000).contains(&wait), "Retry-After is obeyed: {wait}");
    down.store(false, Ordering::SeqCst);
    books.clock.set(waiting[0].next_attempt_at);
    desk.until(endpoint, delivered).await;
    let accepted: Vec<i64> =
        receiver.accepted().iter().filter(|seen| seen.account() == number(0)).map(crate::receiver::Seen::seq).collect();
    assert_eq!(accepted, [1, 3, 5]);
    dispatcher.stop().await;
    desk.close().await;
}
