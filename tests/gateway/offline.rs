//! What a point takes while its line is down is bounded in sum, and slips are declared once.

use serde_json::{Value, json};

use crate::harness::*;

fn codes(answer: &Value) -> Vec<String> {
    let word = |result: &Value| match result["problem"]["code"].as_str() {
        Some(code) => format!("{code} {}", result["problem"]["cashier_action"].as_str().unwrap()),
        None => result["status"].to_string(),
    };
    answer["results"].as_array().unwrap().iter().map(word).collect()
}

on_both_databases! {
    the_floor_limit_bounds_the_sum_within_a_batch_and_beyond_it(gateway) {
        // The harness gives each point a floor limit of a million.
        let number = |ordinal: usize| format!("{:09}", 100_000 + ordinal);
        gateway.bill((0..8).map(|ordinal| account(&number(ordinal), "900000.00")).collect()).await;
        let partner = gateway.caller("aliado").await;
        let at = gateway.clock.now().plus_minutes(-30).to_string();
        let item = |ordinal: usize, amount: &str, tender: &str| {
            let mut payment = partial(&number(ordinal), amount);
            payment["collected_at"] = at.as_str().into();
            payment["tender"] = tender.into();
            json!({ "idempotency_key": format!("f{ordinal}"), "payment": payment })
        };
        let batch = json!({ "payments": [
            item(0, "600000.00", "cash"),
            item(1, "500000.00", "cash"),
            item(2, "800000.00", "transfer"),
            item(3, "300000.00", "cash"),
        ]});
        let answer = partner.post("/v1/payments/batch", "unused", &batch).await.done(200);
        assert_eq!(codes(&answer), ["201", "offline-limit-reached DEVOLVER_DINERO", "201", "201"]);
        let more = json!({ "payments": [item(4, "100100.00", "cash")] });
        let refused = partner.post("/v1/payments/batch", "unused", &more).await.done(200);
        assert_eq!(codes(&refused), ["offline-limit-reached DEVOLVER_DINERO"]);
        assert_eq!(refused["results"][0]["problem"]["limit"], "1000000.00");
        // Another point has a limit of its own, and a payment at the counter does not count.
        let form = "grant_type=client_credentials&client_id=aliado&collection_point=aliado-02";
        let second = gateway.caller_with("aliado", form).await;
        let there = json!({ "payments": [item(5, "900000.00", "cash")] });
        assert_eq!(codes(&second.post("/v1/payments/batch", "unused", &there).await.done(200)), ["201"]);
        partner.pay("k1", &partial(&number(6), "900000.00")).await.done(201);
        // What is taken back is given back.
        let id = answer["results"][0]["payment"]["id"].as_str().unwrap();
        let reason = json!({ "reason": "wrong_amount", "supervisor": "luz" });
        partner.post(&format!("/v1/payments/{id}/reversals"), "r1", &reason).await.done(201);
        let answer = partner.post("/v1/payments/batch", "unused", &json!({ "payments": [
            item(4, "100100.00", "cash"), item(7, "600000.00", "cash"),
        ]})).await.done(200);
        assert_eq!(codes(&answer), ["201", "offline-limit-reached DEVOLVER_DINERO"]);
    }

    a_slip_is_declared_once_under_any_race(gateway) {
        let partner = gateway.caller("aliado").await;
        let today = gateway.clock.now().plus_minutes(-300).to_string()[..10].to_owned();
        let slip = |number: &str| json!({
            "slip_number": number, "amount": "1250000.00", "currency": "COP", "deposited_on": today,
        });
        let declared = partner.post("/v1/deposits", "d1", &slip("A-1")).await.done(201);
        assert_eq!(partner.post("/v1/deposits", "d1", &slip("A-1")).await.done(201), declared, "told again");
        let again = partner.post("/v1/deposits", "d2", &slip("a-1")).await;
        again.refused(409, "deposit-already-declared");
        assert_eq!(again.json()["deposit_id"], declared["id"]);
        partner.post("/v1/deposits", "d2", &slip("A-2")).await.done(201);
        gateway.caller("otro").await.post("/v1/deposits", "d1", &slip("A-1")).await.done(201);
        let mut unknown = slip("A-3");
        unknown["sessions"] = json!(["ses_01k6y3b5wqe7h8m2n4p6r8t0v2"]);
        partner.post("/v1/deposits", "d3", &unknown).await.refused(404, "not-found");

        let at_once = (0..12).map(|ordinal| {
            let (partner, body) = (&partner, slip("A-4"));
            async move { partner.post("/v1/deposits", &format!("race-{ordinal}"), &body).await }
        });
        let answers = futures_util::future::join_all(at_once).await;
        let done: Vec<_> = answers.iter().filter(|answer| answer.status == 201).collect();
        assert_eq!(done.len(), 1);
        for refused in answers.iter().filter(|answer| answer.status != 201) {
            refused.refused(409, "deposit-already-declared");
            assert_eq!(refused.json()["deposit_id"], done[0].json()["id"]);
        }
    }

    a_deposit_gives_room_back_to_the_points_whose_sessions_it_names(gateway) {
        gateway.bill((0..3).map(|n| account(&format!("{:09}", 100_000 + n), "85400.00")).collect()).await;
        let partner = gateway.caller("aliado").await;
        let form = "grant_type=client_credentials&client_id=aliado&collection_point=aliado-02";
        let second = gateway.caller_with("aliado", form).await;
        let one = partner.pay("k1", &partial("000100000", "30000.00")).await.done(201);
        let two = second.pay("k2", &partial("000100001", "10000.00")).await.done(201);
        let session = |payment: &Value| payment["session"]["id"].as_str().unwrap().to_owned();
        let close = format!("/v1/cash-sessions/{}/close", session(&one));
        partner.post(&close, "c1", &json!({ "cashier": "ana", "denominations": [] })).await.done(201);
        let today = gateway.clock.now().plus_minutes(-300).to_string()[..10].to_owned();
        let slip = json!({
            "slip_number": "B-1", "amount": "40000.00", "currency": "COP", "deposited_on": today,
            "sessions": [session(&one), session(&two)],
        });
        let declared = second.post("/v1/deposits", "d1", &slip).await.done(201);
        assert_eq!(declared["credits"], json!([
            { "collection_point": "aliado-01", "amount": "30000.00" },
            { "collection_point": "aliado-02", "amount": "10000.00" },
        ]));
        let place = format!("/v1/deposits/{}/verification", declared["id"].as_str().unwrap());
        let shown = json!({ "amount": "20000.00" });
        gateway.caller("mesa").await.post(&place, "v1", &shown).await.done(201);
        let store = gateway.store.clone();
        let held = tokio::task::spawn_blocking(move || {
            let scopes = ["party/aliado", "point/aliado-01", "point/aliado-02"].map(str::to_owned);
            let held = store.connect().unwrap().exposures(&scopes).unwrap();
            scopes.map(|scope| held[&scope].to_string())
        }).await.unwrap();
        assert_eq!(held, ["20000.00", "15000.00", "5000.00"]);
    }
}
