//! The published contract is what the code does, and explains itself.

use std::collections::BTreeSet;
use std::path::Path;

use recaudo::http::ROUTES;
use recaudo::http::openapi::document;
use recaudo::http::problem_texts::CATALOGUE;
use reqwest::Method;
use serde_json::Value;

use crate::harness::*;

#[test]
fn the_contract_is_published_as_it_is() {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("openapi/gateway.json");
    let published = std::fs::read_to_string(file).unwrap();
    assert!(published == document(), "write openapi/gateway.json anew with: recaudo openapi");
}

#[test]
fn every_route_is_in_the_contract_and_nothing_else() {
    let contract: Value = serde_json::from_str(&document()).unwrap();
    let mut described = BTreeSet::new();
    for (path, operations) in contract["paths"].as_object().unwrap() {
        for (method, operation) in operations.as_object().unwrap() {
            described.insert(format!("{} {path}", method.to_ascii_uppercase()));
            for (status, response) in operation["responses"].as_object().unwrap() {
                assert!(response["description"].as_str().is_some_and(|text| !text.is_empty()), "{path} {status}");
            }
            let locks = operation["security"].as_array().unwrap();
            assert!(locks.iter().all(|lock| lock["mutual_tls"].is_array()), "{path} is open without a certificate");
        }
    }
    let mounted: BTreeSet<_> = ROUTES.iter().map(|route| format!("{} {}", route.method, route.path)).collect();
    assert_eq!(described, mounted);
}

#[test]
fn what_the_contract_refers_to_is_there() {
    fn walk(value: &Value, schemas: &Value) {
        match value {
            Value::Object(members) => {
                if let Some(name) = members.get("$ref").and_then(Value::as_str) {
                    let name = name.rsplit('/').next().unwrap();
                    assert!(schemas[name].is_object(), "{name} is not described");
                }
                members.values().for_each(|member| walk(member, schemas));
            }
            Value::Array(items) => items.iter().for_each(|item| walk(item, schemas)),
            _ => {}
        }
    }
    let contract: Value = serde_json::from_str(&document()).unwrap();
    walk(&contract, &contract["components"]["schemas"]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_problem_explains_itself() {
    let gateway = Gateway::start(Books::Sqlite).await;
    let partner = gateway.caller("aliado").await;
    for entry in CATALOGUE {
        let path = format!("/problems/{}", entry.code);
        let spanish = partner.get(&path).await.done(200);
        assert_eq!((&spanish["code"], &spanish["title"]), (&entry.code.into(), &entry.es.0.into()));
        let english = partner.request(Method::GET, &path).header("accept-language", "en").header("accept", "text/html");
        let page = partner.send(english).await;
        assert!(page.text().contains(entry.en.1) && page.header("content-type").starts_with("text/html"));
    }
    partner.get("/problems/no-such-code").await.refused(404, "not-found");
    gateway.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_gateway_says_who_it_is_and_who_is_calling() {
    let gateway = Gateway::start(Books::Sqlite).await;
    let partner = gateway.caller("aliado").await;
    let metadata = partner.get("/.well-known/oauth-authorization-server").await.done(200);
    assert_eq!(metadata["token_endpoint"], "https://localhost:8443/oauth2/token");
    assert_eq!(metadata["tls_client_certificate_bound_access_tokens"], true);
    let keys = partner.get("/.well-known/jwks.json").await.done(200);
    assert_eq!(keys["keys"][0]["crv"], "Ed25519");
    let me = partner.get("/v1/whoami").await.done(200);
    assert_eq!((&me["party"], &me["kind"]), (&"aliado".into(), &"partner".into()));
    assert_eq!(me["collection_points"][1]["id"], "aliado-02");
    assert_eq!(partner.get("/heartbeat").await.done(200)["service_status"], "available");
    assert_eq!(partner.get("/openapi.json").await.text(), document());

    let operations = |path: &str| format!("http://{}{path}", gateway.running().operations_address);
    assert_eq!(reqwest::get(operations("/livez")).await.unwrap().status(), 200);
    assert_eq!(reqwest::get(operations("/readyz")).await.unwrap().status(), 200);
    let measures = reqwest::get(operations("/metrics")).await.unwrap().text().await.unwrap();
    assert!(measures.contains("recaudo_requests_total{"), "{measures}");
    assert!(measures.contains("route=\"/v1/whoami\""), "{measures}");
    gateway.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_gateway_that_stops_answers_what_it_was_asked() {
    let gateway = Gateway::start(Books::Sqlite).await;
    gateway.bill((0..40).map(|number| account(&format!("{}", 300_000 + number), "5000.00")).collect()).await;
    let partner = std::sync::Arc::new(gateway.caller("aliado").await);
    let payments: Vec<_> = (0..40)
        .map(|number| {
            let partner = std::sync::Arc::clone(&partner);
            let body = full(&format!("{}", 300_000 + number), "5000.00");
            tokio::spawn(async move { partner.pay(&format!("k{number}"), &body).await.status })
        })
        .collect();
    // While they are under way, answers begin to close their connections; none is cut off.
    gateway.running().edge.drain();
    for payment in payments {
        assert_eq!(payment.await.unwrap(), 201);
    }
    let last = partner.get("/v1/payments").await;
    assert_eq!(last.header("connection"), "close");
    gateway.stop().await;
}
