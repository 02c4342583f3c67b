//! Gathers the rows of an account and refuses them together when one of them is wrong.

use super::build::Builder;
use super::split::{self, Cell};
use super::{ACCOUNT_COLUMNS, all_columns};
use crate::files::billing_feed::rules::{broken_rule, shown};
use crate::files::billing_feed::stream::Stream;
use crate::files::billing_feed::{FeedError, FeedSettings, Format, MAX_LINE_BYTES, Row, RowError, RowFault};
use crate::files::lines::Lines;

/// Which cell of a row is which column.
pub(in crate::files::billing_feed) struct Columns {
    /// For each of [`all_columns`], the place in the row.
    places: Vec<(&'static str, Option<usize>)>,
    count: usize,
}

impl Columns {
    /// From the names of the columns: unknown and repeated ones are refused, and so is a feed without accounts.
    pub(super) fn new(names: &[Cell]) -> Result<Self, (usize, String)> {
        let known = all_columns();
        for (i, cell) in names.iter().enumerate() {
            if !known.contains(&cell.text.as_str()) {
                return Err((
                    cell.column,
                    format!("there is no column {:?}; there are {}", cell.text, known.join(", ")),
                ));
            }
            if names[..i].iter().any(|earlier| earlier.text == cell.text) {
                return Err((cell.column, format!("the column {} stands once", cell.text)));
            }
        }
        let place = |name: &str| names.iter().position(|cell| cell.text == name);
        let needed = ["kind", "account_number", "holder_name", "municipality_code", "status", "service_status"];
        if let Some(missing) = needed.into_iter().find(|name| place(name).is_none()) {
            return Err((1, format!("the column {missing} is missing")));
        }
        Ok(Self { places: known.into_iter().map(|name| (name, place(name))).collect(), count: names.len() })
    }
}

/// A row whose cells could be told apart.
pub(super) struct Cells<'a> {
    columns: &'a Columns,
    cells: Vec<Cell>,
}

impl Cells<'_> {
    /// A cell's text, empty where the column is not used, and where it begins.
    pub(super) fn get(&self, name: &str) -> (&str, usize) {
        let place = self.columns.places.iter().find(|(column, _)| *column == name).and_then(|(_, place)| *place);
        place.and_then(|place| self.cells.get(place)).map_or(("", 1), |cell| (cell.text.as_str(), cell.column))
    }

    /// The columns that are filled.
    pub(super) fn filled(&self) -> impl Iterator<Item = (&'static str, usize)> {
        self.columns.places.iter().filter_map(|(name, place)| {
            let cell = &self.cells[(*place)?];
            (!cell.text.is_empty()).then_some((*name, cell.column))
        })
    }
}

/// What is wrong with a row: column, name of the column, rule, and what stands there.
pub(super) type Wrong = (usize, String, String, String);

/// The accounts of a CSV feed.
pub(in crate::files::billing_feed) struct Rows<'a> {
    lines: Lines<Stream<'a>>,
    settings: FeedSettings,
    separator: u8,
    columns: Columns,
    /// The first line of the next account, read while the last one was gathered.
    pending: Option<(u64, Vec<u8>)>,
    /// The line that could not be read and may have belonged to the account that comes.
    unreadable: Option<u64>,
    over: bool,
}

/// The rows of one account as they are gathered.
struct Group {
    line: u64,
    raw: Vec<u8>,
    builder: Option<Builder>,
    fault: Option<(u64, Wrong)>,
}

impl Group {
    fn keep(&mut self, line: &[u8]) {
        if self.raw.len() + line.len() < MAX_LINE_BYTES {
            self.raw.extend_from_slice(line);
            self.raw.push(b'\n');
        } else {
            let rule = format!("an account has at most {MAX_LINE_BYTES} bytes");
            self.blame(self.line, (1, String::new(), rule, "more".to_owned()));
        }
    }

    fn blame(&mut self, line: u64, wrong: Wrong) {
        self.fault.get_or_insert((line, wrong));
    }
}

impl Iterator for Rows<'_> {
    type Item = Result<Row, RowError>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.over {
            return None;
        }
        let step = self.step();
        self.over = matches!(step, Ok(None) | Err(RowError::Broken(_)));
        step.transpose()
    }
}

impl<'a> Rows<'a> {
    pub(super) fn new(lines: Lines<Stream<'a>>, settings: FeedSettings, separator: u8, columns: Columns) -> Self {
        Self { lines, settings, separator, columns, pending: None, unreadable: None, over: false }
    }

