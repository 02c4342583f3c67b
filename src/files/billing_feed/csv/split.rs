//! One line of CSV into its cells, each with the column in which it begins.

/// A cell without its quotes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Cell {
    /// The byte at which it begins, from 1.
    pub(super) column: usize,
    pub(super) text: String,
}

/// The cells of a line, or the column and the rule it breaks.
pub(super) fn cells(line: &[u8], separator: u8) -> Result<Vec<Cell>, (usize, &'static str)> {
    let text = std::str::from_utf8(line).map_err(|error| (error.valid_up_to() + 1, "the text is UTF-8"))?;
    let mut cells = Vec::new();
    let mut at = 0;
    loop {
        let (cell, end) = if line.get(at) == Some(&b'"') { quoted(text, at)? } else { bare(text, at, separator)? };
        cells.push(Cell { column: at + 1, text: cell });
        match line.get(end) {
            None => return Ok(cells),
            Some(byte) if *byte == separator => at = end + 1,
            Some(_) => return Err((end + 1, "after a closing quote comes a separator or the end of the line")),
        }
    }
}

fn bare(text: &str, at: usize, separator: u8) -> Result<(String, usize), (usize, &'static str)> {
    let rest = &text[at..];
    let length = rest.bytes().position(|byte| byte == separator).unwrap_or(rest.len());
    match rest[..length].find('"') {
        Some(place) => Err((at + place + 1, "a field with a quote is quoted, and the quote doubled")),
        None => Ok((rest[..length].to_owned(), at + length)),
    }
}

fn quoted(text: &str, at: usize) -> Result<(String, usize), (usize, &'static str)> {
    let mut cell = String::new();
    let mut rest = at + 1;
    loop {
        let length = text[rest..].find('"').ok_or((at + 1, "a quote is closed on its own line"))?;
        cell.push_str(&text[rest..rest + length]);
        rest += length + 1;
        if !text[rest..].starts_with('"') {
            return Ok((cell, rest));
        }
        cell.push('"');
        rest += 1;
    }
}

/// Appends a cell, quoted where it has to be.
pub(super) fn push(line: &mut String, text: &str, separator: char) {
    if text.contains([separator, '"', ' ', '#']) {
        line.push('"');
        line.push_str(&text.replace('"', "\"\""));
        line.push('"');
    } else {
        line.push_str(text);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn cells_are_read_as_they_were_written(texts in proptest::collection::vec("[a-zñ,;\"# ]{0,8}", 1..6)) {
            let mut line = String::new();
            for (i, text) in texts.iter().enumerate() {
                if i > 0 { line.push(','); }
                push(&mut line, text, ',');
            }
            let read: Vec<String> = cells(line.as_bytes(), b',').unwrap().into_iter().map(|cell| cell.text).collect();
            prop_assert_eq!(read, texts);
        }

        #[test]
        fn no_line_makes_it_panic(line in proptest::collection::vec(any::<u8>(), 0..40)) {
            let _ = cells(&line, b',');
        }
    }

    #[test]
    fn what_is_wrong_has_a_column() {
        let at = |line: &[u8]| cells(line, b',').map_err(|(column, _)| column).unwrap_err();
        assert_eq!(at(b"ab,\"cd"), 4);
        assert_eq!(at(b"ab,c\"d\""), 5);
        assert_eq!(at(b"\"ab\"c,d"), 5);
        assert_eq!(at(b"ab,\xd1"), 4);
    }
}
