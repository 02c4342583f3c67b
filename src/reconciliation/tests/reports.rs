//! Reports say what the result says, keep foreign text as text, and refer to nothing outside.

use super::planted::{Day, day, payment, row, run};
use crate::domain::calendar::Timestamp;
use crate::domain::ids::{AccountNumber, CollectionPointId};
use crate::domain::money::Money;
use crate::reconciliation::amounts::pesos;
use crate::reconciliation::report::{ReportHeader, html, pdf, text};

fn header(listed: usize) -> ReportHeader<'static> {
    ReportHeader {
        party_name: "COOMPECENS",
        generated_at: Timestamp::parse("2026-11-28T13:05:00Z").unwrap(),
        offset_minutes: -300,
        listed,
    }
}

#[test]
fn every_form_tells_every_break_and_all_totals() {
    let planted = day(3, 1_500, 4);
    let result = run(&planted);
    let (plain, page) = (text::render(&result, &header(500)), html::render(&result, &header(500)));
    for one in &result.breaks {
        let id = one.break_id.with_prefix("brk");
        assert!(plain.contains(&id) && page.contains(&id), "{id}");
    }
    for cause in result.by_cause() {
        for form in [&plain, &page] {
            assert!(form.contains(cause.cause.label()) && form.contains(&pesos(cause.total.amount)), "{}", cause.cause);
        }
    }
    for form in [&plain, &page] {
        assert!(form.contains(&pesos(result.totals.gateway.amount)) && form.contains("COOMPECENS"));
    }
    assert!(plain.lines().all(|line| line.chars().count() <= 100), "the page is 100 wide");
    let cut = text::render(&result, &header(3));
    assert!(cut.contains(&format!("Y {} diferencias más", result.breaks.len() - 3)));
    assert!(
        text::render(&result, &header(500)) == plain
            && pdf::render(&result, &header(9)) == pdf::render(&result, &header(9))
    );
}

#[test]
fn foreign_text_stays_text_and_nothing_is_fetched() {
    let hostile = "<script>alert('x')</script>\"&";
    let mut one = payment(1, 123_456, 50_000, 600);
    let mut other = row(&one, 2, 0);
    one.collection_point = CollectionPointId::new(hostile);
    one.till = hostile.to_owned();
    other.account_number = AccountNumber::new(hostile);
    let result = run(&Day { payments: vec![one], rows: vec![other], ..Day::default() });
    let named = ReportHeader { party_name: hostile, ..header(10) };
    let page = html::render(&result, &named);
    assert!(!page.contains("<script") && !page.contains("alert('"), "{page}");
    assert!(page.contains("&lt;script&gt;alert(&#39;x&#39;)&lt;/script&gt;&quot;&amp;"));
    for outside in ["http://", "https://", "src=", "@import", "url(", "<link"] {
        assert!(!page.contains(outside), "{outside}");
    }
    assert!(pdf::render(&result, &named).starts_with(b"%PDF-"));
}

#[test]
fn a_clean_day_says_so_in_one_page() {
    let one = payment(1, 123_456, 50_000, 600);
    let other = row(&one, 2, 0);
    let result = run(&Day { payments: vec![one], rows: vec![other], ..Day::default() });
    assert!(result.is_clean());
    assert_eq!(result.totals.agreed.amount, Money::from_pesos(50_000));
    assert!(text::render(&result, &header(10)).contains("no hay diferencias"));
    assert!(html::render(&result, &header(10)).contains("no hay diferencias"));
    assert_eq!(pages(&pdf::render(&result, &header(10))), 1);
}

#[test]
fn a_long_list_takes_as_many_pages_as_it_needs() {
    let result = run(&day(3, 1_500, 4));
    let (short, long) = (pages(&pdf::render(&result, &header(3))), pages(&pdf::render(&result, &header(500))));
    assert!(short < long && long >= 5, "{short} {long}");
}

/// Page objects of an uncompressed object tree.
fn pages(file: &[u8]) -> usize {
    let text = String::from_utf8_lossy(file);
    text.matches("/Type /Page").count() - text.matches("/Type /Pages").count()
}

#[test]
#[ignore = "writes the three forms into the directory named by REPORT_DIR, to be looked at"]
fn reports_to_look_at() {
    let dir = std::env::var("REPORT_DIR").unwrap();
    let result = run(&day(3, 1_500, 4));
    std::fs::write(format!("{dir}/report.txt"), text::render(&result, &header(40))).unwrap();
    std::fs::write(format!("{dir}/report.html"), html::render(&result, &header(40))).unwrap();
    std::fs::write(format!("{dir}/report.pdf"), pdf::render(&result, &header(40))).unwrap();
    std::fs::write(format!("{dir}/report.json"), serde_json::to_string_pretty(&result).unwrap()).unwrap();
}
