//! Puts a record together, column after column, in the order of its layout.

use super::{BusinessDate, Column, Fault, HourMinute, Kind, Layout, Money};

/// Prints one record at a time into a buffer of its own, which is used again for the next.
pub struct Printer {
    layout: &'static Layout,
    line: u64,
    bytes: Vec<u8>,
    next: usize,
}

impl Printer {
    /// Begins a record: its code stands, its other fields are to be given in order and by name.
    #[must_use]
    pub fn new(layout: &'static Layout, line: u64) -> Self {
        let mut printer = Self { layout, line, bytes: Vec::with_capacity(layout.length + 2), next: 0 };
        printer.restart(layout, line);
        printer
    }

    /// Begins the next record in the same buffer.
    pub fn restart(&mut self, layout: &'static Layout, line: u64) {
        (self.layout, self.line, self.next) = (layout, line, 1);
        self.bytes.clear();
        self.bytes.extend_from_slice(layout.code.as_bytes());
    }

    /// Digits, filled with zeros on the left.
    ///
    /// # Errors
    /// Anything but digits, or more of them than the column holds.
    pub fn digits(&mut self, name: &'static str, digits: &str) -> Result<(), Fault> {
        let column = self.take(name, Kind::Numeric);
        if digits.len() > column.length || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
            return Err(self.fault(column, digits));
        }
        self.fill(column.length - digits.len(), b'0');
        self.bytes.extend_from_slice(digits.as_bytes());
        Ok(())
    }

    /// A number.
    ///
    /// # Errors
    /// More digits than the column holds.
    pub fn number(&mut self, name: &'static str, number: impl Into<u64>) -> Result<(), Fault> {
        let column = self.take(name, Kind::Numeric);
        self.put_number(column, number.into())
    }

    /// An amount.
    ///
    /// # Errors
    /// Below zero, or more digits than the column holds.
    pub fn amount(&mut self, name: &'static str, amount: Money) -> Result<(), Fault> {
        let column = self.take(name, Kind::Amount);
        let centavos = u64::try_from(amount.centavos()).map_err(|_| self.fault(column, &amount.to_string()))?;
        self.put_number(column, centavos)
    }

    /// A text.
    ///
    /// # Errors
    /// Longer than the column, not printable ASCII, lower case, or with a blank at either end.
    pub fn text(&mut self, name: &'static str, text: &str) -> Result<(), Fault> {
        let column = self.take(name, Kind::Text);
        let plain = text.bytes().all(|byte| matches!(byte, b' '..=b'~') && !byte.is_ascii_lowercase());
        if text.len() > column.length || !plain || text.trim() != text {
            let mut fault = self.fault(column, text);
            fault.allowed = format!("at most {} ASCII characters, upper case, no blank at either end", column.length);
            return Err(fault);
        }
        self.bytes.extend_from_slice(text.as_bytes());
        self.fill(column.length - text.len(), b' ');
        Ok(())
    }

    /// A day.
    ///
    /// # Errors
    /// A year that does not have one to four digits.
    pub fn date(&mut self, name: &'static str, date: BusinessDate) -> Result<(), Fault> {
        let column = self.take(name, Kind::Date);
        let number = u64::try_from(date.number()).map_err(|_| self.fault(column, &date.to_string()))?;
        self.put_number(column, number)
    }

    /// A time of day.
    ///
    /// # Errors
    /// None; it always fits.
    pub fn time(&mut self, name: &'static str, time: HourMinute) -> Result<(), Fault> {
        let column = self.take(name, Kind::Time);
        self.put_number(column, u64::from(time.number()))
    }

    /// Fills the reserved rest and ends the line: the record with CRLF.
    pub fn finish(&mut self, name: &'static str) -> &[u8] {
        let column = self.take(name, Kind::Blank);
        self.fill(column.length, b' ');
        debug_assert_eq!(self.bytes.len(), self.layout.length);
        self.bytes.extend_from_slice(b"\r\n");
        &self.bytes
    }

    fn take(&mut self, name: &'static str, kind: Kind) -> &'static Column {
        let column = &self.layout.columns[self.next];
        debug_assert!(column.name == name && column.kind == kind, "{name} is not column {}", self.next);
        self.next += 1;
        column
    }

    fn fill(&mut self, count: usize, byte: u8) {
        self.bytes.resize(self.bytes.len() + count, byte);
    }

    fn put_number(&mut self, column: &'static Column, number: u64) -> Result<(), Fault> {
        let start = self.bytes.len();
        self.fill(column.length, b'0');
        let mut rest = number;
        for place in self.bytes[start..].iter_mut().rev() {
            *place = b'0' + (rest % 10) as u8;
            rest /= 10;
        }
        if rest == 0 { Ok(()) } else { Err(self.fault(column, &number.to_string())) }
    }

    fn fault(&self, column: &Column, found: &str) -> Fault {
        Fault {
            line: self.line,
            column: column.start,
            field: column.name,
            found: found.to_owned(),
            allowed: column.kind.allowed(column.length),
        }
    }
}
