//! Billing's snapshots: a file is streamed to disk, taken in beside the payments, and asked after.

#![allow(unused_qualifications, reason = "the contract's macros name their types in full")]

use std::fs::File;
use std::io::{self, Write};
use std::time::Duration;

use actix_web::http::header;
use actix_web::web::Bytes;
use actix_web::{HttpMessage, HttpRequest, HttpResponse, web};
use futures_util::StreamExt;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use tokio::sync::mpsc;
use utoipa::{IntoParams, ToSchema};

use super::extract::BodyWasRead;
use super::faults::Reader;
use super::openapi::Refusals;
use super::problem::Problem;
use super::{Edge, page};
use crate::auth::caller::{Authorized, BillingRead, BillingWrite};
use crate::billing::door::WriterDoor;
use crate::billing::import::{Options, Step};
use crate::domain::ids::Id;
use crate::files::billing_feed::Format;
use crate::store::{ImportRecord, ImportState};

const PLACE: &str = "/v1/billing/snapshots";
/// Pieces of a file that arrived and wait for the disk.
const PIECES_AHEAD: usize = 16;
/// The types under which a file may come; what it is, its first bytes tell.
const MEDIA_TYPES: [&str; 9] = [
    "application/jsonl",
    "application/x-ndjson",
    "application/json",
    "text/csv",
    "text/plain",
    "application/gzip",
    "application/zstd",
    "application/octet-stream",
    "application/x-gzip",
];

/// How a file is to be taken.
#[derive(Clone, Debug, Default, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct SnapshotQuery {
    /// `jsonl`, `csv` or `asobancaria-2001`; without it the first bytes tell.
    pub format: Option<String>,
    /// `true`: accounts without faults are loaded although others have some.
    pub accept_valid: Option<bool>,
    /// `true`: a full file may show far fewer accounts than are known.
    pub accept_shrink: Option<bool>,
}

/// A billing file and what became of it.
#[derive(Debug, Serialize, ToSchema)]
pub struct SnapshotView {
    /// Its id, `imp_…`.
    #[schema(example = "imp_01k6y3b5wqe7h8m2n4p6r8t0v2")]
    pub id: String,
    /// `checking`, `loading`, `loaded`, `refused`, `failed` (send it again) or `displaced` (it was).
    #[schema(example = "loaded")]
    pub status: String,
    /// Billing's name for the snapshot, once it was read.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub snapshot: Option<String>,
    /// How far it came.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub progress: Option<ProgressView>,
    /// What it brought, or why it was refused, with the rows that have faults.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<Object>)]
    pub result: Option<Box<RawValue>>,
}

/// How far a file came.
#[derive(Debug, Serialize, ToSchema)]
pub struct ProgressView {
    /// `bytes` while it is checked, `accounts` while it is loaded.
    pub unit: &'static str,
    /// So many are done.
    pub done: u64,
    /// Of so many.
    pub total: u64,
}

/// Sends a billing file; it is taken in after the answer.
#[utoipa::path(
    post, path = "/v1/billing/snapshots", tag = "billing", operation_id = "sendSnapshot",
    params(SnapshotQuery),
    request_body(
        content = String, content_type = "application/jsonl",
        description = "JSON Lines, CSV or Asobancaria facturación 2001; plain, gzip or zstd.",
    ),
    responses(
        (status = 202, description = "The file has arrived; Location says where to ask after it.", body = SnapshotView),
        Refusals,
    ),
    security(("mutual_tls" = [], "oauth2" = ["billing:write"])),
)]
pub async fn send(
    edge: web::Data<Edge>,
    _: Authorized<BillingWrite>,
    request: HttpRequest,
    payload: web::Payload,
) -> Result<HttpResponse, Problem> {
    let query: SnapshotQuery = page::query(&request)?;
    let mut read = Reader::default();
    let format = query.format.as_deref().map(str::parse::<Format>);
    if matches!(format, Some(Err(_))) {
        let list = "jsonl, csv, asobancaria-2001";
        read.fault("format", "one-of", format!("es uno de: {list}"), format!("is one of: {list}"));
    }
    read.finish()?;
    if !MEDIA_TYPES.iter().any(|known| request.content_type().eq_ignore_ascii_case(known)) {
        return Err(Problem::new("unsupported-media-type").header(header::ACCEPT, &MEDIA_TYPES.join(", ")));
    }
    let options = Options {
        format: format.and_then(Result::ok),
        accept_valid: query.accept_valid.unwrap_or(false),
        accept_shrink: query.accept_shrink.unwrap_or(false),
        rejects: None,
    };
    let id = edge.clock.id();
    if !edge.uploads.expect(id) {
        return Err(Problem::new("unavailable").retry_after(60));
    }
    let arrived = arrive(&edge, id, payload).await;
    if arrived.is_err() {
        edge.uploads.forget(id);
    }
    let mut file = arrived?;
    request.extensions_mut().insert(BodyWasRead);
    let (uploads, office) = (edge.uploads.clone(), edge.office.clone());
    let door = WriterDoor::new(edge.posting.clone(), tokio::runtime::Handle::current());
    tokio::task::spawn_blocking(move || uploads.take_in(&office, &door, id, &mut file, &options));
    let view = SnapshotView {
        id: id.with_prefix("imp"),
        status: "checking".to_owned(),
        snapshot: None,
        progress: None,
        result: None,
    };
    let place = format!("{PLACE}/{}", view.id);
    Ok(HttpResponse::Accepted()
        .insert_header((header::LOCATION, place))
        .insert_header((header::CACHE_CONTROL, "no-store"))
        .json(view))
}

