//! Many at once, and lines that break.

use std::collections::BTreeSet;
use std::sync::Arc;

use futures_util::future::join_all;
use rustls_pki_types::ServerName;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;

use crate::harness::*;

/// Rounds in which fifty lines bring one key.
const ROUNDS: usize = 200;
/// Lines that are cut.
const CUTS: usize = 1_000;
/// As many of them at once.
const AT_ONCE: usize = 8;

on_both_databases! {
    fifty_lines_with_one_key_are_one_payment_in_every_round(gateway) {
        let number = |round: usize| format!("{}", 300_000 + round);
        gateway.bill((0..ROUNDS).map(|round| account(&number(round), "85400.00")).collect()).await;
        let token = gateway.caller("aliado").await.token;
        let callers = (0..50).map(|_| Caller { token: token.clone(), ..gateway.stranger("aliado") });
        let callers: Vec<Caller> = callers.collect();
        for round in 0..ROUNDS {
            let (key, body) = (format!("k{round}"), full(&number(round), "85400.00"));
            let answers = join_all(callers.iter().map(|caller| caller.pay(&key, &body))).await;
            for answer in &answers {
                answer.done(201);
            }
            let bodies: BTreeSet<_> = answers.iter().map(|answer| &answer.body).collect();
            assert_eq!(bodies.len(), 1, "round {round}");
            let fresh = answers.iter().filter(|answer| answer.header("idempotency-replayed").is_empty()).count();
            assert_eq!(fresh, 1, "round {round}");
        }
        let payments = callers[0].get("/v1/payments?limit=200").await.json();
        assert!(payments["next_cursor"].is_null());
        let paid: BTreeSet<_> = payments["data"].as_array().unwrap().iter().map(|paid| paid["account_number"].to_string()).collect();
        assert_eq!((payments["data"].as_array().unwrap().len(), paid.len()), (ROUNDS, ROUNDS));
    }

    a_line_that_is_cut_anywhere_leaves_one_payment_behind(gateway) {
        gateway.bill((0..CUTS).map(|cut| account(&cut_account(cut), "5000.00")).collect()).await;
        let partner = gateway.caller("aliado").await;
        let connector = TlsConnector::from(Arc::new(gateway.tls("aliado")));
        let address = gateway.running().address;
        let lines = (0..AT_ONCE).map(|line| {
            let (partner, connector) = (&partner, &connector);
            async move {
                for cut in (line..CUTS).step_by(AT_ONCE) {
                    cut_and_retry(partner, connector, address, cut).await;
                }
            }
        });
        join_all(lines).await;
        let mut paid = BTreeSet::new();
        let mut page = partner.get("/v1/payments?limit=200").await.json();
        loop {
            let payments = page["data"].as_array().unwrap();
            paid.extend(payments.iter().map(|payment| (payment["account_number"].to_string(), payment["id"].to_string())));
            let Some(next) = page["next_cursor"].as_str() else { break };
            page = partner.get(&format!("/v1/payments?limit=200&cursor={next}")).await.json();
        }
        let accounts: BTreeSet<&String> = paid.iter().map(|(account, _)| account).collect();
        assert_eq!((paid.len(), accounts.len()), (CUTS, CUTS), "one payment an account, none twice");
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

fn cut_account(cut: usize) -> String {
    format!("{}", 200_000 + cut)
}

/// Sends a payment, cuts the line somewhere, and asks again with the same key.
async fn cut_and_retry(partner: &Caller, connector: &TlsConnector, address: std::net::SocketAddr, cut: usize) {
    let body = full(&cut_account(cut), "5000.00");
    let text = body.to_string();
    let request = format!(
        "POST /v1/payments HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {}\r\nIdempotency-Key: k{cut}\r\n\
         Content-Type: application/json\r\nContent-Length: {}\r\n\r\n{text}",
        partner.token.as_ref().unwrap(),
        text.len()
    );
    let draw = (cut as u64 + 7).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    // A quarter of them inside the request, the others after it, half of those with a part of the answer.
    let sent = if draw >> 33 & 3 == 0 { (draw >> 40) as usize % request.len() } else { request.len() };
    let tcp = TcpStream::connect(address).await.unwrap();
    let mut line = connector.connect(ServerName::try_from("localhost").unwrap(), tcp).await.unwrap();
    line.write_all(&request.as_bytes()[..sent]).await.unwrap();
    line.flush().await.unwrap();
    if sent == request.len() && draw >> 50 & 1 == 0 {
        _ = line.read(&mut [0; 16]).await;
    }
    drop(line);
    partner.pay(&format!("k{cut}"), &body).await.done(201);
    let found = partner.get(&format!("/v1/payments?account_number={}", cut_account(cut))).await.json();
    assert_eq!(found["data"].as_array().unwrap().len(), 1);
}
