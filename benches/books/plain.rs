//! The yardsticks: the same rows, written by somebody who has nothing else to do.

use std::io::{BufRead, BufReader, BufWriter, Write};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

/// Rows of a commit into SQLite.
const BATCH: &str = "1000";

/// A bare batched insert: number and line, durable as the gateway is.
pub fn sqlite(folder: &Path, sample: &Path) -> Duration {
    const SCRIPT: &str = r#"
import sqlite3, sys, time
database, rows, batch = sys.argv[1], sys.argv[2], int(sys.argv[3])
connection = sqlite3.connect(database, isolation_level=None)
connection.execute("PRAGMA journal_mode = WAL")
connection.execute("PRAGMA synchronous = FULL")
connection.execute("CREATE TABLE plain (number TEXT NOT NULL PRIMARY KEY, line TEXT NOT NULL)")
started, waiting = time.monotonic(), []
def flush():
    connection.execute("BEGIN IMMEDIATE")
    connection.executemany("INSERT INTO plain VALUES (?, ?)", waiting)
    connection.execute("COMMIT")
    waiting.clear()
for line in open(rows, encoding="utf-8"):
    waiting.append(line.rstrip("\n").split("\t", 1))
    if len(waiting) == batch:
        flush()
flush()
print(time.monotonic() - started)
"#;
    let rows = numbered(folder, sample);
    let database = folder.join("plain.db");
    let output = Command::new("python3").args(["-c", SCRIPT]).arg(&database).arg(rows).arg(BATCH).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    std::fs::remove_file(database).unwrap();
    Duration::from_secs_f64(String::from_utf8(output.stdout).unwrap().trim().parse().unwrap())
}

/// COPY of the same bytes into a table without a key; into one with a key is told beside, because the books
/// have one.
pub fn postgres(folder: &Path, url: &str, sample: &Path) -> Duration {
    let rows = numbered(folder, sample);
    let copy = |table: &str, columns: &str| {
        let create = format!("CREATE TABLE {table} ({columns})");
        let copy =
            format!("\\copy {table} FROM '{}' WITH (FORMAT csv, DELIMITER E'\\t', QUOTE E'\\x01')", rows.display());
        psql(url, &create);
        let started = Instant::now();
        psql(url, &copy);
        let took = started.elapsed();
        psql(url, &format!("DROP TABLE {table}"));
        took
    };
    let keyless = copy("keyless", "number TEXT, line TEXT");
    let keyed = copy("keyed", "number TEXT COLLATE \"C\" PRIMARY KEY, line TEXT");
    println!("postgres  COPY: {keyless:.1?} without a key, {keyed:.1?} with");
    keyless
}

fn psql(url: &str, sql: &str) {
    assert!(Command::new("psql").args(["-q", "-v", "ON_ERROR_STOP=1", "-c", sql, url]).status().unwrap().success());
}

/// The sample as rows of number and line.
fn numbered(folder: &Path, sample: &Path) -> PathBuf {
    let path = folder.join("rows.tsv");
    let mut out = BufWriter::new(std::fs::File::create(&path).unwrap());
    for line in BufReader::new(std::fs::File::open(sample).unwrap()).lines().skip(1) {
        let line = line.unwrap();
        let account: recaudo::domain::account::Account = serde_json::from_str(&line).unwrap();
        writeln!(out, "{}\t{line}", account.account_number).unwrap();
    }
    out.flush().unwrap();
    path
}
