//! Looking accounts up.

use crate::harness::*;

on_both_databases! {
    an_account_is_shown_masked_with_what_may_be_paid(gateway) {
        gateway.bill(vec![suspended("000123456", "92700.00"), with_agreement("000123457")]).await;
        let partner = gateway.caller("aliado").await;
        let answer = partner.get("/v1/accounts/000123456").await;
        let position = answer.done(200);
        assert_eq!(position["holder"], "JOS*** GOM***");
        assert!(!answer.text().contains("LUIS"));
        assert_eq!(position["service"]["status"], "suspended");
        assert_eq!(position["payable_now"], "92700.00");
        assert_eq!(position["payment_options"][0], json!({ "type": "full", "amount": "92700.00" }));
        assert_eq!(position["payment_options"][1]["type"], "partial");
        assert_eq!(position["reconnection"]["amount_to_reconnect"], "92700.00");
        assert_eq!(position["reconnection"]["eligible"], false);
        let tag = answer.header("etag").to_owned();
        assert_eq!(tag, format!("\"{}\"", position["position_version"].as_str().unwrap()));

        let again = partner.request(Method::GET, "/v1/accounts/000123456").header("If-None-Match", &tag);
        let again = partner.send(again).await;
        assert_eq!((again.status, again.body.len()), (304, 0));
        let other = partner.request(Method::GET, "/v1/accounts/000123456").header("If-None-Match", "\"0\"");
        partner.send(other).await.done(200);

        let agreement = partner.get("/v1/accounts/000123457").await.done(200);
        assert_eq!(agreement["payment_options"][0]["amounts"], json!(["45000.00", "90000.00"]));
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_no_account_is_told_apart_from_what_does_not_exist() {
    let gateway = Gateway::start(Books::Sqlite).await;
    let partner = gateway.caller("aliado").await;
    partner.get("/v1/accounts/000000001").await.refused(404, "account-not-found");
    for number in ["12345", "1234567890123", "12345a", "%20123456", "123456%00"] {
        partner.get(&format!("/v1/accounts/{number}")).await.refused(400, "account-number-invalid");
    }
    let english = partner.request(Method::GET, "/v1/accounts/000000001").header("Accept-Language", "en");
    assert_eq!(partner.send(english).await.json()["title"], "Account not found");
    gateway.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn guessing_account_numbers_ends_soon_and_for_one_party_only() {
    let gateway = Gateway::with(Books::Sqlite, |config| config.limits.unknown_accounts_per_minute = 3).await;
    gateway.bill(vec![account("000123456", "85400.00")]).await;
    let (partner, other) = (gateway.caller("aliado").await, gateway.caller("otro").await);
    for number in 1..=3 {
        partner.get(&format!("/v1/accounts/00000000{number}")).await.refused(404, "account-not-found");
    }
    let limited = partner.get("/v1/accounts/000123456").await;
    limited.refused(429, "rate-limited");
    assert_eq!(limited.header("retry-after"), "20");
    assert_eq!(limited.header("ratelimit-policy"), "\"unknown-accounts\";q=3;w=60");
    other.get("/v1/accounts/000123456").await.done(200);
    gateway.clock.advance_minutes(1);
    partner.get("/v1/accounts/000123456").await.done(200);
    gateway.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_party_that_calls_too_often_waits() {
    let gateway = Gateway::with(Books::Sqlite, |config| config.limits.requests_per_minute = 4).await;
    let partner = gateway.caller("aliado").await;
    for left in (0..3).rev() {
        let answer = partner.get("/v1/whoami").await;
        answer.done(200);
        assert!(answer.header("ratelimit").starts_with(&format!("\"requests\";r={left};")), "{:?}", answer.headers);
    }
    partner.get("/v1/whoami").await.refused(429, "rate-limited");
    gateway.stop().await;
}

use reqwest::Method;
use serde_json::json;
