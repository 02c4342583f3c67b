//! Access tokens: short-lived, signed, and bound to the certificate they were given to (RFC 8705, 9068).
//!
//! The keys are those of `keys.rs`: the latest signs, all verify, so a key is changed by adding a file.
//! A signature costs 100 µs to verify, so verified tokens are remembered until they expire.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use jsonwebtoken::{Algorithm, DecodingKey, Header, Validation};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::keys::{KeyError, SigningKeys};
use super::policy::Scope;
use crate::domain::calendar::Timestamp;
use crate::domain::ids::Id;

/// Verified tokens remembered at once.
const MAX_REMEMBERED: usize = 8192;
/// The longest token that is looked at.
const MAX_TOKEN_BYTES: usize = 4096;

/// What a token says.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Claims {
    /// Who gave it.
    pub iss: String,
    /// The party.
    pub sub: String,
    /// For whom it is.
    pub aud: String,
    /// The party, as the OAuth client.
    pub client_id: String,
    /// What it permits: words separated by blanks.
    pub scope: String,
    /// The place, for a partner.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub collection_point: Option<String>,
    /// Seconds since the epoch.
    pub iat: i64,
    /// Seconds since the epoch.
    pub exp: i64,
    /// Its name.
    pub jti: String,
    /// The certificate it is bound to.
    pub cnf: Confirmation,
}

/// The certificate a token is bound to.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Confirmation {
    /// Its thumbprint.
    #[serde(rename = "x5t#S256")]
    pub thumbprint: String,
}

/// Why a token is not accepted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TokenError {
    /// Not a token of ours.
    #[error("the token is not one of this gateway")]
    Invalid,
    /// It was one.
    #[error("the token has expired")]
    Expired,
}

/// The keys, and what they verified lately.
pub struct Tokens {
    public_url: String,
    keys: Arc<SigningKeys>,
    verifying: HashMap<String, DecodingKey>,
    remembered: Mutex<HashMap<[u8; 32], Arc<Claims>>>,
}

impl Claims {
    /// Whether it carries a scope.
    #[must_use]
    pub fn permits(&self, scope: Scope) -> bool {
        self.scope.split(' ').any(|word| word == scope.as_str())
    }
}

impl Tokens {
    /// Tokens signed and verified with these keys.
    #[must_use]
    pub fn new(keys: Arc<SigningKeys>, public_url: &str) -> Self {
        let verifying = keys.decoding_keys();
        Self { public_url: public_url.to_owned(), keys, verifying, remembered: Mutex::new(HashMap::new()) }
    }

    /// Signs a token with the key of an instant.
    ///
    /// # Errors
    /// The key does not sign.
    pub fn sign(&self, claims: &Claims, now: Timestamp) -> Result<String, KeyError> {
        let (id, key) = self.keys.encoding_key_at(now)?;
        let mut header = Header::new(Algorithm::EdDSA);
        header.typ = Some("at+jwt".to_owned());
        header.kid = Some(id.to_owned());
        jsonwebtoken::encode(&header, claims, &key).map_err(|_| KeyError::Making)
    }

    /// The claims of a new token.
    #[must_use]
    pub fn claims(&self, grant: Grant<'_>, now: Timestamp, id: Id) -> Claims {
        let iat = now.micros().div_euclid(1_000_000);
        Claims {
            iss: self.public_url.clone(),
            sub: grant.party.to_owned(),
            aud: self.public_url.clone(),
            client_id: grant.party.to_owned(),
            scope: grant.scopes.iter().map(|scope| scope.as_str()).collect::<Vec<_>>().join(" "),
            collection_point: grant.collection_point.map(str::to_owned),
            iat,
            exp: iat + i64::from(grant.minutes) * 60,
            jti: id.with_prefix("tok"),
            cnf: Confirmation { thumbprint: grant.thumbprint.to_owned() },
        }
    }

    /// Verifies a token: ours, whole, for us, of the right type, and not expired.
    ///
    /// # Errors
    /// It is not, or it has expired.
    pub fn verify(&self, token: &str, now: Timestamp) -> Result<Arc<Claims>, TokenError> {
        if token.len() > MAX_TOKEN_BYTES {
            return Err(TokenError::Invalid);
        }
        let hash: [u8; 32] = Sha256::digest(token.as_bytes()).into();
        let known = self.remembered.lock().unwrap_or_else(PoisonError::into_inner).get(&hash).cloned();
        let is_known = known.is_some();
        let claims = match known {
            Some(claims) => claims,
            None => Arc::new(self.verify_signature(token)?),
        };
        let seconds = now.micros().div_euclid(1_000_000);
        if claims.exp <= seconds {
            return Err(TokenError::Expired);
        }
        if !is_known {
            self.remember(hash, &claims, seconds);
        }
        Ok(claims)
    }

