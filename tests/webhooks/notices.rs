//! What is told of a reconciliation: once, with what is new in it.

use recaudo::domain::command::PartyKind;
use recaudo::domain::ids::Id;
use recaudo::domain::money::Money;
use recaudo::reconciliation::matcher::{Inputs, Tolerance, reconcile};
use recaudo::reconciliation::record::LedgerPayment;
use recaudo::reconciling::keep::{keep_run, portions};
use recaudo::store::{DeliveryStatus, RunKind, RunRecord};
use serde_json::{Value, json};

use crate::books::*;
use crate::desk::*;
use crate::receiver::Receiver;

on_both! {
    a_reconciliation_is_told_once_with_what_is_new_in_it
}

/// The gateway has this many payments, the partner's list none.
fn run(id: u128, payments: i64) -> RunRecord {
    let payment = |number: i64| LedgerPayment {
        payment_id: Id::from_bits(u128::from(number.unsigned_abs())),
        receipt_number: format!("R-{number}"),
        idempotency_key: format!("k{number}").as_str().into(),
        partner_reference: None,
        account_number: "000123456".into(),
        amount: Money::from_pesos(1_000 + number),
        business_date: day("2026-11-24"),
        recorded_at: at(MORNING),
        collection_point: "a-01".into(),
        till: "C1".to_owned(),
        reversed: None,
        offline_credit: false,
    };
    let payments: Vec<_> = (1..=payments).map(payment).collect();
    let party = "a".into();
    let result = reconcile(
        &Inputs {
            party: &party,
            from: day("2026-11-24"),
            to: day("2026-11-24"),
            as_of: day("2026-11-25"),
            payments: &payments,
            partner_rows: Some(&[]),
            deposits: &[],
            bank_rows: None,
        },
        &Tolerance::default(),
    );
    RunRecord {
        id: Id::from_bits(id << 64 | 0xabc),
        kind: RunKind::Partner,
        inputs_hash: format!("inputs {id}"),
        file_hash: "file".to_owned(),
        result,
        created_at: at(MORNING),
        asked_by: "a".into(),
    }
}

async fn keep(desk: &Desk, run: &RunRecord) {
    for portion in portions(run) {
        desk.write(move |connection| connection.keep_breaks(&portion)).await;
    }
    let run = run.clone();
    desk.write(move |connection| keep_run(connection, &run)).await;
}

async fn a_reconciliation_is_told_once_with_what_is_new_in_it(books: &Books) {
    let desk = Desk::open(books).await;
    let (own, other) = (Receiver::good().await, Receiver::good().await);
    let endpoint = desk.endpoint("a", PartyKind::Partner, &own).await;
    desk.endpoint("b", PartyKind::Partner, &other).await;
    let dispatcher = desk.dispatcher();
    // Nothing is wrong; then 60 differences; the same again; and one more.
    for (id, payments) in [(1, 0), (2, 60), (2, 60), (3, 61), (4, 61)] {
        keep(&desk, &run(id, payments)).await;
    }
    let told = |all: &[recaudo::store::WebhookDelivery]| {
        all.len() == 6 && all.iter().all(|one| one.status == DeliveryStatus::Delivered)
    };
    desk.until(endpoint, told).await;
    dispatcher.stop().await;
    let of = |kind: &str, run: u128| -> Option<Value> {
        let id = Id::from_bits(run << 64 | 0xabc).with_prefix("rcn");
        let told = own.seen().iter().map(|seen| seen.json()).collect::<Vec<_>>();
        let mut fitting = told.into_iter().filter(|one| one["type"] == kind && one["data"]["reconciliation_id"] == *id);
        let found = fitting.next().map(|mut event| event["data"].take());
        assert_eq!(fitting.next(), None, "once");
        found
    };
    for (run, differences, opened) in [(1, 0, 0), (2, 60, 60), (3, 61, 1), (4, 61, 0)] {
        let completed = of("reconciliation.completed", run).unwrap();
        let expected = json!({
            "reconciliation_id": completed["reconciliation_id"], "partner": "a", "file": "partner",
            "from": "2026-11-24", "to": "2026-11-24", "differences": differences, "opened": opened,
        });
        assert_eq!(completed, expected);
    }
    assert_eq!((of("break.opened", 1), of("break.opened", 4)), (None, None));
    let many = of("break.opened", 2).unwrap();
    assert_eq!((&many["opened"], &many["breaks_left_out"]), (&json!(60), &json!(10)));
    assert_eq!(many["breaks"].as_array().unwrap().len(), 50);
    let one = of("break.opened", 3).unwrap();
    assert_eq!((&one["opened"], one.get("breaks_left_out")), (&json!(1), None));
    let found = &one["breaks"][0];
    assert!(found["id"].as_str().unwrap().starts_with("brk_"), "{found}");
    let expected = json!({
        "id": found["id"], "cause": "only_here", "owner": found["owner"], "amount_at_stake": "1061.00",
        "account_number": "000123456",
    });
    assert_eq!(*found, expected);
    assert!(other.seen().is_empty(), "nobody else's");
    desk.close().await;
}
