//! A file that comes as the body of a call: bounded in size and time, and in how many come at once.

use std::sync::Arc;
use std::time::Duration;

use actix_web::http::header;
use actix_web::web::Bytes;
use actix_web::{FromRequest, HttpMessage, HttpRequest, dev::Payload};
use futures_util::future::LocalBoxFuture;
use tokio::sync::OwnedSemaphorePermit;

use super::extract::{BodyWasRead, read};
use super::problem::Problem;
use crate::auth::caller::edge;

/// What a file to be compared may call itself.
pub const MEDIA_TYPES: [&str; 5] =
    ["text/csv", "application/x-ndjson", "application/jsonl", "text/plain", "application/octet-stream"];

/// A file to be compared, with the place that it takes while it is.
#[derive(Debug)]
pub struct ComparedFile {
    /// The file as it came.
    pub bytes: Bytes,
    /// Held until the comparison is over.
    pub place: OwnedSemaphorePermit,
}

impl FromRequest for ComparedFile {
    type Error = Problem;
    type Future = LocalBoxFuture<'static, Result<Self, Problem>>;

    fn from_request(request: &HttpRequest, payload: &mut Payload) -> Self::Future {
        let (request, mut payload) = (request.clone(), payload.take());
        Box::pin(async move {
            let edge = edge(&request)?;
            demand_file(&request)?;
            let place = Arc::clone(&edge.comparing).try_acquire_owned();
            let place = place.map_err(|_| Problem::new("queue-full").retry_after(5))?;
            let settings = &edge.config.reconciliation;
            let deadline = Duration::from_secs(settings.upload_timeout_seconds);
            let bytes = read(&mut payload, settings.max_file_bytes, deadline).await?;
            request.extensions_mut().insert(BodyWasRead);
            Ok(Self { bytes, place })
        })
    }
}

fn demand_file(request: &HttpRequest) -> Result<(), Problem> {
    let plain = request.headers().get(header::CONTENT_ENCODING).is_none_or(|value| value == "identity");
    if plain && MEDIA_TYPES.iter().any(|media_type| request.content_type().eq_ignore_ascii_case(media_type)) {
        return Ok(());
    }
    Err(Problem::new("unsupported-media-type").header(header::ACCEPT, &MEDIA_TYPES.join(", ")))
}
