//! How one partner, or one bank, writes its files: the settings, checked before a file is opened.

use serde::{Deserialize, Serialize};
use time::{Date, Month, PrimitiveDateTime, Time, UtcOffset};

use super::amounts::AmountFormat;
use crate::domain::calendar::{BusinessDate, Timestamp};

/// The longest account number that a mapping may ask to fill with zeros.
const MAX_ACCOUNT_WIDTH: u8 = 20;

/// How the lines are written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FileFormat {
    /// A header line and delimited fields.
    #[default]
    Csv,
    /// One JSON object a line; all values are strings (`reversed` may be a boolean).
    Jsonl,
}

/// How the letters are written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Encoding {
    /// UTF-8, with or without a byte order mark.
    #[default]
    Utf8,
    /// ISO 8859-1, as older spreadsheets save it.
    Latin1,
}

/// The columns of a partner's file. A name that is given has to be in the header; one that is not
/// given is looked for under the member's own name and may be absent, except account and amount.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct PartnerColumns {
    /// Where the gateway's payment id stands.
    pub payment_id: Option<String>,
    /// Where the gateway's receipt number stands.
    pub receipt_number: Option<String>,
    /// Where the partner's own number stands.
    pub partner_reference: Option<String>,
    /// Where the account stands; has to be there.
    pub account_number: Option<String>,
    /// Where the amount stands; has to be there.
    pub amount: Option<String>,
    /// Where the business date stands.
    pub date: Option<String>,
    /// Where the time stands.
    pub at: Option<String>,
    /// Where the place stands.
    pub collection_point: Option<String>,
    /// Where it says whether the payment was taken back.
    pub reversed: Option<String>,
}

/// How a partner writes its own file.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct PartnerFileMapping {
    /// CSV or JSON Lines.
    pub format: FileFormat,
    /// The letters.
    pub encoding: Encoding,
    /// What stands between two fields of a CSV line.
    pub delimiter: char,
    /// The names of the columns (members, in JSON Lines).
    pub columns: PartnerColumns,
    /// `YYYY`, `MM` or `M`, `DD` or `D`, and what stands between them.
    pub date_format: String,
    /// `RFC3339`, or a date with `HH`, `mm` and, if written, `ss`; then local time.
    pub time_format: String,
    /// Minutes from UTC of local times.
    pub offset_minutes: i16,
    /// What stands before the centavos.
    pub decimal_separator: char,
    /// What may stand between groups of three digits.
    pub thousands_separator: Option<char>,
    /// 0, or 2 when the last two digits are centavos without any separator.
    pub implied_decimals: u8,
    /// Shorter account numbers are filled with zeros on the left up to here; 0: they are taken as written.
    pub account_width: u8,
    /// What the column `reversed` holds for a payment that was taken back.
    pub reversed_values: Vec<String>,
    /// What it holds for one that stands; an empty field says so too.
    pub standing_values: Vec<String>,
}

/// The columns of a bank's statement; the same rule as for a partner's.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct BankColumns {
    /// Where the slip's number stands.
    pub slip_number: Option<String>,
    /// Where the free reference stands.
    pub reference: Option<String>,
    /// Where the amount stands; has to be there.
    pub amount: Option<String>,
    /// Where the booking day stands; has to be there.
    pub booked_on: Option<String>,
    /// What kind of movement the line is; absent: all are credits.
    pub kind: Option<String>,
}

/// How a bank writes its statement (CSV).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct BankFileMapping {
    /// The letters.
    pub encoding: Encoding,
    /// What stands between two fields.
    pub delimiter: char,
    /// The names of the columns.
    pub columns: BankColumns,
    /// As in [`PartnerFileMapping::date_format`].
    pub date_format: String,
    /// What stands before the centavos.
    pub decimal_separator: char,
    /// What may stand between groups of three digits.
    pub thousands_separator: Option<char>,
    /// 0, or 2 when the last two digits are centavos without any separator.
    pub implied_decimals: u8,
    /// What the column `kind` holds for money that came in.
    pub credit_values: Vec<String>,
    /// What it holds for lines to be left out.
    pub other_values: Vec<String>,
}

/// A mapping that cannot be used, and why.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{setting}: {reason}")]
pub struct MappingError {
    /// The setting.
    pub setting: &'static str,
    /// What is wrong with it.
    pub reason: &'static str,
}

impl Default for PartnerFileMapping {
    fn default() -> Self {
        let amounts = AmountFormat::default();
        Self {
            format: FileFormat::Csv,
            encoding: Encoding::Utf8,
            delimiter: ',',
            columns: PartnerColumns::default(),
            date_format: "YYYY-MM-DD".to_owned(),
            time_format: RFC3339.to_owned(),
            offset_minutes: -300,
            decimal_separator: amounts.decimal_separator,
            thousands_separator: amounts.thousands_separator,
            implied_decimals: amounts.implied_decimals,
            account_width: 0,
            reversed_values: vec!["true".to_owned()],
            standing_values: vec!["false".to_owned()],
        }
    }
}

