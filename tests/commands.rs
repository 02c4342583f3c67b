//! The program as an operator calls it: exit codes, results for people and for programs, a whole start.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on says so by ending")]

use std::path::Path;
use std::process::{Child, Command, Output, Stdio};
use std::time::{Duration, Instant};

use serde_json::Value;

/// The program, told where its configuration is.
struct Program(tempfile::TempDir);

impl Program {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let config = "[server]\nlisten = '127.0.0.1:0'\noperations_listen = '127.0.0.1:0'\ndrain_seconds = 0\n\
                      [tls]\nserver_certificate = 'certs/server.crt'\nserver_key = 'certs/server.key'\n\
                      client_ca = 'certs/ca.crt'\n[database]\nurl = 'sqlite:books.db'\n";
        std::fs::write(folder.path().join("recaudo.toml"), config).unwrap();
        Self(folder)
    }

    fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_recaudo"));
        command.args(arguments).current_dir(self.0.path()).stdin(Stdio::null());
        command
    }

    fn run(&self, arguments: &[&str]) -> Output {
        self.command(arguments).output().unwrap()
    }

    #[track_caller]
    fn done(&self, arguments: &[&str]) -> Value {
        let output = self.run(arguments);
        assert!(output.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
        serde_json::from_slice(&output.stdout).unwrap_or(Value::Null)
    }

    #[track_caller]
    fn fails(&self, arguments: &[&str], code: i32) -> String {
        let output = self.run(arguments);
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        assert_eq!(output.status.code(), Some(code), "{arguments:?}: {said}");
        said
    }

    fn serve(&self) -> Child {
        self.command(&["serve"]).env("RECAUDO__LOG__FORMAT", "json").stderr(Stdio::piped()).spawn().unwrap()
    }
}

#[test]
fn a_gateway_is_prepared_checked_served_and_stopped() {
    let program = Program::new();
    assert!(program.fails(&["check"], 1).contains("checks failed"));
    assert!(program.fails(&["party", "list"], 1).contains("recaudo migrate"));
    program.done(&["migrate"]);
    program.done(&["party", "add", "aliado", "--kind", "partner", "--name", "ALIADO"]);
    program.done(&[
        "party",
        "add",
        "aliado",
        "--kind",
        "partner",
        "--name",
        "EL ALIADO",
        "--settings",
        "{\"explicit_sessions\":true}",
    ]);
    assert!(program.fails(&["party", "add", "aliado", "--kind", "operator", "--name", "X"], 1).contains("partner"));
    program.done(&["point", "add", "aliado-01", "--party", "aliado"]);
    program.fails(&["point", "add", "x-01", "--party", "nobody"], 1);
    program.done(&["certificate", "dev", "aliado", "--dir", "certs"]);
    let registered = program.done(&["certificate", "register", "aliado", "certs/aliado.crt", "--json"]);
    let thumbprint = registered["thumbprint"].as_str().unwrap().to_owned();

    let parties = program.done(&["--json", "party", "list"]);
    assert_eq!(parties["data"][0]["name"], "EL ALIADO");
    assert_eq!(parties["data"][0]["settings"]["explicit_sessions"], true);
    assert_eq!(program.done(&["point", "list", "--party", "aliado", "--json"])["data"][0]["id"], "aliado-01");
    program.done(&["party", "suspend", "aliado"]);
    program.done(&["party", "suspend", "aliado", "--lift"]);
    program.fails(&["party", "suspend", "nobody"], 1);
    program.done(&["certificate", "revoke", &thumbprint]);
    assert!(program.fails(&["certificate", "register", "aliado", "certs/aliado.crt"], 1).contains("revoked"));
    program.done(&["check"]);

    let mut child = program.serve();
    let log = std::io::BufReader::new(child.stderr.take().unwrap());
    let listening = std::io::BufRead::lines(log).map_while(Result::ok).any(|line| line.contains("is listening"));
    assert!(listening, "it did not start");
    assert!(Command::new("kill").args(["-TERM", &child.id().to_string()]).status().unwrap().success());
    let until = Instant::now() + Duration::from_secs(60);
    let status = loop {
        match child.try_wait().unwrap() {
            Some(status) => break status,
            None if Instant::now() > until => panic!("it did not stop"),
            None => std::thread::sleep(Duration::from_millis(20)),
        }
    };
    assert!(status.success(), "{status}");
}

