//! 1. The edge: translates requests into commands and outcomes into answers, and decides nothing.
//!
//! [`ROUTES`] is the table of everything that can be called, with who may call it. A handler takes an
//! extractor of `auth::caller` that carries its authority, builds a command, submits it, and renders
//! what came of it from the fact.

pub mod accounts;
pub mod answer;
pub mod billing;
pub mod breaks;
pub mod cash_sessions;
pub mod collection_batches;
pub mod cut_evidence;
pub mod cuts;
pub mod deposits;
pub mod discovery;
pub mod envelope;
pub mod extract;
pub mod faults;
pub mod idempotency;
pub mod oauth;
pub mod openapi;
pub mod operations;
pub mod page;
pub mod payments;
pub mod payments_batch;
pub mod problem;
pub mod problem_texts;
pub mod receipts;
pub mod recent_lookups;
pub mod reconciliation_list;
pub mod reconciliations;
pub mod reconnections;
pub mod reversals;
pub mod upload;
pub mod views;
pub mod webhook_deliveries;
pub mod webhook_endpoints;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use actix_web::http::{Method, header};
use actix_web::web;
use tokio::sync::Semaphore;

use crate::auth::caller::{self, Demand};
use crate::auth::keys::SigningKeys;
use crate::auth::limits::Limits;
use crate::auth::policy::Scope;
use crate::auth::registry::Registry;
use crate::auth::token::Tokens;
use crate::billing::Office;
use crate::billing::uploads::Uploads;
use crate::clock::Clock;
use crate::config::Config;
use crate::domain::policy::Policy;
use crate::posting::Posting;
use crate::reading::Reading;
use crate::store::Store;
use crate::webhooks::sender::Sender;
use problem::Problem;
use recent_lookups::RecentLookups;

/// Everything a handler may need of the running gateway.
pub struct Edge {
    /// What is set.
    pub config: Arc<Config>,
    /// The rules of the counter.
    pub policy: Arc<Policy>,
    /// Time and ids.
    pub clock: Arc<dyn Clock>,
    /// The keys that sign tokens, receipts and closes.
    pub keys: Arc<SigningKeys>,
    /// Tokens.
    pub tokens: Tokens,
    /// Who is registered.
    pub registry: Registry,
    /// How often parties may call.
    pub limits: Limits,
    /// What collection points looked up lately.
    pub recent_lookups: RecentLookups,
    /// The door to the writer.
    pub posting: Posting,
    /// The door to the readers.
    pub reading: Reading,
    /// What the work with billing's files needs.
    pub office: Office,
    /// Billing files that are being taken in.
    pub uploads: Uploads,
    /// Places for comparisons under way.
    pub comparing: Arc<Semaphore>,
    /// What asks the owners of webhook endpoints for proof.
    pub sender: Sender,
    draining: AtomicBool,
}

/// Who may call a route.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Access {
    /// Whoever has a certificate that the handshake accepts.
    Certificate,
    /// Whoever has a registered certificate.
    Registered,
    /// Whoever has, besides, a token with one of these scopes.
    AnyOf(&'static [Scope]),
}

/// One thing that can be called.
pub struct Route {
    /// `GET`, `POST`…
    pub method: Method,
    /// The path, with its variables in braces.
    pub path: &'static str,
    /// Who may call it.
    pub access: Access,
    handler: fn() -> actix_web::Route,
}

const fn needs<D: Demand>() -> Access {
    Access::AnyOf(D::ANY_OF)
}

macro_rules! routes {
    ($($method:ident $path:literal $access:expr => $handler:path;)+) => {
        &[$(Route { method: Method::$method, path: $path, access: $access, handler: || {
            web::method(Method::$method).to($handler)
        } }),+]
    };
}

