//! Parties, points, certificates; and what is listed beside the hot path.

use recaudo::clock::Clock;
use recaudo::domain::command::{Command, MoveOrder, PartyKind};
use recaudo::domain::fact::{Body, OrderStatus};
use recaudo::domain::ids::PartyId;
use recaudo::store::{Certificate, CollectionPoint, OrderFilter, PaymentFilter, StoreError};

use crate::books::*;

on_both! {
    a_certificate_names_its_party_and_a_revoked_one_stays_revoked
    a_collection_point_never_changes_hands
    payments_are_listed_in_pages_and_only_ones_own
    orders_are_listed_by_where_they_stand
    sessions_left_open_are_found
    the_outbox_gives_events_in_order_and_forgets_them
}

fn a_certificate_names_its_party_and_a_revoked_one_stays_revoked(books: &Books) {
    let mut connection = books.connect();
    let now = books.clock.now();
    let certificate = Certificate {
        thumbprint: "ab12".to_owned(),
        party: "a".into(),
        subject: "CN=a".to_owned(),
        not_after: now.plus_minutes(60),
        registered_at: now,
        revoked_at: None,
    };
    connection.register_certificate(&certificate).unwrap();
    let (found, party) = connection.certificate("ab12").unwrap().unwrap();
    assert_eq!((found, party.kind), (certificate.clone(), PartyKind::Partner));
    assert!(connection.revoke_certificate("ab12", now).unwrap());
    assert!(!connection.revoke_certificate("cd34", now).unwrap());
    connection.register_certificate(&certificate).unwrap();
    assert_eq!(connection.certificates(Some(&"a".into())).unwrap()[0].revoked_at, Some(now));
    assert_eq!(connection.certificates(Some(&"b".into())).unwrap(), []);
    assert_eq!(connection.certificate("cd34").unwrap(), None);
}

fn a_collection_point_never_changes_hands(books: &Books) {
    let mut connection = books.connect();
    let mine = connection.collection_points(Some(&"a".into())).unwrap();
    assert_eq!(mine.len(), 2);
    let stolen = CollectionPoint { party: "b".into(), ..mine[0].clone() };
    assert!(matches!(connection.register_collection_point(&stolen), Err(StoreError::Conflict(_))));
    let mut changed = mine[0].clone();
    changed.settings.branch_code = Some("0007".to_owned());
    connection.register_collection_point(&changed).unwrap();
    assert_eq!(connection.collection_point(&changed.id).unwrap(), Some(changed));
    assert_eq!(connection.parties().unwrap().len(), 3);
}

fn filter(party: &str) -> PaymentFilter {
    PaymentFilter {
        party: PartyId::new(party),
        idempotency_key: None,
        collection_point: None,
        till: None,
        business_date: None,
        account_number: None,
        after: None,
        limit: 2,
    }
}

fn payments_are_listed_in_pages_and_only_ones_own(books: &Books) {
    let counter = books.counter();
    let mut mine = Vec::new();
    for i in 0..3 {
        mine.push(counter.done(&cashier("a-01"), pay_at(i, 5_000, "C_1"))[0].id);
    }
    counter.done(&cashier("b-01"), pay(0, 6_000));
    books.clock.advance_minutes(24 * 60);
    mine.push(counter.done(&cashier("a-02"), pay_at(0, 7_000, "CX1"))[0].id);
    let reversal = counter.done(&cashier("a-02"), reverse(mine[3]))[0].id;
    counter.stop();
    let mut connection = books.connect();
    let mut list = |filter: &PaymentFilter| -> Vec<_> {
        connection.payments(filter).unwrap().into_iter().map(|listed| listed.fact.id).collect()
    };
    assert_eq!(list(&filter("a")), mine[..2]);
    assert_eq!(list(&PaymentFilter { after: Some(mine[1]), ..filter("a") }), mine[2..]);
    assert_eq!(list(&PaymentFilter { after: Some(mine[1]), ..filter("b") }), []);
    assert_eq!(list(&PaymentFilter { business_date: Some(day("2026-11-25")), ..filter("a") }), mine[3..]);
    assert_eq!(list(&PaymentFilter { collection_point: Some("a-02".into()), ..filter("a") }), mine[3..]);
    let account_number = Some(number(0).as_str().into());
    assert_eq!(list(&PaymentFilter { account_number, ..filter("a") }), [mine[0], mine[3]]);
    // The underscore is a name and not a pattern.
    assert_eq!(list(&PaymentFilter { till: Some("C_1".to_owned()), limit: 9, ..filter("a") }), mine[..3]);
    let (till, point) = (Some("C_1".to_owned()), Some("a-01".into()));
    assert_eq!(list(&PaymentFilter { till, collection_point: point, limit: 9, ..filter("a") }), mine[..3]);
    let key = connection.fact(mine[2]).unwrap().unwrap().fact.request.clone().unwrap().key;
    let mut by_key = |party: &str| {
        connection.payments(&PaymentFilter { idempotency_key: Some(key.clone()), ..filter(party) }).unwrap()
    };
    assert_eq!(by_key("a")[0].fact.id, mine[2]);
    assert_eq!(by_key("b"), []);
    assert_eq!(connection.payment(&"a".into(), mine[3]).unwrap().unwrap().ended_by, Some(reversal));
}

