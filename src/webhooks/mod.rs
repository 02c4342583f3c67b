//! 6. What leaves: an event signed, sent to the address its receiver registered, and tried again.
//!
//! [`events`] says what is told, [`signature`] proves who tells it, [`address`] decides where it may
//! go, [`sender`] makes one attempt and [`schedule`] judges it. No SQL and no clock enters here:
//! instants and secrets are handed in.

pub mod address;
pub mod events;
pub mod resolver;
pub mod schedule;
pub mod sender;
pub mod signature;

#[cfg(test)]
mod address_tests;
#[cfg(test)]
mod sender_tests;
#[cfg(test)]
mod sender_tls_tests;
