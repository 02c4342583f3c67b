//! A reconciliation for people (es-CO): as a terminal table, as one HTML page, as a PDF.
//!
//! All three tell the same story in the same order: whose day, totals, the day by hour, breaks by cause
//! and age, and the breaks one by one. The story is put into words here once; the rooms below only
//! set it. Nothing outside the document is ever referred to.

pub mod chart;
pub mod html;
mod metrics;
pub mod pdf;
pub mod text;

use super::amounts::{grouped, pesos};
use super::breaks::{Break, Evidence, Rule, Side};
use super::result::{Reconciliation, Tally};
use crate::domain::calendar::Timestamp;
use crate::domain::money::Money;

/// The most breaks that one report lists, whatever is asked for; the rest is in the JSON form.
pub const MAX_LISTED: usize = 2_000;
/// The headings of the ages, in the order of `CauseTotal::by_age`.
pub const AGES: [&str; 4] = ["0–1 día", "2–3 días", "4–7 días", "8 o más"];

/// What a report says beside the result itself.
#[derive(Clone, Copy, Debug)]
pub struct ReportHeader<'a> {
    /// The partner's name for people.
    pub party_name: &'a str,
    /// When the report was made.
    pub generated_at: Timestamp,
    /// Minutes from UTC of all times shown.
    pub offset_minutes: i16,
    /// How many breaks are listed, at most [`MAX_LISTED`].
    pub listed: usize,
}

impl ReportHeader<'_> {
    /// `Conciliación del 2026-11-24`.
    fn title(result: &Reconciliation) -> String {
        if result.from == result.to {
            format!("Conciliación del {}", result.from)
        } else {
            format!("Conciliación del {} al {}", result.from, result.to)
        }
    }

    /// Whose day it is and when the report was made.
    fn subtitle(&self, result: &Reconciliation) -> String {
        // -300 is Colombia all year; another offset is a setting that the reader chose and knows.
        let zone = if self.offset_minutes == -300 { " (hora de Colombia)" } else { "" };
        let made = self.moment(self.generated_at);
        format!("{} ({}) · corte {} · generado {made}{zone}", self.party_name, result.party, result.as_of)
    }

    /// A local time to the minute.
    fn moment(&self, at: Timestamp) -> String {
        let at = at.at(self.offset_minutes);
        format!("{:04}-{:02}-{:02} {:02}:{:02}", at.year(), u8::from(at.month()), at.day(), at.hour(), at.minute())
    }

    /// What one side says, one line.
    fn evidence(&self, one: &Evidence) -> String {
        let mut parts = Vec::new();
        let slip = one.account_number.is_none();
        if let Some(number) = &one.receipt_number {
            parts.push(format!("{} {number}", if slip { "comprobante" } else { "recibo" }));
        } else if let Some(reference) = &one.reference {
            parts.push(format!("referencia {reference}"));
        }
        if let Some(account) = &one.account_number {
            parts.push(format!("cuenta {account}"));
        }
        parts.push(pesos(one.amount));
        match (one.at, one.date) {
            (Some(at), date) => {
                let moment = self.moment(at);
                let told = date.is_none_or(|date| moment.starts_with(&date.to_string()));
                parts.push(moment);
                parts.extend(date.filter(|_| !told).map(|date| format!("fecha de recaudo {date}")));
            }
            (None, Some(date)) => parts.push(date.to_string()),
            (None, None) => {}
        }
        let till = one.till.as_ref().map(|till| format!(" caja {till}")).unwrap_or_default();
        parts.extend(one.collection_point.as_ref().map(|point| format!("{point}{till}")));
        if one.reversed {
            parts.push("anulado".to_owned());
        }
        let line = one.line.map(|line| format!(" (línea {line})")).unwrap_or_default();
        format!("{}{line}: {}", one.side.label(), parts.join(", "))
    }
}

/// One line of the totals: label, rows, money; without rows for a bare difference.
struct TotalLine {
    label: &'static str,
    count: Option<u64>,
    amount: Money,
}

