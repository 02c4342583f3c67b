//! A gateway of its own for each test, the parties that call it, and what they see.

use std::path::{Path, PathBuf};
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use recaudo::app::{App, Running, refresh_register};
use recaudo::auth::certificate::CertificateFacts;
use recaudo::auth::mutual_tls::client_config;
use recaudo::certificates::{DevelopmentAuthority, Identity, Validity};
pub use recaudo::clock::Clock;
use recaudo::clock::{ManualClock, SystemClock};
use recaudo::config::Config;
use recaudo::domain::account::Account;
use recaudo::domain::command::PartyKind;
use recaudo::domain::policy::{PartnerSettings, PointSettings};
use recaudo::domain::position::Snapshot;
use recaudo::http::ROUTES;
use recaudo::store::{
    Certificate, CollectionPoint, Connection, Party, SnapshotKind, SnapshotRecord, SnapshotStatus, Store,
};
use reqwest::{Method, StatusCode, header};
use serde_json::{Value, json};

use crate::support::postgres::TestDatabase;

/// Where the books of a test are.
#[derive(Clone, Copy, Debug)]
pub enum Books {
    Sqlite,
    Postgres,
}

/// A running gateway and everything around it.
pub struct Gateway {
    pub running: Option<Running>,
    pub clock: Arc<ManualClock>,
    pub url: String,
    pub store: Store,
    authority: DevelopmentAuthority,
    folder: tempfile::TempDir,
    _database: Option<TestDatabase>,
}

/// Somebody with a certificate and, mostly, a token.
pub struct Caller {
    pub http: reqwest::Client,
    pub url: String,
    pub token: Option<String>,
}

/// What was answered.
#[derive(Clone, Debug)]
pub struct Answer {
    pub status: u16,
    pub headers: header::HeaderMap,
    pub body: Vec<u8>,
}

/// The parties: name, kind.
pub const PARTIES: [(&str, PartyKind); 5] = [
    ("aliado", PartyKind::Partner),
    ("otro", PartyKind::Partner),
    ("facturacion", PartyKind::Billing),
    ("reconexion", PartyKind::Reconnection),
    ("mesa", PartyKind::Operator),
];

impl Gateway {
    pub async fn start(books: Books) -> Self {
        Self::with(books, |_| ()).await
    }

    /// A gateway with settings of its own.
    pub async fn with(books: Books, change: impl FnOnce(&mut Config)) -> Self {
        _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
        let folder = tempfile::tempdir().unwrap();
        let clock = Arc::new(ManualClock::at(SystemClock.now()));
        let validity = Validity { now: clock.now(), days: 100 };
        let authority = DevelopmentAuthority::open(&folder.path().join("certs"), validity).unwrap();
        let server = authority.server(&[], validity).unwrap();
        let database = matches!(books, Books::Postgres).then(TestDatabase::create);
        let mut config = Config::load(None).unwrap();
        config.server.listen = "127.0.0.1:0".to_owned();
        config.server.operations_listen = "127.0.0.1:0".to_owned();
        config.server.workers = 2;
        config.server.drain_seconds = 0;
        // A test that wants a scan asks for it.
        config.upkeep.interval_milliseconds = 3_600_000;
        config.tls.server_certificate = server.certificate;
        config.tls.server_key = server.key;
        config.tls.client_ca = authority.certificate();
        config.token.keys = folder.path().join("keys");
        config.database.url = match &database {
            Some(database) => format!("{}?sslmode=disable", database.url()).into(),
            None => format!("sqlite:{}", folder.path().join("books.db").display()).into(),
        };
        change(&mut config);
        let settings = config.database.clone();
        let store = tokio::task::spawn_blocking(move || {
            let store = Store::new(&settings).unwrap();
            store.migrate().unwrap();
            store
        });
        let store = store.await.unwrap();
        let gateway = Self { running: None, clock, url: String::new(), store, authority, folder, _database: database };
        gateway.register_everybody().await;
        gateway.run(config).await
    }

    async fn run(mut self, config: Config) -> Self {
        let clock: Arc<dyn Clock> = Arc::clone(&self.clock) as Arc<dyn Clock>;
        let running = App::start(config, clock).await.unwrap();
        self.url = format!("https://127.0.0.1:{}", running.address.port());
        self.running = Some(running);
        self
    }

