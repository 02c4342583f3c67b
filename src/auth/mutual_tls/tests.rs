//! Handshakes in memory: what the server takes, what it refuses, and what a reload changes.

use std::io::{Read, Write};
use std::{fs, io};

use rustls::{ClientConnection, HandshakeKind, ProtocolVersion, ServerConnection, SupportedCipherSuite};
use tempfile::TempDir;

use super::*;
use crate::certificates::{DevelopmentAuthority, Identity, Validity};

/// Valid whenever the tests run: TLS asks the real clock.
fn validity() -> Validity {
    Validity { now: Timestamp::parse("2024-01-01T00:00:00Z").unwrap(), days: 36_500 }
}

struct House {
    directory: TempDir,
    authority: DevelopmentAuthority,
    files: TlsFiles,
}

fn house(with_lists: bool) -> House {
    let directory = tempfile::tempdir().unwrap();
    let authority = DevelopmentAuthority::open(directory.path(), validity()).unwrap();
    let server = authority.server(&[], validity()).unwrap();
    let revocation = if with_lists {
        Revocation::Lists(authority.revocation_list(&[], validity()).unwrap())
    } else {
        Revocation::NotChecked
    };
    let files = TlsFiles {
        certificate: server.certificate,
        key: server.key,
        client_authorities: authority.certificate(),
        revocation,
    };
    House { directory, authority, files }
}

impl House {
    fn client(&self, identity: &Identity) -> Arc<ClientConfig> {
        let read = |file: &Path| fs::read(file).unwrap();
        let authorities = read(&self.authority.certificate());
        Arc::new(client_config(&authorities, &read(&identity.certificate), &read(&identity.key)).unwrap())
    }

    fn party(&self, name: &str) -> Identity {
        self.authority.party(name, validity()).unwrap()
    }
}

/// Shakes hands and passes one byte each way, so that a refusal reaches the client.
fn connect(server: ServerConfig, client: Arc<ClientConfig>) -> Result<(ServerConnection, ClientConnection), String> {
    let mut server = ServerConnection::new(Arc::new(server)).unwrap();
    let mut client = ClientConnection::new(client, "localhost".try_into().unwrap()).unwrap();
    client.writer().write_all(b"a").unwrap();
    for _ in 0..10 {
        pass(|wire| client.write_tls(wire), |wire| server.read_tls(wire));
        server.process_new_packets().map_err(|error| format!("server: {error}"))?;
        pass(|wire| server.write_tls(wire), |wire| client.read_tls(wire));
        client.process_new_packets().map_err(|error| format!("client: {error}"))?;
    }
    let mut heard = [0];
    server.reader().read_exact(&mut heard).map_err(|error| error.to_string())?;
    Ok((server, client))
}

fn pass(
    mut write: impl FnMut(&mut Vec<u8>) -> io::Result<usize>,
    mut read: impl FnMut(&mut &[u8]) -> io::Result<usize>,
) {
    let mut wire = Vec::new();
    while write(&mut wire).unwrap() > 0 {}
    let mut rest = wire.as_slice();
    while !rest.is_empty() && read(&mut rest).unwrap() > 0 {}
}

#[test]
fn a_client_of_the_authority_is_let_in_and_shows_its_certificate() {
    let house = house(true);
    let party = house.party("coompecens");
    let tls = MutualTls::open(house.files.clone()).unwrap();
    let (server, client) = connect(tls.server_config(), house.client(&party)).unwrap();
    assert_eq!(server.protocol_version(), Some(ProtocolVersion::TLSv1_3));
    assert_eq!(server.alpn_protocol(), Some(b"http/1.1".as_slice()));
    assert_eq!(server.peer_certificates().unwrap()[0], party.der);
    let own = certificate::not_after(&client.peer_certificates().unwrap()[0]).unwrap();
    assert_eq!(own, tls.server_not_after());
    assert_eq!(own, validity().now.plus_minutes(36_500 * 24 * 60));
}

#[test]
fn one_without_certificate_or_of_another_authority_is_refused() {
    let (house, elsewhere) = (house(false), house(false));
    let tls = MutualTls::open(house.files.clone()).unwrap();
    let trust = roots(&fs::read(house.authority.certificate()).unwrap(), Path::new("ca")).unwrap();
    let bare = ClientConfig::builder_with_provider(provider())
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(trust)
        .with_no_client_auth();
    let refused = connect(tls.server_config(), Arc::new(bare)).unwrap_err();
    assert!(refused.contains("sent no certificates"), "{refused}");

    let stranger = elsewhere.party("coompecens");
    let refused = connect(tls.server_config(), house.client(&stranger)).unwrap_err();
    assert!(refused.contains("invalid peer certificate"), "{refused}");
}

