//! The matcher against planted differences, in every order of the input.

mod causes;
mod deposits;
mod files;
pub(super) mod planted;
mod properties;
mod reports;