/// Everything that can be called on the partner listener. A test calls each as each kind of party.
#[rustfmt::skip]
pub const ROUTES: &[Route] = routes! {
    GET  "/v1/accounts/{account_number}"           needs::<caller::AccountsRead>()        => accounts::get;
    POST "/v1/payments"                            needs::<caller::PaymentsWrite>()       => payments::create;
    GET  "/v1/payments"                            needs::<caller::PaymentsRead>()        => payments::list;
    POST "/v1/payments/batch"                      needs::<caller::PaymentsWrite>()       => payments_batch::create;
    GET  "/v1/payments/{id}"                       needs::<caller::PaymentsRead>()        => payments::get;
    POST "/v1/payments/{id}/reversals"             needs::<caller::ReversalsWrite>()      => reversals::create;
    GET  "/v1/payments/{id}/receipt"               needs::<receipts::ReadReceipt>()       => receipts::get;
    POST "/v1/payments/{id}/receipt-copies"        needs::<receipts::CopyReceipt>()       => receipts::copy;
    POST "/v1/cash-sessions"                       needs::<caller::CashSessionsWrite>()   => cash_sessions::open;
    GET  "/v1/cash-sessions/{id}"                  needs::<caller::CashSessionsWrite>()   => cash_sessions::get;
    POST "/v1/cash-sessions/{id}/close"            needs::<caller::CashSessionsWrite>()   => cash_sessions::close;
    POST "/v1/deposits"                            needs::<caller::CashSessionsWrite>()   => deposits::declare;
    GET  "/v1/deposits/{id}"                       needs::<caller::DepositsRead>()        => deposits::get;
    POST "/v1/deposits/{id}/verification"          needs::<caller::Admin>()               => deposits::verify;
    POST "/v1/reconnections"                       needs::<caller::ReconnectionsWrite>()  => reconnections::create;
    GET  "/v1/reconnections"                       needs::<caller::ReconnectionsRead>()   => reconnections::list;
    GET  "/v1/reconnections/{id}"                  needs::<caller::ReconnectionsRead>()   => reconnections::get;
    POST "/v1/reconnections/{id}/status"           needs::<caller::ReconnectionsFulfil>() => reconnections::report;
    POST "/v1/billing/snapshots"                   needs::<caller::BillingWrite>()        => billing::send;
    GET  "/v1/billing/snapshots/{id}"              needs::<caller::BillingRead>()         => billing::get;
    GET  "/v1/collection-batches"                  needs::<caller::BillingRead>()         => collection_batches::list;
    POST "/v1/collection-batches/{business_date}/seal" needs::<caller::BillingRead>()     => collection_batches::close;
    GET  "/v1/collection-batches/{id}/file"        needs::<caller::BillingRead>()         => collection_batches::file;
    POST "/v1/reconciliations"                     needs::<caller::ReconciliationsWrite>() => reconciliations::create;
    GET  "/v1/reconciliations"                     needs::<caller::ReconciliationsWrite>() => reconciliation_list::list;
    GET  "/v1/reconciliations/digests"             needs::<caller::ReconciliationsWrite>() => reconciliations::digests;
    GET  "/v1/reconciliations/{id}"                needs::<caller::ReconciliationsRead>() => reconciliations::get;
    GET  "/v1/reconciliations/{id}/breaks"         needs::<caller::ReconciliationsWrite>() => breaks::list;
    POST "/v1/breaks/{id}/resolution"              needs::<caller::ReconciliationsWrite>() => breaks::resolve;
    GET  "/v1/accounts/{account_number}/cut-evidence" needs::<caller::ReconnectionsFulfil>() => cut_evidence::get;
    POST "/v1/accounts/{account_number}/cuts"      needs::<caller::ReconnectionsFulfil>() => cuts::report;
    POST "/v1/webhook-endpoints"                   needs::<caller::Webhooks>()            => webhook_endpoints::create;
    GET  "/v1/webhook-endpoints"                   needs::<caller::Webhooks>()            => webhook_endpoints::list;
    GET  "/v1/webhook-endpoints/{id}"              needs::<caller::Webhooks>()            => webhook_endpoints::get;
    PATCH "/v1/webhook-endpoints/{id}"             needs::<caller::Webhooks>()            => webhook_endpoints::change;
    DELETE "/v1/webhook-endpoints/{id}"            needs::<caller::Webhooks>()            => webhook_endpoints::remove;
    POST "/v1/webhook-endpoints/{id}/replays"      needs::<caller::Webhooks>()            => webhook_deliveries::replay;
    GET  "/v1/webhook-deliveries"                  needs::<caller::Webhooks>()            => webhook_deliveries::list;
    GET  "/v1/events"                              needs::<caller::Webhooks>()            => webhook_deliveries::events;
    POST "/oauth2/token"                           Access::Registered                     => oauth::token;
    GET  "/v1/whoami"                              Access::Registered                     => discovery::whoami;
    GET  "/.well-known/oauth-authorization-server" Access::Certificate                    => oauth::metadata;
    GET  "/.well-known/jwks.json"                  Access::Certificate                    => oauth::jwks;
    GET  "/heartbeat"                              Access::Certificate                    => discovery::heartbeat;
    GET  "/problems/{code}"                        Access::Certificate                    => discovery::problem;
    GET  "/openapi.json"                           Access::Certificate                    => discovery::contract;
};