    async fn register_everybody(&self) {
        let now = self.clock.now();
        let identities: Vec<_> = PARTIES.iter().map(|(name, kind)| (*name, *kind, self.identity(name))).collect();
        self.write(move |connection| {
            for (name, kind, identity) in identities {
                let settings = PartnerSettings::default();
                let party = Party {
                    id: name.into(),
                    kind,
                    name: name.to_uppercase(),
                    settings,
                    registered_at: now,
                    suspended_at: None,
                };
                connection.register_party(&party)?;
                connection.register_certificate(&certificate(name, &identity, now))?;
                for place in ["01", "02"].iter().filter(|_| kind == PartyKind::Partner) {
                    let settings =
                        PointSettings { offline_floor_limit: "1000000".parse().ok(), ..PointSettings::default() };
                    connection.register_collection_point(&CollectionPoint {
                        id: format!("{name}-{place}").as_str().into(),
                        party: name.into(),
                        settings,
                        registered_at: now,
                        suspended_at: None,
                    })?;
                }
            }
            Ok(())
        })
        .await;
    }

    /// Writes to the books behind the gateway's back, as another program would.
    pub async fn write<T: Send + 'static>(
        &self,
        work: impl FnOnce(&mut Connection) -> Result<T, recaudo::store::StoreError> + Send + 'static,
    ) -> T {
        let store = self.store.clone();
        let written = tokio::task::spawn_blocking(move || store.connect().unwrap().transaction(work).unwrap());
        written.await.unwrap()
    }

    /// What billing says about these accounts.
    pub async fn bill(&self, accounts: Vec<Account>) {
        let now = self.clock.now();
        let snapshot = Snapshot { id: "prueba".to_owned(), as_of: now, included_through: Default::default() };
        self.write(move |connection| {
            connection.begin_snapshot(&SnapshotRecord {
                snapshot: snapshot.clone(),
                kind: SnapshotKind::Full,
                file_hash: "0".repeat(64),
                status: SnapshotStatus::Loading,
                accounts_read: 0,
                accounts_rejected: 0,
                started_at: now,
                finished_at: None,
            })?;
            connection.replace_accounts(&snapshot, &accounts)?;
            connection.finish_snapshot(&snapshot.id, i64::try_from(accounts.len()).unwrap_or(0), 0, now)
        })
        .await;
    }

    /// A certificate of the test's authority, registered or not.
    pub fn identity(&self, name: &str) -> Identity {
        self.authority.party(name, Validity { now: self.clock.now(), days: 100 }).unwrap()
    }

    /// The TLS side of a party.
    pub fn tls(&self, name: &str) -> rustls::ClientConfig {
        let identity = self.identity(name);
        let read = |path: &Path| std::fs::read(path).unwrap();
        client_config(&read(&self.authority.certificate()), &read(&identity.certificate), &read(&identity.key)).unwrap()
    }

    /// A party without a token.
    pub fn stranger(&self, name: &str) -> Caller {
        let http = reqwest::Client::builder()
            .tls_backend_preconfigured(self.tls(name))
            .no_proxy()
            .timeout(Duration::from_secs(60))
            .build()
            .unwrap();
        Caller { http, url: self.url.clone(), token: None }
    }

    /// A party with a token for everything that it may do.
    pub async fn caller(&self, name: &str) -> Caller {
        let partner = PARTIES.iter().any(|(party, kind)| *party == name && *kind == PartyKind::Partner);
        let point = if partner { format!("&collection_point={name}-01") } else { String::new() };
        self.caller_with(name, &format!("grant_type=client_credentials&client_id={name}{point}")).await
    }

    /// A party with a token that it asks for in its own words.
    pub async fn caller_with(&self, name: &str, form: &str) -> Caller {
        let mut caller = self.stranger(name);
        let answer = caller.token(form).await;
        assert_eq!(answer.status, 200, "{}", answer.text());
        caller.token = answer.json()["access_token"].as_str().map(str::to_owned);
        caller
    }

    /// Has the gateway look at the register now, as it does anyway within a second.
    pub async fn refresh(&self) {
        refresh_register(&self.running().edge).await.unwrap();
    }

    pub fn running(&self) -> &Running {
        self.running.as_ref().unwrap()
    }

    pub fn path(&self) -> PathBuf {
        self.folder.path().to_owned()
    }

    /// Ends the gateway in good order.
    pub async fn stop(mut self) {
        if let Some(running) = self.running.take() {
            running.stop().await;
        }
    }
}

