//! A receipt as a PDF page 80 mm wide and as long as it needs to be.
//!
//! Built-in Helvetica in Windows' Latin alphabet, the QR code as rectangles, no date and no random
//! identity inside: the same ticket is the same file. Everything is laid out in whole tenths of a
//! point, which the page scales once; nothing is computed in floats.

use pdf_writer::{Content, Finish as _, Name, Pdf, Rect, Ref, Str, TextStr};

use super::helvetica::{Face, encode, width};
use super::qr::{Modules, QUIET};
use super::ticket::{Line, Ticket};

/// Tenths of a point across the page (80 mm).
const PAGE: i32 = 2270;
const MARGIN: i32 = 150;
const INNER: i32 = PAGE - 2 * MARGIN;
/// The QR code's side with its margin, at most.
const SEAL: i32 = 1400;
const BODY: Type = Type { face: Face::Regular, size: 85, leading: 115 };
const STRONG: Type = Type { face: Face::Bold, size: 100, leading: 135 };
const BANNER: Type = Type { face: Face::Bold, size: 140, leading: 160 };
const TOTAL: Type = Type { face: Face::Bold, size: 130, leading: 165 };
const CODE: Type = Type { face: Face::Bold, size: 160, leading: 190 };
/// Blank between a label and what stands right of it, at least.
const GAP: i32 = 60;

#[derive(Clone, Copy)]
struct Type {
    face: Face,
    size: i32,
    leading: i32,
}

/// One thing on the page; `y` counts downwards from the top.
enum Mark {
    Text { x: i32, y: i32, style: Type, text: Vec<u8>, white: bool },
    Bar { x: i32, y: i32, width: i32, height: i32 },
}

struct Layout {
    y: i32,
    marks: Vec<Mark>,
}

/// The receipt as a PDF file, with the QR code of its signed form.
#[must_use]
pub fn render(ticket: &Ticket, seal: &Modules) -> Vec<u8> {
    let mut layout = Layout { y: MARGIN, marks: Vec::new() };
    for line in &ticket.lines {
        match line {
            Line::Heading(text) => layout.centered(text, STRONG),
            Line::Centered(text) => layout.centered(text, BODY),
            Line::Banner(text) => layout.banner(text),
            Line::Field(label, value) | Line::Amount(label, value) => layout.pair(label, value, BODY),
            Line::Total(label, value) => layout.total(label, value),
            Line::Note(text) => layout.paragraph(text),
            Line::Code(code) => layout.centered(code, CODE),
            Line::Seal => layout.seal(seal),
            Line::Rule => layout.rule(),
        }
    }
    file(ticket, &layout)
}

impl Layout {
    /// Puts text whose baseline belongs to the line that begins at `self.y`, and goes to the next.
    fn put(&mut self, x: i32, text: Vec<u8>, style: Type) {
        self.write(x, text, style);
        self.y += style.leading;
    }

    fn write(&mut self, x: i32, text: Vec<u8>, style: Type) {
        let y = self.y + style.leading - (style.leading - style.size) / 2 - style.size / 5;
        self.marks.push(Mark::Text { x, y, style, text, white: false });
    }

    fn centered(&mut self, text: &str, style: Type) {
        for line in wrap(&encode(text), style, INNER) {
            self.put((PAGE - style.width(&line)) / 2, line, style);
        }
    }

    fn paragraph(&mut self, text: &str) {
        for line in wrap(&encode(text), BODY, INNER) {
            self.put(MARGIN, line, BODY);
        }
    }

    /// Beside each other where they fit, else the value below, at the right edge.
    fn pair(&mut self, label: &str, value: &str, style: Type) {
        let (label, value) = (encode(label), encode(value));
        if style.width(&label) + GAP + style.width(&value) <= INNER {
            self.write(MARGIN, label, style);
            self.put(PAGE - MARGIN - style.width(&value), value, style);
            return;
        }
        for line in wrap(&label, style, INNER) {
            self.put(MARGIN, line, style);
        }
        for line in wrap(&value, style, INNER) {
            self.put(PAGE - MARGIN - style.width(&line), line, style);
        }
    }

    fn total(&mut self, label: &str, value: &str) {
        self.y += 30;
        self.bar(10);
        self.y += 20;
        self.pair(label, value, TOTAL);
        self.y += 20;
        self.bar(10);
        self.y += 30;
    }

    fn rule(&mut self) {
        self.y += 40;
        self.bar(4);
        self.y += 40;
    }

    fn bar(&mut self, height: i32) {
        self.marks.push(Mark::Bar { x: MARGIN, y: self.y, width: INNER, height });
        self.y += height;
    }

