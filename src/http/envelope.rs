//! What every answer of the partner listener wears, whatever made it.
//!
//! One middleware, the outermost: it names the request, renders refusals in the caller's language,
//! adds the headers of limits and certificates, closes connections while the gateway drains, counts and
//! logs. No personal data is logged: the route is, not the path.

use actix_web::body::{BoxBody, MessageBody};
use actix_web::dev::{ServiceRequest, ServiceResponse};
use actix_web::http::header::{self, HeaderMap, HeaderName, HeaderValue};
use actix_web::http::{ConnectionType, Method, StatusCode};
use actix_web::middleware::Next;
use actix_web::{Error, HttpMessage, HttpRequest, web};

use super::Edge;
use super::extract::BodyWasRead;
use super::problem::{Language, Problem};
use crate::auth::caller::Counted;
use crate::auth::policy::kind_word;
use crate::auth::registry::Peer;
use crate::domain::calendar::Timestamp;

/// The header that names a request.
pub const REQUEST_ID: HeaderName = HeaderName::from_static("request-id");
/// Certificates with fewer days than this are announced on every reply.
const ANNOUNCED_DAYS: i64 = 45;

/// Wraps every request of the partner listener.
///
/// # Errors
/// What is inside fails without an answer, which it does not.
pub async fn wrap(
    request: ServiceRequest,
    next: Next<impl MessageBody + 'static>,
) -> Result<ServiceResponse<BoxBody>, Error> {
    let began = tokio::time::Instant::now();
    let Some(edge) = request.app_data::<web::Data<Edge>>().cloned() else {
        return Ok(next.call(request).await?.map_into_boxed_body());
    };
    let id = edge.clock.id().with_prefix("req");
    let trace = trace_of(request.headers());
    let has_body = carries_body(request.headers());
    let method = request.method().clone();
    let answer = next.call(request).await?.map_into_boxed_body();
    let mut answer = rendered(&edge, answer);
    dress(&edge, &mut answer, &id);
    if edge.is_draining() || (has_body && answer.request().extensions().get::<BodyWasRead>().is_none()) {
        // A body that nobody read cannot be told from the next request.
        answer.response_mut().head_mut().set_connection_type(ConnectionType::Close);
    }
    note(&answer, &method, &id, trace.as_deref(), began);
    Ok(answer)
}

/// The language of an answer: English where `Accept-Language` prefers it to Spanish.
#[must_use]
pub fn language(headers: &HeaderMap) -> Language {
    let Some(text) = headers.get(header::ACCEPT_LANGUAGE).and_then(|value| value.to_str().ok()) else {
        return Language::Spanish;
    };
    let mut best = (0, Language::Spanish);
    for range in text.split(',') {
        let mut parts = range.split(';').map(str::trim);
        let tag = parts.next().unwrap_or_default().to_ascii_lowercase();
        let quality = parts.find_map(|part| part.strip_prefix("q=")).map_or(1000, thousandths);
        let language = match tag.split('-').next() {
            Some("en") => Language::English,
            Some("es" | "*") => Language::Spanish,
            _ => continue,
        };
        if quality > best.0 {
            best = (quality, language);
        }
    }
    best.1
}

