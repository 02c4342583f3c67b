//! How soon a commit is told, and what telling costs the counter.
//!
//! `cargo bench --bench events -- [--accounts N] [--seconds S] [--payments N] [--connections N]
//! [--only sqlite|postgres] [--json FILE]`
//!
//! Starts the real gateway as a child process with one live endpoint, a receiver in this process.
//! First the gateway is idle but for a payment every 20 ms: how long after its answer, and after its
//! request, the first byte of its event comes. Then the posting rate without the endpoint, with it,
//! with it, and without it, so that a machine that gets slower or faster in between does not decide the
//! ratio.

#![allow(
    clippy::print_stdout,
    clippy::print_stderr,
    clippy::float_arithmetic,
    clippy::unwrap_used,
    missing_docs,
    reason = "a benchmark"
)]

#[path = "../counter/gateway.rs"]
#[allow(dead_code, reason = "the other benchmark uses the rest")]
mod gateway;
#[path = "../counter/load.rs"]
#[allow(dead_code, reason = "the other benchmark uses the rest")]
mod load;
mod receiver;
#[path = "../counter/yardstick.rs"]
#[allow(dead_code, reason = "the other benchmark uses the rest")]
mod yardstick;

use std::path::PathBuf;
use std::time::{Duration, Instant};

use gateway::{Prepared, Sample, Server};
use receiver::Receiver;
use serde_json::{Value, json};

/// One payment every so often is an idle gateway.
const PACE: Duration = Duration::from_millis(20);
/// How long is waited for the last event.
const PATIENCE: Duration = Duration::from_secs(30);

struct Plan {
    accounts: u64,
    seconds: u64,
    payments: usize,
    connections: usize,
    only: Option<String>,
    json: Option<PathBuf>,
}

impl Plan {
    fn from_arguments() -> Self {
        let mut plan = Self { accounts: 400_000, seconds: 8, payments: 500, connections: 256, only: None, json: None };
        let mut arguments = std::env::args().skip(1);
        while let Some(argument) = arguments.next() {
            let mut value = || arguments.next().unwrap_or_else(|| panic!("{argument} wants a value"));
            match argument.as_str() {
                "--accounts" => plan.accounts = value().parse().unwrap(),
                "--seconds" => plan.seconds = value().parse().unwrap(),
                "--payments" => plan.payments = value().parse().unwrap(),
                "--connections" => plan.connections = value().parse().unwrap(),
                "--only" => plan.only = Some(value()),
                "--json" => plan.json = Some(value().into()),
                _ => {}
            }
        }
        plan
    }
}

fn main() {
    let plan = Plan::from_arguments();
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    let folder = tempfile::Builder::new().prefix("recaudo-bench").tempdir().unwrap();
    let sample = Sample::write(folder.path(), plan.accounts, 1);
    let wanted = |name: &str| plan.only.as_deref().is_none_or(|only| only == name);
    let mut measured = Vec::new();
    if wanted("sqlite") {
        let prepared = Prepared::new(&folder.path().join("sqlite"), None, &sample);
        measured.push(runtime.block_on(measure(&plan, "sqlite", &prepared, &sample)));
    }
    if wanted("postgres") {
        let cluster = yardstick::Cluster::start(folder.path());
        let url = cluster.create_database("recaudo_bench");
        let prepared = Prepared::new(&folder.path().join("postgres"), Some(url), &sample);
        measured.push(runtime.block_on(measure(&plan, "postgres", &prepared, &sample)));
    }
    if let Some(file) = &plan.json {
        std::fs::write(file, Value::from(measured).to_string()).unwrap();
    }
}

