//! Proof of origin, as Standard Webhooks writes it: three headers, HMAC-SHA256 over all that matters.
//!
//! What is signed is `id.timestamp.body`, so neither the amount in the body nor the age of the
//! message can be changed on the way. The instant is handed in; nothing here asks for it.

use std::fmt;

use aws_lc_rs::hmac;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use secrecy::{ExposeSecret, SecretBox, SecretString};

use crate::domain::calendar::Timestamp;

/// The header with the identity of the message, the same at every attempt.
pub const HEADER_ID: &str = "webhook-id";
/// The header with the instant of the attempt, in whole seconds since the epoch.
pub const HEADER_TIMESTAMP: &str = "webhook-timestamp";
/// The header with one `v1,` signature for each secret in force, separated by a space.
pub const HEADER_SIGNATURE: &str = "webhook-signature";
/// The fewest bytes a key may have.
pub const MIN_KEY_BYTES: usize = 24;
/// The most bytes a key may have.
pub const MAX_KEY_BYTES: usize = 64;

const SECRET_PREFIX: &str = "whsec_";

/// The key that one endpoint shares with us. It shows itself only through [`Secret::reveal`].
pub struct Secret(SecretBox<[u8]>);

/// A text or key that is no secret. It never repeats what it was given.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SecretError {
    /// Not `whsec_` and base64.
    #[error("a secret is whsec_ and the base64 of its key")]
    Shape,
    /// Fewer than 24 bytes, or more than 64.
    #[error("the key of a secret has 24 to 64 bytes")]
    Length,
}

/// The secrets in force for one endpoint: one, or two while the first replaces the second.
#[derive(Debug)]
pub struct SigningSecrets {
    /// The secret that stays.
    pub current: Secret,
    /// The secret that receivers may still hold during a rotation.
    pub retiring: Option<Secret>,
}

/// The values of the three headers of one attempt.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SignedHeaders {
    /// For [`HEADER_ID`].
    pub id: String,
    /// For [`HEADER_TIMESTAMP`].
    pub timestamp: String,
    /// For [`HEADER_SIGNATURE`].
    pub signature: String,
}

impl Secret {
    /// From a key drawn by whoever may draw one.
    ///
    /// # Errors
    /// Fewer than 24 bytes, or more than 64.
    pub fn from_key(key: &[u8]) -> Result<Self, SecretError> {
        if !(MIN_KEY_BYTES..=MAX_KEY_BYTES).contains(&key.len()) {
            return Err(SecretError::Length);
        }
        Ok(Self(SecretBox::new(Box::from(key))))
    }

    /// Reads `whsec_…`.
    ///
    /// # Errors
    /// Another shape, or a key of another length.
    pub fn parse(text: &str) -> Result<Self, SecretError> {
        let encoded = text.strip_prefix(SECRET_PREFIX).ok_or(SecretError::Shape)?;
        Self::from_key(&STANDARD.decode(encoded).map_err(|_| SecretError::Shape)?)
    }

    /// The outward form, `whsec_…`: shown once to the owner of the endpoint, and kept by the store.
    #[must_use]
    pub fn reveal(&self) -> SecretString {
        SecretString::from(format!("{SECRET_PREFIX}{}", STANDARD.encode(self.0.expose_secret())))
    }

    fn sign(&self, message: &[u8]) -> String {
        let key = hmac::Key::new(hmac::HMAC_SHA256, self.0.expose_secret());
        format!("v1,{}", STANDARD.encode(hmac::sign(&key, message)))
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(whsec_…)")
    }
}

