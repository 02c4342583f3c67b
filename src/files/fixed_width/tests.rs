//! A small layout with every kind of column: printed, read back, spoilt.

use super::*;
use proptest::prelude::*;

static LAYOUT: Layout = Layout {
    code: "06",
    length: 40,
    meaningful: 38,
    columns: &[
        column("code", 1, 2, Kind::Numeric),
        column("number", 3, 4, Kind::Numeric),
        column("amount", 7, 8, Kind::Amount),
        column("text", 15, 12, Kind::Text),
        column("date", 27, 8, Kind::Date),
        column("time", 35, 4, Kind::Time),
        column("rest", 39, 2, Kind::Blank),
    ],
};

type Values = (u16, i64, String, i32, u16);

fn print((number, centavos, text, date, time): &Values) -> Result<Vec<u8>, Fault> {
    let mut printer = Printer::new(&LAYOUT, 7);
    printer.number("number", *number)?;
    printer.amount("amount", Money::from_centavos(*centavos))?;
    printer.text("text", text)?;
    printer.date("date", BusinessDate::from_number(*date).unwrap())?;
    printer.time("time", HourMinute::from_number(*time).unwrap())?;
    Ok(printer.finish("rest").to_vec())
}

fn parse(bytes: &[u8]) -> Result<Values, Fault> {
    let mut fields = Fields::open(&LAYOUT, 7, bytes)?;
    let number = fields.number("number")?;
    let amount = fields.amount("amount")?;
    let text = fields.text("text")?;
    let date = fields.date("date")?;
    let time = fields.time("time")?;
    fields.blank("rest")?;
    Ok((number, amount.centavos(), text, date.number(), time.number()))
}

fn good() -> Values {
    (12, 1_999, "CALLE 1 # 2".to_owned(), 20_261_124, 2400)
}

proptest! {
    #[test]
    fn what_is_printed_is_read_as_it_was(
        number in 0u16..10_000, centavos in 0i64..100_000_000, text in "([!-`{-~]([ -`{-~]{0,10}[!-`{-~])?)?",
        day in 1i32..29, month in 1i32..13, year in 1i32..10_000, hour in 0u8..24, minute in 0u8..60,
    ) {
        let time = HourMinute::new(hour, minute).unwrap().number();
        let values = (number, centavos, text, year * 10_000 + month * 100 + day, time);
        let line = print(&values)?;
        prop_assert_eq!(line.len(), 42);
        prop_assert_eq!(parse(&line[..40])?, values);
    }

    #[test]
    fn no_bytes_make_the_reader_panic(bytes in proptest::collection::vec(any::<u8>(), 0..60)) {
        let _ = parse(&bytes);
    }
}

#[test]
fn what_does_not_fit_is_refused_and_never_cut() {
    let refused = |change: fn(&mut Values)| {
        let mut values = good();
        change(&mut values);
        print(&values).map_err(|fault| (fault.line, fault.column, fault.field))
    };
    assert_eq!(refused(|v| v.0 = 10_000), Err((7, 3, "number")));
    assert_eq!(refused(|v| v.1 = 100_000_000), Err((7, 7, "amount")));
    assert_eq!(refused(|v| v.1 = -1), Err((7, 7, "amount")));
    for text in ["THIRTEEN LONG", "lower", "CÚCUTA", " A", "A ", "A\tB"] {
        let mut values = good();
        text.clone_into(&mut values.2);
        assert_eq!(print(&values).map_err(|fault| (fault.column, fault.found)), Err((15, text.to_owned())));
    }
}

#[test]
fn the_first_wrong_byte_is_named() {
    let line = print(&good()).unwrap();
    let with = |place: usize, byte: u8| {
        let mut bytes = line[..40].to_vec();
        bytes[place - 1] = byte;
        parse(&bytes).map_err(|fault| (fault.column, fault.field)).unwrap_err()
    };
    assert_eq!(with(4, b'X'), (4, "number"));
    assert_eq!(with(9, b' '), (9, "amount"));
    assert_eq!(with(20, 0), (20, "text"));
    assert_eq!(with(15, b' '), (15, "text"));
    assert_eq!(with(16, 0x85), (16, "text"));
    assert_eq!(with(31, b'2'), (27, "date"), "month 21");
    assert_eq!(with(37, b'7'), (35, "time"), "24:70");
    assert_eq!(with(40, b'0'), (40, "rest"));
    let fault = parse(&line[..39]).unwrap_err();
    assert_eq!(fault.to_string(), "line 7, column 40, record: found \"39 bytes\"; allowed: 40 bytes and a line end");
}

#[test]
fn latin_1_is_read_and_plain_upper_case_is_made_for_writing() {
    let mut line = print(&good()).unwrap();
    line[14..20].copy_from_slice(&[b'P', b'E', 0xd1, b'A', b' ', b'1']);
    assert_eq!(parse(&line[..40]).unwrap().2, "PEÑA 1 1 # 2".replace("1 1", "11"));
    assert_eq!(plain_upper("Peña Ñustes, calle Ábrego – 5"), "PENA NUSTES, CALLE ABREGO   5");
}

#[test]
fn midnight_closes_a_day() {
    assert_eq!(HourMinute::new(0, 0).map(HourMinute::number), Some(2400));
    assert_eq!(HourMinute::from_number(0), None);
    assert_eq!(HourMinute::from_number(2401), None);
    assert_eq!(HourMinute::from_number(1260), None);
    assert_eq!(HourMinute::from_number(2400).map(|t| (t.hour(), t.minute())), Some((0, 0)));
}
