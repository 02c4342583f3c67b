//! Reading a request member by member, so that everything that is wrong is told at once.
//!
//! Lengths and presence are declared on the request types (`validator`); what a text means is read
//! here. Both end in one list of [`Fault`]s, in the order of their pointers.

use std::borrow::Cow;
use std::collections::HashSet;

use validator::{Validate, ValidationError, ValidationErrors, ValidationErrorsKind};

use super::problem::{Fault, Problem};
use crate::domain::calendar::{BusinessDate, Timestamp};
use crate::domain::ids::{AccountNumber, Id};
use crate::domain::money::Money;
use crate::domain::policy::AccountNumberRule;

/// Faults listed at most.
pub const MAX_FAULTS: usize = 100;

/// Reads members and keeps what is wrong with them.
#[derive(Debug, Default)]
pub struct Reader {
    faults: Vec<Fault>,
    prefix: String,
}

impl Reader {
    /// Begins with what the request type itself declares.
    #[must_use]
    pub fn of(request: &impl Validate) -> Self {
        let mut reader = Self::default();
        if let Err(errors) = request.validate() {
            collect(&errors, "", &mut reader.faults);
        }
        reader
    }

    /// Adds what a request type inside declares, at the place that is read.
    pub fn validate(&mut self, request: &impl Validate) {
        if let Err(errors) = request.validate() {
            collect(&errors, &self.prefix, &mut self.faults);
        }
    }

    /// Adds faults that were found before.
    pub fn add(&mut self, faults: &[Fault]) {
        // What does not have the right shape was taken out, and is not also missing.
        self.faults.splice(0..0, faults.iter().cloned());
    }

    /// Reads on inside a member (`/payments/3`).
    pub fn within(&mut self, prefix: String) {
        self.prefix = prefix;
    }

    /// Adds a fault.
    pub fn fault(&mut self, pointer: &str, code: &'static str, es: impl Into<String>, en: impl Into<String>) {
        let pointer = format!("{}{pointer}", self.prefix);
        self.faults.push(Fault { pointer, code, es: es.into(), en: en.into() });
    }

    /// Everything was right, or the problem that lists what was not.
    ///
    /// # Errors
    /// Something was not.
    pub fn finish(self) -> Result<(), Problem> {
        let faults = ordered(self.faults);
        if faults.is_empty() { Ok(()) } else { Err(Problem::faults(faults)) }
    }

    /// An amount of more than nothing, in the one strict form.
    pub fn money(&mut self, pointer: &str, text: Option<&str>) -> Money {
        let amount = self.amount(pointer, text);
        if amount.is_some_and(Money::is_zero) {
            self.fault(pointer, "positive", "el valor es más que cero", "an amount is more than nothing");
        }
        amount.unwrap_or_default()
    }

    /// An amount, nothing included, in the one strict form.
    pub fn amount(&mut self, pointer: &str, text: Option<&str>) -> Option<Money> {
        match text?.parse() {
            Ok(amount) => Some(amount),
            Err(_) => {
                self.fault(
                    pointer,
                    "money",
                    "un valor son dígitos con hasta dos decimales, como \"85400.00\", y menos de cien mil millones",
                    "an amount is digits with at most two decimals, such as \"85400.00\", under a hundred thousand million",
                );
                None
            }
        }
    }

    /// An account number as the utility writes them.
    pub fn account(&mut self, pointer: &str, text: Option<&str>, rule: &AccountNumberRule) -> AccountNumber {
        let text = text.unwrap_or_default();
        match rule.parse(text) {
            Ok(number) => number,
            // An absent number is reported as absent already.
            Err(_) if text.is_empty() && self.faults.iter().any(|fault| fault.pointer == self.at(pointer)) => {
                AccountNumber::new("")
            }
            Err(es) => {
                let en = format!("an account number has {} to {} digits", rule.min_digits, rule.max_digits);
                self.fault(pointer, "account-number-invalid", es, en);
                AccountNumber::new("")
            }
        }
    }

    /// One word of a closed list, as serde reads it.
    pub fn word<T: serde::de::DeserializeOwned>(&mut self, pointer: &str, text: Option<&str>, list: &str) -> Option<T> {
        let word = serde_json::from_value(text?.into()).ok();
        if word.is_none() {
            self.fault(pointer, "one-of", format!("es uno de: {list}"), format!("is one of: {list}"));
        }
        word
    }

