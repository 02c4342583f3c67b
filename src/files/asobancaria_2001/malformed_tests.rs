//! Five hundred ways to spoil a good file: none is accepted in part or changed silently, and each
//! refusal names line and column.

use super::billing::BillingReader;
use super::collection::CollectionReader;
use super::layouts::{BILLING, COLLECTION};
use super::scanner::Form;
use super::tests::{billing_file, collection_file};
use crate::files::fixed_width::{Column, FileError, Kind, Layout};
use crate::files::seeded::SplitMix64;

const CASES: u64 = 500;

/// What reading gave: the items in their debug form, and how many warnings.
type Outcome = Result<(Vec<String>, usize), FileError>;

struct Sample {
    form: &'static Form,
    lines: Vec<Vec<u8>>,
    read: fn(&[u8]) -> Outcome,
}

fn read_collection(bytes: &[u8]) -> Outcome {
    let reads = CollectionReader::new(bytes).collect::<Result<Vec<_>, _>>()?;
    let warnings = reads.iter().map(|read| read.warnings.len()).sum();
    Ok((reads.iter().map(|read| format!("{:?}", read.item)).collect(), warnings))
}

fn read_billing(bytes: &[u8]) -> Outcome {
    let reads = BillingReader::new(bytes).collect::<Result<Vec<_>, _>>()?;
    let warnings = reads.iter().map(|read| read.warnings.len()).sum();
    Ok((reads.iter().map(|read| format!("{:?}", read.item)).collect(), warnings))
}

impl Sample {
    fn layout(&self, line: usize) -> &'static Layout {
        match &self.lines[line][..2] {
            b"01" => self.form.header,
            b"05" => self.form.lot_header,
            b"06" => self.form.detail,
            b"08" => self.form.lot_trailer,
            _ => self.form.trailer,
        }
    }

    /// A line that has a column of one of these kinds beyond its code, and that column.
    fn column(&self, random: &mut SplitMix64, kinds: &[Kind]) -> (usize, &'static Column) {
        loop {
            let line = random.below(self.lines.len() as u64) as usize;
            let columns = &self.layout(line).columns[1..];
            let column = random.pick(columns);
            if kinds.contains(&column.kind) {
                return (line, column);
            }
        }
    }

    fn joined(&self) -> Vec<u8> {
        self.lines.iter().flat_map(|line| [line.as_slice(), b"\r\n"].concat()).collect()
    }
}

/// A spoilt file and, where it is known, the line and the column that have to be named.
struct Spoilt {
    what: &'static str,
    bytes: Vec<u8>,
    place: Option<(u64, usize)>,
}

fn spoilt(what: &'static str, bytes: Vec<u8>, line: usize, column: usize) -> Spoilt {
    Spoilt { what, bytes, place: Some((line as u64 + 1, column)) }
}

fn spoil(good: &Sample, random: &mut SplitMix64, kind: u64) -> Spoilt {
    match kind {
        0..=4 => spoil_bytes(good, random, kind),
        5..=9 => spoil_values(good, random, kind),
        _ => spoil_lines(good, random, kind),
    }
}

fn with_byte(good: &Sample, line: usize, place: usize, byte: u8) -> Vec<u8> {
    let mut lines = good.lines.clone();
    lines[line][place - 1] = byte;
    Sample { lines, ..*good }.joined()
}

fn spoil_bytes(good: &Sample, random: &mut SplitMix64, kind: u64) -> Spoilt {
    let mut bytes = good.joined();
    let line = random.below(good.lines.len() as u64) as usize;
    match kind {
        0 => {
            bytes.truncate(random.below(bytes.len() as u64) as usize);
            Spoilt { what: "cut", bytes, place: None }
        }
        1 => {
            let mut lines = good.lines.clone();
            let padding = random.between(1, 40) as usize;
            let length = lines[line].len();
            lines[line].resize(length + padding, b' ');
            spoilt("padded", Sample { lines, ..*good }.joined(), line, length + 1)
        }
        2 => {
            let text = String::from_utf8(bytes).unwrap().replace("\r\n", "\r");
            spoilt("CR only", text.into_bytes(), 0, good.form.length + 1)
        }
        3 => {
            let mark = *random.pick::<&[u8]>(&[b"\xef\xbb\xbf", b"\xff\xfe", b"\xfe\xff"]);
            spoilt("byte-order mark", [mark, &bytes].concat(), 0, 1)
        }
        _ => {
            let place = random.between(1, good.form.length as u64) as usize;
            let column = if place <= 2 { 1 } else { place };
            spoilt("NUL", with_byte(good, line, place, 0), line, column)
        }
    }
}