#[test]
fn what_is_called_wrongly_ends_with_two_and_nothing_done() {
    let program = Program::new();
    program.fails(&["nonsense"], 2);
    program.fails(&["party", "add", "x"], 2);
    program.fails(&["--config", "missing.toml", "check"], 2);
    program.done(&["migrate"]);
    program.fails(&["party", "add", "Él", "--kind", "partner", "--name", "X"], 2);
    program.fails(&["party", "add", "x", "--kind", "partner", "--name", "X", "--settings", "{\"no\":1}"], 2);
    let said = {
        let mut command = program.command(&["check"]);
        let output = command.env("RECAUDO__POSTING__QUEUE", "0").output().unwrap();
        assert_eq!(output.status.code(), Some(2));
        String::from_utf8_lossy(&output.stderr).into_owned()
    };
    assert!(said.contains("posting.queue"), "{said}");
    assert!(!Path::new(&program.0.path().join("keys")).exists(), "a refused command made something");
}

#[test]
fn the_contract_is_printed() {
    let contract = Program::new().done(&["openapi"]);
    assert_eq!(contract["openapi"], "3.1.0");
    assert!(contract["paths"]["/v1/payments"]["post"].is_object());
}

#[test]
fn a_partners_list_is_reconciled_and_a_bad_one_refused() {
    let program = Program::new();
    program.done(&["migrate"]);
    program.done(&["party", "add", "aliado", "--kind", "partner", "--name", "EL ALIADO"]);
    let write = |name: &str, text: &str| std::fs::write(program.0.path().join(name), text).unwrap();
    write("list.csv", "receipt_number,account_number,amount\nR1,000123456,92700.00\nR1,000123456,92700.00\n");
    let reconcile =
        |more: &[&'static str]| [&["reconcile", "--partner", "aliado", "--date", "2026-11-24"], more].concat();

    // With differences it is done as well.
    let run = program.done(&reconcile(&["--json", "list.csv"]));
    let causes: Vec<_> = run["result"]["breaks"].as_array().unwrap().iter().map(|one| one["cause"].clone()).collect();
    assert_eq!(causes, ["only_there", "duplicate_there"]);
    assert_eq!(program.done(&reconcile(&["--json", "list.csv"]))["result"]["totals"], run["result"]["totals"]);
    let told = program.run(&reconcile(&["--html", "report.html", "--pdf", "report.pdf", "list.csv"]));
    let told = String::from_utf8(told.stdout).unwrap();
    assert!(told.contains("EL ALIADO") && told.contains("Duplicado en el aliado"), "{told}");
    let written = |name: &str| std::fs::read(program.0.path().join(name)).unwrap();
    assert!(written("report.pdf").starts_with(b"%PDF-") && written("report.html").starts_with(b"<!"));

    write("bad.csv", "receipt_number,account_number,amount\nR1,000123456,92700.00\nR2,x,1\nR3,000123456,cien\n");
    let said = program.fails(&reconcile(&["bad.csv"]), 1);
    for part in ["l\u{ed}nea 3, columna account_number", "l\u{ed}nea 4, columna amount", "\u{ab}cien\u{bb}"] {
        assert!(said.contains(part), "{part} is missing in {said}");
    }
    program.fails(&reconcile(&["absent.csv"]), 1);
    program.fails(&reconcile(&["--to", "2026-11-23", "list.csv"]), 2);
    program.fails(&reconcile(&["--kind", "bank", "--format", "jsonl", "list.csv"]), 2);
    program.fails(&["reconcile", "--partner", "nobody", "--date", "2026-11-24", "list.csv"], 1);
}
