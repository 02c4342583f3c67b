//! The program killed under load, again and again: every acknowledged payment is told, under one identity.
//!
//! The real gateway is a child process; payments come through its mutual-TLS door from several cashier
//! systems that repeat with the same key until they have an answer, as the contract asks of them. It is
//! killed without warning right after an acknowledgement and started again on the same books.
//! `RECAUDO_KILLS` says how often on each database.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on says so by ending")]

use std::collections::{BTreeMap, HashMap, HashSet};
use std::io::{BufRead, BufReader};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use recaudo::auth::mutual_tls::client_config;
use recaudo::config::Config;
use recaudo::store::{DeliveryFilter, DeliveryStatus, Store};
use reqwest::{Client, RequestBuilder};
use serde_json::{Value, json};
use tokio::sync::{Notify, watch};

#[path = "webhooks/receiver.rs"]
#[allow(dead_code, reason = "the suite of the webhooks uses the rest")]
mod receiver;
#[path = "support/mod.rs"]
mod support;

use receiver::{Act, Receiver, Seen};
use support::postgres::TestDatabase;

/// Cashier systems that pay at once.
const CASHIERS: usize = 4;
/// At most so many acknowledgements are waited for before a kill.
const LONGEST_LIFE: usize = 24;
const SECRET: &str = "whsec_cmVjb25leGlvbi1kZS1wcnVlYmEtMjAyNi0xMS0yNA==";

fn kills() -> usize {
    std::env::var("RECAUDO_KILLS").map_or(100, |kills| kills.parse().unwrap())
}

/// A folder with books and certificates, and the program that works on it.
struct Program {
    folder: tempfile::TempDir,
    _database: Option<TestDatabase>,
}

impl Program {
    fn prepare(database: Option<TestDatabase>) -> Self {
        _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
        let folder = tempfile::tempdir().unwrap();
        let mut demo = Command::new(env!("CARGO_BIN_EXE_recaudo"));
        demo.args(["demo", "--no-scenario", "--exit", "--listen", "127.0.0.1:0", "--dir"]).arg(folder.path());
        if let Some(database) = &database {
            demo.args(["--database", &format!("{}?sslmode=disable", database.url())]);
        }
        assert!(demo.stdin(Stdio::null()).stdout(Stdio::null()).status().unwrap().success());
        Self { folder, _database: database }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// Starts the gateway, and says where it listens as soon as it does.
    fn serve(&self) -> (Child, String) {
        let mut command = Command::new(env!("CARGO_BIN_EXE_recaudo"));
        command.arg("--config").arg(self.path("recaudo.toml")).arg("serve").env("RECAUDO__LOG__FORMAT", "json");
        // A killed gateway's deliveries are others' when its leases run out: soon, here.
        command.env("RECAUDO__WEBHOOKS__LEASE_SECONDS", "4").env("RECAUDO__WEBHOOKS__ATTEMPT_TIMEOUT_SECONDS", "2");
        command.env("RECAUDO__WEBHOOKS__POLL_MILLISECONDS", "50");
        // An attempt that a loaded machine lets down is made again soon.
        command.env("RECAUDO__WEBHOOKS__RETRY_DELAYS_SECONDS", "[0, 1, 1, 1, 1, 1, 1, 1, 1, 1]");
        let mut child = command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap();
        let log = BufReader::new(child.stderr.take().unwrap());
        let mut lines = log.lines().map_while(Result::ok);
        let listening = lines.find(|line| line.contains("is listening")).expect("the gateway starts");
        // What it says later is read, so that it never waits for a reader.
        std::thread::spawn(move || lines.for_each(drop));
        let said: Value = serde_json::from_str(&listening).unwrap();
        let address = find(&said, "address").expect("the log says where").to_owned();
        (child, format!("https://localhost:{}", address.rsplit(':').next().unwrap()))
    }

    fn client(&self, party: &str) -> Client {
        let read = |name: String| std::fs::read(self.path("certs").join(name)).unwrap();
        let (certificate, key) = (read(format!("{party}.crt")), read(format!("{party}.key")));
        let tls = client_config(&read("ca.crt".to_owned()), &certificate, &key).unwrap();
        let client = Client::builder().tls_backend_preconfigured(tls).no_proxy().timeout(Duration::from_secs(30));
        client.build().unwrap()
    }

    /// The accounts of the sample that owe enough for every partial payment of this test.
    fn payable(&self) -> Vec<String> {
        let sample = std::fs::read_to_string(self.path("billing-sample.jsonl")).unwrap();
        let payable = |line: &str| {
            let account: recaudo::domain::account::Account = serde_json::from_str(line).ok()?;
            let open = account.status == recaudo::domain::account::AccountStatus::Active;
            let owed: i64 = account.bills.iter().map(|bill| (bill.balance - bill.disputed).centavos()).sum();
            (open && owed >= 2_000_000).then(|| account.account_number.to_string())
        };
        sample.lines().skip(1).filter_map(payable).collect()
    }

    fn store(&self) -> Store {
        Store::new(&Config::load(Some(&self.path("recaudo.toml"))).unwrap().database).unwrap()
    }

    fn audit(&self) -> String {
        let mut command = Command::new(env!("CARGO_BIN_EXE_recaudo"));
        command.arg("--config").arg(self.path("recaudo.toml")).args(["verify", "ledger"]);
        let output = command.output().unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).unwrap()
    }
}

