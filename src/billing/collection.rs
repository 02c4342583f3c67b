//! A sealed batch as a file: the same bytes whenever it is asked for.
//!
//! What is in the file comes from facts, and what it is made with (the partner's identity, its points'
//! branch codes, the file's modifier) is kept the first time one is made. A payment and its reversal
//! within the batch leave no trace in it; a later reversal is an adjustment of the batch it falls into.

use std::collections::{BTreeMap, HashSet};
use std::fs::{self, File};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::mpsc::{Receiver, sync_channel};

use serde::{Deserialize, Serialize};

use super::Office;
use super::door::Door;
use super::seal::{ordinal_of_day, seal_of};
use crate::domain::fact::Fact;
use crate::domain::ids::{CollectionPointId, Id};
use crate::domain::money::Money;
use crate::files::asobancaria_2001::codes::FileModifier;
use crate::files::collection_file::{
    Batch, CollectionFileError, CollectionFileWriter, CollectionFormat, CollectionLine, PartnerFile, Written,
};
use crate::posting::SubmitError;
use crate::store::{BatchPage, Collected, Connection, StoreError};

/// Facts read together.
const PAGE: u32 = 2000;
/// Pages that were read and wait to be written.
const PAGES_AHEAD: usize = 2;

/// What a partner's settings say of files (`files`, see [`crate::domain::policy::PartnerSettings`]).
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FileSettings {
    /// Its Asobancaria identity and where the account number stands.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub asobancaria: Option<PartnerFile>,
    /// How its own lists are read; the reconciliation reads it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reconciliation: Option<serde_json::Value>,
}