impl Caller {
    pub async fn get(&self, path: &str) -> Answer {
        self.send(self.request(Method::GET, path)).await
    }

    pub async fn post(&self, path: &str, key: &str, body: &Value) -> Answer {
        let request = self.request(Method::POST, path).header("Idempotency-Key", format!("\"{key}\""));
        self.send(request.header("content-type", "application/json").body(body.to_string())).await
    }

    pub async fn pay(&self, key: &str, body: &Value) -> Answer {
        self.post("/v1/payments", key, body).await
    }

    pub async fn token(&self, form: &str) -> Answer {
        let request = self.request(Method::POST, "/oauth2/token");
        let form = form.to_owned();
        self.send(request.header("content-type", "application/x-www-form-urlencoded").body(form)).await
    }

    /// A request with the token, to be changed further.
    pub fn request(&self, method: Method, path: &str) -> reqwest::RequestBuilder {
        let request = self.http.request(method, format!("{}{path}", self.url));
        match &self.token {
            Some(token) => request.bearer_auth(token),
            None => request,
        }
    }

    /// Sends it and holds the answer against the contract.
    pub async fn send(&self, request: reqwest::RequestBuilder) -> Answer {
        let request = request.build().unwrap();
        let (method, path) = (request.method().clone(), request.url().path().to_owned());
        let response = self.http.execute(request).await.unwrap();
        let (status, headers) = (response.status(), response.headers().clone());
        let answer = Answer { status: status.as_u16(), headers, body: response.bytes().await.unwrap().to_vec() };
        answer.is_declared(&method, &path);
        answer.is_whole(status, &path);
        answer
    }
}

impl Answer {
    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or(Value::Null)
    }

    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    pub fn code(&self) -> String {
        self.json()["code"].as_str().unwrap_or_default().to_owned()
    }

    pub fn header(&self, name: &str) -> &str {
        self.headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default()
    }

    /// The pointers of all faults.
    pub fn pointers(&self) -> Vec<String> {
        let faults = self.json()["errors"].as_array().cloned().unwrap_or_default();
        faults.iter().map(|fault| fault["pointer"].as_str().unwrap().to_owned()).collect()
    }

    /// Asserts status and code of a refusal.
    #[track_caller]
    pub fn refused(&self, status: u16, code: &str) {
        assert_eq!((self.status, self.code().as_str()), (status, code), "{}", self.text());
    }

    /// Asserts that it was done.
    #[track_caller]
    pub fn done(&self, status: u16) -> Value {
        assert_eq!(self.status, status, "{}", self.text());
        self.json()
    }

    /// The status is declared for the route in the published contract.
    #[track_caller]
    fn is_declared(&self, method: &Method, path: &str) {
        static CONTRACT: OnceLock<Value> = OnceLock::new();
        let contract = CONTRACT.get_or_init(|| {
            let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("openapi/gateway.json");
            serde_json::from_slice(&std::fs::read(file).unwrap()).unwrap()
        });
        let Some(route) = route(method, path) else { return };
        let responses = &contract["paths"][route][method.as_str().to_ascii_lowercase()]["responses"];
        assert!(responses[self.status.to_string()].is_object(), "{method} {route} does not declare {}", self.status);
    }

    /// A refusal is a whole problem document, and every answer has a name.
    #[track_caller]
    fn is_whole(&self, status: StatusCode, path: &str) {
        assert!(self.header("request-id").starts_with("req_"), "{path} has no Request-Id");
        if !status.is_client_error() && !status.is_server_error() {
            return;
        }
        assert_eq!(self.header("content-type"), "application/problem+json", "{path}: {}", self.text());
        let problem = self.json();
        for member in ["type", "title", "detail", "instance", "code", "retry", "cashier_action"] {
            assert!(problem[member].as_str().is_some_and(|text| !text.is_empty()), "{member} is missing: {problem}");
        }
        assert_eq!(problem["status"], status.as_u16());
        assert_eq!(problem["instance"], path);
        let kind = format!("https://localhost:8443/problems/{}", problem["code"].as_str().unwrap());
        assert_eq!(problem["type"], kind);
        for person in ["cashier", "customer"] {
            let message = problem["message"][person].as_str().unwrap_or_default();
            let fits = message.lines().count() <= 2 && message.lines().all(|line| line.chars().count() <= 40);
            assert!(!message.is_empty() && fits, "{person}: {message}");
        }
    }
}

