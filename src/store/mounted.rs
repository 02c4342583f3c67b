//! The list of query files, taken in by each backend module: written once, mounted twice.

macro_rules! mount_queries {
    () => {
        #[path = "queries/accounts.rs"]
        pub mod accounts;
        #[path = "queries/batch_files.rs"]
        pub mod batch_files;
        #[path = "queries/batches.rs"]
        pub mod batches;
        #[path = "queries/certificates.rs"]
        pub mod certificates;
        #[path = "queries/compared.rs"]
        pub mod compared;
        #[path = "queries/exposure.rs"]
        pub mod exposure;
        #[path = "queries/facts.rs"]
        pub mod facts;
        #[path = "queries/imports.rs"]
        pub mod imports;
        #[path = "queries/ledger.rs"]
        pub mod ledger;
        #[path = "queries/orders.rs"]
        pub mod orders;
        #[path = "queries/outbox.rs"]
        pub mod outbox;
        #[path = "queries/parties.rs"]
        pub mod parties;
        #[path = "queries/payments.rs"]
        pub mod payments;
        #[path = "queries/put.rs"]
        mod put;
        #[path = "queries/reconciliations.rs"]
        pub mod reconciliations;
        #[path = "queries/rows.rs"]
        mod rows;
        #[path = "queries/sessions.rs"]
        pub mod sessions;
        #[path = "queries/snapshots.rs"]
        pub mod snapshots;
        #[path = "queries/webhook_deliveries.rs"]
        pub mod webhook_deliveries;
        #[path = "queries/webhook_endpoints.rs"]
        pub mod webhook_endpoints;
        #[path = "queries/world.rs"]
        pub mod world;

        pub use put::{Put, Rows};
    };
}

pub(super) use mount_queries;
