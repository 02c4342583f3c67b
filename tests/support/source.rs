//! Rust sources as text, with comments and literals blanked: enough to say what a file names.

use std::fs;
use std::path::{Path, PathBuf};

/// One source file.
pub struct Source {
    /// From the project's root, with slashes.
    pub path: String,
    /// As it is.
    pub text: String,
    /// With comments and the insides of literals replaced by spaces; the lines are the same.
    pub code: String,
}

impl Source {
    /// A source of this path and text.
    pub fn new(path: &str, text: &str) -> Self {
        Self { path: path.to_owned(), text: text.to_owned(), code: blank(text) }
    }

    /// All `.rs` files under these folders of the project.
    pub fn all(root: &Path, folders: &[&str]) -> Vec<Self> {
        let files = folders.iter().flat_map(|folder| walk(&root.join(folder)));
        files
            .filter(|file| file.extension().is_some_and(|extension| extension == "rs"))
            .map(|file| {
                let path = file.strip_prefix(root).expect("it was found there").to_string_lossy().replace('\\', "/");
                Self::new(&path, &fs::read_to_string(&file).expect("a source is UTF-8"))
            })
            .collect()
    }

    /// Whether the file holds nothing but tests.
    pub fn is_test(&self) -> bool {
        let name = self.path.rsplit('/').next().unwrap_or_default();
        !self.path.starts_with("src/")
            || self.path.contains("/tests/")
            || name == "tests.rs"
            || name.ends_with("_tests.rs")
    }

    /// The code without its tests, which by custom come last in a file.
    pub fn without_tests(&self) -> &str {
        if self.is_test() {
            return "";
        }
        let end = self.code.find("#[cfg(test)]\nmod ").filter(|&at| {
            let rest = &self.code[at..];
            rest.find('{').unwrap_or(usize::MAX) < rest.find(';').unwrap_or(usize::MAX)
        });
        &self.code[..end.unwrap_or(self.code.len())]
    }

    /// The first names inside every `std::{…}`.
    pub fn nested_std_imports(&self) -> impl Iterator<Item = &str> {
        let blocks = self.code.split("std::{").skip(1).filter_map(|rest| rest.split(';').next());
        blocks.flat_map(|block| block.split([',', '{', '}'])).filter_map(|part| {
            let name = part.trim().split([':', ' ']).next().unwrap_or_default();
            (!name.is_empty() && name.chars().all(|c| c.is_ascii_lowercase() || c == '_')).then_some(name)
        })
    }
}

/// Whether a text has this name, whole.
pub fn names(text: &str, name: &str) -> bool {
    at_a_start(text, name).any(|end| !text[end..].starts_with(is_part_of_name))
}

/// Whether a text has a name that begins so.
pub fn starts_name(text: &str, beginning: &str) -> bool {
    at_a_start(text, beginning).any(|end| {
        // `rand` and `rand_core`, but not `random`: a crate's name goes on with an underscore or a path.
        !text[end..].starts_with(|c: char| c.is_alphanumeric())
    })
}

/// All files below a folder, sorted; none when there is no such folder.
pub fn walk(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    let entries = fs::read_dir(folder).into_iter().flatten();
    for entry in entries {
        let path = entry.expect("a folder can be listed").path();
        if path.is_dir() {
            found.extend(walk(&path));
        } else {
            found.push(path);
        }
    }
    found.sort();
    found
}

fn is_part_of_name(c: char) -> bool {
    c.is_alphanumeric() || c == '_'
}

/// Where occurrences end that do not begin in the middle of a name.
fn at_a_start<'a>(text: &'a str, name: &'a str) -> impl Iterator<Item = usize> {
    text.match_indices(name)
        .filter(|(at, _)| !text[..*at].ends_with(is_part_of_name))
        .map(|(at, found)| at + found.len())
}

/// Replaces comments and the insides of literals by spaces.
fn blank(text: &str) -> String {
    let mut code = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(first) = rest.chars().next() {
        let inside_a_name = code.ends_with(is_part_of_name);
        let length = literal_or_comment(rest, inside_a_name);
        let (taken, left) = rest.split_at(length.unwrap_or(first.len_utf8()));
        if length.is_some() {
            code.extend(taken.chars().map(|c| if c == '\n' { '\n' } else { ' ' }));
        } else {
            code.push_str(taken);
        }
        rest = left;
    }
    code
}

/// The length of the comment or literal that a text begins with.
fn literal_or_comment(text: &str, inside_a_name: bool) -> Option<usize> {
    if text.starts_with("//") {
        return Some(text.find('\n').unwrap_or(text.len()));
    }
    if text.starts_with("/*") {
        return Some(block_comment(text));
    }
    if text.starts_with('"') {
        return Some(quoted(text, '"'));
    }
    if text.starts_with('\'') {
        // A lifetime has no quote after its first character.
        let mut chars = text.chars().skip(1);
        let (first, second) = (chars.next()?, chars.next()?);
        return (first == '\\' || second == '\'').then(|| quoted(text, '\''));
    }
    let raw = text.strip_prefix("br").or_else(|| text.strip_prefix('r'))?;
    let hashes = raw.len() - raw.trim_start_matches('#').len();
    if inside_a_name || !raw[hashes..].starts_with('"') {
        return None;
    }
    let end = format!("\"{}", "#".repeat(hashes));
    let start = text.len() - raw.len() + hashes + 1;
    Some(text[start..].find(&end).map_or(text.len(), |at| start + at + end.len()))
}

fn quoted(text: &str, quote: char) -> usize {
    let mut escaped = false;
    for (at, c) in text.char_indices().skip(1) {
        match c {
            _ if escaped => escaped = false,
            '\\' => escaped = true,
            _ if c == quote => return at + 1,
            _ => {}
        }
    }
    text.len()
}

fn block_comment(text: &str) -> usize {
    let (mut depth, mut at) = (0_usize, 0);
    while at < text.len() {
        let rest = &text[at..];
        if rest.starts_with("/*") {
            (depth, at) = (depth + 1, at + 2);
        } else if rest.starts_with("*/") {
            (depth, at) = (depth - 1, at + 2);
            if depth == 0 {
                return at;
            }
        } else {
            at += rest.chars().next().map_or(1, char::len_utf8);
        }
    }
    text.len()
}
