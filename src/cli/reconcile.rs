//! `recaudo reconcile`: a partner's list or a bank's statement compared with the books.

use std::fs;
use std::path::{Path, PathBuf};

use clap::{Args, ValueEnum};
use serde_json::json;

use super::{Context, Failure};
use crate::billing::holidays::next_banking_day;
use crate::config::Config;
use crate::domain::calendar::BusinessDate;
use crate::domain::ids::PartyId;
use crate::reconciliation::matcher::Tolerance;
use crate::reconciliation::report::{ReportHeader, html, pdf, text};
use crate::reconciling::files::{FileRefusal, Format, Rows, read_bank, read_partner};
use crate::reconciling::keep::keep;
use crate::reconciling::own_side::{Loading, OwnSide, Progress};
use crate::reconciling::run::Prepared;
use crate::reconciling::{Partner, Question};
use crate::store::{Connection, RunKind, RunRecord};

/// What is compared with what.
#[derive(Debug, Args)]
pub struct Arguments {
    /// The partner.
    #[arg(long, value_name = "ID")]
    partner: String,
    /// The business date (YYYY-MM-DD).
    #[arg(long, value_name = "DATE")]
    date: String,
    /// The last business date, when there are several.
    #[arg(long, value_name = "DATE")]
    to: Option<String>,
    /// Whose file it is.
    #[arg(long, value_enum, default_value = "partner")]
    kind: Kind,
    /// How the file is written; without it what the partner's settings say.
    #[arg(long, value_enum)]
    format: Option<FileFormat>,
    /// Write the report as an HTML page as well.
    #[arg(long, value_name = "FILE")]
    html: Option<PathBuf>,
    /// Write the report as a PDF as well.
    #[arg(long, value_name = "FILE")]
    pdf: Option<PathBuf>,
    /// The file.
    file: PathBuf,
}

/// Whose file it is.
#[derive(Clone, Copy, Debug, ValueEnum)]
enum Kind {
    /// The partner's own list.
    Partner,
    /// The bank's statement.
    Bank,
}

/// How the file is written.
#[derive(Clone, Copy, Debug, ValueEnum)]
enum FileFormat {
    /// A header line and delimited fields.
    Csv,
    /// One JSON object a line.
    Jsonl,
    /// Asobancaria 2001, recaudo.
    #[value(name = "asobancaria-2001")]
    Asobancaria2001,
}

impl From<FileFormat> for Format {
    fn from(format: FileFormat) -> Self {
        match format {
            FileFormat::Csv => Self::Csv,
            FileFormat::Jsonl => Self::Jsonl,
            FileFormat::Asobancaria2001 => Self::Asobancaria2001,
        }
    }
}

/// Compares, keeps the outcome, and tells it: as a table to people, whole to programs.
pub fn run(context: &Context, arguments: &Arguments) -> Result<(), Failure> {
    let config = context.config()?;
    let from = date("--date", &arguments.date)?;
    let to = arguments.to.as_deref().map_or(Ok(from), |text| date("--to", text))?;
    if to < from || (to.date() - from.date()).whole_days() >= i64::from(config.reconciliation.max_days) {
        let most = config.reconciliation.max_days;
        return Err(Failure::Usage(format!("--to is not before --date, and at most {most} days are compared")));
    }
    let bytes = read(&arguments.file, config.reconciliation.max_file_bytes)?;
    let mut connection = context.connect()?;
    let party = PartyId::new(&*arguments.partner);
    let partner = Partner::load(&mut connection, &party)?;
    let partner = partner.ok_or_else(|| Failure::Work(format!("there is no partner {party}")))?;
    let kind = match arguments.kind {
        Kind::Partner => RunKind::Partner,
        Kind::Bank => RunKind::Bank,
    };
    let as_of = config.counter.calendar_date(context.now());
    let question = Question { party, kind, from, to, as_of };
    let rows = rows(&config, &question, &partner, arguments.format.map(Format::from), &bytes)?;
    let run = compare(context, &config, &mut connection, question, &bytes, rows)?;
    tell(context, &config, arguments, &partner, &run)
}

