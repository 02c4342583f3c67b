//! What an account owes now.

use actix_web::http::header;
use actix_web::{HttpRequest, HttpResponse, web};

use super::Edge;
use super::answer::unread;
use super::faults::Reader;
use super::openapi::Refusals;
use super::problem::Problem;
use super::views::account::PositionView;
use crate::auth::caller::{AccountsRead, Authorized, count};
use crate::auth::limits::Kind;
use crate::domain::calendar::Timestamp;
use crate::domain::ids::AccountNumber;
use crate::domain::position::position;

/// Look-up of an account: what it owes now and what may be paid.
#[utoipa::path(
    get, path = "/v1/accounts/{account_number}", tag = "accounts", operation_id = "getAccount",
    params(("account_number" = String, Path, description = "The account number, with its leading zeros.", example = "000123456")),
    responses(
        (status = 200, description = "The position. Nothing due is an answer without options.", body = PositionView,
         headers(("ETag" = String, description = "The position's version, for If-None-Match and If-Match."))),
        (status = 304, description = "The position is the one of If-None-Match."),
        Refusals,
    ),
    security(("mutual_tls" = [], "oauth2" = ["accounts:read"])),
)]
pub async fn get(
    edge: web::Data<Edge>,
    authorized: Authorized<AccountsRead>,
    request: HttpRequest,
    path: web::Path<String>,
) -> Result<HttpResponse, Problem> {
    let policy = &edge.config.counter;
    let mut read = Reader::default();
    let number = read.account("account_number", Some(path.as_str()), &policy.account_number);
    read.finish()?;
    let now = edge.clock.now();
    let party = &authorized.caller.party;
    // A party that has guessed too many unknown numbers does not look up known ones either.
    let unknown = edge.limits.peek(party, Kind::UnknownAccounts, now);
    if !unknown.allowed {
        count(&request, unknown)?;
    }
    count(&request, edge.limits.take(party, Kind::Lookups, now))?;
    let Some(state) = edge.reading.account(number.clone()).await.map_err(|error| unread(&error))? else {
        edge.limits.take(party, Kind::UnknownAccounts, now);
        return Err(account_not_found(number));
    };
    let position = position(&state, policy.calendar_date(now), policy.cash_step);
    let point = authorized.caller.collection_point.as_ref();
    let near = point.and_then(|point| edge.recent_lookups.remember(point, &number, now, policy.near_miss_minutes));
    let tag = tag(&position.figures.position_version, near.as_ref());
    if matches_tag(&request, &tag) {
        return Ok(HttpResponse::NotModified().insert_header((header::ETAG, tag)).finish());
    }
    Ok(HttpResponse::Ok()
        .insert_header((header::ETAG, tag))
        .insert_header((header::CACHE_CONTROL, "private, no-cache"))
        .json(PositionView::of(policy, &state, &position, near.as_ref())))
}

/// The position's version; a warning makes other bytes, and so another tag, of the same version.
fn tag(version: &str, near: Option<&(AccountNumber, Timestamp)>) -> String {
    match near {
        Some((number, at)) => format!("\"{version}.{number}.{}\"", at.micros()),
        None => format!("\"{version}\""),
    }
}

/// Billing does not know the account.
#[must_use]
pub fn account_not_found(account_number: AccountNumber) -> Problem {
    crate::domain::rejection::Rejection::AccountNotFound { account_number }.into()
}

/// Whether `If-None-Match` has this strong tag (compared weakly, RFC 9110 13.1.2).
fn matches_tag(request: &HttpRequest, tag: &str) -> bool {
    let values = request.headers().get_all(header::IF_NONE_MATCH).filter_map(|value| value.to_str().ok());
    values
        .flat_map(|value| value.split(','))
        .map(str::trim)
        .any(|listed| listed == "*" || listed.strip_prefix("W/").unwrap_or(listed) == tag)
}
