//! Stands for the reconnection service: takes events, verifies them with the public library, keeps them.
//!
//! Small on purpose: one request a connection, and nothing that a guide would not show.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use reqwest::header::{HeaderMap, HeaderName, HeaderValue};
use serde_json::{Value, json};
use standardwebhooks::Webhook;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Notify;
use tokio::task::JoinHandle;

/// Bytes of a request that are read, at most.
const LARGEST_REQUEST: usize = 64 * 1024;
/// How long a request may take.
const REQUEST_TIMEOUT: Duration = Duration::from_secs(10);

/// A running receiver.
pub struct Receiver {
    /// Where it listens.
    pub address: SocketAddr,
    inbox: Arc<Inbox>,
    serving: JoinHandle<()>,
}

#[derive(Default)]
struct Inbox {
    secret: Mutex<Option<Webhook>>,
    events: Mutex<Vec<Value>>,
    arrived: Notify,
}

impl Receiver {
    /// Begins to listen on a free port of this machine.
    ///
    /// # Errors
    /// No port is free.
    pub async fn start() -> std::io::Result<Self> {
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let (address, inbox) = (listener.local_addr()?, Arc::new(Inbox::default()));
        let serving = tokio::spawn(serve(listener, Arc::clone(&inbox)));
        Ok(Self { address, inbox, serving })
    }

    /// From now on only what is signed with this secret is taken.
    pub fn trust(&self, secret: &str) -> bool {
        let secret = Webhook::new(secret).ok();
        let known = secret.is_some();
        *lock(&self.inbox.secret) = secret;
        known
    }

    /// Waits for an event that fits.
    pub async fn wait_for(&self, within: Duration, fits: impl Fn(&Value) -> bool) -> Option<Value> {
        let found = || lock(&self.inbox.events).iter().find(|event| fits(event)).cloned();
        let waiting = async {
            loop {
                let arrived = self.inbox.arrived.notified();
                if let Some(event) = found() {
                    return event;
                }
                arrived.await;
            }
        };
        tokio::time::timeout(within, waiting).await.ok()
    }
}

impl Drop for Receiver {
    fn drop(&mut self) {
        self.serving.abort();
    }
}

async fn serve(listener: TcpListener, inbox: Arc<Inbox>) {
    while let Ok((stream, _)) = listener.accept().await {
        let inbox = Arc::clone(&inbox);
        tokio::spawn(async move { tokio::time::timeout(REQUEST_TIMEOUT, answer(stream, &inbox)).await });
    }
}

async fn answer(mut stream: TcpStream, inbox: &Inbox) -> std::io::Result<()> {
    let Some((headers, body)) = read(&mut stream).await? else { return Ok(()) };
    let (status, reply) = take(inbox, &headers, &body);
    let head = format!(
        "HTTP/1.1 {status}\r\ncontent-type: application/json\r\ncontent-length: {}\r\nconnection: close\r\n\r\n",
        reply.len()
    );
    stream.write_all(head.as_bytes()).await?;
    stream.write_all(reply.as_bytes()).await?;
    stream.shutdown().await
}

fn take(inbox: &Inbox, headers: &HeaderMap, body: &[u8]) -> (&'static str, String) {
    let verified = lock(&inbox.secret).as_ref().map(|secret| secret.verify(body, headers).is_ok());
    let Ok(event) = serde_json::from_slice::<Value>(body) else { return ("400 Bad Request", String::new()) };
    match verified {
        Some(false) => ("401 Unauthorized", String::new()),
        // The secret is told with the registration, and the registration waits for this answer.
        _ if event["type"] == "endpoint.challenge" => {
            ("200 OK", json!({"challenge": event["data"]["challenge"]}).to_string())
        }
        None => ("503 Service Unavailable", String::new()),
        Some(true) => {
            lock(&inbox.events).push(event);
            inbox.arrived.notify_waiters();
            ("204 No Content", String::new())
        }
    }
}

async fn read(stream: &mut TcpStream) -> std::io::Result<Option<(HeaderMap, Vec<u8>)>> {
    let (mut bytes, mut chunk) = (Vec::new(), vec![0u8; 8192]);
    loop {
        let read = stream.read(&mut chunk).await?;
        bytes.extend_from_slice(&chunk[..read]);
        if let Some(request) = whole(&bytes) {
            return Ok(Some(request));
        }
        if read == 0 || bytes.len() > LARGEST_REQUEST {
            return Ok(None);
        }
    }
}

fn whole(bytes: &[u8]) -> Option<(HeaderMap, Vec<u8>)> {
    let end = bytes.windows(4).position(|four| four == b"\r\n\r\n")? + 4;
    let mut headers = HeaderMap::new();
    for line in std::str::from_utf8(&bytes[..end]).ok()?.lines().skip(1) {
        let Some((name, value)) = line.split_once(':') else { continue };
        if let (Ok(name), Ok(value)) = (name.parse::<HeaderName>(), HeaderValue::from_str(value.trim())) {
            headers.insert(name, value);
        }
    }
    let length: usize = headers.get("content-length")?.to_str().ok()?.parse().ok()?;
    (bytes.len() >= end + length).then(|| (headers, bytes[end..end + length].to_vec()))
}

fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
