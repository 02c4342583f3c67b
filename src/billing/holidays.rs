//! Colombian holidays and banking days: pure arithmetic over the calendar.
//!
//! Six holidays stand on their date. Seven more and three that follow Easter move to the Monday
//! after them (Ley 51 de 1983, "Ley Emiliani"); Thursday and Friday before Easter stay. No table of
//! years is kept, so no year is missing.

use time::{Date, Duration, Month, Weekday};

use crate::domain::calendar::BusinessDate;

/// Holidays that stay on their date.
const FIXED: [(Month, u8); 6] = [
    (Month::January, 1),
    (Month::May, 1),
    (Month::July, 20),
    (Month::August, 7),
    (Month::December, 8),
    (Month::December, 25),
];
/// Holidays that move to the next Monday unless they fall on one.
const MOVED: [(Month, u8); 7] = [
    (Month::January, 6),
    (Month::March, 19),
    (Month::June, 29),
    (Month::August, 15),
    (Month::October, 12),
    (Month::November, 1),
    (Month::November, 11),
];
/// Days from Easter Sunday: Holy Thursday and Friday; Ascension, Corpus Christi and Sacred Heart on
/// the Mondays to which they moved.
const AROUND_EASTER: [i64; 5] = [-3, -2, 43, 64, 71];
/// No run of days without a bank is longer than this.
const LONGEST_CLOSURE: usize = 10;

/// Whether a day is a public holiday in Colombia.
#[must_use]
pub fn is_holiday(day: BusinessDate) -> bool {
    let date = day.date();
    let year = date.year();
    let fixed = FIXED.iter().any(|(month, number)| date.month() == *month && date.day() == *number);
    let moved = MOVED
        .iter()
        .filter_map(|(month, number)| Date::from_calendar_date(year, *month, *number).ok())
        .any(|holiday| monday_from(holiday) == date);
    let movable = easter(year).is_some_and(|sunday| AROUND_EASTER.contains(&(date - sunday).whole_days()));
    fixed || moved || movable
}

/// Whether banks take deposits on a day: Monday to Friday, no holiday.
#[must_use]
pub fn is_banking_day(day: BusinessDate) -> bool {
    !matches!(day.date().weekday(), Weekday::Saturday | Weekday::Sunday) && !is_holiday(day)
}

/// The first banking day after a day: by then its cash has to be in the bank.
#[must_use]
pub fn next_banking_day(day: BusinessDate) -> BusinessDate {
    let mut next = day.next();
    for _ in 0..LONGEST_CLOSURE {
        if is_banking_day(next) {
            break;
        }
        next = next.next();
    }
    next
}

fn monday_from(date: Date) -> Date {
    let ahead = (7 - i64::from(date.weekday().number_days_from_monday())) % 7;
    date.saturating_add(Duration::days(ahead))
}

/// Easter Sunday of the Gregorian calendar: the Sunday after the first full moon of spring, by the
/// computus of the anonymous Gregorian method.
fn easter(year: i32) -> Option<Date> {
    let lunar = year % 19;
    let (century, in_century) = (year / 100, year % 100);
    let correction = (8 * century + 13) / 25;
    let moon = (19 * lunar + century - century / 4 - correction + 15) % 30;
    let weekday = (32 + 2 * (century % 4) + 2 * (in_century / 4) - moon - in_century % 4) % 7;
    let late = (lunar + 11 * moon + 22 * weekday) / 451;
    let days = moon + weekday - 7 * late + 114;
    let month = Month::try_from(u8::try_from(days / 31).ok()?).ok()?;
    Date::from_calendar_date(year, month, u8::try_from(days % 31 + 1).ok()?).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The holidays as published for these years.
    const PUBLISHED: [(i32, &[&str]); 3] = [
        (
            2024,
            &[
                "01-01", "01-08", "03-25", "03-28", "03-29", "05-01", "05-13", "06-03", "06-10", "07-01", "07-20",
                "08-07", "08-19", "10-14", "11-04", "11-11", "12-08", "12-25",
            ],
        ),
        (
            2025,
            &[
                "01-01", "01-06", "03-24", "04-17", "04-18", "05-01", "06-02", "06-23", "06-30", "07-20", "08-07",
                "08-18", "10-13", "11-03", "11-17", "12-08", "12-25",
            ],
        ),
        (
            2026,
            &[
                "01-01", "01-12", "03-23", "04-02", "04-03", "05-01", "05-18", "06-08", "06-15", "06-29", "07-20",
                "08-07", "08-17", "10-12", "11-02", "11-16", "12-08", "12-25",
            ],
        ),
    ];

    #[test]
    fn the_holidays_of_known_years_are_as_published() {
        for (year, published) in PUBLISHED {
            let mut day = BusinessDate::parse(&format!("{year}-01-01")).unwrap();
            let mut found = Vec::new();
            while day.date().year() == year {
                if is_holiday(day) {
                    found.push(day.to_string()[5..].to_owned());
                }
                day = day.next();
            }
            assert_eq!(found, published, "{year}");
        }
    }

    #[test]
    fn easter_falls_where_it_fell() {
        for (year, expected) in [(1999, "04-04"), (2008, "03-23"), (2011, "04-24"), (2038, "04-25"), (2049, "04-18")] {
            let sunday = BusinessDate::from_date(easter(year).unwrap());
            assert_eq!(sunday.to_string(), format!("{year}-{expected}"));
        }
    }

    #[test]
    fn cash_of_a_long_weekend_goes_to_the_bank_after_it() {
        for (taken, deposited) in [
            ("2026-11-26", "2026-11-27"),
            ("2026-11-27", "2026-11-30"),
            ("2026-10-30", "2026-11-03"),
            ("2026-04-01", "2026-04-06"),
            ("2026-12-31", "2027-01-04"),
        ] {
            let taken = BusinessDate::parse(taken).unwrap();
            assert_eq!(next_banking_day(taken).to_string(), deposited, "{taken}");
        }
    }
}