#[test]
fn a_server_certificate_does_not_serve_as_a_client() {
    let house = house(false);
    let tls = MutualTls::open(house.files.clone()).unwrap();
    let server = house.authority.server(&[], validity()).unwrap();
    assert!(connect(tls.server_config(), house.client(&server)).is_err());
}

#[test]
fn a_second_connection_of_the_same_client_is_a_full_handshake_in_both_versions() {
    let house = house(false);
    let tls = MutualTls::open(house.files.clone()).unwrap();
    for (version, named) in [(&TLS13, ProtocolVersion::TLSv1_3), (&TLS12, ProtocolVersion::TLSv1_2)] {
        let server = tls.server_config();
        let full = house.client(&house.party("jj-pita"));
        let mut client = ClientConfig::builder_with_provider(provider())
            .with_protocol_versions(&[version])
            .unwrap()
            .with_root_certificates(roots(&fs::read(house.authority.certificate()).unwrap(), Path::new("ca")).unwrap())
            .with_client_cert_resolver(full.client_auth_cert_resolver.clone());
        client.alpn_protocols = full.alpn_protocols.clone();
        let client = Arc::new(client);
        for _ in 0..2 {
            let (server, _) = connect(server.clone(), client.clone()).unwrap();
            assert_eq!(server.protocol_version(), Some(named));
            assert_eq!(server.handshake_kind(), Some(HandshakeKind::Full));
        }
    }
}

#[test]
fn a_reload_shuts_out_the_revoked_and_only_them_even_one_that_was_connected() {
    let house = house(true);
    let (kept, lost) = (house.party("kept"), house.party("lost"));
    let tls = MutualTls::open(house.files.clone()).unwrap();
    let config = tls.server_config();
    let client = house.client(&lost);
    connect(config.clone(), client.clone()).unwrap();

    house.authority.revocation_list(&[&lost.der], validity()).unwrap();
    connect(config.clone(), client.clone()).expect("a list counts from the reload on");
    tls.reload().unwrap();
    let refused = connect(config.clone(), client).unwrap_err();
    assert!(refused.contains("Revoked"), "{refused}");
    connect(config, house.client(&kept)).unwrap();
}

#[test]
fn a_reload_serves_the_new_certificate_and_a_broken_one_changes_nothing() {
    let house = house(false);
    let party = house.client(&house.party("operator"));
    let tls = MutualTls::open(house.files.clone()).unwrap();
    let config = tls.server_config();
    let shown = || {
        let (_, client) = connect(config.clone(), party.clone()).unwrap();
        client.peer_certificates().unwrap()[0].clone().into_owned()
    };
    let old = shown();
    let new = house.authority.server(&["pagos.example".to_owned()], validity()).unwrap().der;
    assert_eq!(shown(), old);
    tls.reload().unwrap();
    assert_eq!(shown(), new);
    assert_ne!(old, new);

    fs::copy(house.party("operator").key, &house.files.key).unwrap();
    let error = tls.reload().unwrap_err();
    assert_eq!(error.file, house.files.key);
    assert!(error.reason.contains("server.crt"), "{error}");
    assert_eq!(shown(), new);
}

#[test]
fn every_error_names_its_file_and_the_reason() {
    let house = house(true);
    let good = &house.files;
    let empty = house.directory.path().join("empty.pem");
    fs::write(&empty, "").unwrap();
    let missing = house.directory.path().join("missing.pem");
    let cases = [
        (TlsFiles { certificate: missing.clone(), ..good.clone() }, "missing.pem: No such file"),
        (TlsFiles { certificate: empty.clone(), ..good.clone() }, "empty.pem: holds no certificate"),
        (TlsFiles { key: empty.clone(), ..good.clone() }, "empty.pem: holds no private key"),
        (TlsFiles { client_authorities: empty.clone(), ..good.clone() }, "empty.pem: holds no certificate"),
        (TlsFiles { revocation: Revocation::Lists(empty), ..good.clone() }, "empty.pem: holds no revocation list"),
        (TlsFiles { revocation: Revocation::Lists(missing), ..good.clone() }, "missing.pem: No such file"),
    ];
    for (files, expected) in cases {
        let error = MutualTls::open(files).unwrap_err().to_string();
        assert!(error.contains(expected), "{error} should say {expected}");
    }
    let error = client_config(b"", b"", b"").unwrap_err().to_string();
    assert_eq!(error, "certificate: holds no certificate in PEM form");
}

#[test]
fn tls_1_2_has_only_suites_with_ecdhe_and_aead() {
    let mut old = 0;
    for suite in &provider().cipher_suites {
        let SupportedCipherSuite::Tls12(suite) = suite else { continue };
        let name = format!("{:?}", suite.common.suite);
        assert!(name.contains("_ECDHE_") && (name.contains("_GCM_") || name.contains("CHACHA20")), "{name}");
        old += 1;
    }
    assert!(old > 0);
}
