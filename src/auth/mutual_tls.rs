//! The partner listener's TLS: 1.3 and 1.2, a client certificate required, no resumption.
//!
//! Certificates are renewed without a restart: `reload` reads the files again, and the handshakes after
//! it use what was read. A reload that fails changes nothing. Whether a certificate is *registered* is
//! asked on every request elsewhere: a kept-alive connection outlives any revocation list.

use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::sync::{Arc, PoisonError, RwLock};

use rustls::client::danger::HandshakeSignatureValid;
use rustls::crypto::{CryptoProvider, aws_lc_rs};
use rustls::server::danger::{ClientCertVerified, ClientCertVerifier};
use rustls::server::{ClientHello, NoServerSessionStorage, ResolvesServerCert, WebPkiClientVerifier};
use rustls::sign::CertifiedKey;
use rustls::version::{TLS12, TLS13};
use rustls::{ClientConfig, DigitallySignedStruct, DistinguishedName, RootCertStore, ServerConfig, SignatureScheme};
use rustls_pki_types::pem::{self, PemObject};
use rustls_pki_types::{CertificateDer, CertificateRevocationListDer, PrivateKeyDer, UnixTime};

use crate::auth::certificate;
use crate::domain::calendar::Timestamp;

/// The most that is read of a certificate, key or revocation list.
pub const MAX_PEM_BYTES: u64 = 16 * 1024 * 1024;

/// The only application protocol that is offered.
const HTTP_1_1: &[u8] = b"http/1.1";

/// Where the listener's certificates lie.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TlsFiles {
    /// The server's chain, its own certificate first (PEM).
    pub certificate: PathBuf,
    /// The server's private key (PEM).
    pub key: PathBuf,
    /// The authorities whose client certificates are accepted (PEM, one or more).
    pub client_authorities: PathBuf,
    /// The revocation lists.
    pub revocation: Revocation,
}

/// Whether revocation lists are consulted. Explicit, because to TLS an empty list means "check nothing".
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Revocation {
    /// None are: the register of certificates alone decides.
    NotChecked,
    /// The lists of this file (PEM, at least one). Each authority needs its own: a certificate whose state
    /// no list tells is refused. A list past its next update goes on being used.
    Lists(PathBuf),
}

/// What is wrong with a file of the TLS configuration.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{}: {reason}", file.display())]
pub struct TlsError {
    /// The file.
    pub file: PathBuf,
    /// What is wrong with it.
    pub reason: String,
}

/// The TLS side of the partner listener; keep it to reload certificates.
#[derive(Clone, Debug)]
pub struct MutualTls {
    files: TlsFiles,
    current: Arc<Current>,
}

impl MutualTls {
    /// Reads and checks the files.
    ///
    /// # Errors
    /// A file that cannot be read or used.
    pub fn open(files: TlsFiles) -> Result<Self, TlsError> {
        let loaded = Loaded::read(&files)?;
        Ok(Self { files, current: Arc::new(Current(RwLock::new(Arc::new(loaded)))) })
    }

    /// The configuration for a listener. Every configuration made here follows `reload`.
    #[must_use]
    pub fn server_config(&self) -> ServerConfig {
        let mut config = ServerConfig::builder_with_provider(provider())
            .with_protocol_versions(&[&TLS13, &TLS12])
            .expect("the provider has suites for both versions, a test builds this")
            .with_client_cert_verifier(self.current.clone())
            .with_cert_resolver(self.current.clone());
        // A resumed session never asks the verifier again: a revoked client would still be let in.
        config.session_storage = Arc::new(NoServerSessionStorage {});
        config.send_tls13_tickets = 0;
        config.alpn_protocols = vec![HTTP_1_1.to_vec()];
        config
    }

    /// Reads the files again; the handshakes from now on use them.
    ///
    /// # Errors
    /// A file that cannot be read or used. What was in force stays in force.
    pub fn reload(&self) -> Result<(), TlsError> {
        let loaded = Arc::new(Loaded::read(&self.files)?);
        *self.current.0.write().unwrap_or_else(PoisonError::into_inner) = loaded;
        Ok(())
    }

    /// Until when the server's own certificate is valid.
    #[must_use]
    pub fn server_not_after(&self) -> Timestamp {
        self.current.get().not_after
    }
}

/// A client's side: trusts `authorities`, shows `certificate` (with its chain) and speaks HTTP/1.1. All PEM.
///
/// # Errors
/// A text that cannot be used. `file` of the error names the parameter.
pub fn client_config(authorities: &[u8], certificate: &[u8], key: &[u8]) -> Result<ClientConfig, TlsError> {
    let chain = certificates(certificate, Path::new("certificate"))?;
    let key = PrivateKeyDer::from_pem_slice(key).map_err(|error| unreadable(Path::new("key"), "private key", error))?;
    let mut config = ClientConfig::builder_with_provider(provider())
        .with_protocol_versions(&[&TLS13, &TLS12])
        .expect("the provider has suites for both versions, a test builds this")
        .with_root_certificates(roots(authorities, Path::new("authorities"))?)
        .with_client_auth_cert(chain, key)
        .map_err(|error| wrong(Path::new("key"), error))?;
    config.alpn_protocols = vec![HTTP_1_1.to_vec()];
    Ok(config)
}

