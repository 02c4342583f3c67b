//! Receipts as a partner takes them: forms, the same bytes, counted copies, signatures; signed closes.

use recaudo::auth::keys::PublicKeys;
use recaudo::receipts::verify_text;
use reqwest::Method;
use serde_json::{Value, json};

use crate::harness::*;

async fn receipt(partner: &Caller, id: &str, accept: &str) -> Answer {
    let request = partner.request(Method::GET, &format!("/v1/payments/{id}/receipt")).header("accept", accept);
    partner.send(request).await
}

async fn copy(partner: &Caller, id: &str, key: &str) -> Answer {
    let request = partner.request(Method::POST, &format!("/v1/payments/{id}/receipt-copies"));
    partner.send(request.header("idempotency-key", key).header("accept", "text/plain; width=32")).await
}

on_both_databases! {
    a_receipt_is_the_same_in_every_form_every_time(gateway) {
        gateway.bill(vec![account("000123456", "85400.00")]).await;
        let partner = gateway.caller("aliado").await;
        let paid = partner.pay("k1", &full("000123456", "85400.00")).await.done(201);
        let id = paid["id"].as_str().unwrap();
        for (accept, width) in [("text/plain; width=32", 32), ("text/plain", 42), ("text/plain; width=48", 48)] {
            let first = receipt(&partner, id, accept).await;
            assert_eq!(first.status, 200, "{}", first.text());
            assert!(first.text().lines().all(|line| line.len() <= width && line.is_ascii()), "{}", first.text());
            assert!(first.text().contains("000123456") && first.text().contains("MAR*** GOM***"));
            assert!(!first.text().contains("PEREZ"), "the full name stands on it");
            assert_eq!(receipt(&partner, id, accept).await.body, first.body);
        }
        assert!(receipt(&partner, id, "text/html").await.text().contains("<svg"));
        assert!(receipt(&partner, id, "application/pdf").await.body.starts_with(b"%PDF-"));
        receipt(&partner, id, "image/png").await.refused(406, "not-acceptable");
        let jwks = partner.get("/.well-known/jwks.json").await.text();
        let signed = receipt(&partner, id, "application/jose").await.text();
        let claims = verify_text(&signed, &jwks).unwrap();
        assert_eq!(claims.account_number, "000123456");
        assert_eq!(claims.amount.to_string(), "85400.00");
        let spoilt = signed.replacen('a', "b", 1);
        assert!(spoilt == signed || verify_text(&spoilt, &jwks).is_err());
        let other = gateway.caller("otro").await;
        receipt(&other, id, "text/plain").await.refused(404, "not-found");
    }

    copies_are_counted_and_a_reversed_payment_says_so(gateway) {
        gateway.bill(vec![account("000123456", "85400.00")]).await;
        let partner = gateway.caller("aliado").await;
        let paid = partner.pay("k1", &full("000123456", "85400.00")).await.done(201);
        let id = paid["id"].as_str().unwrap();
        let first = copy(&partner, id, "c1").await;
        assert!(first.status == 200 && first.text().contains("COPIA 1"), "{}", first.text());
        assert_eq!(copy(&partner, id, "c1").await.body, first.body, "the same key is the same copy");
        assert!(copy(&partner, id, "c2").await.text().contains("COPIA 2"));
        assert!(!receipt(&partner, id, "text/plain").await.text().contains("COPIA"));
        let body = json!({"reason": "wrong_amount", "supervisor": "S1"});
        partner.post(&format!("/v1/payments/{id}/reversals"), "r1", &body).await.done(201);
        assert!(receipt(&partner, id, "text/plain").await.text().contains("ANULADO"));
        copy(&gateway.caller("otro").await, id, "c1").await.refused(404, "not-found");
    }

    a_close_is_signed_over_totals_and_chain(gateway) {
        gateway.bill(vec![account("000123456", "85400.00")]).await;
        let partner = gateway.caller("aliado").await;
        let opened = json!({"till": "C1", "cashier": "ana", "base": "50000.00"});
        let session = partner.post("/v1/cash-sessions", "o1", &opened).await.done(201);
        let paid = partner.pay("k1", &full("000123456", "85400.00")).await.done(201);
        assert_eq!(paid["session"]["id"], session["id"]);
        let place = format!("/v1/cash-sessions/{}", session["id"].as_str().unwrap());
        let open = partner.get(&place).await.done(200);
        assert_eq!((&open["status"], &open["session"]["chain"]), (&json!("open"), &paid["session"]["chain"]));
        let counted = json!({"cashier": "ana", "denominations": [{"value": "50000.00", "count": 2}, {"value": "1000.00", "count": 35}]});
        let close = partner.post(&format!("{place}/close"), "x1", &counted).await.done(201);
        assert_eq!((&close["expected"], &close["difference"]), (&json!("135400.00"), &json!("-400.00")));
        let keys = PublicKeys::from_jwks(&partner.get("/.well-known/jwks.json").await.text()).unwrap();
        let claims: Value = keys.verify("cash-session-close+jws", close["signed"].as_str().unwrap()).unwrap();
        assert_eq!((&claims["chain"], &claims["total"]), (&paid["session"]["chain"], &json!("85400.00")));
        let again = partner.post(&format!("{place}/close"), "x1", &counted).await;
        assert_eq!(again.json(), close, "told again, byte for byte");
        partner.pay("k2", &partial("000123456", "1000.00")).await.refused(409, "nothing-due");
    }
}
