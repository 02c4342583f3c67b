//! The development authority: files, modes, and what a second call does.

use std::os::unix::fs::PermissionsExt;
use std::process::Command;

use super::*;
use crate::auth::certificate::CertificateFacts;

const DAY_MINUTES: i64 = 24 * 60;

fn start() -> Validity {
    Validity { now: Timestamp::parse("2026-11-24T09:30:00-05:00").unwrap(), days: 30 }
}

fn later(days: i64) -> Validity {
    Validity { now: start().now.plus_minutes(days * DAY_MINUTES), ..start() }
}

fn facts(file: &Path) -> CertificateFacts {
    CertificateFacts::from_pem(&fs::read(file).unwrap()).unwrap()
}

fn mode(file: &Path) -> u32 {
    fs::metadata(file).unwrap().permissions().mode() & 0o777
}

#[test]
fn a_second_call_goes_on_with_what_is_there() {
    let dir = tempfile::tempdir().unwrap();
    let first = DevelopmentAuthority::open(dir.path(), start()).unwrap();
    let (server, party) = (first.server(&[], start()).unwrap(), first.party("coompecens", start()).unwrap());
    let p12 = fs::read(dir.path().join("coompecens.p12")).unwrap();

    let second = DevelopmentAuthority::open(dir.path(), later(29)).unwrap();
    assert_eq!(second.server(&[], later(29)).unwrap(), server);
    assert_eq!(second.party("coompecens", later(29)).unwrap(), party);
    assert_eq!(fs::read(dir.path().join("coompecens.p12")).unwrap(), p12);
    assert_eq!(facts(&party.certificate).common_name, "coompecens");
    assert_eq!(facts(&party.certificate).not_after, Timestamp::parse("2026-12-24T09:30:00-05:00").unwrap());
}

#[test]
fn what_has_expired_is_made_anew_and_so_is_what_an_expired_authority_issued() {
    let dir = tempfile::tempdir().unwrap();
    let long = Validity { days: 300, ..start() };
    let authority = DevelopmentAuthority::open(dir.path(), long).unwrap();
    let short = authority.party("jj-pita", start()).unwrap();
    let lasting = authority.party("billing", Validity { days: 2000, ..start() }).unwrap();
    let p12 = fs::read(dir.path().join("jj-pita.p12")).unwrap();

    let renewed = authority.party("jj-pita", later(30)).unwrap();
    assert_ne!(renewed.der, short.der);
    assert_ne!(fs::read(dir.path().join("jj-pita.p12")).unwrap(), p12, "the old key may not stay in the .p12");
    assert_eq!(authority.party("billing", later(30)).unwrap().der, lasting.der);

    let next = DevelopmentAuthority::open(dir.path(), later(300)).unwrap();
    assert_ne!(next.party("billing", later(300)).unwrap().der, lasting.der);
}

#[test]
fn a_certificate_without_its_own_key_is_made_anew() {
    let dir = tempfile::tempdir().unwrap();
    let authority = DevelopmentAuthority::open(dir.path(), start()).unwrap();
    let (one, other) = (authority.party("one", start()).unwrap(), authority.party("other", start()).unwrap());
    fs::copy(&other.key, &one.key).unwrap();
    assert_ne!(authority.party("one", start()).unwrap().der, one.der);
}

#[test]
fn a_server_gets_a_new_certificate_when_a_name_is_missing() {
    let dir = tempfile::tempdir().unwrap();
    let authority = DevelopmentAuthority::open(dir.path(), start()).unwrap();
    let names = ["pagos.example".to_owned(), "192.0.2.7".to_owned()];
    let plain = authority.server(&[], start()).unwrap();
    let named = authority.server(&names, start()).unwrap();
    assert_ne!(plain.der, named.der);
    assert_eq!(authority.server(&names[1..], start()).unwrap().der, named.der);

    let text = openssl(&["x509", "-noout", "-ext", "subjectAltName,extendedKeyUsage", "-in"], &named.certificate);
    if let Some(text) = text {
        for part in ["DNS:localhost", "DNS:pagos.example", "IP Address:127.0.0.1", "IP Address:192.0.2.7"] {
            assert!(text.contains(part), "{part} is missing in {text}");
        }
        assert!(text.contains("IP Address:0:0:0:0:0:0:0:1") && text.contains("TLS Web Server Authentication"));
    }
}

