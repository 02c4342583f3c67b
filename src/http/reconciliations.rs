//! Reconciliations: sending a file, seeing what came of it, and finding differing rows by digests.

#![allow(unused_qualifications, reason = "the contract's macros name their types in full")]

use actix_web::http::header;
use actix_web::web::Bytes;
use actix_web::{HttpRequest, HttpResponse, web};
use serde::Deserialize;
use utoipa::IntoParams;

use super::answer::not_executed;
use super::envelope::weigh;
use super::faults::Reader;
use super::openapi::{Refusals, WriteRefusals};
use super::payments::id_in_path;
use super::problem::Problem;
use super::upload::ComparedFile;
use super::views::reconciliations::{DigestsView, RunView};
use super::{Edge, page};
use crate::auth::caller::{Authorized, ReconciliationsRead, ReconciliationsWrite};
use crate::billing::holidays::next_banking_day;
use crate::domain::command::{Caller, PartyKind};
use crate::domain::ids::PartyId;
use crate::reconciliation::digest::BucketMinutes;
use crate::reconciliation::matcher::Tolerance;
use crate::reconciliation::report::{ReportHeader, html, pdf, text};
use crate::reconciling::files::{FORMATS, FileRefusal, Format, Rows, read_bank, read_partner};
use crate::reconciling::own_side::{DueDate, Loading, OwnSide, Payments, Progress};
use crate::reconciling::run::Prepared;
use crate::reconciling::{Partner, Question, digests as digesting, keep};
use crate::store::{RunKind, RunRecord};

const PLACE: &str = "/v1/reconciliations";
/// The forms of a reconciliation, the usual one first.
const FORMS: [&str; 4] = ["application/json", "text/html", "application/pdf", "text/plain"];
/// By when cash has to be in the bank.
const DUE: DueDate = next_banking_day;

/// What is compared with what.
#[derive(Clone, Debug, Default, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct RunQuery {
    /// The business date; or `from` and `to`.
    pub business_date: Option<String>,
    /// The first business date.
    pub from: Option<String>,
    /// The last business date.
    pub to: Option<String>,
    /// `partner` (the partner's own list, when nothing is said) or `bank` (the statement; operators only).
    pub kind: Option<String>,
    /// `csv`, `jsonl` or `asobancaria-2001`; what the partner's settings say when nothing is said.
    pub format: Option<String>,
    /// The partner, for operators.
    pub party: Option<String>,
}

/// Which payments are digested.
#[derive(Clone, Debug, Default, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct DigestQuery {
    /// Recorded at this instant or later (RFC 3339 with offset).
    pub from: Option<String>,
    /// Recorded before this instant.
    pub to: Option<String>,
    /// Minutes of a bucket, a divisor of a day; 60 when nothing is said.
    pub bucket: Option<String>,
    /// The partner, for operators.
    pub party: Option<String>,
}

