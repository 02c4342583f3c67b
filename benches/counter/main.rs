//! How fast the counter is, against yardsticks of the same run on the same machine.
//!
//! `cargo bench --bench counter -- [--accounts N] [--seconds S] [--only sqlite|postgres] [--json FILE]
//! [--work no-op,look-up,posting,limited] [--connections 1,32,128,256]`
//!
//! Starts the real gateway as a child process, drives it over mutual TLS with persistent
//! connections, and prints one table: no-op, look-up, posting at 1, 32, 128 and 256 connections
//! with p50 and p99 (`limited`: posting with exposure and month limits on), and the processor time that a request costs in the gateway, in the load
//! generator and elsewhere (the database, the kernel); memory; the time from start to ready; and, on the same PostgreSQL cluster,
//! pgbench (TPC-B at its best client count, select-only), and the cost of one fdatasync. Only
//! ratios within one run mean anything: the machine is noisy.

#![allow(
    clippy::print_stdout,
    clippy::print_stderr,
    clippy::float_arithmetic,
    clippy::unwrap_used,
    missing_docs,
    reason = "a benchmark"
)]

mod cpu;
mod gateway;
mod load;
mod report;
mod yardstick;

use std::path::PathBuf;
use std::time::Duration;

use report::{Cell, Report};

/// What to measure and for how long.
#[derive(Clone, Debug)]
pub struct Plan {
    pub accounts: u64,
    pub seconds: u64,
    pub only: Option<String>,
    pub json: Option<PathBuf>,
    pub work: Vec<String>,
    pub connections: Vec<usize>,
}

impl Plan {
    fn from_arguments() -> Self {
        let work = ["no-op", "look-up", "posting", "limited"].map(str::to_owned).to_vec();
        let connections = vec![1, 32, 128, 256];
        let mut plan = Self { accounts: 1_000_000, seconds: 8, only: None, json: None, work, connections };
        let mut arguments = std::env::args().skip(1);
        while let Some(argument) = arguments.next() {
            let mut value = || arguments.next().unwrap_or_else(|| panic!("{argument} wants a value"));
            match argument.as_str() {
                "--accounts" => plan.accounts = value().parse().unwrap(),
                "--seconds" => plan.seconds = value().parse().unwrap(),
                "--only" => plan.only = Some(value()),
                "--work" => plan.work = value().split(',').map(str::to_owned).collect(),
                "--connections" => plan.connections = value().split(',').map(|n| n.parse().unwrap()).collect(),
                "--json" => plan.json = Some(value().into()),
                _ => {}
            }
        }
        plan
    }
}

/// Limits are measured where they would hurt.
const LIMITED_FROM: usize = 256;

fn main() {
    let plan = Plan::from_arguments();
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    let mut report = Report::new(&plan);
    let folder = tempfile::Builder::new().prefix("recaudo-bench").tempdir().unwrap();
    let sample = gateway::Sample::write(folder.path(), plan.accounts, 1);
    report.fdatasync_p50 = yardstick::fdatasync(folder.path());

    let wanted = |name: &str| plan.only.as_deref().is_none_or(|only| only == name);
    if wanted("sqlite") {
        measure(&runtime, &plan, &mut report, folder.path(), &sample, "sqlite", None);
    }
    if wanted("postgres") {
        let cluster = yardstick::Cluster::start(folder.path());
        report.pgbench(&plan, &cluster);
        let url = cluster.create_database("recaudo_bench");
        measure(&runtime, &plan, &mut report, folder.path(), &sample, "postgres", Some(url));
        // The yardstick again, after the work: it is the same machine that got slower or faster.
        report.pgbench(&plan, &cluster);
    }
    report.print();
    if let Some(file) = &plan.json {
        std::fs::write(file, report.json()).unwrap();
    }
}

fn measure(
    runtime: &tokio::runtime::Runtime,
    plan: &Plan,
    report: &mut Report,
    folder: &std::path::Path,
    sample: &gateway::Sample,
    database: &'static str,
    url: Option<String>,
) {
    let prepared = gateway::Prepared::new(&folder.join(database), url, sample);
    report.imported(database, prepared.import_seconds);
    let mut server = prepared.serve();
    report.memory(database, "idle", server.resident_kib());
    let spell = Duration::from_secs(plan.seconds);
    let drive = |work: load::Work, connections: usize| {
        runtime.block_on(load::drive(&prepared, &server.address, work, connections, spell))
    };
    let mut accounts = sample.payable.clone().into_iter();
    for connections in plan.connections.iter().copied() {
        for name in &plan.work {
            if name == "limited" && connections < LIMITED_FROM {
                continue;
            }
            prepared.limit(name == "limited");
            let work = match name.as_str() {
                "no-op" => load::Work::Noop,
                "look-up" => load::Work::LookUp(sample.payable.clone()),
                // Every payment on an account of its own, so that none is asked about as a duplicate.
                _ => load::Work::Posting(accounts.by_ref().take(plan.seconds as usize * 20_000).collect()),
            };
            let before = cpu::Spent::now(server.id());
            let result = drive(work, connections);
            let cpu = cpu::Spent::now(server.id()).since(&before).per(result.done);
            report.cell(Cell { database, work: name.clone(), connections, result, cpu });
        }
    }
    report.memory(database, "after", server.resident_kib());
    server.stop();
    let started = std::time::Instant::now();
    let mut again = prepared.serve();
    report.start_to_ready(database, started.elapsed());
    again.stop();
}