/// Everything the edge is made of.
pub struct Parts {
    /// What is set.
    pub config: Arc<Config>,
    /// Time and ids.
    pub clock: Arc<dyn Clock>,
    /// The keys that sign.
    pub keys: Arc<SigningKeys>,
    /// The door to the writer.
    pub posting: Posting,
    /// The door to the readers.
    pub reading: Reading,
    /// The books, for the work with billing's files.
    pub store: Store,
    /// What asks the owners of webhook endpoints for proof.
    pub sender: Sender,
}

impl Edge {
    /// An edge that knows nobody yet.
    #[must_use]
    pub fn new(parts: Parts) -> Self {
        let Parts { config, clock, keys, posting, reading, sender, store } = parts;
        let policy = Arc::new(config.counter.clone());
        let settings = Arc::new(config.billing.clone());
        Self {
            tokens: Tokens::new(Arc::clone(&keys), &config.server.public_url),
            office: Office { store, policy: Arc::clone(&policy), clock: Arc::clone(&clock), settings },
            uploads: Uploads::default(),
            policy,
            limits: Limits::new(config.limits.clone()),
            recent_lookups: RecentLookups::default(),
            registry: Registry::default(),
            comparing: Arc::new(Semaphore::new(config.reconciliation.at_once)),
            draining: AtomicBool::new(false),
            config,
            clock,
            keys,
            posting,
            reading,
            sender,
        }
    }

    /// From now on every answer closes its connection.
    pub fn drain(&self) {
        self.draining.store(true, Ordering::SeqCst);
    }

    /// Whether answers close their connections.
    #[must_use]
    pub fn is_draining(&self) -> bool {
        self.draining.load(Ordering::SeqCst)
    }

    /// How look-ups stand: `available`, or `unavailable` when the books cannot be read.
    #[must_use]
    pub fn reads(&self) -> &'static str {
        if self.registry.current().is_some() { "available" } else { "unavailable" }
    }

    /// How writing stands: `degraded` when three quarters of the queue are taken.
    #[must_use]
    pub fn writes(&self) -> &'static str {
        let (waiting, room) = (self.posting.queue_depth(), self.config.posting.queue);
        match () {
            () if self.is_draining() || self.reads() == "unavailable" => "unavailable",
            () if waiting >= room - room / 4 => "degraded",
            () => "available",
        }
    }
}

/// Mounts the table.
pub fn configure(services: &mut web::ServiceConfig) {
    let mut paths: BTreeMap<&str, Vec<&Route>> = BTreeMap::new();
    for route in ROUTES {
        paths.entry(route.path).or_default().push(route);
    }
    // Literal paths come before those with variables, which would swallow them.
    let mut paths: Vec<_> = paths.into_iter().collect();
    paths.sort_by_key(|(path, _)| path.contains('{'));
    for (path, routes) in paths {
        let allow = routes.iter().map(|route| route.method.as_str()).collect::<Vec<_>>().join(", ");
        let resource = routes.iter().fold(web::resource(path), |resource, route| resource.route((route.handler)()));
        services.service(resource.default_service(web::to(move || refuse_method(allow.clone()))));
    }
    services.default_service(web::to(not_found));
}

async fn refuse_method(allow: String) -> Result<&'static str, Problem> {
    Err(Problem::new("method-not-allowed").header(header::ALLOW, &allow))
}

async fn not_found() -> Result<&'static str, Problem> {
    Err(Problem::new("not-found"))
}
