//! Nine receivers that do everything wrong, and a good one that does not notice.

use recaudo::domain::command::PartyKind;
use recaudo::store::DeliveryStatus;

use crate::books::*;
use crate::desk::*;
use crate::receiver::{Act, Receiver};

on_both! {
    bad_receivers_do_not_delay_a_good_one
}

async fn bad_receivers_do_not_delay_a_good_one(books: &Books) {
    const PAYMENTS: i64 = 24;
    let desk = Desk::open(books).await;
    let acts = [
        Act::Hang,
        Act::Answer(500),
        Act::AnswerWith(429, "retry-after: 3600\r\n"),
        Act::Answer(410),
        Act::AnswerWith(302, "location: http://127.0.0.1:1/\r\n"),
        Act::Reset,
        Act::Endless,
        Act::WrongLength,
    ];
    let mut bad = Vec::new();
    for act in acts {
        let receiver = Receiver::start(move |_, _| act.clone()).await;
        bad.push((desk.endpoint("operator", PartyKind::Operator, &receiver).await, receiver));
    }
    // The ninth speaks no TLS where TLS is expected: to whoever calls, a bad certificate.
    let mut plain = Receiver::good().await;
    plain.url = plain.url.replace("http:", "https:");
    let untrusted = desk.endpoint("operator", PartyKind::Operator, &plain).await;
    let good = Receiver::good().await;
    let endpoint = desk.endpoint("operator", PartyKind::Operator, &good).await;
    // The slow one is given all the time it wants: whoever waits for it waits longer than this test does.
    let dispatcher = desk.dispatcher_with(|webhooks| {
        webhooks.attempt_timeout_seconds = 60;
        webhooks.lease_seconds = 600;
    });
    for i in 0..PAYMENTS {
        desk.done(&cashier("a-01"), pay(u32::try_from(i).unwrap() % 20, 20_000 + i)).await;
    }
    let told = |all: &[recaudo::store::WebhookDelivery]| {
        all.len() >= usize::try_from(PAYMENTS).unwrap() && all.iter().all(|one| one.status == DeliveryStatus::Delivered)
    };
    let told = desk.until(endpoint, told).await;
    assert_eq!(good.seen().len(), told.len());
    let slow = desk.deliveries(bad[0].0).await;
    assert!(slow.iter().all(|one| one.attempts == 0), "nobody waited for the slow one");
    assert!(bad[0].1.seen().len() <= 8, "and it has no more than its own places");

    for (at, expected) in [(1, Some(500)), (2, Some(429)), (4, Some(302)), (5, None), (6, Some(200)), (7, Some(200))] {
        let tried = desk.until(bad[at].0, |all| all.iter().any(|one| one.attempts > 0)).await;
        let tried = tried.iter().find(|one| one.attempts > 0).unwrap();
        assert_eq!(tried.last_status, expected, "receiver {at}: {tried:?}");
    }
    let refused = desk.until(untrusted, |all| all.iter().any(|one| one.attempts > 0)).await;
    assert!(refused.iter().all(|one| one.status == DeliveryStatus::Pending));
    assert!(plain.seen().is_empty());
    let gone = desk.until(bad[3].0, |all| all.iter().any(|one| one.status == DeliveryStatus::Dead)).await;
    assert!(gone.iter().any(|one| one.last_status == Some(410)));
    drop(dispatcher);
    desk.close().await;
}
