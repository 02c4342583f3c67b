//! When to try again, and when to give up. Pure: the same attempt always gets the same verdict.
//!
//! The spread between deliveries is drawn from the delivery's id and the number of the attempt, so a
//! replayed simulation repeats it, and a thousand deliveries that failed together do not come back
//! together.

use std::fmt;

use time::format_description::well_known::Rfc2822;
use time::macros::format_description;
use time::{OffsetDateTime, PrimitiveDateTime};

use crate::domain::calendar::Timestamp;
use crate::domain::ids::Id;

/// Seconds to wait before each attempt: at once, then 5 s, 1 min, 5 min, 30 min, 2 h, 6 h, 14 h, 24 h, 24 h.
pub const DEFAULT_DELAYS_SECONDS: [u32; 10] = [0, 5, 60, 300, 1_800, 7_200, 21_600, 50_400, 86_400, 86_400];
/// How far a wait may be from the one in the list, in percent of it.
pub const DEFAULT_JITTER_PERCENT: u32 = 10;
/// The longest wait that an answer may ask for with `Retry-After`, in seconds.
pub const DEFAULT_RETRY_AFTER_MAX_SECONDS: u32 = 21_600;
/// The most attempts a schedule may have.
pub const MAX_ATTEMPTS: usize = 50;
/// The longest wait a schedule may hold, in seconds: a week.
pub const MAX_DELAY_SECONDS: u32 = 7 * 86_400;
/// The widest spread, in percent.
pub const MAX_JITTER_PERCENT: u32 = 50;

/// The waits between attempts, checked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Schedule {
    delays: Vec<u32>,
    jitter_percent: u32,
    retry_after_max: u32,
}

/// Why a list of waits is no schedule.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ScheduleError {
    /// None, or more than [`MAX_ATTEMPTS`].
    #[error("a schedule has 1 to {MAX_ATTEMPTS} attempts, not {0}")]
    Attempts(usize),
    /// Longer than [`MAX_DELAY_SECONDS`].
    #[error("a wait is at most {MAX_DELAY_SECONDS} seconds, not {0}")]
    Delay(u32),
    /// Shorter than the one before.
    #[error("waits do not become shorter: {1} comes after {0}")]
    Order(u32, u32),
    /// More than [`MAX_JITTER_PERCENT`].
    #[error("the spread is at most {MAX_JITTER_PERCENT} percent, not {0}")]
    Jitter(u32),
}

/// How an attempt ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// An answer came.
    Answered {
        /// Its status code.
        status: u16,
        /// What its `Retry-After` asks for.
        retry_after: Option<RetryAfter>,
    },
    /// None came: no address, no connection, no trust, no time left, or no HTTP.
    NoAnswer,
}

/// The wait that an answer asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RetryAfter {
    /// This many seconds.
    Seconds(u32),
    /// Until this instant.
    At(Timestamp),
}

/// What becomes of a delivery after an attempt.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// The receiver has it.
    Delivered,
    /// Try again, not earlier than this.
    RetryAt(Timestamp),
    /// The last attempt failed: list it, and wait for someone to replay it.
    Dead(Failure),
    /// The receiver wants nothing more: this delivery is dead and its endpoint gets no other.
    DisableEndpoint(Failure),
}

/// Why an attempt did not deliver.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Failure {
    /// An answer that is neither success nor redirection.
    Status(u16),
    /// A redirection; none is followed, since the address was never checked.
    Redirected(u16),
    /// The address is gone for ever (410).
    Gone,
    /// No answer.
    NoAnswer,
}

impl Schedule {
    /// From the seconds to wait before each attempt, the spread in percent, and the longest
    /// `Retry-After` that is obeyed, in seconds.
    ///
    /// # Errors
    /// Too few, too many, too long or shrinking waits; too wide a spread.
    pub fn new(delays: Vec<u32>, jitter_percent: u32, retry_after_max: u32) -> Result<Self, ScheduleError> {
        if delays.is_empty() || delays.len() > MAX_ATTEMPTS {
            return Err(ScheduleError::Attempts(delays.len()));
        }
        if let Some(long) = delays.iter().chain([&retry_after_max]).find(|delay| **delay > MAX_DELAY_SECONDS) {
            return Err(ScheduleError::Delay(*long));
        }
        if let Some(pair) = delays.windows(2).find(|pair| pair[0] > pair[1]) {
            return Err(ScheduleError::Order(pair[0], pair[1]));
        }
        if jitter_percent > MAX_JITTER_PERCENT {
            return Err(ScheduleError::Jitter(jitter_percent));
        }
        Ok(Self { delays, jitter_percent, retry_after_max })
    }

    /// How many attempts there are.
    #[must_use]
    pub fn attempts(&self) -> u32 {
        // At most MAX_ATTEMPTS, so the conversion never saturates.
        u32::try_from(self.delays.len()).unwrap_or(u32::MAX)
    }

    /// When to make the first attempt of a delivery ordered at `now`.
    #[must_use]
    pub fn first(&self, now: Timestamp, delivery: Id) -> Timestamp {
        self.after(now, 0, delivery, None)
    }

