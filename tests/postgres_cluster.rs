//! The cluster that the tests run on is what the gateway asks of a production server.

mod support;

use support::postgres::{TestDatabase, server_url};

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
