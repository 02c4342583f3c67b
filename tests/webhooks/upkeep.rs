//! What nobody asks for: late orders are announced once, forgotten sessions are closed once.

use recaudo::domain::fact::Body;

use crate::books::*;
use crate::desk::*;

on_both! {
    a_late_order_is_announced_once_whoever_s_clock_jumps
    a_session_that_nobody_closed_is_closed_the_day_after
}

async fn announced(desk: &Desk) -> usize {
    let outbox = desk.read(|connection| connection.outbox(100)).await;
    outbox.iter().filter(|entry| entry.event == "reconnection.overdue").count()
}

async fn a_late_order_is_announced_once_whoever_s_clock_jumps(books: &Books) {
    books.somebody_listens();
    let (desk, other) = (Desk::open(books).await, Desk::open(books).await);
    desk.done(&cashier("a-01"), pay(4, 10_000)).await;
    // The session of the payment is of no interest here.
    let hours = |hours: i64| at(MORNING).plus_minutes(60 * hours);
    for (clock, expected) in [(1, 0), (24, 0), (25, 1), (2, 1), (26, 1), (0, 1), (24 * 40, 1)] {
        books.clock.set(hours(clock));
        let (one, two) = (desk.upkeep(), other.upkeep());
        let scans = tokio::join!(one.scan(), two.scan());
        scans.0.unwrap();
        scans.1.unwrap();
        assert_eq!(announced(&desk).await, expected, "after {clock} hours");
    }
    desk.close().await;
    other.close().await;
}

async fn a_session_that_nobody_closed_is_closed_the_day_after(books: &Books) {
    books.somebody_listens();
    let desk = Desk::open(books).await;
    desk.done(&cashier("a-01"), pay(0, 5_000)).await;
    assert_eq!(desk.upkeep().scan().await.unwrap(), 0, "the day is not over");
    books.clock.set(at("2026-11-25T00:00:01-05:00"));
    assert_eq!(desk.upkeep().scan().await.unwrap(), 1);
    assert_eq!(desk.upkeep().scan().await.unwrap(), 0, "once");
    let outbox = desk.read(|connection| connection.outbox(100)).await;
    let close = outbox.iter().find(|entry| entry.event == "cash_session.closed").unwrap();
    let Body::SessionClose(body) = &close.fact.body else { panic!("{close:?}") };
    assert!(body.unattended && body.counted.is_none());
    assert_eq!(close.fact.business_date, day("2026-11-24"));
    desk.close().await;
}
