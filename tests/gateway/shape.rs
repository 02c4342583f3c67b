//! Requests that have the wrong shape, the wrong size, or no end.

use std::sync::Arc;
use std::time::Duration;

use reqwest::Method;
use rustls_pki_types::ServerName;
use serde_json::json;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;

use crate::harness::*;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn everything_that_is_wrong_is_told_at_once() {
    let gateway = Gateway::start(Books::Sqlite).await;
    let partner = gateway.caller("aliado").await;
    let answer = partner
        .pay(
            "k1",
            &json!({
                "account_number": "12", "type": "all", "amount": 85400, "currency": "USD", "tender": "shells",
                "till": "C 1", "cashier": " ana", "collected_at": "2026-11-24", "parnter_reference": "A-1",
                "confirm_distinct_from": "pay_1", "agreement_id": "",
            }),
        )
        .await;
    answer.refused(400, "validation-failed");
    assert_eq!(
        answer.pointers(),
        [
            "/account_number",
            "/agreement_id",
            "/amount",
            "/cashier",
            "/collected_at",
            "/confirm_distinct_from",
            "/currency",
            "/parnter_reference",
            "/tender",
            "/till",
            "/type",
        ]
    );
    let missing = partner.pay("k1", &json!({})).await;
    assert_eq!(
        missing.pointers(),
        ["/account_number", "/amount", "/cashier", "/currency", "/tender", "/till", "/type"]
    );
    let batch = json!({ "payments": [{ "idempotency_key": "a b", "payment": full("000123456", "1.00") }, { "x": 1 }] });
    let batch = partner.post("/v1/payments/batch", "unused", &batch).await;
    assert_eq!(
        batch.pointers(),
        [
            "/payments/0/idempotency_key",
            "/payments/0/payment/collected_at",
            "/payments/1/idempotency_key",
            "/payments/1/payment",
            "/payments/1/x",
        ]
    );
    let alone = partner.pay("k1", &full("12", "1000.00")).await;
    alone.refused(400, "account-number-invalid");
    gateway.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn money_has_one_form() {
    let gateway = Gateway::start(Books::Sqlite).await;
    let partner = gateway.caller("aliado").await;
    for amount in
        ["-1.00", "+1.00", "1e3", "1_0", "1.", ".5", "1.234", " 1", "1,00", "٣", "", "0", "0.00", "100000000000"]
    {
        let answer = partner.pay("k1", &partial("000123456", amount)).await;
        answer.refused(400, "validation-failed");
        assert_eq!(answer.pointers(), ["/amount"], "{amount}");
    }
    gateway.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_the_framework_refuses_is_a_problem_too() {
    let gateway = Gateway::start(Books::Sqlite).await;
    let partner = gateway.caller("aliado").await;
    let post = |content: &str, body: String| {
        let request = partner.request(Method::POST, "/v1/payments").header("Idempotency-Key", "k1");
        partner.send(request.header("content-type", content.to_owned()).body(body))
    };
    let good = full("000123456", "1000.00").to_string();
    for body in ["", "{", "nonsense", "[1]", "{\"a\":1}{", "{\"till\":\"a\",\"till\":\"b\"}"] {
        let answer = post("application/json", body.to_owned()).await;
        answer.refused(400, "validation-failed");
        assert!(!answer.pointers().is_empty(), "{}", answer.text());
    }
    post("text/plain", good.clone()).await.refused(415, "unsupported-media-type");
    post("application/json", format!("{{\"x\":\"{}\"}}", "a".repeat(70_000))).await.refused(413, "body-too-large");
    post("application/json; charset=utf-8", good.clone()).await.refused(404, "account-not-found");
    let packed = partner.request(Method::POST, "/v1/payments").header("Idempotency-Key", "k1");
    let packed = packed.header("content-type", "application/json").header("content-encoding", "gzip").body(good);
    partner.send(packed).await.refused(415, "unsupported-media-type");

    partner.get("/nowhere").await.refused(404, "not-found");
    partner.get("/v1/payments/pay_1").await.refused(404, "not-found");
    let method = partner.send(partner.request(Method::PUT, "/v1/payments")).await;
    method.refused(405, "method-not-allowed");
    assert_eq!(method.header("allow"), "POST, GET");
    let html = partner.request(Method::GET, "/v1/payments").header("accept", "text/html");
    partner.send(html).await.refused(406, "not-acceptable");
    let several = partner.request(Method::GET, "/v1/payments").header("accept", "text/html, application/*;q=0.5");
    partner.send(several).await.done(200);
    gateway.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_body_that_does_not_come_frees_its_line() {
    let gateway = Gateway::with(Books::Sqlite, |config| config.server.body_timeout_seconds = 1).await;
    let token = gateway.caller("aliado").await.token.unwrap();
    let connector = TlsConnector::from(Arc::new(gateway.tls("aliado")));
    let mut lines = Vec::new();
    for key in 0..20 {
        let tcp = TcpStream::connect(gateway.running().address).await.unwrap();
        let mut line = connector.connect(ServerName::try_from("localhost").unwrap(), tcp).await.unwrap();
        let head = format!(
            "POST /v1/payments HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {token}\r\nIdempotency-Key: k{key}\r\n\
             Content-Type: application/json\r\nContent-Length: 100\r\n\r\n{{\"type\":"
        );
        line.write_all(head.as_bytes()).await.unwrap();
        lines.push(line);
    }
    for mut line in lines {
        let mut answer = Vec::new();
        // To the end: the gateway says why, and hangs up.
        let read = tokio::time::timeout(Duration::from_secs(60), line.read_to_end(&mut answer)).await;
        read.expect("the line is held").ok();
        let answer = String::from_utf8_lossy(&answer).into_owned();
        assert!(answer.starts_with("HTTP/1.1 408"), "{answer}");
        assert!(answer.contains("request-timeout"), "{answer}");
    }
    gateway.stop().await;
}
