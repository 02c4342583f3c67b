//! What leaves, on both databases: fan-out, leases, attempts, receivers good and bad, and what nobody asks for.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on says so by ending")]

#[path = "../store/books.rs"]
#[allow(dead_code, reason = "the suite of the store uses the rest")]
mod books;
#[path = "../support/mod.rs"]
mod support;

/// Runs each test on SQLite and on PostgreSQL.
macro_rules! on_both {
    ($($name:ident)*) => {
        mod sqlite {
            $(
                #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
                async fn $name() {
                    let books = tokio::task::spawn_blocking(crate::books::Books::sqlite).await.unwrap();
                    super::$name(&books).await;
                    tokio::task::spawn_blocking(move || drop(books)).await.unwrap();
                }
            )*
        }
        mod postgres {
            $(
                #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
                async fn $name() {
                    let books = tokio::task::spawn_blocking(crate::books::Books::postgres).await.unwrap();
                    super::$name(&books).await;
                    tokio::task::spawn_blocking(move || drop(books)).await.unwrap();
                }
            )*
        }
    };
}

mod attempts;
mod desk;
mod leases;
mod notices;
mod numbers;
mod outage;
#[allow(dead_code, reason = "the suite of the gateway uses the rest")]
mod receiver;
mod receivers;
mod upkeep;
