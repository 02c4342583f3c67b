//! The signed form of a receipt: a compact JWS (RFC 7515) that anyone verifies with the public keys
//! alone, off line, and short enough for a QR code on 58 mm paper.
//!
//! It is signed with the key of the instant at which the payment (or its reversal) was recorded, so a
//! reprint has the same bytes after any change of keys. It proves what was recorded then; that a
//! payment was not taken back since, only the gateway can say.

use serde::{Deserialize, Serialize};

use crate::auth::keys::{JwsError, MAX_JWS_BYTES, PublicKeys, SigningKeys};
use crate::domain::calendar::Timestamp;
use crate::domain::money::Money;
use crate::domain::receipt_number;

use super::RenderError;
use super::ticket::{self, Source, TicketError};
use super::wording::{clean, fold};

/// The kind of JWS (`typ`): nothing else that the keys sign passes for a receipt.
pub const TYPE: &str = "receipt+jws";

/// Characters of the issuer's short name, at most.
const MAX_ISSUER_CHARS: usize = 16;
const SECOND: i64 = 1_000_000;

/// What a signed receipt says. The names are one letter long because paper is narrow.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ReceiptClaims {
    /// The issuer's short name.
    #[serde(rename = "i")]
    pub issuer: String,
    /// The receipt number.
    #[serde(rename = "n")]
    pub receipt_number: String,
    /// The account number.
    #[serde(rename = "a")]
    pub account_number: String,
    /// The money taken.
    #[serde(rename = "v")]
    pub amount: Money,
    /// When it was taken, in whole seconds since 1970-01-01T00:00:00Z.
    #[serde(rename = "t")]
    pub paid_at: i64,
    /// The code to read aloud, without its hyphen.
    #[serde(rename = "c")]
    pub code: String,
    /// When it was taken back, in the same seconds, if it had been when this was made.
    #[serde(rename = "x", default, skip_serializing_if = "Option::is_none")]
    pub reversed_at: Option<i64>,
}

/// Why a receipt is not believed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum VerifyError {
    /// It is not a receipt that one of the keys signed.
    #[error("not a genuine receipt: {0}")]
    Jws(#[from] JwsError),
    /// It is signed, but its number or code is not one of ours.
    #[error("not a genuine receipt: its number or its code is malformed")]
    Content,
}

impl ReceiptClaims {
    /// The code as it is printed, `XXXX-XXXX`.
    #[must_use]
    pub fn printed_code(&self) -> String {
        self.code.get(..4).zip(self.code.get(4..)).map_or_else(|| self.code.clone(), |(a, b)| format!("{a}-{b}"))
    }

    /// When the money was taken.
    #[must_use]
    pub const fn paid_at(&self) -> Timestamp {
        Timestamp::from_micros(self.paid_at.saturating_mul(SECOND))
    }

    /// When it was taken back, if it had been when this was made.
    #[must_use]
    pub fn reversed_at(&self) -> Option<Timestamp> {
        self.reversed_at.map(|seconds| Timestamp::from_micros(seconds.saturating_mul(SECOND)))
    }
}

/// What the signed form of a payment says.
///
/// # Errors
/// The fact is not a payment, or the other one does not take it back.
pub fn claims(source: &Source<'_>) -> Result<ReceiptClaims, TicketError> {
    let ticket = ticket::ticket(source)?;
    let payment = source.fact.payment().ok_or(TicketError::NotAPayment)?;
    let account = source.fact.account.as_ref().ok_or(TicketError::NotAPayment)?;
    Ok(ReceiptClaims {
        issuer: short_name(&ticket.utility),
        receipt_number: ticket.receipt_number,
        account_number: account.of.as_str().to_owned(),
        amount: source.fact.amount,
        paid_at: seconds(ticket::paid_at(source.fact, payment)),
        code: ticket.code.replace('-', ""),
        reversed_at: source.reversal.map(|reversal| seconds(reversal.recorded_at)),
    })
}

/// The signed form of a payment; the number of a copy does not change it.
///
/// # Errors
/// There is no receipt for the fact.
pub fn sign(source: &Source<'_>, keys: &SigningKeys) -> Result<String, RenderError> {
    let recorded_at = source.reversal.unwrap_or(source.fact).recorded_at;
    Ok(keys.sign(TYPE, &claims(source)?, recorded_at)?)
}

/// Verifies a signed receipt, off line.
///
/// # Errors
/// Anything but a receipt that one of these keys signed.
pub fn verify(jws: &str, keys: &PublicKeys) -> Result<ReceiptClaims, VerifyError> {
    let claims: ReceiptClaims = keys.verify(TYPE, jws)?;
    let code = claims.code.len() == 8 && claims.code.bytes().all(|byte| byte.is_ascii_alphanumeric());
    if !code || !receipt_number::holds(&claims.receipt_number) {
        return Err(VerifyError::Content);
    }
    Ok(claims)
}

/// Verifies what somebody pasted or a scanner read, against a JSON Web Key Set as published. Blanks and
/// line breaks, which scanners and mail programs put in, are passed over.
///
/// # Errors
/// Anything but a receipt that one of these keys signed, or an unreadable key set.
pub fn verify_text(input: &str, jwks_json: &str) -> Result<ReceiptClaims, VerifyError> {
    let keys = PublicKeys::from_jwks(jwks_json)?;
    let jws: String = input.chars().filter(|letter| !letter.is_whitespace()).take(MAX_JWS_BYTES + 1).collect();
    verify(&jws, &keys)
}

fn seconds(at: Timestamp) -> i64 {
    at.micros().div_euclid(SECOND)
}

/// The first word of the utility's name.
fn short_name(name: &str) -> String {
    let folded = fold(&clean(name));
    folded.split_ascii_whitespace().next().unwrap_or_default().chars().take(MAX_ISSUER_CHARS).collect()
}
