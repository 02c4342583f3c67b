//! What the integration tests share. A test binary takes it in with
//! `#[path = "../support/mod.rs"] mod support;`. Nothing of the gateway's own rules is repeated here.

#![allow(dead_code, reason = "each test binary uses its part")]

pub mod postgres;
