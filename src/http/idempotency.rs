//! The key that makes a repeated call recognisable.
//!
//! There is no store of answers: the key lives in the fact's own row, and an answer is rendered from
//! the fact. Two calls with one key that run at once both reach the writer, which does the first and
//! tells the second what became of it.

use actix_web::{FromRequest, HttpRequest, dev::Payload};
use std::future::{Ready, ready};

use super::problem::Problem;
use crate::domain::ids::IdempotencyKey;

/// The header.
pub const HEADER: &str = "Idempotency-Key";
/// Says that an answer was given before.
pub const REPLAYED: &str = "Idempotency-Replayed";
/// The longest key.
pub const MAX_CHARS: usize = 255;

/// The key of a call.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Key(pub IdempotencyKey);

impl FromRequest for Key {
    type Error = Problem;
    type Future = Ready<Result<Self, Problem>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        let mut values = request.headers().get_all(HEADER);
        ready(match (values.next(), values.next()) {
            (None, _) => Err(Problem::new("idempotency-key-missing")),
            (Some(value), None) => value.to_str().ok().and_then(parse).map(Self).ok_or_else(malformed),
            (Some(_), Some(_)) => Err(malformed()),
        })
    }
}

/// Reads a quoted structured-field string (RFC 8941) or a bare token.
#[must_use]
pub fn parse(text: &str) -> Option<IdempotencyKey> {
    let text = text.trim_matches([' ', '\t']);
    let key = match text.strip_prefix('"') {
        Some(rest) => unquoted(rest)?,
        None if text.contains('"') => return None,
        None => text.to_owned(),
    };
    plain(key)
}

/// A key as it is, without quotes: in a query or in a body.
#[must_use]
pub fn plain(key: String) -> Option<IdempotencyKey> {
    let visible = key.bytes().all(|byte| byte.is_ascii_graphic());
    ((1..=MAX_CHARS).contains(&key.len()) && visible).then(|| IdempotencyKey::new(key))
}

/// What stands before the closing quote; nothing may follow it.
fn unquoted(rest: &str) -> Option<String> {
    let (mut key, mut letters) = (String::new(), rest.chars());
    loop {
        match letters.next()? {
            '"' => return letters.as_str().is_empty().then_some(key),
            '\\' => key.push(letters.next().filter(|letter| matches!(letter, '"' | '\\'))?),
            letter => key.push(letter),
        }
    }
}

fn malformed() -> Problem {
    Problem::fault(
        HEADER,
        "idempotency-key",
        "la llave es una, de 1 a 255 caracteres ASCII visibles",
        "there is one key, of 1 to 255 visible ASCII characters",
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_read_quoted_or_bare() {
        for (text, key) in [
            (r#""a1""#, Some("a1")),
            ("a1", Some("a1")),
            (" a1\t", Some("a1")),
            (r#""a\"\\b""#, Some(r#"a"\b"#)),
            ("", None),
            (r#""""#, None),
            (r#""a"#, None),
            (r#""a"b"#, None),
            (r#"a"b"#, None),
            (r#""a b""#, None),
            (r#""a\b""#, None),
            ("ñ", None),
        ] {
            assert_eq!(parse(text).as_ref().map(IdempotencyKey::as_str), key, "{text}");
        }
        assert!(parse(&"k".repeat(255)).is_some() && parse(&"k".repeat(256)).is_none());
    }
}