    fn verify_signature(&self, token: &str) -> Result<Claims, TokenError> {
        let header = jsonwebtoken::decode_header(token).map_err(|_| TokenError::Invalid)?;
        let typed = header.typ.is_some_and(|typ| typ.eq_ignore_ascii_case("at+jwt"));
        let key = header.kid.and_then(|kid| self.verifying.get(&kid)).filter(|_| typed).ok_or(TokenError::Invalid)?;
        // The algorithm is the key's, whatever the header says; the time is the caller's, below.
        let mut validation = Validation::new(Algorithm::EdDSA);
        validation.set_audience(&[&self.public_url]);
        validation.set_issuer(&[&self.public_url]);
        validation.set_required_spec_claims(&["exp", "aud", "iss", "sub"]);
        validation.validate_exp = false;
        let data = jsonwebtoken::decode::<Claims>(token, key, &validation).map_err(|_| TokenError::Invalid)?;
        Ok(data.claims)
    }

    fn remember(&self, hash: [u8; 32], claims: &Arc<Claims>, seconds: i64) {
        let mut remembered = self.remembered.lock().unwrap_or_else(PoisonError::into_inner);
        if remembered.len() >= MAX_REMEMBERED && !remembered.contains_key(&hash) {
            remembered.retain(|_, claims| claims.exp > seconds);
            if remembered.len() >= MAX_REMEMBERED {
                remembered.clear();
            }
        }
        remembered.insert(hash, Arc::clone(claims));
    }
}

/// What a token is given for.
#[derive(Clone, Copy, Debug)]
pub struct Grant<'a> {
    /// To whom.
    pub party: &'a str,
    /// What for.
    pub scopes: &'a [Scope],
    /// Where.
    pub collection_point: Option<&'a str>,
    /// To which certificate.
    pub thumbprint: &'a str,
    /// For how long.
    pub minutes: u32,
}

#[cfg(test)]
mod tests {
    use base64::Engine as _;
    use base64::engine::general_purpose::URL_SAFE_NO_PAD;

    use super::*;

    const URL: &str = "https://pay.example";
    const NOW: Timestamp = Timestamp::from_micros(1_764_000_000_000_000);

    fn tokens(folder: &std::path::Path, url: &str) -> Tokens {
        Tokens::new(Arc::new(SigningKeys::load_or_create(folder, NOW).unwrap()), url)
    }

    fn claims(tokens: &Tokens) -> Claims {
        let scopes = [Scope::AccountsRead, Scope::PaymentsWrite];
        let grant = Grant { party: "a", scopes: &scopes, collection_point: Some("a-01"), thumbprint: "t", minutes: 10 };
        tokens.claims(grant, NOW, Id::from_bits(7))
    }

    #[test]
    fn a_token_is_ours_until_it_expires_and_an_older_key_still_verifies() {
        let folder = tempfile::tempdir().unwrap();
        let tokens = tokens(folder.path(), URL);
        let claims = claims(&tokens);
        let token = tokens.sign(&claims, NOW).unwrap();
        assert_eq!(*tokens.verify(&token, NOW).unwrap(), claims);
        assert!(claims.permits(Scope::PaymentsWrite) && !claims.permits(Scope::Admin));
        assert_eq!(tokens.verify(&token, NOW.plus_minutes(10)), Err(TokenError::Expired));
        SigningKeys::create(folder.path(), NOW.plus_minutes(1)).unwrap();
        let renewed = self::tokens(folder.path(), URL);
        assert_eq!(*renewed.verify(&token, NOW).unwrap(), claims);
        assert_eq!(renewed.keys.jwks()["keys"].as_array().map(Vec::len), Some(2));
        let elsewhere = self::tokens(folder.path(), "https://other.example");
        assert_eq!(elsewhere.verify(&token, NOW), Err(TokenError::Invalid));
    }

    #[test]
    fn forged_tokens_are_refused() {
        let folder = tempfile::tempdir().unwrap();
        let tokens = tokens(folder.path(), URL);
        let token = tokens.sign(&claims(&tokens), NOW).unwrap();
        let parts: Vec<&str> = token.split('.').collect();
        let kid = tokens.keys.key_id_at(NOW);
        let header = |text: String| URL_SAFE_NO_PAD.encode(text);
        let unsigned = header(format!(r#"{{"alg":"none","typ":"at+jwt","kid":"{kid}"}}"#));
        let symmetric = header(format!(r#"{{"alg":"HS256","typ":"at+jwt","kid":"{kid}"}}"#));
        let untyped = header(format!(r#"{{"alg":"EdDSA","typ":"JWT","kid":"{kid}"}}"#));
        let richer = URL_SAFE_NO_PAD.encode(
            String::from_utf8(URL_SAFE_NO_PAD.decode(parts[1]).unwrap()).unwrap().replace("accounts:read", "admin"),
        );
        for forged in [
            String::new(),
            "a.b".to_owned(),
            format!("{unsigned}.{}.", parts[1]),
            format!("{unsigned}.{}.{}", parts[1], parts[2]),
            format!("{symmetric}.{}.{}", parts[1], parts[2]),
            format!("{untyped}.{}.{}", parts[1], parts[2]),
            format!("{}.{richer}.{}", parts[0], parts[2]),
            format!("{}.{}.{}", parts[0], parts[1], "A".repeat(86)),
        ] {
            assert_eq!(tokens.verify(&forged, NOW), Err(TokenError::Invalid), "{forged}");
        }
    }
}
