//! The matcher against planted differences, in every order of the input.

mod causes;
mod planted;
mod properties;
