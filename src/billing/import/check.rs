//! The first pass: everything is judged and nothing is written.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{self, Seek};
use std::sync::atomic::{AtomicU64, Ordering};

use super::hashed::{Blocks, judged};
use super::numbers::{Numbers, packed};
use super::rejects::Rejected;
use super::report::{Fault, ImportError, Outcome, Report};
use super::spool::{Accounts, Intake, kept};
use super::{Options, Step, Watch};
use crate::billing::{Office, Settings};
use crate::domain::calendar::BusinessDate;
use crate::domain::fact::Body;
use crate::domain::ids::{AccountNumber, Id, PartyId};
use crate::files::billing_feed::{self, FeedError, Row, RowError, RowFault, SnapshotHeader};

/// How many rows are read between two words on how far it came.
const ROWS_A_STEP: u64 = 4096;

/// What the first pass found.
pub(super) struct Checked {
    pub(super) header: SnapshotHeader,
    /// For each partner that the header names, the last business date whose payments are in the file.
    pub(super) included: BTreeMap<PartyId, BusinessDate>,
    pub(super) sha256: String,
    /// Accounts without a fault.
    pub(super) accounts: u64,
    /// The first faults.
    pub(super) faults: Vec<Fault>,
    pub(super) faults_total: u64,
    /// The header names something that is not so: no part of the file can be taken.
    pub(super) header_broken: bool,
}

impl Checked {
    pub(super) fn refused(&self, options: &Options, settings: &Settings) -> bool {
        let bearable = options.accept_valid && self.faults_total <= settings.max_rejects as u64;
        self.header_broken || (self.faults_total > 0 && !bearable)
    }

    pub(super) fn report(&self) -> Report {
        Report {
            outcome: Outcome::Loaded,
            snapshot: self.header.id.clone(),
            kind: self.header.kind,
            as_of: self.header.as_of,
            sha256: self.sha256.clone(),
            included_through: self.included.clone(),
            accounts_read: self.accounts,
            accounts_removed: 0,
            orders_completed: 0,
            faults_total: self.faults_total,
            faults: self.faults.clone(),
            rejects: None,
        }
    }

    fn fault(&mut self, fault: Fault, settings: &Settings) {
        self.faults_total += 1;
        if self.faults.len() < settings.max_faults {
            self.faults.push(fault);
        }
    }
}

/// A file that was read to its end.
pub(super) struct Judged {
    pub(super) checked: Checked,
    /// Its accounts without a fault; not all of them when it is refused.
    pub(super) accounts: Accounts,
    /// The rows with one, when they were asked for.
    pub(super) rejected: Option<Rejected>,
}

/// Reads the file to its end.
pub(super) fn check(
    office: &Office,
    id: Id,
    file: &mut File,
    options: &Options,
    watch: Watch<'_>,
) -> Result<Judged, ImportError> {
    let total = file.metadata().map_err(ImportError::File)?.len();
    file.rewind().map_err(ImportError::File)?;
    let spooled = |what: &str| {
        let name = format!("{}.{what}", id.with_prefix("imp"));
        office.settings.unnamed_file(&name).map_err(ImportError::Spool)
    };
    let rejected = options.rejects.as_ref().map(|_| spooled("rejected")).transpose()?.map(Rejected::new);
    let read = AtomicU64::new(0);
    let step = || watch(Step::Checking(read.load(Ordering::Relaxed), total));
    let (verdict, accounts) = kept(spooled("judged")?, |intake| {
        let (verdict, sha256) = judged(file, &read, |bytes| {
            judge(office, bytes, options, Keeping { intake: Some(intake), rejected }, &step)
        });
        verdict.map(|(checked, rejected)| (Checked { sha256, ..checked }, rejected))
    });
    // A spool that is full broke the judging off, not the other way round.
    let accounts = accounts?;
    let (checked, rejected) = verdict?;
    watch(Step::Checking(total, total));
    Ok(Judged { checked, accounts, rejected })
}

/// Where accounts and rows go while it is open whether the file is taken.
struct Keeping {
    intake: Option<Intake>,
    rejected: Option<Rejected>,
}

impl Keeping {
    fn account(&mut self, number: u64, row: &Row) -> Result<(), ImportError> {
        self.intake.as_mut().map_or(Ok(()), |intake| intake.take(number, row))
    }

    fn set_aside(&mut self, raw: &[u8]) -> Result<(), ImportError> {
        self.rejected.as_mut().map_or(Ok(()), |rejected| rejected.row(raw))
    }
}

