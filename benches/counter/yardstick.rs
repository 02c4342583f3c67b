//! What the figures are measured against: PostgreSQL's own benchmark, and one fdatasync.

use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

/// The median of writing one page and having it on the disk.
pub fn fdatasync(folder: &Path) -> Duration {
    let mut file = std::fs::File::create(folder.join("fdatasync")).unwrap();
    let mut times: Vec<Duration> = (0..200)
        .map(|_| {
            let started = Instant::now();
            file.write_all(&[7u8; 4096]).unwrap();
            file.sync_data().unwrap();
            started.elapsed()
        })
        .collect();
    times.sort_unstable();
    times[times.len() / 2]
}

/// A PostgreSQL cluster of this run.
pub struct Cluster {
    folder: PathBuf,
    url: String,
}

impl Cluster {
    /// Starts one with `scripts/postgres`.
    pub fn start(folder: &Path) -> Self {
        let folder = folder.join("cluster");
        let output = Command::new(script()).arg("start").arg(&folder).stderr(Stdio::inherit()).output().unwrap();
        assert!(output.status.success(), "PostgreSQL did not start");
        let url = String::from_utf8(output.stdout).unwrap().trim().lines().last().unwrap().to_owned();
        Self { folder, url }
    }

    /// Makes an empty database and gives its URL.
    pub fn create_database(&self, name: &str) -> String {
        self.run(Command::new("psql").args(["-q", "-c", &format!("CREATE DATABASE {name}"), &self.url]));
        match self.url.split_once('?') {
            Some((base, query)) => format!("{}/{name}?{query}", base.rsplit_once('/').unwrap().0),
            None => format!("{}/{name}", self.url.rsplit_once('/').unwrap().0),
        }
    }

    /// Transactions a second of pgbench's own TPC-B-like script at this client count.
    pub fn tpcb(&self, clients: usize, seconds: u64) -> f64 {
        self.pgbench(&["-M", "prepared"], clients, seconds)
    }

    /// Of its select-only script.
    pub fn select_only(&self, clients: usize, seconds: u64) -> f64 {
        self.pgbench(&["-M", "prepared", "-S"], clients, seconds)
    }

    /// Makes pgbench's tables (1,000,000 accounts).
    pub fn initialise(&self) {
        self.run(Command::new(pgbench()).args(["-i", "-q", "-s", "10", &self.url]).stderr(Stdio::null()));
    }

    fn pgbench(&self, flags: &[&str], clients: usize, seconds: u64) -> f64 {
        let mut command = Command::new(pgbench());
        let (clients, threads) = (clients.to_string(), clients.min(2).to_string());
        command.args(flags).args(["-n", "-c", &clients, "-j", &threads, "-T", &seconds.to_string(), &self.url]);
        let output = command.stderr(Stdio::null()).output().unwrap();
        let text = String::from_utf8_lossy(&output.stdout).into_owned();
        let tps = text.lines().find_map(|line| line.strip_prefix("tps = "));
        tps.and_then(|rest| rest.split_whitespace().next()).and_then(|tps| tps.parse().ok()).unwrap_or(0.0)
    }

    fn run(&self, command: &mut Command) {
        assert!(command.stdout(Stdio::null()).status().unwrap().success(), "{command:?}");
    }
}

impl Drop for Cluster {
    fn drop(&mut self) {
        _ = Command::new(script()).arg("stop").arg(&self.folder).stdout(Stdio::null()).status();
    }
}

fn script() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("scripts/postgres")
}

fn pgbench() -> PathBuf {
    let mut found: Vec<PathBuf> = std::fs::read_dir("/usr/lib/postgresql")
        .map(|versions| versions.flatten().map(|version| version.path().join("bin/pgbench")).collect())
        .unwrap_or_default();
    found.retain(|path| path.exists());
    found.sort();
    found.pop().unwrap_or_else(|| "pgbench".into())
}
