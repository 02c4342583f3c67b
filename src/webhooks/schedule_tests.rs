//! The schedule, answer by answer and from the first attempt to the last.

use super::*;
use proptest::prelude::*;

const NOW: Timestamp = Timestamp::from_micros(1_795_530_600_000_000);
const DELIVERY: Id = Id::from_bits(0x0192_f0c1_2345_7abc_8def_0123_4567_89ab);
const HOUR: i64 = 3_600 * MICROS;

fn answered(status: u16) -> Outcome {
    Outcome::Answered { status, retry_after: None }
}

fn wait(verdict: Verdict) -> i64 {
    match verdict {
        Verdict::RetryAt(at) => at.micros() - NOW.micros(),
        other => panic!("no retry: {other:?}"),
    }
}

#[test]
fn each_answer_has_its_verdict() {
    let schedule = Schedule::default();
    for status in [200, 201, 202, 204, 299] {
        assert_eq!(schedule.next(10, answered(status), NOW, DELIVERY), Verdict::Delivered);
    }
    for attempt in [1, 10] {
        let verdict = schedule.next(attempt, answered(410), NOW, DELIVERY);
        assert_eq!(verdict, Verdict::DisableEndpoint(Failure::Gone));
    }
    for status in [100, 199, 300, 301, 307, 308, 400, 401, 404, 409, 429, 500, 503, 599, 999] {
        assert!(wait(schedule.next(9, answered(status), NOW, DELIVERY)) > 21 * HOUR, "{status}");
    }
    assert_eq!(schedule.next(10, answered(500), NOW, DELIVERY), Verdict::Dead(Failure::Status(500)));
    assert_eq!(schedule.next(10, answered(308), NOW, DELIVERY), Verdict::Dead(Failure::Redirected(308)));
    assert_eq!(schedule.next(11, Outcome::NoAnswer, NOW, DELIVERY), Verdict::Dead(Failure::NoAnswer));
}

#[test]
fn retry_after_is_obeyed_up_to_its_maximum_and_for_two_answers_only() {
    let schedule = Schedule::default();
    let after = |status, retry_after| {
        wait(schedule.next(1, Outcome::Answered { status, retry_after: Some(retry_after) }, NOW, DELIVERY))
    };
    for status in [429, 503] {
        let asked = after(status, RetryAfter::Seconds(3_600));
        assert!((HOUR..=HOUR * 11 / 10).contains(&asked), "{asked}");
        let until = after(status, RetryAfter::At(NOW.plus_minutes(60)));
        assert_eq!(until, asked);
        let long = after(status, RetryAfter::Seconds(u32::MAX));
        assert!((6 * HOUR..=HOUR * 66 / 10).contains(&long), "{long}");
        assert!(after(status, RetryAfter::Seconds(0)) >= 4 * MICROS, "never earlier than the list says");
        assert!(after(status, RetryAfter::At(Timestamp::from_micros(i64::MIN))) >= 4 * MICROS);
    }
    assert!(after(500, RetryAfter::Seconds(3_600)) < 6 * MICROS);
}

#[test]
fn retry_after_is_read_in_all_its_forms() {
    let date = RetryAfter::At(Timestamp::parse("2094-11-06T08:49:37Z").unwrap());
    let cases = [
        ("0", Some(RetryAfter::Seconds(0))),
        (" 120 ", Some(RetryAfter::Seconds(120))),
        ("99999999999999999999", Some(RetryAfter::Seconds(u32::MAX))),
        ("Sat, 06 Nov 2094 08:49:37 GMT", Some(date)),
        ("Saturday, 06-Nov-94 08:49:37 GMT", Some(date)),
        ("Sat Nov  6 08:49:37 2094", Some(date)),
        ("", None),
        ("-1", None),
        ("1.5", None),
        ("+7", None),
        ("soon", None),
        ("Sat, 31 Feb 2094 08:49:37 GMT", None),
        ("2094-11-06T08:49:37Z", None),
        ("ñandú, 06 GMT", None),
    ];
    for (value, expected) in cases {
        assert_eq!(RetryAfter::parse(value), expected, "{value:?}");
    }
}

