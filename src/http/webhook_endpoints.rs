//! Webhook endpoints: where a party is told what it wants to know, proved to be its own.

#![allow(unused_qualifications, reason = "the contract's macros name their types in full")]

use actix_web::http::header;
use actix_web::{HttpResponse, web};
use secrecy::{ExposeSecret, SecretString};
use serde::Deserialize;
use utoipa::ToSchema;
use validator::Validate;

use super::Edge;
use super::answer::not_executed;
use super::extract::Body;
use super::faults::Reader;
use super::openapi::{Refusals, WriteRefusals};
use super::payments::id_in_path;
use super::problem::Problem;
use super::views::webhooks::{EndpointList, EndpointView, PREFIX};
use crate::auth::caller::{Authorized, Webhooks};
use crate::domain::calendar::Timestamp;
use crate::domain::command::{Caller, PartyKind};
use crate::domain::ids::{Id, PartyId};
use crate::store::{Connection, EndpointStatus, StoreError, WebhookEndpoint};
use crate::webhooks::address::check_url;
use crate::webhooks::audience::may_ask_for;
use crate::webhooks::challenge::{new_secret, prove};
use crate::webhooks::events::EventType;
use crate::webhooks::fan_out::MAX_ENDPOINTS;
use crate::webhooks::settings::{allowed_hosts, secrets};
use crate::webhooks::signature::Secret;

const PLACE: &str = "/v1/webhook-endpoints";

/// An endpoint to be told.
#[derive(Clone, Debug, Deserialize, Validate, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct EndpointRequest {
    /// Where to send: https, and public unless an operator allowed the host.
    #[validate(required)]
    #[schema(value_type = String, example = "https://avisos.example.com/recaudo", required = true, nullable = false)]
    pub url: Option<String>,
    /// The events it wants; everything that its party may know when nothing is said.
    #[validate(length(min = 1, max = 50))]
    #[schema(min_items = 1, max_items = 50)]
    pub event_types: Option<Vec<String>>,
    /// What signs, `whsec_` and base64, if the receiver has it already; else one is made.
    #[schema(value_type = Option<String>)]
    pub secret: Option<SecretString>,
}

/// What changes about an endpoint.
#[derive(Clone, Debug, Deserialize, Validate, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct EndpointChange {
    /// Another place; it has to prove itself before it takes over.
    pub url: Option<String>,
    /// Other events.
    #[validate(length(min = 1, max = 50))]
    #[schema(min_items = 1, max_items = 50)]
    pub event_types: Option<Vec<String>>,
    /// `active` (which takes the proof) or `disabled`.
    #[schema(example = "active")]
    pub status: Option<String>,
    /// Makes a new secret; the old one goes on signing beside it for a while.
    #[serde(default)]
    pub rotate_secret: bool,
}