/// A billing file by its own id, or the latest that brought a snapshot of this name.
#[utoipa::path(
    get, path = "/v1/billing/snapshots/{id}", tag = "billing", operation_id = "getSnapshot",
    params(("id" = String, Path, description = "The file's id, or billing's name for the snapshot.")),
    responses((status = 200, description = "What became of the file so far.", body = SnapshotView), Refusals),
    security(("mutual_tls" = [], "oauth2" = ["billing:write"]), ("mutual_tls" = [], "oauth2" = ["admin"])),
)]
pub async fn get(
    edge: web::Data<Edge>,
    _: Authorized<BillingRead>,
    path: web::Path<String>,
) -> Result<HttpResponse, Problem> {
    let name = path.into_inner();
    let known = Id::parse_with_prefix(&name, "imp").ok();
    let record = edge
        .read("import", move |connection| match known {
            Some(id) => connection.import(id),
            None => connection.import_of_snapshot(&name),
        })
        .await?;
    let id = record.as_ref().map(|record| record.id).or(known).ok_or_else(|| Problem::new("not-found"))?;
    let step = edge.uploads.step(id);
    if record.is_none() && step.is_none() {
        return Err(Problem::new("not-found"));
    }
    Ok(HttpResponse::Ok().insert_header((header::CACHE_CONTROL, "no-store")).json(view(id, record, step)))
}

fn view(id: Id, record: Option<ImportRecord>, step: Option<Step>) -> SnapshotView {
    let state = match (&record, step) {
        // The books learn that it is being written from its first chunk on.
        (_, Some(Step::Loading(..))) => ImportState::Loading,
        (Some(record), _) => record.state,
        (None, _) => ImportState::Checking,
    };
    let progress = step.and_then(|step| match step {
        Step::Checking(done, total) => Some(ProgressView { unit: "bytes", done, total }),
        Step::Loading(done, total) => Some(ProgressView { unit: "accounts", done, total }),
        Step::Finishing => None,
    });
    let over = record.as_ref().filter(|record| record.finished_at.is_some());
    SnapshotView {
        id: id.with_prefix("imp"),
        status: serde_json::to_value(state).ok().and_then(|word| word.as_str().map(str::to_owned)).unwrap_or_default(),
        result: over.and_then(|record| RawValue::from_string(record.report.clone()).ok()),
        snapshot: record.and_then(|record| record.snapshot),
        progress,
    }
}

/// Streams a body into a file that has no name any more when it is complete: nobody has to clear it away.
async fn arrive(edge: &Edge, id: Id, mut payload: web::Payload) -> Result<File, Problem> {
    let settings = &edge.office.settings;
    let (office, name) = (edge.office.clone(), format!("{}.part", id.with_prefix("imp")));
    let (send, pieces) = mpsc::channel(PIECES_AHEAD);
    let written = tokio::task::spawn_blocking(move || spool(office.settings.unnamed_file(&name)?, pieces));
    let (limit, mut size) = (settings.max_upload_bytes, 0u64);
    let pause = Duration::from_secs(edge.config.server.body_timeout_seconds);
    let arriving = async {
        loop {
            let piece = tokio::time::timeout(pause, payload.next()).await;
            let Some(piece) = piece.map_err(|_| Problem::new("request-timeout"))? else { return Ok(()) };
            let piece = piece.map_err(|_| {
                Problem::fault("", "body", "el archivo no llegó completo", "the file did not arrive whole")
            })?;
            size += piece.len() as u64;
            if size > limit {
                return Err(Problem::new("body-too-large").with("max_bytes", limit));
            }
            // A disk that refuses shows when its thread is joined.
            if send.send(piece).await.is_err() {
                return Ok(());
            }
        }
    };
    let deadline = Duration::from_secs(settings.upload_timeout_seconds);
    let arrived =
        tokio::time::timeout(deadline, arriving).await.unwrap_or_else(|_| Err(Problem::new("request-timeout")));
    drop(send);
    let file = written.await.map_err(|_| Problem::new("internal"))?;
    arrived?;
    file.map_err(|error| {
        tracing::error!(%error, "a billing file could not be put on disk");
        Problem::new("unavailable").retry_after(60)
    })
}

fn spool(mut file: File, mut pieces: mpsc::Receiver<Bytes>) -> io::Result<File> {
    while let Some(piece) = pieces.blocking_recv() {
        file.write_all(&piece)?;
    }
    Ok(file)
}