#[test]
fn what_is_no_schedule_is_refused() {
    let new = |delays: Vec<u32>| Schedule::new(delays, 10, 60).err();
    assert_eq!(new(vec![]), Some(ScheduleError::Attempts(0)));
    assert_eq!(new(vec![0; MAX_ATTEMPTS + 1]), Some(ScheduleError::Attempts(51)));
    assert_eq!(new(vec![0, MAX_DELAY_SECONDS + 1]), Some(ScheduleError::Delay(604_801)));
    assert_eq!(new(vec![0, 9, 8]), Some(ScheduleError::Order(9, 8)));
    assert_eq!(Schedule::new(vec![0], 51, 60), Err(ScheduleError::Jitter(51)));
    assert_eq!(Schedule::new(vec![0], 10, u32::MAX), Err(ScheduleError::Delay(u32::MAX)));
    let default = Schedule::default();
    let again = Schedule::new(default.delays.clone(), default.jitter_percent, default.retry_after_max);
    assert_eq!(again, Ok(default), "the defaults are a schedule themselves");
}

/// Plays a delivery that fails to the end: the instants of its attempts.
fn play(schedule: &Schedule, outcome: Outcome, delivery: Id) -> Vec<Timestamp> {
    let mut at = schedule.first(NOW, delivery);
    let mut attempts = vec![at];
    while let Verdict::RetryAt(next) = schedule.next(attempts.len() as u32, outcome, at, delivery) {
        at = next;
        attempts.push(at);
    }
    attempts
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(128))]

    #[test]
    fn ten_attempts_take_about_three_days(bits: u128) {
        let attempts = play(&Schedule::default(), Outcome::NoAnswer, Id::from_bits(bits));
        prop_assert_eq!(attempts.len(), 10);
        prop_assert_eq!(attempts[0], NOW);
        prop_assert!(attempts.windows(2).all(|pair| pair[0] < pair[1]));
        let total = attempts[9].micros() - NOW.micros();
        prop_assert!((63 * HOUR..=78 * HOUR).contains(&total), "{} hours", total / HOUR);
        prop_assert_eq!(play(&Schedule::default(), Outcome::NoAnswer, Id::from_bits(bits)), attempts);
    }

    #[test]
    fn every_wait_is_within_its_bounds(
        mut delays in proptest::collection::vec(0..=MAX_DELAY_SECONDS, 1..=MAX_ATTEMPTS),
        jitter in 0..=MAX_JITTER_PERCENT,
        longest in 0..=MAX_DELAY_SECONDS,
        asked: u32,
        bits: u128,
    ) {
        delays.sort_unstable();
        let schedule = Schedule::new(delays.clone(), jitter, longest).unwrap();
        let percent = i64::from(jitter);
        let plain = play(&schedule, answered(503), Id::from_bits(bits));
        prop_assert_eq!(plain.len(), delays.len());
        for (pair, delay) in plain.windows(2).zip(&delays[1..]) {
            let (wait, delay) = (pair[1].micros() - pair[0].micros(), i64::from(*delay) * MICROS);
            prop_assert!(wait >= delay / 100 * (100 - percent) && wait <= delay / 100 * (100 + percent));
        }
        let retry_after = Some(RetryAfter::Seconds(asked));
        let polite = play(&schedule, Outcome::Answered { status: 503, retry_after }, Id::from_bits(bits));
        let asked = i64::from(asked.min(longest)) * MICROS;
        for (pair, plain) in polite.windows(2).zip(plain.windows(2)) {
            let (wait, plain) = (pair[1].micros() - pair[0].micros(), plain[1].micros() - plain[0].micros());
            prop_assert!(wait >= plain.max(asked) && wait <= plain.max(asked / 100 * (100 + percent)));
        }
    }
}

#[test]
fn deliveries_that_failed_together_come_back_apart() {
    let schedule = Schedule::default();
    let at: std::collections::BTreeSet<_> = (0..1_000u128)
        .map(|n| wait(schedule.next(4, Outcome::NoAnswer, NOW, Id::from_bits(DELIVERY.bits() + n))) / MICROS)
        .collect();
    // 1,000 draws over the 361 seconds between 27 and 33 minutes leave few of them empty.
    assert!(at.len() > 250, "{}", at.len());
}
