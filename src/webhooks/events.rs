//! What is told: the names of the events and the body that carries one.
//!
//! Pure text. Whoever appends a fact writes the `data`; no personal data beyond the account number
//! enters it.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::domain::calendar::Timestamp;

/// The most bytes the body of an event may have.
pub const MAX_BODY_BYTES: usize = 20_000;
/// The prefix of an event's id, which is its `webhook-id`.
pub const ID_PREFIX: &str = "evt";

/// The `type` of the body that asks a new endpoint to prove that it is its owner's.
pub const CHALLENGE_TYPE: &str = "endpoint.challenge";

macro_rules! event_types {
    ($($(#[$doc:meta])* $variant:ident = $name:literal,)*) => {
        /// What happened.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum EventType {
            $($(#[$doc])* $variant,)*
        }

        impl EventType {
            /// Every one, in the order of the contract.
            pub const ALL: &'static [Self] = &[$(Self::$variant,)*];

            /// The name, as the contract and the store have it.
            #[must_use]
            pub const fn as_str(self) -> &'static str {
                match self {
                    $(Self::$variant => $name,)*
                }
            }
        }
    };
}

event_types! {
    /// A payment was taken.
    PaymentPosted = "payment.posted",
    /// A payment was taken back.
    PaymentReversed = "payment.reversed",
    /// The supply of an account has to be restored.
    ReconnectionRequested = "reconnection.requested",
    /// An order to restore the supply no longer stands.
    ReconnectionCancelled = "reconnection.cancelled",
    /// A crew has the order.
    ReconnectionDispatched = "reconnection.dispatched",
    /// The supply is back.
    ReconnectionCompleted = "reconnection.completed",
    /// The supply could not be restored.
    ReconnectionFailed = "reconnection.failed",
    /// The hour by which the supply had to be back has passed.
    ReconnectionOverdue = "reconnection.overdue",
    /// A cut that is still pending must not happen: its cause was paid.
    SuspensionCancelRequested = "suspension.cancel_requested",
    /// A cashier's drawer was counted and closed.
    CashSessionClosed = "cash_session.closed",
    /// A deposit was found in the bank.
    DepositVerified = "deposit.verified",
    /// A business date's payments were sealed.
    CollectionBatchSealed = "collection_batch.sealed",
    /// A reconciliation came to its end.
    ReconciliationCompleted = "reconciliation.completed",
    /// Two sides of a reconciliation do not agree.
    BreakOpened = "break.opened",
    /// A client certificate ends soon.
    CertificateExpiring = "certificate.expiring",
}

/// Why a body could not be made.
#[derive(Debug, thiserror::Error)]
pub enum EventError {
    /// The data is no JSON (a map with keys that are not text, for example).
    #[error("the data of an event cannot be written as JSON: {0}")]
    Data(#[from] serde_json::Error),
    /// More than [`MAX_BODY_BYTES`].
    #[error("the body of an event has {0} bytes, at most {MAX_BODY_BYTES} are allowed")]
    TooLarge(usize),
}

impl EventType {
    /// The event of this name, if there is one.
    #[must_use]
    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|event| event.as_str() == name)
    }

    /// The body that carries one event: `{type, timestamp, data, seq}`, where `seq` numbers the events
    /// of one endpoint without a gap.
    ///
    /// # Errors
    /// Data that JSON cannot hold, or too much of it.
    pub fn body<T: Serialize>(self, at: Timestamp, data: &T, seq: i64) -> Result<String, EventError> {
        let body = serde_json::to_string(&Body { kind: self.as_str(), timestamp: at, data, seq: Some(seq) })?;
        if body.len() > MAX_BODY_BYTES {
            return Err(EventError::TooLarge(body.len()));
        }
        Ok(body)
    }
}

impl fmt::Display for EventType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// The body that asks the endpoint to answer 200 with `{"challenge": token}`.
///
/// # Errors
/// A token that makes the body too large.
pub fn challenge_body(at: Timestamp, token: &str) -> Result<String, EventError> {
    let data = Challenge { challenge: token.into() };
    let body = serde_json::to_string(&Body { kind: CHALLENGE_TYPE, timestamp: at, data: &data, seq: None })?;
    if body.len() > MAX_BODY_BYTES {
        return Err(EventError::TooLarge(body.len()));
    }
    Ok(body)
}

/// Whether this answer to a challenge holds the token. An empty token is never held.
#[must_use]
pub fn challenge_is_met(token: &str, answer: &str) -> bool {
    !token.is_empty() && serde_json::from_str::<Challenge>(answer).is_ok_and(|given| given.challenge == token)
}

#[derive(Serialize)]
struct Body<'a, T> {
    #[serde(rename = "type")]
    kind: &'a str,
    timestamp: Timestamp,
    data: &'a T,
    #[serde(skip_serializing_if = "Option::is_none")]
    seq: Option<i64>,
}

