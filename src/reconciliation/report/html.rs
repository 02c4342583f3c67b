//! The report as one HTML page: escaped, styled inline, drawn inline; it asks nothing of any server.

use std::fmt::{self, Display, Write as _};

use super::chart::Chart;
use super::{AGES, ReportHeader, cut_note, day, days, few, handling, listed, subject, timeless_note, totals, verdict};
use crate::domain::money::Money;
use crate::reconciliation::amounts::{grouped, pesos};
use crate::reconciliation::breaks::Break;
use crate::reconciliation::result::Reconciliation;

const STYLE: &str = "
:root{--ink:#1c2733;--soft:#5b6875;--line:#dde3e9;--paper:#fff;--wash:#f4f7f9;--ours:#1f6fb2;--theirs:#e08a2e;--stake:#a3271d}
@media (prefers-color-scheme:dark){:root{--ink:#e6ebf0;--soft:#9aa7b4;--line:#33404c;--paper:#161d24;--wash:#1e2730;--ours:#5aa5e0;--theirs:#f0a553;--stake:#ff8d80}}
*{box-sizing:border-box}
body{margin:0;background:var(--paper);color:var(--ink);font:15px/1.5 system-ui,'Segoe UI',Roboto,'Helvetica Neue',Arial,sans-serif}
main{max-width:980px;margin:0 auto;padding:32px 24px 64px}
h1{margin:0;font-size:26px;line-height:1.2}h2{margin:36px 0 10px;font-size:18px}
.sub{margin:6px 0 0;color:var(--soft)}.verdict{margin:20px 0 0;padding:12px 16px;background:var(--wash);border-left:4px solid var(--ours);border-radius:0 6px 6px 0;font-weight:600}
.verdict.open{border-color:var(--stake)}
.scroll{overflow-x:auto}table{width:100%;border-collapse:collapse}
th,td{padding:7px 10px;text-align:left;border-bottom:1px solid var(--line);vertical-align:top}
th{color:var(--soft);font-weight:600;font-size:13px}td.n,th.n{text-align:right;font-variant-numeric:tabular-nums;white-space:nowrap}
tr.gap td{font-weight:600}
.chart{display:block;width:100%;height:auto}.chart text{fill:var(--soft);font-size:12px}.chart .grid{stroke:var(--line)}
.ours{fill:var(--ours)}.theirs{fill:var(--theirs)}
.legend{margin:0 0 6px;color:var(--soft);font-size:13px}.legend i{display:inline-block;width:11px;height:11px;border-radius:2px;margin:0 5px 0 14px}.legend i:first-child{margin-left:0}
article{padding:14px 0;border-bottom:1px solid var(--line);break-inside:avoid}
article header{display:flex;justify-content:space-between;gap:16px;align-items:baseline}
article h3{margin:0;font-size:15px}article h3 span{font-weight:400;color:var(--soft)}
.stake{color:var(--stake);font-weight:600;white-space:nowrap;font-variant-numeric:tabular-nums}
article ul{margin:6px 0;padding:0;list-style:none;font-size:14px}
article p{margin:6px 0 2px}article small{color:var(--soft);overflow-wrap:anywhere}
@media print{main{padding:0;max-width:none}body{font-size:12px}}
";

/// Whether a text, wherever it is put, stays text.
struct Escaped<T>(T);

impl<T: Display> Display for Escaped<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for letter in self.0.to_string().chars() {
            match letter {
                '&' => f.write_str("&amp;")?,
                '<' => f.write_str("&lt;")?,
                '>' => f.write_str("&gt;")?,
                '"' => f.write_str("&quot;")?,
                '\'' => f.write_str("&#39;")?,
                other => f.write_char(other)?,
            }
        }
        Ok(())
    }
}

/// The report as one HTML page.
#[must_use]
pub fn render(result: &Reconciliation, header: &ReportHeader<'_>) -> String {
    let mut page = String::with_capacity(16 * 1024);
    // Writing to a String cannot fail, so the outcome says nothing.
    _ = write_page(&mut page, result, header);
    page
}

fn write_page(page: &mut String, result: &Reconciliation, header: &ReportHeader<'_>) -> fmt::Result {
    let title = Escaped(format!("{} · {}", ReportHeader::title(result), header.party_name));
    write!(
        page,
        "<!doctype html>\n<html lang=\"es-CO\"><head><meta charset=\"utf-8\">\
         <meta name=\"viewport\" content=\"width=device-width,initial-scale=1\">\
         <meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'\">\
         <title>{title}</title><style>{STYLE}</style></head><body><main>"
    )?;
    write!(page, "<h1>{}</h1>", Escaped(ReportHeader::title(result)))?;
    write!(page, "<p class=\"sub\">{}</p>", Escaped(header.subtitle(result)))?;
    let state = if result.is_clean() { "verdict" } else { "verdict open" };
    write!(page, "<p class=\"{state}\">{}</p>", Escaped(verdict(result)))?;
    write_totals(page, result)?;
    write_chart(page, result)?;
    write_causes(page, result)?;
    let (shown, left) = listed(result, header);
    if !shown.is_empty() {
        page.push_str("<h2>Diferencias, una por una</h2>");
        shown.iter().try_for_each(|one| write_break(page, one, header))?;
    }
    if let Some(note) = cut_note(left) {
        write!(page, "<p class=\"sub\">{}</p>", Escaped(note))?;
    }
    page.push_str("</main></body></html>\n");
    Ok(())
}

fn write_totals(page: &mut String, result: &Reconciliation) -> fmt::Result {
    page.push_str(
        "<h2>Totales</h2><div class=\"scroll\"><table><thead><tr><th scope=\"col\">Concepto</th>\
         <th scope=\"col\" class=\"n\">Cantidad</th><th scope=\"col\" class=\"n\">Valor</th></tr></thead><tbody>",
    );
    for one in totals(result) {
        let (class, count) = match one.count {
            Some(count) => ("", grouped(count)),
            None => (" class=\"gap\"", String::new()),
        };
        let amount = pesos(one.amount);
        write!(
            page,
            "<tr{class}><td>{}</td><td class=\"n\">{count}</td><td class=\"n\">{amount}</td></tr>",
            one.label
        )?;
    }
    page.push_str("</tbody></table></div>");
    Ok(())
}

fn write_causes(page: &mut String, result: &Reconciliation) -> fmt::Result {
    if result.is_clean() {
        return Ok(());
    }
    page.push_str(
        "<h2>Diferencias por causa y antigüedad</h2><div class=\"scroll\"><table><thead><tr><th scope=\"col\">Causa</th>\
         <th scope=\"col\" class=\"n\">Cantidad</th><th scope=\"col\" class=\"n\">En juego</th>",
    );
    AGES.iter().try_for_each(|age| write!(page, "<th scope=\"col\" class=\"n\">{age}</th>"))?;
    page.push_str("</tr></thead><tbody>");
    for one in result.by_cause() {
        let (count, amount) = (grouped(one.total.count), pesos(one.total.amount));
        write!(page, "<tr><td>{}</td><td class=\"n\">{count}</td><td class=\"n\">{amount}</td>", one.cause.label())?;
        for count in one.by_age {
            write!(page, "<td class=\"n\">{}</td>", few(count))?;
        }
        page.push_str("</tr>");
    }
    page.push_str("</tbody></table></div>");
    Ok(())
}

fn write_break(page: &mut String, one: &Break, header: &ReportHeader<'_>) -> fmt::Result {
    write!(
        page,
        "<article id=\"{id}\"><header><h3>{cause} <span>· {subject} · {day} · {age}</span></h3>\
         <span class=\"stake\">{stake}</span></header><ul>",
        id = one.break_id.with_prefix("brk"),
        cause = one.cause.label(),
        subject = Escaped(subject(one)),
        day = day(one),
        age = days(one.age_days),
        stake = pesos(one.amount_at_stake),
    )?;
    for evidence in &one.evidence {
        write!(page, "<li>{}</li>", Escaped(header.evidence(evidence)))?;
    }
    let (cure, handling) = (Escaped(&one.cure), Escaped(handling(one)));
    write!(page, "</ul><p>{cure}</p><small>{handling} · {}</small></article>", one.break_id.with_prefix("brk"))
}

/// The day by hour, 900 × 260 units.
fn write_chart(page: &mut String, result: &Reconciliation) -> fmt::Result {
    const LEFT: i32 = 64;
    const WIDTH: i32 = 900;
    const HEIGHT: i32 = 200;
    const BOTTOM: i32 = 216;
    let chart = Chart::new(&result.hours);
    page.push_str(
        "<h2>El día por hora</h2><p class=\"legend\"><i class=\"k\" style=\"background:var(--ours)\"></i>Pasarela",
    );
    if result.partner_compared {
        page.push_str("<i style=\"background:var(--theirs)\"></i>Aliado");
    }
    page.push_str(
        "</p><svg class=\"chart\" viewBox=\"0 0 900 244\" role=\"img\" aria-label=\"Valor recaudado por hora\">",
    );
    for tick in &chart.ticks {
        let y = BOTTOM - chart.bar(*tick, HEIGHT);
        write!(page, "<line class=\"grid\" x1=\"{LEFT}\" x2=\"{WIDTH}\" y1=\"{y}\" y2=\"{y}\"/>")?;
        write!(page, "<text x=\"{}\" y=\"{}\" text-anchor=\"end\">{}</text>", LEFT - 8, y + 4, Chart::label(*tick))?;
    }
    let count = i32::try_from(chart.hours.len()).unwrap_or(24).max(1);
    let step = (WIDTH - LEFT) / count;
    let bars = if result.partner_compared { 2 } else { 1 };
    let bar = (step * 3 / 4 / bars).min(30);
    for (x, hour) in (0..).map(|place| LEFT + place * step + step / 2).zip(&chart.hours) {
        let mut draw = |class: &str, left: i32, amount: Money, who: &str| {
            let height = chart.bar(amount, HEIGHT);
            let (top, told) = (BOTTOM - height, pesos(amount));
            let at = hour.hour;
            write!(
                page,
                "<rect class=\"{class}\" x=\"{left}\" y=\"{top}\" width=\"{bar}\" height=\"{height}\" rx=\"1\">\
                 <title>{at:02}:00 {who}: {told}</title></rect>"
            )
        };
        let left = x - bar * bars / 2;
        draw("ours", left, hour.gateway.amount, "pasarela")?;
        if result.partner_compared {
            draw("theirs", left + bar, hour.partner.amount, "aliado")?;
        }
        write!(page, "<text x=\"{x}\" y=\"{}\" text-anchor=\"middle\">{:02}</text>", BOTTOM + 18, hour.hour)?;
    }
    page.push_str("</svg>");
    match timeless_note(result) {
        Some(note) => write!(page, "<p class=\"sub\">{}</p>", Escaped(note)),
        None => Ok(()),
    }
}
