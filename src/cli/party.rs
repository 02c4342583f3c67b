//! `recaudo party`: who may call.

use clap::{Subcommand, ValueEnum};
use serde_json::json;

use super::{Context, Failure};
use crate::auth::policy::kind_word;
use crate::certificates::MAX_NAME_CHARS;
use crate::domain::command::PartyKind;
use crate::domain::ids::PartyId;
use crate::domain::policy::PartnerSettings;
use crate::store::Party;

/// What is done with parties.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Register a party, or replace its name and settings.
    Add {
        /// Its name in tokens and certificates: lower-case letters, digits and hyphens.
        id: String,
        /// What it is.
        #[arg(long)]
        kind: Kind,
        /// What it is called on reports.
        #[arg(long)]
        name: String,
        /// What a partner may do, as JSON: exposure_limit, cash_operation_limit, explicit_sessions…
        #[arg(long, value_name = "JSON")]
        settings: Option<String>,
    },
    /// List all parties.
    List,
    /// Suspend a party, or lift its suspension.
    Suspend {
        /// The party.
        id: String,
        /// Lift the suspension.
        #[arg(long)]
        lift: bool,
    },
}

/// What a party is.
#[derive(Clone, Copy, Debug, ValueEnum)]
pub enum Kind {
    /// Takes money at collection points.
    Partner,
    /// Sends snapshots and takes collection files.
    Billing,
    /// Restores supplies.
    Reconnection,
    /// Runs the gateway.
    Operator,
}

/// Runs one of them.
pub fn run(context: &Context, command: Command) -> Result<(), Failure> {
    match command {
        Command::Add { id, kind, name, settings } => add(context, &id, kind, name, settings.as_deref()),
        Command::List => list(context),
        Command::Suspend { id, lift } => suspend(context, &id, lift),
    }
}

fn add(context: &Context, id: &str, kind: Kind, name: String, settings: Option<&str>) -> Result<(), Failure> {
    let id = PartyId::new(checked_name(id)?);
    let settings: PartnerSettings = match settings {
        Some(text) => serde_json::from_str(text).map_err(|error| Failure::Usage(format!("--settings: {error}")))?,
        None => PartnerSettings::default(),
    };
    let kind = match kind {
        Kind::Partner => PartyKind::Partner,
        Kind::Billing => PartyKind::Billing,
        Kind::Reconnection => PartyKind::Reconnection,
        Kind::Operator => PartyKind::Operator,
    };
    let mut connection = context.connect()?;
    if let Some(known) = connection.party(&id)?
        && known.kind != kind
    {
        return Err(Failure::Work(format!("{id} is registered as {}", kind_word(known.kind))));
    }
    let party = Party { id, kind, name, settings, registered_at: context.now(), suspended_at: None };
    connection.transaction(|connection| connection.register_party(&party))?;
    let line = format!("registered {} ({})", party.id, kind_word(kind));
    context.tell(&[line], &json!({ "id": party.id, "kind": kind_word(kind), "name": party.name }))
}

fn list(context: &Context) -> Result<(), Failure> {
    let parties = context.connect()?.parties()?;
    let lines = parties.iter().map(|party| {
        let suspended = if party.suspended_at.is_some() { "  suspended" } else { "" };
        format!("{:<24} {:<12} {}{suspended}", party.id.as_str(), kind_word(party.kind), party.name)
    });
    let lines: Vec<String> = lines.collect();
    let listed = parties.iter().map(|party| {
        json!({
            "id": party.id, "kind": kind_word(party.kind), "name": party.name, "settings": party.settings,
            "registered_at": party.registered_at, "suspended_at": party.suspended_at,
        })
    });
    context.tell(&lines, &json!({ "data": listed.collect::<Vec<_>>() }))
}

fn suspend(context: &Context, id: &str, lift: bool) -> Result<(), Failure> {
    let party = PartyId::new(id);
    let since = (!lift).then(|| context.now());
    let known = context.connect()?.transaction(|connection| connection.suspend_party(&party, since))?;
    if !known {
        return Err(Failure::Work(format!("there is no party {id}")));
    }
    let line = if lift { format!("{id} may call again") } else { format!("{id} is suspended") };
    context.tell(&[line], &json!({ "id": id, "suspended_at": since }))
}

/// A name that can stand in certificates, files and tokens.
pub fn checked_name(name: &str) -> Result<&str, Failure> {
    let plain = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
    if (1..=MAX_NAME_CHARS).contains(&name.len()) && name.bytes().all(plain) {
        return Ok(name);
    }
    let rule = format!("lower-case letters, digits and hyphens, at most {MAX_NAME_CHARS}");
    Err(Failure::Usage(format!("{name:?} is not a name: {rule}")))
}
