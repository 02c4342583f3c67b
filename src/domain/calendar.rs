//! Instants and dates, as values. Nobody asks for the time here: `clock.rs` does, and hands it in.

use std::fmt;

use serde::{Deserialize, Serialize};
use time::format_description::well_known::Rfc3339;
use time::{Date, OffsetDateTime, UtcOffset};

use super::text::from_text;

/// An instant, in microseconds since 1970-01-01T00:00:00Z; RFC 3339 in UTC outside.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Timestamp(i64);

/// A calendar day of the utility (`YYYY-MM-DD`).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct BusinessDate(Date);

/// A text that is not a date or an instant.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CalendarError {
    /// Not RFC 3339 with an offset.
    #[error("a time is RFC 3339 with an offset, such as 2026-11-24T09:30:00-05:00")]
    Timestamp,
    /// Not a day of the calendar.
    #[error("a date is YYYY-MM-DD and has to exist")]
    Date,
}

impl Timestamp {
    /// From microseconds since the epoch.
    #[must_use]
    pub const fn from_micros(micros: i64) -> Self {
        Self(micros)
    }

    /// Microseconds since the epoch.
    #[must_use]
    pub const fn micros(self) -> i64 {
        self.0
    }

    /// This many minutes later (earlier when negative).
    #[must_use]
    pub const fn plus_minutes(self, minutes: i64) -> Self {
        Self(self.0.saturating_add(minutes.saturating_mul(60_000_000)))
    }

    /// Whole minutes from `earlier` to here; negative when `earlier` is later.
    #[must_use]
    pub const fn minutes_since(self, earlier: Self) -> i64 {
        (self.0 - earlier.0).div_euclid(60_000_000)
    }

    /// The calendar day at this instant, at an offset of `offset_minutes` from UTC.
    #[must_use]
    pub fn date_at(self, offset_minutes: i16) -> BusinessDate {
        BusinessDate(self.at(offset_minutes).date())
    }

    /// The instant as a calendar time at an offset from UTC.
    #[must_use]
    pub fn at(self, offset_minutes: i16) -> OffsetDateTime {
        let offset = UtcOffset::from_whole_seconds(i32::from(offset_minutes) * 60).unwrap_or(UtcOffset::UTC);
        self.utc().to_offset(offset)
    }

    /// Reads RFC 3339 with an offset.
    ///
    /// # Errors
    /// Anything else.
    pub fn parse(text: &str) -> Result<Self, CalendarError> {
        let at = OffsetDateTime::parse(text, &Rfc3339).map_err(|_| CalendarError::Timestamp)?;
        Ok(Self(at.unix_timestamp() * 1_000_000 + i64::from(at.microsecond())))
    }

    fn utc(self) -> OffsetDateTime {
        let micros = u32::try_from(self.0.rem_euclid(1_000_000)).unwrap_or(0);
        OffsetDateTime::from_unix_timestamp(self.0.div_euclid(1_000_000))
            .and_then(|at| at.replace_microsecond(micros))
            .unwrap_or(OffsetDateTime::UNIX_EPOCH)
    }

    fn text(self) -> Text<27> {
        let at = self.utc();
        let mut text = Text(*b"0000-00-00T00:00:00.000000Z");
        text.put_date(at.date());
        text.put(11, 2, u32::from(at.hour()));
        text.put(14, 2, u32::from(at.minute()));
        text.put(17, 2, u32::from(at.second()));
        text.put(20, 6, at.microsecond());
        text
    }
}

impl fmt::Display for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.text().as_str())
    }
}

impl BusinessDate {
    /// From a calendar day.
    #[must_use]
    pub const fn from_date(date: Date) -> Self {
        Self(date)
    }

    /// The calendar day.
    #[must_use]
    pub const fn date(self) -> Date {
        self.0
    }

    /// As a number, `20261124`: the form in which the store keeps and compares it.
    #[must_use]
    pub fn number(self) -> i32 {
        self.0.year() * 10_000 + i32::from(u8::from(self.0.month())) * 100 + i32::from(self.0.day())
    }

