//! Reads a bank's statement (CSV) into credits by its mapping.

use super::mapping::{BankFileMapping, MappingError, Pattern};
use super::partner_file::ReadError;
use super::record::BankRow;
use super::table::{Column, FileErrors, Line, csv_lines, text};

/// Reads a bank's statement; lines that are no credits are left out.
///
/// # Errors
/// The mapping makes no sense, or any line of the file is bad: then nothing of it is taken.
pub fn read(bytes: &[u8], mapping: &BankFileMapping) -> Result<Vec<BankRow>, ReadError> {
    mapping.check()?;
    let reason = "not a pattern";
    let dates = Pattern::new(&mapping.date_format).ok_or(MappingError { setting: "date_format", reason })?;
    let text = text(bytes, mapping.encoding)?;
    let names = &mapping.columns;
    let columns = [
        ("slip_number", &names.slip_number, false),
        ("reference", &names.reference, false),
        ("amount", &names.amount, true),
        ("booked_on", &names.booked_on, true),
        ("kind", &names.kind, false),
    ]
    .map(|(member, named, required)| Column { member, named: named.as_deref(), required });
    let (mut rows, mut errors) = (Vec::new(), FileErrors::default());
    csv_lines(&text, mapping.delimiter, &columns, &mut errors, |line, errors| {
        rows.extend(credit(line, &columns, mapping, &dates, errors));
    });
    errors.result()?;
    Ok(rows)
}

fn credit(
    line: &Line<'_>,
    columns: &[Column<'_>; 5],
    mapping: &BankFileMapping,
    dates: &Pattern,
    errors: &mut FileErrors,
) -> Option<BankRow> {
    let [slip_number, reference, amount, booked_on, kind] = line.cells[..] else { return None };
    let mut bad = |place: usize, found: Option<&str>, allowed: String| {
        errors.push(line.number, columns[place].name(), found.unwrap_or_default(), allowed);
    };
    if let Some(kind) = kind {
        let among = |values: &[String]| values.iter().any(|value| value == kind);
        if among(&mapping.other_values) {
            return None;
        }
        if !among(&mapping.credit_values) {
            let values = [&mapping.credit_values[..], &mapping.other_values[..]].concat();
            bad(4, Some(kind), values.join(", "));
            return None;
        }
    }
    let money = amount.and_then(|text| mapping.amounts().read(text)).filter(|money| money.is_positive());
    if money.is_none() {
        bad(2, amount, format!("un valor mayor que cero como {}", mapping.amounts().example()));
    }
    let day = booked_on.and_then(|text| dates.date(text));
    if day.is_none() {
        bad(3, booked_on, format!("una fecha {}", mapping.date_format));
    }
    Some(BankRow {
        line: line.number,
        slip_number: slip_number.map(str::to_owned),
        reference: reference.map(str::to_owned),
        amount: money?,
        booked_on: day?,
    })
}
