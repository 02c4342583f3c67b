//! From a command to an answer: submitting it, waiting for it, and telling what came of it.
//!
//! A command whose outcome is not known in time is "processing" (202), never a 5xx that could be read as
//! "failed". A repeated command is answered from its fact: the same status, the same bytes.

use std::sync::Arc;

use actix_web::HttpResponse;
use actix_web::http::{StatusCode, header};
use serde::Serialize;
use serde_json::json;

use super::Edge;
use super::idempotency::{Key, REPLAYED};
use super::problem::Problem;
use crate::domain::command::{Caller, Command, Request};
use crate::domain::decide::Outcome;
use crate::domain::fact::{Fact, KeyedRequest};
use crate::domain::rejection::CashierAction;
use crate::posting::SubmitError;
use crate::reading::ReadError;
use crate::store::{Connection, StoreError};

/// Seconds after which a caller asks again for what is still being processed.
const ASK_AGAIN_SECONDS: u64 = 2;

/// What became of a command.
#[derive(Debug)]
pub enum Answer {
    /// It was done; the fact that was asked for.
    Done(Arc<Fact>),
    /// It was done before.
    Replayed(Arc<Fact>),
    /// Nobody knows yet.
    Processing(Key),
}

impl Edge {
    /// A command with who asks and under which key.
    #[must_use]
    pub fn request(&self, caller: &Caller, key: &Key, hash: String, command: Command) -> Request {
        let request = Some(KeyedRequest { key: key.0.clone(), hash });
        Request { id: self.clock.id(), caller: caller.clone(), request, command }
    }

    /// Submits a command and waits for what comes of it, as long as an answer is waited for.
    ///
    /// # Errors
    /// A rule refused it, or nothing was executed.
    pub async fn submit(&self, caller: &Caller, key: Key, hash: String, command: Command) -> Result<Answer, Problem> {
        let request = self.request(caller, &key, hash, command);
        match tokio::time::timeout(self.config.answer_timeout(), self.posting.submit(request)).await {
            Err(_) => Ok(Answer::Processing(key)),
            Ok(Ok(outcome)) => told(outcome),
            Ok(Err(SubmitError::InDoubt)) => Ok(Answer::Processing(key)),
            Ok(Err(error)) => Err(not_executed(&error)),
        }
    }

    /// Reads on a reader's thread.
    ///
    /// # Errors
    /// The readers are busy, or the books failed.
    pub async fn read<T: Send + 'static>(
        &self,
        operation: &'static str,
        read: impl FnOnce(&mut Connection) -> Result<T, StoreError> + Send + 'static,
    ) -> Result<T, Problem> {
        self.reading.query(operation, read).await.map_err(|error| unread(&error))
    }
}

/// The facts of an outcome, or why there are none.
///
/// # Errors
/// A rule refused it.
pub fn told(outcome: Outcome) -> Result<Answer, Problem> {
    match outcome {
        Outcome::Done(facts) => facts.into_iter().next().map(Answer::Done).ok_or_else(|| Problem::new("internal")),
        Outcome::Replayed(fact) => Ok(Answer::Replayed(fact)),
        Outcome::Rejected(rejection) => Err(rejection.into()),
    }
}

/// The problem of a command that was not executed.
#[must_use]
pub fn not_executed(error: &SubmitError) -> Problem {
    match error {
        SubmitError::QueueFull => Problem::new("queue-full").retry_after(1),
        SubmitError::Stopped | SubmitError::InDoubt => Problem::new("unavailable").retry_after(2),
        SubmitError::Store(error) => {
            tracing::error!(%error, "a command was not executed");
            Problem::new("unavailable").retry_after(2)
        }
    }
}

/// The problem of a read without an answer.
#[must_use]
pub fn unread(error: &ReadError) -> Problem {
    match error {
        ReadError::QueueFull => Problem::new("queue-full").retry_after(1),
        ReadError::Stopped => Problem::new("unavailable").retry_after(2),
        ReadError::Store(error) => {
            tracing::error!(%error, "a read failed");
            Problem::new("unavailable").retry_after(2)
        }
    }
}

/// 201 with the view of the fact, or 202 with where to ask.
///
/// # Errors
/// The fact is not of the kind that was asked for, which is our own fault.
pub fn created<T: Serialize>(
    answer: Answer,
    place: &str,
    view: impl FnOnce(&Fact) -> Option<T>,
) -> Result<HttpResponse, Problem> {
    let (fact, replayed) = match answer {
        Answer::Done(fact) => (fact, false),
        Answer::Replayed(fact) => (fact, true),
        Answer::Processing(key) => return Ok(processing(&key)),
    };
    let view = view(&fact).ok_or_else(|| Problem::new("internal"))?;
    let mut response = HttpResponse::build(StatusCode::CREATED);
    if replayed {
        response.insert_header((REPLAYED, "true"));
    }
    if !place.is_empty() {
        response.insert_header((header::LOCATION, format!("{place}/{}", fact.public_id())));
    }
    Ok(response.insert_header((header::CACHE_CONTROL, "no-store")).json(view))
}

/// 202: repeat with the same key, or ask what became of it.
#[must_use]
pub fn processing(key: &Key) -> HttpResponse {
    HttpResponse::Accepted()
        .insert_header((header::LOCATION, place_of_key(key)))
        .insert_header((header::RETRY_AFTER, ASK_AGAIN_SECONDS))
        .insert_header((header::CACHE_CONTROL, "no-store"))
        .json(in_process(key))
}

/// What a command whose outcome is not known is told.
#[must_use]
pub fn in_process(key: &Key) -> serde_json::Value {
    json!({
        "status": "processing",
        "idempotency_key": key.0,
        "location": place_of_key(key),
        "retry": "same-key",
        "cashier_action": CashierAction::EsperarYConsultar.as_str(),
        "message": {
            "cashier": "En proceso. Espere y consulte.",
            "customer": "Su pago está en proceso.\nEspere un momento, por favor.",
        },
    })
}

fn place_of_key(key: &Key) -> String {
    format!("/v1/payments?idempotency_key={}", encoded(key.0.as_str()))
}

/// A text as it stands in a query (RFC 3986).
#[must_use]
pub fn encoded(text: &str) -> String {
    use std::fmt::Write;

    text.bytes().fold(String::new(), |mut encoded, byte| {
        match byte {
            byte if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) => encoded.push(char::from(byte)),
            byte => _ = write!(encoded, "%{byte:02X}"),
        }
        encoded
    })
}
