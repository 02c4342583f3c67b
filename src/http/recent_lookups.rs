//! What each collection point looked up in the last minutes, to notice a slip of the finger.
//!
//! In memory only, bounded, and forgotten with the process: it warns, it decides nothing.

use std::collections::{HashMap, VecDeque};
use std::sync::{Mutex, PoisonError};

use crate::domain::calendar::Timestamp;
use crate::domain::ids::{AccountNumber, CollectionPointId};
use crate::domain::near_miss::is_near_miss;

/// Look-ups remembered of one collection point, at most.
const MOST_OF_A_POINT: usize = 32;
/// Collection points remembered, at most.
const MOST_POINTS: usize = 10_000;

/// The look-ups of all collection points.
#[derive(Debug, Default)]
pub struct RecentLookups(Mutex<HashMap<CollectionPointId, VecDeque<(AccountNumber, Timestamp)>>>);

impl RecentLookups {
    /// Remembers a look-up, and gives the latest earlier one of this point within `minutes` that is
    /// one slip of the finger away, with when it was made.
    pub fn remember(
        &self,
        point: &CollectionPointId,
        number: &AccountNumber,
        now: Timestamp,
        minutes: u32,
    ) -> Option<(AccountNumber, Timestamp)> {
        let mut points = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if points.len() >= MOST_POINTS && !points.contains_key(point) {
            points.clear();
        }
        let recent = points.entry(point.clone()).or_default();
        let oldest = now.plus_minutes(-i64::from(minutes));
        recent.retain(|(earlier, at)| *at > oldest && earlier != number);
        let near = recent.iter().rev().find(|(earlier, _)| is_near_miss(earlier.as_str(), number.as_str())).cloned();
        if recent.len() == MOST_OF_A_POINT {
            recent.pop_front();
        }
        recent.push_back((number.clone(), now));
        near
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_slip_is_noticed_at_the_same_point_and_for_some_minutes_only() {
        let recent = RecentLookups::default();
        let (here, there) = (CollectionPointId::new("a-01"), CollectionPointId::new("a-02"));
        let (meant, typed) = (AccountNumber::new("000123456"), AccountNumber::new("000123465"));
        let at = Timestamp::from_micros(1_764_000_000_000_000);
        assert_eq!(recent.remember(&here, &meant, at, 10), None);
        assert_eq!(recent.remember(&there, &typed, at, 10), None, "another counter");
        assert_eq!(recent.remember(&here, &typed, at.plus_minutes(9), 10), Some((meant.clone(), at)));
        assert_eq!(recent.remember(&here, &typed, at.plus_minutes(9), 10), Some((meant, at)), "and again");
        assert_eq!(recent.remember(&here, &typed, at.plus_minutes(30), 10), None, "long ago");
    }
}
