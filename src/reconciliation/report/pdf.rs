//! The report as a PDF: A4, Helvetica (which every reader has), compressed, the same bytes every time.
//!
//! Lengths are whole tenths of a point from the top left corner; the page's matrix turns them into
//! points, so no float is ever computed with.

use std::io::Write as _;

use flate2::Compression;
use flate2::write::ZlibEncoder;
use pdf_writer::{Content, Filter, Finish, Name, Pdf, Rect, Ref, Str, TextStr};

use super::chart::Chart;
use super::metrics::{width, win_ansi, wrap};
use super::{AGES, ReportHeader, cut_note, day, days, few, handling, listed, subject, timeless_note, totals, verdict};
use crate::domain::money::Money;
use crate::reconciliation::amounts::{grouped, pesos};
use crate::reconciliation::breaks::Break;
use crate::reconciliation::result::Reconciliation;

const PAGE_WIDTH: i16 = 5_950;
const PAGE_HEIGHT: i16 = 8_420;
const LEFT: i32 = 500;
const RIGHT: i32 = 5_450;
const TOP: i32 = 560;
/// Nothing but the foot stands below.
const BOTTOM: i32 = 7_850;

/// The colours of the page.
#[derive(Clone, Copy)]
enum Color {
    Ink,
    Soft,
    Line,
    Wash,
    Ours,
    Theirs,
    Stake,
}

impl Color {
    fn fill(self, page: &mut Content) {
        _ = match self {
            Self::Ink => page.set_fill_rgb(0.110, 0.153, 0.200),
            Self::Soft => page.set_fill_rgb(0.357, 0.408, 0.459),
            Self::Line => page.set_fill_rgb(0.867, 0.890, 0.914),
            Self::Wash => page.set_fill_rgb(0.957, 0.969, 0.976),
            Self::Ours => page.set_fill_rgb(0.122, 0.435, 0.698),
            Self::Theirs => page.set_fill_rgb(0.878, 0.541, 0.180),
            Self::Stake => page.set_fill_rgb(0.639, 0.153, 0.114),
        };
    }
}

/// The report as a PDF file.
#[must_use]
pub fn render(result: &Reconciliation, header: &ReportHeader<'_>) -> Vec<u8> {
    let mut paper = Paper::new();
    paper.text(LEFT, &ReportHeader::title(result), Type { size: 200, bold: true, ..Type::BODY });
    paper.down(270);
    paper.paragraph(LEFT, &header.subtitle(result), Type::SMALL);
    paper.down(70);
    paper.verdict(result);
    paper.totals(result);
    paper.chart(result);
    paper.causes(result);
    paper.breaks(result, header);
    assemble(paper.finish(), &format!("{} · {}", ReportHeader::title(result), header.party_name))
}

/// How a text looks.
#[derive(Clone, Copy)]
struct Type {
    size: i32,
    bold: bool,
    color: Color,
}

impl Type {
    const BODY: Self = Self { size: 90, bold: false, color: Color::Ink };
    const STRONG: Self = Self { bold: true, ..Self::BODY };
    const SMALL: Self = Self { size: 80, bold: false, color: Color::Soft };
    const HEADING: Self = Self { size: 120, bold: true, color: Color::Ink };
    const LABEL: Self = Self { size: 75, bold: true, color: Color::Soft };

    const fn leading(self) -> i32 {
        self.size * 7 / 5
    }
}

/// Pages as they fill: `y` is the top of the next line.
struct Paper {
    full: Vec<Content>,
    page: Content,
    y: i32,
}

impl Paper {
    fn new() -> Self {
        Self { full: Vec::new(), page: blank(), y: TOP }
    }

    fn finish(mut self) -> Vec<Content> {
        self.full.push(self.page);
        self.full
    }

    fn down(&mut self, by: i32) {
        self.y += by;
    }

    /// Begins a new page unless `height` still fits; whether it did.
    fn keep(&mut self, height: i32) -> bool {
        let turned = self.y + height > BOTTOM;
        if turned {
            self.full.push(std::mem::replace(&mut self.page, blank()));
            self.y = TOP;
        }
        turned
    }

    fn text(&mut self, x: i32, text: &str, look: Type) {
        put(&mut self.page, x, self.y, text, look);
    }

    fn right(&mut self, x: i32, text: &str, look: Type) {
        self.text(x - width(text, look.bold) * look.size / 1_000, text, look);
    }

    fn paragraph(&mut self, x: i32, text: &str, look: Type) {
        for line in wrap(text, look.size, look.bold, RIGHT - x) {
            self.keep(look.leading());
            self.text(x, &line, look);
            self.down(look.leading());
        }
    }

    fn heading(&mut self, text: &str, room: i32) {
        self.down(130);
        self.keep(room);
        self.text(LEFT, text, Type::HEADING);
        self.down(190);
    }

    fn rule(&mut self) {
        fill(&mut self.page, LEFT, self.y, RIGHT - LEFT, 5, Color::Line);
    }

