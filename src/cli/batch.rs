//! `recaudo batch`: what was collected, closed for ever and handed over.

use std::path::PathBuf;

use clap::Subcommand;
use serde_json::{Value, json};

use super::office::with_office;
use super::{Context, Failure};
use crate::billing::collection::write_to;
use crate::billing::seal::{Sealed, batch_of, seal, seal_of, seal_what_is_over};
use crate::domain::calendar::BusinessDate;
use crate::domain::fact::Fact;
use crate::domain::ids::{Id, PartyId};
use crate::files::collection_file::{Batch, CollectionFormat};
use crate::store::{BatchFilter, Connection, StoreError};

/// What is done with collection batches.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// List sealed batches, latest first.
    List {
        /// Of this partner only.
        #[arg(long)]
        partner: Option<String>,
        /// How many, at most 1000.
        #[arg(long, default_value_t = 50)]
        limit: u32,
    },
    /// Close business dates for ever: a partner's up to a date, or everybody's that are over.
    Seal {
        /// The partner.
        #[arg(long, requires = "date")]
        partner: Option<String>,
        /// The last business date to close (YYYY-MM-DD), today's at the latest: named, it closes early.
        #[arg(long, requires = "partner")]
        date: Option<String>,
    },
    /// Write a sealed batch as a file.
    Export {
        /// The batch, bat_…; or a partner and a date.
        batch: Option<String>,
        /// The partner.
        #[arg(long, requires = "date", conflicts_with = "batch")]
        partner: Option<String>,
        /// A business date in the batch.
        #[arg(long, requires = "partner")]
        date: Option<String>,
        /// asobancaria-2001, csv, jsonl or adjustments-csv.
        #[arg(long, default_value = "asobancaria-2001")]
        format: String,
        /// The file; named after partner and date unless it is said.
        #[arg(long, value_name = "FILE")]
        out: Option<PathBuf>,
    },
}

/// Runs one of them.
pub fn run(context: &Context, command: Command) -> Result<(), Failure> {
    match command {
        Command::List { partner, limit } => {
            let filter = BatchFilter { partner: partner.map(PartyId::new), after: None, limit: limit.min(1000) };
            let batches = context.connect()?.batches(&filter)?;
            tell(context, batches.iter().map(AsRef::as_ref))
        }
        Command::Seal { partner: Some(partner), date: Some(date) } => {
            let (partner, date) = (PartyId::new(partner), day(&date)?);
            let Sealed { batches, .. } = with_office(context, |office, door| {
                seal(office, door, &partner, date).map_err(|error| Failure::Work(error.to_string()))
            })?;
            tell(context, batches.iter().map(AsRef::as_ref))
        }
        Command::Seal { .. } => {
            let batches = with_office(context, |office, door| {
                seal_what_is_over(office, door).map_err(|error| Failure::Work(error.to_string()))
            })?;
            tell(context, batches.iter().map(AsRef::as_ref))
        }
        Command::Export { batch, partner, date, format, out } => {
            let format: CollectionFormat =
                format.parse().map_err(|error| Failure::Usage(format!("--format: {error}")))?;
            let named = match (batch, partner, date) {
                (Some(batch), ..) => Named::Id(batch),
                (None, Some(partner), Some(date)) => Named::Date(PartyId::new(partner), day(&date)?),
                _ => return Err(Failure::Usage("a batch, or --partner and --date".to_owned())),
            };
            export(context, &named, format, out)
        }
    }
}

enum Named {
    Id(String),
    Date(PartyId, BusinessDate),
}

impl Named {
    fn find(&self, conn: &mut Connection) -> Result<Option<std::sync::Arc<Fact>>, StoreError> {
        match self {
            Self::Date(partner, date) => batch_of(conn, partner, *date),
            Self::Id(text) => match Id::parse_with_prefix(text, "bat") {
                Ok(id) => Ok(conn.fact(id)?.map(|listed| listed.fact).filter(|fact| seal_of(fact).is_some())),
                Err(_) => Ok(None),
            },
        }
    }
}

fn export(context: &Context, named: &Named, format: CollectionFormat, out: Option<PathBuf>) -> Result<(), Failure> {
    with_office(context, |office, door| {
        let fact = named.find(&mut office.store.connect()?)?;
        let fact = fact.ok_or_else(|| Failure::Work("there is no such sealed batch".to_owned()))?;
        let seal = seal_of(&fact).ok_or_else(|| Failure::Work("it is no sealed batch".to_owned()))?;
        let batch = Batch {
            id: fact.public_id(),
            partner: seal.partner.clone(),
            from: seal.from,
            through: seal.through,
            sealed_at: fact.recorded_at,
            utc_offset_minutes: office.policy.utc_offset_minutes,
        };
        let path = out.unwrap_or_else(|| PathBuf::from(format.file_name(&batch)));
        let written = write_to(office, door, &fact, format, &path).map_err(|error| Failure::Work(error.to_string()))?;
        let lines = [
            format!("{} ({format})", path.display()),
            format!("{} payments, {}", written.payments.count, written.payments.total),
            format!("{} adjustments, {}; net {}", written.adjustments.count, written.adjustments.total, written.net),
            format!("sha256 {}", written.sha256),
        ];
        let document = json!({ "batch": batch.id, "file": path, "format": format.to_string(), "written": written });
        context.tell(&lines, &document)
    })
}

fn tell<'a>(context: &Context, batches: impl Iterator<Item = &'a Fact> + Clone) -> Result<(), Failure> {
    let line = |fact: &Fact| {
        let seal = seal_of(fact)?;
        let dates = format!("{} to {}", seal.from, seal.through);
        Some(format!(
            "{}  {:<20} {dates}  {:>8}  {:>18}",
            fact.public_id(),
            seal.partner.as_str(),
            seal.count,
            seal.total.to_string()
        ))
    };
    let lines: Vec<String> = batches.clone().filter_map(line).collect();
    context.tell(&lines, &json!({ "data": batches.filter_map(document).collect::<Vec<_>>() }))
}

fn document(fact: &Fact) -> Option<Value> {
    let seal = seal_of(fact)?;
    Some(json!({
        "id": fact.public_id(), "partner": seal.partner, "from": seal.from, "through": seal.through,
        "count": seal.count, "total": seal.total, "sealed_at": fact.recorded_at,
    }))
}

fn day(text: &str) -> Result<BusinessDate, Failure> {
    BusinessDate::parse(text).map_err(|error| Failure::Usage(format!("--date: {error}")))
}