/// Registers an endpoint, and asks it for the proof that it is its owner's.
#[utoipa::path(
    post, path = "/v1/webhook-endpoints", tag = "webhooks", operation_id = "registerWebhookEndpoint",
    request_body(content = EndpointRequest, description = "Where, and what."),
    responses(
        (status = 201, description = "Known, with its secret, which is not shown again. pending: the proof was not given; \
            set the receiver up and make the endpoint active.", body = EndpointView),
        WriteRefusals,
    ),
    security(("mutual_tls" = [], "oauth2" = ["webhooks:write"])),
)]
pub async fn create(
    edge: web::Data<Edge>,
    authorized: Authorized<Webhooks>,
    body: Body<EndpointRequest>,
) -> Result<HttpResponse, Problem> {
    let caller = &authorized.caller;
    let mut read = Reader::of(&body.value);
    read.add(&body.faults);
    let url = body.value.url.clone().unwrap_or_default();
    check_address(&edge, &mut read, body.value.url.as_deref())?;
    let event_types = wanted(&mut read, caller.kind, body.value.event_types.as_deref());
    let given = body.value.secret.as_ref().map(|secret| Secret::parse(secret.expose_secret()));
    if let Some(Err(error)) = &given {
        read.fault("/secret", "secret", "un secreto es whsec_ y base64 de 24 a 64 bytes", error.to_string());
    }
    read.finish()?;
    let secret = match given {
        Some(Ok(secret)) => secret,
        _ => new_secret().map_err(|_| Problem::new("internal"))?,
    };
    let mut endpoint = WebhookEndpoint {
        id: edge.clock.id(),
        party: caller.party.clone(),
        kind: caller.kind,
        url,
        event_types,
        secret: secret.reveal(),
        retiring: None,
        status: EndpointStatus::Pending,
        disabled_reason: None,
        last_seq: 0,
        created_at: edge.clock.now(),
    };
    let (limits, asked) = (Limits::of(&edge), endpoint.clone());
    edge.read("webhook_endpoint_room", move |connection| limits.room(connection, &asked)).await??;
    match proved(&edge, &endpoint).await {
        Ok(()) => endpoint.status = EndpointStatus::Active,
        Err(reason) => endpoint.disabled_reason = Some(reason),
    }
    let (limits, kept) = (Limits::of(&edge), endpoint.clone());
    let registered = edge.posting.write("webhook_endpoint", move |connection| {
        let room = limits.room(connection, &kept)?;
        if room.is_ok() {
            connection.register_webhook_endpoint(&kept)?;
        }
        Ok(room)
    });
    registered.await.map_err(|error| not_executed(&error))??;
    let place = format!("{PLACE}/{}", endpoint.id.with_prefix(PREFIX));
    let mut response = HttpResponse::Created();
    response.insert_header((header::LOCATION, place)).insert_header((header::CACHE_CONTROL, "no-store"));
    Ok(response.json(EndpointView::with_secret(&endpoint)))
}

/// The endpoints of the caller.
#[utoipa::path(
    get, path = "/v1/webhook-endpoints", tag = "webhooks", operation_id = "listWebhookEndpoints",
    responses((status = 200, description = "All of them.", body = EndpointList), Refusals),
    security(("mutual_tls" = [], "oauth2" = ["webhooks:write"])),
)]
pub async fn list(edge: web::Data<Edge>, authorized: Authorized<Webhooks>) -> Result<HttpResponse, Problem> {
    let party = authorized.caller.party;
    let read = move |connection: &mut Connection| connection.webhook_endpoints(Some(&party), MAX_ENDPOINTS);
    let endpoints = edge.read("webhook_endpoints", read).await?;
    let data = endpoints.iter().map(EndpointView::of).collect();
    Ok(HttpResponse::Ok().insert_header((header::CACHE_CONTROL, "no-store")).json(EndpointList { data }))
}

/// One endpoint of the caller.
#[utoipa::path(
    get, path = "/v1/webhook-endpoints/{id}", tag = "webhooks", operation_id = "getWebhookEndpoint",
    params(("id" = String, Path, description = "The endpoint's id.", example = "wep_01k6y3b5wqe7h8m2n4p6r8t0v2")),
    responses((status = 200, description = "The endpoint.", body = EndpointView), Refusals),
    security(("mutual_tls" = [], "oauth2" = ["webhooks:write"])),
)]
pub async fn get(
    edge: web::Data<Edge>,
    authorized: Authorized<Webhooks>,
    path: web::Path<String>,
) -> Result<HttpResponse, Problem> {
    let endpoint = own(&edge, &authorized.caller, id_in_path(&path, PREFIX)?).await?;
    Ok(HttpResponse::Ok().insert_header((header::CACHE_CONTROL, "no-store")).json(EndpointView::of(&endpoint)))
}