/// The form that `Accept` prefers among those there are, the earlier of two it likes equally; `None`:
/// it wants none of them.
#[must_use]
pub fn weigh(headers: &HeaderMap, forms: &[&'static str]) -> Option<&'static str> {
    let accept = headers.get(header::ACCEPT).and_then(|value| value.to_str().ok()).unwrap_or_default();
    if accept.trim().is_empty() {
        return forms.first().copied();
    }
    let quality = |form: &str| {
        let family = form.split('/').next().unwrap_or_default();
        let ranges = accept.split(',').filter_map(|range| {
            let mut parts = range.split(';').map(str::trim);
            let name = parts.next().unwrap_or_default();
            let quality = parts.find_map(|part| part.strip_prefix("q=")).map_or(1000, thousandths);
            let exact = name.eq_ignore_ascii_case(form);
            let fits = exact || name == "*/*" || name.strip_suffix("/*").is_some_and(|start| start == family);
            fits.then_some((if exact { 2 } else { u8::from(name != "*/*") }, quality))
        });
        // What names the form closest decides (RFC 9110 12.5.1).
        ranges.max_by_key(|(closeness, _)| *closeness).map_or(0, |(_, quality)| quality)
    };
    let best = forms.iter().map(|form| quality(form)).max().filter(|quality| *quality > 0)?;
    forms.iter().copied().find(|form| quality(form) == best)
}

/// Whole days between now and the end of a certificate.
#[must_use]
pub const fn days_left(not_after: Timestamp, now: Timestamp) -> i64 {
    not_after.minutes_since(now).div_euclid(24 * 60)
}

/// `0.85` as 850.
fn thousandths(quality: &str) -> u32 {
    let (whole, fraction) = quality.split_once('.').unwrap_or((quality, ""));
    let digits: String = fraction.chars().chain("000".chars()).take(3).collect();
    whole.parse().unwrap_or(0) * 1000 + digits.parse().unwrap_or(0)
}

fn rendered(edge: &Edge, answer: ServiceResponse<BoxBody>) -> ServiceResponse<BoxBody> {
    let Some(error) = answer.response().error() else { return answer };
    let request = answer.request();
    let (language, url, path) = (language(request.headers()), &edge.config.server.public_url, request.path());
    let response = match error.as_error::<Problem>() {
        Some(problem) => problem.response(language, url, path),
        None => framework_problem(answer.status(), error).response(language, url, path),
    };
    let request = request.clone();
    ServiceResponse::new(request, response)
}

/// What the framework refuses before a handler sees it.
fn framework_problem(status: StatusCode, error: &Error) -> Problem {
    match status {
        StatusCode::NOT_FOUND => Problem::new("not-found"),
        StatusCode::METHOD_NOT_ALLOWED => Problem::new("method-not-allowed"),
        StatusCode::NOT_ACCEPTABLE => Problem::new("not-acceptable"),
        StatusCode::REQUEST_TIMEOUT => Problem::new("request-timeout"),
        StatusCode::PAYLOAD_TOO_LARGE => Problem::new("body-too-large"),
        StatusCode::UNSUPPORTED_MEDIA_TYPE => Problem::new("unsupported-media-type"),
        status if status.is_client_error() => {
            Problem::fault("", "request", "la petición no se puede leer", error.to_string())
        }
        _ => {
            tracing::error!(%error, "a handler failed");
            Problem::new("internal")
        }
    }
}

fn dress(edge: &Edge, answer: &mut ServiceResponse<BoxBody>, id: &str) {
    let (peer, counted) = {
        let extensions = answer.request().extensions();
        (extensions.get::<Peer>().cloned(), extensions.get::<Counted>().copied())
    };
    let headers = answer.headers_mut();
    let mut put = |name: HeaderName, value: &str| {
        if let Ok(value) = HeaderValue::from_str(value) {
            headers.insert(name, value);
        }
    };
    put(REQUEST_ID, id);
    put(header::X_CONTENT_TYPE_OPTIONS, "nosniff");
    if let Some(Counted(standing)) = counted {
        put(HeaderName::from_static("ratelimit-policy"), &standing.policy());
        put(HeaderName::from_static("ratelimit"), &standing.state());
    }
    if let Some(peer) = peer {
        let days = days_left(peer.not_after, edge.clock.now());
        if days < ANNOUNCED_DAYS {
            put(HeaderName::from_static("certificate-expires"), &days.to_string());
        }
    }
}

fn note(
    answer: &ServiceResponse<BoxBody>,
    method: &Method,
    id: &str,
    trace: Option<&str>,
    began: tokio::time::Instant,
) {
    let route = route_of(answer.request());
    let status = answer.status().as_u16();
    let took = began.elapsed();
    let party = answer.request().extensions().get::<Peer>().map(|peer| (peer.party.to_string(), kind_word(peer.kind)));
    let (party, kind) = party.unwrap_or_default();
    let method = known_method(method);
    metrics::counter!("recaudo_requests_total", "route" => route.clone(), "method" => method, "status" => status.to_string())
        .increment(1);
    metrics::histogram!("recaudo_request_seconds", "route" => route.clone(), "method" => method)
        .record(took.as_secs_f64());
    tracing::info!(
        target: "recaudo::request",
        request_id = id, trace_id = trace, party, kind, method, route, status, micros = took.as_micros() as u64, "request"
    );
}

/// Methods nobody knows are one value, or a caller could make as many as it likes.
fn known_method(method: &Method) -> &'static str {
    match *method {
        Method::GET => "GET",
        Method::POST => "POST",
        Method::PATCH => "PATCH",
        Method::PUT => "PUT",
        Method::DELETE => "DELETE",
        Method::HEAD => "HEAD",
        _ => "other",
    }
}

fn route_of(request: &HttpRequest) -> String {
    request.match_pattern().unwrap_or_else(|| "unknown".to_owned())
}

fn carries_body(headers: &HeaderMap) -> bool {
    headers.contains_key(header::TRANSFER_ENCODING)
        || headers.get(header::CONTENT_LENGTH).is_some_and(|length| length != "0")
}

/// The trace of a W3C `traceparent`: two digits, 32, 16 and 2 of hexadecimal, and not all zeros.
fn trace_of(headers: &HeaderMap) -> Option<String> {
    let text = headers.get("traceparent")?.to_str().ok()?;
    let parts: Vec<&str> = text.split('-').collect();
    let hex = |part: &str, digits: usize| {
        part.len() == digits && part.bytes().all(|b| b.is_ascii_digit() || (b'a'..=b'f').contains(&b))
    };
    match parts.as_slice() {
        [version, trace, parent, flags, ..]
            if hex(version, 2)
                && hex(trace, 32)
                && hex(parent, 16)
                && hex(flags, 2)
                && trace.bytes().any(|b| b != b'0') =>
        {
            Some((*trace).to_owned())
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(name: HeaderName, value: &'static str) -> HeaderMap {
        let mut headers = HeaderMap::new();
        headers.insert(name, HeaderValue::from_static(value));
        headers
    }

    #[test]
    fn english_is_spoken_where_it_is_preferred() {
        for (accept, wanted) in [
            ("en", Language::English),
            ("en-US,en;q=0.9", Language::English),
            ("es-CO,en;q=0.9", Language::Spanish),
            ("es;q=0.5, en;q=0.85", Language::English),
            ("fr", Language::Spanish),
            ("en;q=0", Language::Spanish),
            ("", Language::Spanish),
        ] {
            assert_eq!(language(&headers(header::ACCEPT_LANGUAGE, accept)), wanted, "{accept}");
        }
    }

    #[test]
    fn the_form_that_is_liked_best_is_chosen() {
        const FORMS: [&str; 3] = ["application/json", "text/html", "application/pdf"];
        for (accept, wanted) in [
            ("", Some("application/json")),
            ("*/*", Some("application/json")),
            ("text/html,application/xhtml+xml,*/*;q=0.8", Some("text/html")),
            ("application/json;q=0.3, application/pdf;q=0.7", Some("application/pdf")),
            ("text/*;q=0.9, application/json;q=0.1", Some("text/html")),
            ("*/*, application/json;q=0", Some("text/html")),
            ("image/png", None),
        ] {
            assert_eq!(weigh(&headers(header::ACCEPT, accept), &FORMS), wanted, "{accept}");
        }
    }

    #[test]
    fn a_trace_is_taken_only_when_it_is_one() {
        let name = HeaderName::from_static("traceparent");
        let good = headers(name.clone(), "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01");
        assert_eq!(trace_of(&good).as_deref(), Some("0af7651916cd43dd8448eb211c80319c"));
        for bad in ["", "00-0-0-0", "00-00000000000000000000000000000000-b7ad6b7169203331-01"] {
            assert_eq!(trace_of(&headers(name.clone(), bad)), None, "{bad}");
        }
    }
}
