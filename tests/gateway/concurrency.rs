//! Many at once, and lines that break.

use std::collections::BTreeSet;
use std::sync::Arc;

use futures_util::future::join_all;
use rustls_pki_types::ServerName;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;

use crate::harness::*;

/// Lines that are cut.
const CUTS: usize = 150;

on_both_databases! {
    fifty_lines_with_one_key_are_one_payment(gateway) {
        gateway.bill(vec![account("000123456", "85400.00")]).await;
        let token = gateway.caller("aliado").await.token;
        let callers = (0..50).map(|_| Caller { token: token.clone(), ..gateway.stranger("aliado") });
        let callers: Vec<Caller> = callers.collect();
        let body = full("000123456", "85400.00");
        let answers = join_all(callers.iter().map(|caller| caller.pay("k1", &body))).await;
        for answer in &answers {
            answer.done(201);
        }
        let bodies: BTreeSet<_> = answers.iter().map(|answer| &answer.body).collect();
        assert_eq!(bodies.len(), 1);
        let fresh = answers.iter().filter(|answer| answer.header("idempotency-replayed").is_empty()).count();
        assert_eq!(fresh, 1);
        assert_eq!(callers[0].get("/v1/payments").await.json()["data"].as_array().unwrap().len(), 1);
    }

    twenty_keys_race_for_one_debt(gateway) {
        gateway.bill(vec![account("000123456", "85400.00")]).await;
        let partner = gateway.caller("aliado").await;
        let body = full("000123456", "85400.00");
        let answers = join_all((0..20).map(|key| {
            let (partner, body) = (&partner, &body);
            async move { partner.pay(&format!("k{key}"), body).await }
        }))
        .await;
        assert_eq!(answers.iter().filter(|answer| answer.status == 201).count(), 1);
        for answer in answers.iter().filter(|answer| answer.status != 201) {
            answer.refused(409, "nothing-due");
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_line_that_is_cut_anywhere_leaves_one_payment_behind() {
    let gateway = Gateway::start(Books::Sqlite).await;
    let number = |cut: usize| format!("{}", 200_000 + cut);
    gateway.bill((0..CUTS).map(|cut| account(&number(cut), "5000.00")).collect()).await;
    let partner = gateway.caller("aliado").await;
    let connector = TlsConnector::from(Arc::new(gateway.tls("aliado")));
    let address = gateway.running().address;
    let mut draw = 7u64;
    for cut in 0..CUTS {
        let body = full(&number(cut), "5000.00");
        let text = body.to_string();
        let request = format!(
            "POST /v1/payments HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {}\r\nIdempotency-Key: k{cut}\r\n\
             Content-Type: application/json\r\nContent-Length: {}\r\n\r\n{text}",
            partner.token.as_ref().unwrap(),
            text.len()
        );
        draw = draw.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        // A third of them inside the request, the others after it, some with a part of the answer.
        let sent = if draw >> 33 & 3 == 0 { (draw >> 40) as usize % request.len() } else { request.len() };
        let tcp = TcpStream::connect(address).await.unwrap();
        let mut line = connector.connect(ServerName::try_from("localhost").unwrap(), tcp).await.unwrap();
        line.write_all(&request.as_bytes()[..sent]).await.unwrap();
        line.flush().await.unwrap();
        if sent == request.len() && draw >> 50 & 1 == 0 {
            _ = line.read(&mut [0; 16]).await;
        }
        drop(line);
        let answer = partner.pay(&format!("k{cut}"), &body).await;
        answer.done(201);
        let found = partner.get(&format!("/v1/payments?account_number={}", number(cut))).await.json();
        assert_eq!(found["data"].as_array().unwrap().len(), 1);
    }
    let last = partner.get("/v1/payments?limit=200").await.json();
    let payments = last["data"].as_array().unwrap();
    assert_eq!(payments.len(), CUTS);
    assert_eq!(payments[CUTS - 1]["session"]["count"], CUTS);
    gateway.stop().await;
}
