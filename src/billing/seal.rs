//! Sealing collection batches: by hand up to a named date, and by itself once a date is over.
//!
//! Every business date with money in it gets a batch of its own, because a collection file has one
//! collection date; dates without money go into the batch that follows them. What is sealed already
//! stays as it is: to seal it again answers the same batch.

use std::sync::Arc;
use std::time::Duration;

use tokio::runtime::Handle;
use tokio::time::MissedTickBehavior;

use super::Office;
use super::door::{Door, WriterDoor};
use crate::domain::calendar::BusinessDate;
use crate::domain::command::{BatchContents, Command, PartyKind, Seal};
use crate::domain::decide::Outcome;
use crate::domain::fact::{BatchSeal, Body, Fact};
use crate::domain::ids::PartyId;
use crate::posting::{Posting, SubmitError};
use crate::store::{BatchFilter, Connection, StoreError};

/// How many files a partner can have on one day: the modifier is a letter or a digit.
pub const MAX_BATCHES_A_DAY: u32 = 36;
/// Batches looked at together.
const PAGE: u32 = 100;

/// Why a date is not sealed.
#[derive(Debug, thiserror::Error)]
pub enum SealError {
    /// Nobody of this name takes money.
    #[error("{0} is no partner")]
    NotAPartner(PartyId),
    /// The date has not come yet.
    #[error("{date} has not begun: {today} is the last business date that can be sealed")]
    NotBegun {
        /// The date.
        date: BusinessDate,
        /// The business date of now.
        today: BusinessDate,
    },
    /// The day's file modifiers are used up.
    #[error("{partner} has {MAX_BATCHES_A_DAY} batches of today, and no file can bear another modifier")]
    DayIsFull {
        /// Whose.
        partner: PartyId,
    },
    /// The writer has no answer.
    #[error(transparent)]
    Writer(#[from] SubmitError),
    /// The books have no answer.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// What sealing brought.
#[derive(Clone, Debug)]
pub struct Sealed {
    /// New batches, in the order of their dates; or the one that held the date already.
    pub batches: Vec<Arc<Fact>>,
    /// Nothing new: the date was sealed before.
    pub already: bool,
}

/// A batch's seal.
#[must_use]
pub fn seal_of(fact: &Fact) -> Option<&BatchSeal> {
    match &fact.body {
        Body::BatchSeal(seal) => Some(seal),
        _ => None,
    }
}

/// Seals a partner's business dates up to one, today's at the latest. Blocks: not for futures.
///
/// # Errors
/// No partner of this name, a date that has not begun, or no answer.
pub fn seal(office: &Office, door: &impl Door, partner: &PartyId, through: BusinessDate) -> Result<Sealed, SealError> {
    let mut conn = office.store.connect()?;
    let known = conn.party(partner)?.filter(|party| party.kind == PartyKind::Partner);
    known.ok_or_else(|| SealError::NotAPartner(partner.clone()))?;
    let today = office.policy.business_date(office.clock.now());
    let mut batches = Vec::new();
    loop {
        let sealed = sealed_through(&mut conn, partner)?;
        if sealed.is_some_and(|sealed| sealed >= through) {
            if !batches.is_empty() {
                return Ok(Sealed { batches, already: false });
            }
            let holding = batch_of(&mut conn, partner, through)?.into_iter().collect();
            return Ok(Sealed { batches: holding, already: true });
        }
        if through > today {
            return Err(SealError::NotBegun { date: through, today });
        }
        day_has_room(office, &mut conn, partner)?;
        // The first date that holds money goes by itself; without any, all of them go together.
        let contents = conn.batch_contents(partner, sealed, through)?;
        let date = contents.first.map_or(through, |first| first.min(through));
        let seal = Seal { partner: partner.clone(), through: date, contents: BatchContents::default() };
        match door.submit(office.request(Command::Seal(seal)))? {
            Outcome::Done(facts) => batches.extend(facts),
            // Another gateway was faster, or the clock went back over midnight meanwhile.
            Outcome::Replayed(_) | Outcome::Rejected(_) => {
                if sealed_through(&mut conn, partner)? == sealed {
                    return Err(SealError::NotBegun { date, today });
                }
            }
        }
    }
}

/// Seals every partner's business dates before today's, and says which batches came of it.
///
/// A partner whose dates cannot be sealed does not keep the others waiting.
///
/// # Errors
/// The register of parties has no answer.
pub fn seal_what_is_over(office: &Office, door: &impl Door) -> Result<Vec<Arc<Fact>>, SealError> {
    let today = office.policy.business_date(office.clock.now());
    let Some(yesterday) = today.date().previous_day().map(BusinessDate::from_date) else { return Ok(Vec::new()) };
    let mut conn = office.store.connect()?;
    let mut batches = Vec::new();
    for party in conn.parties()?.into_iter().filter(|party| party.kind == PartyKind::Partner) {
        let sealed = sealed_through(&mut conn, &party.id)?;
        let began = sealed.is_some() || conn.batch_contents(&party.id, None, yesterday)?.first.is_some();
        if !began || sealed.is_some_and(|sealed| sealed >= yesterday) {
            continue;
        }
        match seal(office, door, &party.id, yesterday) {
            Ok(sealed) if sealed.already => {}
            Ok(sealed) => batches.extend(sealed.batches),
            Err(error) => tracing::warn!(partner = %party.id, %error, "business dates were not sealed"),
        }
    }
    Ok(batches)
}

/// Seals what is over, again and again; never ends by itself. It takes no input and may be stopped anywhere.
pub async fn keep_sealed(office: Office, posting: Posting) {
    let mut ticks = tokio::time::interval(Duration::from_secs(office.settings.seal_scan_seconds));
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        ticks.tick().await;
        let (office, door) = (office.clone(), WriterDoor::new(posting.clone(), Handle::current()));
        match tokio::task::spawn_blocking(move || seal_what_is_over(&office, &door)).await {
            Ok(Ok(batches)) => {
                for batch in batches {
                    tracing::info!(batch = batch.public_id(), partner = %batch.party, "business dates were sealed");
                }
            }
            Ok(Err(error)) => tracing::warn!(%error, "business dates could not be looked through"),
            Err(error) => tracing::error!(%error, "sealing broke off"),
        }
    }
}

/// The last business date of a partner that is closed for ever.
fn sealed_through(conn: &mut Connection, partner: &PartyId) -> Result<Option<BusinessDate>, StoreError> {
    let latest = conn.batches(&BatchFilter { partner: Some(partner.clone()), after: None, limit: 1 })?;
    Ok(latest.first().and_then(|fact| seal_of(fact)).map(|seal| seal.through))
}

/// The batch that holds a partner's business date.
///
/// # Errors
/// The books have no answer.
pub fn batch_of(conn: &mut Connection, partner: &PartyId, date: BusinessDate) -> Result<Option<Arc<Fact>>, StoreError> {
    let mut filter = BatchFilter { partner: Some(partner.clone()), after: None, limit: PAGE };
    loop {
        let page = conn.batches(&filter)?;
        let Some(last) = page.last().map(|fact| fact.id) else { return Ok(None) };
        filter.after = Some(last);
        for fact in page {
            match seal_of(&fact) {
                Some(seal) if seal.from <= date && date <= seal.through => return Ok(Some(fact)),
                Some(seal) if seal.through < date => return Ok(None),
                _ => {}
            }
        }
    }
}

fn day_has_room(office: &Office, conn: &mut Connection, partner: &PartyId) -> Result<(), SealError> {
    let today = office.policy.calendar_date(office.clock.now());
    let latest =
        conn.batches(&BatchFilter { partner: Some(partner.clone()), after: None, limit: MAX_BATCHES_A_DAY })?;
    let of_today = latest.iter().filter(|fact| office.policy.calendar_date(fact.recorded_at) == today).count();
    if of_today < MAX_BATCHES_A_DAY as usize {
        return Ok(());
    }
    Err(SealError::DayIsFull { partner: partner.clone() })
}

/// Which of its day's batches a partner's batch is, from 0.
///
/// # Errors
/// The books have no answer.
pub fn ordinal_of_day(office: &Office, conn: &mut Connection, batch: &Fact) -> Result<u8, StoreError> {
    let day = office.policy.calendar_date(batch.recorded_at);
    let earlier = BatchFilter { partner: Some(batch.party.clone()), after: Some(batch.id), limit: MAX_BATCHES_A_DAY };
    let same_day = |fact: &&Arc<Fact>| office.policy.calendar_date(fact.recorded_at) == day;
    let count = conn.batches(&earlier)?.iter().filter(same_day).count();
    Ok(u8::try_from(count).unwrap_or(u8::MAX))
}
