//! `recaudo verify`: what anybody can check again.

use std::path::PathBuf;

use clap::Subcommand;
use serde_json::json;

use super::{Context, Failure, work};
use crate::auth::keys::SigningKeys;
use crate::ledger;
use crate::receipts::verify_text;

/// What is verified.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Recompute chains, sums and exposure from the facts alone.
    Ledger,
    /// Check the signature of a receipt's signed form (the text behind its QR).
    Receipt {
        /// The signed form, or `-` for standard input.
        receipt: String,
        /// The gateway's public keys (the answer of /.well-known/jwks.json); without it, the
        /// configuration's own keys.
        #[arg(long, value_name = "FILE")]
        jwks: Option<PathBuf>,
    },
}

/// Runs one of them.
pub fn run(context: &Context, command: Command) -> Result<(), Failure> {
    match command {
        Command::Ledger => ledger(context),
        Command::Receipt { receipt, jwks } => verify_receipt(context, &receipt, jwks),
    }
}

fn ledger(context: &Context) -> Result<(), Failure> {
    let audit = ledger::audit(&mut context.connect()?)?;
    let mut lines = vec![format!(
        "{} facts, {} payments, {} reversals, {} sessions; net {}",
        audit.facts, audit.payments, audit.reversals, audit.sessions, audit.net
    )];
    lines.extend(audit.faults.iter().map(|fault| format!("FAULT  {fault}")));
    let document = json!({
        "facts": audit.facts, "payments": audit.payments, "reversals": audit.reversals, "sessions": audit.sessions,
        "net": audit.net, "faults": audit.faults,
    });
    context.tell(&lines, &document)?;
    match audit.faults.len() {
        0 => Ok(()),
        faults => Err(Failure::Work(format!("the ledger has {faults} faults"))),
    }
}

fn verify_receipt(context: &Context, receipt: &str, jwks: Option<PathBuf>) -> Result<(), Failure> {
    let text = match receipt {
        "-" => std::io::read_to_string(std::io::stdin()).map_err(|error| work(&error))?,
        text => text.to_owned(),
    };
    let keys = match jwks {
        Some(file) => std::fs::read_to_string(&file).map_err(|error| work(&format!("{}: {error}", file.display())))?,
        None => SigningKeys::load(&context.config()?.token.keys).map_err(|error| work(&error))?.jwks().to_string(),
    };
    let claims = verify_text(&text, &keys).map_err(|error| work(&error))?;
    let lines = [
        format!("genuine: receipt {} of {}", claims.receipt_number, claims.issuer),
        format!(
            "account {}, amount {}, at {}, code {}",
            claims.account_number,
            claims.amount,
            claims.paid_at(),
            claims.printed_code()
        ),
    ];
    let document = json!({
        "receipt_number": claims.receipt_number, "account_number": claims.account_number, "amount": claims.amount,
        "paid_at": claims.paid_at(), "code": claims.printed_code(), "reversed_at": claims.reversed_at(),
    });
    context.tell(&lines, &document)
}
