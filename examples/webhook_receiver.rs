//! A receiver of events, as the reconnection service would begin:
//! `WEBHOOK_SECRET=whsec_… cargo run --example webhook_receiver -- 127.0.0.1:9000`
//!
//! It verifies, recognises what it has already, and notices a gap. A real one keeps the ids and the
//! events in its database, in one transaction, before it answers. See docs/webhooks.md.

#![allow(clippy::print_stdout, reason = "an example shows what it does")]

use std::collections::{BTreeSet, HashSet};
use std::error::Error;
use std::sync::{Arc, Mutex, PoisonError};

use actix_web::{App, HttpRequest, HttpResponse, HttpServer, web};
use reqwest::header::{HeaderMap, HeaderName, HeaderValue};
use serde::Deserialize;
use serde_json::{Value, json};
use standardwebhooks::Webhook;

#[derive(Deserialize)]
struct Event {
    #[serde(rename = "type")]
    kind: String,
    data: Value,
    seq: Option<u64>,
}

struct Receiver {
    secret: Webhook,
    inbox: Mutex<Inbox>,
}

#[derive(Default)]
struct Inbox {
    ids: HashSet<String>,
    /// Everything up to here has come.
    complete_to: u64,
    /// What came beyond it.
    ahead: BTreeSet<u64>,
}

impl Inbox {
    /// False when the event is here already.
    fn keep(&mut self, id: &str, seq: u64) -> bool {
        if !self.ids.insert(id.to_owned()) {
            return false;
        }
        self.ahead.insert(seq);
        while self.ahead.remove(&(self.complete_to + 1)) {
            self.complete_to += 1;
        }
        true
    }
}

async fn receive(receiver: web::Data<Receiver>, request: HttpRequest, body: web::Bytes) -> HttpResponse {
    if receiver.secret.verify(&body, &webhook_headers(&request)).is_err() {
        return HttpResponse::Unauthorized().finish();
    }
    // Signed, and yet not as expected: let it be tried again while somebody looks.
    let Ok(event) = serde_json::from_slice::<Event>(&body) else { return HttpResponse::BadRequest().finish() };
    if event.kind == "endpoint.challenge" {
        return HttpResponse::Ok().json(json!({ "challenge": event.data["challenge"] }));
    }
    let id = request.headers().get("webhook-id").and_then(|id| id.to_str().ok()).unwrap_or_default();
    let mut inbox = receiver.inbox.lock().unwrap_or_else(PoisonError::into_inner);
    if inbox.keep(id, event.seq.unwrap_or_default()) {
        println!("{} {id}: {}", event.kind, event.data);
    }
    if !inbox.ahead.is_empty() {
        println!("something is missing: GET /v1/events?after_seq={}", inbox.complete_to);
    }
    HttpResponse::NoContent().finish()
}

/// The three headers, in the type that the library takes.
fn webhook_headers(request: &HttpRequest) -> HeaderMap {
    let mut headers = HeaderMap::new();
    for name in ["webhook-id", "webhook-timestamp", "webhook-signature"] {
        let value = request.headers().get(name).and_then(|value| HeaderValue::from_bytes(value.as_bytes()).ok());
        if let Some(value) = value {
            headers.insert(HeaderName::from_static(name), value);
        }
    }
    headers
}

#[actix_web::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let secret = Webhook::new(&std::env::var("WEBHOOK_SECRET")?)?;
    let address = std::env::args().nth(1).unwrap_or_else(|| "127.0.0.1:9000".to_owned());
    // In an Arc of its own, since each worker builds the application anew.
    let receiver = web::Data::from(Arc::new(Receiver { secret, inbox: Mutex::default() }));
    println!("listening on {address}");
    HttpServer::new(move || {
        App::new()
            .app_data(receiver.clone())
            .app_data(web::PayloadConfig::new(20_000))
            .route("/avisos", web::post().to(receive))
    })
    .workers(1)
    .bind(address)?
    .run()
    .await?;
    Ok(())
}
