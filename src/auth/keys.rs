//! The gateway's own signing keys: a directory of Ed25519 keys, one PEM file (PKCS#8) each.
//!
//! A file's name says from when its key signs (`20261126T165812Z.pem`, or microseconds since 1970); a
//! file with any other name signs from the beginning. Whoever signs says *when*: a token says now, a
//! receipt says the instant of its fact, so the same fact is signed by the same key for ever and a
//! reprint has the same bytes. Every key verifies, those of the future too, so the public set can be
//! handed out before a key is used. What is signed is not known here; a private key never leaves.

use std::collections::BTreeMap;
use std::fs::{self, OpenOptions};
use std::io::Write as _;
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};

use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::signature::{ED25519, Ed25519KeyPair, KeyPair as _, UnparsedPublicKey};
use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use jsonwebtoken::{DecodingKey, EncodingKey};
use rustls_pki_types::PrivatePkcs8KeyDer;
use rustls_pki_types::pem::PemObject as _;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::domain::calendar::Timestamp;

/// Keys in a directory or in a public set, at most.
pub const MAX_KEYS: usize = 64;
/// Bytes of a compact JWS that is looked at, at most.
pub const MAX_JWS_BYTES: usize = 4096;
/// Bytes of a public set that is read, at most.
pub const MAX_JWKS_BYTES: usize = 65_536;

const ALGORITHM: &str = "EdDSA";
const PEM_LINE: usize = 64;

/// Why the keys cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum KeyError {
    /// A file or the directory cannot be read or written.
    #[error("{}: {source}", path.display())]
    File {
        /// Which.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// A file holds no Ed25519 key in PKCS#8 PEM.
    #[error("{}: not an Ed25519 key in PKCS#8 PEM", .0.display())]
    Content(PathBuf),
    /// The directory holds no key.
    #[error("{}: holds no key (*.pem)", .0.display())]
    Empty(PathBuf),
    /// The directory holds more keys than are published.
    #[error("{}: holds more than {MAX_KEYS} keys", .0.display())]
    TooMany(PathBuf),
    /// The library could not make a key.
    #[error("no key could be made")]
    Making,
}

/// Why a signed text is not believed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum JwsError {
    /// Not three parts of base64url with a JSON header of the expected kind.
    #[error("not a compact JWS of the expected kind")]
    Shape,
    /// The header names a key that the public set does not hold.
    #[error("signed by a key that is not in the public set")]
    UnknownKey,
    /// The signature is not of this text by this key.
    #[error("the signature does not fit the text")]
    Signature,
    /// The signature is good and the claims are not those of this kind.
    #[error("the signed claims are not of the expected form")]
    Claims,
    /// The public set cannot be read.
    #[error("not a set of Ed25519 public keys (RFC 7517)")]
    KeySet,
}

/// The private keys, oldest first.
#[derive(Debug)]
pub struct SigningKeys {
    keys: Vec<SigningKey>,
    public: PublicKeys,
}

#[derive(Debug)]
struct SigningKey {
    from: Timestamp,
    id: String,
    pair: Ed25519KeyPair,
}

/// The public keys, by key id: what anyone needs to verify.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PublicKeys(BTreeMap<String, [u8; 32]>);

impl SigningKeys {
    /// Reads the keys of a directory; makes the directory and a first key where there is none.
    ///
    /// # Errors
    /// Unreadable files, content that is no Ed25519 key, or too many keys.
    pub fn load_or_create(directory: &Path, now: Timestamp) -> Result<Self, KeyError> {
        match Self::load(directory) {
            Err(KeyError::Empty(_)) => {}
            Err(KeyError::File { source, .. }) if source.kind() == std::io::ErrorKind::NotFound => {}
            loaded => return loaded,
        }
        match Self::create(directory, now) {
            // Another gateway on the same directory was a moment faster; its key is as good.
            Err(KeyError::File { source, .. }) if source.kind() == std::io::ErrorKind::AlreadyExists => {}
            made => made.map(drop)?,
        }
        Self::load(directory)
    }

