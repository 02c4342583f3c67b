//! What nobody asks for: late orders and the ends of certificates are announced once, forgotten sessions
//! are closed once.

use recaudo::clock::Clock;
use recaudo::domain::fact::Body;
use recaudo::store::Certificate;

use crate::books::*;
use crate::desk::*;

on_both! {
    a_late_order_is_announced_once_whoever_s_clock_jumps
    a_session_that_nobody_closed_is_closed_the_day_after
    the_end_of_a_certificate_is_announced_once_for_each_number_of_days
}

async fn announced(desk: &Desk, event: &str) -> usize {
    let outbox = desk.read(|connection| connection.outbox(100)).await;
    outbox.iter().filter(|entry| entry.event == event).count()
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
        assert_eq!(announced(&desk, "reconnection.overdue").await, expected, "after {clock} hours");
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

async fn the_end_of_a_certificate_is_announced_once_for_each_number_of_days(books: &Books) {
    books.somebody_listens();
    let (desk, other) = (Desk::open(books).await, Desk::open(books).await);
    let days = |days: i64| at(MORNING).plus_minutes(1440 * days);
    let certificate = |thumbprint: &str, not_after, revoked_at| Certificate {
        thumbprint: thumbprint.to_owned(),
        party: "a".into(),
        subject: "aliado a".to_owned(),
        not_after,
        registered_at: at(MORNING),
        revoked_at,
    };
    let known = [
        certificate("ends", days(40), None),
        certificate("lasts", days(400), None),
        certificate("revoked", days(40), Some(at(MORNING))),
        certificate("over", days(-1), None),
    ];
    desk.write(move |connection| known.iter().try_for_each(|one| connection.register_certificate(one))).await;
    for (passed, expected) in [(0, 0), (9, 0), (10, 1), (11, 1), (26, 2), (25, 2), (36, 3), (41, 3), (39, 4), (39, 4)] {
        books.clock.set(days(passed));
        let (one, two) = (desk.upkeep(), other.upkeep());
        let scans = tokio::join!(one.scan(), two.scan());
        scans.0.unwrap();
        scans.1.unwrap();
        assert_eq!(announced(&desk, "certificate.expiring").await, expected, "after {passed} days");
    }
    let outbox = desk.read(|connection| connection.outbox(100)).await;
    let told: Vec<_> = outbox.iter().filter(|entry| entry.event == "certificate.expiring").collect();
    let mut numbers = Vec::new();
    for entry in &told {
        let Body::CertificateNotice(notice) = &entry.fact.body else { panic!("{entry:?}") };
        assert_eq!((notice.thumbprint.as_str(), entry.fact.party.as_str()), ("ends", "a"));
        assert_eq!((notice.not_after, notice.subject.as_str()), (days(40), "aliado a"));
        numbers.push((entry.fact.series.as_ref().unwrap().seq, notice.days));
    }
    numbers.sort_unstable();
    assert_eq!(numbers, [(1, 30), (2, 14), (3, 7), (4, 1)]);
    assert!(books.clock.now() < days(40));
    desk.close().await;
    other.close().await;
}
