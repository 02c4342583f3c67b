//! The two trees of migrations say the same, and go down and up again without a trace.

use std::collections::BTreeSet;

use crate::books::Books;
use crate::support::postgres::TestDatabase;

#[test]
fn both_trees_have_the_same_tables_columns_and_indexes() {
    let (sqlite, postgres) = (text("sqlite"), text("postgres"));
    let plain = postgres.replace(" COLLATE \"C\"", "");
    assert_eq!(sqlite, plain, "the trees differ only in how PostgreSQL orders text");
    assert!(sqlite.contains("CREATE TABLE facts"));
}

fn text(backend: &str) -> String {
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("migrations").join(backend);
    let mut trees: Vec<_> = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    trees.sort();
    trees.iter().map(|tree| std::fs::read_to_string(tree.join("up.sql")).unwrap()).collect()
}

#[test]
fn down_and_up_again_is_a_no_op_on_postgres() {
    let database = TestDatabase::create();
    let columns = || {
        database.value(
            "SELECT string_agg(concat_ws(' ', table_name, column_name, data_type, is_nullable, collation_name), E'\\n' \
             ORDER BY table_name, column_name) FROM information_schema.columns WHERE table_schema = 'public' \
             AND table_name <> '__diesel_schema_migrations'",
        )
    };
    let indexes = || {
        database.value(
            "SELECT string_agg(indexdef, E'\\n' ORDER BY indexdef) FROM pg_indexes WHERE schemaname = 'public' \
             AND tablename <> '__diesel_schema_migrations'",
        )
    };
    let store = Books::empty(database.url());
    let before = (columns(), indexes());
    assert!(before.0.is_some() && before.1.is_some());
    store.unmigrate().unwrap();
    assert_eq!((columns(), indexes()), (None, None));
    assert!(!store.migrate().unwrap().is_empty());
    assert_eq!((columns(), indexes()), before);
    assert!(store.migrate().unwrap().is_empty());
}

#[test]
fn down_and_up_again_is_a_no_op_on_sqlite() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("books.db");
    let store = Books::empty(&format!("sqlite:{}", path.display()));
    store.unmigrate().unwrap();
    assert!(!store.migrate().unwrap().is_empty());
    assert!(store.migrate().unwrap().is_empty());
    assert_eq!(store.connect().unwrap().parties().unwrap(), []);
}

#[test]
fn a_database_that_keeps_less_is_refused() {
    let database = TestDatabase::create();
    let name = database.value("SELECT current_database()").unwrap();
    let store = Books::empty(database.url());
    // A server's default that a connection could not raise would be seen: this one it raises.
    database.execute(&format!("ALTER DATABASE {name} SET synchronous_commit = off"));
    assert!(store.connect().is_ok(), "the connection's own setting is what counts");
    let refused: BTreeSet<&str> = ["sqlite:/", "postgres://127.0.0.1:1/none", "postgres://h/d?sslmode=prefer"]
        .into_iter()
        .filter(|url| {
            let mut settings = recaudo::config::Config::load(None).unwrap().database;
            settings.url = (*url).to_owned().into();
            recaudo::store::Store::new(&settings).and_then(|store| store.connect()).is_err()
        })
        .collect();
    assert_eq!(refused.len(), 3, "{refused:?}");
}
