//! Money, dates and names as people in Colombia read them, and texts made harmless for paper.
//!
//! A name comes from outside and may hold anything: a control character would drive a printer, a
//! change of direction would turn an amount around. Nothing of that kind passes [`clean`].

use crate::domain::calendar::Timestamp;
use crate::domain::money::Money;

/// Characters of one value on a receipt, at most.
pub const MAX_VALUE_CHARS: usize = 160;

/// Pesos with points between thousands: `$ 85.400`, or `$ 85.400,50` when not `whole`.
#[must_use]
pub fn amount(amount: Money, whole: bool) -> String {
    let centavos = amount.centavos().unsigned_abs();
    let digits = (centavos / 100).to_string();
    let mut text = String::with_capacity(32);
    text.push_str(if amount.centavos() < 0 { "-$ " } else { "$ " });
    for (place, digit) in digits.chars().enumerate() {
        if place > 0 && (digits.len() - place).is_multiple_of(3) {
            text.push('.');
        }
        text.push(digit);
    }
    if !whole {
        text.push_str(&format!(",{:02}", centavos % 100));
    }
    text
}

/// `24/11/2026 09:30:05`, at an offset from UTC in minutes.
#[must_use]
pub fn date_time(at: Timestamp, offset_minutes: i16) -> String {
    let at = at.at(offset_minutes);
    let (day, month, year) = (at.day(), u8::from(at.month()), at.year());
    format!("{day:02}/{month:02}/{year:04} {:02}:{:02}:{:02}", at.hour(), at.minute(), at.second())
}

/// One line of visible text: blanks become one space, everything that is invisible or changes the
/// direction of writing goes, and what is too long ends in `...`.
#[must_use]
pub fn clean(text: &str) -> String {
    let mut cleaned = String::with_capacity(text.len().min(4 * MAX_VALUE_CHARS));
    let mut length = 0;
    for character in text.chars() {
        let blank = character.is_whitespace() || character.is_control();
        if (blank && (cleaned.is_empty() || cleaned.ends_with(' '))) || invisible(character) {
            continue;
        }
        if length == MAX_VALUE_CHARS {
            cleaned.push_str("...");
            break;
        }
        cleaned.push(if blank { ' ' } else { character });
        length += 1;
    }
    cleaned.truncate(cleaned.trim_end().len());
    cleaned
}

/// Printable ASCII only: accents fall off, ñ becomes n, what has no likeness becomes `?`.
#[must_use]
pub fn fold(text: &str) -> String {
    let mut folded = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            ' '..='~' => folded.push(character),
            // An accent that stands for itself after its letter.
            '\u{300}'..='\u{36f}' => {}
            _ if invisible(character) => {}
            _ if character.is_whitespace() || character.is_control() => folded.push(' '),
            _ => folded.push_str(likeness(character)),
        }
    }
    folded
}

fn invisible(character: char) -> bool {
    matches!(
        character,
        '\u{ad}' | '\u{61c}' | '\u{180e}' | '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}'
            | '\u{2060}'..='\u{206f}' | '\u{feff}' | '\u{fff0}'..='\u{ffff}' | '\u{e0000}'..='\u{e0fff}'
    )
}

fn likeness(character: char) -> &'static str {
    match character {
        'á' | 'à' | 'â' | 'ä' | 'ã' | 'å' | 'ā' | 'ă' | 'ą' | 'ª' => "a",
        'Á' | 'À' | 'Â' | 'Ä' | 'Ã' | 'Å' | 'Ā' | 'Ă' | 'Ą' => "A",
        'é' | 'è' | 'ê' | 'ë' | 'ē' | 'ę' | 'ě' => "e",
        'É' | 'È' | 'Ê' | 'Ë' | 'Ē' | 'Ę' | 'Ě' => "E",
        'í' | 'ì' | 'î' | 'ï' | 'ī' | 'ı' => "i",
        'Í' | 'Ì' | 'Î' | 'Ï' | 'Ī' | 'İ' => "I",
        'ó' | 'ò' | 'ô' | 'ö' | 'õ' | 'ø' | 'ō' | 'º' | '°' => "o",
        'Ó' | 'Ò' | 'Ô' | 'Ö' | 'Õ' | 'Ø' | 'Ō' => "O",
        'ú' | 'ù' | 'û' | 'ü' | 'ū' | 'ů' => "u",
        'Ú' | 'Ù' | 'Û' | 'Ü' | 'Ū' | 'Ů' => "U",
        'ñ' | 'ń' | 'ň' => "n",
        'Ñ' | 'Ń' | 'Ň' => "N",
        'ç' | 'ć' | 'č' => "c",
        'Ç' | 'Ć' | 'Č' => "C",
        'ý' | 'ÿ' => "y",
        'Ý' | 'Ÿ' => "Y",
        'š' | 'ś' => "s",
        'Š' | 'Ś' => "S",
        'ž' | 'ź' | 'ż' => "z",
        'Ž' | 'Ź' | 'Ż' => "Z",
        'ł' => "l",
        'Ł' => "L",
        'ß' => "ss",
        'æ' => "ae",
        'Æ' => "AE",
        'œ' => "oe",
        'Œ' => "OE",
        '¿' => "?",
        '¡' => "!",
        '‐' | '‑' | '–' | '—' | '−' => "-",
        '‘' | '’' | '´' => "'",
        '“' | '”' | '«' | '»' => "\"",
        '…' => "...",
        '·' | '•' => ".",
        '€' => "EUR",
        _ => "?",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn money_and_dates_are_written_as_they_are_read() {
        let centavos = |centavos| Money::from_centavos(centavos);
        assert_eq!(amount(centavos(8_540_000), true), "$ 85.400");
        assert_eq!(amount(centavos(8_540_050), false), "$ 85.400,50");
        assert_eq!(amount(centavos(123_456_700), true), "$ 1.234.567");
        assert_eq!(amount(centavos(-99), false), "-$ 0,99");
        assert_eq!(amount(centavos(i64::MIN), false), "-$ 92.233.720.368.547.758,08");
        assert_eq!(date_time(Timestamp::from_micros(0), -300), "31/12/1969 19:00:00");
    }

    #[test]
    fn what_drives_printers_or_turns_text_around_is_gone() {
        assert_eq!(clean(" \u{1b}@Ana\r\n\t\u{202e}Pé\u{301}rez\u{0} "), "@Ana Pé\u{301}rez");
        assert_eq!(fold("Pe\u{301}rez Ñáñez — «ÜÇ» 電"), "Perez Nanez - \"UC\" ?");
        let long = clean(&"ñ".repeat(MAX_VALUE_CHARS + 1));
        assert_eq!(long, "ñ".repeat(MAX_VALUE_CHARS) + "...");
        assert_eq!(clean(&"n".repeat(MAX_VALUE_CHARS)), "n".repeat(MAX_VALUE_CHARS));
    }
}