    fn verdict(&mut self, result: &Reconciliation) {
        let lines = wrap(&verdict(result), Type::STRONG.size, true, RIGHT - LEFT - 240);
        let height = i32::try_from(lines.len()).unwrap_or(1) * Type::STRONG.leading() + 120;
        fill(&mut self.page, LEFT, self.y, RIGHT - LEFT, height, Color::Wash);
        fill(&mut self.page, LEFT, self.y, 35, height, if result.is_clean() { Color::Ours } else { Color::Stake });
        let top = self.y;
        self.down(75);
        for line in lines {
            self.text(LEFT + 120, &line, Type::STRONG);
            self.down(Type::STRONG.leading());
        }
        self.y = top + height;
    }

    fn totals(&mut self, result: &Reconciliation) {
        self.heading("Totales", 900);
        for one in totals(result) {
            self.keep(150);
            let look = if one.count.is_none() { Type::STRONG } else { Type::BODY };
            self.text(LEFT, one.label, look);
            self.right(3_700, &one.count.map(grouped).unwrap_or_default(), look);
            self.right(RIGHT, &pesos(one.amount), look);
            self.down(118);
            self.rule();
            self.down(32);
        }
    }

    fn chart(&mut self, result: &Reconciliation) {
        const HEIGHT: i32 = 1_150;
        self.heading("El día por hora", HEIGHT + 650);
        let chart = Chart::new(&result.hours);
        let mut key = |x: i32, color, label: &str| {
            fill(&mut self.page, x, self.y + 10, 70, 70, color);
            put(&mut self.page, x + 110, self.y, label, Type::SMALL);
        };
        key(LEFT, Color::Ours, "Pasarela");
        if result.partner_compared {
            key(LEFT + 650, Color::Theirs, "Aliado");
        }
        self.down(180);
        let (base, left) = (self.y + HEIGHT, LEFT + 420);
        for tick in &chart.ticks {
            let y = base - chart.bar(*tick, HEIGHT);
            fill(&mut self.page, left, y, RIGHT - left, 4, Color::Line);
            let label = Chart::label(*tick);
            let wide = width(&label, false) * Type::SMALL.size / 1_000;
            put(&mut self.page, left - 60 - wide, y - 40, &label, Type::SMALL);
        }
        let step = (RIGHT - left) / i32::try_from(chart.hours.len()).unwrap_or(24).max(1);
        let bars = if result.partner_compared { 2 } else { 1 };
        let bar = (step * 3 / 4 / bars).min(160);
        for (middle, hour) in (0..).map(|place| left + place * step + step / 2).zip(&chart.hours) {
            let mut draw = |x: i32, amount: Money, color| {
                let height = chart.bar(amount, HEIGHT);
                fill(&mut self.page, x, base - height, bar, height, color);
            };
            let x = middle - bar * bars / 2;
            draw(x, hour.gateway.amount, Color::Ours);
            if result.partner_compared {
                draw(x + bar, hour.partner.amount, Color::Theirs);
            }
            let label = format!("{:02}", hour.hour);
            put(
                &mut self.page,
                middle - width(&label, false) * Type::SMALL.size / 2_000,
                base + 50,
                &label,
                Type::SMALL,
            );
        }
        self.y = base + 180;
        if let Some(note) = timeless_note(result) {
            self.paragraph(LEFT, &note, Type::SMALL);
        }
    }

    fn causes(&mut self, result: &Reconciliation) {
        if result.is_clean() {
            return;
        }
        self.heading("Diferencias por causa y antigüedad", 900);
        self.cause_head();
        for one in result.by_cause() {
            if self.keep(150) {
                self.cause_head();
            }
            self.text(LEFT, one.cause.label(), Type::BODY);
            self.right(2_450, &grouped(one.total.count), Type::BODY);
            self.right(3_600, &pesos(one.total.amount), Type::BODY);
            for (x, count) in AGE_PLACES.into_iter().zip(one.by_age) {
                self.right(x, &few(count), if count == 0 { Type::SMALL } else { Type::BODY });
            }
            self.down(118);
            self.rule();
            self.down(32);
        }
    }

    fn cause_head(&mut self) {
        self.text(LEFT, "Causa", Type::LABEL);
        self.right(2_450, "Cantidad", Type::LABEL);
        self.right(3_600, "En juego", Type::LABEL);
        for (x, age) in AGE_PLACES.into_iter().zip(AGES) {
            self.right(x, age, Type::LABEL);
        }
        self.down(108);
        self.rule();
        self.down(32);
    }

    fn breaks(&mut self, result: &Reconciliation, header: &ReportHeader<'_>) {
        let (shown, left) = listed(result, header);
        if shown.is_empty() {
            return;
        }
        self.heading("Diferencias, una por una", 1_200);
        for one in shown {
            self.entry(one, header);
        }
        if let Some(note) = cut_note(left) {
            self.down(40);
            self.paragraph(LEFT, &note, Type::SMALL);
        }
    }