impl Default for BankFileMapping {
    fn default() -> Self {
        let amounts = AmountFormat::default();
        Self {
            encoding: Encoding::Utf8,
            delimiter: ',',
            columns: BankColumns::default(),
            date_format: "YYYY-MM-DD".to_owned(),
            decimal_separator: amounts.decimal_separator,
            thousands_separator: amounts.thousands_separator,
            implied_decimals: amounts.implied_decimals,
            credit_values: vec!["credit".to_owned()],
            other_values: vec!["debit".to_owned()],
        }
    }
}

impl PartnerFileMapping {
    /// How amounts are written.
    #[must_use]
    pub const fn amounts(&self) -> AmountFormat {
        AmountFormat {
            decimal_separator: self.decimal_separator,
            thousands_separator: self.thousands_separator,
            implied_decimals: self.implied_decimals,
        }
    }

    /// Whether the settings make sense.
    ///
    /// # Errors
    /// Names the first that does not.
    pub fn check(&self) -> Result<(), MappingError> {
        check_common(self.delimiter, self.amounts(), &self.date_format)?;
        let time = self.time_format == RFC3339
            || Pattern::new(&self.time_format).is_some_and(|p| p.has_date() && p.has_time());
        refuse(!time, "time_format", "RFC3339, or a pattern with YYYY, MM, DD, HH and mm")?;
        refuse(self.account_width > MAX_ACCOUNT_WIDTH, "account_width", "at most 20")?;
        refuse(self.offset_minutes.unsigned_abs() > 14 * 60, "offset_minutes", "at most fourteen hours")?;
        let both = self.reversed_values.iter().any(|value| self.standing_values.contains(value) || value.is_empty());
        refuse(both, "reversed_values", "a value cannot mean both, and an empty field means that the payment stands")
    }
}

impl BankFileMapping {
    /// How amounts are written.
    #[must_use]
    pub const fn amounts(&self) -> AmountFormat {
        AmountFormat {
            decimal_separator: self.decimal_separator,
            thousands_separator: self.thousands_separator,
            implied_decimals: self.implied_decimals,
        }
    }

    /// Whether the settings make sense.
    ///
    /// # Errors
    /// Names the first that does not.
    pub fn check(&self) -> Result<(), MappingError> {
        check_common(self.delimiter, self.amounts(), &self.date_format)?;
        let both = self.credit_values.iter().any(|value| self.other_values.contains(value));
        refuse(both, "credit_values", "a value cannot mean both")
    }
}

fn check_common(delimiter: char, amounts: AmountFormat, date_format: &str) -> Result<(), MappingError> {
    let usable = delimiter.is_ascii() && !delimiter.is_ascii_alphanumeric() && !matches!(delimiter, '"' | '\r' | '\n');
    refuse(!usable, "delimiter", "one ASCII character that is no letter, digit, quote or line end")?;
    amounts.check().map_err(|reason| MappingError { setting: "decimal_separator", reason })?;
    let date = Pattern::new(date_format).is_some_and(|pattern| pattern.has_date() && !pattern.has_time());
    refuse(!date, "date_format", "a pattern with YYYY, MM and DD, each once")
}

fn refuse(refused: bool, setting: &'static str, reason: &'static str) -> Result<(), MappingError> {
    if refused { Err(MappingError { setting, reason }) } else { Ok(()) }
}

/// The name of the one time format that needs no pattern.
pub(super) const RFC3339: &str = "RFC3339";

/// A date or time pattern, taken apart.
pub(super) struct Pattern(Vec<Token>);

#[derive(Clone, Copy, PartialEq, Eq)]
enum Token {
    Letter(char),
    /// The place in `[year, month, day, hour, minute, second]`, the fewest and the most digits.
    Number(usize, usize, usize),
}

impl Pattern {
    /// Takes a pattern apart; none when a part occurs twice.
    pub(super) fn new(text: &str) -> Option<Self> {
        const PARTS: [(&str, Token); 8] = [
            ("YYYY", Token::Number(0, 4, 4)),
            ("MM", Token::Number(1, 2, 2)),
            ("M", Token::Number(1, 1, 2)),
            ("DD", Token::Number(2, 2, 2)),
            ("D", Token::Number(2, 1, 2)),
            ("HH", Token::Number(3, 2, 2)),
            ("mm", Token::Number(4, 2, 2)),
            ("ss", Token::Number(5, 2, 2)),
        ];
        let (mut rest, mut tokens, mut seen) = (text, Vec::new(), [false; 6]);
        while let Some(letter) = rest.chars().next() {
            let part = PARTS.iter().find(|(name, _)| rest.starts_with(name));
            let (length, token) =
                part.map_or((letter.len_utf8(), Token::Letter(letter)), |(name, token)| (name.len(), *token));
            if let Token::Number(place, ..) = token
                && std::mem::replace(&mut seen[place], true)
            {
                return None;
            }
            tokens.push(token);
            rest = &rest[length..];
        }
        Some(Self(tokens))
    }

