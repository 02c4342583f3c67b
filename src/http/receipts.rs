//! Receipts: rendered from the payment's fact, the same bytes each time; reprints are counted.

use actix_web::http::header;
use actix_web::{HttpRequest, HttpResponse, web};

use super::Edge;
use super::answer::{Answer, processing};
use super::extract::hash;
use super::idempotency::Key;
use super::openapi::{ProcessingAnswer, Refusals, WriteRefusals};
use super::payments::id_in_path;
use super::problem::Problem;
use crate::auth::caller::{Authorized, Demand, PaymentsRead, PaymentsWrite};
use crate::auth::policy::Scope;
use crate::domain::command::Command;
use crate::domain::fact::{Body, Fact};
use crate::domain::ids::{Id, PartyId};
use crate::domain::policy::PointSettings;
use crate::receipts::text::Columns;
use crate::receipts::ticket::Source;
use crate::receipts::{Form, render};

/// Media ranges of an `Accept` header that are looked at, at most.
const MAX_RANGES: usize = 16;

/// To see a receipt, in one of several forms.
#[derive(Debug)]
pub struct ReadReceipt;

impl Demand for ReadReceipt {
    const ANY_OF: &'static [Scope] = PaymentsRead::ANY_OF;
    const PRODUCES: Option<&'static str> = None;
}

/// To print a receipt again, in one of several forms.
#[derive(Debug)]
pub struct CopyReceipt;

impl Demand for CopyReceipt {
    const ANY_OF: &'static [Scope] = PaymentsWrite::ANY_OF;
    const PRODUCES: Option<&'static str> = None;
}

/// The receipt of a payment: `text/plain; width=32` (42, 48), `text/html`, `application/pdf`, `application/jose`.
#[utoipa::path(
    get, path = "/v1/payments/{id}/receipt", tag = "payments", operation_id = "getReceipt",
    params(
        ("id" = String, Path, description = "The payment's id.", example = "pay_01k6y3b5wqe7h8m2n4p6r8t0v2"),
        ("Accept" = Option<String>, Header, description = "text/plain with width 32, 42 or 48; text/html; application/pdf; application/jose."),
    ),
    responses((status = 200, description = "The receipt, the same bytes each time.", content_type = "text/plain", body = String), Refusals),
    security(("mutual_tls" = [], "oauth2" = ["payments:write"])),
)]
pub async fn get(
    edge: web::Data<Edge>,
    authorized: Authorized<ReadReceipt>,
    path: web::Path<String>,
    request: HttpRequest,
) -> Result<HttpResponse, Problem> {
    let id = id_in_path(&path, "pay")?;
    let form = form_wanted(&request)?;
    printed(&edge, authorized.caller.party, id, form, 0).await
}

/// Prints a receipt again: counted, and marked COPIA n.
#[utoipa::path(
    post, path = "/v1/payments/{id}/receipt-copies", tag = "payments", operation_id = "copyReceipt",
    params(
        ("id" = String, Path, description = "The payment's id.", example = "pay_01k6y3b5wqe7h8m2n4p6r8t0v2"),
        ("Idempotency-Key" = String, Header, description = "1 to 255 visible ASCII characters, quoted or bare."),
        ("Accept" = Option<String>, Header, description = "As for the receipt."),
    ),
    responses(
        (status = 200, description = "The copy, with its number on it.", content_type = "text/plain", body = String),
        ProcessingAnswer, WriteRefusals,
    ),
    security(("mutual_tls" = [], "oauth2" = ["payments:write"])),
)]
pub async fn copy(
    edge: web::Data<Edge>,
    authorized: Authorized<CopyReceipt>,
    path: web::Path<String>,
    key: Key,
    request: HttpRequest,
) -> Result<HttpResponse, Problem> {
    let payment_id = id_in_path(&path, "pay")?;
    let form = form_wanted(&request)?;
    let hash = hash("POST", &format!("/v1/payments/{path}/receipt-copies"), &serde_json::Value::Null);
    let answer = edge.submit(&authorized.caller, key, hash, Command::CopyReceipt { payment_id }).await?;
    let fact = match answer {
        Answer::Done(fact) | Answer::Replayed(fact) => fact,
        Answer::Processing(key) => return Ok(processing(&key)),
    };
    printed(&edge, authorized.caller.party, payment_id, form, number_of(&fact)).await
}

