//! Opening a PostgreSQL connection: the URL, TLS, and the thread's own small runtime.

use std::cell::RefCell;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use diesel_async::AsyncPgConnection;
use diesel_async::async_connection_wrapper::BlockOn;
use rustls_pki_types::CertificateDer;
use rustls_pki_types::pem::PemObject;
use tokio::runtime::{Builder, Runtime};
use tokio_postgres::NoTls;
use tokio_postgres_rustls::MakeRustlsConnect;

use super::Conn;
use crate::store::StoreError;

/// Where the usual distributions keep the authorities that they trust.
const SYSTEM_ROOTS: [&str; 3] =
    ["/etc/ssl/certs/ca-certificates.crt", "/etc/pki/tls/certs/ca-bundle.crt", "/etc/ssl/cert.pem"];

/// How long reaching the server may take.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);

/// How to open it.
#[derive(Clone)]
pub struct Options {
    pub(in crate::store) server: tokio_postgres::Config,
    pub(in crate::store) tls: Option<Arc<rustls::ClientConfig>>,
    pub(in crate::store) statement_timeout: Duration,
}

impl std::fmt::Debug for Options {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let tls = self.tls.is_some();
        f.debug_struct("Options").field("hosts", &self.server.get_hosts()).field("tls", &tls).finish_non_exhaustive()
    }
}

/// Reads `postgres://USER:PASSWORD@HOST/NAME?sslmode=…&sslrootcert=FILE`.
///
/// `disable` (or nothing) goes without TLS; every other mode verifies the server's certificate and its
/// name, because TLS with anybody keeps nothing from anybody.
pub fn read_url(url: &str, statement_timeout: Duration) -> Result<Options, StoreError> {
    let refused = |what: &str| StoreError::Unavailable(format!("database.url: {what}"));
    let (base, query) = url.split_once('?').unwrap_or((url, ""));
    let mut mode = "disable";
    let mut root = None;
    let mut rest = Vec::new();
    for part in query.split('&').filter(|part| !part.is_empty()) {
        match part.split_once('=') {
            Some(("sslmode", value)) => mode = value,
            Some(("sslrootcert", value)) => root = Some(PathBuf::from(value)),
            _ => rest.push(part),
        }
    }
    let tls = match mode {
        "disable" => None,
        "require" | "verify-ca" | "verify-full" => Some(Arc::new(client_config(root)?)),
        _ => return Err(refused("sslmode is disable, require, verify-ca or verify-full")),
    };
    let url = if rest.is_empty() { base.to_owned() } else { format!("{base}?{}", rest.join("&")) };
    let mut server: tokio_postgres::Config = url.parse().map_err(|_| refused("it cannot be read"))?;
    server.connect_timeout(CONNECT_TIMEOUT).application_name("recaudo");
    server.ssl_mode(if tls.is_some() {
        tokio_postgres::config::SslMode::Require
    } else {
        tokio_postgres::config::SslMode::Disable
    });
    Ok(Options { server, tls, statement_timeout })
}

fn client_config(root: Option<PathBuf>) -> Result<rustls::ClientConfig, StoreError> {
    let refused = |what: String| StoreError::Unavailable(format!("database.url: sslrootcert: {what}"));
    let file = root.or_else(|| SYSTEM_ROOTS.iter().map(PathBuf::from).find(|path| path.exists()));
    let file = file.ok_or_else(|| refused("name a PEM file with the authority of the server".to_owned()))?;
    let mut roots = rustls::RootCertStore::empty();
    let certificates =
        CertificateDer::pem_file_iter(&file).map_err(|error| refused(format!("{}: {error}", file.display())))?;
    roots.add_parsable_certificates(certificates.filter_map(Result::ok));
    if roots.is_empty() {
        return Err(refused(format!("{}: no certificate in it", file.display())));
    }
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let builder = rustls::ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(|error| refused(error.to_string()))?;
    Ok(builder.with_root_certificates(roots).with_no_client_auth())
}

thread_local! {
    /// The runtime that the next connection of this thread was opened in: the driver asks for one
    /// without saying for whom, and a socket lives in the runtime that opened it.
    static OPENED_IN: RefCell<Option<Runtime>> = const { RefCell::new(None) };
}

/// A runtime for one connection, driven by whoever waits for an answer. No other thread is woken.
pub struct OwnRuntime(Option<Runtime>);

impl BlockOn for OwnRuntime {
    fn block_on<F: Future>(&self, future: F) -> F::Output {
        self.0.as_ref().expect("only dropping takes it, and opening has set it").block_on(future)
    }

    fn get_runtime() -> Self {
        Self(OPENED_IN.take())
    }
}

impl Drop for OwnRuntime {
    fn drop(&mut self) {
        if let Some(runtime) = self.0.take() {
            // A plain drop panics when it happens inside another runtime.
            runtime.shutdown_background();
        }
    }
}

/// Opens a connection.
pub fn connect(options: &Options) -> Result<Conn, StoreError> {
    let failed = |error: String| StoreError::Unavailable(error);
    let runtime = Builder::new_current_thread().enable_all().build().map_err(|error| failed(error.to_string()))?;
    let opened = runtime.block_on(async {
        match &options.tls {
            Some(tls) => {
                let tls = MakeRustlsConnect::new(tls.as_ref().clone());
                let (client, connection) = options.server.connect(tls).await.map_err(told)?;
                AsyncPgConnection::try_from_client_and_connection(client, connection).await.map_err(told)
            }
            None => {
                let (client, connection) = options.server.connect(NoTls).await.map_err(told)?;
                AsyncPgConnection::try_from_client_and_connection(client, connection).await.map_err(told)
            }
        }
    });
    let opened = opened?;
    OPENED_IN.set(Some(runtime));
    Ok(Conn::from(opened))
}

/// The whole chain of causes: "error connecting to server" alone helps nobody.
pub(super) fn told(error: impl std::error::Error) -> StoreError {
    let mut sentence = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        sentence = format!("{sentence}: {error}");
        cause = error.source();
    }
    StoreError::Unavailable(sentence)
}
