//! A receipt for a till printer: printable ASCII, so many columns and never one more.
//!
//! Money stands at the right edge and is never broken; a word longer than the paper is.

use super::ticket::{Line, Ticket};
use super::wording::fold;

/// How many characters fit across the paper.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Columns {
    /// 58 mm paper, the printer's usual font.
    Narrow,
    /// 58 mm paper with the small font, or 80 mm with the large one.
    Medium,
    /// 80 mm paper.
    Wide,
}

impl Columns {
    /// Every width there is.
    pub const ALL: [Self; 3] = [Self::Narrow, Self::Medium, Self::Wide];

    /// The one of a number of columns (32, 42 or 48).
    #[must_use]
    pub fn of(columns: usize) -> Option<Self> {
        Self::ALL.into_iter().find(|candidate| candidate.count() == columns)
    }

    /// The number of columns.
    #[must_use]
    pub const fn count(self) -> usize {
        match self {
            Self::Narrow => 32,
            Self::Medium => 42,
            Self::Wide => 48,
        }
    }
}

/// The receipt as lines of ASCII, each ended by `\n`.
#[must_use]
pub fn render(ticket: &Ticket, columns: Columns) -> String {
    let mut page = Page { width: columns.count(), text: String::with_capacity(2048) };
    for line in &ticket.lines {
        match line {
            Line::Heading(text) | Line::Centered(text) => page.centered(text),
            Line::Banner(text) => page.centered(&format!("*** {text} ***")),
            Line::Field(label, value) => page.pair(label, value),
            Line::Amount(label, value) => page.money(label, value),
            Line::Total(label, value) => {
                page.rule('=');
                page.money(label, value);
                page.rule('=');
            }
            Line::Note(text) => page.paragraph(text),
            Line::Code(code) => page.centered(&format!("[ {code} ]")),
            // A till printer draws the QR code by a command of its own, from the signed form.
            Line::Seal => page.put(""),
            Line::Rule => page.rule('-'),
        }
    }
    page.text
}

struct Page {
    width: usize,
    text: String,
}

impl Page {
    fn put(&mut self, line: &str) {
        self.text.push_str(line.trim_end());
        self.text.push('\n');
    }

    fn rule(&mut self, mark: char) {
        self.put(&mark.to_string().repeat(self.width));
    }

    fn centered(&mut self, text: &str) {
        for line in wrap(&fold(text), self.width) {
            self.put(&format!("{line:^width$}", width = self.width));
        }
    }

    fn right(&mut self, text: &str) {
        for line in wrap(text, self.width) {
            self.put(&format!("{line:>width$}", width = self.width));
        }
    }

    fn paragraph(&mut self, text: &str) {
        for line in wrap(&fold(text), self.width) {
            self.put(&line);
        }
    }

    /// Beside each other where they fit, else the value below.
    fn pair(&mut self, label: &str, value: &str) {
        let (label, value) = (fold(label), fold(value));
        if label.len() + 1 + value.len() <= self.width {
            self.put(&format!("{label}{value:>width$}", width = self.width - label.len()));
        } else {
            self.paragraph(&label);
            self.right(&value);
        }
    }

    /// The label may take several lines; its money stands at the right end of the last one.
    fn money(&mut self, label: &str, value: &str) {
        let value = fold(value);
        let room = self.width.saturating_sub(value.len() + 1);
        let mut lines = wrap(&fold(label), self.width);
        let last = lines.pop().unwrap_or_default();
        for line in &lines {
            self.put(line);
        }
        if last.len() <= room {
            self.put(&format!("{last}{value:>width$}", width = self.width - last.len()));
        } else {
            self.put(&last);
            self.right(&value);
        }
    }
}

/// Lines of at most `width` ASCII characters, broken between words where possible.
fn wrap(text: &str, width: usize) -> Vec<String> {
    let mut lines = Vec::new();
    let mut line = String::new();
    for word in text.split_ascii_whitespace() {
        if !line.is_empty() && line.len() + 1 + word.len() > width {
            lines.push(std::mem::take(&mut line));
        }
        if !line.is_empty() {
            line.push(' ');
        }
        for letter in word.chars() {
            if line.len() == width {
                lines.push(std::mem::take(&mut line));
            }
            line.push(letter);
        }
    }
    if !line.is_empty() {
        lines.push(line);
    }
    lines
}
