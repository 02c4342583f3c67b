//! Attempts over TLS: whom we trust, and whom the receiver trusts.

use std::sync::Arc;
use std::time::Duration;

use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair};
use rustls::pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer};
use rustls::server::WebPkiClientVerifier;
use rustls::{RootCertStore, ServerConfig};
use secrecy::SecretString;
use tokio::io::AsyncWriteExt;
use tokio::net::TcpListener;
use tokio::task::JoinHandle;
use tokio_rustls::TlsAcceptor;

use super::sender::*;
use super::sender_tests::{deliver, read_request, settings};

const PATIENT: Duration = Duration::from_secs(60);

struct Authority(CertifiedIssuer<'static, KeyPair>);

impl Authority {
    fn new() -> Self {
        let mut params = CertificateParams::new(vec![]).unwrap();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        Self(CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap())
    }

    fn pem(&self) -> String {
        self.0.as_ref().pem()
    }

    fn issue(&self, name: &str) -> (rcgen::Certificate, KeyPair) {
        let key = KeyPair::generate().unwrap();
        let params = CertificateParams::new(vec![name.to_owned()]).unwrap();
        (params.signed_by(&key, &self.0).unwrap(), key)
    }

    fn identity(&self) -> SecretString {
        let (certificate, key) = self.issue("recaudo");
        SecretString::from(format!("{}{}", certificate.pem(), key.serialize_pem()))
    }

    /// A receiver for one connection that asks for a certificate of this authority; the handle tells
    /// whether a request came through.
    async fn serve(&self, name: &str) -> (String, JoinHandle<bool>) {
        let mut clients = RootCertStore::empty();
        clients.add(self.0.as_ref().der().clone()).unwrap();
        let verifier = WebPkiClientVerifier::builder(Arc::new(clients)).build().unwrap();
        let (certificate, key) = self.issue(name);
        let key = PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(key.serialize_der()));
        let config = ServerConfig::builder()
            .with_client_cert_verifier(verifier)
            .with_single_cert(vec![certificate.der().clone()], key)
            .unwrap();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("https://{}/avisos", listener.local_addr().unwrap());
        let handle = tokio::spawn(async move {
            let (stream, _) = listener.accept().await.unwrap();
            let Ok(mut stream) = TlsAcceptor::from(Arc::new(config)).accept(stream).await else {
                return false;
            };
            let request = read_request(&mut stream).await;
            let _ = stream.write_all(b"HTTP/1.1 204 No Content\r\n\r\n").await;
            let _ = stream.shutdown().await;
            request.starts_with("POST /avisos ")
        });
        (url, handle)
    }
}

async fn attempt(receiver: &Authority, name: &str, roots: String, identity: Option<SecretString>) -> (Attempt, bool) {
    let settings = SenderSettings { extra_roots_pem: roots, identity_pem: identity, ..settings(PATIENT) };
    let sender = Sender::new(settings).unwrap();
    let (url, handle) = receiver.serve(name).await;
    let attempt = deliver(&sender, &url).await;
    (attempt, handle.await.unwrap())
}

#[tokio::test]
async fn both_sides_know_each_other_by_certificate() {
    let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
    let (ours, other) = (Authority::new(), Authority::new());
    let both = format!("{}{}", other.pem(), ours.pem());

    let (known, arrived) = attempt(&ours, "127.0.0.1", both.clone(), Some(ours.identity())).await;
    assert_eq!((known.status, known.error, arrived), (Some(204), None, true));

    for (case, name, roots, identity) in [
        ("an authority we do not know", "127.0.0.1", other.pem(), Some(ours.identity())),
        ("the certificate of another host", "127.0.0.2", both.clone(), Some(ours.identity())),
        ("no identity of ours", "127.0.0.1", both.clone(), None),
        ("an identity the receiver does not know", "127.0.0.1", both, Some(other.identity())),
    ] {
        let (refused, arrived) = attempt(&ours, name, roots, identity).await;
        assert_eq!((refused.status, arrived), (None, false), "{case}: {refused:?}");
        assert!(refused.error.is_some(), "{case}");
    }
}