/// Changes an endpoint: its place, its events, whether it is told, its secret.
#[utoipa::path(
    patch, path = "/v1/webhook-endpoints/{id}", tag = "webhooks", operation_id = "changeWebhookEndpoint",
    params(("id" = String, Path, description = "The endpoint's id.")),
    request_body(content = EndpointChange, description = "What changes."),
    responses(
        (status = 200, description = "The endpoint as it is now; with its secret where a new one was made.", body = EndpointView),
        WriteRefusals,
    ),
    security(("mutual_tls" = [], "oauth2" = ["webhooks:write"])),
)]
pub async fn change(
    edge: web::Data<Edge>,
    authorized: Authorized<Webhooks>,
    path: web::Path<String>,
    body: Body<EndpointChange>,
) -> Result<HttpResponse, Problem> {
    let id = id_in_path(&path, PREFIX)?;
    let mut read = Reader::of(&body.value);
    read.add(&body.faults);
    check_address(&edge, &mut read, body.value.url.as_deref())?;
    let event_types = body.value.event_types.as_deref();
    let event_types = event_types.map(|names| wanted(&mut read, authorized.caller.kind, Some(names)));
    let status = body.value.status.as_deref();
    let status: Option<EndpointStatus> = read.word("/status", status, "active, disabled");
    if matches!(status, Some(EndpointStatus::Pending | EndpointStatus::Removed)) {
        read.fault("/status", "one-of", "es uno de: active, disabled", "is one of: active, disabled");
    }
    read.finish()?;
    let known = own(&edge, &authorized.caller, id).await?;
    let rotated = if body.value.rotate_secret {
        Some(new_secret().map_err(|_| Problem::new("internal"))?.reveal())
    } else {
        None
    };
    let changes = Changes {
        url: body.value.url.clone(),
        event_types,
        status,
        rotated: rotated.map(|secret| (secret, retiring_until(&edge))),
    };
    let mut after = known.clone();
    changes.apply(&mut after);
    let moved = after.url != known.url || after.status != known.status;
    if moved && after.status == EndpointStatus::Active {
        proved(&edge, &after).await.map_err(|reason| Problem::new("webhook-not-proved").with("reason", reason))?;
    }
    let with_secret = changes.rotated.is_some();
    let party = authorized.caller.party;
    let changed = edge.posting.write("webhook_endpoint", move |connection| {
        let Some(mut endpoint) = connection.webhook_endpoint(&party, id)? else { return Ok(None) };
        changes.apply(&mut endpoint);
        connection.change_webhook_endpoint(&endpoint)?;
        Ok(Some(endpoint))
    });
    let changed = changed.await.map_err(|error| not_executed(&error))?.ok_or_else(|| Problem::new("not-found"))?;
    let view = if with_secret { EndpointView::with_secret(&changed) } else { EndpointView::of(&changed) };
    Ok(HttpResponse::Ok().insert_header((header::CACHE_CONTROL, "no-store")).json(view))
}

/// Tells an endpoint nothing more and forgets its secrets.
#[utoipa::path(
    delete, path = "/v1/webhook-endpoints/{id}", tag = "webhooks", operation_id = "removeWebhookEndpoint",
    params(("id" = String, Path, description = "The endpoint's id.")),
    responses((status = 204, description = "It is gone."), WriteRefusals),
    security(("mutual_tls" = [], "oauth2" = ["webhooks:write"])),
)]
pub async fn remove(
    edge: web::Data<Edge>,
    authorized: Authorized<Webhooks>,
    path: web::Path<String>,
) -> Result<HttpResponse, Problem> {
    let id = id_in_path(&path, PREFIX)?;
    let party = authorized.caller.party;
    let removed = edge.posting.write("webhook_endpoint", move |connection| {
        let Some(mut endpoint) = connection.webhook_endpoint(&party, id)? else { return Ok(false) };
        endpoint.status = EndpointStatus::Removed;
        endpoint.secret = SecretString::from("");
        endpoint.retiring = None;
        connection.change_webhook_endpoint(&endpoint)
    });
    match removed.await.map_err(|error| not_executed(&error))? {
        true => Ok(HttpResponse::NoContent().finish()),
        false => Err(Problem::new("not-found")),
    }
}

