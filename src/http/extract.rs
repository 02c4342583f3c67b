//! Strict JSON: the right type, the right size, in time, no unknown members, and every fault with its
//! pointer.
//!
//! A body is read once into its request type. Where that fails, the members that do not fit are taken
//! out one after another, so that all of them are told and not only the first.

use std::time::Duration;

use actix_web::http::header;
use actix_web::web::{Bytes, BytesMut};
use actix_web::{FromRequest, HttpMessage, HttpRequest, dev::Payload, web};
use futures_util::StreamExt;
use futures_util::future::LocalBoxFuture;
use serde::de::DeserializeOwned;
use serde_json::Value;
use serde_path_to_error::Segment;
use sha2::{Digest, Sha256};

use super::Edge;
use super::faults::{MAX_FAULTS, ordered};
use super::problem::{Fault, Problem};
use crate::domain::position::hex;

/// Set on a request whose body was read to its end, so that the connection can be kept.
#[derive(Clone, Copy, Debug)]
pub struct BodyWasRead;

/// A JSON body with its raw value, for the hash of the request.
#[derive(Debug)]
pub struct Body<T> {
    /// What it says.
    pub value: T,
    /// What is wrong with its shape; the members it names are missing in `value`.
    pub faults: Vec<Fault>,
    json: Value,
}

impl<T> Body<T> {
    /// SHA-256 over method, path and the body with its members in order, in hexadecimal.
    #[must_use]
    pub fn hash(&self, method: &str, path: &str) -> String {
        hash(method, path, &self.json)
    }

    /// The body as it came.
    #[must_use]
    pub const fn json(&self) -> &Value {
        &self.json
    }
}

/// SHA-256 over method, path and a body with its members in order, in hexadecimal.
#[must_use]
pub fn hash(method: &str, path: &str, body: &Value) -> String {
    let mut hash = Sha256::new();
    hash.update(format!("{method}\n{path}\n{body}"));
    hex(&hash.finalize())
}

/// Reads a body, as far as it may go and as long as it may take.
///
/// # Errors
/// Too large, too slow, or broken off.
pub async fn read(payload: &mut Payload, limit: usize, deadline: Duration) -> Result<Bytes, Problem> {
    let reading = async {
        let mut body = BytesMut::new();
        while let Some(chunk) = payload.next().await {
            let chunk = chunk.map_err(|_| {
                Problem::fault("", "json", "el cuerpo no llegó completo", "the body did not arrive whole")
            })?;
            if body.len() + chunk.len() > limit {
                return Err(Problem::new("body-too-large").with("max_bytes", limit));
            }
            body.extend_from_slice(&chunk);
        }
        Ok(body.freeze())
    };
    tokio::time::timeout(deadline, reading).await.unwrap_or_else(|_| Err(Problem::new("request-timeout")))
}

impl<T: DeserializeOwned + 'static> FromRequest for Body<T> {
    type Error = Problem;
    type Future = LocalBoxFuture<'static, Result<Self, Problem>>;

    fn from_request(request: &HttpRequest, payload: &mut Payload) -> Self::Future {
        let (request, mut payload) = (request.clone(), payload.take());
        Box::pin(async move {
            demand_type(&request, "application/json")?;
            let (limit, deadline) = bounds(&request);
            let bytes = read(&mut payload, limit, deadline).await?;
            request.extensions_mut().insert(BodyWasRead);
            parse(&bytes)
        })
    }
}

/// How large a body may be and how long it may take.
#[must_use]
pub fn bounds(request: &HttpRequest) -> (usize, Duration) {
    request.app_data::<web::Data<Edge>>().map_or((0, Duration::ZERO), |edge| {
        let server = &edge.config.server;
        let batch = request.path() == "/v1/payments/batch";
        let most = if batch { server.max_batch_body_bytes } else { server.max_body_bytes };
        (most, Duration::from_secs(server.body_timeout_seconds))
    })
}

/// The body is of this type, and not compressed.
///
/// # Errors
/// It is of another.
pub fn demand_type(request: &HttpRequest, wanted: &str) -> Result<(), Problem> {
    let plain = request.headers().get(header::CONTENT_ENCODING).is_none_or(|value| value == "identity");
    if plain && request.content_type().eq_ignore_ascii_case(wanted) {
        return Ok(());
    }
    Err(Problem::new("unsupported-media-type").header(header::ACCEPT, wanted))
}

fn parse<T: DeserializeOwned>(bytes: &[u8]) -> Result<Body<T>, Problem> {
    // Most bodies are good; where in it a bad one fails is only looked for when it does.
    if let Ok(value) = serde_json::from_slice(bytes) {
        let json = serde_json::from_slice(bytes).map_err(|error| malformed(&error))?;
        return Ok(Body { value, faults: Vec::new(), json });
    }
    let mut deserializer = serde_json::Deserializer::from_slice(bytes);
    let read = serde_path_to_error::deserialize::<_, T>(&mut deserializer);
    match read {
        Ok(value) => {
            deserializer.end().map_err(|error| malformed(&error))?;
            let json = serde_json::from_slice(bytes).map_err(|error| malformed(&error))?;
            Ok(Body { value, faults: Vec::new(), json })
        }
        Err(error) if !error.inner().is_data() => Err(malformed(error.inner())),
        Err(error) if error.inner().to_string().starts_with("duplicate field") => {
            let (es, en) = ("está dos veces", "is there twice");
            Err(Problem::fault(&pointer(error.path()), "duplicate", es, en))
        }
        Err(_) => parse_the_rest(serde_json::from_slice(bytes).map_err(|error| malformed(&error))?),
    }
}

