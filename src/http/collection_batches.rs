//! Collection batches: what was sealed, sealing it, and taking it as a file.

#![allow(unused_qualifications, reason = "the contract's macros name their types in full")]

use std::fs::File;
use std::io::{self, Read, Seek};
use std::sync::Arc;

use actix_web::http::header;
use actix_web::web::Bytes;
use actix_web::{HttpRequest, HttpResponse, web};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::faults::Reader;
use super::openapi::{Refusals, WriteRefusals};
use super::payments::id_in_path;
use super::problem::Problem;
use super::{Edge, page};
use crate::auth::caller::{Authorized, BillingRead, Demand};
use crate::auth::policy::Scope;
use crate::billing::Office;
use crate::billing::collection::{self, CollectionError};
use crate::billing::door::WriterDoor;
use crate::billing::seal::{SealError, seal, seal_of};
use crate::domain::calendar::BusinessDate;
use crate::domain::fact::Fact;
use crate::domain::ids::PartyId;
use crate::domain::rejection::Rejection;
use crate::files::collection_file::{Batch, CollectionFormat, Written};
use crate::store::BatchFilter;

/// Bytes of a file sent together.
const PIECE_BYTES: usize = 64 * 1024;
/// Pieces that were read and wait for the line.
const PIECES_AHEAD: usize = 4;

/// To take a collection file, whatever its type.
#[derive(Debug)]
pub struct TakeFile;

impl Demand for TakeFile {
    const ANY_OF: &'static [Scope] = BillingRead::ANY_OF;
    const PRODUCES: Option<&'static str> = None;
}

/// A sealed batch.
#[derive(Debug, Serialize, ToSchema)]
pub struct BatchView {
    /// Its id, `bat_…`.
    #[schema(example = "bat_01k6y3b5wqe7h8m2n4p6r8t0v2")]
    pub id: String,
    /// Who collected.
    #[schema(example = "jj-pita")]
    pub partner: String,
    /// The first business date in it.
    #[schema(format = Date, example = "2026-11-24")]
    pub from: String,
    /// The last business date in it.
    #[schema(format = Date, example = "2026-11-24")]
    pub through: String,
    /// Payments, reversed ones taken out.
    pub count: i64,
    /// Their sum, less later reversals.
    #[schema(example = "1250000.00")]
    pub total: String,
    /// Always `COP`.
    #[schema(example = "COP")]
    pub currency: &'static str,
    /// When it was sealed.
    #[schema(format = DateTime)]
    pub sealed_at: String,
}

/// A page of batches.
#[derive(Debug, Serialize, ToSchema)]
pub struct BatchPage {
    /// The batches.
    pub data: Vec<BatchView>,
    /// Where the next page begins; absent on the last one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub next_cursor: Option<String>,
}

/// Which batches.
#[derive(Clone, Debug, Default, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct BatchQuery {
    /// This partner's.
    pub partner: Option<String>,
    /// Entries of a page, 1 to 200; 50 when nothing is said.
    pub limit: Option<String>,
    /// Where the page begins: `next_cursor` of the page before.
    pub cursor: Option<String>,
}

/// Whose business dates.
#[derive(Clone, Debug, Default, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct SealQuery {
    /// The partner.
    pub partner: Option<String>,
}

/// As what.
#[derive(Clone, Debug, Default, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct FileQuery {
    /// `asobancaria-2001` (when nothing is said), `csv`, `jsonl` or `adjustments-csv`.
    pub format: Option<String>,
}

impl BatchView {
    fn of(fact: &Fact) -> Option<Self> {
        let seal = seal_of(fact)?;
        Some(Self {
            id: fact.public_id(),
            partner: seal.partner.to_string(),
            from: seal.from.to_string(),
            through: seal.through.to_string(),
            count: seal.count,
            total: seal.total.to_string(),
            currency: "COP",
            sealed_at: fact.recorded_at.to_string(),
        })
    }
}

