//! Access tokens: short-lived, signed, and bound to the certificate they were given to (RFC 8705, 9068).
//!
//! The keys are files in one directory; the newest signs, all verify, so a key is changed by adding a
//! file. A signature costs 100 µs to verify, so verified tokens are remembered until they expire.

use std::collections::HashMap;
use std::fs;
use std::io::Write;
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};

use aws_lc_rs::signature::{Ed25519KeyPair, KeyPair};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jsonwebtoken::{Algorithm, DecodingKey, EncodingKey, Header, Validation};
use rustls_pki_types::PrivatePkcs8KeyDer;
use rustls_pki_types::pem::PemObject;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use super::policy::Scope;
use crate::domain::calendar::Timestamp;
use crate::domain::ids::Id;

/// Verified tokens remembered at once.
const MAX_REMEMBERED: usize = 8192;
/// Key files read at start.
const MAX_KEYS: usize = 32;
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

/// What is wrong with the keys.
#[derive(Debug, thiserror::Error)]
pub enum KeysError {
    /// A file or the directory.
    #[error("token keys in {0}: {1}")]
    File(String, std::io::Error),
    /// A file that is no Ed25519 key.
    #[error("token key {0} is not an Ed25519 key in PKCS#8 PEM form")]
    NotAKey(String),
    /// A key could not be made or used.
    #[error("token key: {0}")]
    Key(String),
}

/// The keys, and what they verified lately.
pub struct Tokens {
    public_url: String,
    signing: (String, EncodingKey),
    verifying: HashMap<String, DecodingKey>,
    jwks: Value,
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
    /// Reads the keys of a directory; makes one when there is none.
    ///
    /// # Errors
    /// The directory or a key cannot be read, made or used.
    pub fn open(directory: &Path, public_url: &str, now: Timestamp) -> Result<Self, KeysError> {
        let broken = |error| KeysError::File(directory.display().to_string(), error);
        fs::create_dir_all(directory).map_err(broken)?;
        let mut files = key_files(directory).map_err(broken)?;
        if files.is_empty() {
            make_key(directory, now)?;
            files = key_files(directory).map_err(broken)?;
        }
        let mut keys = Vec::new();
        for file in files.iter().rev().take(MAX_KEYS) {
            keys.push(read_key(file)?);
        }
        let jwks = json!({ "keys": keys.iter().map(|key| &key.public).collect::<Vec<_>>() });
        let verifying = keys.iter().map(|key| (key.kid.clone(), key.verifying.clone())).collect();
        let newest = keys.into_iter().next().ok_or_else(|| KeysError::NotAKey(directory.display().to_string()))?;
        Ok(Self {
            public_url: public_url.to_owned(),
            signing: (newest.kid, newest.signing),
            verifying,
            jwks,
            remembered: Mutex::new(HashMap::new()),
        })
    }

    /// The public keys (RFC 7517).
    #[must_use]
    pub const fn jwks(&self) -> &Value {
        &self.jwks
    }