/// An endpoint of the caller.
///
/// # Errors
/// It is not there, or another's.
pub async fn own(edge: &Edge, caller: &Caller, id: Id) -> Result<WebhookEndpoint, Problem> {
    let party = caller.party.clone();
    let found = edge.read("webhook_endpoint", move |connection| connection.webhook_endpoint(&party, id)).await?;
    found.ok_or_else(|| Problem::new("not-found"))
}

/// What changes about an endpoint, whatever else did meanwhile.
struct Changes {
    url: Option<String>,
    event_types: Option<Vec<String>>,
    status: Option<EndpointStatus>,
    rotated: Option<(SecretString, Timestamp)>,
}

impl Changes {
    fn apply(&self, endpoint: &mut WebhookEndpoint) {
        endpoint.url = self.url.clone().unwrap_or_else(|| endpoint.url.clone());
        endpoint.event_types = self.event_types.clone().unwrap_or_else(|| endpoint.event_types.clone());
        if let Some(status) = self.status {
            endpoint.status = status;
            endpoint.disabled_reason = (status == EndpointStatus::Disabled).then(|| "disabled by its owner".to_owned());
        }
        if let Some((secret, until)) = &self.rotated {
            let old = std::mem::replace(&mut endpoint.secret, secret.clone());
            endpoint.retiring = Some((old, *until));
        }
    }
}

/// How many endpoints there may be.
#[derive(Clone, Copy)]
struct Limits {
    altogether: usize,
    of_party: usize,
}

impl Limits {
    fn of(edge: &Edge) -> Self {
        let webhooks = &edge.config.webhooks;
        Self { altogether: webhooks.max_endpoints as usize, of_party: webhooks.max_endpoints_per_party as usize }
    }

    /// Whether there is room for one more, and it is not there already.
    fn room(self, connection: &mut Connection, new: &WebhookEndpoint) -> Result<Result<(), Problem>, StoreError> {
        let all = connection.webhook_endpoints(None, MAX_ENDPOINTS)?;
        let of = |party: &PartyId| all.iter().filter(|endpoint| endpoint.party == *party).count();
        if let Some(same) = all.iter().find(|known| known.party == new.party && known.url == new.url) {
            return Ok(Err(Problem::new("webhook-endpoint-exists").with("id", same.id.with_prefix(PREFIX))));
        }
        if all.len() >= self.altogether || of(&new.party) >= self.of_party {
            return Ok(Err(Problem::new("webhook-endpoints-full").with("maximum", self.of_party)));
        }
        Ok(Ok(()))
    }
}

async fn proved(edge: &Edge, endpoint: &WebhookEndpoint) -> Result<(), String> {
    let secrets = secrets(endpoint, edge.clock.now()).map_err(|error| error.to_string())?;
    prove(&edge.sender, edge.clock.as_ref(), &endpoint.url, &secrets).await
}

fn check_address(edge: &Edge, read: &mut Reader, url: Option<&str>) -> Result<(), Problem> {
    let allowed = allowed_hosts(&edge.config.webhooks).map_err(|_| Problem::new("internal"))?;
    if let Some(Err(refusal)) = url.map(|url| check_url(url, &allowed)) {
        read.fault("/url", "address", format!("esta dirección no se acepta: {refusal}"), refusal.to_string());
    }
    Ok(())
}

fn wanted(read: &mut Reader, kind: PartyKind, names: Option<&[String]>) -> Vec<String> {
    let may = |event: &&EventType| may_ask_for(kind, **event);
    let Some(names) = names else {
        return EventType::ALL.iter().filter(may).map(|event| event.as_str().to_owned()).collect();
    };
    for (at, name) in names.iter().enumerate() {
        if EventType::parse(name).filter(|event| may(&event)).is_none() {
            let (es, en) = ("no es un evento que pueda recibir", "is no event that this party may be told of");
            read.fault(&format!("/event_types/{at}"), "one-of", es, en);
        }
    }
    let mut names = names.to_vec();
    names.sort();
    names.dedup();
    names
}

fn retiring_until(edge: &Edge) -> Timestamp {
    edge.clock.now().plus_minutes(60 * i64::from(edge.config.webhooks.secret_overlap_hours))
}
