//! The hot statements on SQLite: none scans a table, and each is prepared once however long its lists.

use std::collections::HashSet;
use std::sync::{Arc, Mutex};

use diesel::connection::{Instrumentation, InstrumentationEvent};
use diesel::{Connection as _, QueryableByName, RunQueryDsl};

use super::*;
use crate::domain::calendar::Timestamp;
use crate::domain::command::{Caller, Command, Needs, PartyKind, Pay, Request};
use crate::domain::decide::{Outcome, decide};
use crate::domain::fact::{Fact, KeyedRequest, PaymentKind, Tender};
use crate::domain::money::Money;
use crate::domain::policy::Policy;

/// What the driver did, in order.
#[derive(Clone, Default)]
struct Witness(Arc<Mutex<Vec<Seen>>>);

#[derive(Clone, Debug, PartialEq)]
enum Seen {
    Asked(String),
    Cached(String),
}

impl Instrumentation for Witness {
    fn on_connection_event(&mut self, event: InstrumentationEvent<'_>) {
        // The query comes with its binds behind it.
        let text = |query: &dyn std::fmt::Display| query.to_string().split(" -- binds").next().unwrap().to_owned();
        let seen = match event {
            InstrumentationEvent::StartQuery { query, .. } => Seen::Asked(text(query)),
            InstrumentationEvent::CacheQuery { sql, .. } => Seen::Cached(sql.to_owned()),
            _ => return,
        };
        self.0.lock().unwrap().push(seen);
    }
}

fn prepared() -> Store {
    let mut settings = config::Config::load(None).unwrap().database;
    settings.url = "sqlite::memory:".to_owned().into();
    let store = Store::new(&settings).unwrap();
    store.migrate().unwrap();
    let mut connection = store.connect().unwrap();
    let now = Timestamp::default();
    let party = Party {
        id: "a".into(),
        kind: PartyKind::Partner,
        name: String::new(),
        settings: Default::default(),
        registered_at: now,
        suspended_at: None,
    };
    connection.register_party(&party).unwrap();
    let point = CollectionPoint {
        id: "a-01".into(),
        party: "a".into(),
        settings: Default::default(),
        registered_at: now,
        suspended_at: None,
    };
    connection.register_collection_point(&point).unwrap();
    let snapshot = Snapshot { id: "s".to_owned(), as_of: now, included_through: Default::default() };
    let record = SnapshotRecord {
        snapshot,
        kind: SnapshotKind::Full,
        file_hash: String::new(),
        status: SnapshotStatus::Loaded,
        accounts_read: 2,
        accounts_rejected: 0,
        started_at: now,
        finished_at: None,
    };
    connection.begin_snapshot(&record).unwrap();
    let account = |number: &str| {
        let line = format!(
            r#"{{"account_number":"{number}","holder_name":"A","municipality_code":"54001","status":"active",
            "service":{{"status":"active"}},"bills":[{{"bill_number":"F","period":"2026-10",
            "issued_on":"2026-10-05","due_on":"2026-10-20","balance":"90000.00"}}]}}"#
        );
        serde_json::from_str(&line).unwrap()
    };
    connection.replace_accounts(&record.snapshot, &[account("100001"), account("100002")]).unwrap();
    store
}

fn payment(ordinal: u32, account: &str) -> Request {
    let caller = Caller { party: "a".into(), kind: PartyKind::Partner, collection_point: Some("a-01".into()) };
    let pay = Pay {
        account_number: account.into(),
        kind: PaymentKind::Partial,
        amount: Money::from_pesos(2_000 + i64::from(ordinal)),
        agreement_id: None,
        tender: Tender::Cash,
        till: "C1".to_owned(),
        cashier: "ana".to_owned(),
        collected_at: None,
        partner_reference: None,
        confirm_distinct_from: None,
        if_position: None,
        offline: false,
    };
    let keyed = KeyedRequest { key: format!("{ordinal}").as_str().into(), hash: String::new() };
    Request { id: Id::from_bits(u128::from(ordinal) << 8), caller, request: Some(keyed), command: Command::Pay(pay) }
}

