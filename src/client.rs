//! The partner's side of the contract: what the till and the demonstration call the gateway with.
//!
//! Nothing here knows the rules. It holds an identity, keeps a token fresh, and repeats an unknown
//! outcome with the same key until it is known: the way every partner's program should.

use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::time::Duration;

use reqwest::header::{HeaderMap, HeaderValue};
use reqwest::{Method, StatusCode};
use serde_json::Value;

use crate::auth::mutual_tls::client_config;

/// How long one call may take before its outcome is unknown.
const CALL_TIMEOUT: Duration = Duration::from_secs(30);
/// The longest pause between two attempts.
const LONGEST_PAUSE: Duration = Duration::from_secs(8);
/// A body of an answer, at most, in bytes.
const LARGEST_ANSWER: usize = 64 * 1024 * 1024;

/// Where the gateway is and who calls it.
#[derive(Clone, Debug)]
pub struct Connection {
    /// `https://host:port`, no slash at the end.
    pub gateway: String,
    /// Who signed the gateway's certificate (PEM).
    pub authority: PathBuf,
    /// The caller's certificate (PEM).
    pub certificate: PathBuf,
    /// Its key (PEM).
    pub key: PathBuf,
    /// The party.
    pub client_id: String,
    /// The collection point, for a partner.
    pub collection_point: Option<String>,
    /// The scopes to ask for; empty: all that the party may have.
    pub scope: String,
}

/// One party's connection to the gateway.
#[derive(Debug)]
pub struct Client {
    http: reqwest::Client,
    connection: Connection,
    token: Mutex<Option<String>>,
}

/// What the gateway answered.
#[derive(Clone, Debug)]
pub struct Answer {
    /// The status code.
    pub status: u16,
    /// The headers.
    pub headers: HeaderMap,
    /// The body, as bytes.
    pub bytes: Vec<u8>,
}

/// Why there is no answer.
#[derive(Debug, thiserror::Error)]
pub enum ClientError {
    /// The identity cannot be used.
    #[error("identity: {0}")]
    Identity(String),
    /// The line is down, or the answer was lost: the outcome is unknown.
    #[error("no answer from {gateway}: {reason}")]
    NoAnswer {
        /// Where.
        gateway: String,
        /// Why.
        reason: String,
    },
    /// The gateway gave no token.
    #[error("the gateway gave no token ({status}): {detail}")]
    NoToken {
        /// The status code.
        status: u16,
        /// What it said.
        detail: String,
    },
}

impl Answer {
    /// Whether it was done.
    #[must_use]
    pub fn is_success(&self) -> bool {
        (200..300).contains(&self.status) && self.status != StatusCode::ACCEPTED.as_u16()
    }

    /// Whether nobody knows yet what became of it, so that the same key has to be sent again.
    #[must_use]
    pub fn is_unknown(&self) -> bool {
        matches!(self.status, 202 | 429 | 500 | 502..=504) || self.code() == "request-in-progress"
    }

    /// The body as JSON; null when it is none.
    #[must_use]
    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.bytes).unwrap_or(Value::Null)
    }

    /// The body as text.
    #[must_use]
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.bytes).into_owned()
    }

    /// The problem code; empty when there is none.
    #[must_use]
    pub fn code(&self) -> String {
        self.json()["code"].as_str().unwrap_or_default().to_owned()
    }

    /// A header as text.
    #[must_use]
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).and_then(|value| value.to_str().ok())
    }
}

impl Client {
    /// A client with this identity; nothing is sent yet.
    ///
    /// # Errors
    /// Certificate, key or authority cannot be read or do not fit.
    pub fn new(connection: Connection) -> Result<Self, ClientError> {
        let read = |path: &Path| std::fs::read(path).map_err(|error| identity(&format!("{}: {error}", path.display())));
        let tls =
            client_config(&read(&connection.authority)?, &read(&connection.certificate)?, &read(&connection.key)?)
                .map_err(|error| identity(&error.to_string()))?;
        let http = reqwest::Client::builder()
            .tls_backend_preconfigured(tls)
            .no_proxy()
            .redirect(reqwest::redirect::Policy::none())
            .timeout(CALL_TIMEOUT)
            .build()
            .map_err(|error| identity(&error.to_string()))?;
        Ok(Self { http, connection, token: Mutex::new(None) })
    }

    /// Where it calls and as whom.
    #[must_use]
    pub const fn connection(&self) -> &Connection {
        &self.connection
    }

    /// Reads.
    ///
    /// # Errors
    /// The line is down, or no token is given.
    pub async fn get(&self, path: &str) -> Result<Answer, ClientError> {
        self.call(Method::GET, path, HeaderMap::new(), None).await
    }

    /// Reads in a representation.
    ///
    /// # Errors
    /// The line is down, or no token is given.
    pub async fn get_as(&self, path: &str, accept: &'static str) -> Result<Answer, ClientError> {
        let mut headers = HeaderMap::new();
        headers.insert("accept", HeaderValue::from_static(accept));
        self.call(Method::GET, path, headers, None).await
    }

    /// Asks for something to be done, once.
    ///
    /// # Errors
    /// The line is down, or no token is given; the outcome is unknown then.
    pub async fn post(&self, path: &str, key: Option<&str>, body: &Value) -> Result<Answer, ClientError> {
        let mut headers = HeaderMap::new();
        headers.insert("content-type", HeaderValue::from_static("application/json"));
        if let Some(key) = key {
            let value = HeaderValue::from_str(&format!("\"{key}\"")).map_err(|error| identity(&error.to_string()))?;
            headers.insert("idempotency-key", value);
        }
        self.call(Method::POST, path, headers, Some(body.to_string().into_bytes())).await
    }