/// Sealed batches, latest first.
#[utoipa::path(
    get, path = "/v1/collection-batches", tag = "billing", operation_id = "listCollectionBatches",
    params(BatchQuery),
    responses((status = 200, description = "A page of batches; Link has the next.", body = BatchPage), Refusals),
    security(("mutual_tls" = [], "oauth2" = ["billing:write"]), ("mutual_tls" = [], "oauth2" = ["admin"])),
)]
pub async fn list(
    edge: web::Data<Edge>,
    _: Authorized<BillingRead>,
    request: HttpRequest,
) -> Result<HttpResponse, Problem> {
    let query: BatchQuery = page::query(&request)?;
    let mut read = Reader::default();
    let (limit, after) = page::bounds(&mut read, query.limit.as_deref(), query.cursor.as_deref(), "bat");
    read.finish()?;
    let filter = BatchFilter { partner: query.partner.map(PartyId::new), after, limit: limit + 1 };
    let rows = edge.read("batches", move |connection| connection.batches(&filter)).await?;
    Ok(page::answer(&request, rows, limit, |fact: &Arc<Fact>| fact.public_id(), |fact| BatchView::of(fact)))
}

/// Closes a partner's business dates up to one, for ever: today's at the latest, which closes it early.
/// Sealing again answers the same batch.
#[utoipa::path(
    post, path = "/v1/collection-batches/{business_date}/seal", tag = "billing", operation_id = "sealCollectionBatch",
    params(("business_date" = String, Path, description = "The last business date to close.", example = "2026-11-24"), SealQuery),
    responses(
        (status = 201, description = "The batches that came of it, in the order of their dates.", body = BatchPage),
        (status = 200, description = "The date was sealed before: its batch.", body = BatchPage),
        WriteRefusals,
    ),
    security(("mutual_tls" = [], "oauth2" = ["billing:write"]), ("mutual_tls" = [], "oauth2" = ["admin"])),
)]
pub async fn close(
    edge: web::Data<Edge>,
    _: Authorized<BillingRead>,
    request: HttpRequest,
    path: web::Path<String>,
) -> Result<HttpResponse, Problem> {
    let query: SealQuery = page::query(&request)?;
    let date = BusinessDate::parse(&path)
        .map_err(|error| Problem::fault("business_date", "date", "es AAAA-MM-DD y existe", error.to_string()))?;
    let partner = query
        .partner
        .map(PartyId::new)
        .ok_or_else(|| Problem::fault("partner", "required", "falta un dato obligatorio", "is required"))?;
    let (office, door) = (edge.office.clone(), door(&edge));
    let sealed = beside(move || seal(&office, &door, &partner, date)).await?.map_err(|error| not_sealed(&error))?;
    let page =
        BatchPage { data: sealed.batches.iter().filter_map(|fact| BatchView::of(fact)).collect(), next_cursor: None };
    let mut answer = if sealed.already { HttpResponse::Ok() } else { HttpResponse::Created() };
    Ok(answer.insert_header((header::CACHE_CONTROL, "no-store")).json(page))
}

/// A sealed batch as a file: the same bytes every time.
#[utoipa::path(
    get, path = "/v1/collection-batches/{id}/file", tag = "billing", operation_id = "getCollectionFile",
    params(("id" = String, Path, description = "The batch's id."), FileQuery),
    responses(
        (status = 200, description = "The file; Repr-Digest and ETag have its SHA-256.", body = String, content_type = "text/plain"),
        (status = 304, description = "The caller has these bytes."),
        WriteRefusals,
    ),
    security(("mutual_tls" = [], "oauth2" = ["billing:write"]), ("mutual_tls" = [], "oauth2" = ["admin"])),
)]
pub async fn file(
    edge: web::Data<Edge>,
    _: Authorized<TakeFile>,
    request: HttpRequest,
    path: web::Path<String>,
) -> Result<HttpResponse, Problem> {
    let query: FileQuery = page::query(&request)?;
    let format =
        query.format.as_deref().unwrap_or("asobancaria-2001").parse::<CollectionFormat>().map_err(|error| {
            let list = "asobancaria-2001, csv, jsonl, adjustments-csv";
            Problem::fault("format", "one-of", format!("es uno de: {list}"), error.to_string())
        })?;
    let id = id_in_path(&path, "bat")?;
    let found = edge.read("batch", move |connection| connection.fact(id)).await?;
    let fact = found.map(|listed| listed.fact).filter(|fact| seal_of(fact).is_some());
    let fact = fact.ok_or_else(|| Problem::new("not-found"))?;
    let (office, door, batch) = (edge.office.clone(), door(&edge), Arc::clone(&fact));
    let (file, written) =
        beside(move || make(&office, &door, &batch, format)).await?.map_err(|error| no_file(&error))?;
    let tag = format!("\"{}\"", written.sha256);
    if request.headers().get(header::IF_NONE_MATCH).is_some_and(|known| known.as_bytes() == tag.as_bytes()) {
        return Ok(HttpResponse::NotModified().insert_header((header::ETAG, tag)).finish());
    }
    let name = name(&edge.office, &fact, format).unwrap_or_default();
    Ok(HttpResponse::Ok()
        .content_type(format.media_type())
        .insert_header((header::ETAG, tag))
        .insert_header(("Repr-Digest", format!("sha-256=:{}:", STANDARD.encode(unhex(&written.sha256)))))
        .insert_header((header::CONTENT_DISPOSITION, format!("attachment; filename=\"{name}\"")))
        .insert_header((header::CACHE_CONTROL, "no-store"))
        .no_chunking(written.bytes)
        .streaming(pieces(file)))
}

