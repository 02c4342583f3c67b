//! What the books take in and give out at scale: a billing file of a million accounts, payments while it
//! comes in, a broken one, and a collection file of a million payments; and the gateway's start with all that.
//!
//! `cargo bench --bench books -- [--accounts N] [--payments N] [--only sqlite|postgres]`
//!
//! The yardsticks are of the same run: PostgreSQL's COPY of the same bytes into one table, and a bare batched insert of
//! the same rows into SQLite by Python's own module.

#![allow(
    clippy::print_stdout,
    clippy::print_stderr,
    clippy::float_arithmetic,
    clippy::unwrap_used,
    dead_code,
    missing_docs,
    reason = "a benchmark, which shares rooms with another"
)]

mod billing;
#[path = "../counter/gateway.rs"]
mod gateway;
#[path = "../counter/load.rs"]
mod load;
mod payments;
mod plain;
#[path = "../counter/yardstick.rs"]
mod yardstick;

use std::io::{BufRead, BufReader, BufWriter, Write};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use gateway::{Prepared, Sample};

/// Connections that post while a file comes in.
const CASHIERS: usize = 8;

struct Plan {
    accounts: u64,
    payments: usize,
    only: Option<String>,
}

/// A command that ended: whether well, after how long, with how much memory at its most.
struct Ended {
    well: bool,
    took: Duration,
    peak_mib: u64,
    said: String,
}

fn main() {
    let mut plan = Plan { accounts: 1_000_000, payments: 1_000_000, only: None };
    let mut arguments = std::env::args().skip(1);
    while let Some(argument) = arguments.next() {
        let mut value = || arguments.next().unwrap_or_else(|| panic!("{argument} wants a value"));
        match argument.as_str() {
            "--accounts" => plan.accounts = value().parse().unwrap(),
            "--payments" => plan.payments = value().parse().unwrap(),
            "--only" => plan.only = Some(value()),
            _ => {}
        }
    }
    let folder = tempfile::Builder::new().prefix("recaudo-bench").tempdir().unwrap();
    let sample = Sample::write(folder.path(), plan.accounts, 1);
    // Of the next day: a file of the same day would be the same snapshot.
    let later = Sample::write(folder.path(), plan.accounts, 26);
    println!("{} accounts, {} MiB", plan.accounts, std::fs::metadata(&sample.file).unwrap().len() >> 20);
    let wanted = |name: &str| plan.only.as_deref().is_none_or(|only| only == name);
    if wanted("sqlite") {
        let yardstick = plain::sqlite(folder.path(), &sample.file);
        println!("sqlite    bare batched insert: {yardstick:.1?}");
        measure(&plan, folder.path(), "sqlite", None, (&sample, &later), yardstick);
    }
    if wanted("postgres") {
        let cluster = yardstick::Cluster::start(folder.path());
        let url = cluster.create_database("recaudo_bench");
        let yardstick = plain::postgres(folder.path(), &url, &sample.file);
        measure(&plan, folder.path(), "postgres", Some(url), (&sample, &later), yardstick);
    }
}

fn measure(
    plan: &Plan,
    folder: &Path,
    database: &str,
    url: Option<String>,
    (sample, later): (&Sample, &Sample),
    yardstick: Duration,
) {
    let prepared = Prepared::empty(&folder.join(database), url);
    let import = run(prepared.command().args(["billing", "import"]).arg(&sample.file));
    assert!(import.well, "{}", import.said);
    let ratio = import.took.as_secs_f64() / yardstick.as_secs_f64();
    println!(
        "{database:<9} import: {:.1?}, {ratio:.2} x the yardstick (at most 3); {} MiB (at most 128)",
        import.took, import.peak_mib
    );

    let broken = broken(folder, &later.file, plan.accounts);
    let refused = run(prepared.command().args(["billing", "import"]).arg(&broken));
    let line = (plan.accounts / 2).to_string();
    assert!(!refused.well && refused.said.contains(&line), "the broken line was not named: {}", refused.said);
    println!("{database:<9} broken in the middle: refused in {:.1?} (at most 60 s), line {line} named", refused.took);
    std::fs::remove_file(broken).unwrap();

    payments::while_importing(&prepared, database, sample, &later.file);
    let took = payments::post(&prepared, sample, plan.payments);
    println!("{database:<9} {} payments posted in {took:.1?}", plan.payments);
    let started = Instant::now();
    prepared.serve().stop();
    println!("{database:<9} start to ready with them: {:?} (at most 2 s)", started.elapsed());
    export(plan, &prepared, folder, database);
}

/// Seals the day and writes its file, twice.
fn export(plan: &Plan, prepared: &Prepared, folder: &Path, database: &str) {
    let today = Command::new("date").args(["+%F", "-u", "-d", "-5 hours"]).output().unwrap();
    let today = String::from_utf8(today.stdout).unwrap().trim().to_owned();
    let named = ["--partner", "coompecens", "--date", &today];
    let seal = run(prepared.command().args(["batch", "seal"]).args(named));
    assert!(seal.well, "{}", seal.said);
    println!("{database:<9} seal: {:.1?}", seal.took);
    let mut files = Vec::new();
    for ordinal in 0..2 {
        let file = folder.join(format!("{database}-{ordinal}.txt"));
        let export = run(prepared.command().args(["batch", "export"]).args(named).arg("--out").arg(&file));
        assert!(export.well, "{}", export.said);
        println!("{database:<9} collection file: {:.1?} (at most 5 s), {} MiB", export.took, export.peak_mib);
        files.push(std::fs::read(&file).unwrap());
    }
    assert!(files[0] == files[1], "twice the same bytes");
    let read = payments::read_back(&files[0]);
    assert!(read.0 as usize >= plan.payments, "every payment is in the file");
    println!("{database:<9} read back: {} payments, {}", read.0, read.1);
}

/// The file with a fault in its middle line.
fn broken(folder: &Path, file: &Path, accounts: u64) -> PathBuf {
    let path = folder.join("broken.jsonl");
    let mut out = BufWriter::new(std::fs::File::create(&path).unwrap());
    for (at, line) in BufReader::new(std::fs::File::open(file).unwrap()).lines().enumerate() {
        let line = line.unwrap();
        let line = if at as u64 + 1 == accounts / 2 {
            line.replacen("\"account_number\":\"", "\"account_number\":\"x", 1)
        } else {
            line
        };
        writeln!(out, "{line}").unwrap();
    }
    path
}

/// Runs a command and watches its memory.
fn run(command: &mut Command) -> Ended {
    let started = Instant::now();
    let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let mut peak_mib = 0;
    let status = loop {
        let status = std::fs::read_to_string(format!("/proc/{}/status", child.id())).unwrap_or_default();
        let peak = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
        let peak = peak.and_then(|rest| rest.trim().split(' ').next()?.parse::<u64>().ok());
        peak_mib = peak.map_or(peak_mib, |kib| kib / 1024);
        if let Some(status) = child.try_wait().unwrap() {
            break status;
        }
        std::thread::sleep(Duration::from_millis(10));
    };
    let took = started.elapsed();
    let output = child.wait_with_output().unwrap();
    let said = String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr);
    Ended { well: status.success(), took, peak_mib, said }
}