fn judge(
    office: &Office,
    bytes: &mut Blocks,
    options: &Options,
    mut keeping: Keeping,
    step: &impl Fn(),
) -> Result<(Checked, Option<Rejected>), ImportError> {
    let settings = &office.settings;
    let (header, rows) = billing_feed::open(&mut *bytes, options.format, &settings.feed(&office.policy))?;
    let mut checked = Checked {
        header,
        included: BTreeMap::new(),
        sha256: String::new(),
        accounts: 0,
        faults: Vec::new(),
        faults_total: 0,
        header_broken: false,
    };
    resolve_batches(office, &mut checked)?;
    let mut seen = Numbers::default();
    for (nth, row) in (1..).zip(rows) {
        let fault = match row {
            Ok(row) => match packed(&row.account.account_number) {
                Some(number) if seen.insert(number) => {
                    checked.accounts += 1;
                    keeping.account(number, &row)?;
                    None
                }
                number => Some((unusable(row.line, &row.account.account_number, number.is_some()), row.raw)),
            },
            Err(RowError::Rejected(mut fault)) => {
                let raw = std::mem::take(&mut fault.raw);
                Some((Fault::from(*fault), raw))
            }
            Err(RowError::Broken(error)) => return Err(error.into()),
        };
        if let Some((fault, raw)) = fault {
            keeping.set_aside(&raw)?;
            checked.fault(fault, settings);
        }
        if checked.refused(options, settings) {
            keeping = Keeping { intake: None, rejected: None };
        }
        if seen.len() > settings.max_accounts {
            return Err(ImportError::TooMany { most: settings.max_accounts });
        }
        if nth % ROWS_A_STEP == 0 {
            step();
        }
    }
    // What comes after the last row, as behind the end of what was packed, belongs to the file too.
    io::copy(bytes, &mut io::sink()).map_err(ImportError::File)?;
    if let Some(intake) = &mut keeping.intake {
        intake.pass()?;
    }
    Ok((checked, keeping.rejected))
}

/// A number that came before, or that the feed's rules let through and no row can have.
fn unusable(line: u64, number: &AccountNumber, before: bool) -> Fault {
    let rule = if before { "an account stands once in a file" } else { "an account number is at most 18 digits" };
    Fault { line, column: 1, pointer: "/account_number".to_owned(), rule: rule.to_owned(), found: number.to_string() }
}

/// The batches that the header names, as the business dates they closed.
fn resolve_batches(office: &Office, checked: &mut Checked) -> Result<(), ImportError> {
    let named: Vec<(PartyId, String)> = checked
        .header
        .collections_included_through
        .iter()
        .filter_map(|(partner, batch)| Some((partner.clone(), batch.clone()?)))
        .collect();
    if named.is_empty() {
        return Ok(());
    }
    let mut conn = office.store.connect()?;
    for (partner, batch) in named {
        let fact = match Id::parse_with_prefix(&batch, "bat") {
            Ok(id) => conn.fact(id)?,
            Err(_) => None,
        };
        match fact.as_ref().map(|listed| &listed.fact.body) {
            Some(Body::BatchSeal(seal)) if seal.partner == partner => {
                checked.included.insert(partner, seal.through);
            }
            _ => {
                checked.header_broken = true;
                let fault = Fault {
                    line: 1,
                    column: 1,
                    pointer: format!("/snapshot/collections_included_through/{partner}"),
                    rule: "the id of a sealed collection batch of this partner".to_owned(),
                    found: shown(&batch),
                };
                checked.fault(fault, &office.settings);
            }
        }
    }
    Ok(())
}

fn shown(text: &str) -> String {
    text.chars().take(60).collect()
}

impl From<RowFault> for Fault {
    fn from(fault: RowFault) -> Self {
        let RowFault { line, column, pointer, rule, found, .. } = fault;
        Self { line, column, pointer, rule, found }
    }
}

impl From<FeedError> for ImportError {
    fn from(error: FeedError) -> Self {
        match error {
            FeedError::Header(fault) => Self::Unreadable { fault: Fault::from(*fault) },
            FeedError::Asobancaria(fault) => Self::Unreadable {
                fault: Fault {
                    line: fault.line,
                    column: fault.column,
                    pointer: format!("/{}", fault.field),
                    rule: fault.allowed,
                    found: fault.found,
                },
            },
            error => Self::Unreadable {
                fault: Fault {
                    line: if let FeedError::Io { line, .. } = &error { *line + 1 } else { 1 },
                    column: 1,
                    pointer: String::new(),
                    rule: error.to_string(),
                    found: String::new(),
                },
            },
        }
    }
}