fn door(edge: &Edge) -> WriterDoor {
    WriterDoor::new(edge.posting.clone(), tokio::runtime::Handle::current())
}

async fn beside<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> Result<T, Problem> {
    tokio::task::spawn_blocking(work).await.map_err(|_| Problem::new("internal"))
}

/// Makes the whole file before a byte of it leaves: an answer that has begun cannot become a refusal.
fn make(
    office: &Office,
    door: &WriterDoor,
    fact: &Fact,
    format: CollectionFormat,
) -> Result<(File, Written), CollectionError> {
    let failed = |error: io::Error| CollectionError::File(error.into());
    let name = format!("{}.part", office.clock.id().with_prefix("file"));
    let mut file = office.settings.unnamed_file(&name).map_err(failed)?;
    let written = collection::write(office, door, fact, format, &file)?;
    file.rewind().map_err(failed)?;
    Ok((file, written))
}

fn pieces(mut file: File) -> impl futures_util::Stream<Item = io::Result<Bytes>> {
    let (send, mut receive) = tokio::sync::mpsc::channel(PIECES_AHEAD);
    tokio::task::spawn_blocking(move || {
        loop {
            let mut piece = Vec::with_capacity(PIECE_BYTES);
            let read = (&mut file).take(PIECE_BYTES as u64).read_to_end(&mut piece);
            let last = !matches!(read, Ok(1..));
            let piece = read.map(|_| Bytes::from(piece));
            if (piece.as_ref().is_ok_and(Bytes::is_empty)) || send.blocking_send(piece).is_err() || last {
                break;
            }
        }
    });
    futures_util::stream::poll_fn(move |context| receive.poll_recv(context))
}

fn name(office: &Office, fact: &Fact, format: CollectionFormat) -> Option<String> {
    let seal = seal_of(fact)?;
    Some(format.file_name(&Batch {
        id: fact.public_id(),
        partner: seal.partner.clone(),
        from: seal.from,
        through: seal.through,
        sealed_at: fact.recorded_at,
        utc_offset_minutes: office.policy.utc_offset_minutes,
    }))
}

fn unhex(text: &str) -> Vec<u8> {
    let pairs = (0..text.len() / 2).filter_map(|at| text.get(at * 2..at * 2 + 2));
    pairs.filter_map(|pair| u8::from_str_radix(pair, 16).ok()).collect()
}

fn not_sealed(error: &SealError) -> Problem {
    match error {
        SealError::NotAPartner(_) => Problem::new("not-found"),
        SealError::NotBegun { today, .. } => {
            Problem::from(Rejection::BatchNotSealable).with("sealable_through", today.to_string())
        }
        SealError::DayIsFull { .. } => Problem::from(Rejection::BatchNotSealable),
        SealError::Writer(error) => super::answer::not_executed(error),
        SealError::Store(error) => {
            tracing::error!(%error, "business dates were not sealed");
            Problem::new("unavailable").retry_after(2)
        }
    }
}

fn no_file(error: &CollectionError) -> Problem {
    match error {
        CollectionError::Settings { .. } | CollectionError::File(_) => {
            let text = error.to_string();
            Problem::fault("format", "settings", format!("el archivo no se puede hacer: {text}"), text)
        }
        CollectionError::NotABatch(_) => Problem::new("not-found"),
        CollectionError::Writer(error) => super::answer::not_executed(error),
        CollectionError::Mismatch { .. } | CollectionError::Store(_) => {
            tracing::error!(%error, "a collection file was not made");
            Problem::new("unavailable").retry_after(2)
        }
    }
}