    /// Signs a token.
    ///
    /// # Errors
    /// The key does not sign.
    pub fn sign(&self, claims: &Claims) -> Result<String, KeysError> {
        let mut header = Header::new(Algorithm::EdDSA);
        header.typ = Some("at+jwt".to_owned());
        header.kid = Some(self.signing.0.clone());
        jsonwebtoken::encode(&header, claims, &self.signing.1).map_err(|error| KeysError::Key(error.to_string()))
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
        let claims = match known {
            Some(claims) => claims,
            None => Arc::new(self.verify_signature(token)?),
        };
        let seconds = now.micros().div_euclid(1_000_000);
        if claims.exp <= seconds {
            return Err(TokenError::Expired);
        }
        self.remember(hash, &claims, seconds);
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

struct Key {
    kid: String,
    signing: EncodingKey,
    verifying: DecodingKey,
    public: Value,
}

/// The key files, the newest last.
fn key_files(directory: &Path) -> std::io::Result<Vec<std::path::PathBuf>> {
    let mut files = Vec::new();
    for entry in fs::read_dir(directory)? {
        let entry = entry?;
        if entry.path().extension().is_some_and(|extension| extension == "pem") {
            files.push((entry.metadata()?.modified()?, entry.path()));
        }
    }
    files.sort();
    Ok(files.into_iter().map(|(_, path)| path).collect())
}

fn read_key(file: &Path) -> Result<Key, KeysError> {
    let not_a_key = || KeysError::NotAKey(file.display().to_string());
    let der = PrivatePkcs8KeyDer::from_pem_file(file).map_err(|_| not_a_key())?;
    let pair = Ed25519KeyPair::from_pkcs8(der.secret_pkcs8_der()).map_err(|_| not_a_key())?;
    let x = URL_SAFE_NO_PAD.encode(pair.public_key().as_ref());
    // RFC 7638: the required members in lexicographic order.
    let kid = URL_SAFE_NO_PAD.encode(Sha256::digest(format!(r#"{{"crv":"Ed25519","kty":"OKP","x":"{x}"}}"#)));
    Ok(Key {
        public: json!({ "kty": "OKP", "crv": "Ed25519", "x": x, "kid": kid, "use": "sig", "alg": "EdDSA" }),
        kid,
        signing: EncodingKey::from_ed_der(der.secret_pkcs8_der()),
        verifying: DecodingKey::from_ed_der(pair.public_key().as_ref()),
    })
}

fn make_key(directory: &Path, now: Timestamp) -> Result<(), KeysError> {
    use std::os::unix::fs::OpenOptionsExt;

    let key = rcgen::KeyPair::generate_for(&rcgen::PKCS_ED25519).map_err(|error| KeysError::Key(error.to_string()))?;
    let path = directory.join(format!("{}.pem", now.micros()));
    let broken = |error| KeysError::File(path.display().to_string(), error);
    let mut file = fs::OpenOptions::new().write(true).create_new(true).mode(0o600).open(&path).map_err(broken)?;
    file.write_all(key.serialize_pem().as_bytes()).and_then(|()| file.sync_all()).map_err(broken)
}

#[cfg(test)]
mod tests {
    use super::*;

    const URL: &str = "https://pay.example";
    const NOW: Timestamp = Timestamp::from_micros(1_764_000_000_000_000);

    fn claims(tokens: &Tokens) -> Claims {
        let scopes = [Scope::AccountsRead, Scope::PaymentsWrite];
        let grant = Grant { party: "a", scopes: &scopes, collection_point: Some("a-01"), thumbprint: "t", minutes: 10 };
        tokens.claims(grant, NOW, Id::from_bits(7))
    }

    #[test]
    fn a_token_is_ours_until_it_expires_and_an_older_key_still_verifies() {
        let folder = tempfile::tempdir().unwrap();
        let tokens = Tokens::open(folder.path(), URL, NOW).unwrap();
        let claims = claims(&tokens);
        let token = tokens.sign(&claims).unwrap();
        assert_eq!(*tokens.verify(&token, NOW).unwrap(), claims);
        assert!(claims.permits(Scope::PaymentsWrite) && !claims.permits(Scope::Admin));
        assert_eq!(tokens.verify(&token, NOW.plus_minutes(10)), Err(TokenError::Expired));
        make_key(folder.path(), NOW.plus_minutes(1)).unwrap();
        let renewed = Tokens::open(folder.path(), URL, NOW).unwrap();
        assert_eq!(*renewed.verify(&token, NOW).unwrap(), claims);
        assert_eq!(renewed.jwks()["keys"].as_array().map(Vec::len), Some(2));
        let elsewhere = Tokens::open(folder.path(), "https://other.example", NOW).unwrap();
        assert_eq!(elsewhere.verify(&token, NOW), Err(TokenError::Invalid));
    }

    #[test]
    fn forged_tokens_are_refused() {
        let folder = tempfile::tempdir().unwrap();
        let tokens = Tokens::open(folder.path(), URL, NOW).unwrap();
        let token = tokens.sign(&claims(&tokens)).unwrap();
        let parts: Vec<&str> = token.split('.').collect();
        let kid = &tokens.signing.0;
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