    fn entry(&mut self, one: &Break, header: &ReportHeader<'_>) {
        // A break stays on one page: the height is counted before anything is drawn.
        let note = format!("{} · {}", handling(one), one.break_id.with_prefix("brk"));
        let evidence: Vec<String> = one.evidence.iter().map(|evidence| header.evidence(evidence)).collect();
        let mut block: Vec<(&str, Type)> = evidence.iter().map(|line| (line.as_str(), Type::SMALL)).collect();
        block.push((&one.cure, Type::BODY));
        block.push((&note, Type { size: 70, ..Type::SMALL }));
        let height = |(text, look): &(&str, Type)| {
            i32::try_from(wrap(text, look.size, look.bold, RIGHT - LEFT).len()).unwrap_or(1) * look.leading()
        };
        self.keep(150 + block.iter().map(height).sum::<i32>() + 110);
        let cause = one.cause.label();
        self.text(LEFT, cause, Type::STRONG);
        let after = LEFT + width(cause, true) * Type::STRONG.size / 1_000;
        let about = format!(" · {} · {} · {}", subject(one), day(one), days(one.age_days));
        self.text(after, &about, Type { color: Color::Soft, ..Type::BODY });
        self.right(RIGHT, &pesos(one.amount_at_stake), Type { color: Color::Stake, ..Type::STRONG });
        self.down(145);
        for (text, look) in block {
            self.paragraph(LEFT, text, look);
        }
        self.down(35);
        self.rule();
        self.down(70);
    }
}

/// Where the ages stand in the table of causes, right edges.
const AGE_PLACES: [i32; 4] = [4_100, 4_550, 5_000, RIGHT];

fn blank() -> Content {
    let mut page = Content::new();
    page.transform([0.1, 0.0, 0.0, -0.1, 0.0, (PAGE_HEIGHT / 10).into()]);
    page
}

fn put(page: &mut Content, x: i32, y: i32, text: &str, look: Type) {
    look.color.fill(page);
    page.begin_text();
    page.set_font(if look.bold { Name(b"B") } else { Name(b"R") }, place(look.size).into());
    // The page counts downwards; letters must not stand on their heads.
    page.set_text_matrix([1.0, 0.0, 0.0, -1.0, place(x).into(), place(y + look.size).into()]);
    page.show(Str(&win_ansi(text)));
    page.end_text();
}

fn fill(page: &mut Content, x: i32, y: i32, wide: i32, high: i32, color: Color) {
    color.fill(page);
    page.rect(place(x).into(), place(y).into(), place(wide).into(), place(high).into());
    page.fill_nonzero();
}

/// A whole length, small enough for the PDF to take it as it is; the page is far smaller than an `i16`.
fn place(length: i32) -> i16 {
    i16::try_from(length).unwrap_or(i16::MAX)
}

fn assemble(mut pages: Vec<Content>, title: &str) -> Vec<u8> {
    let total = pages.len();
    for (page, number) in pages.iter_mut().zip(1..) {
        let foot = format!("Página {number} de {total}");
        let x = RIGHT - width(&foot, false) * Type::SMALL.size / 1_000;
        put(page, x, 7_980, &foot, Type::SMALL);
        put(page, LEFT, 7_980, title, Type::SMALL);
    }
    let mut pdf = Pdf::new();
    let mut next = Ref::new(1);
    let (catalog, tree, info, regular, bold) = (next.bump(), next.bump(), next.bump(), next.bump(), next.bump());
    pdf.catalog(catalog).pages(tree).lang(TextStr("es-CO"));
    pdf.document_info(info).title(TextStr(title)).producer(TextStr("recaudo"));
    pdf.type1_font(regular).base_font(Name(b"Helvetica")).encoding_predefined(Name(b"WinAnsiEncoding"));
    pdf.type1_font(bold).base_font(Name(b"Helvetica-Bold")).encoding_predefined(Name(b"WinAnsiEncoding"));
    let ids: Vec<(Ref, Ref)> = pages.iter().map(|_| (next.bump(), next.bump())).collect();
    pdf.pages(tree).kids(ids.iter().map(|(page, _)| *page)).count(i32::try_from(total).unwrap_or(i32::MAX));
    for ((page_id, content_id), content) in ids.into_iter().zip(pages) {
        let mut page = pdf.page(page_id);
        page.media_box(Rect::new(0.0, 0.0, (PAGE_WIDTH / 10).into(), (PAGE_HEIGHT / 10).into()));
        page.parent(tree).contents(content_id);
        page.resources().fonts().pair(Name(b"R"), regular).pair(Name(b"B"), bold);
        page.finish();
        let plain = content.finish();
        match deflate(&plain) {
            Some(packed) => _ = pdf.stream(content_id, &packed).filter(Filter::FlateDecode),
            None => _ = pdf.stream(content_id, &plain),
        }
    }
    pdf.finish()
}

fn deflate(plain: &[u8]) -> Option<Vec<u8>> {
    let mut encoder = ZlibEncoder::new(Vec::new(), Compression::default());
    encoder.write_all(plain).ok()?;
    encoder.finish().ok()
}
