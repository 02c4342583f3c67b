//! The composition root: opens, starts, binds, and stops in the reverse order.
//!
//! [`App::start`] gives a running gateway that a test can stop again; `recaudo serve` is this and a
//! signal. Nothing is decided here.

use std::any::Any;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use actix_tls::accept::rustls_0_23::TlsStream;
use actix_web::dev::{Extensions, Server, ServerHandle};
use actix_web::middleware::from_fn;
use actix_web::rt::net::TcpStream;
use actix_web::{HttpServer, web};
use tokio::task::JoinHandle;
use tokio::time::{Instant, MissedTickBehavior};

use crate::auth::caller::PeerThumbprint;
use crate::auth::certificate::{thumbprint, thumbprint_text};
use crate::auth::keys::{KeyError, SigningKeys};
use crate::auth::mutual_tls::{MutualTls, Revocation, TlsError, TlsFiles};
use crate::auth::registry::{RENEWAL, Register, RegisteredCertificate, RegisteredParty, RegisteredPoint};
use crate::billing::seal;
use crate::clock::Clock;
use crate::config::{Config, Tls};
use crate::http::{self, Edge, Parts, envelope, operations};
use crate::posting::{Posting, WriterHandle};
use crate::reading::{ReadError, ReadersHandle, Reading};
use crate::store::{Connection, Store, StoreError};
use crate::telemetry::{self, Metrics, TelemetryError};
use crate::upkeep::Upkeep;
use crate::webhooks::dispatcher::{self, Dispatcher};
use crate::webhooks::settings::{self as webhooks, SettingsError};

/// How often metrics are tidied up.
const UPKEEP: Duration = Duration::from_secs(5);
/// Seconds that requests in flight still get once the listener has ended.
const LAST_SECONDS: u64 = 30;