fn compare(
    context: &Context,
    config: &Config,
    connection: &mut Connection,
    question: Question,
    bytes: &[u8],
    rows: Rows,
) -> Result<RunRecord, Failure> {
    let settings = &config.reconciliation;
    let own_side = load(connection, Loading::new(&question, &rows, settings, next_banking_day))?;
    let tolerance = Tolerance { offset_minutes: config.counter.utc_offset_minutes, ..settings.tolerance.clone() };
    let prepared = Prepared::new(question, bytes, rows, own_side, tolerance);
    if let Some(known) = connection.reconciliation(prepared.id)? {
        return Ok(known);
    }
    // Whoever calls the program runs the gateway.
    let run = prepared.compare(&PartyId::new("gateway"), context.now(), settings);
    Ok(keep(connection, &run.map_err(|error| Failure::Work(error.to_string()))?)?)
}

fn rows(
    config: &Config,
    question: &Question,
    partner: &Partner,
    format: Option<Format>,
    bytes: &[u8],
) -> Result<Rows, Failure> {
    let default_date = (question.from == question.to).then_some(question.from);
    let read = match question.kind {
        RunKind::Partner => read_partner(partner, format, default_date, bytes),
        RunKind::Bank => read_bank(&config.reconciliation, format, bytes),
    };
    read.map_err(|refusal| match refusal {
        FileRefusal::File(errors) => Failure::Work(format!("the file is refused; nothing was kept\n{errors}")),
        other => Failure::Usage(other.to_string()),
    })
}

fn load(connection: &mut Connection, mut loading: Loading) -> Result<OwnSide, Failure> {
    loop {
        match loading.step(connection)? {
            Progress::More => {}
            Progress::Done => return Ok(loading.own_side()),
            Progress::TooMany => {
                return Err(Failure::Work("there are too many payments to compare; take fewer days".to_owned()));
            }
        }
    }
}

fn tell(
    context: &Context,
    config: &Config,
    arguments: &Arguments,
    partner: &Partner,
    run: &RunRecord,
) -> Result<(), Failure> {
    let header = ReportHeader {
        party_name: &partner.party.name,
        generated_at: run.created_at,
        offset_minutes: config.counter.utc_offset_minutes,
        listed: config.reconciliation.listed_breaks,
    };
    if let Some(file) = &arguments.html {
        write(file, html::render(&run.result, &header).as_bytes())?;
    }
    if let Some(file) = &arguments.pdf {
        write(file, &pdf::render(&run.result, &header))?;
    }
    let id = run.id.with_prefix("rcn");
    let mut lines: Vec<String> = text::render(&run.result, &header).lines().map(str::to_owned).collect();
    lines.push(format!("Conciliación {id}"));
    let document = json!({
        "id": id, "kind": run.kind, "file_sha256": run.file_hash, "created_at": run.created_at, "result": run.result,
    });
    context.tell(&lines, &document)
}

fn read(file: &Path, max_bytes: usize) -> Result<Vec<u8>, Failure> {
    let unreadable = |error: std::io::Error| Failure::Work(format!("{}: {error}", file.display()));
    let length = fs::metadata(file).map_err(unreadable)?.len();
    if usize::try_from(length).map_or(true, |length| length > max_bytes) {
        return Err(Failure::Work(format!("{}: larger than {max_bytes} bytes", file.display())));
    }
    fs::read(file).map_err(unreadable)
}

fn write(file: &Path, bytes: &[u8]) -> Result<(), Failure> {
    fs::write(file, bytes).map_err(|error| Failure::Work(format!("{}: {error}", file.display())))
}

fn date(option: &str, text: &str) -> Result<BusinessDate, Failure> {
    BusinessDate::parse(text).map_err(|_| Failure::Usage(format!("{option}: a date is YYYY-MM-DD and has to exist")))
}
