//! 3. The rules of the counter, pure: values in, values out.
//!
//! `decide(world, command, moment)` is the whole of it. Nothing here reads a clock, draws a number,
//! opens a file or names a database, so the same function serves the counter, the offline batch,
//! the simulation and the property tests.

pub mod account;
pub mod calendar;
pub mod ids;
pub mod money;