/// The route of a path, literal ones first.
fn route(method: &Method, path: &str) -> Option<&'static str> {
    let fits = |pattern: &str| {
        let (pattern, path): (Vec<_>, Vec<_>) = (pattern.split('/').collect(), path.split('/').collect());
        pattern.len() == path.len() && pattern.iter().zip(&path).all(|(a, b)| a.starts_with('{') || a == b)
    };
    let mut routes: Vec<_> = ROUTES.iter().filter(|route| route.method.as_str() == method.as_str()).collect();
    routes.sort_by_key(|route| route.path.contains('{'));
    routes.iter().find(|route| fits(route.path)).map(|route| route.path)
}

fn certificate(party: &str, identity: &Identity, now: recaudo::domain::calendar::Timestamp) -> Certificate {
    let facts = CertificateFacts::from_der(&identity.der).unwrap();
    Certificate {
        thumbprint: facts.thumbprint_text(),
        party: party.into(),
        subject: facts.common_name.clone(),
        not_after: facts.not_after,
        registered_at: now,
        revoked_at: None,
    }
}

/// An account in service that owes one bill.
pub fn account(number: &str, balance: &str) -> Account {
    account_of(json!({
        "account_number": number, "holder_name": "MARIA GOMEZ PEREZ", "municipality_code": "54001",
        "status": "active", "service": { "status": "active" },
        "bills": [bill(number, balance)],
    }))
}

/// An account that was cut for non-payment.
pub fn suspended(number: &str, balance: &str) -> Account {
    account_of(json!({
        "account_number": number, "holder_name": "JOSE LUIS GOMEZ PEREZ", "municipality_code": "54001",
        "status": "active",
        "service": { "status": "suspended", "cause": "non_payment", "amount_to_reconnect": balance, "reconnection_fee": "0.00" },
        "bills": [bill(number, balance)],
    }))
}

/// An account with an agreement of two installments.
pub fn with_agreement(number: &str) -> Account {
    account_of(json!({
        "account_number": number, "holder_name": "ANA ROJAS", "municipality_code": "54001",
        "status": "active", "service": { "status": "active" }, "bills": [],
        "agreements": [{ "agreement_id": "CV-1", "status": "in_force", "installments": [
            { "number": 4, "due_on": "2020-02-01", "balance": "45000.00" },
            { "number": 5, "due_on": "2020-03-01", "balance": "45000.00" },
        ]}],
    }))
}

pub fn account_of(json: Value) -> Account {
    serde_json::from_value(json).unwrap()
}

fn bill(number: &str, balance: &str) -> Value {
    json!({
        "bill_number": format!("F{number}"), "period": "2020-01", "issued_on": "2020-01-05",
        "due_on": "2020-01-20", "balance": balance, "disputed": "0.00",
    })
}

/// A payment of everything.
pub fn full(number: &str, amount: &str) -> Value {
    json!({
        "account_number": number, "type": "full", "amount": amount, "currency": "COP", "tender": "cash",
        "till": "C1", "cashier": "ana",
    })
}

/// A payment of a part.
pub fn partial(number: &str, amount: &str) -> Value {
    let mut payment = full(number, amount);
    payment["type"] = "partial".into();
    payment
}

/// Runs a test on both databases.
macro_rules! on_both_databases {
    ($($(#[$doc:meta])* $name:ident($gateway:ident) $body:block)+) => {$(
        $(#[$doc])*
        mod $name {
            use super::*;
            async fn check($gateway: &$crate::harness::Gateway) $body

            #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn on_sqlite() {
                let gateway = $crate::harness::Gateway::start($crate::harness::Books::Sqlite).await;
                check(&gateway).await;
                gateway.stop().await;
            }

            #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn on_postgres() {
                let gateway = $crate::harness::Gateway::start($crate::harness::Books::Postgres).await;
                check(&gateway).await;
                gateway.stop().await;
            }
        }
    )+};
}
pub(crate) use on_both_databases;
