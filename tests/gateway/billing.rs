//! Billing at the edge: a file is sent and asked after, a day is sealed and taken.

use std::time::Duration;

use recaudo::domain::policy::PartnerSettings;
use reqwest::Method;
use serde_json::{Value, json};

use crate::harness::*;

/// A file of accounts with a bill of this balance.
fn feed(id: &str, as_of: &str, through: Value, accounts: &[(&str, &str)]) -> String {
    let head = json!({"snapshot": {"id": id, "kind": "full", "as_of": as_of, "currency": "COP",
        "collections_included_through": through}});
    let lines = accounts.iter().map(|(number, balance)| serde_json::to_string(&account(number, balance)).unwrap());
    std::iter::once(head.to_string()).chain(lines).map(|line| line + "\n").collect()
}

async fn send(billing: &Caller, query: &str, body: impl Into<reqwest::Body>) -> Answer {
    let request = billing.request(Method::POST, &format!("/v1/billing/snapshots{query}"));
    billing.send(request.header("content-type", "application/jsonl").body(body)).await
}

/// Asks after a file until it is done.
async fn ended(billing: &Caller, sent: &Answer) -> Value {
    let place = format!("/v1/billing/snapshots/{}", sent.done(202)["id"].as_str().unwrap());
    assert_eq!(sent.header("location"), place);
    loop {
        let view = billing.get(&place).await.done(200);
        match view["status"].as_str() {
            Some("checking" | "loading") => tokio::time::sleep(Duration::from_millis(20)).await,
            _ if view.get("result").is_none() => tokio::time::sleep(Duration::from_millis(20)).await,
            _ => return view,
        }
    }
}

