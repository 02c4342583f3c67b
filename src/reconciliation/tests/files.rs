//! Foreign files: read by their mapping to the centavo, refused whole with line and column.

use proptest::prelude::*;

use super::planted::{day, row};
use crate::domain::calendar::{BusinessDate, Timestamp};
use crate::domain::money::Money;
use crate::reconciliation::amounts::pesos;
use crate::reconciliation::bank_file;
use crate::reconciliation::mapping::{BankFileMapping, Encoding, FileFormat, PartnerFileMapping};
use crate::reconciliation::partner_file::{CollectionRow, ReadError, from_collection_rows, read};
use crate::reconciliation::record::PartnerRow;
use crate::reconciliation::table::MAX_ERRORS;

fn colombian() -> PartnerFileMapping {
    toml::from_str(
        r#"
        encoding = "latin1"
        delimiter = ";"
        date_format = "DD/MM/YYYY"
        time_format = "DD/MM/YYYY HH:mm:ss"
        decimal_separator = ","
        thousands_separator = "."
        account_width = 9
        reversed_values = ["ANULADO"]
        standing_values = ["OK"]
        [columns]
        receipt_number = "NRO"
        account_number = "CUENTA"
        amount = "VALOR"
        date = "FECHA"
        at = "HORA"
        reversed = "ESTADO"
        "#,
    )
    .unwrap()
}