/// Why a batch has no file.
#[derive(Debug, thiserror::Error)]
pub enum CollectionError {
    /// It is no sealed batch.
    #[error("{0} is no sealed collection batch")]
    NotABatch(String),
    /// The partner's settings do not say what the format needs.
    #[error("settings.files of {partner}: {reason}")]
    Settings {
        /// Whose.
        partner: String,
        /// What is wrong.
        reason: String,
    },
    /// What was written is not what was sealed.
    #[error("batch {batch} was sealed with {sealed} and its facts make {found}")]
    Mismatch {
        /// Its outward id.
        batch: String,
        /// Count and sum of the seal.
        sealed: String,
        /// Count and sum of the file.
        found: String,
    },
    /// A line or a field does not fit, or the stream fails.
    #[error(transparent)]
    File(#[from] CollectionFileError),
    /// The writer has no answer.
    #[error(transparent)]
    Writer(#[from] SubmitError),
    /// The books have no answer.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Writes a sealed batch as a file. Blocks for as long as that takes; memory stays the same.
///
/// # Errors
/// No sealed batch, settings that are missing, or what was written is not what was sealed.
pub fn write(
    office: &Office,
    door: &impl Door,
    fact: &Fact,
    format: CollectionFormat,
    out: impl Write,
) -> Result<Written, CollectionError> {
    let seal = seal_of(fact).ok_or_else(|| CollectionError::NotABatch(fact.public_id()))?;
    let mut conn = office.store.connect()?;
    let batch = Batch {
        id: fact.public_id(),
        partner: seal.partner.clone(),
        from: seal.from,
        through: seal.through,
        sealed_at: fact.recorded_at,
        utc_offset_minutes: office.policy.utc_offset_minutes,
    };
    let settings = match format {
        CollectionFormat::Asobancaria2001 => Some(asobancaria(office, door, &mut conn, fact)?),
        _ => None,
    };
    let branches = branches(door, &mut conn, fact)?;
    let mut writer = CollectionFileWriter::start(out, format, &batch, settings.as_ref())?;
    let paired = paired(&mut conn, &batch)?;
    let (send, pages) = sync_channel(PAGES_AHEAD);
    std::thread::scope(|scope| {
        let partner = batch.partner.clone();
        let mut page = BatchPage { partner, from: batch.from, through: batch.through, after: None, limit: PAGE };
        scope.spawn(move || {
            loop {
                let read = conn.batch_page(&page);
                page.after = read.as_ref().ok().and_then(|rows| rows.last().map(|last| (last.business_date, last.id)));
                let over = page.after.is_none();
                if send.send(read).is_err() || over {
                    break;
                }
            }
        });
        write_pages(&mut writer, &pages, &batch, &branches, &paired)
    })?;
    let written = writer.finish()?;
    if i64::try_from(written.payments.count) != Ok(seal.count) || written.net != seal.total {
        let sealed = format!("{} payments, {}", seal.count, seal.total);
        let found = format!("{} payments, {}", written.payments.count, written.net);
        return Err(CollectionError::Mismatch { batch: batch.id, sealed, found });
    }
    Ok(written)
}

fn write_pages<W: Write>(
    writer: &mut CollectionFileWriter<W>,
    pages: &Receiver<Result<Vec<Collected>, StoreError>>,
    batch: &Batch,
    branches: &BTreeMap<CollectionPointId, String>,
    paired: &HashSet<Id>,
) -> Result<(), CollectionError> {
    for page in pages {
        for collected in page? {
            if let Some(line) = line(collected, batch, branches, paired)? {
                writer.line(&line)?;
            }
        }
    }
    Ok(())
}

/// The line of a payment or reversal; none for either half of a pair.
fn line(
    collected: Collected,
    batch: &Batch,
    branches: &BTreeMap<CollectionPointId, String>,
    paired: &HashSet<Id>,
) -> Result<Option<CollectionLine>, StoreError> {
    let body = collected.body()?;
    let adjustment = match body.reverses {
        None if paired.contains(&collected.id) => return Ok(None),
        None => false,
        Some(date) if date < batch.from => true,
        Some(_) => return Ok(None),
    };
    let (tender, collected_at) = (body.tender, body.collected_at.unwrap_or(collected.recorded_at));
    let receipt_number = body.receipt_number.into_owned();
    let Collected { id, amount, collection_point, .. } = collected;
    Ok(Some(CollectionLine {
        receipt_number,
        payment_id: id.with_prefix(if adjustment { "rev" } else { "pay" }),
        account_number: collected.account_number,
        amount: if amount < Money::ZERO { -amount } else { amount },
        business_date: collected.business_date,
        collected_at,
        branch_code: branches.get(&collection_point).cloned(),
        collection_point,
        tender,
        adjustment,
    }))
}

/// The payments that a reversal within the batch took back: sixteen bytes for each.
fn paired(conn: &mut Connection, batch: &Batch) -> Result<HashSet<Id>, StoreError> {
    let mut paired = HashSet::new();
    let (mut after, limit) = (None, PAGE);
    loop {
        let page = conn.reversed_in(&batch.partner, batch.from, batch.through, after, limit)?;
        let Some((id, date, _)) = page.last() else { return Ok(paired) };
        after = Some((*date, *id));
        paired.extend(page.into_iter().map(|(_, _, payment)| payment));
    }
}

/// The branch code of each of the partner's points, as it was when the first file was made.
fn branches(
    door: &impl Door,
    conn: &mut Connection,
    fact: &Fact,
) -> Result<BTreeMap<CollectionPointId, String>, CollectionError> {
    let points = conn.collection_points(Some(&fact.party))?;
    let now: BTreeMap<CollectionPointId, String> =
        points.into_iter().filter_map(|point| Some((point.id, point.settings.branch_code?))).collect();
    kept(door, conn, fact, "branches", &now)
}

/// The partner's identity and the file's modifier, as they were when the first file was made.
fn asobancaria(
    office: &Office,
    door: &impl Door,
    conn: &mut Connection,
    fact: &Fact,
) -> Result<PartnerFile, CollectionError> {
    let refused = |reason: String| CollectionError::Settings { partner: fact.party.to_string(), reason };
    if let Some(settings) = conn.batch_file(fact.id, "asobancaria")? {
        return serde_json::from_str(&settings).map_err(|error| refused(error.to_string()));
    }
    let party = conn.party(&fact.party)?.ok_or_else(|| refused("the party is not registered".to_owned()))?;
    let files: Option<FileSettings> =
        serde_json::from_value(party.settings.files).map_err(|error| refused(error.to_string()))?;
    let settings = files.unwrap_or_default().asobancaria;
    let mut settings = settings.ok_or_else(|| refused("no asobancaria identity is set".to_owned()))?;
    let ordinal = ordinal_of_day(office, conn, fact)?;
    settings.modifier = FileModifier::from_ordinal(ordinal)
        .ok_or_else(|| refused("the day's file modifiers are used up".to_owned()))?;
    kept(door, conn, fact, "asobancaria", &settings)
}

fn kept<T: Serialize + for<'de> Deserialize<'de>>(
    door: &impl Door,
    conn: &mut Connection,
    fact: &Fact,
    part: &'static str,
    now: &T,
) -> Result<T, CollectionError> {
    let unreadable = |error: serde_json::Error| StoreError::Corrupt(error.to_string());
    let settings = match conn.batch_file(fact.id, part)? {
        Some(settings) => settings,
        None => {
            let (batch, settings) = (fact.id, serde_json::to_string(now).map_err(unreadable)?);
            door.insist("keep_batch_file", || {
                let settings = settings.clone();
                move |conn: &mut Connection| conn.keep_batch_file(batch, part, &settings)
            })?
        }
    };
    Ok(serde_json::from_str(&settings).map_err(unreadable)?)
}

/// Writes a batch's file under its name, whole or not at all.
///
/// # Errors
/// As [`write`], or the folder cannot be written to.
pub fn write_to(
    office: &Office,
    door: &impl Door,
    fact: &Fact,
    format: CollectionFormat,
    path: &Path,
) -> Result<Written, CollectionError> {
    let file_error = |error: io::Error| CollectionError::File(error.into());
    let mut name = path.as_os_str().to_owned();
    name.push(".part");
    let temporary = PathBuf::from(name);
    let file = File::create(&temporary).map_err(file_error)?;
    let written = write(office, door, fact, format, &file)
        .and_then(|written| put_in_place(&file, &temporary, path).map(|()| written).map_err(file_error));
    if written.is_err() {
        _ = fs::remove_file(&temporary);
    }
    written
}

/// Makes a temporary file durable and gives it its name, so that nobody ever sees a part of it.
///
/// # Errors
/// The file system says no.
pub fn put_in_place(file: &File, temporary: &Path, path: &Path) -> io::Result<()> {
    file.sync_all()?;
    fs::rename(temporary, path)?;
    match path.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => File::open(folder)?.sync_all(),
        _ => File::open(".")?.sync_all(),
    }
}
