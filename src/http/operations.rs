//! Where the machine's own supervision calls: loopback only, no TLS.

use actix_web::http::header;
use actix_web::{HttpResponse, web};

use super::Edge;
use crate::telemetry::Metrics;

/// Mounts `/livez`, `/readyz` and `/metrics`.
pub fn configure(services: &mut web::ServiceConfig) {
    services
        .route("/livez", web::get().to(alive))
        .route("/readyz", web::get().to(ready))
        .route("/metrics", web::get().to(measures));
}

async fn alive() -> &'static str {
    "ok\n"
}

/// Ready is: the books can be read and written, and the gateway is not stopping.
async fn ready(edge: web::Data<Edge>) -> HttpResponse {
    let (reads, writes) = (edge.reads(), edge.writes());
    let text = format!("accounts {reads}\npayments {writes}\n");
    if reads == "available" && writes != "unavailable" {
        return HttpResponse::Ok().body(text);
    }
    HttpResponse::ServiceUnavailable().body(text)
}

async fn measures(metrics: web::Data<Metrics>) -> HttpResponse {
    HttpResponse::Ok()
        .insert_header((header::CONTENT_TYPE, "text/plain; version=0.0.4; charset=utf-8"))
        .body(metrics.render())
}