/// A member of a document, wherever it is.
fn find<'a>(value: &'a Value, name: &str) -> Option<&'a str> {
    let members = value.as_object()?;
    members.get(name).and_then(Value::as_str).or_else(|| members.values().find_map(|value| find(value, name)))
}

async fn token(client: &Client, gateway: &str, form: &str) -> String {
    let form = format!("grant_type=client_credentials&{form}");
    let request = client.post(format!("{gateway}/oauth2/token")).body(form);
    let request = request.header("content-type", "application/x-www-form-urlencoded");
    let answer: Value = request.send().await.unwrap().json().await.unwrap();
    answer["access_token"].as_str().expect("a token").to_owned()
}

fn post(client: &Client, url: &str, token: &str, body: &Value) -> RequestBuilder {
    client.post(url).bearer_auth(token).header("content-type", "application/json").body(body.to_string())
}

/// What all cashier systems share.
struct Counter {
    gateway: watch::Receiver<String>,
    token: String,
    accounts: Vec<String>,
    next: AtomicUsize,
    over: AtomicBool,
    acknowledged: Mutex<Vec<String>>,
    one_more: Notify,
}

impl Counter {
    fn count(&self) -> usize {
        self.acknowledged.lock().unwrap().len()
    }

    /// Waits until so many payments are acknowledged.
    async fn reaches(&self, count: usize) {
        while self.count() < count {
            self.one_more.notified().await;
        }
    }

    /// Pays until it is over; each payment is repeated with its key until its outcome is known.
    async fn pay(&self, client: Client) {
        while !self.over.load(Ordering::SeqCst) {
            let place = self.next.fetch_add(1, Ordering::SeqCst);
            // Another amount each time round, so that no payment looks like an earlier one.
            let round = place / self.accounts.len();
            let body = json!({
                "account_number": self.accounts[place % self.accounts.len()], "type": "partial",
                "amount": format!("{}.00", 1_000 + round), "currency": "COP", "tender": "cash",
                "till": format!("C{}", place % 4), "cashier": "ana",
            });
            let id = self.outcome(&client, &format!("k-{place}"), &body).await;
            self.acknowledged.lock().unwrap().push(id);
            self.one_more.notify_one();
        }
    }

    async fn outcome(&self, client: &Client, key: &str, body: &Value) -> String {
        let mut gateway = self.gateway.clone();
        loop {
            let url = format!("{}/v1/payments", *gateway.borrow_and_update());
            let request = post(client, &url, &self.token, body).header("idempotency-key", format!("\"{key}\""));
            let answer = match request.send().await {
                Ok(answer) => (answer.status().as_u16(), answer.json::<Value>().await),
                Err(error) => (0, Err(error)),
            };
            match answer {
                (201, Ok(payment)) => return payment["id"].as_str().unwrap().to_owned(),
                // Nobody knows: it was killed, or is about to be.
                (0 | 201 | 202 | 503, _) => {}
                (status, problem) => panic!("{status}: {problem:?}"),
            }
            // At once if it has been started again meanwhile; otherwise not before it may have.
            _ = tokio::time::timeout(Duration::from_millis(50), gateway.changed()).await;
        }
    }
}

/// How many lives end is drawn from a fixed seed: a failure can be had again.
fn draw(state: &mut u64) -> usize {
    *state ^= *state << 13;
    *state ^= *state >> 7;
    *state ^= *state << 17;
    usize::try_from(*state % LONGEST_LIFE as u64).unwrap()
}

