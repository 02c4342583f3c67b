//! `recaudo check`: whether the gateway would start, and everything that keeps it from starting.

use serde_json::json;

use super::{Context, Failure};
use crate::app::tls_files;
use crate::auth::keys::SigningKeys;
use crate::auth::mutual_tls::MutualTls;
use crate::config::Config;
use crate::store::Store;

/// Checks configuration, certificates, keys and schema, and tells all that is wrong.
pub fn run(context: &Context) -> Result<(), Failure> {
    let config = context.config()?;
    let findings = [
        ("configuration", Ok("read".to_owned())),
        ("certificates", certificates(&config)),
        ("token keys", keys(&config, context)),
        ("database", schema(&config)),
    ];
    let lines = findings.iter().map(|(what, found)| match found {
        Ok(said) => format!("ok      {what}: {said}"),
        Err(reason) => format!("FAILED  {what}: {reason}"),
    });
    let lines: Vec<String> = lines.collect();
    let report = findings.iter().map(|(what, found)| {
        let (ok, said) = match found {
            Ok(said) => (true, said),
            Err(reason) => (false, reason),
        };
        json!({ "check": what, "ok": ok, "detail": said })
    });
    context.tell(&lines, &json!({ "checks": report.collect::<Vec<_>>() }))?;
    match findings.iter().filter(|(_, found)| found.is_err()).count() {
        0 => Ok(()),
        failed => Err(Failure::Work(format!("{failed} of {} checks failed", findings.len()))),
    }
}

fn certificates(config: &Config) -> Result<String, String> {
    let tls = MutualTls::open(tls_files(&config.tls)).map_err(|error| error.to_string())?;
    let crl = if config.tls.client_crl.is_empty() { "no revocation list is used" } else { "with a revocation list" };
    Ok(format!("the server's is valid until {}; {crl}", tls.server_not_after()))
}

fn keys(config: &Config, context: &Context) -> Result<String, String> {
    let keys = SigningKeys::load_or_create(&config.token.keys, context.now()).map_err(|error| error.to_string())?;
    Ok(format!("{} in use", keys.jwks()["keys"].as_array().map_or(0, Vec::len)))
}

fn schema(config: &Config) -> Result<String, String> {
    let store = Store::new(&config.database).map_err(|error| error.to_string())?;
    let pending = store.pending_migrations().map_err(|error| error.to_string())?;
    store.connect().map_err(|error| error.to_string())?;
    if pending.is_empty() { Ok("up to date".to_owned()) } else { Err(format!("missing: {}", pending.join(", "))) }
}
