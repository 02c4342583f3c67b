//! The load: persistent mutual-TLS connections, one request at a time each, and as little work of
//! our own as possible, because generator and gateway share the cores.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use rustls_pki_types::ServerName;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

use crate::gateway::Prepared;

/// What every connection does.
pub enum Work {
    /// A request that touches nothing.
    Noop,
    /// The position of one of these accounts.
    LookUp(Vec<String>),
    /// A partial payment, each on the next of these accounts.
    Posting(Vec<String>),
}

/// What came of it.
#[derive(Clone, Debug, Default)]
pub struct Outcome {
    pub done: usize,
    pub refused: usize,
    pub seconds: f64,
    pub p50: Duration,
    pub p99: Duration,
}

impl Outcome {
    pub fn rate(&self) -> f64 {
        if self.seconds > 0.0 { self.done as f64 / self.seconds } else { 0.0 }
    }
}

struct Shared {
    work: Work,
    token: String,
    next: AtomicUsize,
    run: u64,
}

impl Shared {
    /// The bytes of the next request; none when the accounts have run out.
    fn request(&self, buffer: &mut Vec<u8>) -> bool {
        use std::io::Write as _;
        buffer.clear();
        let place = self.next.fetch_add(1, Ordering::Relaxed);
        match &self.work {
            Work::Noop => {
                _ = write!(
                    buffer,
                    "GET /heartbeat HTTP/1.1\r\nhost: localhost\r\nauthorization: Bearer {}\r\n\r\n",
                    self.token
                );
            }
            Work::LookUp(accounts) => {
                let account = &accounts[(place * 7919) % accounts.len()];
                _ = write!(
                    buffer,
                    "GET /v1/accounts/{account} HTTP/1.1\r\nhost: localhost\r\nauthorization: Bearer {}\r\n\r\n",
                    self.token
                );
            }
            Work::Posting(accounts) => {
                let Some(account) = accounts.get(place) else { return false };
                let body = format!(
                    r#"{{"account_number":"{account}","type":"partial","amount":"1000.00","currency":"COP","tender":"cash","till":"C{}","cashier":"banco"}}"#,
                    place % 64
                );
                _ = write!(
                    buffer,
                    "POST /v1/payments HTTP/1.1\r\nhost: localhost\r\nauthorization: Bearer {}\r\nidempotency-key: \"b-{}-{place}\"\r\ncontent-type: application/json\r\ncontent-length: {}\r\n\r\n{body}",
                    self.token,
                    self.run,
                    body.len()
                );
            }
        }
        true
    }
}

/// Drives the gateway for a while.
pub async fn drive(prepared: &Prepared, address: &str, work: Work, connections: usize, spell: Duration) -> Outcome {
    let connector = TlsConnector::from(Arc::new(prepared.client_config("coompecens")));
    let token = prepared.token(address).await;
    static RUN: AtomicUsize = AtomicUsize::new(0);
    let run = RUN.fetch_add(1, Ordering::Relaxed) as u64 * 1_000_000 + u64::from(std::process::id());
    let shared = Arc::new(Shared { work, token, next: AtomicUsize::new(0), run });
    let mut streams = Vec::new();
    for _ in 0..connections {
        streams.push(connect(&connector, address).await);
    }
    let started = Instant::now();
    let tasks: Vec<_> =
        streams.into_iter().map(|stream| tokio::spawn(client(stream, Arc::clone(&shared), started + spell))).collect();
    let (mut latencies, mut refused) = (Vec::new(), 0);
    for task in tasks {
        let (mine, mine_refused) = task.await.unwrap();
        latencies.extend(mine);
        refused += mine_refused;
    }
    let seconds = started.elapsed().as_secs_f64();
    latencies.sort_unstable();
    let at = |percent: usize| {
        latencies.get((latencies.len() * percent / 100).min(latencies.len().saturating_sub(1))).copied()
    };
    Outcome {
        done: latencies.len(),
        refused,
        seconds,
        p50: at(50).unwrap_or_default(),
        p99: at(99).unwrap_or_default(),
    }
}

async fn connect(connector: &TlsConnector, address: &str) -> TlsStream<TcpStream> {
    let tcp = TcpStream::connect(address).await.unwrap();
    tcp.set_nodelay(true).unwrap();
    connector.connect(ServerName::try_from("localhost").unwrap(), tcp).await.unwrap()
}

async fn client(mut stream: TlsStream<TcpStream>, shared: Arc<Shared>, until: Instant) -> (Vec<Duration>, usize) {
    let (mut request, mut answer) = (Vec::new(), Vec::with_capacity(8192));
    let (mut latencies, mut refused) = (Vec::new(), 0);
    while Instant::now() < until && shared.request(&mut request) {
        let sent = Instant::now();
        stream.write_all(&request).await.unwrap();
        stream.flush().await.unwrap();
        let status = read_answer(&mut stream, &mut answer).await;
        match status {
            200 | 201 => latencies.push(sent.elapsed()),
            _ => {
                refused += 1;
                if refused == 1 {
                    eprintln!(
                        "first refusal of this connection: {}",
                        String::from_utf8_lossy(&answer).chars().take(900).collect::<String>()
                    );
                }
            }
        }
    }
    (latencies, refused)
}

/// Reads one answer with a content-length and gives its status.
async fn read_answer(stream: &mut TlsStream<TcpStream>, answer: &mut Vec<u8>) -> u16 {
    answer.clear();
    let mut chunk = vec![0u8; 16_384];
    let mut whole = None;
    while whole.is_none_or(|whole| answer.len() < whole) {
        let read = stream.read(&mut chunk).await.unwrap();
        assert!(read > 0, "the gateway closed the connection");
        answer.extend_from_slice(&chunk[..read]);
        if whole.is_none() {
            whole = length_of(answer);
        }
    }
    std::str::from_utf8(&answer[9..12]).unwrap().parse().unwrap()
}

fn length_of(answer: &[u8]) -> Option<usize> {
    let head = answer.windows(4).position(|four| four == b"\r\n\r\n")? + 4;
    let text = std::str::from_utf8(&answer[..head]).unwrap();
    let length = text.lines().find_map(|line| {
        let (name, value) = line.split_once(':')?;
        name.eq_ignore_ascii_case("content-length").then(|| value.trim().parse::<usize>().unwrap())
    });
    Some(head + length.unwrap_or(0))
}