/// Why the gateway does not start.
#[derive(Debug, thiserror::Error)]
pub enum AppError {
    /// The books.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The register of parties cannot be read.
    #[error("the register cannot be read: {0}")]
    Register(#[from] ReadError),
    /// Certificates.
    #[error(transparent)]
    Tls(#[from] TlsError),
    /// What events are sent with.
    #[error(transparent)]
    Webhooks(#[from] SettingsError),
    /// Token keys.
    #[error(transparent)]
    Keys(#[from] KeyError),
    /// Log or metrics.
    #[error(transparent)]
    Telemetry(#[from] TelemetryError),
    /// A listener.
    #[error("{0}: {1}")]
    Listen(String, io::Error),
    /// A thread ended before its time.
    #[error("a starting thread ended before its time")]
    Thread,
}

/// The gateway, before it runs.
#[derive(Debug)]
pub struct App;

/// A running gateway.
pub struct Running {
    /// Where partners, billing, the reconnection service and operators call.
    pub address: SocketAddr,
    /// Where the machine's own supervision calls.
    pub operations_address: SocketAddr,
    /// What handlers work with.
    pub edge: web::Data<Edge>,
    /// The partner listener's certificates, to be reloaded.
    pub tls: MutualTls,
    drain: Duration,
    servers: Vec<ServerHandle>,
    serving: Vec<JoinHandle<io::Result<()>>>,
    tasks: Vec<JoinHandle<()>>,
    dispatcher: Dispatcher,
    writer: WriterHandle,
    readers: ReadersHandle,
}

impl App {
    /// Opens the books, starts writer and readers, and binds both listeners.
    ///
    /// # Errors
    /// Anything that is missing, not up to date, or taken by somebody else.
    pub async fn start(config: Config, clock: Arc<dyn Clock>) -> Result<Running, AppError> {
        let config = Arc::new(config);
        let tls = MutualTls::open(tls_files(&config.tls))?;
        let keys = Arc::new(SigningKeys::load_or_create(&config.token.keys, clock.now())?);
        let metrics = telemetry::metrics()?;
        let books = Books::open(Arc::clone(&config), Arc::clone(&clock)).await?;
        let Books { store, posting, writer, reading, readers } = books;
        let sender = webhooks::sender(&config.webhooks)?;
        let dispatching = dispatcher::Parts {
            store: store.clone(),
            posting: posting.clone(),
            reading: reading.clone(),
            clock: Arc::clone(&clock),
            // One of its own: a connection lives in the runtime that opened it.
            sender: webhooks::sender(&config.webhooks)?,
            schedule: webhooks::schedule(&config.webhooks).map_err(SettingsError::from)?,
            settings: config.webhooks.clone(),
        };
        let parts = Parts { config: Arc::clone(&config), clock, keys, posting, reading, sender, store };
        let edge = web::Data::new(Edge::new(parts));
        refresh_register(&edge).await?;

        let (server, address) = partner_listener(&config, &tls, edge.clone())?;
        let (operations, operations_address) = operations_listener(&config, edge.clone(), metrics.clone())?;
        let keeping = [tokio::spawn(keep_register(edge.clone())), tokio::spawn(keep_metrics(edge.clone(), metrics))];
        let mut tasks: Vec<_> = keeping.into_iter().chain([upkeep(&edge).start()]).collect();
        if config.billing.automatic_seal {
            tasks.push(tokio::spawn(seal::keep_sealed(edge.office.clone(), edge.posting.clone())));
        }
        let dispatcher = Dispatcher::start(dispatching);
        let servers = vec![server.handle(), operations.handle()];
        let serving = vec![tokio::spawn(server), tokio::spawn(operations)];
        let drain = Duration::from_secs(config.server.drain_seconds);
        tracing::info!(%address, %operations_address, "the gateway is listening");
        Ok(Running {
            address,
            operations_address,
            edge,
            tls,
            drain,
            servers,
            serving,
            tasks,
            dispatcher,
            writer,
            readers,
        })
    }
}

impl Running {
    /// Answers with `Connection: close` for a while, then ends the listeners, then the writer.
    pub async fn stop(self) {
        self.edge.drain();
        tokio::time::sleep(self.drain).await;
        for server in &self.servers {
            server.stop(true).await;
        }
        for serving in self.serving {
            _ = serving.await;
        }
        for task in self.tasks {
            task.abort();
        }
        self.dispatcher.stop().await;
        let (writer, readers) = (self.writer, self.readers);
        _ = tokio::task::spawn_blocking(move || {
            writer.stop();
            readers.stop();
        })
        .await;
        tracing::info!("the gateway has stopped");
    }
}

/// The doors to the books, with their threads.
struct Books {
    store: Store,
    posting: Posting,
    writer: WriterHandle,
    reading: Reading,
    readers: ReadersHandle,
}

impl Books {
    /// Opening blocks, so it happens beside the runtime.
    async fn open(config: Arc<Config>, clock: Arc<dyn Clock>) -> Result<Self, AppError> {
        let opening = tokio::task::spawn_blocking(move || {
            let store = Store::new(&config.database)?;
            let pending = store.pending_migrations()?;
            if !pending.is_empty() {
                return Err(StoreError::Schema(pending.join(", ")));
            }
            let policy = Arc::new(config.counter.clone());
            let (posting, writer) = Posting::start(&store, policy, clock, &config.posting)?;
            let (reading, readers) = Reading::start(&store, config.database.readers, &config.reading)?;
            Ok(Self { store, posting, writer, reading, readers })
        });
        opening.await.map_err(|_| AppError::Thread)?.map_err(AppError::from)
    }
}

/// Where the listener's certificates lie, as the configuration says.
#[must_use]
pub fn tls_files(tls: &Tls) -> TlsFiles {
    let revocation = if tls.client_crl.is_empty() {
        Revocation::NotChecked
    } else {
        Revocation::Lists(tls.client_crl.clone().into())
    };
    TlsFiles {
        certificate: tls.server_certificate.clone(),
        key: tls.server_key.clone(),
        client_authorities: tls.client_ca.clone(),
        revocation,
    }
}

/// Takes a new picture of who is registered. After a change it is in force at once.
///
/// # Errors
/// The books cannot be read.
pub async fn refresh_register(edge: &Edge) -> Result<(), ReadError> {
    let taken = Instant::now();
    let register = edge.reading.query("register", read_register).await?;
    edge.registry.renew(register, taken);
    Ok(())
}

fn read_register(connection: &mut Connection) -> Result<Register, StoreError> {
    let parties = connection.parties()?.into_iter().map(|party| {
        let suspended = party.suspended_at.is_some();
        (party.id, RegisteredParty { kind: party.kind, name: party.name, suspended })
    });
    let parties = parties.collect();
    let points = connection.collection_points(None)?.into_iter();
    let points = points.map(|point| {
        let suspended = point.suspended_at.is_some();
        (point.id, RegisteredPoint { party: point.party, suspended })
    });
    let points = points.collect();
    let certificates = connection.certificates(None)?.into_iter().map(|certificate| {
        let revoked = certificate.revoked_at.is_some();
        let registered = RegisteredCertificate { party: certificate.party, not_after: certificate.not_after, revoked };
        (certificate.thumbprint, registered)
    });
    Ok(Register { certificates: certificates.collect(), parties, points })
}

/// The scans of a gateway for what nobody asks for.
#[must_use]
pub fn upkeep(edge: &Edge) -> Upkeep {
    Upkeep {
        posting: edge.posting.clone(),
        reading: edge.reading.clone(),
        clock: Arc::clone(&edge.clock),
        policy: Arc::clone(&edge.policy),
        settings: edge.config.upkeep.clone(),
    }
}

async fn keep_register(edge: web::Data<Edge>) {
    let mut ticks = tokio::time::interval(RENEWAL);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        ticks.tick().await;
        if let Err(error) = refresh_register(&edge).await {
            tracing::warn!(%error, "the register could not be read; the last picture stays for a few seconds");
        }
    }
}

async fn keep_metrics(edge: web::Data<Edge>, metrics: Metrics) {
    let mut ticks = tokio::time::interval(UPKEEP);
    loop {
        ticks.tick().await;
        metrics.run_upkeep();
        let waiting = u32::try_from(edge.posting.queue_depth()).unwrap_or(u32::MAX);
        metrics::gauge!("recaudo_posting_queue").set(waiting);
    }
}

fn partner_listener(config: &Config, tls: &MutualTls, edge: web::Data<Edge>) -> Result<(Server, SocketAddr), AppError> {
    let settings = &config.server;
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    let workers = if settings.workers == 0 { cores } else { settings.workers };
    let listen = |error| AppError::Listen(settings.listen.clone(), error);
    let server = HttpServer::new(move || {
        actix_web::App::new().app_data(edge.clone()).configure(http::configure).wrap(from_fn(envelope::wrap))
    })
    .on_connect(remember_peer)
    .workers(workers)
    .max_connections((settings.max_connections / workers).max(1))
    .max_connection_rate(settings.max_handshakes)
    .tls_handshake_timeout(Duration::from_secs(settings.handshake_timeout_seconds))
    .client_request_timeout(Duration::from_secs(settings.head_timeout_seconds))
    .keep_alive(Duration::from_secs(settings.keep_alive_seconds))
    .shutdown_timeout(LAST_SECONDS)
    .disable_signals()
    .bind_rustls_0_23(&settings.listen, tls.server_config())
    .map_err(listen)?;
    let address = bound(&server.addrs(), &settings.listen)?;
    Ok((server.run(), address))
}

fn operations_listener(
    config: &Config,
    edge: web::Data<Edge>,
    metrics: Metrics,
) -> Result<(Server, SocketAddr), AppError> {
    let listen = &config.server.operations_listen;
    let metrics = web::Data::new(metrics);
    let server = HttpServer::new(move || {
        actix_web::App::new().app_data(edge.clone()).app_data(metrics.clone()).configure(operations::configure)
    })
    .workers(1)
    .max_connections(64)
    .shutdown_timeout(1)
    .disable_signals()
    .bind(listen)
    .map_err(|error| AppError::Listen(listen.clone(), error))?;
    let address = bound(&server.addrs(), listen)?;
    Ok((server.run(), address))
}

fn bound(addresses: &[SocketAddr], listen: &str) -> Result<SocketAddr, AppError> {
    let nothing = || AppError::Listen(listen.to_owned(), io::Error::from(io::ErrorKind::AddrNotAvailable));
    addresses.first().copied().ok_or_else(nothing)
}

/// Keeps the thumbprint of the certificate that the handshake accepted, for every request that follows.
fn remember_peer(connection: &dyn Any, extensions: &mut Extensions) {
    let Some(stream) = connection.downcast_ref::<TlsStream<TcpStream>>() else { return };
    let (_, session) = stream.get_ref();
    if let Some(certificate) = session.peer_certificates().and_then(|chain| chain.first()) {
        extensions.insert(PeerThumbprint(thumbprint_text(&thumbprint(certificate))));
    }
}
