//! 3. The rules of the counter, pure: values in, values out.
//!
//! `decide(world, request, now)` is the whole of it. Nothing here reads a clock, draws a number,
//! opens a file or names a database, so the same function serves the counter, the offline batch,
//! the simulation and the property tests.

// Words of the trade.
pub mod calendar;
pub mod ids;
pub mod money;
pub(crate) mod text;

// What billing says, and what an account therefore owes.
pub mod account;
pub mod policy;
pub mod position;

// What is asked, what happened, what is refused.
pub mod command;
pub mod fact;
pub mod rejection;

// The rules, one file a resource.
pub mod batch;
pub mod cut;
pub mod deposit;
pub mod exposure;
pub mod near_miss;
pub mod notice;
pub mod payment;
pub mod receipt_copy;
pub mod receipt_number;
pub mod reconnection;
pub mod reversal;
pub mod session;

// Deciding.
pub mod decide;
pub mod world;

#[cfg(test)]
mod tests;
