//! recaudo: a utility's money taken at the counter, with nothing but an account number.
//!
//! One idea: *we keep what billing said, as it said it, and what the counters did since;
//! everything else is computed.* The modules are the stages of a request, in the order it meets them.

// The typed form of config/default.toml.
pub mod config;
// Time and ids; the only place that may ask for either.
pub mod clock;
// Tracing and metrics.
pub mod telemetry;
// One file per command; translates, never decides.
pub mod cli;
// The composition root: opens, starts, binds, and stops in the reverse order.
pub mod app;

// 1 The edge: translates, never decides.
pub mod http;
// 2 Who calls and what they may do.
pub mod auth;
// 3 The rules, pure.
pub mod domain;
// 4 Group commit: the only writer.
pub mod posting;
// 4 Grouped reads.
pub mod reading;
// 5 The books: one source of SQL for two databases.
pub mod store;
// 6 What leaves: events signed and sent to those who asked for them.
pub mod webhooks;

// What nobody asks for and has to be done in time.
pub mod upkeep;
// What is exchanged as files: read strictly, written exactly, streamed always.
pub mod files;
// Billing's files come in, collection files go out.
pub mod billing;
// What the gateway, the partner and the bank say of one day, compared; pure.
pub mod reconciliation;
// Runs a reconciliation: loads, reads the file, keeps the outcome.
pub mod reconciling;
// Receipts in Spanish, signed, the same bytes each time.
pub mod receipts;
// The auditor: recomputes from the facts what was said along the way.
pub mod ledger;

// The partner's side: what the till and the demonstration call the gateway with.
pub mod client;
// A cashier's terminal for a partner without a cashier system.
pub mod till;
// A development authority and its identities.
pub mod certificates;
// The main job, shown: a gateway from nothing and a day at the counter.
pub mod demo;
