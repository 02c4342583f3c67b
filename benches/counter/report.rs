//! The figures, as one table and as JSON.

use std::fmt::Write as _;
use std::time::Duration;

use serde_json::json;

use crate::Plan;
use crate::cpu::Spent;
use crate::load::Outcome;
use crate::yardstick::Cluster;

/// One measurement.
pub struct Cell {
    pub database: &'static str,
    pub work: String,
    pub connections: usize,
    pub result: Outcome,
    pub cpu: Spent,
}

/// All of them.
#[derive(Default)]
pub struct Report {
    accounts: u64,
    cells: Vec<Cell>,
    tpcb: Vec<(usize, f64)>,
    select_only: Vec<f64>,
    memory: Vec<(&'static str, &'static str, u64)>,
    imported: Vec<(&'static str, f64)>,
    ready: Vec<(&'static str, Duration)>,
    pub fdatasync_p50: Duration,
}

impl Report {
    pub fn new(plan: &Plan) -> Self {
        Self { accounts: plan.accounts, ..Self::default() }
    }

    pub fn cell(&mut self, cell: Cell) {
        println!("{}", line(&cell));
        self.cells.push(cell);
    }

    pub fn memory(&mut self, database: &'static str, when: &'static str, kib: u64) {
        println!("{database:<9} resident {when}: {} MiB", kib / 1024);
        self.memory.push((database, when, kib));
    }

    pub fn imported(&mut self, database: &'static str, seconds: f64) {
        println!("{database:<9} {} accounts imported in {seconds:.1} s", self.accounts);
        self.imported.push((database, seconds));
    }

    pub fn start_to_ready(&mut self, database: &'static str, took: Duration) {
        println!("{database:<9} start to ready: {took:?}");
        self.ready.push((database, took));
    }

    /// Runs the yardstick; called before and after, the better figure counts.
    pub fn pgbench(&mut self, plan: &Plan, cluster: &Cluster) {
        if self.tpcb.is_empty() {
            cluster.initialise();
        }
        for clients in [1, 8, 16, 32, 64] {
            let tps = cluster.tpcb(clients, plan.seconds);
            println!("pgbench   TPC-B, {clients} clients: {tps:.0}/s");
            self.tpcb.push((clients, tps));
        }
        let tps = cluster.select_only(128, plan.seconds);
        println!("pgbench   select-only, 128 clients: {tps:.0}/s");
        self.select_only.push(tps);
    }

    fn find(&self, database: &str, work: &str, connections: usize) -> Option<&Outcome> {
        let cell = |cell: &&Cell| cell.database == database && cell.work == work && cell.connections == connections;
        self.cells.iter().find(cell).map(|cell| &cell.result)
    }

    fn ratios(&self) -> Vec<(String, f64, f64)> {
        let best = self.tpcb.iter().map(|(_, tps)| *tps).fold(0.0, f64::max);
        let select = self.select_only.iter().copied().fold(0.0, f64::max);
        let rate = |database: &str, work: &str, connections: usize| {
            self.find(database, work, connections).map_or(0.0, Outcome::rate)
        };
        let mut ratios = Vec::new();
        let mut ratio = |name: &str, value: f64, of: f64, wanted: f64| {
            if value > 0.0 && of > 0.0 {
                ratios.push((name.to_owned(), value / of, wanted));
            }
        };
        ratio(
            "posting, PostgreSQL, 256 connections / pgbench TPC-B at its best",
            rate("postgres", "posting", 256),
            best,
            4.0,
        );
        ratio("posting, SQLite, 256 connections / the same", rate("sqlite", "posting", 256), best, 3.0);
        ratio(
            "look-up, SQLite, 32 connections / no-op",
            rate("sqlite", "look-up", 32),
            rate("sqlite", "no-op", 32),
            0.5,
        );
        ratio(
            "look-up, PostgreSQL, 128 connections / pgbench select-only",
            rate("postgres", "look-up", 128),
            select,
            1.0,
        );
        for database in ["sqlite", "postgres"] {
            let name = format!("posting, {database}, 256 connections, limits on / limits off");
            ratio(&name, rate(database, "limited", 256), rate(database, "posting", 256), 0.8);
        }
        for database in ["sqlite", "postgres"] {
            if let (Some(posting), Some(noop)) = (self.find(database, "posting", 1), self.find(database, "no-op", 1)) {
                let floor = (self.fdatasync_p50 + noop.p50).as_secs_f64();
                ratio(
                    &format!("lone cashier, {database}: p50 / (fdatasync + no-op), at most"),
                    posting.p50.as_secs_f64(),
                    floor,
                    2.0,
                );
            }
        }
        ratios
    }

    pub fn print(&self) {
        println!("\n{} accounts; one fdatasync: {:?}\n", self.accounts, self.fdatasync_p50);
        for cell in &self.cells {
            println!("{}", line(cell));
        }
        println!();
        for (name, value, wanted) in self.ratios() {
            println!("{name}: {value:.2} (wanted {wanted})");
        }
    }

    pub fn json(&self) -> String {
        let cells: Vec<_> = self.cells.iter().map(|cell| {
            json!({"database": cell.database, "work": cell.work, "connections": cell.connections, "per_second": cell.result.rate(),
                "p50_us": cell.result.p50.as_micros() as u64, "p99_us": cell.result.p99.as_micros() as u64, "refused": cell.result.refused,
                "cpu_us": {"gateway": cell.cpu.gateway, "generator": cell.cpu.generator, "elsewhere": cell.cpu.elsewhere}})
        }).collect();
        json!({"accounts": self.accounts, "cells": cells, "pgbench_tpcb": self.tpcb, "pgbench_select_only": self.select_only,
            "resident_kib": self.memory, "import_seconds": self.imported, "fdatasync_p50_us": self.fdatasync_p50.as_micros() as u64,
            "ready_ms": self.ready.iter().map(|(name, took)| (name, took.as_millis() as u64)).collect::<Vec<_>>(), "ratios": self.ratios()})
        .to_string()
    }
}

fn line(cell: &Cell) -> String {
    let Cell { database, work, connections, result, cpu } = cell;
    let mut text = format!("{database:<9} {work:<8} {connections:>4} connections {:>9.0}/s", result.rate());
    _ = write!(text, "  p50 {:>9.3?}  p99 {:>9.3?}", result.p50, result.p99);
    let Spent { gateway, generator, elsewhere } = cpu;
    _ = write!(text, "  cpu {gateway:>4} + {generator:>3} + {elsewhere:>3} us");
    if result.refused > 0 {
        _ = write!(text, "  refused {}", result.refused);
    }
    text
}
