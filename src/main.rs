//! The program: chooses the cryptography, and hands over to the commands.

use std::process::ExitCode;

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    // First of all: whatever opens a connection later uses it. It fails only when one is chosen already.
    _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
    recaudo::cli::run()
}
