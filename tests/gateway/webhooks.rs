//! Webhooks from outside: an endpoint registered and proved, told, listed, asked again; and evidence of a cut.

use std::time::Duration;

use reqwest::Method;
use serde_json::{Value, json};

use crate::harness::*;
use crate::receiver::{Act, Receiver};

const SECRET: &str = "whsec_cmVjb25leGlvbi1kZS1wcnVlYmEtMjAyNi0xMS0yNA==";

async fn gateway(books: Books) -> Gateway {
    Gateway::with(books, |config| {
        config.webhooks.allowed_hosts = vec!["http://127.0.0.1".to_owned()];
        config.webhooks.poll_milliseconds = 20;
        config.webhooks.max_endpoints_per_party = 2;
    })
    .await
}

async fn send(caller: &Caller, method: Method, path: &str, body: &Value) -> Answer {
    let request = caller.request(method, path).header("content-type", "application/json");
    caller.send(request.body(body.to_string())).await
}

async fn until(caller: &Caller, path: &str, holds: impl Fn(&Value) -> bool) -> Value {
    for _ in 0..6_000 {
        let shown = caller.get(path).await.done(200);
        if holds(&shown) {
            return shown;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    panic!("never: {}", caller.get(path).await.text());
}

async fn walk(books: Books) {
    let gateway = gateway(books).await;
    gateway.bill(vec![suspended("000123456", "92700.00")]).await;
    let (partner, service) = (gateway.caller("aliado").await, gateway.caller("reconexion").await);
    let receiver = Receiver::start(|_, _| Act::Prove).await;
    let place = "/v1/webhook-endpoints";
    let wanted = json!({ "url": receiver.url, "secret": SECRET, "event_types": ["reconnection.requested"] });
    let endpoint = send(&service, Method::POST, place, &wanted).await.done(201);
    assert_eq!((&endpoint["status"], &endpoint["secret"]), (&json!("active"), &json!(SECRET)));
    assert_eq!(receiver.seen()[0].json()["type"], "endpoint.challenge");
    let id = endpoint["id"].as_str().unwrap();
    let shown = service.get(&format!("{place}/{id}")).await.done(200);
    assert_eq!(shown.get("secret"), None, "it is shown once");
    partner.get(&format!("{place}/{id}")).await.refused(404, "not-found");
    assert_eq!(partner.get(place).await.done(200)["data"], json!([]));

    let payment = partner.pay("k1", &full("000123456", "92700.00")).await.done(201);
    let delivered = |page: &Value| page["data"][0]["status"] == "delivered";
    let listed = until(&service, "/v1/webhook-deliveries", delivered).await;
    assert_eq!((&listed["data"][0]["seq"], &listed["data"][0]["last_status"]), (&json!(1), &json!(200)));
    let told = &receiver.seen()[1];
    assert_eq!(told.id, listed["data"][0]["id"].as_str().unwrap());
    let events = service.get("/v1/events?after_seq=0").await.done(200);
    let mut event = events["data"][0].clone();
    assert_eq!(event.as_object_mut().unwrap().remove("id"), Some(json!(told.id)));
    assert_eq!(event, told.json(), "the same as was delivered");
    assert_eq!(service.get("/v1/events?after_seq=1").await.done(200)["data"], json!([]));

    let replays = format!("{place}/{id}/replays");
    let again = send(&service, Method::POST, &replays, &json!({ "ids": [told.id] })).await.done(202);
    assert_eq!(again["replayed"], 1);
    until(&service, "/v1/webhook-deliveries?status=delivered", |page| delivered(page) && receiver.seen().len() == 3)
        .await;
    assert_eq!((&receiver.seen()[2].id, &receiver.seen()[2].body), (&told.id, &told.body));

    let evidence = service.get("/v1/accounts/000123456/cut-evidence").await.done(200);
    assert_eq!(evidence["clearings"][0]["payment_id"], payment["id"]);
    assert_eq!(evidence["clearings"][0]["type"], "reconnection.requested");
    let notice = &evidence["clearings"][0]["notices"][0];
    assert_eq!((&notice["party"], &notice["status"]), (&json!("reconexion"), &json!("delivered")));
    assert!(notice["acknowledged_at"].is_string() && evidence["reported_cut"]["as_of"].is_string());
    partner.get("/v1/accounts/000123456/cut-evidence").await.refused(403, "scope-missing");
    assert_eq!(evidence["cuts"], json!([]));
    cuts_are_evidence(&gateway, &service, &partner).await;
    gateway.stop().await;
}

async fn cuts_are_evidence(gateway: &Gateway, service: &Caller, partner: &Caller) {
    let cuts = "/v1/accounts/000123456/cuts";
    let made = gateway.clock.now().plus_minutes(-1);
    let report = json!({ "at": made, "crew": "C-7" });
    let cut = service.post(cuts, "c1", &report).await.done(201);
    assert_eq!((&cut["at"], &cut["crew"], &cut["reported_by"]), (&json!(made), &json!("C-7"), &json!("reconexion")));
    assert!(cut["id"].as_str().unwrap().starts_with("cut_"), "{cut}");
    let again = service.post(cuts, "c1", &report).await;
    assert_eq!((again.header("idempotency-replayed"), again.done(201)), ("true", cut.clone()));
    service.post(cuts, "c1", &json!({})).await.refused(422, "idempotency-key-reused");
    let ahead = json!({ "at": gateway.clock.now().plus_minutes(5) });
    let operator = gateway.caller("mesa").await;
    let second = operator.post(cuts, "c1", &ahead).await.done(201);
    assert_eq!(second["at"], second["recorded_at"], "nothing is reported before it happens");
    let evidence = service.get("/v1/accounts/000123456/cut-evidence").await.done(200);
    assert_eq!(evidence["cuts"], json!([second, cut]), "latest first, as they were answered");
    service.post("/v1/accounts/000999999/cuts", "c2", &json!({})).await.refused(404, "account-not-found");
    let wrong = service.post(cuts, "c3", &json!({ "at": "ayer", "crew": "" })).await;
    assert_eq!(wrong.pointers(), ["/at", "/crew"]);
    partner.post(cuts, "c4", &json!({})).await.refused(403, "scope-missing");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_endpoint_is_told_listed_asked_again_and_gives_evidence_on_sqlite() {
    walk(Books::Sqlite).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_endpoint_is_told_listed_asked_again_and_gives_evidence_on_postgres() {
    walk(Books::Postgres).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_endpoint_has_to_prove_itself_and_secrets_are_rotated() {
    let gateway = gateway(Books::Sqlite).await;
    let (partner, other) = (gateway.caller("aliado").await, gateway.caller("otro").await);
    let receiver = Receiver::start(|_, _| Act::Answer(401)).await;
    let place = "/v1/webhook-endpoints";
    let pending = send(&partner, Method::POST, place, &json!({ "url": receiver.url })).await.done(201);
    assert_eq!(pending["status"], "pending");
    assert!(pending["disabled_reason"].as_str().unwrap().contains("401"), "{pending}");
    assert!(pending["event_types"].as_array().unwrap().contains(&json!("payment.posted")));
    let twice = send(&partner, Method::POST, place, &json!({ "url": receiver.url })).await;
    twice.refused(409, "webhook-endpoint-exists");
    let own = format!("{place}/{}", pending["id"].as_str().unwrap());
    let active = json!({ "status": "active" });
    send(&partner, Method::PATCH, &own, &active).await.refused(409, "webhook-not-proved");
    send(&other, Method::PATCH, &own, &active).await.refused(404, "not-found");
    receiver.now(|_, _| Act::Prove);
    let proved = send(&partner, Method::PATCH, &own, &active).await.done(200);
    assert_eq!((&proved["status"], proved.get("disabled_reason")), (&json!("active"), None));

    let rotated = send(&partner, Method::PATCH, &own, &json!({ "rotate_secret": true })).await.done(200);
    assert!(rotated["secret"].is_string() && rotated["secret"] != pending["secret"]);
    gateway.bill(vec![account("000123456", "85400.00")]).await;
    partner.pay("k1", &partial("000123456", "20000.00")).await.done(201);
    until(&partner, "/v1/webhook-deliveries", |page| page["data"][0]["status"] == "delivered").await;
    let told = receiver.seen().last().unwrap().clone();
    for secret in [&rotated["secret"], &pending["secret"]] {
        let public = standardwebhooks::Webhook::new(secret.as_str().unwrap()).unwrap();
        let signature = public.sign(&told.id, told.timestamp, told.body.as_bytes()).unwrap();
        assert!(told.signature.split(' ').any(|one| one == signature), "both sign");
    }
    let receivers = [Receiver::good().await, Receiver::good().await];
    send(&partner, Method::POST, place, &json!({ "url": receivers[0].url })).await.done(201);
    let third = send(&partner, Method::POST, place, &json!({ "url": receivers[1].url })).await;
    third.refused(409, "webhook-endpoints-full");
    partner.get("/v1/events").await.refused(400, "validation-failed");
    assert_eq!(send(&partner, Method::DELETE, &own, &json!({})).await.status, 204);
    partner.get(&own).await.refused(404, "not-found");
    gateway.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn addresses_and_events_that_are_not_for_the_caller_are_refused() {
    let gateway = gateway(Books::Sqlite).await;
    let service = gateway.caller("reconexion").await;
    for url in ["http://10.0.0.1/", "https://169.254.169.254/latest", "https://localhost/", "ftp://example.com/", "x"] {
        let answer = send(&service, Method::POST, "/v1/webhook-endpoints", &json!({ "url": url })).await;
        answer.refused(400, "validation-failed");
        assert_eq!(answer.pointers(), ["/url"], "{url}");
    }
    let wrong = json!({ "url": "https://example.com/", "event_types": ["payment.posted", "nada"], "secret": "whsec_" });
    let answer = send(&service, Method::POST, "/v1/webhook-endpoints", &wrong).await;
    assert_eq!(answer.pointers(), ["/event_types/0", "/event_types/1", "/secret"]);
    service.get("/v1/events").await.refused(404, "not-found");
    service.get("/v1/webhook-deliveries?estado=dead").await.refused(400, "validation-failed");
    gateway.stop().await;
}
