//! The rules held against what they promise: cases that went wrong once, and properties of all cases.

mod money_cases;
mod order_cases;
mod session_cases;
mod worlds;
