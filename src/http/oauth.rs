//! The token endpoint and what a client needs to find it (RFC 6749, 8705, 8414, 7517).
//!
//! A refusal is a problem document that also has RFC 6749's `error`.

use std::collections::HashMap;

use actix_web::dev::Payload;
use actix_web::http::header;
use actix_web::{FromRequest, HttpMessage, HttpRequest, HttpResponse, web};
use futures_util::future::LocalBoxFuture;
use serde::Serialize;
use serde_json::json;
use utoipa::ToSchema;

use super::Edge;
use super::extract::{BodyWasRead, bounds, demand_type, read};
use super::openapi::Refusals;
use super::problem::Problem;
use crate::auth::caller::Known;
use crate::auth::policy::{Scope, TABLE};
use crate::auth::registry::Peer;
use crate::auth::token::Grant;
use crate::domain::command::PartyKind;
use crate::domain::ids::CollectionPointId;

/// What a client asks for.
#[derive(Debug, ToSchema)]
#[allow(dead_code, reason = "the shape of the form, for the contract")]
pub struct TokenRequest {
    /// `client_credentials`.
    grant_type: String,
    /// The party of the certificate.
    client_id: String,
    /// Words separated by blanks; absent: all that the party may have.
    scope: Option<String>,
    /// The place, for a partner.
    collection_point: Option<String>,
}

/// A token.
#[derive(Debug, Serialize, ToSchema)]
pub struct TokenAnswer {
    /// The token (JWT, RFC 9068), bound to the certificate.
    pub access_token: String,
    /// `Bearer`.
    pub token_type: String,
    /// Seconds it lives.
    pub expires_in: u32,
    /// What it permits.
    pub scope: String,
}

/// A form, read as strictly as JSON is.
#[derive(Debug)]
pub struct Form(HashMap<String, String>);

impl FromRequest for Form {
    type Error = Problem;
    type Future = LocalBoxFuture<'static, Result<Self, Problem>>;

    fn from_request(request: &HttpRequest, payload: &mut Payload) -> Self::Future {
        let (request, mut payload) = (request.clone(), payload.take());
        Box::pin(async move {
            demand_type(&request, "application/x-www-form-urlencoded")?;
            let (limit, deadline) = bounds(&request);
            let bytes = read(&mut payload, limit.min(8192), deadline).await?;
            request.extensions_mut().insert(BodyWasRead);
            let text = std::str::from_utf8(&bytes).map_err(|_| refused("invalid_request"))?;
            let pairs =
                web::Query::<Vec<(String, String)>>::from_query(text).map_err(|_| refused("invalid_request"))?;
            let count = pairs.len();
            let members: HashMap<String, String> = pairs.into_inner().into_iter().collect();
            // RFC 6749 3.2: a parameter is there once.
            if members.len() == count { Ok(Self(members)) } else { Err(refused("invalid_request")) }
        })
    }
}

/// Gives a token that is bound to the caller's certificate.
#[utoipa::path(
    post, path = "/oauth2/token", tag = "access", operation_id = "createToken",
    request_body(content = TokenRequest, content_type = "application/x-www-form-urlencoded", description = "The client credentials grant; the certificate is the credential."),
    responses((status = 200, description = "The token.", body = TokenAnswer), Refusals),
    security(("mutual_tls" = [])),
)]
pub async fn token(edge: web::Data<Edge>, known: Known, form: Form) -> Result<HttpResponse, Problem> {
    let member = |name: &str| form.0.get(name).map(String::as_str).filter(|text| !text.is_empty());
    match member("grant_type") {
        Some("client_credentials") => {}
        Some(_) => return Err(refused("unsupported_grant_type")),
        None => return Err(refused("invalid_request")),
    }
    let client = member("client_id").ok_or_else(|| refused("invalid_request"))?;
    if client != known.0.party.as_str() {
        return Err(Problem::new("certificate-mismatch").with("error", "invalid_client"));
    }
    let scopes = scopes(known.0.kind, member("scope"))?;
    let collection_point = collection_point(&edge, &known.0, member("collection_point"))?;
    let minutes = edge.config.token.lifetime_minutes;
    let grant = Grant {
        party: known.0.party.as_str(),
        scopes: &scopes,
        collection_point: collection_point.as_ref().map(CollectionPointId::as_str),
        thumbprint: &known.0.thumbprint,
        minutes,
    };
    let claims = edge.tokens.claims(grant, edge.clock.now(), edge.clock.id());
    let access_token = edge.tokens.sign(&claims, edge.clock.now()).map_err(|error| {
        tracing::error!(%error, "no token could be signed");
        Problem::new("internal")
    })?;
    let answer =
        TokenAnswer { access_token, token_type: "Bearer".to_owned(), expires_in: minutes * 60, scope: claims.scope };
    Ok(HttpResponse::Ok().insert_header((header::CACHE_CONTROL, "no-store")).json(answer))
}

