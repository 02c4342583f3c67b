//! A receipt as one HTML page: no script, nothing loaded from anywhere, every value escaped.
//!
//! On a screen it is a slip of paper; printed, it fills 58 mm paper.

use std::fmt::Write as _;

use super::qr::{Modules, QUIET};
use super::ticket::{Line, Ticket};

const STYLE: &str = include_str!("receipt.css");
/// Micrometres of one printer dot (203 dots an inch).
const DOT_MICROMETRES: usize = 125;
/// Characters that certainly fit into a printed row, and how high that row is.
const ROW_CHARS: usize = 32;
const ROW_MILLIMETRES: usize = 4;

/// The receipt as a page, with the QR code of its signed form.
#[must_use]
pub fn render(ticket: &Ticket, seal: &Modules) -> String {
    let mut page = String::with_capacity(32_768);
    page.push_str("<!doctype html>\n<html lang=\"es-CO\">\n<head>\n<meta charset=\"utf-8\">\n");
    // A second wall behind the escaping: a page that may load and run nothing.
    page.push_str(
        "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'\">\n",
    );
    page.push_str("<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n");
    tagged(&mut page, "title", "", &format!("Comprobante {}", ticket.receipt_number));
    let annulled = if ticket.annulled { " class=\"annulled\"" } else { "" };
    let height = paper_millimetres(ticket, seal);
    page.push_str(&format!("<style>\n@page {{ size: 58mm {height}mm; margin: 0; }}\n{STYLE}</style>\n"));
    page.push_str(&format!("</head>\n<body>\n<main{annulled}>\n"));
    for line in &ticket.lines {
        match line {
            Line::Heading(text) => tagged(&mut page, "h1", "", text),
            Line::Centered(text) => tagged(&mut page, "p", "center", text),
            Line::Banner(text) => tagged(&mut page, "p", "banner", text),
            Line::Field(label, value) => pair(&mut page, "field", label, value),
            Line::Amount(label, value) => pair(&mut page, "amount", label, value),
            Line::Total(label, value) => pair(&mut page, "total", label, value),
            Line::Note(text) => tagged(&mut page, "p", "", text),
            Line::Code(code) => tagged(&mut page, "p", "code", code),
            Line::Seal => svg(&mut page, seal),
            Line::Rule => page.push_str("<hr>\n"),
        }
    }
    page.push_str("</main>\n</body>\n</html>\n");
    page
}

/// How much paper the receipt needs, rather more than less: a page of a roll has to be given a height, and
/// a browser breaks what is longer.
fn paper_millimetres(ticket: &Ticket, seal: &Modules) -> usize {
    let rows = |text: &str| text.chars().count().div_ceil(ROW_CHARS).max(1) * ROW_MILLIMETRES;
    let pair = |label: &str, value: &str| {
        let beside = label.chars().count() + value.chars().count() < ROW_CHARS;
        if beside { ROW_MILLIMETRES } else { rows(label) + rows(value) }
    };
    let line = |line: &Line| match line {
        Line::Heading(text) | Line::Centered(text) | Line::Note(text) => rows(text),
        Line::Banner(text) => 2 * rows(text) + 4,
        Line::Field(label, value) | Line::Amount(label, value) => pair(label, value),
        Line::Total(label, value) => 2 * pair(label, value) + 6,
        Line::Code(_) => 2 * ROW_MILLIMETRES,
        Line::Seal => outer_micrometres(seal).div_ceil(1000) + 4,
        Line::Rule => 4,
    };
    10 + ticket.lines.iter().map(line).sum::<usize>()
}

/// A whole number of printer dots for each module keeps its edges sharp on thermal paper.
fn outer_micrometres(seal: &Modules) -> usize {
    seal.outer_width() * seal.module_dots() * DOT_MICROMETRES
}

fn tagged(page: &mut String, tag: &str, class: &str, text: &str) {
    let class = if class.is_empty() { String::new() } else { format!(" class=\"{class}\"") };
    page.push_str(&format!("<{tag}{class}>"));
    escape(page, text);
    page.push_str(&format!("</{tag}>\n"));
}

fn pair(page: &mut String, class: &str, label: &str, value: &str) {
    page.push_str(&format!("<p class=\"{class}\"><span>"));
    escape(page, label);
    page.push_str("</span> <b>");
    escape(page, value);
    page.push_str("</b></p>\n");
}

fn escape(page: &mut String, text: &str) {
    for character in text.chars() {
        match character {
            '&' => page.push_str("&amp;"),
            '<' => page.push_str("&lt;"),
            '>' => page.push_str("&gt;"),
            '"' => page.push_str("&quot;"),
            '\'' => page.push_str("&#39;"),
            other => page.push(other),
        }
    }
}

fn svg(page: &mut String, seal: &Modules) {
    let outer = seal.outer_width();
    let micrometres = outer_micrometres(seal);
    let millimetres = format!("{}.{:03}mm", micrometres / 1000, micrometres % 1000);
    page.push_str(&format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {outer} {outer}\" width=\"{millimetres}\" \
         height=\"{millimetres}\" shape-rendering=\"crispEdges\" role=\"img\" \
         aria-label=\"Código QR del comprobante firmado\">\n\
         <path fill=\"#fff\" d=\"M0 0h{outer}v{outer}H0z\"/>\n<path d=\""
    ));
    for run in seal.runs() {
        // Writing into a string cannot fail.
        let _ = write!(page, "M{} {}h{len}v1h-{len}z", run.x + QUIET, run.y + QUIET, len = run.length);
    }
    page.push_str("\"/>\n</svg>\n");
}