    /// Reads the keys of a directory.
    ///
    /// # Errors
    /// Unreadable files, content that is no Ed25519 key, no key at all, or too many.
    pub fn load(directory: &Path) -> Result<Self, KeyError> {
        let file_error = |source| KeyError::File { path: directory.to_owned(), source };
        let mut keys = Vec::new();
        for entry in fs::read_dir(directory).map_err(file_error)? {
            let path = entry.map_err(file_error)?.path();
            if path.extension().is_some_and(|extension| extension == "pem") {
                if keys.len() == MAX_KEYS {
                    return Err(KeyError::TooMany(directory.to_owned()));
                }
                keys.push(read(&path)?);
            }
        }
        if keys.is_empty() {
            return Err(KeyError::Empty(directory.to_owned()));
        }
        keys.sort_by(|a, b| (a.from, &a.id).cmp(&(b.from, &b.id)));
        let public = PublicKeys(keys.iter().map(|key| (key.id.clone(), public_bytes(&key.pair))).collect());
        Ok(Self { keys, public })
    }

    /// Adds a key to a directory that signs from an instant on (its whole second). To rotate, make the
    /// next key ahead of time, so that everybody knows it before it signs.
    ///
    /// # Errors
    /// The key cannot be made or written, or there is one of this very second.
    pub fn create(directory: &Path, from: Timestamp) -> Result<PathBuf, KeyError> {
        let error = |path: &Path| {
            let path = path.to_owned();
            move |source| KeyError::File { path, source }
        };
        fs::DirBuilder::new().recursive(true).mode(0o700).create(directory).map_err(error(directory))?;
        let document = Ed25519KeyPair::generate_pkcs8v1(&SystemRandom::new()).map_err(|_| KeyError::Making)?;
        let name = file_name(from);
        let path = directory.join(format!("{name}.pem"));
        // Written beside and linked into place: a key is seen whole or not at all, and never replaced.
        let beside = directory.join(format!("{name}.{}.new", std::process::id()));
        let written = OpenOptions::new()
            .write(true)
            .create_new(true)
            .mode(0o600)
            .open(&beside)
            .and_then(|mut file| {
                file.write_all(pem(document.as_ref()).as_bytes())?;
                file.sync_all()
            })
            .and_then(|()| fs::hard_link(&beside, &path));
        let removed = fs::remove_file(&beside);
        written.map_err(error(&path))?;
        removed.map_err(error(&beside))?;
        Ok(path)
    }

    /// Signs claims as a compact JWS of a kind (`typ`) with the key that signs at an instant. Ed25519 is
    /// deterministic: the same claims, kind and instant give the same bytes.
    ///
    /// # Errors
    /// The claims cannot be written as JSON.
    pub fn sign<T: Serialize>(&self, typ: &str, claims: &T, at: Timestamp) -> Result<String, serde_json::Error> {
        let key = self.key_at(at);
        let header = Header { alg: ALGORITHM.into(), kid: key.id.as_str().into(), typ: typ.into() };
        let mut jws = URL_SAFE_NO_PAD.encode(serde_json::to_vec(&header)?);
        jws.push('.');
        URL_SAFE_NO_PAD.encode_string(serde_json::to_vec(claims)?, &mut jws);
        let signature = key.pair.sign(jws.as_bytes());
        jws.push('.');
        URL_SAFE_NO_PAD.encode_string(signature.as_ref(), &mut jws);
        Ok(jws)
    }

    /// The key that signs at an instant, as the token library takes it, and its id.
    ///
    /// # Errors
    /// The library cannot write the key down.
    pub fn encoding_key_at(&self, at: Timestamp) -> Result<(&str, EncodingKey), KeyError> {
        let key = self.key_at(at);
        let document = key.pair.to_pkcs8v1().map_err(|_| KeyError::Making)?;
        Ok((&key.id, EncodingKey::from_ed_der(document.as_ref())))
    }

