//! `recaudo openapi`: the contract.

use super::{Failure, print};

/// Prints the contract.
pub fn run() -> Result<(), Failure> {
    print(&crate::http::openapi::document())
}
