//! Receipts byte for byte, on every width, against hostile names; and the signed form against forgers.

mod samples;
mod sealed;

use std::path::{Path, PathBuf};

use proptest::prelude::*;

use super::*;
use crate::domain::fact::{PaymentKind, Tender};
use crate::domain::money::Money;
use samples::{Sample, bill, full, hostile, installments, key, reversed};

/// Compares with the file in testdata; with RECAUDO_WRITE_EXPECTED set, writes it instead.
fn expect_bytes(name: &str, bytes: &[u8]) {
    let path: PathBuf = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/receipts/testdata").join(name);
    if std::env::var_os("RECAUDO_WRITE_EXPECTED").is_some() {
        std::fs::write(&path, bytes).unwrap();
    }
    let expected = std::fs::read(&path).unwrap();
    if expected != bytes {
        panic!("{name} is not as expected:\n{}", String::from_utf8_lossy(bytes));
    }
}

fn rendered(sample: &Sample, form: Form) -> Vec<u8> {
    render(&sample.source(), &key(), form).unwrap().bytes
}

#[test]
fn each_receipt_is_the_same_bytes_each_time() {
    let named: [(&str, Sample); 3] = [("full", full()), ("installments", installments()), ("reversed", reversed())];
    for (name, sample) in &named {
        for columns in Columns::ALL {
            expect_bytes(&format!("{name}-{}.txt", columns.count()), &rendered(sample, Form::Text(columns)));
        }
        expect_bytes(&format!("{name}.jws"), &rendered(sample, Form::Jose));
        expect_bytes(&format!("{name}.html"), &rendered(sample, Form::Html));
        expect_bytes(&format!("{name}.pdf"), &rendered(sample, Form::Pdf));
    }
}

#[test]
fn only_payments_have_receipts_and_only_their_own_reversal_annuls_them() {
    let mut sample = reversed();
    let reversal = sample.reversal.clone().unwrap();
    let source = Source { fact: &reversal, reversal: None, ..sample.source() };
    assert_eq!(ticket(&source), Err(TicketError::NotAPayment));
    sample.reversal.as_mut().unwrap().ends = Some(reversal.id);
    assert_eq!(ticket(&sample.source()), Err(TicketError::NotItsReversal));
}

#[test]
fn an_annulled_receipt_promises_no_reconnection() {
    let text = String::from_utf8(rendered(&reversed(), Form::Text(Columns::Narrow))).unwrap();
    assert!(text.contains("ANULADO") && text.contains("COPIA 2") && !text.contains("RECONEXION"));
    assert!(String::from_utf8(rendered(&full(), Form::Text(Columns::Narrow))).unwrap().contains("RECONEXION"));
}

#[test]
fn the_code_stands_for_the_fact_and_not_for_the_copy() {
    let mut sample = full();
    let code = |sample: &Sample| ticket(&sample.source()).unwrap().code;
    let original = code(&sample);
    sample.copy = 3;
    assert_eq!(code(&sample), original);
    sample.fact.amount += Money::from_centavos(1);
    assert_ne!(code(&sample), original);
}

#[test]
fn hostile_names_stay_text_in_every_form() {
    let sample = hostile();
    for columns in Columns::ALL {
        assert_fits(&rendered(&sample, Form::Text(columns)), columns);
    }
    let html = String::from_utf8(rendered(&sample, Form::Html)).unwrap();
    assert!(html.contains("&lt;script&gt;alert(&#39;x&#39;)&lt;/script&gt;&amp;&quot;"));
    assert_eq!(html.matches('<').count(), html.matches('>').count());
    for absent in ["<script", "\u{1b}", "\u{202e}", "\u{2066}", "\"onload", "src=", "href="] {
        assert!(!html.contains(absent), "{absent:?}");
    }
    assert!(html.contains("Y 140 conceptos más"));
    assert!(rendered(&sample, Form::Pdf).starts_with(b"%PDF-"));
}