/// Where tokens are given, and how (RFC 8414).
#[utoipa::path(
    get, path = "/.well-known/oauth-authorization-server", tag = "access", operation_id = "getAuthorizationServer",
    responses((status = 200, description = "The metadata of the authorization server.", body = Object), Refusals),
    security(("mutual_tls" = [])),
)]
pub async fn metadata(edge: web::Data<Edge>) -> HttpResponse {
    let url = &edge.config.server.public_url;
    HttpResponse::Ok().json(json!({
        "issuer": url,
        "token_endpoint": format!("{url}/oauth2/token"),
        "jwks_uri": format!("{url}/.well-known/jwks.json"),
        "grant_types_supported": ["client_credentials"],
        "response_types_supported": [],
        "scopes_supported": TABLE.map(|(_, word, _)| word),
        "token_endpoint_auth_methods_supported": ["tls_client_auth"],
        "tls_client_certificate_bound_access_tokens": true,
        "service_documentation": format!("{url}/openapi.json"),
    }))
}

/// The public keys of the tokens (RFC 7517).
#[utoipa::path(
    get, path = "/.well-known/jwks.json", tag = "access", operation_id = "getKeys",
    responses((status = 200, description = "The keys.", body = Object), Refusals),
    security(("mutual_tls" = [])),
)]
pub async fn jwks(edge: web::Data<Edge>) -> HttpResponse {
    HttpResponse::Ok().json(edge.keys.jwks())
}

fn scopes(kind: PartyKind, asked: Option<&str>) -> Result<Vec<Scope>, Problem> {
    let Some(asked) = asked else { return Ok(Scope::of_kind(kind).collect()) };
    let mut scopes = Vec::new();
    for word in asked.split(' ').filter(|word| !word.is_empty()) {
        let scope =
            Scope::parse(word).filter(|scope| scope.is_open_to(kind)).ok_or_else(|| refused("invalid_scope"))?;
        if !scopes.contains(&scope) {
            scopes.push(scope);
        }
    }
    if scopes.is_empty() { Err(refused("invalid_scope")) } else { Ok(scopes) }
}

fn collection_point(edge: &Edge, peer: &Peer, asked: Option<&str>) -> Result<Option<CollectionPointId>, Problem> {
    let asked = match (peer.kind, asked) {
        (PartyKind::Partner, Some(asked)) => CollectionPointId::from(asked),
        (PartyKind::Partner, None) | (_, Some(_)) => return Err(refused("invalid_request")),
        (_, None) => return Ok(None),
    };
    let register = edge.registry.current().ok_or_else(|| Problem::new("unavailable"))?;
    match register.points.get(&asked) {
        Some(point) if point.party == peer.party && !point.suspended => Ok(Some(asked)),
        _ => Err(Problem::new("collection-point-suspended").with("error", "unauthorized_client")),
    }
}

fn refused(error: &str) -> Problem {
    Problem::new("token-request-invalid").with("error", error)
}