fn spoil_values(good: &Sample, random: &mut SplitMix64, kind: u64) -> Spoilt {
    let numeric = [Kind::Numeric, Kind::Amount, Kind::Date, Kind::Time];
    match kind {
        5 => {
            let (line, column) = good.column(random, &numeric);
            let place = column.start + random.below(column.length as u64) as usize;
            let byte = *random.pick(b"AZ -+.,\xd1\xe9");
            spoilt("wrong type", with_byte(good, line, place, byte), line, place)
        }
        6 => {
            let (line, column) = good.column(random, &[Kind::Date]);
            let date = *random.pick::<&[u8]>(&[b"20260230", b"20261301", b"00000000", b"20260100", b"20250229"]);
            let mut lines = good.lines.clone();
            lines[line][column.start - 1..column.start + 7].copy_from_slice(date);
            spoilt("impossible date", Sample { lines, ..*good }.joined(), line, column.start)
        }
        7 => {
            let trailers: Vec<usize> =
                (0..good.lines.len()).filter(|line| matches!(&good.lines[*line][..2], b"08" | b"09")).collect();
            let line = *random.pick(&trailers);
            let column = good.layout(line).columns[random.between(1, 2) as usize];
            let place = column.start + random.below(column.length as u64 - 1) as usize;
            let digit = good.lines[line][place - 1];
            let other = b'0' + (digit - b'0' + 1 + random.below(9) as u8) % 10;
            spoilt("wrong total", with_byte(good, line, place, other), line, column.start)
        }
        8 => {
            let (line, column) = good.column(random, &[Kind::Blank]);
            let place = column.start + random.below(column.length as u64) as usize;
            spoilt("reserved is not blank", with_byte(good, line, place, b'0'), line, place)
        }
        _ => {
            // The NIT of 01 or the service of 05: one digit changed never leaves a right check digit.
            let line = random.below(2) as usize;
            let column = good.layout(line).columns[1];
            let place = column.start + random.below(column.length as u64) as usize;
            let other = b'0' + (good.lines[line][place - 1] - b'0' + 1) % 10;
            spoilt("check digit", with_byte(good, line, place, other), line, column.start)
        }
    }
}

fn spoil_lines(good: &Sample, random: &mut SplitMix64, kind: u64) -> Spoilt {
    let mut lines = good.lines.clone();
    let line = random.below(lines.len() as u64) as usize;
    let count = lines.len();
    let (what, place) = match kind {
        10 => {
            lines.insert(1, good.lines[0].clone());
            ("two headers", Some((2, 1)))
        }
        11 => {
            lines.remove(line);
            ("a line is missing", None)
        }
        12 => {
            lines.insert(line, good.lines[line].clone());
            ("a line twice", None)
        }
        13 => {
            let extra = *random.pick::<&[u8]>(&[b"", b"\x1a", b"09", b"   ", b"{}"]);
            lines.push(extra.to_vec());
            ("something after 09", Some((count as u64 + 1, 1)))
        }
        14 => {
            let place = random.between(3, 20) as usize;
            lines[line].splice(place - 1..place, "Ñ".bytes());
            ("UTF-8", Some((line as u64 + 1, good.form.length + 1)))
        }
        _ => {
            let from = random.between(0, good.layout(line).meaningful as u64 - 8) as usize;
            let length = random.between(1, 7) as usize;
            lines[line].drain(from..from + length);
            ("bytes are missing", None)
        }
    };
    Spoilt { what, bytes: Sample { lines, ..*good }.joined(), place }
}

fn check(good: &Sample, seed: u64) {
    let original = (good.read)(&good.joined()).unwrap();
    assert_eq!(original.1, 0, "the good file is read without a warning");
    let mut random = SplitMix64::new(seed);
    for case in 0..CASES {
        let Spoilt { what, bytes, place } = spoil(good, &mut random, case % 16);
        let context = format!("case {case}, seed {seed}: {what}");
        match (good.read)(&bytes) {
            Err(error) => {
                let fault = error.fault().expect("memory does not fail");
                assert!(fault.line >= 1 && fault.column >= 1, "{context}: {fault}");
                assert!(!fault.found.is_empty() && !fault.allowed.is_empty(), "{context}: {fault}");
                if let Some(place) = place {
                    assert_eq!((fault.line, fault.column), place, "{context}: {fault}");
                }
            }
            Ok((items, warnings)) => {
                assert!(
                    what == "cut" || what == "a line twice" || what == "a line is missing",
                    "{context} was accepted"
                );
                assert!(what == "cut" && warnings > 0 && items == original.0, "{context} was changed silently");
            }
        }
    }
}

fn lines(bytes: &[u8]) -> Vec<Vec<u8>> {
    bytes
        .split(|byte| *byte == b'\n')
        .filter(|line| !line.is_empty())
        .map(|line| line[..line.len() - 1].to_vec())
        .collect()
}

const LOTS: &[&[i64]] = &[&[8_540_000, 1_999, 5_000], &[123_450], &[700, 700]];

#[test]
fn no_spoilt_collection_is_taken_for_a_good_one() {
    check(&Sample { form: &COLLECTION, lines: lines(&collection_file(LOTS)), read: read_collection }, 2001);
}

#[test]
fn no_spoilt_billing_file_is_taken_for_a_good_one() {
    check(&Sample { form: &BILLING, lines: lines(&billing_file(LOTS)), read: read_billing }, 220);
}
