//! What the gateway says of itself: who the caller is, how the service stands, what a problem means.

use actix_web::http::header;
use actix_web::{HttpRequest, HttpResponse, web};
use serde::Serialize;
use serde_json::json;
use utoipa::ToSchema;

use super::openapi::Refusals;
use super::problem::{Language, Problem};
use super::problem_texts::find;
use super::{Edge, envelope, openapi};
use crate::auth::caller::{Known, accepts};
use crate::auth::policy::{Scope, kind_word};
use crate::domain::calendar::Timestamp;

/// Who the caller is, as the certificate says.
#[derive(Debug, Serialize, ToSchema)]
pub struct Whoami {
    /// The party.
    pub party: String,
    /// `partner`, `billing`, `reconnection` or `operator`.
    pub kind: String,
    /// What it is called.
    pub name: String,
    /// What its tokens may carry.
    pub scopes: Vec<String>,
    /// Its collection points.
    pub collection_points: Vec<CollectionPointStanding>,
    /// The certificate of this connection.
    pub certificate: CertificateStanding,
}

/// A collection point, and whether it takes money.
#[derive(Debug, Serialize, ToSchema)]
pub struct CollectionPointStanding {
    /// Its name.
    pub id: String,
    /// It takes no money now.
    pub suspended: bool,
}

/// A certificate, and how long it lasts.
#[derive(Debug, Serialize, ToSchema)]
pub struct CertificateStanding {
    /// Its thumbprint, as tokens have it (`x5t#S256`).
    pub thumbprint: String,
    /// Valid up to this instant.
    #[schema(value_type = String, format = DateTime)]
    pub not_after: Timestamp,
    /// Whole days left.
    pub days_left: i64,
}

/// How the service stands.
#[derive(Debug, Serialize, ToSchema)]
pub struct Heartbeat {
    /// `available`, `degraded` or `unavailable`.
    pub service_status: String,
    /// The same for each capability.
    pub capabilities: Capabilities,
    /// Now.
    #[schema(value_type = String, format = DateTime)]
    pub time: Timestamp,
}

/// How each capability stands.
#[derive(Debug, Serialize, ToSchema)]
pub struct Capabilities {
    /// Look-ups of accounts.
    pub accounts: String,
    /// Payments and whatever else is written.
    pub payments: String,
}

/// Who the caller is, as its certificate says.
#[utoipa::path(
    get, path = "/v1/whoami", tag = "access", operation_id = "whoami",
    responses((status = 200, description = "The party of the certificate.", body = Whoami), Refusals),
    security(("mutual_tls" = [])),
)]
pub async fn whoami(edge: web::Data<Edge>, known: Known) -> Result<HttpResponse, Problem> {
    let peer = known.0;
    let register = edge.registry.current().ok_or_else(|| Problem::new("unavailable"))?;
    let own = register.points.iter().filter(|(_, point)| point.party == peer.party);
    let mut collection_points: Vec<_> =
        own.map(|(id, point)| CollectionPointStanding { id: id.to_string(), suspended: point.suspended }).collect();
    collection_points.sort_by(|a, b| a.id.cmp(&b.id));
    Ok(HttpResponse::Ok().insert_header((header::CACHE_CONTROL, "no-store")).json(Whoami {
        party: peer.party.to_string(),
        kind: kind_word(peer.kind).to_owned(),
        name: peer.name,
        scopes: Scope::of_kind(peer.kind).map(|scope| scope.as_str().to_owned()).collect(),
        collection_points,
        certificate: CertificateStanding {
            thumbprint: peer.thumbprint,
            not_after: peer.not_after,
            days_left: envelope::days_left(peer.not_after, edge.clock.now()),
        },
    }))
}

/// How the service stands, for each capability.
#[utoipa::path(
    get, path = "/heartbeat", tag = "discovery", operation_id = "heartbeat",
    responses((status = 200, description = "How the service stands.", body = Heartbeat), Refusals),
    security(("mutual_tls" = [])),
)]
pub async fn heartbeat(edge: web::Data<Edge>) -> HttpResponse {
    let (reads, writes) = (edge.reads(), edge.writes());
    let service_status = match (reads, writes) {
        ("unavailable", "unavailable") => "unavailable",
        ("available", "available") => "available",
        _ => "degraded",
    };
    HttpResponse::Ok().insert_header((header::CACHE_CONTROL, "no-store")).json(Heartbeat {
        service_status: service_status.to_owned(),
        capabilities: Capabilities { accounts: reads.to_owned(), payments: writes.to_owned() },
        time: edge.clock.now(),
    })
}

/// What a problem code means and what to do about it.
#[utoipa::path(
    get, path = "/problems/{code}", tag = "discovery", operation_id = "getProblem",
    params(("code" = String, Path, description = "The code of the problem.", example = "amount-mismatch")),
    responses((status = 200, description = "Its meaning, as JSON or as a page (text/html).", body = Object), Refusals),
    security(("mutual_tls" = [])),
)]
pub async fn problem(request: HttpRequest, path: web::Path<String>) -> Result<HttpResponse, Problem> {
    let entry = find(&path).ok_or_else(|| Problem::new("not-found"))?;
    let language = envelope::language(request.headers());
    let (title, detail) = if language == Language::English { entry.en } else { entry.es };
    let tag = if language == Language::English { "en" } else { "es-CO" };
    let mut response = HttpResponse::Ok();
    response.insert_header((header::CONTENT_LANGUAGE, tag)).insert_header((header::VARY, "Accept, Accept-Language"));
    let asks_for_a_page = request.headers().contains_key(header::ACCEPT)
        && accepts(&request, "text/html")
        && request.headers().get(header::ACCEPT).is_none_or(|accept| accept != "*/*");
    if asks_for_a_page {
        let page = format!(
            "<!doctype html><html lang=\"{tag}\"><meta charset=\"utf-8\"><title>{title}</title>\
             <h1>{title}</h1><p><code>{}</code> · HTTP {}</p><p>{detail}</p>\n",
            entry.code, entry.status
        );
        return Ok(response
            .insert_header((header::CONTENT_TYPE, "text/html; charset=utf-8"))
            .insert_header((header::CONTENT_SECURITY_POLICY, "default-src 'none'"))
            .body(page));
    }
    Ok(response.json(json!({
        "code": entry.code, "status": entry.status, "title": title, "detail": detail,
        "retry": entry.words.retry.as_str(), "cashier_action": entry.words.action.as_str(),
    })))
}

/// This contract (OpenAPI 3.1).
#[utoipa::path(
    get, path = "/openapi.json", tag = "discovery", operation_id = "getContract",
    responses((status = 200, description = "The contract.", body = Object), Refusals),
    security(("mutual_tls" = [])),
)]
pub async fn contract() -> HttpResponse {
    HttpResponse::Ok().insert_header((header::CONTENT_TYPE, "application/json")).body(openapi::document())
}