fn orders_are_listed_by_where_they_stand(books: &Books) {
    let counter = books.counter();
    let mut orders = Vec::new();
    for i in [4, 9] {
        let facts = counter.done(&cashier("a-01"), pay(i, 20_000));
        orders.push(facts.iter().find(|fact| matches!(fact.body, Body::ReconnectionOrder(_))).unwrap().id);
    }
    let step = |order_id, status| MoveOrder { order_id, status, at: None, reason: None, crew: None };
    let operator = party("operator", PartyKind::Operator);
    counter.done(&operator, Command::MoveOrder(step(orders[0], OrderStatus::Completed)));
    let mut connection = books.connect();
    let mut list = |filter: &OrderFilter| -> Vec<_> {
        connection.orders(filter).unwrap().into_iter().map(|record| record.order.id).collect()
    };
    let all = OrderFilter { limit: 10, ..OrderFilter::default() };
    assert_eq!(list(&all), orders);
    assert_eq!(list(&OrderFilter { status: Some(OrderStatus::Requested), ..all.clone() }), [orders[1]]);
    assert_eq!(list(&OrderFilter { party: Some("b".into()), ..all.clone() }), []);
    assert_eq!(list(&OrderFilter { account_number: Some(number(9).as_str().into()), ..all.clone() }), [orders[1]]);
    assert_eq!(list(&OrderFilter { after: Some(orders[0]), limit: 1, ..all }), [orders[1]]);
    let since = at("2026-11-01T00:00:00-05:00");
    assert_eq!(connection.overdue_orders(books.clock.now(), since, 10).unwrap(), []);
    books.clock.advance_minutes(25 * 60);
    let late = connection.overdue_orders(books.clock.now(), since, 10).unwrap();
    assert_eq!(late.iter().map(|record| record.order.id).collect::<Vec<_>>(), [orders[1]]);
    counter.done(&operator, Command::Overdue { order_id: orders[1] });
    assert_eq!(connection.overdue_orders(books.clock.now(), since, 10).unwrap(), []);
    assert_eq!(connection.order(orders[0]).unwrap().unwrap().status(), OrderStatus::Completed);
    counter.stop();
}

fn sessions_left_open_are_found(books: &Books) {
    let counter = books.counter();
    let facts = counter.done(&cashier("a-01"), pay(0, 5_000));
    let session = facts[0].session().unwrap().id;
    let since = at("2026-11-01T00:00:00-05:00");
    let mut connection = books.connect();
    assert_eq!(connection.stale_tills(day("2026-11-24"), since, 10).unwrap(), []);
    let open = connection.session(&"a".into(), session).unwrap().unwrap();
    assert_eq!((open.close, open.last.unwrap().id), (None, facts[0].id));
    assert_eq!(connection.session(&"b".into(), session).unwrap(), None);
    let stale = connection.stale_tills(day("2026-11-25"), since, 10).unwrap();
    assert_eq!(stale.len(), 1);
    books.clock.advance_minutes(24 * 60);
    let till = stale[0].till.clone();
    let gateway = party("a", PartyKind::Partner);
    counter.done(&gateway, Command::CloseUnattended { till });
    assert_eq!(connection.stale_tills(day("2026-11-25"), since, 10).unwrap(), []);
    assert!(connection.session(&"a".into(), session).unwrap().unwrap().close.is_some());
    counter.stop();
}

fn the_outbox_gives_events_in_order_and_forgets_them(books: &Books) {
    let counter = books.counter();
    counter.done(&cashier("a-01"), pay(0, 4_000));
    assert!(books.connect().outbox(1).unwrap().is_empty(), "nobody listens, so nothing has to leave");
    books.somebody_listens();
    let committed = counter.posting.committed();
    let first = counter.done(&cashier("a-01"), pay(0, 5_000))[0].id;
    let second = counter.done(&cashier("a-01"), pay(4, 20_000))[0].id;
    counter.runtime.block_on(committed.notified());
    counter.stop();
    let mut connection = books.connect();
    let entries = connection.outbox(10).unwrap();
    let told: Vec<_> = entries.iter().map(|entry| (entry.fact.id, entry.event.as_str())).collect();
    assert_eq!(told[0], (first, "payment.posted"));
    assert!(
        told.contains(&(second, "payment.posted")) && told.iter().any(|(_, event)| *event == "reconnection.requested")
    );
    assert_eq!(told.len(), 3);
    assert_eq!(connection.outbox(1).unwrap(), entries[..1]);
    connection.forget_outbox(&entries[..2]).unwrap();
    assert_eq!(connection.outbox(10).unwrap(), entries[2..]);
}
