//! The books and the writer, one suite for both databases.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on says so by ending")]

#[path = "../support/mod.rs"]
mod support;

/// Runs each test on SQLite and on PostgreSQL.
macro_rules! on_both {
    ($($name:ident)*) => {
        mod sqlite {
            $(
                #[test]
                fn $name() {
                    super::$name(&crate::books::Books::sqlite());
                }
            )*
        }
        mod postgres {
            $(
                #[test]
                fn $name() {
                    super::$name(&crate::books::Books::postgres());
                }
            )*
        }
    };
}

mod books;
mod doubts;
mod places;
mod plans;
mod races;
mod register;
mod schema;
mod worlds;
mod writing;