async fn kill_and_tell(database: Option<TestDatabase>) {
    let program = Arc::new(tokio::task::spawn_blocking(|| Program::prepare(database)).await.unwrap());
    let receiver = Receiver::start(|_, _| Act::Prove).await;
    let (mut child, url) = program.serve();
    let (operator, partner) = (program.client("operator"), program.client("coompecens"));
    let registrar = token(&operator, &url, "client_id=operator").await;
    let wanted = json!({ "url": receiver.url, "secret": SECRET });
    let registered = post(&operator, &format!("{url}/v1/webhook-endpoints"), &registrar, &wanted).send().await.unwrap();
    let endpoint: Value = registered.json().await.unwrap();
    assert_eq!(endpoint["status"], "active", "{endpoint}");
    receiver.now(|_, _| Act::Answer(204));

    let token = token(&partner, &url, "client_id=coompecens&collection_point=coompecens-01").await;
    let (gateway, watched) = watch::channel(url);
    let counter = Arc::new(Counter {
        gateway: watched,
        token,
        accounts: program.payable(),
        next: AtomicUsize::new(0),
        over: AtomicBool::new(false),
        acknowledged: Mutex::default(),
        one_more: Notify::new(),
    });
    let cashiers: Vec<_> = (0..CASHIERS)
        .map(|_| {
            let (counter, client) = (Arc::clone(&counter), program.client("coompecens"));
            tokio::spawn(async move { counter.pay(client).await })
        })
        .collect();

    let (mut chance, mut left_behind) = (0x5eed_u64, 0);
    for _ in 0..kills() {
        counter.reaches(counter.count() + 1 + draw(&mut chance)).await;
        child.kill().unwrap();
        child.wait().unwrap();
        let looked = Arc::clone(&program);
        left_behind += usize::from(tokio::task::spawn_blocking(move || untold(&looked)).await.unwrap());
        let starting = Arc::clone(&program);
        let url;
        (child, url) = tokio::task::spawn_blocking(move || starting.serve()).await.unwrap();
        gateway.send_replace(url);
    }
    counter.over.store(true, Ordering::SeqCst);
    for cashier in cashiers {
        cashier.await.unwrap();
    }
    assert!(left_behind * 2 > kills(), "only {left_behind} kills came between a commit and its delivery");
    let paid: HashSet<String> = counter.acknowledged.lock().unwrap().drain(..).collect();
    let waiting = Arc::clone(&program);
    tokio::task::spawn_blocking(move || wait_until_told(&waiting)).await.unwrap();
    child.kill().unwrap();
    child.wait().unwrap();
    compare(&paid, &receiver.seen());
    let audit = tokio::task::spawn_blocking(move || program.audit()).await.unwrap();
    assert!(audit.contains("payments") && !audit.contains("FAULT"), "{audit}");
}

/// Whether anything that was committed has not been delivered.
fn untold(program: &Program) -> bool {
    let mut connection = program.store().connect().unwrap();
    connection
        .transaction(|connection| {
            let endpoints = connection.webhook_endpoints(None, 10)?;
            let status = Some(DeliveryStatus::Pending);
            let filter = DeliveryFilter { endpoint: endpoints[0].id, status, after_seq: 0, limit: 1 };
            Ok(!connection.outbox(1)?.is_empty() || !connection.webhook_deliveries(&filter)?.is_empty())
        })
        .unwrap()
}

/// Generous: only a failing test waits that long.
fn wait_until_told(program: &Program) {
    for _ in 0..3_000 {
        if !untold(program) {
            return;
        }
        std::thread::sleep(Duration::from_millis(20));
    }
    panic!("something was never told");
}

/// Everything that was acknowledged is told, each event under one identity, numbers without a gap.
fn compare(paid: &HashSet<String>, seen: &[Seen]) {
    let mut events: HashMap<&str, &Seen> = HashMap::new();
    let mut numbers: BTreeMap<i64, &str> = BTreeMap::new();
    let mut told: HashMap<String, &str> = HashMap::new();
    for one in seen.iter().filter(|one| one.json()["type"] != "endpoint.challenge") {
        let body = one.json();
        let first = events.entry(&one.id).or_insert(one);
        assert_eq!(first.body, one.body, "the same identity says the same");
        let named = *numbers.entry(one.seq()).or_insert(&one.id);
        assert_eq!(named, one.id, "number {} is two events", one.seq());
        if body["type"] == "payment.posted" {
            let payment = body["data"]["payment_id"].as_str().unwrap().to_owned();
            let named = *told.entry(payment).or_insert(&one.id);
            assert_eq!(named, one.id, "one payment under two identities");
        }
    }
    let missing: Vec<&String> = paid.iter().filter(|payment| !told.contains_key(*payment)).collect();
    assert!(missing.is_empty(), "acknowledged and never told: {missing:?}");
    assert_eq!(told.len(), paid.len(), "every payment was acknowledged in the end");
    assert_eq!(numbers.len(), events.len(), "every event has one number");
    assert!(numbers.keys().copied().eq(1..=i64::try_from(events.len()).unwrap()), "a number is missing");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn whoever_is_acknowledged_is_told_on_sqlite() {
    kill_and_tell(None).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn whoever_is_acknowledged_is_told_on_postgres() {
    let database = tokio::task::spawn_blocking(TestDatabase::create).await.unwrap();
    kill_and_tell(Some(database)).await;
}