#[derive(Serialize, Deserialize)]
struct Challenge<'a> {
    challenge: std::borrow::Cow<'a, str>,
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    const AT: Timestamp = Timestamp::from_micros(1_795_530_600_000_000);

    #[test]
    fn names_are_the_contract_s_and_read_what_they_print() {
        let names: Vec<_> = EventType::ALL.iter().map(|event| event.as_str()).collect();
        assert_eq!(names.len(), 15);
        assert_eq!((names[0], names[14]), ("payment.posted", "certificate.expiring"));
        for event in EventType::ALL {
            assert_eq!(EventType::parse(event.as_str()), Some(*event));
        }
        assert_eq!(EventType::parse("Payment.Posted"), None);
        assert_eq!(EventType::parse(CHALLENGE_TYPE), None, "nobody can subscribe to the challenge");
    }

    #[test]
    fn a_body_has_four_members_in_their_order() {
        let body = EventType::PaymentPosted.body(AT, &json!({"amount": "85400.00"}), 7).unwrap();
        assert_eq!(
            body,
            r#"{"type":"payment.posted","timestamp":"2026-11-24T14:30:00.000000Z","data":{"amount":"85400.00"},"seq":7}"#
        );
        let stored = serde_json::value::RawValue::from_string(r#"{"amount":"85400.00"}"#.to_owned()).unwrap();
        assert_eq!(EventType::PaymentPosted.body(AT, &stored, 7).unwrap(), body, "stored data goes in as it stands");
    }

    #[test]
    fn a_body_of_the_greatest_size_passes_and_one_more_byte_does_not() {
        let around = EventType::BreakOpened.body(AT, &"", 1).unwrap().len();
        let full = "x".repeat(MAX_BODY_BYTES - around);
        assert_eq!(EventType::BreakOpened.body(AT, &full, 1).unwrap().len(), MAX_BODY_BYTES);
        let over = EventType::BreakOpened.body(AT, &format!("{full}x"), 1);
        assert!(matches!(over, Err(EventError::TooLarge(20_001))), "{over:?}");
    }

    #[test]
    fn a_challenge_is_met_by_its_token_alone() {
        let body = challenge_body(AT, "k9").unwrap();
        assert_eq!(
            body,
            r#"{"type":"endpoint.challenge","timestamp":"2026-11-24T14:30:00.000000Z","data":{"challenge":"k9"}}"#
        );
        assert!(challenge_is_met("k9", r#" {"challenge": "k9", "also": 1} "#));
        assert!(challenge_is_met("k9", r#"{"challenge": "k\u0039"}"#));
        for answer in ["", "k9", "\"k9\"", r#"{"challenge":"k8"}"#, r#"{"challenge":""}"#, &body] {
            assert!(!challenge_is_met("k9", answer), "{answer}");
        }
        assert!(!challenge_is_met("", r#"{"challenge":""}"#));
    }
}
