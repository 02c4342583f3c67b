//! Outcomes that are not known in time, queues that are full, and what happens unasked.

use std::sync::mpsc;
use std::time::Duration;

use recaudo::app::upkeep;
use serde_json::json;

use crate::harness::*;

/// Holds the writer until the sender is dropped.
fn hold(gateway: &Gateway) -> mpsc::Sender<()> {
    let (release, held) = mpsc::channel::<()>();
    let (holding, holds) = mpsc::channel::<()>();
    let posting = gateway.running().edge.posting.clone();
    tokio::spawn(async move {
        let job = move |_: &mut recaudo::store::Connection| {
            _ = holding.send(());
            _ = held.recv();
            Ok(())
        };
        _ = posting.write("hold", job).await;
    });
    tokio::task::block_in_place(|| holds.recv().unwrap());
    release
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_outcome_that_is_not_known_in_time_is_processing_and_never_failed() {
    let gateway = Gateway::with(Books::Sqlite, |config| config.server.answer_timeout_seconds = 1).await;
    gateway.bill(vec![account("000123456", "85400.00")]).await;
    let partner = gateway.caller("aliado").await;
    let release = hold(&gateway);
    let body = full("000123456", "85400.00");
    let answer = partner.pay("k/1", &body).await;
    let processing = answer.done(202);
    assert_eq!((&processing["status"], &processing["retry"]), (&"processing".into(), &"same-key".into()));
    assert_eq!(processing["cashier_action"], "ESPERAR_Y_CONSULTAR");
    assert_eq!(answer.header("location"), "/v1/payments?idempotency_key=k%2F1");
    assert_eq!(partner.get(answer.header("location")).await.done(200)["data"], json!([]));
    drop(release);
    let known = async {
        loop {
            let again = partner.pay("k/1", &body).await;
            if again.status != 202 {
                return again;
            }
        }
    };
    let known = tokio::time::timeout(Duration::from_secs(60), known).await.unwrap();
    let payment = known.done(201);
    assert_eq!(known.header("idempotency-replayed"), "true");
    let found = partner.get(answer.header("location")).await.done(200);
    assert_eq!(found["data"][0]["id"], payment["id"]);
    gateway.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_full_queue_refuses_and_executes_nothing() {
    let change = |config: &mut recaudo::config::Config| {
        config.posting.queue = 1;
        config.server.answer_timeout_seconds = 1;
    };
    let gateway = Gateway::with(Books::Sqlite, change).await;
    gateway.bill((0..20).map(|number| account(&format!("{}", 400_000 + number), "5000.00")).collect()).await;
    let partner = gateway.caller("aliado").await;
    let release = hold(&gateway);
    let (mut refused, mut waiting) = (Vec::new(), 0);
    for number in 0..20 {
        let body = full(&format!("{}", 400_000 + number), "5000.00");
        let answer = partner.pay(&format!("k{number}"), &body).await;
        match answer.status {
            202 => waiting += 1,
            _ => {
                answer.refused(503, "queue-full");
                assert_eq!(answer.header("retry-after"), "1");
                assert_eq!(answer.json()["cashier_action"], "REPETIR_MISMA_LLAVE");
                refused.push((number, body));
            }
        }
        if !refused.is_empty() {
            break;
        }
    }
    assert!(waiting >= 1 && !refused.is_empty(), "{waiting} wait");
    drop(release);
    for (number, body) in refused {
        let key = format!("k{number}");
        let mut answer = partner.pay(&key, &body).await;
        while matches!(answer.status, 202 | 503) {
            answer = partner.pay(&key, &body).await;
        }
        answer.done(201);
    }
    gateway.stop().await;
}

on_both_databases! {
    what_nobody_did_is_done_or_announced_once(gateway) {
        gateway.bill(vec![suspended("000123456", "92700.00")]).await;
        let partner = gateway.caller("aliado").await;
        let payment = partner.pay("k1", &full("000123456", "92700.00")).await.done(201);
        let upkeep = upkeep(&gateway.running().edge);
        assert_eq!(upkeep.scan().await.unwrap(), 0);
        gateway.clock.advance_minutes(25 * 60);
        assert_eq!(upkeep.scan().await.unwrap(), 2, "a drawer left open, and an order that is late");
        assert_eq!(upkeep.scan().await.unwrap(), 0);
        let partner = gateway.caller("aliado").await;
        let session = payment["session"]["id"].as_str().unwrap();
        let session = partner.get(&format!("/v1/cash-sessions/{session}")).await.done(200);
        assert_eq!(session["close"]["unattended"], true);
    }
}