    fn has(&self, place: usize) -> bool {
        self.0.iter().any(|token| matches!(token, Token::Number(own, ..) if *own == place))
    }

    fn has_date(&self) -> bool {
        (0..3).all(|place| self.has(place))
    }

    fn has_time(&self) -> bool {
        (3..5).all(|place| self.has(place))
    }

    /// Reads a date.
    pub(super) fn date(&self, text: &str) -> Option<BusinessDate> {
        self.parts(text).and_then(day).map(BusinessDate::from_date)
    }

    /// Reads a local time.
    pub(super) fn time(&self, text: &str, offset_minutes: i16) -> Option<Timestamp> {
        let parts = self.parts(text)?;
        let byte = |place: usize| u8::try_from(parts[place]).ok();
        let time = Time::from_hms(byte(3)?, byte(4)?, byte(5)?).ok()?;
        let offset = UtcOffset::from_whole_seconds(i32::from(offset_minutes) * 60).ok()?;
        let at = PrimitiveDateTime::new(day(parts)?, time).assume_offset(offset);
        Some(Timestamp::from_micros(at.unix_timestamp() * 1_000_000))
    }

    fn parts(&self, text: &str) -> Option<[u16; 6]> {
        let (mut rest, mut parts) = (text, [0u16; 6]);
        for token in &self.0 {
            match token {
                Token::Letter(letter) => rest = rest.strip_prefix(*letter)?,
                Token::Number(place, fewest, most) => {
                    let digits = rest.bytes().take(*most).take_while(u8::is_ascii_digit).count();
                    if digits < *fewest {
                        return None;
                    }
                    parts[*place] = rest[..digits].parse().ok()?;
                    rest = &rest[digits..];
                }
            }
        }
        rest.is_empty().then_some(parts)
    }
}

fn day(parts: [u16; 6]) -> Option<Date> {
    let month = Month::try_from(u8::try_from(parts[1]).ok()?).ok()?;
    Date::from_calendar_date(i32::from(parts[0]), month, u8::try_from(parts[2]).ok()?).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn date(pattern: &str, text: &str) -> Option<i32> {
        Pattern::new(pattern).unwrap().date(text).map(BusinessDate::number)
    }

    #[test]
    fn dates_are_read_by_the_pattern_or_not_at_all() {
        assert_eq!(date("YYYY-MM-DD", "2026-11-24"), Some(20_261_124));
        assert_eq!(date("DD/MM/YYYY", "24/11/2026"), Some(20_261_124));
        assert_eq!(date("YYYYMMDD", "20261124"), Some(20_261_124));
        assert_eq!(date("D/M/YYYY", "4/3/2026"), Some(20_260_304));
        for text in ["11/24/2026", "4/11/2026", "24-11-2026", "24/11/26", "24/11/2026 ", "31/02/2026", "+4/11/2026"] {
            assert_eq!(date("DD/MM/YYYY", text), None, "{text}");
        }
        let local = Pattern::new("DD/MM/YYYY HH:mm").unwrap();
        assert_eq!(local.time("24/11/2026 23:30", -300), Timestamp::parse("2026-11-25T04:30:00Z").ok());
        assert_eq!(local.time("24/11/2026 24:30", -300), None);
    }

    #[test]
    fn settings_that_make_no_sense_are_named() {
        let setting = |change: fn(&mut PartnerFileMapping)| {
            let mut mapping = PartnerFileMapping::default();
            change(&mut mapping);
            mapping.check().map_err(|error| error.setting)
        };
        assert_eq!(setting(|_| ()), Ok(()));
        assert_eq!(setting(|m| m.delimiter = 'ñ'), Err("delimiter"));
        assert_eq!(setting(|m| m.delimiter = '1'), Err("delimiter"));
        assert_eq!(setting(|m| m.thousands_separator = Some('.')), Err("decimal_separator"));
        assert_eq!(setting(|m| m.date_format = "DD/MM".to_owned()), Err("date_format"));
        assert_eq!(setting(|m| m.date_format = "DD/MM/YYYY DD".to_owned()), Err("date_format"));
        assert_eq!(setting(|m| m.time_format = "HH:mm".to_owned()), Err("time_format"));
        assert_eq!(setting(|m| m.reversed_values = vec!["false".to_owned()]), Err("reversed_values"));
        assert!(BankFileMapping::default().check().is_ok());
    }

    #[test]
    fn a_misspelt_setting_is_refused() {
        assert!(toml::from_str::<PartnerFileMapping>("delimeter = \";\"").is_err());
        assert!(toml::from_str::<PartnerFileMapping>("[columns]\nrecipt = \"NRO\"").is_err());
        let read: PartnerFileMapping =
            toml::from_str("delimiter = \";\"\ndecimal_separator = \",\"\nthousands_separator = \".\"\n[columns]\nreceipt_number = \"NRO\"").unwrap();
        assert_eq!(read.columns.receipt_number.as_deref(), Some("NRO"));
        assert!(read.check().is_ok());
    }
}