#[test]
fn the_pdf_is_one_whole_file_whose_offsets_hold() {
    let pdf = rendered(&full(), Form::Pdf);
    let text = String::from_utf8_lossy(&pdf);
    assert!(text.trim_end().ends_with("%%EOF") && !text.contains("CreationDate"));
    let start: usize = text.rsplit("startxref").next().unwrap().split_whitespace().next().unwrap().parse().unwrap();
    assert!(pdf[start..].starts_with(b"xref"));
    // WinAnsi: the cashier's name with its ñ and á in one byte each, in hexadecimal.
    assert!(text.contains("/WinAnsiEncoding") && text.contains("<416E6120D1E1F1657A>"));
}

fn assert_fits(text: &[u8], columns: Columns) {
    assert!(text.ends_with(b"\n"));
    for line in text.split(|byte| *byte == b'\n') {
        assert!(line.len() <= columns.count(), "{}", String::from_utf8_lossy(line));
        assert!(line.iter().all(|byte| (0x20..=0x7e).contains(byte)), "{line:?}");
    }
}

prop_compose! {
    fn any_sample()(
        words in prop::array::uniform8("\\PC{0,60}|[a-zA-ZñÑáé ]{0,60}|.{0,12}"),
        amount in any::<i64>(),
        parts in prop::collection::vec((any::<i64>(), "\\PC{0,40}"), 0..70),
        after in any::<[i64; 4]>(),
        instant in 0i64..4_000_000_000_000_000,
        late in prop::option::of(0i64..4_000_000_000_000_000),
        kind in prop::sample::select(vec![PaymentKind::Full, PaymentKind::Partial, PaymentKind::Installment]),
        tender in prop::sample::select(vec![Tender::Cash, Tender::CreditCard, Tender::Cheque]),
        flags in any::<[bool; 3]>(),
        copy in any::<u32>(),
    ) -> Sample {
        let mut sample = if flags[0] { reversed() } else { full() };
        sample.fact.amount = Money::from_centavos(amount);
        sample.fact.recorded_at = crate::domain::calendar::Timestamp::from_micros(instant);
        sample.copy = copy;
        let [name, tax_id, contact, point, till, cashier, holder, reference] = words;
        sample.utility = crate::config::Utility { name, tax_id, contact };
        sample.point.name = Some(point);
        let payment = sample.payment();
        payment.kind = kind;
        payment.tender = tender;
        payment.collected_at = late.map(crate::domain::calendar::Timestamp::from_micros);
        payment.cancels_suspension = flags[1];
        payment.till = till;
        payment.cashier = cashier;
        payment.holder = holder;
        payment.partner_reference = flags[2].then_some(reference);
        let [total_due, disputed, payable_now, credit] = after.map(Money::from_centavos);
        payment.position_after =
            crate::domain::position::Figures { total_due, disputed, payable_now, credit, ..Default::default() };
        payment.allocations = parts
            .into_iter()
            .map(|(amount, number)| bill(&number, amount / 20_000))
            .collect();
        sample
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]
    #[test]
    fn any_payment_fits_the_paper_in_ascii(sample in any_sample()) {
        let ticket = ticket(&sample.source()).unwrap();
        for columns in Columns::ALL {
            let text = text::render(&ticket, columns);
            assert_fits(text.as_bytes(), columns);
            let total = wording::fold(&total_of(&ticket));
            prop_assert!(text.lines().any(|line| line.ends_with(&total)), "{}", text);
        }
    }

    #[test]
    fn any_payment_is_well_formed_html(sample in any_sample()) {
        let ticket = ticket(&sample.source()).unwrap();
        let html = html::render(&ticket, &qr::Modules::of("x").unwrap());
        prop_assert_eq!(html.matches('<').count(), html.matches('>').count());
        prop_assert!(!html.chars().any(|c| c.is_control() && c != '\n'));
        for tag in ["p", "h1", "b", "span", "main", "svg"] {
            let opened = html.matches(&format!("<{tag}>")).count() + html.matches(&format!("<{tag} ")).count();
            prop_assert_eq!(opened, html.matches(&format!("</{tag}>")).count(), "{}", tag);
        }
    }
}

fn total_of(ticket: &Ticket) -> String {
    ticket
        .lines
        .iter()
        .find_map(|line| match line {
            ticket::Line::Total(_, value) => Some(value.clone()),
            _ => None,
        })
        .unwrap()
}
