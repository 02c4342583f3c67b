//! Extractors that carry authority: a handler that takes one cannot run without it.
//!
//! On every request the certificate of the connection has to be registered, in force and its party not
//! suspended; the token has to be ours, not expired, bound to this very certificate, given to its party,
//! and carry the scope that the policy opens to that kind of party.

use std::future::{Ready, ready};
use std::marker::PhantomData;
use std::sync::Arc;

use actix_web::http::header;
use actix_web::{FromRequest, HttpMessage, HttpRequest, dev::Payload, web};

use super::limits::{Kind, Standing};
use super::policy::Scope;
use super::registry::{NotLetIn, Peer};
use super::token::{Claims, TokenError};
use crate::domain::command::{Caller, PartyKind};
use crate::domain::ids::CollectionPointId;
use crate::http::Edge;
use crate::http::problem::Problem;

/// The thumbprint of the certificate on a connection, put there when the handshake was done.
#[derive(Clone, Debug)]
pub struct PeerThumbprint(pub String);

/// How the bucket of a request's party stands, for the answer's headers.
#[derive(Clone, Copy, Debug)]
pub struct Counted(pub Standing);

/// What a handler demands.
pub trait Demand: 'static {
    /// One of these is enough.
    const ANY_OF: &'static [Scope];
    /// The media type it answers with, or `None` where it looks at `Accept` itself.
    const PRODUCES: Option<&'static str> = Some("application/json");
}

macro_rules! demand {
    ($($(#[$doc:meta])* $name:ident: $($scope:ident),+;)+) => {$(
        $(#[$doc])*
        #[derive(Debug)]
        pub struct $name;
        impl Demand for $name {
            const ANY_OF: &'static [Scope] = &[$(Scope::$scope),+];
        }
    )+};
}

demand! {
    /// To see what an account owes.
    AccountsRead: AccountsRead;
    /// To take payments.
    PaymentsWrite: PaymentsWrite;
    /// To see one's own payments.
    PaymentsRead: PaymentsWrite;
    /// To take payments back.
    ReversalsWrite: ReversalsWrite;
    /// To ask for a reconnection.
    ReconnectionsWrite: ReconnectionsWrite;
    /// To see reconnection orders.
    ReconnectionsRead: ReconnectionsWrite, ReconnectionsFulfil, PaymentsWrite;
    /// To report on reconnection orders.
    ReconnectionsFulfil: ReconnectionsFulfil;
    /// To open and close cash sessions and declare deposits.
    CashSessionsWrite: CashSessionsWrite;
    /// To see deposits.
    DepositsRead: CashSessionsWrite, Admin;
    /// To send snapshots and take collection files.
    BillingWrite: BillingWrite;
    /// To take collection files.
    BillingRead: BillingWrite, Admin;
    /// To compare records, to see what came of it, and to settle differences.
    ReconciliationsWrite: ReconciliationsWrite;
    /// To say where one is told of what, and to see what was told.
    Webhooks: WebhooksWrite;
    /// To run the gateway.
    Admin: Admin;
}

/// To see a reconciliation, in one of several forms.
#[derive(Debug)]
pub struct ReconciliationsRead;
impl Demand for ReconciliationsRead {
    const ANY_OF: &'static [Scope] = &[Scope::ReconciliationsWrite];
    const PRODUCES: Option<&'static str> = None;
}

/// A registered party on the other end, with or without a token.
#[derive(Clone, Debug)]
pub struct Known(pub Peer);

/// A caller that may do what the handler does.
#[derive(Clone, Debug)]
pub struct Authorized<D> {
    /// Who asks, for the rules.
    pub caller: Caller,
    /// Who calls, as the certificate says.
    pub peer: Peer,
    /// What the token says.
    pub claims: Arc<Claims>,
    demand: PhantomData<D>,
}

impl FromRequest for Known {
    type Error = Problem;
    type Future = Ready<Result<Self, Problem>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        ready(edge(request).and_then(|edge| known(edge, request)).map(Self))
    }
}

impl<D: Demand> FromRequest for Authorized<D> {
    type Error = Problem;
    type Future = Ready<Result<Self, Problem>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        ready(edge(request).and_then(|edge| authorized(edge, request)))
    }
}

/// The running gateway of a request.
///
/// # Errors
/// There is none, which is our own fault.
pub fn edge(request: &HttpRequest) -> Result<&Edge, Problem> {
    request.app_data::<web::Data<Edge>>().map(|edge| edge.get_ref()).ok_or_else(|| Problem::new("internal"))
}

