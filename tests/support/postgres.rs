//! A real PostgreSQL, one empty database for each test.
//!
//! The test runner gives every test a process of its own, so one cluster serves the whole run:
//! `scripts/test` starts it and passes `RECAUDO_TEST_POSTGRES=postgres://…`. Where the variable is
//! missing, the process that runs a test starts a cluster itself, with `scripts/postgres` as well, under
//! `/tmp`; a watcher stops and removes it when this process is gone, even by a kill. It takes about a
//! second, so that one test can be run on its own without any set-up.

use std::path::Path;
use std::process::Command;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU32, Ordering};
use std::thread;

use tokio_postgres::NoTls;

/// Where `scripts/test` says that its cluster is.
const GIVEN: &str = "RECAUDO_TEST_POSTGRES";

/// A database with nothing in it, dropped at the end of the test.
#[derive(Debug)]
pub struct TestDatabase {
    name: String,
    url: String,
}

impl TestDatabase {
    /// Makes a database in the cluster of this run. May be called inside a runtime and outside.
    pub fn create() -> Self {
        static MADE: AtomicU32 = AtomicU32::new(0);
        let name = format!("test_{}_{}", std::process::id(), MADE.fetch_add(1, Ordering::Relaxed));
        execute(server_url(), &format!("DROP DATABASE IF EXISTS {name} WITH (FORCE)"));
        execute(server_url(), &format!("CREATE DATABASE {name} TEMPLATE template0"));
        let (server, _) = server_url().rsplit_once('/').expect("the URL names a database");
        Self { url: format!("{server}/{name}"), name }
    }

    /// How to connect: a superuser, over TCP on the loopback interface.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// Runs statements that return nothing, separated by semicolons.
    pub fn execute(&self, sql: &str) {
        execute(&self.url, sql);
    }

    /// The first column of the first row as text; nothing for no row or NULL.
    pub fn value(&self, sql: &str) -> Option<String> {
        query(&self.url, sql)
    }
}

impl Drop for TestDatabase {
    fn drop(&mut self) {
        // A failing test says why it failed, and not that the cluster went away under it.
        let sql = format!("DROP DATABASE IF EXISTS {} WITH (FORCE)", self.name);
        let _ = thread::spawn(move || ask(server_url(), &sql)).join();
    }
}

/// The cluster of this run, on its database `postgres`.
pub fn server_url() -> &'static str {
    static URL: OnceLock<String> = OnceLock::new();
    URL.get_or_init(|| std::env::var(GIVEN).unwrap_or_else(|_| start_cluster()))
}

/// A cluster that nobody else uses, for what a test may not do to the common one. Gone with the process.
#[allow(dead_code, reason = "most suites share the common cluster")]
pub fn own_cluster() -> String {
    start_cluster()
}

fn start_cluster() -> String {
    let directory =
        tempfile::Builder::new().prefix("recaudo-postgres-").tempdir_in("/tmp").expect("/tmp takes a folder").keep();
    let output = Command::new(Path::new(env!("CARGO_MANIFEST_DIR")).join("scripts/postgres"))
        .arg("start")
        .arg(&directory)
        .args(["--owner", &std::process::id().to_string()])
        .output()
        .expect("scripts/postgres runs under bash");
    assert!(output.status.success(), "no PostgreSQL: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).expect("the URL is text").trim().to_owned()
}

/// Runs statements that return nothing.
pub fn execute(url: &str, sql: &str) {
    query(url, sql);
}

/// The first column of the first row as text. On a thread of its own: the caller may already be inside a
/// runtime.
pub fn query(url: &str, sql: &str) -> Option<String> {
    let asked = thread::scope(|scope| scope.spawn(|| ask(url, sql)).join().expect("asking does not panic"));
    asked.unwrap_or_else(|error| panic!("{sql}: {error:?}"))
}

fn ask(url: &str, sql: &str) -> Result<Option<String>, tokio_postgres::Error> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime starts");
    runtime.block_on(async {
        let (client, connection) = tokio_postgres::connect(url, NoTls).await?;
        let connection = tokio::spawn(connection);
        let answer = client.simple_query(sql).await?;
        drop(client);
        let _ = connection.await;
        Ok(answer.iter().find_map(|message| match message {
            tokio_postgres::SimpleQueryMessage::Row(row) => row.get(0).map(str::to_owned),
            _ => None,
        }))
    })
}
