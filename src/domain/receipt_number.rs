//! The number on a receipt: collection point, till, ordinal, and a check character.
//!
//! The check character is ISO 7064 MOD 37,36 over the letters and digits, so one mistyped or
//! swapped character is noticed when somebody reads the number over the telephone.

use super::ids::Till;

const ALPHABET: &[u8; 36] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ";

/// The receipt number of the fact at this place of the till's series.
#[must_use]
pub fn receipt_number(till: &Till, seq: i64) -> String {
    let body = format!("{}-{}-{seq:06}", till.collection_point, till.till).to_ascii_uppercase();
    let check = check_character(&body);
    format!("{body}-{check}")
}

/// Whether the check character of a receipt number is right.
#[must_use]
pub fn holds(number: &str) -> bool {
    let number = number.to_ascii_uppercase();
    number.rsplit_once('-').is_some_and(|(body, check)| check.len() == 1 && check.starts_with(check_character(body)))
}

fn check_character(body: &str) -> char {
    let mut product = 36;
    for value in body.bytes().filter_map(|byte| ALPHABET.iter().position(|letter| *letter == byte)) {
        let sum = (product + value) % 36;
        product = (if sum == 0 { 36 } else { sum }) * 2 % 37;
    }
    char::from(ALPHABET[(37 - product) % 36])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_wrong_or_swapped_character_is_noticed() {
        let till = Till { party: "jj-pita".into(), collection_point: "jj-pita-01".into(), till: "C1".to_owned() };
        let number = receipt_number(&till, 123);
        assert!(number.starts_with("JJ-PITA-01-C1-000123-"), "{number}");
        assert!(holds(&number) && holds(&number.to_lowercase()));
        for place in 0..number.len() - 2 {
            let mut wrong = number.clone().into_bytes();
            if !wrong[place].is_ascii_alphanumeric() {
                continue;
            }
            wrong[place] = if wrong[place] == b'7' { b'8' } else { b'7' };
            assert!(!holds(&String::from_utf8_lossy(&wrong)), "{place}");
        }
        let swapped = number.replace("123", "132");
        assert!(!holds(&swapped));
    }
}
