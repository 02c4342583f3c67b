//! The only mapping from what is refused to a status and an `application/problem+json` (RFC 9457).
//!
//! A handler returns a [`Problem`]; the outermost middleware renders it, because only there the
//! language, the path and our own address are known.

use std::fmt;

use actix_web::http::StatusCode;
use actix_web::http::header::{self, HeaderName, HeaderValue};
use actix_web::{HttpResponse, ResponseError};
use serde_json::{Map, Value, json};

use super::problem_texts::{Entry, entry_of};
use crate::domain::rejection::{CashierAction, Rejection, Retry};

/// The media type of every refusal.
pub const MEDIA_TYPE: &str = "application/problem+json";

/// The languages of titles and details.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Language {
    /// Spanish of Colombia.
    Spanish,
    /// English.
    English,
}

/// One thing that is wrong with a request (RFC 6901 pointer into its body; a parameter's name otherwise).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fault {
    /// Where: `/amount`, `/denominations/0/count`; empty for the whole body.
    pub pointer: String,
    /// What, for programs.
    pub code: &'static str,
    /// What, in Spanish.
    pub es: String,
    /// What, in English.
    pub en: String,
}

/// Why a request is refused.
#[derive(Debug)]
pub struct Problem {
    entry: &'static Entry,
    retry: Retry,
    action: CashierAction,
    cashier: &'static str,
    customer: &'static str,
    faults: Vec<Fault>,
    members: Map<String, Value>,
    headers: Vec<(HeaderName, HeaderValue)>,
}

impl Problem {
    /// A problem that the edge found.
    #[must_use]
    pub fn new(code: &str) -> Self {
        let entry = entry_of(code);
        let words = entry.words;
        Self {
            entry,
            retry: words.retry,
            action: words.action,
            cashier: words.cashier,
            customer: words.customer,
            faults: Vec::new(),
            members: Map::new(),
            headers: Vec::new(),
        }
    }

    /// Everything that is wrong with a request.
    #[must_use]
    pub fn faults(faults: Vec<Fault>) -> Self {
        let code = match faults.as_slice() {
            [Fault { code: "account-number-invalid", .. }] => "account-number-invalid",
            _ => "validation-failed",
        };
        Self { faults, ..Self::new(code) }
    }

    /// One thing that is wrong with a request.
    #[must_use]
    pub fn fault(pointer: &str, code: &'static str, es: impl Into<String>, en: impl Into<String>) -> Self {
        Self::faults(vec![Fault { pointer: pointer.to_owned(), code, es: es.into(), en: en.into() }])
    }

    /// With a further member.
    #[must_use]
    pub fn with(mut self, name: &str, value: impl serde::Serialize) -> Self {
        self.members.insert(name.to_owned(), serde_json::to_value(value).unwrap_or(Value::Null));
        self
    }

    /// As a refusal of cash that is in the drawer already: what should not be taken is given back.
    #[must_use]
    pub fn with_cash_in_the_drawer(mut self) -> Self {
        if self.action == CashierAction::NoRecibirDinero {
            self.action = CashierAction::DevolverDinero;
            self.cashier = "El pago no se registró.\nDevuelva el dinero.";
            self.customer = "Su pago no se pudo registrar.\nLe devolvemos su dinero.";
        }
        self
    }

    /// With a header.
    #[must_use]
    pub fn header(mut self, name: HeaderName, value: &str) -> Self {
        self.headers.extend(HeaderValue::from_str(value).ok().map(|value| (name, value)));
        self
    }

    /// To be tried again after so many seconds.
    #[must_use]
    pub fn retry_after(self, seconds: u64) -> Self {
        self.header(header::RETRY_AFTER, &seconds.to_string())
    }

    /// The code.
    #[must_use]
    pub const fn code(&self) -> &'static str {
        self.entry.code
    }

    /// The HTTP status.
    #[must_use]
    pub const fn status(&self) -> u16 {
        self.entry.status
    }

    /// The document, without what only the place of the request tells.
    #[must_use]
    pub fn document(&self, language: Language, public_url: &str, instance: &str) -> Value {
        let (title, detail) = if language == Language::English { self.entry.en } else { self.entry.es };
        let mut document = self.members.clone();
        let mut put = |name: &str, value: Value| document.insert(name.to_owned(), value);
        put("type", format!("{public_url}/problems/{}", self.entry.code).into());
        put("title", title.into());
        put("status", self.entry.status.into());
        put("detail", detail.into());
        put("instance", instance.into());
        put("code", self.entry.code.into());
        put("retry", self.retry.as_str().into());
        put("cashier_action", self.action.as_str().into());
        put("message", json!({ "cashier": self.cashier, "customer": self.customer }));
        if !self.faults.is_empty() {
            let faults = self.faults.iter().map(|fault| {
                let detail = if language == Language::English { &fault.en } else { &fault.es };
                json!({ "pointer": fault.pointer, "code": fault.code, "detail": detail })
            });
            put("errors", faults.collect());
        }
        Value::Object(document)
    }

    /// The answer.
    #[must_use]
    pub fn response(&self, language: Language, public_url: &str, instance: &str) -> HttpResponse {
        let mut response = HttpResponse::build(self.status_code());
        for (name, value) in &self.headers {
            response.insert_header((name.clone(), value.clone()));
        }
        let tag = if language == Language::English { "en" } else { "es-CO" };
        response
            .insert_header((header::CONTENT_TYPE, MEDIA_TYPE))
            .insert_header((header::CONTENT_LANGUAGE, tag))
            .insert_header((header::CACHE_CONTROL, "no-store"))
            .body(self.document(language, public_url, instance).to_string())
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.entry.code)
    }
}