    /// Every key as the token library verifies with it, by id.
    #[must_use]
    pub fn decoding_keys(&self) -> std::collections::HashMap<String, DecodingKey> {
        self.public.0.iter().map(|(id, bytes)| (id.clone(), DecodingKey::from_ed_der(bytes))).collect()
    }

    /// The public side, every key.
    #[must_use]
    pub const fn public(&self) -> &PublicKeys {
        &self.public
    }

    /// The public side as a JSON Web Key Set (RFC 7517, RFC 8037).
    #[must_use]
    pub fn jwks(&self) -> serde_json::Value {
        self.public.jwks()
    }

    /// The id of the key that signs at an instant.
    #[must_use]
    pub fn key_id_at(&self, at: Timestamp) -> &str {
        &self.key_at(at).id
    }

    /// Whatever is older than the oldest key is signed by the oldest.
    fn key_at(&self, at: Timestamp) -> &SigningKey {
        let later = self.keys.partition_point(|key| key.from <= at);
        &self.keys[later.saturating_sub(1)]
    }
}

impl PublicKeys {
    /// Reads a JSON Web Key Set; keys that are not Ed25519 are passed over.
    ///
    /// # Errors
    /// Not a key set, too large, or without any Ed25519 key.
    pub fn from_jwks(json: &str) -> Result<Self, JwsError> {
        if json.len() > MAX_JWKS_BYTES {
            return Err(JwsError::KeySet);
        }
        let set: KeySet<'_> = serde_json::from_str(json).map_err(|_| JwsError::KeySet)?;
        let known = set.keys.iter().filter(|key| key.kty == "OKP" && key.crv == "Ed25519").take(MAX_KEYS);
        let keys: Option<BTreeMap<_, _>> = known
            .map(|key| {
                let bytes = URL_SAFE_NO_PAD.decode(key.x.as_bytes()).ok()?;
                Some((key.kid.to_string(), <[u8; 32]>::try_from(bytes).ok()?))
            })
            .collect();
        keys.filter(|keys| !keys.is_empty()).map(Self).ok_or(JwsError::KeySet)
    }

    /// As a JSON Web Key Set (RFC 7517, RFC 8037).
    #[must_use]
    pub fn jwks(&self) -> serde_json::Value {
        let key = |(kid, x): (&String, &[u8; 32])| {
            let x = URL_SAFE_NO_PAD.encode(x);
            serde_json::json!({ "kty": "OKP", "crv": "Ed25519", "x": x, "kid": kid, "alg": ALGORITHM, "use": "sig" })
        };
        serde_json::json!({ "keys": self.0.iter().map(key).collect::<Vec<_>>() })
    }

    /// Verifies a compact JWS of a kind (`typ`) and reads its claims. Lifetimes are claims like any
    /// other: whoever gave one checks it.
    ///
    /// # Errors
    /// Anything but a text that one of these keys signed as this kind, in its one canonical spelling.
    pub fn verify<T: DeserializeOwned>(&self, typ: &str, jws: &str) -> Result<T, JwsError> {
        if jws.len() > MAX_JWS_BYTES {
            return Err(JwsError::Shape);
        }
        let (signed, signature) = jws.rsplit_once('.').ok_or(JwsError::Shape)?;
        let (header, claims) = signed.split_once('.').ok_or(JwsError::Shape)?;
        // The decoder refuses padding, blanks and spare bits, so one text has one spelling.
        let decoded = |part: &str| URL_SAFE_NO_PAD.decode(part.as_bytes()).map_err(|_| JwsError::Shape);
        let (header, claims, signature) = (decoded(header)?, decoded(claims)?, decoded(signature)?);
        // Unknown header members are refused, `crit` among them.
        let header: Header<'_> = serde_json::from_slice(&header).map_err(|_| JwsError::Shape)?;
        if header.alg != ALGORITHM || header.typ != typ {
            return Err(JwsError::Shape);
        }
        let key = self.0.get(&*header.kid).ok_or(JwsError::UnknownKey)?;
        UnparsedPublicKey::new(&ED25519, key).verify(signed.as_bytes(), &signature).map_err(|_| JwsError::Signature)?;
        serde_json::from_slice(&claims).map_err(|_| JwsError::Claims)
    }
}