/// Compares a file with the gateway's payments or deposits. The same comparison is told again.
#[utoipa::path(
    post, path = "/v1/reconciliations", tag = "reconciliations", operation_id = "reconcile",
    params(RunQuery),
    request_body(
        content((String = "text/csv"), (String = "application/x-ndjson"), (String = "text/plain"), (String = "application/octet-stream")),
        description = "The file as it is: the partner's own list, or the bank's statement.",
    ),
    responses(
        (status = 201, description = "The comparison is kept.", body = RunView),
        (status = 200, description = "The same comparison was made before; this is it.", body = RunView),
        WriteRefusals,
    ),
    security(("mutual_tls" = [], "oauth2" = ["reconciliations:write"])),
)]
pub async fn create(
    edge: web::Data<Edge>,
    authorized: Authorized<ReconciliationsWrite>,
    request: HttpRequest,
    file: ComparedFile,
) -> Result<HttpResponse, Problem> {
    let caller = &authorized.caller;
    let (question, format) = question(&edge, caller, page::query(&request)?)?;
    let partner = partner(&edge, &question.party).await?;
    let ComparedFile { bytes, place } = file;
    let rows = read_file(&edge, &question, format, partner, bytes.clone()).await?;
    let own_side = load(&edge, Loading::new(&question, &rows, &edge.config.reconciliation, DUE)).await?;
    let offset_minutes = edge.policy.utc_offset_minutes;
    let tolerance = Tolerance { offset_minutes, ..edge.config.reconciliation.tolerance.clone() };
    let prepared = apart(move || Prepared::new(question, &bytes, rows, own_side, tolerance)).await?;
    let id = prepared.id;
    if let Some(known) = edge.read("reconciliation", move |connection| connection.reconciliation(id)).await? {
        return Ok(told(HttpResponse::Ok(), &known));
    }
    let (config, asked_by, now) = (edge.config.clone(), caller.party.clone(), edge.clock.now());
    let compared = apart(move || prepared.compare(&asked_by, now, &config.reconciliation)).await?;
    let run = compared.map_err(|error| {
        Problem::new("file-does-not-match").with("differences", error.found).with("limit", error.limit)
    })?;
    let kept = store(&edge, run).await?;
    drop(place);
    Ok(told(HttpResponse::Created(), &kept))
}

/// One reconciliation: a partner's own, or any for an operator; as JSON, HTML, PDF or text.
#[utoipa::path(
    get, path = "/v1/reconciliations/{id}", tag = "reconciliations", operation_id = "getReconciliation",
    params(("id" = String, Path, description = "The reconciliation's id.", example = "rcn_01k6y3b5wqe7h8m2n4p6r8t0v2")),
    responses(
        (status = 200, description = "The reconciliation; in the other forms the report for people (es-CO).",
         content((RunView = "application/json"), (String = "text/html"), (Vec<u8> = "application/pdf"), (String = "text/plain"))),
        Refusals,
    ),
    security(("mutual_tls" = [], "oauth2" = ["reconciliations:write"])),
)]
pub async fn get(
    edge: web::Data<Edge>,
    authorized: Authorized<ReconciliationsRead>,
    request: HttpRequest,
    path: web::Path<String>,
) -> Result<HttpResponse, Problem> {
    let Some(form) = weigh(request.headers(), &FORMS) else {
        return Err(Problem::new("not-acceptable").with("available", FORMS));
    };
    let run = find(&edge, &authorized.caller, &path).await?;
    let mut response = HttpResponse::Ok();
    response.insert_header((header::CACHE_CONTROL, "no-store")).insert_header((header::VARY, "Accept"));
    if form == FORMS[0] {
        return Ok(response.json(RunView::from(&run)));
    }
    let name = partner(&edge, &run.result.party).await?.party.name;
    let (offset_minutes, listed) = (edge.policy.utc_offset_minutes, edge.config.reconciliation.listed_breaks);
    let body = apart(move || {
        let header = ReportHeader { party_name: &name, generated_at: run.created_at, offset_minutes, listed };
        match form {
            "application/pdf" => pdf::render(&run.result, &header),
            "text/html" => html::render(&run.result, &header).into_bytes(),
            _ => text::render(&run.result, &header).into_bytes(),
        }
    });
    let charset = if form.starts_with("text/") { "; charset=utf-8" } else { "" };
    response.insert_header((header::CONTENT_LANGUAGE, "es-CO"));
    Ok(response.content_type(format!("{form}{charset}")).body(body.await?))
}

