//! Lines of a foreign file as named cells, with errors that a person can act on.
//!
//! A file with one bad line is refused whole: half a file compared is worse than none, because the
//! missing half looks like missing payments. All errors are collected, up to a bound.

use std::fmt;

use serde::de::{self, MapAccess, Visitor};
use serde::{Deserialize, Deserializer, Serialize};

use super::mapping::Encoding;

/// The largest file that is read, in bytes.
pub const MAX_BYTES: usize = 64 * 1024 * 1024;
/// The most rows of a file.
pub const MAX_ROWS: usize = 500_000;
/// The most columns of a file.
pub const MAX_COLUMNS: usize = 64;
/// The longest cell, in characters.
pub const MAX_CELL: usize = 256;
/// The most errors that are reported.
pub const MAX_ERRORS: usize = 100;
/// How much of a bad cell is shown.
const MAX_SHOWN: usize = 40;

/// One thing that is wrong with a file.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LineError {
    /// The line, from 1; 0: the file as a whole.
    pub line: u64,
    /// The column's name in the file.
    pub column: String,
    /// What stands there.
    pub found: String,
    /// What may stand there (es-CO).
    pub allowed: String,
}

/// Everything that is wrong with a file, in the order of its lines.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct FileErrors {
    /// The first [`MAX_ERRORS`].
    pub errors: Vec<LineError>,
    /// How many more there are.
    pub more: u64,
}

impl fmt::Display for LineError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.line > 0 {
            write!(f, "línea {}, ", self.line)?;
        }
        write!(f, "columna {}: se encontró «{}»; se admite {}", self.column, self.found, self.allowed)
    }
}

impl fmt::Display for FileErrors {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (place, error) in self.errors.iter().enumerate() {
            write!(f, "{}{error}", if place > 0 { "\n" } else { "" })?;
        }
        if self.more > 0 { write!(f, "\ny {} errores más", self.more) } else { Ok(()) }
    }
}

impl std::error::Error for FileErrors {}

impl FileErrors {
    /// Adds one, or counts it when there are enough.
    pub(super) fn push(&mut self, line: u64, column: &str, found: &str, allowed: impl Into<String>) {
        if self.errors.len() == MAX_ERRORS {
            self.more += 1;
            return;
        }
        let found = found.chars().take(MAX_SHOWN).map(|c| if c.is_control() { '·' } else { c }).collect();
        self.errors.push(LineError { line, column: column.to_owned(), found, allowed: allowed.into() });
    }

    /// The errors, if there are any.
    pub(super) fn result(self) -> Result<(), Self> {
        if self.errors.is_empty() { Ok(()) } else { Err(self) }
    }

    fn one(line: u64, column: &str, found: &str, allowed: impl Into<String>) -> Self {
        let mut errors = Self::default();
        errors.push(line, column, found, allowed);
        errors
    }
}

/// A column that is looked for.
pub(super) struct Column<'a> {
    /// The name it has unless the mapping gives another.
    pub(super) member: &'static str,
    /// The name that the mapping gives; then it has to be there.
    pub(super) named: Option<&'a str>,
    /// Whether it has to be there in any case.
    pub(super) required: bool,
}

impl Column<'_> {
    pub(super) fn name(&self) -> &str {
        self.named.unwrap_or(self.member)
    }
}

/// One line: its number, and a cell for each column looked for. Blank cells are none.
pub(super) struct Line<'a> {
    pub(super) number: u64,
    pub(super) cells: Vec<Option<&'a str>>,
}

/// The file as text; its size is bounded.
pub(super) fn text(bytes: &[u8], encoding: Encoding) -> Result<String, FileErrors> {
    if bytes.len() > MAX_BYTES {
        return Err(FileErrors::one(0, "archivo", &bytes.len().to_string(), format!("hasta {MAX_BYTES} bytes")));
    }
    match encoding {
        Encoding::Latin1 => Ok(bytes.iter().copied().map(char::from).collect()),
        Encoding::Utf8 => match std::str::from_utf8(bytes) {
            Ok(text) => Ok(text.strip_prefix('\u{feff}').unwrap_or(text).to_owned()),
            Err(error) => {
                let good = &bytes[..error.valid_up_to()];
                let line = good.iter().fold(1, |line, byte| line + u64::from(*byte == b'\n'));
                let found = format!("byte {:#04x}", bytes[error.valid_up_to()]);
                Err(FileErrors::one(line, "archivo", &found, "texto UTF-8 (o declare encoding = \"latin1\")"))
            }
        },
    }
}

