//! What a utility and its partners decide: the rules' numbers, as values.
//!
//! [`Policy`] is the utility's (from the configuration), [`PartnerSettings`] and [`PointSettings`]
//! belong to one partner and one collection point (from the register). Every default is one that
//! the domain facts support; whatever nobody could be asked is here and not in code.

use serde::{Deserialize, Serialize};

use super::calendar::{BusinessDate, Timestamp};
use super::ids::AccountNumber;
use super::money::Money;

/// The utility's rules of the counter.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Policy {
    /// The only currency taken (ISO 4217).
    pub currency: String,
    /// The utility's offset from UTC, in minutes (Bogotá: -300, all year).
    pub utc_offset_minutes: i16,
    /// Minutes before midnight at which a new business date begins; 0: at midnight.
    pub cut_off_minutes_before_midnight: u16,
    /// What an account number looks like.
    pub account_number: AccountNumberRule,
    /// The smallest unit a counter takes; 0 takes centavos.
    pub cash_step: Money,
    /// The smallest partial payment.
    pub partial_minimum: Money,
    /// Partial payments are multiples of this.
    pub partial_step: Money,
    /// What to do with more than is owed.
    pub overpayment: Overpayment,
    /// Within how many minutes the same amount on the same account is asked about; 0: never.
    pub duplicate_window_minutes: u32,
    /// Within how many minutes a look-up that is one slip of the finger away from another is pointed out.
    pub near_miss_minutes: u32,
    /// Within how many minutes a payment can be reversed.
    pub reversal_window_minutes: u32,
    /// Within how many hours a supply has to be restored.
    pub reconnection_hours: u32,
    /// How old the oldest payment of an offline batch may be, in hours.
    pub offline_max_age_hours: u32,
    /// Percentages of an exposure limit at which answers carry a warning, ascending.
    pub exposure_warnings: Vec<u8>,
}

/// What an account number looks like.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AccountNumberRule {
    /// Fewest digits.
    pub min_digits: usize,
    /// Most digits.
    pub max_digits: usize,
    /// How its last digit checks the others.
    pub check_digit: CheckDigit,
}

/// How a last digit checks the others.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CheckDigit {
    /// It does not.
    None,
    /// Luhn (ISO/IEC 7812-1).
    Luhn,
}

/// What to do with more than is owed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Overpayment {
    /// Not taken.
    Refuse,
    /// Taken as saldo a favor.
    Credit,
}

/// What one partner may do and how.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct PartnerSettings {
    /// Cash taken and not yet deposited, at most.
    pub exposure_limit: Option<Money>,
    /// Cash in one operation, at most (UIAF reports from 10,000,000).
    pub cash_operation_limit: Option<Money>,
    /// Cash of one calendar month, at most.
    pub cash_month_limit: Option<Money>,
    /// Whether a till has to be opened before it takes money.
    pub explicit_sessions: bool,
    /// Whether cash taken offline that the rules would refuse today becomes saldo a favor.
    pub offline_credit: bool,
    /// Share of a declared, unverified deposit that gives room at once, in percent.
    pub provisional_deposit_percent: u8,
    /// The partner's Asobancaria identity and column mapping, kept as the file room reads it.
    pub files: serde_json::Value,
}

impl Default for PartnerSettings {
    fn default() -> Self {
        Self {
            exposure_limit: None,
            cash_operation_limit: Some(Money::from_pesos(9_999_999)),
            cash_month_limit: None,
            explicit_sessions: false,
            offline_credit: false,
            provisional_deposit_percent: 0,
            files: serde_json::Value::Null,
        }
    }
}

/// What one collection point may do.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct PointSettings {
    /// Cash taken here and not yet deposited, at most.
    pub exposure_limit: Option<Money>,
    /// Cash taken here while the line was down that counts for one business date, at most and in sum;
    /// what is taken back is given back. Absent: no offline payments.
    pub offline_floor_limit: Option<Money>,
    /// The code that stands for this place in the collection file (four digits).
    pub branch_code: Option<String>,
    /// The name printed on receipts.
    pub name: Option<String>,
    /// The municipality printed on receipts.
    pub municipality: Option<String>,
}

