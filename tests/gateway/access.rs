//! Everything that can be called, as every kind of party, against a table that people read.

use std::fmt::Write;
use std::path::Path;

use recaudo::auth::policy::{Scope, kind_word};
use recaudo::http::ROUTES;
use reqwest::Method;

use crate::harness::*;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_route_is_open_to_whom_the_table_says() {
    let gateway = Gateway::start(Books::Sqlite).await;
    let mut callers = vec![("unregistered".to_owned(), gateway.stranger("desconocido"))];
    callers.push(("no token".to_owned(), gateway.stranger("aliado")));
    for (name, kind) in PARTIES.iter().filter(|(name, _)| *name != "otro") {
        callers.push((kind_word(*kind).to_owned(), gateway.caller(name).await));
    }
    let mut table = String::from("# Route: who is let in. Everybody else is refused with 401 or 403.\n");
    for route in ROUTES {
        let mut open = Vec::new();
        for (name, caller) in &callers {
            let path = route.path.replace("{account_number}", "000123456").replace("{code}", "internal");
            let path = path.replace("{id}", "x");
            let method = Method::from_bytes(route.method.as_str().as_bytes()).unwrap();
            let answer = caller.send(caller.request(method, &path)).await;
            if !matches!(answer.status, 401 | 403) {
                open.push(name.as_str());
            }
        }
        writeln!(table, "{:<4} {:<42} {}", route.method.as_str(), route.path, open.join(", ")).unwrap();
    }
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/gateway/access_matrix.txt");
    if std::env::var_os("RECAUDO_WRITE_ACCESS_MATRIX").is_some() {
        std::fs::write(&file, &table).unwrap();
    }
    assert_eq!(table, std::fs::read_to_string(file).unwrap());
    gateway.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_route_opens_to_its_own_scopes_only() {
    let gateway = Gateway::start(Books::Sqlite).await;
    for (name, kind) in PARTIES.iter().filter(|(name, _)| *name != "otro") {
        for scope in Scope::of_kind(*kind) {
            let point = if kind_word(*kind) == "partner" { "&collection_point=aliado-01" } else { "" };
            let form = format!("grant_type=client_credentials&client_id={name}&scope={}{point}", scope.as_str());
            let caller = gateway.caller_with(name, &form).await;
            for route in ROUTES {
                let recaudo::http::Access::AnyOf(scopes) = route.access else { continue };
                let path = route.path.replace("{account_number}", "000123456").replace("{id}", "x");
                let method = Method::from_bytes(route.method.as_str().as_bytes()).unwrap();
                let answer = caller.send(caller.request(method, &path)).await;
                let told = format!("{} {path} with {}: {}", route.method, scope.as_str(), answer.text());
                assert_eq!(answer.code() != "scope-missing", scopes.contains(&scope), "{told}");
            }
        }
    }
    gateway.stop().await;
}