fn totals(result: &Reconciliation) -> Vec<TotalLine> {
    let line = |label, tally: Tally| TotalLine { label, count: Some(tally.count), amount: tally.amount };
    let totals = &result.totals;
    let mut lines = vec![line("Pagos vigentes en la pasarela", totals.gateway)];
    if result.partner_compared {
        lines.push(line("Pagos vigentes en el archivo del aliado", totals.partner));
        let amount = totals.gateway.amount - totals.partner.amount;
        lines.push(TotalLine { label: "Diferencia pasarela − aliado", count: None, amount });
        lines.push(line("Coinciden en todo", totals.agreed));
        lines.push(line("Anulados, sin efecto", totals.void));
    }
    lines.push(line("Consignaciones declaradas", totals.declared));
    if result.bank_compared {
        lines.push(line("Abonos en el banco", totals.bank));
        lines.push(line("Consignaciones aún en plazo", totals.pending));
        let amount = totals.declared.amount - totals.pending.amount - totals.bank.amount;
        lines.push(TotalLine { label: "Diferencia declarado − banco", count: None, amount });
    }
    lines
}

/// The outcome in one sentence.
fn verdict(result: &Reconciliation) -> String {
    let count = result.breaks.len() as u64;
    if count == 0 {
        return "Todas las partes dicen lo mismo: no hay diferencias.".to_owned();
    }
    let at_stake: Money = result.breaks.iter().map(|one| one.amount_at_stake).sum();
    let approvals = result.breaks.iter().filter(|one| one.money_moves).count() as u64;
    let (noun, verb) = if count == 1 { ("diferencia", "necesita") } else { ("diferencias", "necesitan") };
    format!(
        "{} {noun} con {} en juego; {} {verb} aprobación de la otra parte porque mueven dinero.",
        grouped(count),
        pesos(at_stake),
        grouped(approvals)
    )
}

/// What decides a break: who acts, who approves, which rule paired the rows.
fn handling(one: &Break) -> String {
    let mut parts = vec![format!("Responsable: {}", one.owner.label())];
    match one.approver {
        Some(approver) if one.money_moves => parts.push(format!("mueve dinero, aprueba: {}", approver.label())),
        _ => parts.push("no mueve dinero".to_owned()),
    }
    parts.extend(one.rule.map(Rule::label).map(|rule| format!("emparejado por: {}", rule.to_lowercase())));
    if !one.also.is_empty() {
        let also: Vec<_> = one.also.iter().map(|cause| cause.label().to_lowercase()).collect();
        parts.push(format!("además: {}", also.join(", ")));
    }
    parts.join(" · ")
}

/// What a break is about, short: the account, else the slip.
fn subject(one: &Break) -> String {
    let account = one.evidence.iter().find_map(|evidence| evidence.account_number.as_ref());
    let slip =
        one.evidence.iter().find_map(|evidence| evidence.receipt_number.as_ref().or(evidence.reference.as_ref()));
    match (account, slip) {
        (Some(account), _) => account.to_string(),
        (None, Some(slip)) => slip.clone(),
        (None, None) => one.evidence.first().map_or(Side::Gateway, |evidence| evidence.side).label().to_owned(),
    }
}

fn day(one: &Break) -> String {
    one.date.map_or_else(|| "—".to_owned(), |date| date.to_string())
}

fn days(age: i64) -> String {
    if age == 1 { "1 día".to_owned() } else { format!("{age} días") }
}

/// A count in a table, where nothing is a dot that the eye passes over.
fn few(count: u64) -> String {
    if count == 0 { "·".to_owned() } else { grouped(count) }
}

/// The note under the chart when rows of the partner cannot be placed on it; none when all can.
fn timeless_note(result: &Reconciliation) -> Option<String> {
    let placed: u64 = result.hours.iter().map(|hour| hour.partner.count).sum();
    let timeless = result.totals.partner.count - placed;
    (timeless > 0).then(|| format!("Sin contar {} pagos del aliado que no dicen su hora.", grouped(timeless)))
}

/// The breaks that are listed, and how many are not.
fn listed<'a>(result: &'a Reconciliation, header: &ReportHeader<'_>) -> (&'a [Break], usize) {
    let shown = result.breaks.len().min(header.listed).min(MAX_LISTED);
    (&result.breaks[..shown], result.breaks.len() - shown)
}

/// The note under a list that is cut; none when all are there.
fn cut_note(left: usize) -> Option<String> {
    (left > 0).then(|| format!("Y {} diferencias más en la forma JSON del resultado.", grouped(left as u64)))
}
