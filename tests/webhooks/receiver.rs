//! A receiver of webhooks that does what a test tells it to, well or badly.

use std::sync::{Arc, Mutex};

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

/// What to do with one delivery.
#[derive(Clone, Debug)]
pub enum Act {
    /// Answer with this status.
    Answer(u16),
    /// Answer with this status and these further head lines (each ended by a line end).
    AnswerWith(u16, &'static str),
    /// Answer 200 with the token of a challenge, and 204 to everything else.
    Prove,
    /// Say nothing and keep the line open.
    Hang,
    /// Cut the line.
    Reset,
    /// Answer 200 and a body without an end.
    Endless,
    /// Answer 200, announce more than comes, and cut the line.
    WrongLength,
}

/// A delivery as it came.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Seen {
    pub id: String,
    pub timestamp: i64,
    pub signature: String,
    pub body: String,
    pub accepted: bool,
}

impl Seen {
    pub fn json(&self) -> serde_json::Value {
        serde_json::from_str(&self.body).unwrap()
    }

    pub fn seq(&self) -> i64 {
        self.json()["seq"].as_i64().unwrap()
    }

    pub fn account(&self) -> String {
        self.json()["data"]["account_number"].as_str().unwrap_or_default().to_owned()
    }
}

/// Decides what to do with the delivery of this ordinal, from 0.
type Script = Box<dyn FnMut(usize, &Seen) -> Act + Send>;

/// A running receiver.
#[derive(Clone)]
pub struct Receiver {
    pub url: String,
    seen: Arc<Mutex<Vec<Seen>>>,
    script: Arc<Mutex<Script>>,
}

impl Receiver {
    pub async fn start(script: impl FnMut(usize, &Seen) -> Act + Send + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://127.0.0.1:{}/avisos", listener.local_addr().unwrap().port());
        let receiver = Self { url, seen: Arc::default(), script: Arc::new(Mutex::new(Box::new(script) as Script)) };
        let serving = receiver.clone();
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let receiver = serving.clone();
                tokio::spawn(async move { receiver.serve(stream).await });
            }
        });
        receiver
    }

    /// Accepts everything.
    pub async fn good() -> Self {
        Self::start(|_, _| Act::Answer(204)).await
    }

    /// Does something else from now on.
    pub fn now(&self, script: impl FnMut(usize, &Seen) -> Act + Send + 'static) {
        *self.script.lock().unwrap() = Box::new(script);
    }

    pub fn seen(&self) -> Vec<Seen> {
        self.seen.lock().unwrap().clone()
    }

    pub fn count(&self) -> usize {
        self.seen.lock().unwrap().len()
    }

    pub fn accepted(&self) -> Vec<Seen> {
        self.seen().into_iter().filter(|seen| seen.accepted).collect()
    }

    fn last_challenge(&self) -> Option<String> {
        let seen = self.seen.lock().unwrap();
        seen.iter().rev().find_map(|seen| seen.json()["data"]["challenge"].as_str().map(str::to_owned))
    }

    async fn serve(&self, mut stream: TcpStream) {
        let Some(mut seen) = read(&mut stream).await else { return };
        let act = {
            let mut all = self.seen.lock().unwrap();
            let act = (self.script.lock().unwrap())(all.len(), &seen);
            seen.accepted = matches!(act, Act::Answer(200..=299) | Act::Prove);
            all.push(seen);
            act
        };
        let head = |status: u16, more: &str| format!("HTTP/1.1 {status} x\r\n{more}connection: close\r\n");
        match act {
            Act::Answer(status) => {
                _ = write(&mut stream, &format!("{}content-length: 0\r\n\r\n", head(status, ""))).await;
            }
            Act::AnswerWith(status, more) => {
                _ = write(&mut stream, &format!("{}content-length: 0\r\n\r\n", head(status, more))).await;
            }
            Act::Prove => {
                let token = self.last_challenge().unwrap_or_default();
                let body = serde_json::json!({ "challenge": token }).to_string();
                let head = head(200, &format!("content-length: {}\r\n", body.len()));
                _ = write(&mut stream, &format!("{head}\r\n{body}")).await;
            }
            Act::Hang => std::future::pending().await,
            Act::Reset => _ = stream.set_zero_linger(),
            Act::WrongLength => _ = write(&mut stream, &format!("{}content-length: 900\r\n\r\nx", head(200, ""))).await,
            Act::Endless => {
                let chunk = "x".repeat(16_384);
                let mut more = write(&mut stream, &format!("{}\r\n", head(200, ""))).await;
                while more {
                    more = write(&mut stream, &chunk).await;
                }
            }
        }
    }
}

async fn write(stream: &mut TcpStream, text: &str) -> bool {
    stream.write_all(text.as_bytes()).await.is_ok()
}

async fn read(stream: &mut TcpStream) -> Option<Seen> {
    let mut bytes = Vec::new();
    let (head, rest) = loop {
        // What begins a TLS handshake is hung up on.
        if stream.read_buf(&mut bytes).await.ok()? == 0 || bytes.starts_with(&[0x16]) {
            return None;
        }
        if let Some(at) = bytes.windows(4).position(|four| four == b"\r\n\r\n") {
            break (String::from_utf8_lossy(&bytes[..at]).to_lowercase(), bytes[at + 4..].to_vec());
        }
    };
    let original = String::from_utf8_lossy(&bytes).into_owned();
    let line = |name: &str| {
        let lines = original.lines().take_while(|line| !line.is_empty());
        let found = lines.filter_map(|line| line.split_once(':')).find(|(key, _)| key.eq_ignore_ascii_case(name));
        found.map(|(_, value)| value.trim().to_owned()).unwrap_or_default()
    };
    assert!(head.starts_with("post "), "{head}");
    let length: usize = line("content-length").parse().ok()?;
    let mut body = rest;
    while body.len() < length {
        if stream.read_buf(&mut body).await.ok()? == 0 {
            return None;
        }
    }
    Some(Seen {
        id: line("webhook-id"),
        timestamp: line("webhook-timestamp").parse().ok()?,
        signature: line("webhook-signature"),
        body: String::from_utf8(body).ok()?,
        accepted: false,
    })
}