/// A batch as the writer posts it; it names an earlier fact as well.
fn post(connection: &mut Connection, requests: &[Request], named: Option<Id>) -> Vec<Arc<Fact>> {
    let now = Timestamp::parse("2026-11-24T09:30:00-05:00").unwrap();
    let mut needs = Needs::default();
    requests.iter().for_each(|request| needs.add(request));
    needs.facts.extend(named);
    let mut world = connection.begin_with_world(&needs, &Arc::new(Policy::default()), now, None).unwrap();
    let mut facts = Vec::new();
    for request in requests {
        match decide(&mut world, request, now) {
            Outcome::Done(new) => facts.extend(new),
            other => panic!("{other:?}"),
        }
    }
    connection.append(&facts).unwrap();
    connection.commit().unwrap();
    facts
}

#[test]
fn a_hot_statement_is_prepared_once_and_scans_nothing() {
    let store = prepared();
    let mut connection = store.connect().unwrap();
    let witness = Witness::default();
    let Link::Sqlite(conn) = &mut connection.link else { panic!("it is SQLite") };
    conn.set_instrumentation(witness.clone());
    let first = post(&mut connection, &[payment(1, "100001")], None);
    post(&mut connection, &[payment(2, "100001"), payment(3, "100002")], Some(first[0].id));
    post(&mut connection, &[payment(4, "100001")], Some(first[0].id));

    let seen = witness.0.lock().unwrap().clone();
    let all = |pick: fn(&Seen) -> Option<&String>| -> Vec<String> { seen.iter().filter_map(pick).cloned().collect() };
    let asked = all(|seen| if let Seen::Asked(sql) = seen { Some(sql) } else { None });
    let cached = all(|seen| if let Seen::Cached(sql) = seen { Some(sql) } else { None });
    let begin_or_end = |sql: &String| matches!(sql.split(' ').next(), Some("BEGIN" | "COMMIT"));
    let asked: HashSet<String> = asked.into_iter().filter(|sql| !begin_or_end(sql)).collect();
    // The world and its snapshot, the named facts and what ended them, and three inserts.
    assert_eq!(asked.len(), 7, "{asked:#?}");
    // A statement that is not cached is not in here, one that is prepared anew is in here twice.
    assert_eq!(cached.len(), asked.len(), "{cached:#?}");
    assert_eq!(cached.into_iter().collect::<HashSet<_>>(), asked);

    let Link::Sqlite(conn) = &mut connection.link else { panic!("it is SQLite") };
    conn.set_instrumentation(Witness::default());
    for sql in asked {
        for step in plan(conn, &sql) {
            let scan = step.starts_with("SCAN") && !step.contains("VIRTUAL TABLE");
            assert!(!scan && !step.contains("AUTOMATIC"), "{sql}\n{step}");
        }
    }
}

#[derive(QueryableByName)]
struct Step {
    #[diesel(sql_type = diesel::sql_types::Text)]
    detail: String,
}

fn plan(conn: &mut sqlite::Conn, sql: &str) -> Vec<String> {
    let steps: Vec<Step> = diesel::sql_query(format!("EXPLAIN QUERY PLAN {sql}")).load(conn).unwrap();
    steps.into_iter().map(|step| step.detail).collect()
}

