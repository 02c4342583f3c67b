//! The report for a terminal or a mail: plain text, 100 characters wide, no colours.

use std::fmt::Write as _;

use super::chart::Chart;
use super::{AGES, ReportHeader, cut_note, day, days, few, handling, listed, subject, timeless_note, totals, verdict};
use crate::reconciliation::amounts::{grouped, pesos};
use crate::reconciliation::result::Reconciliation;

/// The width of the page in characters.
const WIDTH: usize = 100;
/// The longest bar in characters.
const BAR: i32 = 30;

/// The report as plain text.
#[must_use]
pub fn render(result: &Reconciliation, header: &ReportHeader<'_>) -> String {
    let mut page = Page(String::new());
    page.line(&ReportHeader::title(result));
    page.wrapped("", &header.subtitle(result));
    page.line(&"═".repeat(WIDTH));
    page.wrapped("", &verdict(result));
    page.blank();
    page.totals(result);
    page.hours(result);
    page.causes(result);
    page.breaks(result, header);
    page.0
}

struct Page(String);

impl Page {
    fn line(&mut self, text: &str) {
        self.0.push_str(text.trim_end());
        self.0.push('\n');
    }

    fn blank(&mut self) {
        self.0.push('\n');
    }

    fn heading(&mut self, text: &str) {
        self.line(text);
        self.line(&"─".repeat(WIDTH));
    }

    fn totals(&mut self, result: &Reconciliation) {
        self.heading("Totales");
        for one in totals(result) {
            let count = one.count.map(grouped).unwrap_or_default();
            self.line(&format!("{:<45}{count:>12}{:>30}", one.label, pesos(one.amount)));
        }
        self.blank();
    }

    fn hours(&mut self, result: &Reconciliation) {
        self.heading("El día por hora (P pasarela, A aliado)");
        let chart = Chart::new(&result.hours);
        for hour in &chart.hours {
            let mut bar = |name: String, side: crate::reconciliation::result::Tally| {
                let length = usize::try_from(chart.bar(side.amount, BAR)).unwrap_or_default();
                let blocks = "█".repeat(length);
                self.line(&format!("{name:<8}{blocks:<30}{:>10}{:>24}", grouped(side.count), pesos(side.amount)));
            };
            bar(format!("{:02}:00 P", hour.hour), hour.gateway);
            if result.partner_compared {
                bar("      A".to_owned(), hour.partner);
            }
        }
        if let Some(note) = timeless_note(result) {
            self.wrapped("", &note);
        }
        self.blank();
    }

    fn causes(&mut self, result: &Reconciliation) {
        if result.is_clean() {
            return;
        }
        self.heading("Diferencias por causa y antigüedad");
        let ages = AGES.iter().fold(String::new(), |mut text, age| {
            // Writing to a String cannot fail.
            _ = write!(text, "{age:>10}");
            text
        });
        self.line(&format!("{:<30}{:>8}{:>22}{ages}", "Causa", "Cantidad", "En juego"));
        for one in result.by_cause() {
            let ages: String = one.by_age.iter().map(|count| format!("{:>10}", few(*count))).collect();
            let (count, amount) = (grouped(one.total.count), pesos(one.total.amount));
            self.line(&format!("{:<30}{count:>8}{amount:>22}{ages}", one.cause.label()));
        }
        self.blank();
    }

    fn breaks(&mut self, result: &Reconciliation, header: &ReportHeader<'_>) {
        let (shown, left) = listed(result, header);
        if shown.is_empty() && left == 0 {
            return;
        }
        self.heading("Diferencias");
        for one in shown {
            let (amount, age) = (pesos(one.amount_at_stake), days(one.age_days));
            let about = format!("{} · {} · {} · {age}", one.cause.label(), subject(one), day(one));
            self.line(&format!("{about:<76}{amount:>24}"));
            for evidence in &one.evidence {
                self.wrapped("  ", &header.evidence(evidence));
            }
            self.wrapped("  → ", &one.cure);
            self.wrapped("  ", &format!("{} · {}", handling(one), one.break_id.with_prefix("brk")));
            self.blank();
        }
        if let Some(note) = cut_note(left) {
            self.line(&note);
        }
    }

    fn wrapped(&mut self, indent: &str, text: &str) {
        let hanging =
            " ".repeat(indent.chars().count() + if indent.trim().is_empty() && !indent.is_empty() { 2 } else { 0 });
        let mut line = indent.to_owned();
        let mut length = hanging.len();
        for word in text.split(' ') {
            let letters = word.chars().count();
            if length + letters + 1 > WIDTH && length > hanging.len() {
                self.line(&line);
                line.clone_from(&hanging);
                length = hanging.len();
            }
            line.push_str(word);
            line.push(' ');
            length += letters + 1;
        }
        self.line(&line);
    }
}