    fn step(&mut self) -> Result<Option<Row>, RowError> {
        let Some((line, raw)) = self.next_line()? else { return Ok(None) };
        let mut group = Group { line, raw: Vec::new(), builder: None, fault: None };
        if let Some(bad) = self.unreadable.take() {
            let rule = format!("an account that stands beside line {bad}, which cannot be read, is not complete");
            group.blame(line, (1, String::new(), rule, shown(&raw)));
        }
        self.take(&mut group, line, &raw);
        while let Some((line, raw)) = self.next_line()? {
            if !self.belongs(&group, &raw) {
                self.pending = Some((line, raw));
                break;
            }
            self.take(&mut group, line, &raw);
        }
        self.close(group).map(Some).map_err(|fault| RowError::Rejected(Box::new(fault)))
    }

    fn next_line(&mut self) -> Result<Option<(u64, Vec<u8>)>, RowError> {
        if let Some(pending) = self.pending.take() {
            return Ok(Some(pending));
        }
        let mut raw = Vec::new();
        loop {
            let line = self.lines.number();
            let broken = |source| RowError::Broken(FeedError::Io { line, source });
            let Some(info) = self.lines.read(&mut raw).map_err(broken)? else { return Ok(None) };
            if info.too_long {
                self.lines.skip_rest(info).map_err(broken)?;
            }
            // An empty line says nothing, not even that something is missing.
            if !raw.is_empty() {
                return Ok(Some((info.number, raw)));
            }
        }
    }

    fn cells(&self, raw: &[u8]) -> Result<Cells<'_>, Wrong> {
        let wrong = |column, rule: String| (column, String::new(), rule, shown(raw));
        if raw.len() > MAX_LINE_BYTES {
            return Err(wrong(MAX_LINE_BYTES + 1, format!("a line has at most {MAX_LINE_BYTES} bytes")));
        }
        let cells = split::cells(raw, self.separator).map_err(|(column, rule)| wrong(column, rule.to_owned()))?;
        if cells.len() != self.columns.count {
            let rule = format!(
                "a row has {} cells, as the names of the columns; this one has {}",
                self.columns.count,
                cells.len()
            );
            return Err(wrong(1, rule));
        }
        Ok(Cells { columns: &self.columns, cells })
    }

    /// Whether a line goes on with the group; one that cannot be read always does.
    fn belongs(&self, group: &Group, raw: &[u8]) -> bool {
        match (self.cells(raw), &group.builder) {
            (Err(_), _) => true,
            (Ok(cells), Some(builder)) => cells.get("account_number").0 == builder.account_number(),
            // Only unreadable lines so far: they are refused by themselves.
            (Ok(_), None) => false,
        }
    }

    fn take(&mut self, group: &mut Group, line: u64, raw: &[u8]) {
        group.keep(raw);
        let taken = match self.cells(raw) {
            Err(wrong) => Err((true, wrong)),
            Ok(cells) => {
                let builder = group.builder.get_or_insert_with(|| Builder::new(&cells));
                builder.add(&cells).map_err(|wrong| (false, wrong))
            }
        };
        self.unreadable = None;
        if let Err((unreadable, wrong)) = taken {
            self.unreadable = unreadable.then_some(line);
            group.blame(line, wrong);
        }
    }

    fn close(&self, group: Group) -> Result<Row, RowFault> {
        let Group { line, raw, builder, fault } = group;
        let refuse = |line, (column, name, rule, found): Wrong| {
            let pointer = if name.is_empty() { name } else { format!("/{name}") };
            RowFault { line, column, pointer, rule, found, raw: raw.clone() }
        };
        if let Some((at, wrong)) = fault {
            return Err(refuse(at, wrong));
        }
        let Some(builder) = builder else {
            return Err(refuse(line, (1, String::new(), "a row names an account".to_owned(), shown(&raw))));
        };
        let account = builder.finish();
        match broken_rule(&account, &self.settings.accounts) {
            None => Ok(Row { line, account, raw, form: Format::Csv }),
            Some((pointer, rule)) => {
                Err(refuse(line, (1, pointer.trim_start_matches('/').to_owned(), rule, shown(&raw))))
            }
        }
    }
}

/// Whether two rows say the same of the account they share; the column that differs otherwise.
pub(super) fn same_account(first: &[String], cells: &Cells<'_>) -> Result<(), Wrong> {
    for (name, expected) in ACCOUNT_COLUMNS.iter().zip(first) {
        let (text, column) = cells.get(name);
        if text != expected {
            let rule = format!("the rows of an account repeat its columns; the first says {expected:?}");
            return Err((column, (*name).to_owned(), rule, shown(text.as_bytes())));
        }
    }
    Ok(())
}
