//! recaudo: a utility's money taken at the counter, with nothing but an account number.
//!
//! One idea: *we keep what billing said, as it said it, and what the counters did since;
//! everything else is computed.* The modules are the stages of a request, in the order it meets them.

pub mod auth;
pub mod certificates;
pub mod domain;