type Text<'a> = std::borrow::Cow<'a, str>;

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Header<'a> {
    #[serde(borrow)]
    alg: Text<'a>,
    #[serde(borrow)]
    kid: Text<'a>,
    #[serde(borrow)]
    typ: Text<'a>,
}

#[derive(Deserialize)]
struct KeySet<'a> {
    #[serde(borrow)]
    keys: Vec<PublicJwk<'a>>,
}

#[derive(Deserialize)]
struct PublicJwk<'a> {
    #[serde(borrow)]
    kty: Text<'a>,
    #[serde(borrow, default)]
    crv: Text<'a>,
    #[serde(borrow, default)]
    x: Text<'a>,
    #[serde(borrow, default)]
    kid: Text<'a>,
}

fn read(path: &Path) -> Result<SigningKey, KeyError> {
    let pem = fs::read(path).map_err(|source| KeyError::File { path: path.to_owned(), source })?;
    let content = || KeyError::Content(path.to_owned());
    let der = PrivatePkcs8KeyDer::from_pem_slice(&pem).map_err(|_| content())?;
    let pair = Ed25519KeyPair::from_pkcs8(der.secret_pkcs8_der()).map_err(|_| content())?;
    let from = path.file_stem().and_then(|stem| from_file_name(stem.to_str()?)).unwrap_or_default();
    Ok(SigningKey { from, id: key_id(&public_bytes(&pair)), pair })
}

fn public_bytes(pair: &Ed25519KeyPair) -> [u8; 32] {
    let mut bytes = [0; 32];
    bytes.copy_from_slice(pair.public_key().as_ref());
    bytes
}

/// The key's thumbprint (RFC 7638): anyone can compute it.
fn key_id(public: &[u8; 32]) -> String {
    let canonical = format!(r#"{{"crv":"Ed25519","kty":"OKP","x":"{}"}}"#, URL_SAFE_NO_PAD.encode(public));
    URL_SAFE_NO_PAD.encode(Sha256::digest(canonical.as_bytes()))
}

/// `20261126T165812Z`.
fn file_name(from: Timestamp) -> String {
    let text = from.to_string();
    let whole = text.split('.').next().unwrap_or(&text);
    format!("{}Z", whole.replace(['-', ':'], ""))
}

fn from_file_name(stem: &str) -> Option<Timestamp> {
    if stem.bytes().all(|byte| byte.is_ascii_digit()) {
        return stem.parse().ok().map(Timestamp::from_micros);
    }
    if stem.len() != 16 || !stem.is_ascii() {
        return None;
    }
    let (date, time) = stem.split_once('T')?;
    let text = format!(
        "{}-{}-{}T{}:{}:{}",
        date.get(..4)?,
        date.get(4..6)?,
        date.get(6..)?,
        time.get(..2)?,
        time.get(2..4)?,
        time.get(4..)?
    );
    Timestamp::parse(&text).ok()
}

fn pem(der: &[u8]) -> String {
    let body = STANDARD.encode(der);
    let lines = body.as_bytes().chunks(PEM_LINE).map(|line| String::from_utf8_lossy(line) + "\n");
    format!("-----BEGIN PRIVATE KEY-----\n{}-----END PRIVATE KEY-----\n", lines.collect::<String>())
}

#[cfg(test)]
#[path = "keys/tests.rs"]
mod tests;
