//! How a break ends: one side says how, and where money moves the other has to agree.
//!
//! Nothing is moved here. A reversal, a payment posted late or a deposit goes the usual way; what both
//! sides agreed on is kept, for ever and in its order.

use crate::domain::calendar::Timestamp;
use crate::domain::ids::{Id, IdempotencyKey, PartyId};
use crate::store::{BreakStatus, Connection, ResolutionKind, ResolutionRecord, ResolutionSide, StoreError};

/// Things said about one break, at most.
pub const MAX_SAID: usize = 50;

/// What a side says about a break.
#[derive(Clone, Debug)]
pub struct Saying {
    /// The id it gets.
    pub id: Id,
    /// The break.
    pub break_id: Id,
    /// Which side says it.
    pub side: ResolutionSide,
    /// Which party.
    pub party: PartyId,
    /// What it is.
    pub kind: ResolutionKind,
    /// How it is put right; a proposal without it takes the break's own cure.
    pub cure: Option<String>,
    /// Why.
    pub explanation: Option<String>,
    /// Under which key.
    pub key: IdempotencyKey,
    /// The hash of the request.
    pub request_hash: String,
    /// When.
    pub at: Timestamp,
}

/// What came of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Said {
    /// It stands.
    Done(ResolutionRecord),
    /// It stood before.
    Replayed(ResolutionRecord),
    /// The key came before with something else.
    KeyReused,
    /// There is no such break, or it is another party's.
    NotFound,
    /// It cannot be said now.
    NotAllowed {
        /// Where the break stands.
        status: BreakStatus,
        /// Why not.
        reason: Reason,
    },
}

/// Why something cannot be said about a break.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Reason {
    /// There is no proposal to answer.
    NothingProposed,
    /// A proposal waits for its answer.
    AlreadyProposed,
    /// Who proposed does not answer as well.
    OtherSideDecides,
    /// It is settled.
    Resolved,
    /// Too much was said.
    TooManyWords,
}

/// Says something about a break; the caller holds the transaction.
///
/// # Errors
/// The books fail; a conflict when the other side said something at the same moment: say it again.
pub fn say(connection: &mut Connection, saying: &Saying) -> Result<Said, StoreError> {
    if let Some(known) = connection.resolution_by_key(&saying.party, &saying.key)? {
        return Ok(if known.request_hash == saying.request_hash { Said::Replayed(known) } else { Said::KeyReused });
    }
    let Some(found) = connection.breaks(&[saying.break_id])?.pop() else { return Ok(Said::NotFound) };
    if saying.side == ResolutionSide::Partner && found.party != saying.party {
        return Ok(Said::NotFound);
    }
    let said = connection.resolutions(&[saying.break_id])?;
    let status = match next(&said, saying, found.document.money_moves) {
        Ok(status) => status,
        Err((status, reason)) => return Ok(Said::NotAllowed { status, reason }),
    };
    let proposal = saying.kind == ResolutionKind::Propose;
    let record = ResolutionRecord {
        id: saying.id,
        break_id: saying.break_id,
        seq: said.last().map_or(1, |last| last.seq + 1),
        side: saying.side,
        party: saying.party.clone(),
        kind: saying.kind,
        cure: proposal.then(|| saying.cure.clone().unwrap_or(found.document.cure)),
        explanation: saying.explanation.clone(),
        status,
        key: saying.key.clone(),
        request_hash: saying.request_hash.clone(),
        at: saying.at,
    };
    connection.add_resolution(&record)?;
    Ok(Said::Done(record))
}

/// Where a break stands after what was said.
#[must_use]
pub fn status(said: &[ResolutionRecord]) -> BreakStatus {
    said.last().map_or(BreakStatus::Open, |last| last.status)
}

fn next(said: &[ResolutionRecord], saying: &Saying, money_moves: bool) -> Result<BreakStatus, (BreakStatus, Reason)> {
    let status = status(said);
    let own = said.last().is_some_and(|last| last.side == saying.side);
    let refused = |reason| Err((status, reason));
    match (status, saying.kind) {
        (BreakStatus::Resolved, _) => refused(Reason::Resolved),
        (BreakStatus::Open, _) if said.len() >= MAX_SAID => refused(Reason::TooManyWords),
        (BreakStatus::Open, ResolutionKind::Propose) if money_moves => Ok(BreakStatus::Proposed),
        (BreakStatus::Open, ResolutionKind::Propose) => Ok(BreakStatus::Resolved),
        (BreakStatus::Open, _) => refused(Reason::NothingProposed),
        (BreakStatus::Proposed, ResolutionKind::Propose) => refused(Reason::AlreadyProposed),
        (BreakStatus::Proposed, _) if own => refused(Reason::OtherSideDecides),
        (BreakStatus::Proposed, ResolutionKind::Approve) => Ok(BreakStatus::Resolved),
        (BreakStatus::Proposed, ResolutionKind::Reject) => Ok(BreakStatus::Open),
    }
}