fn errors(text: &str, mapping: &PartnerFileMapping) -> Vec<(u64, String, String)> {
    match read(text.as_bytes(), mapping, None) {
        Err(ReadError::File(found)) => found.errors.into_iter().map(|one| (one.line, one.column, one.found)).collect(),
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_spreadsheet_from_a_small_partner_is_read_by_its_mapping() {
    let text = b"Observaci\xf3n;NRO;CUENTA;VALOR;FECHA;HORA;ESTADO\r\n\
        \"pag\xf3; todo\";R000000037;123456;92.700,00;24/11/2026;24/11/2026 23:15:00;OK\r\n\r\n\
        ;;123457; 1.000 ;;;ANULADO\r\n";
    let rows = read(text, &colombian(), BusinessDate::from_number(20_261_124).ok()).unwrap();
    let [first, second] = &rows[..] else { panic!("{rows:?}") };
    assert_eq!(first.line, 2);
    assert_eq!(first.receipt_number.as_deref(), Some("R000000037"));
    assert_eq!((first.account_number.as_str(), first.amount), ("000123456", Money::from_pesos(92_700)));
    assert_eq!(first.at, Timestamp::parse("2026-11-25T04:15:00Z").ok());
    assert!(!first.reversed && second.reversed);
    assert_eq!((second.line, second.amount, second.receipt_number.as_deref()), (4, Money::from_pesos(1_000), None));
    assert_eq!(second.date.map(BusinessDate::number), Some(20_261_124));
}

#[test]
fn one_bad_line_refuses_the_file_and_every_error_is_named() {
    let text = "NRO;CUENTA;VALOR;FECHA;HORA;ESTADO\n\
        R1;123456;92700.00;24/11/2026;;OK\n\
        R2;12345A;1.000;2026-11-24;;QUIZAS\n\
        R3;123456;1.000;24/11/2026;OK\n\
        R4;;0;24/11/2026;;\n\
        R5;123456;1.000;24/11/2026;;OK\n";
    let expected = [
        (2, "VALOR", "92700.00"),
        (3, "CUENTA", "12345A"),
        (3, "FECHA", "2026-11-24"),
        (3, "ESTADO", "QUIZAS"),
        (4, "fila", "5 campos"),
        (5, "CUENTA", ""),
    ];
    let found = errors(text, &colombian());
    let found: Vec<_> = found.iter().map(|(line, column, found)| (*line, column.as_str(), found.as_str())).collect();
    assert_eq!(found, expected);
    let told = read(text.as_bytes(), &colombian(), None).unwrap_err().to_string();
    let first =
        "línea 2, columna VALOR: se encontró «92700.00»; se admite un valor mayor que cero como 92700 o 92.700,00";
    assert_eq!(told.lines().next(), Some(first));
}

#[test]
fn headers_that_cannot_be_trusted_are_refused() {
    let plain = PartnerFileMapping::default();
    assert_eq!(errors("", &plain)[0].1, "encabezado");
    assert_eq!(errors("account_number,valor\n1,2\n", &plain)[0].1, "amount");
    assert_eq!(errors("account_number,amount,amount\n1,2,3\n", &plain)[0].2, "dos veces");
    // A column that the mapping names has to be there, even one that may be empty.
    let mut named = plain.clone();
    named.columns.receipt_number = Some("NRO".to_owned());
    assert_eq!(errors("account_number,amount\n1,2\n", &named)[0].1, "NRO");
    assert_eq!(read(b"account_number,amount\n", &plain, None), Ok(Vec::new()));
    let wide = format!("account_number,amount{}\n", ",x".repeat(70));
    assert_eq!(errors(&wide, &plain)[0].2, "72 columnas");
}

#[test]
fn a_quotation_mark_left_open_swallows_no_payment() {
    let text = "account_number,amount,receipt_number\n1,100,\"R1\n2,200,R2\n3,300,R3\n";
    assert_eq!(errors(text, &PartnerFileMapping::default())[0].1, "receipt_number");
}

#[test]
fn letters_of_another_encoding_are_named_with_their_line() {
    let text = b"account_number,amount,nota\n1,100,ok\n2,200,pag\xf3\n";
    let Err(ReadError::File(found)) = read(text, &PartnerFileMapping::default(), None) else { panic!() };
    assert_eq!((found.errors[0].line, found.errors[0].found.as_str()), (3, "byte 0xf3"));
    let latin = PartnerFileMapping { encoding: Encoding::Latin1, ..PartnerFileMapping::default() };
    assert_eq!(read(text, &latin, None).map(|rows| rows.len()), Ok(2));
}

#[test]
fn errors_are_bounded_and_the_rest_is_counted() {
    let text = format!("account_number,amount\n{}", "1,x\n".repeat(MAX_ERRORS + 7));
    let Err(ReadError::File(found)) = read(text.as_bytes(), &PartnerFileMapping::default(), None) else { panic!() };
    assert_eq!((found.errors.len(), found.more), (MAX_ERRORS, 7));
    assert!(found.to_string().ends_with("y 7 errores más"));
}

#[test]
fn json_lines_hide_nothing() {
    let mapping = PartnerFileMapping { format: FileFormat::Jsonl, ..PartnerFileMapping::default() };
    let good = r#"{"account_number":"000123456","amount":"92700.00","at":"2026-11-24T10:00:00-05:00","reversed":true,"other":null}"#;
    let rows = read(format!("{good}\n\n{good}\n").as_bytes(), &mapping, None).unwrap();
    assert_eq!(
        rows.iter().map(|row| (row.line, row.reversed, row.date)).collect::<Vec<_>>(),
        [(1, true, None), (3, true, None)]
    );
    for bad in [
        r#"{"account_number":"1","amount":92700}"#,
        r#"{"account_number":1,"amount":"92700"}"#,
        r#"{"account_number":"1","amount":"1","amount":"2"}"#,
        r#"{"account_number":"1","amount":["1"]}"#,
        r#"{"account_number":"1""#,
        r#"["1","2"]"#,
    ] {
        assert_eq!(errors(bad, &mapping)[0].1, "fila", "{bad}");
    }
    assert_eq!(errors(r#"{"account_number":"1"}"#, &mapping)[0].1, "amount");
}

#[test]
fn a_bank_statement_gives_its_credits_and_refuses_the_unknown() {
    let mapping: BankFileMapping = toml::from_str(
        "delimiter = \"|\"\ndate_format = \"YYYYMMDD\"\nimplied_decimals = 2\ncredit_values = [\"CR\"]\nother_values = [\"DB\"]\n\
         [columns]\nslip_number = \"COMPROBANTE\"\namount = \"VALOR\"\nbooked_on = \"FECHA\"\nkind = \"TIPO\"\n",
    )
    .unwrap();
    let text = "FECHA|COMPROBANTE|TIPO|VALOR\n20261125|000778|CR|150000000\n20261125||DB|-4\n20261126||CR|99\n";
    let rows = bank_file::read(text.as_bytes(), &mapping).unwrap();
    let told: Vec<_> = rows.iter().map(|row| (row.line, row.slip_number.as_deref(), row.amount.centavos())).collect();
    assert_eq!(told, [(2, Some("000778"), 150_000_000), (4, None, 99)]);
    let bad = text.replace("|DB|", "|XX|").replace("20261126", "20261131");
    let Err(ReadError::File(found)) = bank_file::read(bad.as_bytes(), &mapping) else { panic!() };
    assert_eq!(
        found.errors.iter().map(|one| (one.line, one.column.as_str())).collect::<Vec<_>>(),
        [(3, "TIPO"), (4, "FECHA")]
    );
}

#[test]
fn rows_of_another_reader_become_rows_to_compare() {
    let of = |one: &PartnerRow| CollectionRow {
        line: one.line,
        account_number: one.account_number.clone(),
        amount: one.amount,
        date: one.date.unwrap(),
        partner_reference: one.partner_reference.clone(),
        collection_point: None,
    };
    let planted = day(5, 50, 0);
    let rows = from_collection_rows(planted.rows.iter().map(of)).unwrap();
    assert_eq!(rows.len(), planted.rows.len());
    assert!(rows.iter().zip(&planted.rows).all(|(a, b)| a.amount == b.amount && a.date == b.date && !a.reversed));
}

fn written(rows: &[PartnerRow]) -> String {
    let line = |row: &PartnerRow| {
        let at = row.at.map(|at| at.at(-300)).map_or_else(String::new, |at| {
            format!("24/11/2026 {:02}:{:02}:{:02}", at.hour(), at.minute(), at.second())
        });
        let receipt = row.receipt_number.as_deref().unwrap_or_default();
        let (value, state) = (pesos(row.amount), if row.reversed { "ANULADO" } else { "OK" });
        format!("{receipt};{};{};24/11/2026;{at};{state}\n", row.account_number, value.trim_start_matches("$ "))
    };
    rows.iter().map(line).fold("NRO;CUENTA;VALOR;FECHA;HORA;ESTADO\n".to_owned(), |text, line| text + &line)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(32))]

    #[test]
    fn what_a_partner_writes_is_what_is_read(seed: u64, count in 0u64..60) {
        let planted = day(seed, count, 0);
        let style = |(line, one)| PartnerRow { payment_id: None, collection_point: None, ..row(one, line, 1) };
        let rows: Vec<PartnerRow> = (2..).zip(&planted.payments).map(style).collect();
        prop_assert_eq!(read(written(&rows).as_bytes(), &colombian(), None), Ok(rows));
    }

    #[test]
    fn no_bytes_make_a_reader_panic(bytes in prop::collection::vec(any::<u8>(), 0..400)) {
        _ = read(&bytes, &PartnerFileMapping::default(), None);
        let text = [b"account_number,amount\n".as_slice(), &bytes].concat();
        _ = read(&text, &PartnerFileMapping::default(), None);
        _ = read(&bytes, &PartnerFileMapping { format: FileFormat::Jsonl, encoding: Encoding::Latin1, ..PartnerFileMapping::default() }, None);
        _ = bank_file::read(&bytes, &BankFileMapping::default());
    }
}