/// Takes out what does not fit until the rest does.
fn parse_the_rest<T: DeserializeOwned>(json: Value) -> Result<Body<T>, Problem> {
    let (mut rest, mut faults) = (json.clone(), Vec::new());
    for _ in 0..MAX_FAULTS {
        let error = match serde_path_to_error::deserialize::<_, T>(&rest) {
            Ok(value) => return Ok(Body { value, faults: ordered(faults), json }),
            Err(error) => error,
        };
        let pointer = pointer(error.path());
        faults.push(misfit(&pointer, &error.inner().to_string()));
        if !take_out(&mut rest, &pointer) {
            break;
        }
    }
    Err(Problem::faults(ordered(faults)))
}

fn misfit(pointer: &str, reason: &str) -> Fault {
    let (code, es) = match reason {
        reason if reason.starts_with("unknown field") => ("unknown-member", "no se conoce este dato".to_owned()),
        reason if reason.starts_with("missing field") => ("required", "falta un dato obligatorio".to_owned()),
        _ => ("type", "no es del tipo que corresponde".to_owned()),
    };
    Fault { pointer: pointer.to_owned(), code, es, en: reason.to_owned() }
}

/// Removes a member; of a list's item, the whole item is emptied by removing the list.
fn take_out(json: &mut Value, pointer: &str) -> bool {
    let Some((parent, last)) = pointer.rsplit_once('/') else { return false };
    let last = last.replace("~1", "/").replace("~0", "~");
    match json.pointer_mut(parent) {
        Some(Value::Object(members)) => members.remove(&last).is_some(),
        Some(Value::Array(items)) => last.parse().is_ok_and(|at: usize| at < items.len()) && take_out(json, parent),
        _ => false,
    }
}

fn malformed(error: &serde_json::Error) -> Problem {
    let (line, column) = (error.line(), error.column());
    Problem::fault(
        "",
        "json",
        format!("no es JSON: línea {line}, columna {column}"),
        format!("not JSON: line {line}, column {column}"),
    )
}

fn pointer(path: &serde_path_to_error::Path) -> String {
    let mut pointer = String::new();
    for segment in path {
        match segment {
            Segment::Seq { index } => pointer.push_str(&format!("/{index}")),
            Segment::Map { key } => pointer.push_str(&format!("/{}", key.replace('~', "~0").replace('/', "~1"))),
            Segment::Enum { .. } | Segment::Unknown => {}
        }
    }
    pointer
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, serde::Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Request {
        a: Option<String>,
        #[serde(default)]
        b: Vec<Inner>,
    }

    #[derive(Debug, serde::Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Inner {
        #[allow(dead_code, reason = "only its shape matters")]
        c: Option<u32>,
    }

    fn faults(text: &str) -> Vec<(String, &'static str)> {
        match parse::<Request>(text.as_bytes()) {
            Ok(body) => body.faults.into_iter().map(|fault| (fault.pointer, fault.code)).collect(),
            Err(problem) => {
                let document = problem.document(super::super::problem::Language::English, "", "");
                let list = document["errors"].as_array().cloned().unwrap_or_default();
                list.iter().map(|fault| (fault["pointer"].as_str().unwrap().to_owned(), "error")).collect()
            }
        }
    }

    #[test]
    fn every_member_that_does_not_fit_is_told() {
        let found = faults(r#"{"a":5,"x":1,"y/z":2,"b":[{"c":1},{"c":"no"}]}"#);
        let pointers: Vec<&str> = found.iter().map(|(pointer, _)| pointer.as_str()).collect();
        assert_eq!(pointers, ["/a", "/b/1/c", "/x", "/y~1z"]);
        assert!(faults(r#"{"a":"5","b":[{"c":1}]}"#).is_empty());
    }

    #[test]
    fn what_is_not_json_is_refused() {
        for text in ["", "{", "[]", "null", "{\"a\":\"1\"} {}", "{\"a\":\"1\",\"a\":\"2\"}", "{'a':1}"] {
            assert!(parse::<Request>(text.as_bytes()).is_err() || !faults(text).is_empty(), "{text}");
        }
    }

    #[test]
    fn the_hash_knows_values_and_not_their_order() {
        let hashed = |text: &str| parse::<Request>(text.as_bytes()).unwrap().hash("POST", "/p");
        assert_eq!(hashed(r#"{"a":"1","b":[]}"#), hashed(r#"{ "b" : [], "a" : "1" }"#));
        assert_ne!(hashed(r#"{"a":"1"}"#), hashed(r#"{"a":"2"}"#));
        assert_eq!(parse::<Request>(br#"{"a":"1"}"#).unwrap().value.a.as_deref(), Some("1"));
        assert!(parse::<Request>(br#"{"b":[]}"#).unwrap().value.b.is_empty());
    }
}
