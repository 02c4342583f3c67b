//! Who must not get in, tried.

use std::sync::Arc;
use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use recaudo::auth::certificate::CertificateFacts;
use recaudo::auth::policy::Scope;
use recaudo::auth::token::{Claims, Grant};
use rustls_pki_types::ServerName;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;

use crate::harness::*;

const LOOKUP: &str = "/v1/accounts/000123456";

async fn prepared() -> Gateway {
    let gateway = Gateway::start(Books::Sqlite).await;
    gateway.bill(vec![account("000123456", "85400.00")]).await;
    gateway
}

/// The claims of a token for the partner's own certificate.
fn claims(gateway: &Gateway, certificate_of: &str, party: &str, scopes: &[Scope]) -> Claims {
    let thumbprint = CertificateFacts::from_der(&gateway.identity(certificate_of).der).unwrap().thumbprint_text();
    let point = format!("{party}-01");
    let grant = Grant { party, scopes, collection_point: Some(&point), thumbprint: &thumbprint, minutes: 10 };
    gateway.running().edge.tokens.claims(grant, gateway.clock.now(), gateway.clock.id())
}

fn sign(gateway: &Gateway, claims: &Claims) -> Option<String> {
    gateway.running().edge.tokens.sign(claims, gateway.clock.now()).ok()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn without_a_certificate_there_is_no_conversation() {
    let gateway = prepared().await;
    let authority = std::fs::read(gateway.path().join("certs/ca.crt")).unwrap();
    let mut roots = rustls::RootCertStore::empty();
    for certificate in rustls_pki_types::pem::PemObject::pem_slice_iter(&authority) {
        roots.add(certificate.unwrap()).unwrap();
    }
    let tls = rustls::ClientConfig::builder().with_root_certificates(roots).with_no_client_auth();
    let http = reqwest::Client::builder().tls_backend_preconfigured(tls).no_proxy().build().unwrap();
    for path in ["/heartbeat", "/v1/whoami", "/problems/internal", "/nowhere"] {
        assert!(http.get(format!("{}{path}", gateway.url)).send().await.is_err(), "{path}");
    }
    gateway.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_certificate_of_the_authority_that_nobody_registered_opens_nothing() {
    let gateway = prepared().await;
    let stranger = gateway.stranger("desconocido");
    stranger.get("/v1/whoami").await.refused(401, "certificate-not-registered");
    stranger.get(LOOKUP).await.refused(401, "certificate-not-registered");
    let form = "grant_type=client_credentials&client_id=aliado&collection_point=aliado-01";
    stranger.token(form).await.refused(401, "certificate-not-registered");
    stranger.get("/heartbeat").await.done(200);
    gateway.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_token_serves_nobody_but_its_party_on_its_certificate() {
    let gateway = prepared().await;
    let (mut partner, mut other) = (gateway.caller("aliado").await, gateway.caller("otro").await);
    std::mem::swap(&mut partner.token, &mut other.token);
    partner.get(LOOKUP).await.refused(401, "certificate-mismatch");
    other.get(LOOKUP).await.refused(401, "certificate-mismatch");
    // Bound to this certificate, and made out to somebody else.
    partner.token = sign(&gateway, &claims(&gateway, "aliado", "otro", &[Scope::AccountsRead]));
    partner.get(LOOKUP).await.refused(401, "certificate-mismatch");
    // Made out to this party, and bound to another certificate.
    partner.token = sign(&gateway, &claims(&gateway, "otro", "aliado", &[Scope::AccountsRead]));
    partner.get(LOOKUP).await.refused(401, "certificate-mismatch");
    partner.token = sign(&gateway, &claims(&gateway, "aliado", "aliado", &[Scope::AccountsRead]));
    partner.get(LOOKUP).await.done(200);
    gateway.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_token_that_is_late_forged_or_too_narrow_is_refused() {
    let gateway = prepared().await;
    let mut partner = gateway.caller("aliado").await;
    let good = partner.token.clone().unwrap();
    let parts: Vec<&str> = good.split('.').collect();
    let header = String::from_utf8(URL_SAFE_NO_PAD.decode(parts[0]).unwrap()).unwrap();
    let none = URL_SAFE_NO_PAD.encode(header.replace("EdDSA", "none"));
    let claims_text = String::from_utf8(URL_SAFE_NO_PAD.decode(parts[1]).unwrap()).unwrap();
    let richer = URL_SAFE_NO_PAD.encode(claims_text.replace("accounts:read", "accounts:read admin"));
    for forged in [
        format!("{none}.{}.", parts[1]),
        format!("{none}.{}.{}", parts[1], parts[2]),
        format!("{}.{richer}.{}", parts[0], parts[2]),
        format!("{}.{}.{}", parts[0], parts[1], parts[2].chars().rev().collect::<String>()),
        "nonsense".to_owned(),
    ] {
        partner.token = Some(forged);
        let refused = partner.get(LOOKUP).await;
        refused.refused(401, "token-invalid");
        assert!(refused.header("www-authenticate").starts_with("Bearer"), "{:?}", refused.headers);
    }
    partner.token = None;
    partner.get(LOOKUP).await.refused(401, "token-invalid");
    let mut elsewhere = claims(&gateway, "aliado", "aliado", &[Scope::AccountsRead]);
    elsewhere.aud = "https://other.example".to_owned();
    partner.token = sign(&gateway, &elsewhere);
    partner.get(LOOKUP).await.refused(401, "token-invalid");
    // A scope that its kind of party may never have is worth nothing, even signed by us.
    partner.token = sign(&gateway, &claims(&gateway, "aliado", "aliado", &[Scope::Admin]));
    partner.get(LOOKUP).await.refused(403, "scope-missing");
    let place = "/v1/deposits/dep_01k6y3b5wqe7h8m2n4p6r8t0v2/verification";
    partner.post(place, "k", &serde_json::json!({ "amount": "1.00" })).await.refused(403, "scope-missing");
    partner.token = Some(good);
    partner.get(LOOKUP).await.done(200);
    gateway.clock.advance_minutes(10);
    partner.get(LOOKUP).await.refused(401, "token-invalid");
    gateway.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_token_is_given_for_what_is_ones_own() {
    let gateway = prepared().await;
    let partner = gateway.stranger("aliado");
    let form = |rest: &str| format!("grant_type=client_credentials&{rest}");
    let mine = "client_id=aliado&collection_point=aliado-01";
    let granted = partner.token(&form(&format!("{mine}&scope=accounts:read"))).await.done(200);
    assert_eq!((&granted["scope"], &granted["expires_in"]), (&"accounts:read".into(), &600.into()));
    for (form, status, code, error) in [
        (form("client_id=otro&collection_point=otro-01"), 401, "certificate-mismatch", "invalid_client"),
        (form("client_id=aliado&collection_point=otro-01"), 403, "collection-point-suspended", "unauthorized_client"),
        (form("client_id=aliado"), 400, "token-request-invalid", "invalid_request"),
        (form("collection_point=aliado-01"), 400, "token-request-invalid", "invalid_request"),
        (form(&format!("{mine}&client_id=aliado")), 400, "token-request-invalid", "invalid_request"),
        (form(&format!("{mine}&scope=admin")), 400, "token-request-invalid", "invalid_scope"),
        (form(&format!("{mine}&scope=everything")), 400, "token-request-invalid", "invalid_scope"),
        (format!("grant_type=password&{mine}"), 400, "token-request-invalid", "unsupported_grant_type"),
    ] {
        let refused = partner.token(&form).await;
        refused.refused(status, code);
        assert_eq!(refused.json()["error"], error, "{form}");
    }
    gateway.stop().await;
}

/// Waits until what is asked holds, as long as a loaded machine may take.
async fn until<F: Future<Output = bool>>(mut holds: impl FnMut() -> F) {
    let waiting = async {
        while !holds().await {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(60), waiting).await.expect("it never came to hold");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_revoked_certificate_is_out_on_the_connection_that_it_opened() {
    let gateway = prepared().await;
    let token = gateway.caller("aliado").await.token.unwrap();
    let connector = TlsConnector::from(Arc::new(gateway.tls("aliado")));
    let tcp = TcpStream::connect(gateway.running().address).await.unwrap();
    let mut line = connector.connect(ServerName::try_from("localhost").unwrap(), tcp).await.unwrap();
    let request = format!("GET {LOOKUP} HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {token}\r\n\r\n");
    line.write_all(request.as_bytes()).await.unwrap();
    assert!(answered(&mut line).await.starts_with("HTTP/1.1 200"));

    let thumbprint = CertificateFacts::from_der(&gateway.identity("aliado").der).unwrap().thumbprint_text();
    let now = gateway.clock.now();
    assert!(gateway.write(move |connection| connection.revoke_certificate(&thumbprint, now)).await);
    let renewed = Arc::new(tokio::sync::Mutex::new(line));
    until(|| {
        let (line, request) = (Arc::clone(&renewed), request.clone());
        async move {
            let mut line = line.lock().await;
            line.write_all(request.as_bytes()).await.unwrap();
            answered(&mut *line).await.starts_with("HTTP/1.1 401")
        }
    })
    .await;
    gateway.caller("otro").await.get(LOOKUP).await.done(200);
    gateway.stop().await;
}

/// One answer on a connection that stays open.
async fn answered(line: &mut (impl AsyncReadExt + Unpin)) -> String {
    let mut text = Vec::new();
    loop {
        let mut piece = [0; 4096];
        let read = line.read(&mut piece).await.unwrap();
        text.extend_from_slice(&piece[..read]);
        let so_far = String::from_utf8_lossy(&text).into_owned();
        let Some((head, body)) = so_far.split_once("\r\n\r\n") else { continue };
        let length =
            head.lines().find_map(|line| line.to_ascii_lowercase().strip_prefix("content-length: ").map(str::to_owned));
        if read == 0 || body.len() >= length.and_then(|length| length.parse().ok()).unwrap_or(0) {
            return so_far;
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_suspended_party_and_an_expired_certificate_are_out() {
    let gateway = prepared().await;
    let (partner, desk) = (gateway.caller("aliado").await, gateway.caller("mesa").await);
    let now = gateway.clock.now();
    gateway.write(move |connection| connection.suspend_party(&"aliado".into(), Some(now))).await;
    gateway.write(move |connection| connection.suspend_party(&"mesa".into(), Some(now))).await;
    gateway.refresh().await;
    partner.get(LOOKUP).await.refused(403, "collection-point-suspended");
    desk.get("/v1/whoami").await.refused(403, "party-suspended");
    gateway.write(|connection| connection.suspend_party(&"aliado".into(), None)).await;
    gateway.refresh().await;
    partner.get(LOOKUP).await.done(200);
    // A certificate of a hundred days says so when 45 are left, and is nothing afterwards.
    assert_eq!(partner.get("/v1/whoami").await.header("certificate-expires"), "");
    gateway.clock.advance_minutes(60 * 24 * 60);
    assert_eq!(partner.get("/v1/whoami").await.header("certificate-expires"), "39");
    gateway.clock.advance_minutes(40 * 24 * 60);
    partner.get("/v1/whoami").await.refused(401, "certificate-not-registered");
    gateway.stop().await;
}