    /// What becomes of the delivery `delivery` whose attempt number `attempt` (from 1) ended so at `now`.
    #[must_use]
    pub fn next(&self, attempt: u32, outcome: Outcome, now: Timestamp, delivery: Id) -> Verdict {
        let failure = match outcome {
            Outcome::Answered { status: 200..=299, .. } => return Verdict::Delivered,
            Outcome::Answered { status: 410, .. } => return Verdict::DisableEndpoint(Failure::Gone),
            Outcome::Answered { status: status @ 300..=399, .. } => Failure::Redirected(status),
            Outcome::Answered { status, .. } => Failure::Status(status),
            Outcome::NoAnswer => Failure::NoAnswer,
        };
        if attempt >= self.attempts() {
            return Verdict::Dead(failure);
        }
        let asked = match outcome {
            Outcome::Answered { status: 429 | 503, retry_after } => retry_after,
            _ => None,
        };
        Verdict::RetryAt(self.after(now, attempt, delivery, asked))
    }

    /// The later of what the list says and what the answer asks for: an endpoint that always asks for
    /// nothing must not use its ten attempts up within a second.
    fn after(&self, now: Timestamp, attempt: u32, delivery: Id, asked: Option<RetryAfter>) -> Timestamp {
        let listed = self.delays.get(attempt as usize).copied().unwrap_or(MAX_DELAY_SECONDS);
        let listed = i64::from(listed) * MICROS;
        let spread = listed / 100 * i64::from(self.jitter_percent);
        let chance = draw(delivery, attempt);
        let wait = listed - spread + share(2 * spread, chance);
        let asked = asked.map_or(0, |asked| asked.micros_from(now).clamp(0, i64::from(self.retry_after_max) * MICROS));
        // Spread a wait that was asked for as well, but never below it.
        let asked = asked + share(asked / 100 * i64::from(self.jitter_percent), chance);
        Timestamp::from_micros(now.micros().saturating_add(wait.max(asked)))
    }
}

impl Default for Schedule {
    fn default() -> Self {
        Self {
            delays: DEFAULT_DELAYS_SECONDS.to_vec(),
            jitter_percent: DEFAULT_JITTER_PERCENT,
            retry_after_max: DEFAULT_RETRY_AFTER_MAX_SECONDS,
        }
    }
}

impl RetryAfter {
    /// Reads the value of a `Retry-After` header: seconds, or an HTTP date in any of its three forms
    /// (RFC 9110). Anything else is as if the header were absent.
    #[must_use]
    pub fn parse(value: &str) -> Option<Self> {
        let value = value.trim();
        if !value.is_empty() && value.bytes().all(|byte| byte.is_ascii_digit()) {
            // A number beyond u32 means "very long", and a maximum applies to it anyway.
            return Some(Self::Seconds(value.parse().unwrap_or(u32::MAX)));
        }
        let at = http_date(value)?;
        Some(Self::At(Timestamp::from_micros(at.unix_timestamp().saturating_mul(MICROS))))
    }

    fn micros_from(self, now: Timestamp) -> i64 {
        match self {
            Self::Seconds(seconds) => i64::from(seconds) * MICROS,
            Self::At(at) => at.micros().saturating_sub(now.micros()),
        }
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Status(status) => write!(f, "the receiver answered {status}"),
            Self::Redirected(status) => write!(f, "the receiver answered {status}, and redirections are not followed"),
            Self::Gone => f.write_str("the receiver answered 410: nothing more is wanted here"),
            Self::NoAnswer => f.write_str("the receiver gave no answer"),
        }
    }
}

const MICROS: i64 = 1_000_000;

/// Sixteen even bits from what names the attempt: the finisher of SplitMix64.
fn draw(delivery: Id, attempt: u32) -> u16 {
    let bits = delivery.bits();
    let mut state = (bits >> 64) as u64 ^ (bits as u64).rotate_left(32);
    state = state.wrapping_add(0x9e37_79b9_7f4a_7c15u64.wrapping_mul(u64::from(attempt) + 1));
    state = (state ^ (state >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    state = (state ^ (state >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    (state ^ (state >> 31)) as u16
}

/// The part of `whole` that lies where `chance` lies in its range; waits are far too short to overflow.
fn share(whole: i64, chance: u16) -> i64 {
    whole * i64::from(chance) / i64::from(u16::MAX)
}

fn http_date(value: &str) -> Option<OffsetDateTime> {
    let asctime = format_description!(
        "[weekday repr:short] [month repr:short] [day padding:space] [hour]:[minute]:[second] [year]"
    );
    if let Some(rest) = value.strip_suffix(" GMT") {
        return OffsetDateTime::parse(value, &Rfc2822).ok().or_else(|| rfc850(rest));
    }
    PrimitiveDateTime::parse(value, asctime).ok().map(PrimitiveDateTime::assume_utc)
}

/// `Sunday, 06-Nov-94 08:49:37`: two digits of the year, of which every year of ours is after 2000.
fn rfc850(value: &str) -> Option<OffsetDateTime> {
    let shape = format_description!("[day]-[month repr:short]-[year] [hour]:[minute]:[second]");
    let (weekday, rest) = value.split_once(", ")?;
    let (day_and_month, rest) = rest.split_at_checked(7)?;
    if !weekday.ends_with("day") {
        return None;
    }
    PrimitiveDateTime::parse(&format!("{day_and_month}20{rest}"), shape).ok().map(PrimitiveDateTime::assume_utc)
}

#[cfg(test)]
#[path = "schedule_tests.rs"]
mod tests;
