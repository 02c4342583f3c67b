//! A day at the counter: payments, reversals, sessions, deposits, reconnections.

use reqwest::Method;
use serde_json::{Value, json};

use crate::harness::*;

on_both_databases! {
    a_payment_is_taken_shown_and_taken_back(gateway) {
        gateway.bill(vec![account("000123456", "85400.00")]).await;
        let partner = gateway.caller("aliado").await;
        let answer = partner.pay("k1", &partial("000123456", "20000.00")).await;
        let payment = answer.done(201);
        let id = payment["id"].as_str().unwrap().to_owned();
        assert_eq!(answer.header("location"), format!("/v1/payments/{id}"));
        assert_eq!(payment["allocations"], json!([{
            "bill_number": "F000123456", "amount": "20000.00", "rule": "oldest_due_first",
        }]));
        assert_eq!(payment["position_after"]["payable_now"], "65400.00");
        assert_eq!(payment["session"]["count"], 1);
        assert_eq!(payment["exposure"]["used"], "20000.00");
        assert_eq!(payment["cashier_action"], "ENTREGAR_RECIBO");
        assert_eq!(partner.get("/v1/accounts/000123456").await.json()["payable_now"], "65400.00");

        let shown = partner.get(&format!("/v1/payments/{id}")).await.done(200);
        assert_eq!(shown["receipt_number"], payment["receipt_number"]);
        let found = partner.get("/v1/payments?idempotency_key=k1").await.done(200);
        assert_eq!(found["data"][0]["id"], id.as_str());
        let other = gateway.caller("otro").await;
        other.get(&format!("/v1/payments/{id}")).await.refused(404, "not-found");
        assert_eq!(other.get("/v1/payments").await.done(200)["data"], json!([]));

        let place = format!("/v1/payments/{id}/reversals");
        let reason = json!({ "reason": "wrong_amount", "supervisor": "luz" });
        other.post(&place, "r1", &reason).await.refused(404, "not-found");
        let reversal = partner.post(&place, "r1", &reason).await.done(201);
        assert_eq!(reversal["amount"], "20000.00");
        assert_eq!(reversal["cashier_action"], "DEVOLVER_DINERO");
        assert_eq!(reversal["exposure"]["used"], "0.00");
        let again = partner.post(&place, "r2", &reason).await;
        again.refused(409, "already-reversed");
        assert_eq!(again.json()["reversal_id"], reversal["id"]);
        assert_eq!(partner.get(&format!("/v1/payments/{id}")).await.json()["status"], "reversed");
        assert_eq!(partner.get("/v1/accounts/000123456").await.json()["payable_now"], "85400.00");
    }

    a_suspended_account_that_pays_is_reconnected(gateway) {
        gateway.bill(vec![suspended("000123456", "92700.00"), account("000123457", "1000.00")]).await;
        let partner = gateway.caller("aliado").await;
        let refused = partner.post("/v1/reconnections", "o1", &json!({ "account_number": "000123456" })).await;
        refused.refused(409, "reconnection-not-eligible");
        assert_eq!(refused.json()["amount_to_reconnect"], "92700.00");
        let payment = partner.pay("k1", &full("000123456", "92700.00")).await.done(201);
        let order = payment["reconnection"]["id"].as_str().unwrap().to_owned();
        let open = partner.post("/v1/reconnections", "o1", &json!({ "account_number": "000123456" })).await;
        open.refused(409, "reconnection-already-open");
        assert_eq!(open.json()["open_order"]["id"], order.as_str());
        let place = format!("/v1/payments/{}/reversals", payment["id"].as_str().unwrap());
        let reason = json!({ "reason": "wrong_amount", "supervisor": "luz" });
        partner.post(&place, "r1", &reason).await.refused(409, "reconnection-in-the-way");

        let service = gateway.caller("reconexion").await;
        let listed = service.get("/v1/reconnections?status=requested").await.done(200);
        assert_eq!(listed["data"][0]["id"], order.as_str());
        let place = format!("/v1/reconnections/{order}/status");
        service.post(&place, "s1", &json!({ "status": "failed" })).await.refused(400, "validation-failed");
        let sent = service.post(&place, "s1", &json!({ "status": "dispatched", "crew": "C-7" })).await.done(201);
        assert_eq!(sent["status"], "dispatched");
        service.post(&place, "s2", &json!({ "status": "completed" })).await.done(201);
        let refused = service.post(&place, "s3", &json!({ "status": "failed", "reason": "no" })).await;
        refused.refused(409, "transition-not-allowed");
        let shown = partner.get(&format!("/v1/reconnections/{order}")).await.done(200);
        assert_eq!(shown["status"], "completed");
        let other = gateway.caller("otro").await;
        other.get(&format!("/v1/reconnections/{order}")).await.refused(404, "not-found");
    }

    a_drawer_is_opened_counted_and_deposited(gateway) {
        gateway.bill(vec![account("000123456", "85400.00")]).await;
        let partner = gateway.caller("aliado").await;
        let open = json!({ "till": "C1", "cashier": "ana", "base": "50000.00" });
        let session = partner.post("/v1/cash-sessions", "s1", &open).await.done(201);
        let id = session["id"].as_str().unwrap().to_owned();
        partner.post("/v1/cash-sessions", "s2", &open).await.refused(409, "session-already-open");
        let payment = partner.pay("k1", &full("000123456", "85400.00")).await.done(201);
        assert_eq!(payment["session"]["id"], id.as_str());
        let count = json!({ "cashier": "ana", "denominations": [
            { "value": "50000.00", "count": 2 }, { "value": "1000.00", "count": 35 }, { "value": "200.00", "count": 1 },
        ]});
        let place = format!("/v1/cash-sessions/{id}/close");
        let close = partner.post(&place, "c1", &count).await.done(201);
        assert_eq!((&close["expected"], &close["counted"]), (&json!("135400.00"), &json!("135200.00")));
        assert_eq!(close["difference"], "-200.00");
        partner.post(&place, "c2", &count).await.refused(409, "session-closed");
        assert_eq!(partner.get(&format!("/v1/cash-sessions/{id}")).await.done(200)["close"]["id"], close["id"]);

        let slip = json!({ "slip_number": "77", "amount": "85400.00", "currency": "COP", "deposited_on": "2020-01-01", "sessions": [id] });
        let deposit = partner.post("/v1/deposits", "d1", &slip).await.done(201);
        let place = format!("/v1/deposits/{}", deposit["id"].as_str().unwrap());
        let desk = gateway.caller("mesa").await;
        let more = desk.post(&format!("{place}/verification"), "v0", &json!({ "amount": "85401.00" })).await;
        more.refused(409, "amount-exceeds-due");
        assert_eq!(more.json()["maximum"], "85400.00");
        let part = desk.post(&format!("{place}/verification"), "v1", &json!({ "amount": "80000.00" })).await.done(201);
        assert_eq!(part["outstanding"], "5400.00");
        let shown = partner.get(&place).await.done(200);
        assert_eq!(shown["verification"]["verified"], "80000.00");
        gateway.caller("otro").await.get(&place).await.refused(404, "not-found");
        desk.get(&place).await.done(200);
    }

    what_the_rules_refuse_comes_with_todays_figures(gateway) {
        gateway.bill(vec![account("000123456", "85400.00"), account("000123457", "85400.00"), with_agreement("000123458")]).await;
        let partner = gateway.caller("aliado").await;
        let tag = partner.get("/v1/accounts/000123456").await.header("etag").to_owned();
        let mismatch = partner.pay("k1", &full("000123456", "85000.00")).await;
        mismatch.refused(409, "amount-mismatch");
        assert_eq!(mismatch.json()["expected"], json!(["85400.00"]));
        assert_eq!(mismatch.json()["current"]["payable_now"], "85400.00");
        partner.pay("k2", &partial("000123456", "999.00")).await.refused(409, "amount-below-minimum");
        partner.pay("k3", &partial("000123456", "85401.00")).await.refused(409, "amount-exceeds-due");
        partner.pay("k4", &partial("000123456", "2000.50")).await.refused(400, "validation-failed");
        partner.pay("k5", &full("000999999", "1000.00")).await.refused(404, "account-not-found");
        let mut installment = full("000123458", "45000.00");
        installment["type"] = "installment".into();
        installment["agreement_id"] = "CV-9".into();
        partner.pay("k6", &installment).await.refused(409, "agreement-not-found");
        installment["agreement_id"] = "CV-1".into();
        partner.pay("k7", &installment).await.done(201);

        partner.pay("k8", &partial("000123456", "2000.00")).await.done(201);
        let twice = partner.pay("k9", &partial("000123456", "2000.00")).await;
        twice.refused(409, "possible-duplicate");
        let mut confirmed = partial("000123456", "2000.00");
        confirmed["confirm_distinct_from"] = twice.json()["earlier"]["payment_id"].clone();
        partner.pay("k10", &confirmed).await.done(201);
        let stale = partner.request(Method::POST, "/v1/payments").header("If-Match", &tag);
        let stale = stale.header("Idempotency-Key", "k11").header("content-type", "application/json");
        let stale = partner.send(stale.body(partial("000123456", "3000.00").to_string())).await;
        stale.refused(412, "position-changed");
        assert_eq!(stale.json()["current"]["payable_now"], "81400.00");
        // Nothing is kept for what was refused: the same keys do other work.
        partner.pay("k1", &full("000123457", "85400.00")).await.done(201);
        partner.pay("k12", &full("000123457", "85400.00")).await.refused(409, "nothing-due");
    }

    an_offline_batch_has_a_result_for_each(gateway) {
        gateway.bill(vec![account("000123456", "85400.00"), account("000123457", "5000.00")]).await;
        let partner = gateway.caller("aliado").await;
        let at = gateway.clock.now().plus_minutes(-30).to_string();
        let item = |key: &str, mut payment: Value| {
            payment["collected_at"] = at.as_str().into();
            json!({ "idempotency_key": key, "payment": payment })
        };
        // The first was sent while the line went down, and had come through.
        let sent = item("b1", partial("000123456", "10000.00"));
        partner.pay("b1", &sent["payment"]).await.done(201);
        let batch = json!({ "payments": [
            sent,
            item("b2", partial("000123456", "3000.00")),
            item("b3", full("000123457", "4000.00")),
            item("b4", full("000123457", "5000.00")),
        ]});
        let answer = partner.post("/v1/payments/batch", "unused", &batch).await.done(200);
        let statuses: Vec<_> = answer["results"].as_array().unwrap().iter().map(|r| r["status"].as_u64().unwrap()).collect();
        assert_eq!(statuses, [201, 201, 409, 201], "{answer}");
        assert_eq!(answer["results"][0]["replayed"], true);
        assert_eq!(answer["results"][2]["problem"]["code"], "amount-mismatch");
        // The cash is in a drawer up the river already.
        assert_eq!(answer["results"][2]["problem"]["cashier_action"], "DEVOLVER_DINERO");
        assert_eq!((answer["posted"].as_u64(), answer["rejected"].as_u64()), (Some(3), Some(1)));
        let again = partner.post("/v1/payments/batch", "unused", &batch).await.done(200);
        assert_eq!(again["results"][1]["payment"], answer["results"][1]["payment"]);
        assert_eq!(again["results"][1]["replayed"], true);
    }

    a_list_is_walked_page_by_page(gateway) {
        let accounts = (100_000..100_025).map(|number| account(&number.to_string(), "5000.00"));
        gateway.bill(accounts.collect()).await;
        let partner = gateway.caller("aliado").await;
        let mut paid = Vec::new();
        for number in 100_000..100_025 {
            let payment = partner.pay(&format!("k{number}"), &full(&number.to_string(), "5000.00")).await.done(201);
            paid.push(payment["id"].as_str().unwrap().to_owned());
        }
        let (mut seen, mut path) = (Vec::new(), "/v1/payments?limit=10&till=C1".to_owned());
        let mut pages = 0;
        loop {
            let answer = partner.get(&path).await;
            let page = answer.done(200);
            pages += 1;
            seen.extend(page["data"].as_array().unwrap().iter().map(|p| p["id"].as_str().unwrap().to_owned()));
            let Some(cursor) = page["next_cursor"].as_str() else { break };
            path = format!("/v1/payments?limit=10&till=C1&cursor={cursor}");
            assert_eq!(answer.header("link"), format!("<{path}>; rel=\"next\""));
        }
        assert_eq!((seen, pages), (paid, 3));
        let none = partner.get("/v1/payments?till=C2").await.done(200);
        assert_eq!(none["data"], json!([]));
        partner.get("/v1/payments?tlil=C2").await.refused(400, "validation-failed");
        partner.get("/v1/payments?limit=201").await.refused(400, "validation-failed");
        partner.get("/v1/payments?cursor=pay_1").await.refused(400, "validation-failed");
    }
}