async fn measure(plan: &Plan, database: &str, prepared: &Prepared, sample: &Sample) -> Value {
    let server = prepared.serve();
    let receiver = Receiver::start().await;
    let (idle, busy) = sample.payable.split_at(plan.payments.min(sample.payable.len()));
    let endpoint = Endpoint::register(prepared, &server, &receiver).await;
    let (after_answer, after_request) = delays(prepared, &server, &receiver, idle).await;
    endpoint.remove().await;
    println!(
        "{database:<9} idle      committed to received p50 {:>9.3?}  p99 {:>9.3?}",
        after_answer[0], after_answer[1]
    );
    println!(
        "{database:<9} idle      requested to received p50 {:>9.3?}  p99 {:>9.3?}",
        after_request[0], after_request[1]
    );

    let mut parts = busy.chunks((busy.len() / 4).max(1)).map(<[String]>::to_vec);
    let spell = Duration::from_secs(plan.seconds);
    let (mut without, mut with) = (Vec::new(), Vec::new());
    for told in [false, true, true, false] {
        let endpoint = if told { Some(Endpoint::register(prepared, &server, &receiver).await) } else { None };
        let (before, accounts) = (receiver.count(), parts.next().unwrap_or_default());
        let outcome =
            load::drive(prepared, &server.address, load::Work::Posting(accounts), plan.connections, spell).await;
        let received = receiver.count() - before;
        if let Some(endpoint) = endpoint {
            endpoint.remove().await;
        }
        let name = if told { "told" } else { "untold" };
        println!(
            "{database:<9} {name:<9} {} connections {:>7.0}/s  p50 {:>9.3?}  p99 {:>9.3?}  refused {}  received meanwhile {received}",
            plan.connections,
            outcome.rate(),
            outcome.p50,
            outcome.p99,
            outcome.refused
        );
        if told { with.push(outcome.rate()) } else { without.push(outcome.rate()) }
    }
    let ratio = with.iter().sum::<f64>() / without.iter().sum::<f64>();
    println!("{database:<9} posting with one live endpoint / without: {ratio:.2} (wanted 0.8)");
    let micros = |all: [Duration; 2]| all.map(|one| one.as_micros() as u64);
    json!({
        "database": database, "committed_to_received_us": micros(after_answer),
        "requested_to_received_us": micros(after_request), "told_per_second": with, "untold_per_second": without,
        "ratio": ratio,
    })
}

/// Median and 99th percentile from answer to event, and from request to event.
async fn delays(
    prepared: &Prepared,
    server: &Server,
    receiver: &Receiver,
    accounts: &[String],
) -> ([Duration; 2], [Duration; 2]) {
    let (http, token) = (prepared.http("coompecens"), prepared.token(&server.address).await);
    let url = format!("https://localhost:{}/v1/payments", server.address.rsplit(':').next().unwrap());
    let mut ticks = tokio::time::interval(PACE);
    let mut paid = Vec::with_capacity(accounts.len());
    for account in accounts {
        let body = json!({
            "account_number": account, "type": "partial", "amount": "1000.00", "currency": "COP",
            "tender": "cash", "till": "C1", "cashier": "banco",
        });
        let request = http.post(&url).bearer_auth(&token).header("content-type", "application/json");
        let request = request.header("idempotency-key", format!("\"idle-{account}\"")).body(body.to_string());
        ticks.tick().await;
        let asked = Instant::now();
        let answer = request.send().await.unwrap();
        let answered = Instant::now();
        assert_eq!(answer.status().as_u16(), 201, "{account}");
        let payment: Value = answer.json().await.unwrap();
        paid.push((payment["id"].as_str().unwrap().to_owned(), asked, answered));
    }
    let until = Instant::now() + PATIENCE;
    while paid.iter().any(|(payment, ..)| receiver.arrival(payment).is_none()) {
        assert!(Instant::now() < until, "an event did not come");
        tokio::time::sleep(PACE).await;
    }
    let since = |from: fn(&(String, Instant, Instant)) -> Instant| {
        // An event may overtake the answer: then nobody waited for it.
        let delay = |one: &(String, Instant, Instant)| {
            receiver.arrival(&one.0).unwrap_or(until).saturating_duration_since(from(one))
        };
        let mut all: Vec<Duration> = paid.iter().map(delay).collect();
        all.sort_unstable();
        [all[all.len() / 2], all[all.len() * 99 / 100]]
    };
    (since(|one| one.2), since(|one| one.1))
}

/// An endpoint of the operator that wants every event.
struct Endpoint {
    http: reqwest::Client,
    token: String,
    url: String,
}

impl Endpoint {
    async fn register(prepared: &Prepared, server: &Server, receiver: &Receiver) -> Self {
        let (http, token) = (prepared.http("operator"), prepared.token_of("operator", "", &server.address).await);
        let place = format!("https://localhost:{}/v1/webhook-endpoints", server.address.rsplit(':').next().unwrap());
        let request = http.post(&place).bearer_auth(&token).json(&json!({ "url": receiver.url }));
        let endpoint: Value = request.send().await.unwrap().json().await.unwrap();
        assert_eq!(endpoint["status"], "active", "{endpoint}");
        let url = format!("{place}/{}", endpoint["id"].as_str().unwrap());
        Self { http, token, url }
    }

    async fn remove(self) {
        let answer = self.http.delete(&self.url).bearer_auth(&self.token).send().await.unwrap();
        assert_eq!(answer.status().as_u16(), 204);
    }
}
