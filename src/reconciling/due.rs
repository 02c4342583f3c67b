//! By when the cash of a business date has to be in the bank.

use crate::domain::calendar::BusinessDate;

/// The rule that says by when: from the day on which cash was taken to the last day that is on time.
pub type DueDate = fn(BusinessDate) -> BusinessDate;

/// The next day from Monday to Friday.
#[must_use]
pub fn next_weekday(day: BusinessDate) -> BusinessDate {
    let mut next = day.next();
    while next.date().weekday().number_days_from_monday() > 4 {
        next = next.next();
    }
    next
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_taken_on_a_friday_is_due_on_monday() {
        let day = |text| BusinessDate::parse(text).unwrap();
        for (taken, due) in [("2026-11-24", "2026-11-25"), ("2026-11-27", "2026-11-30"), ("2026-11-28", "2026-11-30")] {
            assert_eq!(next_weekday(day(taken)), day(due));
        }
    }
}