/// Count, sum and hash of the caller's payments per stretch of time, to find rows that differ.
#[utoipa::path(
    get, path = "/v1/reconciliations/digests", tag = "reconciliations", operation_id = "digestPayments",
    params(DigestQuery),
    responses((status = 200, description = "The digests of those stretches that hold payments.", body = DigestsView), Refusals),
    security(("mutual_tls" = [], "oauth2" = ["reconciliations:write"])),
)]
pub async fn digests(
    edge: web::Data<Edge>,
    authorized: Authorized<ReconciliationsWrite>,
    request: HttpRequest,
) -> Result<HttpResponse, Problem> {
    let query: DigestQuery = page::query(&request)?;
    let mut read = Reader::default();
    let party = subject(&mut read, &authorized.caller, query.party.as_deref());
    for (name, text) in [("from", &query.from), ("to", &query.to)] {
        if text.is_none() {
            read.fault(name, "required", "es obligatorio", "is required");
        }
    }
    let from = read.instant("from", query.from.as_deref());
    let until = read.instant("to", query.to.as_deref());
    let minutes = query.bucket.as_deref().map_or(Some(60), |text| text.parse().ok());
    let bucket = minutes.and_then(|minutes| BucketMinutes::new(minutes).ok()).unwrap_or_else(|| {
        read.fault("bucket", "bucket", "son minutos que dividen el día, de 1 a 1440", "is minutes that divide a day");
        BucketMinutes::HOUR
    });
    if let (Some(from), Some(until)) = (from, until)
        && (until <= from || digesting::buckets(from, until, bucket) > digesting::MAX_BUCKETS)
    {
        let most = digesting::MAX_BUCKETS;
        let es = format!("va después de from, y el período tiene hasta {most} tramos");
        read.fault("to", "range", es, format!("lies after from, and the period has at most {most} buckets"));
    }
    read.finish()?;
    let party = party?;
    let (Some(from), Some(until)) = (from, until) else { return Err(Problem::new("internal")) };
    partner(&edge, &party).await?;
    let max_rows = edge.config.reconciliation.max_rows;
    let mut payments = digesting::payments(&edge.policy, &party, from, until, max_rows);
    loop {
        let stepped = edge.read("digest_page", move |connection| {
            let progress = payments.step(connection)?;
            Ok::<(Payments, Progress), _>((payments, progress))
        });
        let progress;
        (payments, progress) = stepped.await?;
        match progress {
            Progress::More => {}
            Progress::Done => break,
            Progress::TooMany => return Err(Problem::new("too-many-rows").with("limit", max_rows)),
        }
    }
    let digests = apart(move || digesting::of(payments, bucket)).await?;
    let view = DigestsView::of(party.as_str(), digests);
    Ok(HttpResponse::Ok().insert_header((header::CACHE_CONTROL, "no-store")).json(view))
}

/// A reconciliation that the caller may see.
///
/// # Errors
/// There is none, or it is another party's.
pub async fn find(edge: &Edge, caller: &Caller, path: &str) -> Result<RunRecord, Problem> {
    let id = id_in_path(path, "rcn")?;
    let run = edge.read("reconciliation", move |connection| connection.reconciliation(id)).await?;
    let sees_all = caller.kind == PartyKind::Operator;
    run.filter(|run| sees_all || run.result.party == caller.party).ok_or_else(|| Problem::new("not-found"))
}

/// Work that takes the processor for a while, beside the threads that answer.
///
/// # Errors
/// It panicked.
async fn apart<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> Result<T, Problem> {
    web::block(work).await.map_err(|_| Problem::new("internal"))
}

/// What is asked, and in which format the file is said to be.
fn question(edge: &Edge, caller: &Caller, query: RunQuery) -> Result<(Question, Option<Format>), Problem> {
    let mut read = Reader::default();
    let party = subject(&mut read, caller, query.party.as_deref());
    let kind = read.word("kind", query.kind.as_deref(), "partner, bank").unwrap_or(RunKind::Partner);
    let format = read.word("format", query.format.as_deref(), FORMATS);
    let date = read.date("business_date", query.business_date.as_deref());
    let from = read.date("from", query.from.as_deref()).or(date);
    let to = read.date("to", query.to.as_deref()).or(date);
    let named = [&query.business_date, &query.from, &query.to].map(Option::is_some);
    if !matches!(named, [true, false, false] | [false, true, true]) {
        let (es, en) = ("o business_date, o from y to", "either business_date, or from and to");
        read.fault("business_date", "required", es, en);
    }
    let today = edge.policy.calendar_date(edge.clock.now());
    let (from, to) = (from.unwrap_or(today), to.unwrap_or(today));
    let (days, most) = ((to.date() - from.date()).whole_days(), i64::from(edge.config.reconciliation.max_days));
    if !(0..most).contains(&days) {
        let es = format!("va de from en adelante, hasta {most} días");
        read.fault("to", "range", es, format!("is not before from, and at most {most} days"));
    }
    read.finish()?;
    if kind == RunKind::Bank && caller.kind != PartyKind::Operator {
        return Err(Problem::new("scope-missing"));
    }
    Ok((Question { party: party?, kind, from, to, as_of: today }, format))
}

