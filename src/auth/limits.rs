//! How often a party may call: one bucket for each party and kind of call.
//!
//! A bucket keeps the instant at which it would be full again (the generic cell rate algorithm), so it
//! is one number and nothing has to be refilled. Time is handed in.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use crate::config;
use crate::domain::calendar::Timestamp;
use crate::domain::ids::PartyId;

/// Parties whose buckets are kept at once; there is a handful, so only a fault reaches it.
const MAX_PARTIES: usize = 10_000;
/// Kinds of calls.
const KINDS: usize = 3;
const WINDOW_MICROS: i64 = 60_000_000;

/// What is counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Kind {
    /// Any call.
    Requests,
    /// A look-up of an account.
    Lookups,
    /// A look-up of an account that does not exist: account numbers can be guessed.
    UnknownAccounts,
}

/// How a bucket stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Standing {
    /// What is counted.
    pub kind: Kind,
    /// Calls in a minute.
    pub quota: u32,
    /// Calls left now.
    pub remaining: u32,
    /// Seconds until the bucket is full again; when refused, until the next call.
    pub seconds: u64,
    /// The call may go on.
    pub allowed: bool,
}

/// The buckets of all parties.
#[derive(Debug)]
pub struct Limits {
    quotas: config::Limits,
    full_at: Mutex<HashMap<PartyId, [i64; KINDS]>>,
}

impl Kind {
    /// The word in the headers.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Requests => "requests",
            Self::Lookups => "lookups",
            Self::UnknownAccounts => "unknown-accounts",
        }
    }
}

impl Standing {
    /// The `RateLimit-Policy` header.
    #[must_use]
    pub fn policy(&self) -> String {
        format!("\"{}\";q={};w=60", self.kind.as_str(), self.quota)
    }

    /// The `RateLimit` header.
    #[must_use]
    pub fn state(&self) -> String {
        format!("\"{}\";r={};t={}", self.kind.as_str(), self.remaining, self.seconds)
    }
}

impl Limits {
    /// Full buckets.
    #[must_use]
    pub fn new(quotas: config::Limits) -> Self {
        Self { quotas, full_at: Mutex::new(HashMap::new()) }
    }

    /// Counts a call.
    pub fn take(&self, party: &PartyId, kind: Kind, now: Timestamp) -> Standing {
        self.look(party, kind, now, true)
    }

    /// Says whether a call would be let through, and counts nothing.
    pub fn peek(&self, party: &PartyId, kind: Kind, now: Timestamp) -> Standing {
        self.look(party, kind, now, false)
    }

    fn look(&self, party: &PartyId, kind: Kind, now: Timestamp, take: bool) -> Standing {
        let quota = self.quota(kind);
        // The finest grain of time there is; a larger quota is as good as none.
        let cost = (WINDOW_MICROS / i64::from(quota)).max(1);
        let mut buckets = self.full_at.lock().unwrap_or_else(PoisonError::into_inner);
        if buckets.len() >= MAX_PARTIES {
            buckets.retain(|_, full_at| full_at.iter().any(|full_at| *full_at > now.micros()));
        }
        let bucket = match buckets.get_mut(party) {
            Some(kinds) => kinds,
            // Copies the name at a party's first call only.
            None => buckets.entry(party.clone()).or_default(),
        };
        let bucket = &mut bucket[kind as usize];
        let full_at = (*bucket).max(now.micros());
        // A clock that went back must not shut a party out.
        let full_at = if full_at - now.micros() > WINDOW_MICROS { now.micros() } else { full_at };
        let after = full_at + cost;
        let allowed = after - now.micros() <= WINDOW_MICROS;
        let stands = if allowed && take { after } else { full_at };
        if allowed && take {
            *bucket = after;
        }
        let used = stands - now.micros();
        let waits = if allowed { used } else { after - now.micros() - WINDOW_MICROS };
        Standing {
            kind,
            quota,
            remaining: u32::try_from((WINDOW_MICROS - used) / cost).unwrap_or(0),
            seconds: u64::try_from(waits).unwrap_or(0).div_ceil(1_000_000),
            allowed,
        }
    }

    fn quota(&self, kind: Kind) -> u32 {
        let quota = match kind {
            Kind::Requests => self.quotas.requests_per_minute,
            Kind::Lookups => self.quotas.lookups_per_minute,
            Kind::UnknownAccounts => self.quotas.unknown_accounts_per_minute,
        };
        quota.max(1)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_quota_beyond_the_grain_of_time_lets_everybody_through() {
        let quotas = config::Limits {
            lookups_per_minute: u32::MAX,
            unknown_accounts_per_minute: u32::MAX,
            requests_per_minute: u32::MAX,
        };
        let limits = Limits::new(quotas);
        let now = Timestamp::from_micros(1_764_000_000_000_000);
        assert!((0..1000).all(|_| limits.take(&PartyId::new("a"), Kind::Requests, now).allowed));
    }

    #[test]
    fn a_bucket_empties_refills_and_survives_a_clock_that_goes_back() {
        let quotas = config::Limits { lookups_per_minute: 3, unknown_accounts_per_minute: 1, requests_per_minute: 9 };
        let (limits, party) = (Limits::new(quotas), PartyId::new("a"));
        let start = Timestamp::from_micros(1_000_000_000_000);
        let take = |now| limits.take(&party, Kind::Lookups, now);
        assert_eq!(
            [take(start), take(start), take(start)].map(|s| (s.allowed, s.remaining)),
            [(true, 2), (true, 1), (true, 0)]
        );
        let refused = take(start);
        assert!(!refused.allowed && refused.seconds == 20, "{refused:?}");
        assert!(limits.take(&PartyId::new("b"), Kind::Lookups, start).allowed, "another party has its own");
        assert!(take(Timestamp::from_micros(start.micros() + 20_000_000)).allowed);
        assert!(take(start.plus_minutes(-600)).allowed);
    }
}