/// Calls `visit` with every line of a CSV text after its header.
pub(super) fn csv_lines(
    text: &str,
    delimiter: char,
    columns: &[Column<'_>],
    errors: &mut FileErrors,
    mut visit: impl FnMut(&Line<'_>, &mut FileErrors),
) {
    let delimiter = u8::try_from(delimiter).unwrap_or(b',');
    let mut reader =
        csv::ReaderBuilder::new().delimiter(delimiter).flexible(true).has_headers(false).from_reader(text.as_bytes());
    let mut record = csv::StringRecord::new();
    let mut counter = LineCounter { bytes: text.as_bytes(), place: 0, line: 1 };
    let (mut places, mut width, mut count) = (Vec::new(), 0, 0usize);
    loop {
        match reader.read_record(&mut record) {
            Ok(true) => {}
            Ok(false) => break,
            Err(error) => return errors.push(0, "archivo", &error.to_string(), "un CSV legible"),
        }
        let number = counter.line_at(record.position().map_or(0, csv::Position::byte));
        if width == 0 {
            width = record.len();
            let Some(found) = header(&record, number, columns, errors) else { return };
            places = found;
            continue;
        }
        count += 1;
        if count > MAX_ROWS {
            return errors.push(number, "archivo", "más filas", format!("hasta {MAX_ROWS} filas"));
        }
        if record.len() != width {
            errors.push(
                number,
                "fila",
                &format!("{} campos", record.len()),
                format!("{width} campos, como el encabezado"),
            );
            continue;
        }
        let cells: Vec<_> = places.iter().map(|place| place.and_then(|place| record.get(place))).collect();
        checked(number, &cells, columns, errors, &mut visit);
    }
    if width == 0 {
        errors.push(1, "encabezado", "", "una primera línea con los nombres de las columnas");
    }
}

/// Counts lines along a text. The CSV reader's own count stands before the line end (of CRLF) and the
/// blank lines that precede a record.
struct LineCounter<'a> {
    bytes: &'a [u8],
    place: usize,
    line: u64,
}

impl LineCounter<'_> {
    /// The line of the record that begins at `byte`, line ends before it passed over.
    fn line_at(&mut self, byte: u64) -> u64 {
        let byte = usize::try_from(byte).unwrap_or(usize::MAX);
        while let Some(one) = self.bytes.get(self.place).filter(|one| self.place < byte || matches!(one, b'\r' | b'\n'))
        {
            self.line += u64::from(*one == b'\n');
            self.place += 1;
        }
        self.line
    }
}