    /// An instant.
    pub fn instant(&mut self, pointer: &str, text: Option<&str>) -> Option<Timestamp> {
        let instant = Timestamp::parse(text?).ok();
        if instant.is_none() {
            let (es, en) = (
                "una hora es RFC 3339 con desfase, como 2026-11-24T09:30:00-05:00",
                "a time is RFC 3339 with an offset, such as 2026-11-24T09:30:00-05:00",
            );
            self.fault(pointer, "time", es, en);
        }
        instant
    }

    /// A day.
    pub fn date(&mut self, pointer: &str, text: Option<&str>) -> Option<BusinessDate> {
        let date = BusinessDate::parse(text?).ok();
        if date.is_none() {
            self.fault(pointer, "date", "una fecha es AAAA-MM-DD y existe", "a date is YYYY-MM-DD and has to exist");
        }
        date
    }

    /// An id of one kind.
    pub fn id(&mut self, pointer: &str, text: Option<&str>, prefix: &str) -> Option<Id> {
        let id = Id::parse_with_prefix(text?, prefix).ok();
        if id.is_none() {
            let (es, en) = (
                format!("un identificador es {prefix}_ y 26 caracteres"),
                format!("an id is {prefix}_ and 26 characters"),
            );
            self.fault(pointer, "id", es, en);
        }
        id
    }

    fn at(&self, pointer: &str) -> String {
        format!("{}{pointer}", self.prefix)
    }
}

/// One fault a pointer, the first that was found, in the order of the pointers.
#[must_use]
pub fn ordered(faults: Vec<Fault>) -> Vec<Fault> {
    let mut seen = HashSet::new();
    let mut faults: Vec<Fault> = faults.into_iter().filter(|fault| seen.insert(fault.pointer.clone())).collect();
    faults.sort_by(|a, b| a.pointer.cmp(&b.pointer));
    faults.truncate(MAX_FAULTS);
    faults
}

/// A text that a person could have typed into one line.
///
/// # Errors
/// Control characters, or blanks alone.
pub fn one_line(text: &str) -> Result<(), ValidationError> {
    if text.chars().any(char::is_control) || text.trim() != text {
        return Err(ValidationError::new("one-line"));
    }
    Ok(())
}

/// A name of a drawer: it stands in receipt numbers.
///
/// # Errors
/// Anything but ASCII letters, digits, `.`, `_` and `-`.
pub fn plain_name(text: &str) -> Result<(), ValidationError> {
    let plain = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'_' | b'-');
    if text.bytes().all(plain) { Ok(()) } else { Err(ValidationError::new("plain-name")) }
}

/// The only currency there is.
///
/// # Errors
/// Another one.
pub fn pesos(text: &str) -> Result<(), ValidationError> {
    if text == "COP" { Ok(()) } else { Err(ValidationError::new("currency")) }
}

fn collect(errors: &ValidationErrors, prefix: &str, faults: &mut Vec<Fault>) {
    for (field, kind) in errors.errors() {
        let pointer = format!("{prefix}/{}", field.trim_start_matches("r#"));
        match kind {
            ValidationErrorsKind::Field(errors) => faults.extend(errors.iter().map(|error| described(&pointer, error))),
            ValidationErrorsKind::Struct(inner) => collect(inner, &pointer, faults),
            ValidationErrorsKind::List(items) => {
                items.iter().for_each(|(index, inner)| collect(inner, &format!("{pointer}/{index}"), faults));
            }
        }
    }
}

fn described(pointer: &str, error: &ValidationError) -> Fault {
    let bound = |name: &str| error.params.get(name).map_or_else(|| "…".to_owned(), ToString::to_string);
    let (code, es, en): (&'static str, Cow<'_, str>, Cow<'_, str>) = match error.code.as_ref() {
        "required" => ("required", "es obligatorio".into(), "is required".into()),
        "length" => (
            "length",
            format!("tiene de {} a {} elementos o caracteres", bound("min"), bound("max")).into(),
            format!("has {} to {} items or characters", bound("min"), bound("max")).into(),
        ),
        "one-line" => (
            "one-line",
            "es una línea de texto sin blancos al comienzo ni al final".into(),
            "is one line of text without blanks at either end".into(),
        ),
        "plain-name" => (
            "plain-name",
            "lleva solo letras y dígitos ASCII, punto, guion y guion bajo".into(),
            "has only ASCII letters, digits, point, hyphen and underscore".into(),
        ),
        "currency" => ("currency", "la moneda es COP".into(), "the currency is COP".into()),
        _ => ("invalid", "no es válido".into(), "is not valid".into()),
    };
    Fault { pointer: pointer.to_owned(), code, es: es.into_owned(), en: en.into_owned() }
}