/// An endpoint that is down has thousands waiting: what concerns one account is looked for by the account.
#[test]
fn what_waits_behind_an_event_is_looked_for_by_its_account() {
    let store = prepared();
    let mut connection = store.connect().unwrap();
    let now = Timestamp::parse("2026-11-24T09:30:00-05:00").unwrap();
    let endpoint = WebhookEndpoint {
        id: Id::from_bits(7),
        party: "a".into(),
        kind: PartyKind::Partner,
        url: String::new(),
        event_types: Vec::new(),
        secret: "whsec_".into(),
        retiring: None,
        status: EndpointStatus::Active,
        disabled_reason: None,
        last_seq: 0,
        created_at: now,
    };
    connection.register_webhook_endpoint(&endpoint).unwrap();
    let fact = Arc::clone(&post(&mut connection, &[payment(1, "100001")], None)[0]);
    let witness = Witness::default();
    let Link::Sqlite(conn) = &mut connection.link else { panic!("it is SQLite") };
    conn.set_instrumentation(witness.clone());
    let new = NewDelivery { endpoint: endpoint.id, seq: 1, fact, event: "payment.posted".to_owned() };
    connection.insert_webhook_deliveries(&[new], now).unwrap();
    let lease = LeaseOrder { endpoint: endpoint.id, now, until: now.plus_minutes(1), owner: "one", limit: 8 };
    let leased = connection.lease_webhook_deliveries(&lease).unwrap();
    let ended = |status| EndedAttempt {
        endpoint: endpoint.id,
        seq: 1,
        account_number: leased[0].account_number.clone(),
        attempts_before: 0,
        status,
        next_attempt_at: now.plus_minutes(1),
        last_status: None,
        last_error: None,
        disables: None,
    };
    for status in [DeliveryStatus::Pending, DeliveryStatus::Delivered] {
        connection.settle_webhook_deliveries(&[ended(status)], "one", now).unwrap();
    }
    let Link::Sqlite(conn) = &mut connection.link else { panic!("it is SQLite") };
    conn.set_instrumentation(Witness::default());
    let seen = witness.0.lock().unwrap().clone();
    let asked: HashSet<String> =
        seen.into_iter().filter_map(|seen| if let Seen::Asked(sql) = seen { Some(sql) } else { None }).collect();
    assert_eq!(asked.len(), 5, "{asked:#?}");
    for sql in asked {
        for step in plan(conn, &sql) {
            let scan = step.starts_with("SCAN") && !step.contains("VIRTUAL TABLE");
            let everything = step.starts_with("SEARCH e ") && !step.contains("webhook_deliveries_account");
            assert!(!scan && !everything && !step.contains("AUTOMATIC"), "{sql}\n{step}");
        }
    }
}

/// A day of a million payments is read in pages: each begins at its place, not at the day's beginning.
#[test]
fn a_page_of_a_day_begins_where_the_last_one_ended() {
    let store = prepared();
    let mut connection = store.connect().unwrap();
    let fact = Arc::clone(&post(&mut connection, &[payment(1, "100001")], None)[0]);
    let witness = Witness::default();
    let Link::Sqlite(conn) = &mut connection.link else { panic!("it is SQLite") };
    conn.set_instrumentation(witness.clone());
    let (date, id) = (fact.business_date, fact.id);
    let page =
        BatchPage { partner: "a".into(), from: date, through: date, after: Some((date, Id::from_bits(0))), limit: 10 };
    assert_eq!(connection.batch_page(&page).unwrap().len(), 1, "the page after a place that is before it");
    let after = BatchPage { after: Some((date, id)), ..page };
    assert!(connection.batch_page(&after).unwrap().is_empty());
    let filter = PaymentFilter {
        party: "a".into(),
        idempotency_key: None,
        collection_point: None,
        till: None,
        business_date: None,
        account_number: None,
        after: Some(id),
        limit: 10,
    };
    assert!(connection.payments(&filter).unwrap().is_empty());
    let Link::Sqlite(conn) = &mut connection.link else { panic!("it is SQLite") };
    conn.set_instrumentation(Witness::default());
    let seen = witness.0.lock().unwrap().clone();
    let asked: HashSet<String> =
        seen.into_iter().filter_map(|seen| if let Seen::Asked(sql) = seen { Some(sql) } else { None }).collect();
    let asked: Vec<String> = asked
        .into_iter()
        .filter(|sql| sql.contains("(business_date, id) >") || sql.contains("(f.business_date, f.id) >"))
        .collect();
    assert_eq!(asked.len(), 2, "{asked:#?}");
    for sql in asked {
        let steps = plan(conn, &sql);
        assert!(steps.iter().any(|step| step.contains("(business_date,id)>(?,?)")), "{sql}\n{steps:#?}");
        assert!(!steps.iter().any(|step| step.contains("TEMP B-TREE")), "{sql}\n{steps:#?}");
    }
}