fn authorized<D: Demand>(edge: &Edge, request: &HttpRequest) -> Result<Authorized<D>, Problem> {
    let peer = known(edge, request)?;
    let claims = claims(edge, request)?;
    if claims.cnf.thumbprint != peer.thumbprint || claims.sub != peer.party.as_str() {
        return Err(Problem::new("certificate-mismatch"));
    }
    if !D::ANY_OF.iter().any(|scope| claims.permits(*scope) && scope.is_open_to(peer.kind)) {
        let wanted: Vec<&str> = D::ANY_OF.iter().map(|scope| scope.as_str()).collect();
        let challenge = format!("Bearer error=\"insufficient_scope\", scope=\"{}\"", wanted.join(" "));
        return Err(Problem::new("scope-missing").with("any_of", wanted).header(header::WWW_AUTHENTICATE, &challenge));
    }
    if let Some(media_type) = D::PRODUCES
        && !accepts(request, media_type)
    {
        return Err(Problem::new("not-acceptable").with("available", [media_type]));
    }
    let collection_point = claims.collection_point.as_deref().map(CollectionPointId::from);
    let caller = Caller { party: peer.party.clone(), kind: peer.kind, collection_point };
    Ok(Authorized { caller, peer, claims, demand: PhantomData })
}

fn known(edge: &Edge, request: &HttpRequest) -> Result<Peer, Problem> {
    let thumbprint = request.conn_data::<PeerThumbprint>().ok_or_else(|| Problem::new("certificate-not-registered"))?;
    let now = edge.clock.now();
    let peer = edge.registry.peer(&thumbprint.0, now).map_err(|refused| match refused {
        NotLetIn::NotRegistered => Problem::new("certificate-not-registered"),
        NotLetIn::Suspended(PartyKind::Partner) => Problem::new("collection-point-suspended"),
        NotLetIn::Suspended(_) => Problem::new("party-suspended"),
        NotLetIn::Unknown => Problem::new("unavailable").retry_after(1),
    })?;
    let standing = edge.limits.take(&peer.party, Kind::Requests, now);
    request.extensions_mut().insert(peer.clone());
    count(request, standing)?;
    Ok(peer)
}

/// Notes a standing for the answer's headers, and refuses where the bucket is empty.
///
/// # Errors
/// The bucket is empty.
pub fn count(request: &HttpRequest, standing: Standing) -> Result<(), Problem> {
    request.extensions_mut().insert(Counted(standing));
    if standing.allowed { Ok(()) } else { Err(Problem::new("rate-limited").retry_after(standing.seconds.max(1))) }
}

fn claims(edge: &Edge, request: &HttpRequest) -> Result<Arc<Claims>, Problem> {
    let refused = |challenge: &str| Problem::new("token-invalid").header(header::WWW_AUTHENTICATE, challenge);
    let value = request.headers().get(header::AUTHORIZATION).ok_or_else(|| refused("Bearer"))?;
    let token = value.to_str().ok().and_then(|value| value.split_once(' '));
    let Some((_, token)) = token.filter(|(scheme, _)| scheme.eq_ignore_ascii_case("bearer")) else {
        return Err(refused("Bearer error=\"invalid_request\""));
    };
    edge.tokens.verify(token, edge.clock.now()).map_err(|error| match error {
        TokenError::Expired => refused("Bearer error=\"invalid_token\", error_description=\"expired\""),
        TokenError::Invalid => refused("Bearer error=\"invalid_token\""),
    })
}

/// Whether `Accept` lets an answer of this type through. What cannot be read lets everything through.
#[must_use]
pub fn accepts(request: &HttpRequest, media_type: &str) -> bool {
    let Some(accept) = request.headers().get(header::ACCEPT).and_then(|value| value.to_str().ok()) else {
        return true;
    };
    let family = media_type.split('/').next().unwrap_or_default();
    let ranges = accept.split(',').map(|range| {
        let mut parts = range.split(';').map(str::trim);
        let name = parts.next().unwrap_or_default();
        let refused = parts.any(|part| matches!(part, "q=0" | "q=0.0" | "q=0.00" | "q=0.000"));
        (name, refused)
    });
    let specific = |name: &str| match name {
        "*/*" => 1,
        name if name.eq_ignore_ascii_case(media_type) => 3,
        name if name.strip_suffix("/*").is_some_and(|start| start.eq_ignore_ascii_case(family)) => 2,
        _ => 0,
    };
    let best = ranges.filter(|(name, _)| specific(name) > 0).max_by_key(|(name, _)| specific(name));
    accept.trim().is_empty() || best.is_some_and(|(_, refused)| !refused)
}