    fn banner(&mut self, text: &str) {
        self.y += 40;
        let lines = wrap(&encode(text), BANNER, INNER);
        let height = i32::try_from(lines.len()).unwrap_or(1) * BANNER.leading + 20;
        self.marks.push(Mark::Bar { x: MARGIN, y: self.y, width: INNER, height });
        self.y += 10;
        for line in lines {
            self.put((PAGE - BANNER.width(&line)) / 2, line, BANNER);
            if let Some(Mark::Text { white, .. }) = self.marks.last_mut() {
                *white = true;
            }
        }
        self.y += 50;
    }

    fn seal(&mut self, seal: &Modules) {
        let int = |modules: usize| i32::try_from(modules).unwrap_or_default();
        let module = SEAL / int(seal.outer_width());
        let left = (PAGE - int(seal.outer_width()) * module) / 2;
        self.y += 20;
        for run in seal.runs() {
            let (x, y) = (left + int(run.x + QUIET) * module, self.y + int(run.y + QUIET) * module);
            self.marks.push(Mark::Bar { x, y, width: int(run.length) * module, height: module });
        }
        self.y += int(seal.outer_width()) * module + 20;
    }
}

impl Type {
    fn width(self, text: &[u8]) -> i32 {
        width(self.face, text) * self.size / 1000
    }
}

/// Lines that are no wider than `room`, broken between words where possible.
fn wrap(text: &[u8], style: Type, room: i32) -> Vec<Vec<u8>> {
    let mut lines = Vec::new();
    let mut line: Vec<u8> = Vec::new();
    for word in text.split(|byte| *byte == b' ').filter(|word| !word.is_empty()) {
        if !line.is_empty() && style.width(&line) + style.width(b" ") + style.width(word) > room {
            lines.push(std::mem::take(&mut line));
        }
        if !line.is_empty() {
            line.push(b' ');
        }
        for byte in word {
            if !line.is_empty() && style.width(&line) + style.width(&[*byte]) > room {
                lines.push(std::mem::take(&mut line));
            }
            line.push(*byte);
        }
    }
    if !line.is_empty() {
        lines.push(line);
    }
    lines
}

fn file(ticket: &Ticket, layout: &Layout) -> Vec<u8> {
    let [catalog, pages, page_id, regular, bold, content_id, information] = [1, 2, 3, 4, 5, 6, 7].map(Ref::new);
    // The page is a whole number of points high, so that the scale leaves no rest.
    let height = (layout.y + MARGIN + 9) / 10 * 10;
    let mut pdf = Pdf::new();
    pdf.catalog(catalog).pages(pages).lang(TextStr("es-CO"));
    pdf.pages(pages).kids([page_id]).count(1);
    let mut page = pdf.page(page_id);
    page.parent(pages).media_box(Rect::new(0.0, 0.0, number(PAGE / 10), number(height / 10))).contents(content_id);
    page.resources().fonts().pair(REGULAR, regular).pair(BOLD, bold);
    page.finish();
    for (id, name) in [(regular, Name(b"Helvetica")), (bold, Name(b"Helvetica-Bold"))] {
        pdf.type1_font(id).base_font(name).encoding_predefined(Name(b"WinAnsiEncoding"));
    }
    pdf.stream(content_id, &content(layout, height));
    let title = format!("Comprobante {}", ticket.receipt_number);
    pdf.document_info(information).title(TextStr(&title)).author(TextStr(&ticket.utility));
    pdf.finish()
}

const REGULAR: Name<'static> = Name(b"F1");
const BOLD: Name<'static> = Name(b"F2");

fn content(layout: &Layout, page_height: i32) -> Vec<u8> {
    let mut content = Content::new();
    content.transform([0.1, 0.0, 0.0, 0.1, 0.0, 0.0]);
    // All bars are one path, so no viewer draws hairlines between the rows of the QR code.
    for mark in &layout.marks {
        if let Mark::Bar { x, y, width, height } = mark {
            content.rect(number(*x), number(page_height - y - height), number(*width), number(*height));
        }
    }
    content.fill_nonzero();
    for mark in &layout.marks {
        if let Mark::Text { x, y, style, text, white } = mark {
            content.set_fill_gray(if *white { 1.0 } else { 0.0 });
            content.begin_text();
            content.set_font(if style.face == Face::Bold { BOLD } else { REGULAR }, number(style.size));
            content.next_line(number(*x), number(page_height - y));
            content.show(Str(text));
            content.end_text();
        }
    }
    content.finish().to_vec()
}

/// Whole numbers below sixteen million are exact in the type that the writer takes.
#[allow(clippy::cast_precision_loss, reason = "a page is a few thousand tenths of a point")]
const fn number(whole: i32) -> f32 {
    whole as f32
}
