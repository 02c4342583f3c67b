//! Lists: a page at a time, with a cursor and a link to the next (RFC 8288).

use actix_web::http::header;
use actix_web::{HttpRequest, HttpResponse, web};
use serde::Serialize;
use serde::de::DeserializeOwned;

use super::answer::encoded;
use super::faults::Reader;
use super::problem::{Fault, Problem};
use crate::domain::ids::Id;

/// Entries of a page, at most.
pub const MAX_LIMIT: u32 = 200;
/// Entries of a page when nothing is said.
pub const DEFAULT_LIMIT: u32 = 50;

/// A page of a list.
#[derive(Debug, Serialize)]
pub struct Page<T> {
    /// The entries.
    pub data: Vec<T>,
    /// Where the next page begins; absent on the last one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub next_cursor: Option<String>,
}

/// Reads a query; what it does not know is refused, because a misspelt filter would list everything.
///
/// # Errors
/// A parameter that is unknown, twice there, or not readable.
pub fn query<T: DeserializeOwned>(request: &HttpRequest) -> Result<T, Problem> {
    web::Query::<T>::from_query(request.query_string()).map(web::Query::into_inner).map_err(|error| {
        Problem::faults(vec![Fault {
            pointer: String::new(),
            code: "query",
            es: "un parámetro de la consulta no se conoce, está repetido o no se puede leer".to_owned(),
            en: error.to_string(),
        }])
    })
}

/// How many entries, and after which.
pub fn bounds(read: &mut Reader, limit: Option<&str>, cursor: Option<&str>, prefix: &str) -> (u32, Option<Id>) {
    let wanted = limit.map_or(Some(DEFAULT_LIMIT), |text| text.parse().ok());
    let limit = wanted.filter(|limit| (1..=MAX_LIMIT).contains(limit)).unwrap_or_else(|| {
        read.fault("limit", "range", format!("es de 1 a {MAX_LIMIT}"), format!("is 1 to {MAX_LIMIT}"));
        DEFAULT_LIMIT
    });
    (limit, read.id("cursor", cursor, prefix))
}

/// The answer of a page. `rows` has one more than `limit` where there is a next page.
pub fn answer<R, T: Serialize>(
    request: &HttpRequest,
    mut rows: Vec<R>,
    limit: u32,
    id: impl Fn(&R) -> String,
    view: impl Fn(&R) -> Option<T>,
) -> HttpResponse {
    let limit = limit as usize;
    let more = rows.len() > limit;
    rows.truncate(limit);
    let next_cursor = rows.last().filter(|_| more).map(id);
    let mut response = HttpResponse::Ok();
    if let Some(cursor) = &next_cursor {
        response.insert_header((header::LINK, next_link(request, cursor)));
    }
    response.insert_header((header::CACHE_CONTROL, "no-store"));
    response.json(Page { data: rows.iter().filter_map(view).collect(), next_cursor })
}

fn next_link(request: &HttpRequest, cursor: &str) -> String {
    let kept = request.query_string().split('&').filter(|part| !part.is_empty() && !part.starts_with("cursor="));
    let cursor = format!("cursor={}", encoded(cursor));
    let query: Vec<&str> = kept.chain([cursor.as_str()]).collect();
    format!("<{}?{}>; rel=\"next\"", request.path(), query.join("&"))
}
