//! 6. What leaves: an event signed, sent to the address its receiver registered, and tried again.
//!
//! [`events`] and [`payload`] say what is told, [`audience`] says to whom, [`signature`] proves who tells
//! it, [`address`] decides where it may go, [`sender`] makes one attempt and [`schedule`] judges it. The
//! [`dispatcher`] keeps it going: [`round`] is its one transaction, in which [`fan_out`] has a part. No
//! rule of the counter and no SQL enters here, and nothing is kept in memory that a crash may not take.

pub mod address;
pub mod audience;
pub mod challenge;
pub mod courier;
pub mod dispatcher;
pub mod events;
pub mod fan_out;
pub mod payload;
pub mod resolver;
pub mod round;
pub mod schedule;
pub mod sender;
pub mod settings;
pub mod signature;

#[cfg(test)]
mod address_tests;
#[cfg(test)]
#[path = "samples_tests.rs"]
mod samples;
#[cfg(test)]
mod sender_tests;
#[cfg(test)]
mod sender_tls_tests;
