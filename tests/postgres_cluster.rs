//! The cluster that the tests run on is what the gateway asks of a production server, and one that is not is
//! refused: weaker than it says, or somebody else's.

#![allow(clippy::unwrap_used, reason = "a test")]

mod support;

use recaudo::config::Config;
use recaudo::store::{Connection, Store, StoreError};
use support::postgres::{TestDatabase, execute, own_cluster, query, server_url};

#[test]
fn the_cluster_is_durable() {
    let database = TestDatabase::create();
    for setting in ["fsync", "synchronous_commit", "full_page_writes"] {
        assert_eq!(database.value(&format!("SHOW {setting}")).as_deref(), Some("on"), "{setting}");
    }
}

#[tokio::test]
async fn a_database_is_empty_its_own_and_gone_afterwards() {
    let (one, other) = (TestDatabase::create(), TestDatabase::create());
    one.execute("CREATE TABLE fact (id BIGINT); INSERT INTO fact VALUES (7)");
    assert_eq!(one.value("SELECT id FROM fact").as_deref(), Some("7"));
    assert_eq!(other.value("SELECT to_regclass('fact')"), None);

    let name = one.value("SELECT current_database()").unwrap();
    let count = format!("SELECT count(*) FROM pg_database WHERE datname = '{name}'");
    assert_eq!(other.value(&count).as_deref(), Some("1"));
    drop(one);
    assert_eq!(other.value(&count).as_deref(), Some("0"));
    assert!(server_url().starts_with("postgres://"));
}

fn connect(url: &str) -> Result<Connection, StoreError> {
    let mut settings = Config::load(None).unwrap().database;
    settings.url = url.to_owned().into();
    Store::new(&settings)?.connect()
}

/// Changes a setting of a cluster and waits until it is in force for whoever connects.
fn set(url: &str, setting: &str, value: &str) {
    execute(url, &format!("ALTER SYSTEM SET {setting} = {value}"));
    execute(url, "SELECT pg_reload_conf()");
    for _ in 0..3_000 {
        if query(url, &format!("SHOW {setting}")).as_deref() == Some(value) {
            return;
        }
        std::thread::sleep(std::time::Duration::from_millis(10));
    }
    panic!("{setting} is not {value}");
}

#[test]
fn a_database_that_keeps_less_than_it_should_is_refused() {
    let url = own_cluster();
    drop(connect(&url).unwrap());
    for setting in ["fsync", "full_page_writes"] {
        set(&url, setting, "off");
        match connect(&url) {
            Err(StoreError::NotDurable(reason)) => assert_eq!(reason, format!("{setting} is off, not on")),
            other => panic!("{setting} is off: {other:?}"),
        }
        set(&url, setting, "on");
        drop(connect(&url).unwrap());
    }
    // This one is each connection's own: the gateway asks for it, whatever the server gives to others.
    set(&url, "synchronous_commit", "off");
    drop(connect(&url).unwrap());
}

#[test]
fn a_server_is_trusted_by_its_certificate_and_its_name() {
    let url = own_cluster();
    let folder = tempfile::tempdir().unwrap();
    let certified = |name: &str| rcgen::generate_simple_self_signed([name.to_owned()]).unwrap();
    let (server, stranger) = (certified("127.0.0.1"), certified("127.0.0.1"));
    let root = |name: &str, certificate: &rcgen::Certificate| {
        let path = folder.path().join(name);
        std::fs::write(&path, certificate.pem()).unwrap();
        path.display().to_string()
    };
    let (ours, other) = (root("ours.pem", &server.cert), root("other.pem", &stranger.cert));
    // Written by the server itself, which is another user and trusts no key that others can read.
    for (file, pem) in [("server.crt", server.cert.pem()), ("server.key", server.signing_key.serialize_pem())] {
        let lines = format!("unnest(string_to_array('{}', chr(10)))", pem.trim());
        let path = format!("{}/{file}", query(&url, "SHOW data_directory").unwrap());
        execute(&url, &format!("COPY (SELECT {lines}) TO PROGRAM 'umask 077 && cat > {path}'"));
    }
    set(&url, "ssl", "on");

    let connected = connect(&format!("{url}?sslmode=verify-full&sslrootcert={ours}")).unwrap();
    let over_tls = "SELECT count(*) FROM pg_stat_ssl JOIN pg_stat_activity USING (pid) \
                    WHERE application_name = 'recaudo' AND ssl";
    assert_eq!(query(&url, over_tls).as_deref(), Some("1"));
    drop(connected);
    let refused = |url: String| assert!(matches!(connect(&url), Err(StoreError::Unavailable(_))), "{url}");
    refused(format!("{url}?sslmode=verify-full&sslrootcert={other}"));
    refused(format!("{}?sslmode=require&sslrootcert={ours}", url.replace("127.0.0.1", "localhost")));
    refused(format!("{url}?sslmode=prefer"));
}
