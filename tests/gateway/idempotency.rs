//! One key, one effect: what a lost answer, an impatient cashier and a wrong program do.

use serde_json::{Value, json};

use crate::harness::*;

on_both_databases! {
    a_repeated_call_gets_the_same_bytes(gateway) {
        gateway.bill(vec![account("000123456", "85400.00")]).await;
        let partner = gateway.caller("aliado").await;
        let body = partial("000123456", "20000.00");
        let first = partner.pay("k1", &body).await;
        first.done(201);
        // From another point of the partner, later, with its members in another order.
        gateway.clock.advance_minutes(9);
        let form = "grant_type=client_credentials&client_id=aliado&collection_point=aliado-02";
        let elsewhere = gateway.caller_with("aliado", form).await;
        let again = elsewhere.pay("k1", &body).await;
        assert_eq!((again.status, &again.body), (201, &first.body));
        assert_eq!(again.header("idempotency-replayed"), "true");
        assert_eq!(first.header("idempotency-replayed"), "");
        assert_eq!(again.header("location"), first.header("location"));
        // The key is the party's: another one may have the same.
        gateway.caller("otro").await.pay("k1", &full("000123456", "65400.00")).await.done(201);
        // Even when nothing is due any more, the lost answer is found again.
        assert_eq!(partner.pay("k1", &body).await.body, first.body);
        let other_key = partner.pay("k2", &full("000123456", "65400.00")).await;
        other_key.refused(409, "nothing-due");
    }

    a_key_with_any_member_changed_is_refused(gateway) {
        gateway.bill(vec![account("000123456", "85400.00"), account("000123457", "85400.00")]).await;
        let partner = gateway.caller("aliado").await;
        let mut body = partial("000123456", "20000.00");
        body["partner_reference"] = "A-1".into();
        body["collected_at"] = gateway.clock.now().to_string().into();
        partner.pay("k1", &body).await.done(201);
        let changes = [
            ("account_number", json!("000123457")),
            ("amount", json!("20001.00")),
            ("type", json!("full")),
            ("tender", json!("transfer")),
            ("till", json!("C2")),
            ("cashier", json!("eva")),
            ("partner_reference", json!("A-2")),
            ("partner_reference", Value::Null),
            ("collected_at", json!(gateway.clock.now().plus_minutes(-1).to_string())),
            ("confirm_distinct_from", json!("pay_01k6y3b5wqe7h8m2n4p6r8t0v2")),
        ];
        for (member, value) in changes {
            let mut changed = body.clone();
            changed[member] = value;
            let refused = partner.pay("k1", &changed).await;
            refused.refused(422, "idempotency-key-reused");
            assert_eq!(refused.json()["cashier_action"], "LLAMAR_MESA", "{member}");
        }
        let reason = json!({ "reason": "wrong_amount", "supervisor": "luz" });
        let place = partner.get("/v1/payments").await.json()["data"][0]["id"].as_str().unwrap().to_owned();
        let reversal = partner.post(&format!("/v1/payments/{place}/reversals"), "k1", &reason).await;
        reversal.refused(422, "idempotency-key-reused");
        assert_eq!(partner.get("/v1/payments").await.json()["data"].as_array().unwrap().len(), 1);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_call_that_moves_money_has_a_key_that_is_one() {
    let gateway = Gateway::start(Books::Sqlite).await;
    gateway.bill(vec![account("000123456", "85400.00")]).await;
    let partner = gateway.caller("aliado").await;
    let request = || {
        let request = partner.request(reqwest::Method::POST, "/v1/payments");
        request.header("content-type", "application/json").body(full("000123456", "85400.00").to_string())
    };
    partner.send(request()).await.refused(400, "idempotency-key-missing");
    for key in ["", "\"\"", "\"a b\"", "\"a", "a\"b"] {
        partner.send(request().header("Idempotency-Key", key)).await.refused(400, "validation-failed");
    }
    let twice = request().header("Idempotency-Key", "k1").header("Idempotency-Key", "k2");
    partner.send(twice).await.refused(400, "validation-failed");
    partner.send(request().header("Idempotency-Key", "k\u{e9}")).await.refused(400, "validation-failed");
    partner.send(request().header("Idempotency-Key", "\"k1\"")).await.done(201);
    let bare = partner.send(request().header("Idempotency-Key", "k1")).await;
    assert_eq!(bare.header("idempotency-replayed"), "true");
    gateway.stop().await;
}
