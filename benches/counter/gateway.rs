//! The gateway under test: prepared by its own commands, started as a child, asked for its memory.

use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use recaudo::auth::mutual_tls::client_config;

const PROGRAM: &str = env!("CARGO_BIN_EXE_recaudo");

/// A billing file and the accounts in it that can be paid.
pub struct Sample {
    pub file: PathBuf,
    pub payable: Vec<String>,
}

impl Sample {
    /// The same accounts, as billing will see them in some hours.
    pub fn write(folder: &Path, accounts: u64, hours: u32) -> Self {
        // Another seed and a later instant than the demonstration's, so that it is a newer snapshot.
        let file = folder.join(format!("sample-{hours}.jsonl"));
        let later = format!("+{hours} hours");
        let later = Command::new("date").args(["-d", &later, "--iso-8601=seconds"]).output().unwrap();
        let later = String::from_utf8(later.stdout).unwrap();
        let out = std::fs::File::create(&file).unwrap();
        let status = Command::new(PROGRAM)
            .args(["billing", "sample", "--accounts", &accounts.to_string(), "--seed", "8", "--as-of", later.trim()])
            .stdout(out)
            .status()
            .unwrap();
        assert!(status.success(), "the sample was not made");
        let lines = BufReader::new(std::fs::File::open(&file).unwrap()).lines();
        let payable = lines.skip(1).filter_map(|line| payable(&line.unwrap())).collect();
        Self { file, payable }
    }
}

/// The account number, when the account owes enough for a partial payment.
fn payable(line: &str) -> Option<String> {
    let account: recaudo::domain::account::Account = serde_json::from_str(line).ok()?;
    let open = account.status == recaudo::domain::account::AccountStatus::Active;
    let owed: i64 = account.bills.iter().map(|bill| (bill.balance - bill.disputed).centavos()).sum();
    (open && owed >= 500_000).then(|| account.account_number.to_string())
}

/// A gateway's folder: database, certificates, configuration.
pub struct Prepared {
    folder: PathBuf,
    pub import_seconds: f64,
}

/// A running gateway.
pub struct Server {
    child: Child,
    pub address: String,
}

impl Prepared {
    pub fn new(folder: &Path, url: Option<String>, sample: &Sample) -> Self {
        let prepared = Self::empty(folder, url);
        let started = Instant::now();
        let import =
            prepared.command().args(["billing", "import"]).arg(&sample.file).stdout(Stdio::null()).status().unwrap();
        assert!(import.success(), "the billing file was not imported");
        Self { import_seconds: started.elapsed().as_secs_f64(), ..prepared }
    }

    /// With nothing but the demonstration's accounts, which the first billing file replaces.
    pub fn empty(folder: &Path, url: Option<String>) -> Self {
        let mut demo = Command::new(PROGRAM);
        demo.args(["demo", "--no-scenario", "--exit", "--listen", "127.0.0.1:0", "--dir"]).arg(folder);
        if let Some(url) = url {
            demo.args(["--database", &url]);
        }
        assert!(demo.stdout(Stdio::null()).status().unwrap().success(), "the gateway was not prepared");
        Self { folder: folder.to_owned(), import_seconds: 0.0 }
    }

    pub fn configuration(&self) -> PathBuf {
        self.folder.join("recaudo.toml")
    }

    pub fn command(&self) -> Command {
        let mut command = Command::new(PROGRAM);
        command.env("RECAUDO__LOG__FILTER", "warn");
        for limit in ["LOOKUPS_PER_MINUTE", "UNKNOWN_ACCOUNTS_PER_MINUTE", "REQUESTS_PER_MINUTE"] {
            command.env(format!("RECAUDO__LIMITS__{limit}"), "60000000");
        }
        command.env("RECAUDO__SERVER__OPERATIONS_LISTEN", "127.0.0.1:0");
        command.arg("--config").arg(self.configuration());
        command
    }

    /// Gives the partner and its place limits that bind nobody and are looked at with every payment, or none.
    pub fn limit(&self, on: bool) {
        const MOST: &str = "99999999999.00";
        let (party, point) = match on {
            true => (
                format!(r#"{{"exposure_limit":"{MOST}","cash_month_limit":"{MOST}"}}"#),
                format!(r#"{{"exposure_limit":"{MOST}"}}"#),
            ),
            false => ("{}".to_owned(), "{}".to_owned()),
        };
        let partner = ["party", "add", "coompecens", "--kind", "partner", "--name", "COOMPECENS", "--settings", &party];
        let place = ["point", "add", "coompecens-01", "--party", "coompecens", "--settings", &point];
        for arguments in [&partner[..], &place[..]] {
            assert!(self.command().args(arguments).stdout(Stdio::null()).status().unwrap().success(), "{arguments:?}");
        }
    }

    /// Starts the gateway on a free port and waits until it answers that it is ready.
    pub fn serve(&self) -> Server {
        let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let address = format!("127.0.0.1:{port}");
        let mut command = self.command();
        let child =
            command.env("RECAUDO__SERVER__LISTEN", &address).arg("serve").stdout(Stdio::null()).spawn().unwrap();
        let until = Instant::now() + Duration::from_secs(60);
        while std::net::TcpStream::connect(&address).is_err() {
            assert!(Instant::now() < until, "the gateway did not start");
            std::thread::sleep(Duration::from_millis(2));
        }
        Server { child, address }
    }

    /// What a party shows when it calls.
    pub fn client_config(&self, party: &str) -> rustls::ClientConfig {
        let read = |name: &str| std::fs::read(self.folder.join("certs").join(name)).unwrap();
        client_config(&read("ca.crt"), &read(&format!("{party}.crt")), &read(&format!("{party}.key"))).unwrap()
    }

    /// A client that shows a party's certificate.
    pub fn http(&self, party: &str) -> reqwest::Client {
        reqwest::Client::builder().tls_backend_preconfigured(self.client_config(party)).no_proxy().build().unwrap()
    }

    /// A token of the partner that pays.
    pub async fn token(&self, address: &str) -> String {
        self.token_of("coompecens", "&collection_point=coompecens-01", address).await
    }

    /// A token of a party, for what more it asks.
    pub async fn token_of(&self, party: &str, more: &str, address: &str) -> String {
        let answer = self
            .http(party)
            .post(format!("{}/oauth2/token", base(address)))
            .header("content-type", "application/x-www-form-urlencoded")
            .body(format!("grant_type=client_credentials&client_id={party}{more}"))
            .send()
            .await
            .unwrap();
        let json: serde_json::Value = answer.json().await.unwrap();
        json["access_token"].as_str().expect("a token").to_owned()
    }
}

/// Where the gateway is, by the name in its certificate.
pub fn base(address: &str) -> String {
    format!("https://localhost:{}", address.rsplit(':').next().unwrap())
}

impl Server {
    pub fn id(&self) -> u32 {
        self.child.id()
    }

    pub fn resident_kib(&self) -> u64 {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.child.id())).unwrap_or_default();
        let line = status.lines().find(|line| line.starts_with("VmRSS:")).unwrap_or_default();
        line.split_whitespace().nth(1).and_then(|kib| kib.parse().ok()).unwrap_or(0)
    }

    pub fn stop(&mut self) {
        _ = self.child.kill();
        _ = self.child.wait();
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.stop();
    }
}