impl SigningSecrets {
    /// Signs one attempt, made at `at`, to deliver `body` as the message `id` (which has no dot in it).
    #[must_use]
    pub fn sign(&self, id: &str, at: Timestamp, body: &str) -> SignedHeaders {
        let timestamp = at.micros().div_euclid(1_000_000).to_string();
        let message = format!("{id}.{timestamp}.{body}");
        let mut signature = self.current.sign(message.as_bytes());
        if let Some(retiring) = &self.retiring {
            signature.push(' ');
            signature.push_str(&retiring.sign(message.as_bytes()));
        }
        SignedHeaders { id: id.to_owned(), timestamp, signature }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// Made with the public Python and JavaScript libraries from the values in the test below.
    const VECTOR_SECRET: &str = "whsec_cmVjb25leGlvbi1kZS1wcnVlYmEtMjAyNi0xMS0yNA==";
    const VECTOR_OLD_SECRET: &str = "whsec_c2VjcmV0by1hbnRlcmlvci1xdWUtc2UtcmV0aXJhLTAx";
    const VECTOR_BODY: &str = r#"{"type":"reconnection.requested","timestamp":"2026-11-24T14:30:00.000000Z","data":{"account_number":"000123456","municipality":"Cúcuta"},"seq":42}"#;

    #[test]
    fn the_known_vector_comes_out() {
        let mut secrets = SigningSecrets {
            current: Secret::parse(VECTOR_SECRET).unwrap(),
            retiring: Some(Secret::parse(VECTOR_OLD_SECRET).unwrap()),
        };
        let at = Timestamp::parse("2026-11-24T14:30:00.999999Z").unwrap();
        let both = secrets.sign("evt_01k0000000000000000000000a", at, VECTOR_BODY);
        assert_eq!(both.id, "evt_01k0000000000000000000000a");
        assert_eq!(both.timestamp, "1795530600");
        assert_eq!(
            both.signature,
            "v1,CFTNcduM9HCNruuc93MuE5MuLQitbU3Y3TgBaUJmUNA= v1,J1fni7ByesANG7H2l0Ef5uBcvSmwJqVX05nJvdC+hXA="
        );
        secrets.retiring = None;
        let one = secrets.sign("evt_01k0000000000000000000000a", at, VECTOR_BODY);
        assert_eq!(one.signature, "v1,CFTNcduM9HCNruuc93MuE5MuLQitbU3Y3TgBaUJmUNA=");
    }

    #[test]
    fn a_secret_is_read_printed_and_never_shown_by_accident() {
        let secret = Secret::parse(VECTOR_SECRET).unwrap();
        assert_eq!(secret.reveal().expose_secret(), VECTOR_SECRET);
        let shown = format!("{:?}", SigningSecrets { current: secret, retiring: None });
        assert!(!shown.contains("cmVj") && !shown.contains("reconexion"), "{shown}");
        assert!(!shown.contains("114"), "no bytes either: {shown}");
    }

    #[test]
    fn what_is_not_a_secret_is_refused() {
        let of_length = |length| format!("whsec_{}", STANDARD.encode(vec![7u8; length]));
        let cases = [
            (String::new(), SecretError::Shape),
            (VECTOR_SECRET.replace("whsec_", ""), SecretError::Shape),
            (VECTOR_SECRET.replace("whsec_", "whsk_"), SecretError::Shape),
            (VECTOR_SECRET.replace('=', ""), SecretError::Shape),
            (VECTOR_SECRET.replace("cmVj", "cm j"), SecretError::Shape),
            (of_length(23), SecretError::Length),
            (of_length(65), SecretError::Length),
            ("whsec_".to_owned(), SecretError::Length),
        ];
        for (text, error) in cases {
            assert_eq!(Secret::parse(&text).err(), Some(error), "{text}");
        }
        assert!(Secret::parse(&of_length(24)).is_ok() && Secret::parse(&of_length(64)).is_ok());
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]
        #[test]
        fn the_public_library_makes_the_same_signatures(
            key in proptest::collection::vec(any::<u8>(), MIN_KEY_BYTES..=MAX_KEY_BYTES),
            old in proptest::collection::vec(any::<u8>(), MIN_KEY_BYTES..=MAX_KEY_BYTES),
            seconds in 0i64..4_000_000_000,
            micros in 0i64..1_000_000,
            body in ".{0,200}",
        ) {
            let secrets = SigningSecrets {
                current: Secret::from_key(&key).unwrap(),
                retiring: Some(Secret::from_key(&old).unwrap()),
            };
            let at = Timestamp::from_micros(seconds * 1_000_000 + micros);
            let signed = secrets.sign("evt_1", at, &body);
            let of = |key: &[u8]| {
                let public = standardwebhooks::Webhook::from_bytes(key.to_vec()).unwrap();
                public.sign("evt_1", seconds, body.as_bytes()).unwrap()
            };
            prop_assert_eq!(signed.signature, format!("{} {}", of(&key), of(&old)));
            prop_assert_eq!(signed.timestamp, seconds.to_string());
        }
    }
}