impl Policy {
    /// The business date at an instant.
    #[must_use]
    pub fn business_date(&self, at: Timestamp) -> BusinessDate {
        at.plus_minutes(i64::from(self.cut_off_minutes_before_midnight)).date_at(self.utc_offset_minutes)
    }

    /// The calendar day at an instant, which decides whether a bill is past due.
    #[must_use]
    pub fn calendar_date(&self, at: Timestamp) -> BusinessDate {
        at.date_at(self.utc_offset_minutes)
    }
}

impl Policy {
    /// The step of a partial payment: a multiple of its own and of the counter's.
    #[must_use]
    pub fn partial_unit(&self) -> Money {
        let (mut a, mut b) = (self.partial_step.centavos(), self.cash_step.centavos());
        if a == 0 || b == 0 {
            return self.partial_step.max(self.cash_step);
        }
        let product = a.saturating_mul(b);
        while b != 0 {
            (a, b) = (b, a % b);
        }
        Money::from_centavos(product / a)
    }

    /// The smallest partial payment that is in its step.
    #[must_use]
    pub fn least_partial(&self) -> Money {
        let unit = self.partial_unit();
        let floor = self.partial_minimum.floor_to(unit);
        if floor == self.partial_minimum { floor } else { floor + unit }
    }
}

impl AccountNumberRule {
    /// Reads an account number.
    ///
    /// # Errors
    /// A sentence that says what an account number looks like here.
    pub fn parse(&self, text: &str) -> Result<AccountNumber, String> {
        let shaped =
            (self.min_digits..=self.max_digits).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_digit());
        if !shaped {
            return Err(format!("un número de cuenta tiene de {} a {} dígitos", self.min_digits, self.max_digits));
        }
        if self.check_digit == CheckDigit::Luhn && !luhn_holds(text) {
            return Err("el dígito de control del número de cuenta no coincide".to_owned());
        }
        Ok(AccountNumber::new(text))
    }
}

fn luhn_holds(digits: &str) -> bool {
    let sum: u32 = digits
        .bytes()
        .rev()
        .enumerate()
        .map(|(place, byte)| {
            let digit = u32::from(byte - b'0');
            match (place % 2, digit * 2) {
                (0, _) => digit,
                (_, doubled) if doubled > 9 => doubled - 9,
                (_, doubled) => doubled,
            }
        })
        .sum();
    sum.is_multiple_of(10)
}

impl Default for Policy {
    fn default() -> Self {
        Self {
            currency: "COP".to_owned(),
            utc_offset_minutes: -300,
            cut_off_minutes_before_midnight: 0,
            account_number: AccountNumberRule { min_digits: 6, max_digits: 12, check_digit: CheckDigit::None },
            cash_step: Money::from_pesos(1),
            partial_minimum: Money::from_pesos(1000),
            partial_step: Money::from_pesos(1),
            overpayment: Overpayment::Refuse,
            duplicate_window_minutes: 10,
            near_miss_minutes: 10,
            reversal_window_minutes: 60,
            reconnection_hours: 24,
            offline_max_age_hours: 72,
            exposure_warnings: vec![70, 85, 95],
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_account_number_is_read_as_the_utility_says() {
        let mut rule = Policy::default().account_number;
        assert_eq!(rule.parse("000123456"), Ok(AccountNumber::new("000123456")));
        for text in ["", "12345", "1234567890123", "12345a", "١٢٣٤٥٦", " 123456"] {
            assert!(rule.parse(text).is_err(), "{text}");
        }
        rule.check_digit = CheckDigit::Luhn;
        assert!(rule.parse("79927398713").is_ok());
        assert!(rule.parse("79927398710").is_err());
    }

    #[test]
    fn a_cut_off_moves_the_evening_into_the_next_business_date() -> Result<(), crate::domain::calendar::CalendarError> {
        let policy = Policy { cut_off_minutes_before_midnight: 120, ..Policy::default() };
        let evening = Timestamp::parse("2026-11-24T22:00:00-05:00")?;
        assert_eq!(policy.business_date(evening).to_string(), "2026-11-25");
        assert_eq!(policy.calendar_date(evening).to_string(), "2026-11-24");
        Ok(())
    }
}
