//! Notices: what happened beside the counter and is told all the same. Each is a fact, so that it leaves
//! as everything else does: once, in the commit that made it true.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::calendar::{BusinessDate, Timestamp};
use super::fact::{Body, Fact, Place};
use super::ids::{AccountNumber, Id, PartyId};
use super::money::Money;

/// Breaks that a notice lists, at most: the rest is seen at the reconciliation itself.
pub const MAX_BREAKS: u32 = 50;

/// A client certificate ends soon.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CertificateNotice {
    /// Which.
    pub thumbprint: String,
    /// Whom it names.
    pub subject: String,
    /// When it ends.
    pub not_after: Timestamp,
    /// Within how many days; each number is announced once.
    pub days: u32,
}

/// A reconciliation came to its end.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReconciliationNotice {
    /// Whose file was compared: `partner` or `bank`.
    pub file: String,
    /// The first business date.
    pub from: BusinessDate,
    /// The last business date.
    pub to: BusinessDate,
    /// Differences, old and new.
    pub differences: u64,
    /// Differences that were not known before.
    pub opened: u64,
    /// The first of those.
    pub breaks: Vec<OpenedBreak>,
}

/// A difference that was not known before.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct OpenedBreak {
    /// Its identity.
    pub id: Id,
    /// Why the two sides disagree.
    pub cause: String,
    /// Who has to act.
    pub owner: String,
    /// How much money is in doubt.
    pub amount_at_stake: Money,
    /// The account, where it is about one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub account_number: Option<AccountNumber>,
}

/// The series in which the notices of one certificate are numbered.
#[must_use]
pub fn certificate_series(thumbprint: &str) -> String {
    format!("certificate/{thumbprint}")
}

/// Within how many days an end has to be announced now: the smallest of `days` that is reached and was
/// not announced. One that is over is no news: whoever bears it was let in no more.
#[must_use]
pub fn due(not_after: Timestamp, now: Timestamp, announced: Option<u32>, days: &[u32]) -> Option<u32> {
    let reached = |day: &u32| not_after <= now.plus_minutes(1440 * i64::from(*day));
    let day = days.iter().copied().filter(reached).min().filter(|_| not_after > now)?;
    announced.is_none_or(|before| day < before).then_some(day)
}

/// The fact that a certificate ends soon, after so many notices of the same certificate.
#[must_use]
pub fn certificate(
    id: Id,
    now: Timestamp,
    date: BusinessDate,
    party: PartyId,
    notice: CertificateNotice,
    before: i64,
) -> Arc<Fact> {
    let series = Place { of: certificate_series(&notice.thumbprint), seq: before + 1 };
    Arc::new(Fact { series: Some(series), ..bare(id, now, date, party, Body::CertificateNotice(notice)) })
}

/// The fact that a reconciliation came to its end; it bears the name of the reconciliation, so that
/// the same one is never told twice.
#[must_use]
pub fn reconciliation(run: Id, at: Timestamp, party: PartyId, notice: ReconciliationNotice) -> Arc<Fact> {
    let date = notice.to;
    Arc::new(bare(run, at, date, party, Body::ReconciliationNotice(notice)))
}

fn bare(id: Id, recorded_at: Timestamp, business_date: BusinessDate, party: PartyId, body: Body) -> Fact {
    Fact {
        id,
        recorded_at,
        business_date,
        party,
        collection_point: None,
        account: None,
        series: None,
        request: None,
        ends: None,
        amount: Money::ZERO,
        body,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_end_is_announced_once_for_each_number_of_days() {
        const DAYS: [u32; 4] = [30, 14, 7, 1];
        let end = Timestamp::from_micros(1_795_530_600_000_000);
        let left = |minutes: i64, announced| due(end, end.plus_minutes(-minutes), announced, &DAYS);
        let day = 1440;
        assert_eq!(left(30 * day + 1, None), None);
        assert_eq!(left(30 * day, None), Some(30));
        assert_eq!(left(29 * day, Some(30)), None);
        assert_eq!(left(14 * day, Some(30)), Some(14));
        assert_eq!(left(3 * day, Some(30)), Some(7), "what was slept through is not made up for");
        assert_eq!(left(3 * day, None), Some(7));
        assert_eq!(left(1, Some(7)), Some(1));
        assert_eq!(left(1, Some(1)), None);
        assert_eq!(left(0, Some(7)), None, "it is over");
        assert_eq!(left(-day, None), None);
        assert_eq!(due(end, end.plus_minutes(-1), None, &[]), None);
    }
}
