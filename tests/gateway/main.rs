//! The gateway as its callers meet it: the real server, real mutual TLS, both databases.
//!
//! Every answer that these tests see is held against the contract: its status has to be declared for its
//! route, and a refusal has to be a whole problem document.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on says so by ending")]

mod access;
mod attacks;
mod billing;
mod chain;
mod concurrency;
mod contract;
mod counter;
mod harness;
mod idempotency;
mod lookups;
mod offline;
mod receipts;
#[path = "../webhooks/receiver.rs"]
#[allow(dead_code, reason = "the suite of the webhooks uses the rest")]
mod receiver;
mod reconciliations;
mod shape;
mod till;
mod unknown;
mod webhooks;

#[path = "../support/mod.rs"]
mod support;