async fn from_bill_to_file(books: Books) {
    let folder = tempfile::tempdir().unwrap();
    let spool = folder.path().join("spool");
    let gateway = Gateway::with(books, |config| {
        config.billing.spool = spool;
        config.billing.automatic_seal = false;
    })
    .await;
    let files = json!({"asobancaria": {"nit": "890500514-9", "entity_code": 901, "gln": "7709998000018",
        "account": "12345678901", "account_type": 1, "reference": {"last_digits": 9}}});
    let settings = PartnerSettings { files, ..PartnerSettings::default() };
    gateway.write(move |connection| connection.set_party_settings(&"aliado".into(), &settings)).await;
    let (billing, partner) = (gateway.caller("facturacion").await, gateway.caller("aliado").await);
    let now = gateway.clock.now();
    let accounts = [("000123456", "85400.00"), ("000123457", "20000.00")];

    let first = feed("first", &now.to_string(), json!({"aliado": null}), &accounts);
    let view = ended(&billing, &send(&billing, "", first.clone()).await).await;
    assert_eq!((view["status"].as_str(), view["snapshot"].as_str()), (Some("loaded"), Some("first")));
    assert_eq!(view["result"]["accounts_read"], 2);
    let again = ended(&billing, &send(&billing, "?format=jsonl", first).await).await;
    assert_eq!(again["result"]["outcome"], "already_loaded");
    assert_eq!(billing.get("/v1/billing/snapshots/first").await.done(200)["status"], "loaded");
    partner.pay("k1", &full("000123456", "85400.00")).await.done(201);

    let date = gateway.running().edge.policy.business_date(now).to_string();
    let seal =
        |date: &str| billing.request(Method::POST, &format!("/v1/collection-batches/{date}/seal?partner=aliado"));
    let sealed = billing.send(seal(&date)).await.done(201);
    let batch = sealed["data"][0].clone();
    assert_eq!((batch["count"].as_i64(), batch["total"].as_str()), (Some(1), Some("85400.00")));
    assert_eq!(billing.send(seal(&date)).await.done(200)["data"][0], batch);
    let ahead = billing.send(seal("2099-01-01")).await;
    ahead.refused(409, "batch-not-sealable");
    assert_eq!(ahead.json()["sealable_through"], date.as_str());
    billing.send(seal("2099-02-30")).await.refused(400, "validation-failed");
    assert_eq!(billing.get("/v1/collection-batches?partner=aliado").await.done(200)["data"], json!([batch]));
    assert_eq!(billing.get("/v1/collection-batches?partner=otro").await.done(200)["data"], json!([]));

    let id = batch["id"].as_str().unwrap();
    for (format, length) in
        [("", 162 * 5 + 10), ("?format=csv", 0), ("?format=jsonl", 0), ("?format=adjustments-csv", 0)]
    {
        let path = format!("/v1/collection-batches/{id}/file{format}");
        let (one, two) = (billing.get(&path).await, billing.get(&path).await);
        assert_eq!((one.status, &one.body), (200, &two.body), "{format}");
        assert_eq!(one.header("etag"), two.header("etag"));
        assert!(one.header("repr-digest").starts_with("sha-256=:"));
        assert!(length == 0 || one.body.len() == length, "{}", one.text());
        let known = billing.request(Method::GET, &path).header("if-none-match", one.header("etag"));
        assert_eq!(billing.send(known).await.status, 304);
    }
    billing.get(&format!("/v1/collection-batches/{id}/file?format=xml")).await.refused(400, "validation-failed");
    billing.get("/v1/collection-batches/bat_01k6y3b5wqe7h8m2n4p6r8t0v2/file").await.refused(404, "not-found");

    // Billing has applied the batch: the debt is gone from the file, and the payment counts no more.
    let second = feed("second", &now.plus_minutes(1).to_string(), json!({"aliado": id}), &accounts[1..]);
    let view = ended(&billing, &send(&billing, "?accept_shrink=true", second).await).await;
    assert_eq!(view["result"]["included_through"]["aliado"], date.as_str(), "{view}");
    partner.get("/v1/accounts/000123456").await.refused(404, "account-not-found");
    assert_eq!(partner.get("/v1/accounts/000123457").await.done(200)["total_due"], "20000.00");
    gateway.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn from_bill_to_file_on_sqlite() {
    from_bill_to_file(Books::Sqlite).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn from_bill_to_file_on_postgres() {
    from_bill_to_file(Books::Postgres).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_file_that_is_refused_says_why() {
    let folder = tempfile::tempdir().unwrap();
    let spool = folder.path().join("spool");
    let kept = spool.clone();
    let gateway = Gateway::with(Books::Sqlite, |config| {
        config.billing.spool = spool;
        config.billing.max_upload_bytes = 4096;
    })
    .await;
    let billing = gateway.caller("facturacion").await;
    let now = gateway.clock.now().to_string();
    let broken = feed("broken", &now, json!({}), &[("000123456", "85400.00")]).replace("\"85400.00\"", "85400.00");
    let view = ended(&billing, &send(&billing, "", broken).await).await;
    assert_eq!((view["status"].as_str(), view["result"]["code"].as_str()), (Some("refused"), Some("faults")));
    let fault = &view["result"]["faults"][0];
    assert_eq!((fault["line"].as_i64(), fault["pointer"].as_str()), (Some(2), Some("/bills/0/balance")));
    let view = ended(&billing, &send(&billing, "", "nothing of the kind").await).await;
    assert_eq!(view["result"]["code"], "unreadable");

    send(&billing, "?format=xml", "x").await.refused(400, "validation-failed");
    send(&billing, "?x=1", "x").await.refused(400, "validation-failed");
    send(&billing, "", vec![b'x'; 10_000]).await.refused(413, "body-too-large");
    let pdf =
        billing.request(Method::POST, "/v1/billing/snapshots").header("content-type", "application/pdf").body("x");
    billing.send(pdf).await.refused(415, "unsupported-media-type");
    billing.get("/v1/billing/snapshots/nobody").await.refused(404, "not-found");
    billing.get("/v1/billing/snapshots/imp_01k6y3b5wqe7h8m2n4p6r8t0v2").await.refused(404, "not-found");
    assert_eq!(std::fs::read_dir(kept).unwrap().count(), 0, "nothing is left on disk");
    gateway.stop().await;
}
