//! The gateway as its callers meet it: the real server, real mutual TLS, both databases.
//!
//! Every answer that these tests see is held against the contract: its status has to be declared for its
//! route, and a refusal has to be a whole problem document.

mod access;
mod attacks;
mod billing;
mod concurrency;
mod contract;
mod counter;
mod harness;
mod idempotency;
mod lookups;
mod shape;

#[path = "../support/mod.rs"]
mod support;
