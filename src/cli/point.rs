//! `recaudo point`: where money is taken.

use clap::Subcommand;
use serde_json::json;

use super::party::checked_name;
use super::{Context, Failure};
use crate::domain::ids::{CollectionPointId, PartyId};
use crate::domain::policy::PointSettings;
use crate::store::CollectionPoint;

/// What is done with collection points.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Register a collection point, or replace its settings.
    Add {
        /// Its name: lower-case letters, digits and hyphens.
        id: String,
        /// Whose it is.
        #[arg(long)]
        party: String,
        /// What it may do, as JSON: exposure_limit, offline_floor_limit, branch_code, name, municipality.
        #[arg(long, value_name = "JSON")]
        settings: Option<String>,
    },
    /// List collection points.
    List {
        /// Of this party only.
        #[arg(long)]
        party: Option<String>,
    },
    /// Suspend a collection point, or lift its suspension.
    Suspend {
        /// The collection point.
        id: String,
        /// Lift the suspension.
        #[arg(long)]
        lift: bool,
    },
}

/// Runs one of them.
pub fn run(context: &Context, command: Command) -> Result<(), Failure> {
    match command {
        Command::Add { id, party, settings } => add(context, &id, &party, settings.as_deref()),
        Command::List { party } => list(context, party.as_deref()),
        Command::Suspend { id, lift } => suspend(context, &id, lift),
    }
}

fn add(context: &Context, id: &str, party: &str, settings: Option<&str>) -> Result<(), Failure> {
    let id = CollectionPointId::new(checked_name(id)?);
    let settings: PointSettings = match settings {
        Some(text) => serde_json::from_str(text).map_err(|error| Failure::Usage(format!("--settings: {error}")))?,
        None => PointSettings::default(),
    };
    let party = PartyId::new(party);
    let mut connection = context.connect()?;
    if connection.party(&party)?.is_none() {
        return Err(Failure::Work(format!("there is no party {party}")));
    }
    if let Some(known) = connection.collection_point(&id)?
        && known.party != party
    {
        return Err(Failure::Work(format!("{id} belongs to {}", known.party)));
    }
    let point = CollectionPoint { id, party, settings, registered_at: context.now(), suspended_at: None };
    connection.transaction(|connection| connection.register_collection_point(&point))?;
    let line = format!("registered {} of {}", point.id, point.party);
    context.tell(&[line], &json!({ "id": point.id, "party": point.party }))
}

fn list(context: &Context, party: Option<&str>) -> Result<(), Failure> {
    let party = party.map(PartyId::new);
    let points = context.connect()?.collection_points(party.as_ref())?;
    let lines = points.iter().map(|point| {
        let suspended = if point.suspended_at.is_some() { "  suspended" } else { "" };
        format!("{:<28} {}{suspended}", point.id.as_str(), point.party)
    });
    let lines: Vec<String> = lines.collect();
    let listed = points.iter().map(|point| {
        json!({
            "id": point.id, "party": point.party, "settings": point.settings,
            "registered_at": point.registered_at, "suspended_at": point.suspended_at,
        })
    });
    context.tell(&lines, &json!({ "data": listed.collect::<Vec<_>>() }))
}

fn suspend(context: &Context, id: &str, lift: bool) -> Result<(), Failure> {
    let point = CollectionPointId::new(id);
    let since = (!lift).then(|| context.now());
    let known = context.connect()?.transaction(|connection| connection.suspend_collection_point(&point, since))?;
    if !known {
        return Err(Failure::Work(format!("there is no collection point {id}")));
    }
    let line = if lift { format!("{id} takes money again") } else { format!("{id} is suspended") };
    context.tell(&[line], &json!({ "id": id, "suspended_at": since }))
}