#[test]
fn keys_are_for_their_owner_only_and_nothing_half_written_stays() {
    let dir = tempfile::tempdir().unwrap();
    let authority = DevelopmentAuthority::open(&dir.path().join("certs"), start()).unwrap();
    authority.server(&[], start()).unwrap();
    let party = authority.party("operator", start()).unwrap();
    authority.revocation_list(&[&party.der], start()).unwrap();
    let mut files: Vec<(String, u32)> = fs::read_dir(authority.directory())
        .unwrap()
        .map(|entry| entry.unwrap())
        .map(|entry| (entry.file_name().into_string().unwrap(), mode(&entry.path())))
        .collect();
    files.sort();
    let expected = [
        ("ca.crl", 0o644),
        ("ca.crt", 0o644),
        ("ca.key", 0o600),
        ("operator.crt", 0o644),
        ("operator.key", 0o600),
        ("operator.p12", 0o600),
        ("server.crt", 0o644),
        ("server.key", 0o600),
    ];
    assert_eq!(files, expected.map(|(name, mode)| (name.to_owned(), mode)));
}

#[test]
fn names_that_would_leave_the_directory_are_refused() {
    let dir = tempfile::tempdir().unwrap();
    let authority = DevelopmentAuthority::open(dir.path(), start()).unwrap();
    for name in ["", "ca", "server", "../x", "a/b", "A", "a.b", "-rf", &"a".repeat(61)] {
        assert!(matches!(authority.party(name, start()), Err(CertificatesError::Name(_))), "{name:?}");
    }
}

#[test]
fn a_file_that_is_something_else_is_named_and_left_alone() {
    let dir = tempfile::tempdir().unwrap();
    DevelopmentAuthority::open(dir.path(), start()).unwrap();
    fs::write(dir.path().join("ca.key"), "something else").unwrap();
    let error = DevelopmentAuthority::open(dir.path(), start()).err().unwrap().to_string();
    assert!(error.contains("ca.key"), "{error}");
    assert_eq!(fs::read(dir.path().join("ca.key")).unwrap(), b"something else");
}

#[test]
fn openssl_opens_the_p12_and_verifies_the_chain() {
    let dir = tempfile::tempdir().unwrap();
    let now = Validity { now: Timestamp::parse("2024-01-01T00:00:00Z").unwrap(), days: 36_500 };
    let authority = DevelopmentAuthority::open(dir.path(), now).unwrap();
    let party = authority.party("coaguasimales", now).unwrap();
    let p12 = party.p12.clone().unwrap();
    let password = format!("pass:{P12_PASSWORD}");
    let Some(text) = openssl(&["pkcs12", "-nodes", "-passin", &password, "-in"], &p12) else { return };
    assert_eq!(text.matches("BEGIN CERTIFICATE").count(), 2, "{text}");
    assert!(text.contains("friendlyName: coaguasimales"), "{text}");
    assert_eq!(CertificateFacts::from_pem(text.as_bytes()).unwrap(), facts(&party.certificate));
    let key = KeyPair::from_pem(&text[text.find("-----BEGIN PRIVATE KEY").unwrap()..]).unwrap();
    assert_eq!(key.serialized_der(), read_key(&party.key).unwrap().serialized_der());

    let authority_file = authority.certificate();
    let verify = ["verify", "-purpose", "sslclient", "-CAfile", authority_file.to_str().unwrap()];
    assert!(openssl(&verify, &party.certificate).unwrap().contains("OK"));
}

/// What OpenSSL says of a file; nothing where there is no OpenSSL. Fails when it refuses the file.
fn openssl(arguments: &[&str], file: &Path) -> Option<String> {
    let output = Command::new("openssl").args(arguments).arg(file).output().ok()?;
    assert!(output.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
    Some(String::from_utf8(output.stdout).unwrap())
}