    /// From `20261124`.
    ///
    /// # Errors
    /// A day that does not exist.
    pub fn from_number(number: i32) -> Result<Self, CalendarError> {
        let (year, month, day) = (number / 10_000, number / 100 % 100, number % 100);
        let month = u8::try_from(month).ok().and_then(|m| time::Month::try_from(m).ok()).ok_or(CalendarError::Date)?;
        let day = u8::try_from(day).map_err(|_| CalendarError::Date)?;
        Date::from_calendar_date(year, month, day).map(Self).map_err(|_| CalendarError::Date)
    }

    /// The day after.
    #[must_use]
    pub fn next(self) -> Self {
        Self(self.0.next_day().unwrap_or(Date::MAX))
    }

    /// The month as a number, `202611`.
    #[must_use]
    pub fn month_number(self) -> i32 {
        self.number() / 100
    }

    /// Reads `YYYY-MM-DD`.
    ///
    /// # Errors
    /// Another shape, or a day that does not exist.
    pub fn parse(text: &str) -> Result<Self, CalendarError> {
        let bytes = text.as_bytes();
        let shaped = bytes.len() == 10
            && bytes.iter().enumerate().all(|(i, b)| if i == 4 || i == 7 { *b == b'-' } else { b.is_ascii_digit() });
        if !shaped {
            return Err(CalendarError::Date);
        }
        let digits = bytes.iter().filter(|byte| **byte != b'-');
        Self::from_number(digits.fold(0, |number, digit| number * 10 + i32::from(digit - b'0')))
    }

    fn text(self) -> Text<10> {
        let mut text = Text(*b"0000-00-00");
        text.put_date(self.0);
        text
    }
}

impl fmt::Display for BusinessDate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.text().as_str())
    }
}

/// A text of digits in their places: a billing file and an answer are full of dates, and a formatter
/// takes ten times as long for one.
struct Text<const N: usize>([u8; N]);

impl<const N: usize> Text<N> {
    /// Puts a number's last `places` digits at `from`.
    fn put(&mut self, from: usize, places: usize, mut number: u32) {
        for at in (from..from + places).rev() {
            self.0[at] = b"0123456789"[(number % 10) as usize];
            number /= 10;
        }
    }

    fn put_date(&mut self, date: Date) {
        self.put(0, 4, date.year().unsigned_abs());
        self.put(5, 2, u32::from(u8::from(date.month())));
        self.put(8, 2, u32::from(date.day()));
    }

    fn as_str(&self) -> &str {
        std::str::from_utf8(&self.0).unwrap_or_default()
    }
}

macro_rules! as_text {
    ($name:ident, $what:literal) => {
        impl Serialize for $name {
            fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.serialize_str(self.text().as_str())
            }
        }

        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                from_text(deserializer, $what, Self::parse)
            }
        }
    };
}
as_text!(Timestamp, "a time (RFC 3339 with an offset)");
as_text!(BusinessDate, "a date (YYYY-MM-DD)");

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn times_and_dates_read_what_they_print(micros in 0i64..4_000_000_000_000_000) {
            let at = Timestamp::from_micros(micros);
            let utc = OffsetDateTime::from_unix_timestamp_nanos(i128::from(micros) * 1000).unwrap();
            let other = OffsetDateTime::parse(&at.to_string(), &Rfc3339);
            prop_assert_eq!(other, Ok(utc), "the library reads the same instant");
            prop_assert_eq!(Timestamp::parse(&at.to_string()), Ok(at));
            let date = at.date_at(-300);
            prop_assert_eq!(BusinessDate::parse(&date.to_string()), Ok(date));
            prop_assert_eq!(BusinessDate::from_number(date.number()), Ok(date));
        }
    }

    #[test]
    fn a_day_in_bogota_ends_at_five_in_utc() -> Result<(), CalendarError> {
        let before = Timestamp::parse("2026-11-25T04:59:59Z")?;
        let after = Timestamp::parse("2026-11-25T05:00:00Z")?;
        assert_eq!(before.date_at(-300).to_string(), "2026-11-24");
        assert_eq!(after.date_at(-300).to_string(), "2026-11-25");
        assert_eq!(BusinessDate::parse("2026-02-30"), Err(CalendarError::Date));
        Ok(())
    }
}
