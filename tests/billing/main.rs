//! Billing's files on both databases: in through the one writer, out as sealed batches.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on says so by ending")]

#[path = "../support/mod.rs"]
mod support;

mod collection;
mod feed;
mod house;
mod imports;
mod inclusion;
#[cfg(target_os = "linux")]
mod kills;
mod limits;
mod seals;

/// The same test on SQLite and on PostgreSQL.
macro_rules! on_both {
    ($($name:ident),+ $(,)?) => {$(
        mod $name {
            #[test]
            fn sqlite() {
                super::$name(crate::house::Backend::Sqlite);
            }

            #[test]
            fn postgres() {
                super::$name(crate::house::Backend::Postgres);
            }
        }
    )+};
}
pub(crate) use on_both;
