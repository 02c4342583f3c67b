//! Near misses: an account number one slip of the finger away from another.
//!
//! A counter that looked one up minutes ago and now another that differs by a digit or by two
//! neighbours changed over is more often a typing error than two customers.

/// Whether one digit differs, or two neighbours have changed places.
#[must_use]
pub fn is_near_miss(a: &str, b: &str) -> bool {
    let (a, b) = (a.as_bytes(), b.as_bytes());
    if a.len() != b.len() {
        return false;
    }
    let mut differing = (0..a.len()).filter(|place| a[*place] != b[*place]);
    match (differing.next(), differing.next(), differing.next()) {
        (Some(_), None, _) => true,
        (Some(first), Some(second), None) => second - first == 1 && a[first] == b[second] && a[second] == b[first],
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn slips_of_one_finger_are_near_and_nothing_else_is() {
        for (a, b) in [("000123456", "000123457"), ("000123456", "000124356"), ("100123456", "000123456")] {
            assert!(is_near_miss(a, b), "{a} {b}");
        }
        for (a, b) in
            [("000123456", "000123456"), ("000123456", "000124357"), ("0123456", "123456"), ("123456", "321456")]
        {
            assert!(!is_near_miss(a, b), "{a} {b}");
        }
    }

    proptest! {
        #[test]
        fn nearness_is_mutual(a in "[0-9]{6}", b in "[0-9]{6}") {
            prop_assert_eq!(is_near_miss(&a, &b), is_near_miss(&b, &a));
        }
    }
}
