//! The program: picks the command, and nothing else.

fn main() {}
