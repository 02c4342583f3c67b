//! Time and ids: the only room that may ask for either.
//!
//! Everything else is handed the instant and the id, so a test can set them and a simulation can
//! repeat them. `clippy.toml` bans the other ways.

use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};

use crate::domain::calendar::Timestamp;
use crate::domain::ids::Id;

/// Who knows what time it is and mints ids.
pub trait Clock: Send + Sync + 'static {
    /// The instant.
    fn now(&self) -> Timestamp;
    /// A new id, later in order than those before it.
    fn id(&self) -> Id;
}

/// The machine's clock.
#[derive(Debug, Default)]
pub struct SystemClock;

impl Clock for SystemClock {
    #[allow(clippy::disallowed_methods, reason = "the one place that may ask the machine")]
    fn now(&self) -> Timestamp {
        let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap_or_default();
        Timestamp::from_micros(i64::try_from(since.as_micros()).unwrap_or(i64::MAX))
    }

    #[allow(clippy::disallowed_methods, reason = "the one place that may draw an id")]
    fn id(&self) -> Id {
        Id::from_bits(uuid::Uuid::now_v7().as_u128())
    }
}

/// A clock that stands until it is moved.
#[derive(Debug)]
pub struct ManualClock {
    now: AtomicI64,
    minted: AtomicU64,
}

impl ManualClock {
    /// A clock that shows this instant.
    #[must_use]
    pub fn at(now: Timestamp) -> Self {
        Self { now: AtomicI64::new(now.micros()), minted: AtomicU64::new(0) }
    }

    /// Shows another instant, earlier ones included.
    pub fn set(&self, now: Timestamp) {
        self.now.store(now.micros(), Ordering::SeqCst);
    }

    /// Goes on by this many minutes.
    pub fn advance_minutes(&self, minutes: i64) {
        self.set(self.now().plus_minutes(minutes));
    }
}

impl Clock for ManualClock {
    fn now(&self) -> Timestamp {
        Timestamp::from_micros(self.now.load(Ordering::SeqCst))
    }

    fn id(&self) -> Id {
        // The layout of a UUIDv7: 48 bits of milliseconds, then version, variant and a counter; the
        // lowest byte stays free for siblings.
        let minted = u128::from(self.minted.fetch_add(1, Ordering::SeqCst));
        let millis = u128::from(self.now().micros().unsigned_abs() / 1000);
        Id::from_bits(millis << 80 | 0x7 << 76 | 0x2 << 62 | (minted & 0x3fff_ffff_ffff) << 8)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_of_either_clock_differ_and_ascend() {
        let manual = ManualClock::at(Timestamp::from_micros(1_764_000_000_000_000));
        let clocks: [&dyn Clock; 2] = [&SystemClock, &manual];
        for clock in clocks {
            let ids: Vec<Id> = (0..1000).map(|_| clock.id()).collect();
            assert!(ids.windows(2).all(|pair| pair[0] < pair[1]));
        }
    }
}