/// Whose rows are asked for: a partner's own, whoever an operator names.
fn subject(read: &mut Reader, caller: &Caller, named: Option<&str>) -> Result<PartyId, Problem> {
    match (caller.kind, named) {
        (PartyKind::Operator, Some(named)) => return Ok(PartyId::new(named)),
        (PartyKind::Operator, None) => read.fault("party", "required", "es obligatorio", "is required"),
        (_, Some(named)) if named != caller.party.as_str() => return Err(Problem::new("not-found")),
        _ => {}
    }
    Ok(caller.party.clone())
}

async fn partner(edge: &Edge, party: &PartyId) -> Result<Partner, Problem> {
    let party = party.clone();
    let found = edge.read("reconciliation_partner", move |connection| Partner::load(connection, &party)).await?;
    found.ok_or_else(|| Problem::new("not-found"))
}

async fn read_file(
    edge: &Edge,
    question: &Question,
    format: Option<Format>,
    partner: Partner,
    bytes: Bytes,
) -> Result<Rows, Problem> {
    let (config, kind) = (edge.config.clone(), question.kind);
    let default_date = (question.from == question.to).then_some(question.from);
    let read = apart(move || match kind {
        RunKind::Partner => read_partner(&partner, format, default_date, &bytes),
        RunKind::Bank => read_bank(&config.reconciliation, format, &bytes),
    });
    read.await?.map_err(|refusal| match refusal {
        FileRefusal::File(errors) => {
            Problem::new("file-not-valid").with("lines", errors.errors).with("more", errors.more)
        }
        FileRefusal::Settings(reason) => Problem::new("file-settings-not-valid").with("setting", reason),
        FileRefusal::Format => {
            Problem::fault("format", "one-of", "un extracto es csv o asobancaria-2001", FileRefusal::Format.to_string())
        }
    })
}

/// Loads our side on the readers' threads, a page at a time.
async fn load(edge: &Edge, mut loading: Loading) -> Result<OwnSide, Problem> {
    loop {
        let stepped = edge.read("reconciliation_page", move |connection| {
            let progress = loading.step(connection)?;
            Ok((loading, progress))
        });
        let progress;
        (loading, progress) = stepped.await?;
        match progress {
            Progress::More => {}
            Progress::Done => return Ok(loading.own_side()),
            Progress::TooMany => {
                return Err(Problem::new("too-many-rows").with("limit", edge.config.reconciliation.max_rows));
            }
        }
    }
}

/// Keeps an outcome through the writer, between payments.
async fn store(edge: &Edge, run: RunRecord) -> Result<RunRecord, Problem> {
    for portion in keep::portions(&run) {
        let kept = edge.posting.write("keep_breaks", move |connection| connection.keep_breaks(&portion)).await;
        kept.map_err(|error| not_executed(&error))?;
    }
    let kept = edge.posting.write("keep_reconciliation", move |connection| keep::keep_run(connection, &run)).await;
    edge.posting.committed().notify_one();
    kept.map_err(|error| not_executed(&error))
}

fn told(mut response: actix_web::HttpResponseBuilder, run: &RunRecord) -> HttpResponse {
    let view = RunView::from(run);
    response.insert_header((header::LOCATION, format!("{PLACE}/{}", view.summary.id)));
    response.insert_header((header::CACHE_CONTROL, "no-store")).json(view)
}