    /// Removes.
    ///
    /// # Errors
    /// The line is down, or no token is given.
    pub async fn delete(&self, path: &str) -> Result<Answer, ClientError> {
        self.call(Method::DELETE, path, HeaderMap::new(), None).await
    }

    /// Sends a file as it is.
    ///
    /// # Errors
    /// The line is down, or no token is given; the outcome is unknown then.
    pub async fn upload(&self, path: &str, media_type: &'static str, bytes: Vec<u8>) -> Result<Answer, ClientError> {
        let mut headers = HeaderMap::new();
        headers.insert("content-type", HeaderValue::from_static(media_type));
        self.call(Method::POST, path, headers, Some(bytes)).await
    }

    /// Asks for something to be done and repeats it with the same key until the outcome is known.
    ///
    /// # Errors
    /// Still unknown after `attempts`; the same key can be sent again at any later time.
    pub async fn post_until_known(
        &self,
        path: &str,
        key: &str,
        body: &Value,
        attempts: u32,
    ) -> Result<Answer, ClientError> {
        let mut pause = Duration::from_millis(200);
        let mut last =
            Err(ClientError::NoAnswer { gateway: self.connection.gateway.clone(), reason: "not tried".into() });
        for attempt in 0..attempts.max(1) {
            if attempt > 0 {
                tokio::time::sleep(pause).await;
                pause = (pause * 2).min(LONGEST_PAUSE);
            }
            last = self.post(path, Some(key), body).await;
            match &last {
                Ok(answer) if answer.is_unknown() => {}
                Err(ClientError::NoAnswer { .. }) => {}
                _ => return last,
            }
        }
        last
    }

    async fn call(
        &self,
        method: Method,
        path: &str,
        headers: HeaderMap,
        body: Option<Vec<u8>>,
    ) -> Result<Answer, ClientError> {
        let had = self.held_token();
        let token = match &had {
            Some(token) => token.clone(),
            None => self.fetch_token().await?,
        };
        let answer = self.send(method.clone(), path, headers.clone(), body.clone(), &token).await?;
        // A token runs out while it is held; one fresh one settles it. A refused call did nothing.
        if answer.status == StatusCode::UNAUTHORIZED.as_u16() && had.is_some() {
            let token = self.fetch_token().await?;
            return self.send(method, path, headers, body, &token).await;
        }
        Ok(answer)
    }

    async fn send(
        &self,
        method: Method,
        path: &str,
        headers: HeaderMap,
        body: Option<Vec<u8>>,
        token: &str,
    ) -> Result<Answer, ClientError> {
        let mut request = self.http.request(method, format!("{}{path}", self.connection.gateway)).headers(headers);
        request = request.bearer_auth(token);
        if let Some(body) = body {
            request = request.body(body);
        }
        self.receive(request).await
    }

    async fn receive(&self, request: reqwest::RequestBuilder) -> Result<Answer, ClientError> {
        let no_answer = |error: reqwest::Error| {
            let cause = std::error::Error::source(&error).map(|source| format!(" ({source})")).unwrap_or_default();
            ClientError::NoAnswer { gateway: self.connection.gateway.clone(), reason: format!("{error}{cause}") }
        };
        let mut response = request.send().await.map_err(no_answer)?;
        let (status, headers) = (response.status().as_u16(), response.headers().clone());
        let mut bytes = Vec::new();
        while let Some(chunk) = response.chunk().await.map_err(no_answer)? {
            if bytes.len() + chunk.len() > LARGEST_ANSWER {
                let reason = format!("the answer is longer than {LARGEST_ANSWER} bytes");
                return Err(ClientError::NoAnswer { gateway: self.connection.gateway.clone(), reason });
            }
            bytes.extend_from_slice(&chunk);
        }
        Ok(Answer { status, headers, bytes })
    }

    fn held_token(&self) -> Option<String> {
        self.token.lock().unwrap_or_else(std::sync::PoisonError::into_inner).clone()
    }

    async fn fetch_token(&self) -> Result<String, ClientError> {
        let Connection { gateway, client_id, scope, collection_point, .. } = &self.connection;
        let mut form = vec![("grant_type", "client_credentials"), ("client_id", client_id)];
        if !scope.is_empty() {
            form.push(("scope", scope));
        }
        if let Some(point) = collection_point {
            form.push(("collection_point", point));
        }
        let body: String =
            form.iter().map(|(name, value)| format!("{name}={}", form_encoded(value))).collect::<Vec<_>>().join("&");
        let request = self.http.post(format!("{gateway}/oauth2/token"));
        let request = request.header("content-type", "application/x-www-form-urlencoded").body(body);
        let answer = self.receive(request).await?;
        let json = answer.json();
        let Some(token) = json["access_token"].as_str().filter(|_| answer.is_success()) else {
            let detail = json["detail"].as_str().or(json["error_description"].as_str()).unwrap_or_default().to_owned();
            return Err(ClientError::NoToken { status: answer.status, detail });
        };
        *self.token.lock().unwrap_or_else(std::sync::PoisonError::into_inner) = Some(token.to_owned());
        Ok(token.to_owned())
    }
}

fn identity(reason: &str) -> ClientError {
    ClientError::Identity(reason.to_owned())
}

fn form_encoded(text: &str) -> String {
    text.bytes()
        .map(|byte| match byte {
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' => char::from(byte).to_string(),
            _ => format!("%{byte:02X}"),
        })
        .collect()
}
