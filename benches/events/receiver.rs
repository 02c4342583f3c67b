//! A receiver that notes when the first byte of each event came, and does nothing else.

use std::collections::HashMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Instant;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

/// A running receiver.
#[derive(Clone)]
pub struct Receiver {
    pub url: String,
    arrived: Arc<Mutex<HashMap<String, Instant>>>,
    count: Arc<AtomicUsize>,
}

impl Receiver {
    pub async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://127.0.0.1:{}/events", listener.local_addr().unwrap().port());
        let receiver = Self { url, arrived: Arc::default(), count: Arc::default() };
        let serving = receiver.clone();
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let receiver = serving.clone();
                tokio::spawn(async move { receiver.serve(stream).await });
            }
        });
        receiver
    }

    /// When the event of a payment came.
    pub fn arrival(&self, payment: &str) -> Option<Instant> {
        self.arrived.lock().unwrap().get(payment).copied()
    }

    /// Payments that were told so far.
    pub fn count(&self) -> usize {
        self.count.load(Ordering::Relaxed)
    }

    async fn serve(&self, mut stream: TcpStream) -> Option<()> {
        stream.set_nodelay(true).ok()?;
        let mut bytes = Vec::with_capacity(8192);
        loop {
            bytes.clear();
            let mut first = None;
            let whole = loop {
                if let Some(whole) = length_of(&bytes).filter(|whole| bytes.len() >= *whole) {
                    break whole;
                }
                if stream.read_buf(&mut bytes).await.ok()? == 0 {
                    return None;
                }
                first.get_or_insert_with(Instant::now);
            };
            let at = bytes.windows(4).position(|four| four == b"\r\n\r\n")? + 4;
            let body: serde_json::Value = serde_json::from_slice(&bytes[at..whole]).ok()?;
            let answer = match body["data"]["challenge"].as_str() {
                Some(token) => {
                    let text = serde_json::json!({ "challenge": token }).to_string();
                    format!("HTTP/1.1 200 OK\r\ncontent-length: {}\r\n\r\n{text}", text.len())
                }
                None => "HTTP/1.1 204 No Content\r\n\r\n".to_owned(),
            };
            stream.write_all(answer.as_bytes()).await.ok()?;
            if body["type"] == "payment.posted" {
                self.count.fetch_add(1, Ordering::Relaxed);
                let payment = body["data"]["payment_id"].as_str()?.to_owned();
                self.arrived.lock().unwrap().entry(payment).or_insert(first?);
            }
        }
    }
}

fn length_of(bytes: &[u8]) -> Option<usize> {
    let head = bytes.windows(4).position(|four| four == b"\r\n\r\n")? + 4;
    let text = std::str::from_utf8(&bytes[..head]).ok()?;
    let length = text.lines().find_map(|line| {
        let (name, value) = line.split_once(':')?;
        name.eq_ignore_ascii_case("content-length").then(|| value.trim().parse::<usize>().ok())?
    });
    Some(head + length.unwrap_or(0))
}
