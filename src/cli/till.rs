//! `recaudo till`: a cashier's terminal for a partner without a cashier system.

use std::path::PathBuf;
use std::sync::Arc;

use clap::Args;

use super::{Context, Failure, runtime, work};
use crate::client::{Client, Connection};
use crate::clock::SystemClock;
use crate::store::journal::Journal;
use crate::till::Till;
use crate::till::dialogue::{Dialogue, Printer};

/// Where the gateway is, who calls, and where the till keeps what.
#[derive(Debug, Args)]
pub struct Arguments {
    /// The gateway; without it, the public URL of the configuration.
    #[arg(long, value_name = "URL")]
    gateway: Option<String>,
    /// The partner.
    #[arg(long)]
    party: String,
    /// The collection point.
    #[arg(long)]
    point: String,
    /// The name of the drawer.
    #[arg(long, default_value = "C1")]
    till: String,
    /// Who sits at it.
    #[arg(long, default_value = "CAJERO")]
    cashier: String,
    /// Certificates: ca.crt, PARTY.crt and PARTY.key; without it, where the configuration's CA lies.
    #[arg(long, value_name = "DIR")]
    certs: Option<PathBuf>,
    /// The journal; written before each call, so that nothing is lost or paid twice.
    #[arg(long, value_name = "FILE")]
    journal: Option<PathBuf>,
    /// Columns of a ticket: 32, 42 or 48.
    #[arg(long, default_value_t = 42)]
    columns: u8,
    /// A folder for tickets, a file each; without it they are printed here.
    #[arg(long, value_name = "DIR")]
    tickets: Option<PathBuf>,
}

/// Talks with a cashier on standard input and output.
pub fn run(context: &Context, arguments: Arguments) -> Result<(), Failure> {
    let config = context.config()?;
    let Arguments { gateway, party, point, till, cashier, certs, journal, columns, tickets } = arguments;
    let certs = certs.or_else(|| config.tls.client_ca.parent().map(PathBuf::from)).unwrap_or_default();
    let connection = Connection {
        gateway: gateway.unwrap_or(config.server.public_url),
        authority: certs.join("ca.crt"),
        certificate: certs.join(format!("{party}.crt")),
        key: certs.join(format!("{party}.key")),
        client_id: party,
        collection_point: Some(point.clone()),
        scope: String::new(),
    };
    let client = Client::new(connection).map_err(|error| Failure::Usage(error.to_string()))?;
    let journal = journal.unwrap_or_else(|| PathBuf::from(format!("till-{point}-{till}.db")));
    let journal = Journal::open(&journal).map_err(|error| work(&error))?;
    let till = Till::new(client, journal, Arc::new(SystemClock), &till, &cashier);
    let runtime = runtime()?;
    let (mut input, mut out) = (std::io::stdin().lock(), std::io::stdout());
    let printer = Printer { columns, folder: tickets };
    Dialogue::new(&runtime, till, printer, &mut input, &mut out).run().map_err(|error| work(&error))
}
