//! The main job: a gateway from nothing, a day at the counter, and books that add up. Both databases.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on says so by ending")]

use std::path::Path;
use std::process::{Command, Stdio};

#[path = "support/mod.rs"]
mod support;

fn recaudo(arguments: &[&str]) -> String {
    let mut command = Command::new(env!("CARGO_BIN_EXE_recaudo"));
    let output = command.args(arguments).stdin(Stdio::null()).output().unwrap();
    let (said, complained) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success(), "{arguments:?} ended with {:?}:\n{said}\n{complained}", output.status.code());
    said.into_owned()
}

fn play(folder: &Path, database: Option<&str>) {
    let folder = folder.to_str().unwrap();
    let mut arguments = vec!["demo", "--exit", "--listen", "127.0.0.1:0", "--dir", folder];
    arguments.extend(database.iter().flat_map(|url| ["--database", url]));
    for day in 1..=2 {
        let told = recaudo(&arguments);
        assert!(told.contains("Every step did what it said."), "day {day}: {told}");
        paid_debts_stay_paid(&told);
    }
    let config = format!("{folder}/recaudo.toml");
    let audit = recaudo(&["verify", "ledger", "--config", &config]);
    assert!(audit.contains("payments") && !audit.contains("FAULT"), "{audit}");
}

/// The table of the last step: what each paid account owes before, and after either billing file.
fn paid_debts_stay_paid(told: &str) {
    let (_, step) = told.split_once("The next billing files come in").unwrap();
    let rows = step.lines().map(|line| line.split_whitespace().collect::<Vec<_>>());
    let rows: Vec<_> = rows.filter(|row| row.len() == 6 && row[0].bytes().all(|byte| byte.is_ascii_digit())).collect();
    assert!(rows.len() >= 5, "{step}");
    let pesos = |text: &str| text.split('.').next().unwrap().parse::<i64>().unwrap();
    for row in &rows {
        let (billed, paid) = (pesos(row[1]), pesos(row[2]));
        assert!(paid > 0 && pesos(row[3]) == billed - paid, "{row:?}");
        assert_eq!((row[4], row[5]), (row[3], row[3]), "{row:?}");
    }
    assert!(rows.iter().any(|row| row[3] == "0.00") && rows.iter().any(|row| row[3] != "0.00"), "{step}");
}

#[test]
fn the_day_is_played_on_sqlite() {
    play(tempfile::tempdir().unwrap().path(), None);
}

#[test]
fn the_day_is_played_on_postgres() {
    let database = support::postgres::TestDatabase::create();
    play(tempfile::tempdir().unwrap().path(), Some(&format!("{}?sslmode=disable", database.url())));
}
