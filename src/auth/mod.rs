//! 2. Who calls and what they may do.
//!
//! The certificate on the connection names the party, the token names what the party may do, and both
//! have to agree. Nothing here knows what a payment is, and nothing here renders an answer: a refusal
//! is a value that the edge turns into a problem document.

pub mod caller;
pub mod certificate;
pub mod keys;
pub mod limits;
pub mod mutual_tls;
pub mod policy;
pub mod registry;
pub mod token;