/// The cryptography of every connection. For TLS 1.2 it has ECDHE with AEAD only.
#[must_use]
pub fn provider() -> Arc<CryptoProvider> {
    Arc::new(aws_lc_rs::default_provider())
}

/// What was read last.
#[derive(Debug)]
struct Current(RwLock<Arc<Loaded>>);

#[derive(Debug)]
struct Loaded {
    server: Arc<CertifiedKey>,
    not_after: Timestamp,
    clients: Arc<dyn ClientCertVerifier>,
}

impl Loaded {
    fn read(files: &TlsFiles) -> Result<Self, TlsError> {
        let provider = provider();
        let chain = certificates(&read(&files.certificate)?, &files.certificate)?;
        let not_after = chain.first().map_or_else(|| Ok(Timestamp::default()), |own| certificate::not_after(own));
        let not_after = not_after.map_err(|error| wrong(&files.certificate, error))?;
        let key = PrivateKeyDer::from_pem_slice(&read(&files.key)?)
            .map_err(|error| unreadable(&files.key, "private key", error))?;
        let server = CertifiedKey::from_der(chain, key, &provider)
            .map_err(|error| wrong(&files.key, format!("does not fit {}: {error}", files.certificate.display())))?;

        let roots = roots(&read(&files.client_authorities)?, &files.client_authorities)?;
        let (lists, blamed) = match &files.revocation {
            Revocation::NotChecked => (Vec::new(), &files.client_authorities),
            Revocation::Lists(file) => (revocation_lists(file)?, file),
        };
        let clients = WebPkiClientVerifier::builder_with_provider(Arc::new(roots), provider)
            .with_crls(lists)
            .build()
            .map_err(|error| wrong(blamed, error))?;
        Ok(Self { server: Arc::new(server), not_after, clients })
    }
}

impl Current {
    fn get(&self) -> Arc<Loaded> {
        self.0.read().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

impl ResolvesServerCert for Current {
    fn resolve(&self, _hello: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        Some(self.get().server.clone())
    }
}

impl ClientCertVerifier for Current {
    fn root_hint_subjects(&self) -> &[DistinguishedName] {
        // No hint: a client then shows the certificate that it has, and a reloaded authority needs no restart.
        &[]
    }

    fn verify_client_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        now: UnixTime,
    ) -> Result<ClientCertVerified, rustls::Error> {
        self.get().clients.verify_client_cert(end_entity, intermediates, now)
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        self.get().clients.verify_tls12_signature(message, certificate, signature)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        self.get().clients.verify_tls13_signature(message, certificate, signature)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.get().clients.supported_verify_schemes()
    }
}

fn certificates(pem: &[u8], file: &Path) -> Result<Vec<CertificateDer<'static>>, TlsError> {
    let found: Vec<_> = CertificateDer::pem_slice_iter(pem)
        .collect::<Result<_, _>>()
        .map_err(|error| unreadable(file, "certificate", error))?;
    if found.is_empty() { Err(unreadable(file, "certificate", pem::Error::NoItemsFound)) } else { Ok(found) }
}

fn roots(pem: &[u8], file: &Path) -> Result<RootCertStore, TlsError> {
    let mut roots = RootCertStore::empty();
    for authority in certificates(pem, file)? {
        roots.add(authority).map_err(|error| wrong(file, error))?;
    }
    Ok(roots)
}

fn revocation_lists(file: &Path) -> Result<Vec<CertificateRevocationListDer<'static>>, TlsError> {
    let lists: Vec<_> = CertificateRevocationListDer::pem_slice_iter(&read(file)?)
        .collect::<Result<_, _>>()
        .map_err(|error| unreadable(file, "revocation list", error))?;
    if lists.is_empty() { Err(unreadable(file, "revocation list", pem::Error::NoItemsFound)) } else { Ok(lists) }
}

fn read(file: &Path) -> Result<Vec<u8>, TlsError> {
    let mut bytes = Vec::new();
    let opened = File::open(file).map_err(|error| wrong(file, error))?;
    opened.take(MAX_PEM_BYTES + 1).read_to_end(&mut bytes).map_err(|error| wrong(file, error))?;
    if bytes.len() as u64 > MAX_PEM_BYTES {
        return Err(wrong(file, format!("larger than {MAX_PEM_BYTES} bytes")));
    }
    Ok(bytes)
}

fn unreadable(file: &Path, what: &str, error: pem::Error) -> TlsError {
    match error {
        pem::Error::NoItemsFound => wrong(file, format!("holds no {what} in PEM form")),
        error => wrong(file, error),
    }
}

fn wrong(file: &Path, reason: impl ToString) -> TlsError {
    TlsError { file: file.to_owned(), reason: reason.to_string() }
}

#[cfg(test)]
mod tests;