/// Where the columns stand; none when the header cannot be used.
fn header(
    record: &csv::StringRecord,
    number: u64,
    columns: &[Column<'_>],
    errors: &mut FileErrors,
) -> Option<Vec<Option<usize>>> {
    if record.len() > MAX_COLUMNS {
        errors.push(
            number,
            "encabezado",
            &format!("{} columnas", record.len()),
            format!("hasta {MAX_COLUMNS} columnas"),
        );
        return None;
    }
    let mut usable = true;
    let places = columns.iter().map(|column| {
        let mut places = (0..record.len()).filter(|place| record.get(*place).map(str::trim) == Some(column.name()));
        let place = places.next();
        if place.is_none() && (column.required || column.named.is_some()) {
            let names: Vec<&str> = record.iter().collect();
            errors.push(
                number,
                column.name(),
                &names.join(" | "),
                format!("un encabezado con la columna {}", column.name()),
            );
            usable = false;
        }
        if places.next().is_some() {
            errors.push(number, column.name(), "dos veces", "cada columna una sola vez");
            usable = false;
        }
        place
    });
    let places = places.collect();
    usable.then_some(places)
}

/// Calls `visit` with every line of a JSON Lines text; blank lines are passed over.
pub(super) fn json_lines(
    text: &str,
    columns: &[Column<'_>],
    errors: &mut FileErrors,
    mut visit: impl FnMut(&Line<'_>, &mut FileErrors),
) {
    let lines = (1u64..).zip(text.lines()).filter(|(_, line)| !line.trim().is_empty());
    for (count, (number, line)) in lines.enumerate() {
        if count == MAX_ROWS {
            return errors.push(number, "archivo", "más filas", format!("hasta {MAX_ROWS} filas"));
        }
        if line.len() > MAX_COLUMNS * MAX_CELL {
            errors.push(number, "fila", line, format!("hasta {} bytes por línea", MAX_COLUMNS * MAX_CELL));
            continue;
        }
        match serde_json::from_str::<Members>(line) {
            Err(error) => {
                errors.push(number, "fila", line, format!("un objeto JSON con textos entre comillas ({error})"));
            }
            Ok(Members(members)) => {
                let value = |column: &Column<'_>| {
                    let found = members.iter().find(|(name, _)| name == column.name());
                    found.and_then(|(_, value)| value.as_deref())
                };
                let cells: Vec<_> = columns.iter().map(value).collect();
                checked(number, &cells, columns, errors, &mut visit);
            }
        }
    }
}

fn checked(
    number: u64,
    cells: &[Option<&str>],
    columns: &[Column<'_>],
    errors: &mut FileErrors,
    visit: &mut impl FnMut(&Line<'_>, &mut FileErrors),
) {
    let mut good = true;
    for (column, cell) in columns.iter().zip(cells) {
        // A quotation mark that is never closed swallows the lines that follow: they show up here.
        let bad = cell.is_some_and(|cell| cell.chars().count() > MAX_CELL || cell.chars().any(char::is_control));
        if bad {
            let shown = cell.unwrap_or_default();
            errors.push(number, column.name(), shown, format!("hasta {MAX_CELL} caracteres en una sola línea"));
        }
        let missing = column.required && cell.is_none_or(|cell| cell.trim_matches(' ').is_empty());
        if missing {
            errors.push(number, column.name(), "", "un valor; este campo es obligatorio");
        }
        good &= !bad && !missing;
    }
    if good {
        let trimmed =
            |cell: &Option<&'_ str>| cell.map(|cell| cell.trim_matches(' ')).is_some_and(|cell| !cell.is_empty());
        let cells =
            cells.iter().map(|cell| cell.filter(|_| trimmed(cell)).map(|cell| cell.trim_matches(' '))).collect();
        visit(&Line { number, cells }, errors);
    }
}

/// The members of a JSON object in which nothing can hide: no number, no nesting, no name twice.
struct Members(Vec<(String, Option<String>)>);

impl<'de> Deserialize<'de> for Members {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Object;
        impl<'de> Visitor<'de> for Object {
            type Value = Members;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object of strings")
            }
            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Members, A::Error> {
                let mut members: Vec<(String, Option<String>)> = Vec::new();
                while let Some((name, value)) = map.next_entry::<String, Scalar>()? {
                    if members.len() == MAX_COLUMNS || members.iter().any(|(other, _)| *other == name) {
                        return Err(de::Error::custom("too many members, or one twice"));
                    }
                    members.push((name, value.0));
                }
                Ok(Members(members))
            }
        }
        deserializer.deserialize_map(Object)
    }
}

/// A string, a boolean or null.
struct Scalar(Option<String>);

impl<'de> Deserialize<'de> for Scalar {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Value;
        impl Visitor<'_> for Value {
            type Value = Scalar;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a string")
            }
            fn visit_str<E: de::Error>(self, text: &str) -> Result<Scalar, E> {
                Ok(Scalar(Some(text.to_owned())))
            }
            fn visit_bool<E: de::Error>(self, value: bool) -> Result<Scalar, E> {
                Ok(Scalar(Some(value.to_string())))
            }
            fn visit_unit<E: de::Error>(self) -> Result<Scalar, E> {
                Ok(Scalar(None))
            }
        }
        deserializer.deserialize_any(Value)
    }
}