impl ResponseError for Problem {
    fn status_code(&self) -> StatusCode {
        StatusCode::from_u16(self.entry.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR)
    }

    fn error_response(&self) -> HttpResponse {
        HttpResponse::new(self.status_code())
    }
}

impl From<Rejection> for Problem {
    fn from(rejection: Rejection) -> Self {
        Self::from(&rejection)
    }
}

impl From<&Rejection> for Problem {
    fn from(rejection: &Rejection) -> Self {
        let message = rejection.message();
        let problem = Self {
            retry: rejection.retry(),
            action: rejection.cashier_action(),
            cashier: message.cashier,
            customer: message.customer,
            ..Self::new(rejection.code())
        };
        with_figures(problem, rejection)
    }
}

/// Adds what the caller needs to do better: the figures of now, what is expected, what is in the way.
fn with_figures(problem: Problem, rejection: &Rejection) -> Problem {
    use Rejection as R;
    match rejection {
        R::AccountNotFound { account_number } => problem.with("account_number", account_number),
        R::PositionChanged { current } => problem.with("current", current),
        R::AmountNotInStep { step } => stepped(problem, *step),
        R::AgreementNotFound { agreement_id }
        | R::AgreementNotInForce { agreement_id }
        | R::InstallmentAlreadyPaid { agreement_id } => problem.with("agreement_id", agreement_id),
        R::AmountBelowMinimum { minimum } => problem.with("minimum", minimum),
        R::AmountExceedsDue { maximum } => problem.with("maximum", maximum),
        R::AmountMismatch { expected, current } => problem.with("expected", expected).with("current", current),
        R::PossibleDuplicate { payment_id, amount, recorded_at, same_partner, till } => {
            // The id is needed to confirm; whose payment it was is nobody else's business.
            let mut earlier = json!({
                "payment_id": payment_id.with_prefix("pay"), "amount": amount, "recorded_at": recorded_at,
                "same_partner": same_partner,
            });
            if let Some(till) = till {
                earlier["till"] = till.as_str().into();
            }
            problem.with("earlier", earlier)
        }
        R::CashLimitExceeded { limit } | R::OfflineLimitReached { limit } => problem.with("limit", limit),
        R::ExposureLimitReached { used, limit } => problem.with("exposure", json!({ "used": used, "limit": limit })),
        R::CollectedAtImplausible { oldest } => implausible(problem, *oldest),
        R::SessionRequired { till } => problem.with("till", till),
        R::SessionAlreadyOpen { session_id, cashier } => {
            problem.with("session_id", session_id.with_prefix("ses")).with("cashier", cashier)
        }
        R::SessionClosed { session_id } => problem.with("session_id", session_id.with_prefix("ses")),
        R::AlreadyReversed { reversal_id } => problem.with("reversal_id", reversal_id.with_prefix("rev")),
        R::ReversalWindowClosed { until } => problem.with("until", until),
        R::ReconnectionInTheWay { order_id } => problem.with("order_id", order_id.with_prefix("rec")),
        R::ReconnectionNotEligible { amount_to_reconnect, blocked_by } => {
            problem.with("amount_to_reconnect", amount_to_reconnect).with("blocked_by", blocked_by)
        }
        R::ReconnectionAlreadyOpen { order_id, due_by } => {
            problem.with("open_order", json!({ "id": order_id.with_prefix("rec"), "due_by": due_by }))
        }
        R::TransitionNotAllowed { from, to } => problem.with("from", from).with("to", to),
        R::DepositAlreadyDeclared { deposit_id } => problem.with("deposit_id", deposit_id.with_prefix("dep")),
        R::DepositExceeded { outstanding } => problem.with("maximum", outstanding),
        R::IdempotencyKeyReused
        | R::CollectionPointSuspended
        | R::CollectionPointMissing
        | R::NotFound
        | R::PaymentNotAccepted
        | R::NothingDue
        | R::BatchNotSealable => problem,
    }
}

fn stepped(problem: Problem, step: crate::domain::money::Money) -> Problem {
    let fault = Fault {
        pointer: "/amount".to_owned(),
        code: "step",
        es: format!("el valor es más que cero y múltiplo de {step}"),
        en: format!("an amount is more than nothing and a multiple of {step}"),
    };
    Problem { faults: vec![fault], ..problem.with("step", step) }
}

fn implausible(problem: Problem, oldest: crate::domain::calendar::Timestamp) -> Problem {
    let fault = Fault {
        pointer: "/collected_at".to_owned(),
        code: "time",
        es: format!("la hora está entre {oldest} y ahora"),
        en: format!("the time lies between {oldest} and now"),
    };
    Problem { faults: vec![fault], ..problem }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::money::Money;

    #[test]
    fn a_rejection_is_a_whole_problem_with_its_figures() {
        let problem = Problem::from(Rejection::AmountBelowMinimum { minimum: Money::from_pesos(1000) });
        let document = problem.document(Language::English, "https://pay.example", "/v1/payments");
        assert_eq!(document["type"], "https://pay.example/problems/amount-below-minimum");
        assert_eq!(document["status"], 409);
        assert_eq!(document["title"], "Amount below the minimum");
        assert_eq!(document["minimum"], "1000.00");
        assert_eq!(document["retry"], "never");
        assert_eq!(document["cashier_action"], "NO_RECIBIR_DINERO");
        assert_eq!(document["instance"], "/v1/payments");
    }

    #[test]
    fn every_code_of_a_rule_has_an_entry() {
        use super::super::problem_texts::find;
        for code in ["offline-limit-reached", "session-already-open", "batch-not-sealable", "position-changed"] {
            assert!(find(code).is_some(), "{code}");
        }
    }
}
