//! Takes a record apart, column after column, in the order of its layout.

use super::{BusinessDate, Column, Fault, HourMinute, Kind, Layout, Money, digits_value, latin1};

/// The fields of one record, to be taken in order and by name.
pub struct Fields<'a> {
    layout: &'static Layout,
    line: u64,
    bytes: &'a [u8],
    next: usize,
}

impl<'a> Fields<'a> {
    /// Opens a record whose code the caller has already seen.
    ///
    /// # Errors
    /// A length other than the layout's.
    pub fn open(layout: &'static Layout, line: u64, bytes: &'a [u8]) -> Result<Self, Fault> {
        if bytes.len() != layout.length {
            return Err(Fault {
                line,
                column: bytes.len().min(layout.length) + 1,
                field: "record",
                found: format!("{} bytes", bytes.len()),
                allowed: format!("{} bytes and a line end", layout.length),
            });
        }
        Ok(Self { layout, line, bytes, next: 1 })
    }

    /// A numeric field as its digits, fill included.
    ///
    /// # Errors
    /// Anything but digits.
    pub fn digits(&mut self, name: &'static str) -> Result<&'a str, Fault> {
        let (column, bytes) = self.take(name, Kind::Numeric);
        self.only_digits(column, bytes)
    }

    /// A numeric field as a number.
    ///
    /// # Errors
    /// Anything but digits.
    pub fn number<T: TryFrom<i64>>(&mut self, name: &'static str) -> Result<T, Fault> {
        let (column, bytes) = self.take(name, Kind::Numeric);
        self.only_digits(column, bytes)?;
        let value = digits_value(bytes).and_then(|value| T::try_from(value).ok());
        value.ok_or_else(|| self.fault(column, 0, bytes))
    }

    /// An amount.
    ///
    /// # Errors
    /// Anything but digits.
    pub fn amount(&mut self, name: &'static str) -> Result<Money, Fault> {
        let (column, bytes) = self.take(name, Kind::Amount);
        self.only_digits(column, bytes)?;
        digits_value(bytes).map(Money::from_centavos).ok_or_else(|| self.fault(column, 0, bytes))
    }

    /// A text without its fill, read as Latin-1.
    ///
    /// # Errors
    /// A control character, or a text that does not begin at the left.
    pub fn text(&mut self, name: &'static str) -> Result<String, Fault> {
        let (column, bytes) = self.take(name, Kind::Text);
        if let Some(place) = bytes.iter().position(|byte| !matches!(byte, 0x20..=0x7e | 0xa0..)) {
            return Err(self.fault(column, place, bytes));
        }
        let text = latin1(bytes.trim_ascii_end());
        if text.starts_with(' ') { Err(self.fault(column, 0, bytes)) } else { Ok(text) }
    }

    /// A day.
    ///
    /// # Errors
    /// Anything but a day that exists.
    pub fn date(&mut self, name: &'static str) -> Result<BusinessDate, Fault> {
        let (column, bytes) = self.take(name, Kind::Date);
        self.only_digits(column, bytes)?;
        let number = digits_value(bytes).and_then(|value| i32::try_from(value).ok()).filter(|value| *value >= 10_101);
        number.and_then(|n| BusinessDate::from_number(n).ok()).ok_or_else(|| self.fault(column, 0, bytes))
    }

    /// A time of day.
    ///
    /// # Errors
    /// Anything but 0001 to 2400.
    pub fn time(&mut self, name: &'static str) -> Result<HourMinute, Fault> {
        let (column, bytes) = self.take(name, Kind::Time);
        self.only_digits(column, bytes)?;
        let number = digits_value(bytes).and_then(|value| u16::try_from(value).ok());
        number.and_then(HourMinute::from_number).ok_or_else(|| self.fault(column, 0, bytes))
    }

    /// The reserved rest.
    ///
    /// # Errors
    /// Anything but blanks.
    pub fn blank(&mut self, name: &'static str) -> Result<(), Fault> {
        let (column, bytes) = self.take(name, Kind::Blank);
        match bytes.iter().position(|byte| *byte != b' ') {
            None => Ok(()),
            Some(place) => Err(self.fault(column, place, bytes)),
        }
    }

    fn take(&mut self, name: &'static str, kind: Kind) -> (&'static Column, &'a [u8]) {
        let column = &self.layout.columns[self.next];
        debug_assert!(column.name == name && column.kind == kind, "{name} is not column {}", self.next);
        self.next += 1;
        (column, &self.bytes[column.start - 1..column.start - 1 + column.length])
    }

    fn only_digits(&self, column: &Column, bytes: &'a [u8]) -> Result<&'a str, Fault> {
        match bytes.iter().position(|byte| !byte.is_ascii_digit()) {
            Some(place) => Err(self.fault(column, place, bytes)),
            None => std::str::from_utf8(bytes).map_err(|_| self.fault(column, 0, bytes)),
        }
    }

    fn fault(&self, column: &Column, place: usize, bytes: &[u8]) -> Fault {
        Fault {
            line: self.line,
            column: column.start + place,
            field: column.name,
            found: latin1(bytes),
            allowed: column.kind.allowed(column.length),
        }
    }
}