fn number_of(fact: &Fact) -> u32 {
    match &fact.body {
        Body::ReceiptCopy(copy) => copy.copy,
        _ => 0,
    }
}

async fn printed(edge: &Edge, party: PartyId, id: Id, form: Form, copy: u32) -> Result<HttpResponse, Problem> {
    let found = edge.read("receipt", move |connection| {
        let Some(listed) = connection.payment(&party, id)? else { return Ok(None) };
        let reversal = match listed.ended_by {
            Some(reversal) => connection.facts(&[reversal])?.pop(),
            None => None,
        };
        let point = match &listed.fact.collection_point {
            Some(point) => connection.collection_point(point)?.map(|point| point.settings),
            None => None,
        };
        Ok(Some((listed.fact, reversal, point.unwrap_or_default())))
    });
    let (fact, reversal, point): (_, _, PointSettings) = found.await?.ok_or_else(|| Problem::new("not-found"))?;
    let source = Source {
        fact: &fact,
        reversal: reversal.as_deref(),
        utility: &edge.config.utility,
        point: &point,
        policy: &edge.policy,
        copy,
    };
    let rendered = render(&source, &edge.keys, form).map_err(|error| {
        tracing::error!(%error, "a receipt could not be rendered");
        Problem::new("internal")
    })?;
    Ok(HttpResponse::Ok()
        .insert_header((header::CONTENT_TYPE, rendered.content_type))
        .insert_header((header::CACHE_CONTROL, "no-store"))
        .insert_header((header::VARY, "Accept"))
        .body(rendered.bytes))
}

/// The form that an `Accept` header likes best; plain text without one.
fn form_wanted(request: &HttpRequest) -> Result<Form, Problem> {
    let Some(accept) = request.headers().get(header::ACCEPT) else { return Ok(Form::Text(Columns::Medium)) };
    let accept = accept.to_str().map_err(|_| Problem::new("not-acceptable"))?;
    let mut ranges: Vec<(u16, Form)> = accept.split(',').take(MAX_RANGES).filter_map(range).collect();
    ranges.sort_by_key(|(weight, _)| std::cmp::Reverse(*weight));
    ranges.into_iter().map(|(_, form)| form).next().ok_or_else(|| Problem::new("not-acceptable"))
}

/// One media range: its weight in thousandths, and the form it stands for.
fn range(text: &str) -> Option<(u16, Form)> {
    let mut parts = text.split(';').map(str::trim);
    let media = parts.next()?.to_ascii_lowercase();
    let (mut weight, mut width) = (1000, 42);
    for (name, value) in parts.filter_map(|part| part.split_once('=')) {
        match name.trim().to_ascii_lowercase().as_str() {
            "q" => weight = thousandths(value.trim())?,
            "width" => width = value.trim().parse().ok()?,
            _ => {}
        }
    }
    let form = match media.as_str() {
        "text/plain" | "text/*" | "*/*" => Form::Text(Columns::of(width)?),
        "text/html" => Form::Html,
        "application/pdf" => Form::Pdf,
        "application/jose" => Form::Jose,
        _ => return None,
    };
    (weight > 0).then_some((weight, form))
}

/// `0.8` as 800 (RFC 9110, 12.4.2).
fn thousandths(text: &str) -> Option<u16> {
    let (whole, fraction) = text.split_once('.').unwrap_or((text, ""));
    if fraction.len() > 3 || !fraction.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let fraction: u16 = format!("{fraction:0<3}").parse().ok()?;
    match whole {
        "1" if fraction == 0 => Some(1000),
        "0" => Some(fraction),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn wanted(accept: &str) -> Option<Form> {
        let request = actix_web::test::TestRequest::default().insert_header((header::ACCEPT, accept)).to_http_request();
        form_wanted(&request).ok()
    }

    #[test]
    fn the_form_that_is_liked_best_is_chosen() {
        assert_eq!(wanted("text/plain; width=32"), Some(Form::Text(Columns::Narrow)));
        assert_eq!(wanted("*/*"), Some(Form::Text(Columns::Medium)));
        assert_eq!(wanted("text/html;q=0.5, application/pdf;q=0.9"), Some(Form::Pdf));
        assert_eq!(wanted("application/jose, text/plain;q=0"), Some(Form::Jose));
        for refused in ["image/png", "text/plain; width=40", "text/plain;q=0", "text/plain;q=2"] {
            assert_eq!(wanted(refused), None, "{refused}");
        }
    }
}
