//! The rules held against what they promise: cases that went wrong once, and properties of all cases.

mod counter;
mod exposure_cases;
mod facts;
mod generators;
mod money_cases;
mod order_cases;
mod paying;
mod positions;
mod session_cases;
mod worlds;
