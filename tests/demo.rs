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
    assert!(recaudo(&arguments).contains("Every step did what it said."));
    // A second day on the same books.
    assert!(recaudo(&arguments).contains("Every step did what it said."));
    let config = format!("{folder}/recaudo.toml");
    let audit = recaudo(&["verify", "ledger", "--config", &config]);
    assert!(audit.contains("payments") && !audit.contains("FAULT"), "{audit}");
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
