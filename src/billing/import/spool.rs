//! Judged accounts on their way from the first pass to the second, in the order of their numbers: an index
//! that grows at its end costs the books three fifths of one that grows everywhere.
//!
//! What fits into memory is sorted and written as a run; the runs are read side by side and merged. They
//! lie in a file without a name, which is gone with the process. What was judged is what is written,
//! whatever becomes of billing's file meanwhile.
//!
//! An account is its number and the length of its document, little-endian in eight and four bytes, and
//! the document.

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::fs::File;
use std::io::{self, BufReader, BufWriter, Read, Write};
use std::os::unix::fs::FileExt;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};

use super::numbers::unpacked;
use super::report::ImportError;
use crate::files::billing_feed::Row;
use crate::store::{AccountDocument, StoreError};

/// Bytes of documents that are sorted together. One run is filled while one is written.
const RUN_BYTES: usize = 4 * 1024 * 1024;
/// Memory for reading all the runs, and what each of them gets of it.
const MERGE_BYTES: usize = 4 * 1024 * 1024;
const MOST_OF_A_RUN: usize = 256 * 1024;
const LEAST_OF_A_RUN: usize = 8 * 1024;

/// Accounts that are sorted together.
struct Run {
    documents: Vec<u8>,
    /// The number, and where its document begins and ends.
    places: Vec<(u64, usize, usize)>,
}

impl Run {
    fn of(bytes: usize) -> Self {
        Self { documents: Vec::with_capacity(bytes), places: Vec::new() }
    }
}

/// Where judged accounts go. A thread of its own sorts them and writes them out, and gives the run back.
pub(super) struct Intake {
    run: Run,
    run_bytes: usize,
    send: SyncSender<Run>,
    written: Receiver<Run>,
}

impl Intake {
    /// Takes an account.
    pub(super) fn take(&mut self, number: u64, row: &Row) -> Result<(), ImportError> {
        let start = self.run.documents.len();
        row.write_document(&mut self.run.documents).map_err(|error| StoreError::Corrupt(error.to_string()))?;
        self.run.places.push((number, start, self.run.documents.len()));
        if self.run.documents.len() < self.run_bytes { Ok(()) } else { self.pass() }
    }

    /// Hands over what was taken.
    pub(super) fn pass(&mut self) -> Result<(), ImportError> {
        // Whoever keeps them has gone, and says why.
        let gone = || ImportError::Spool(io::ErrorKind::BrokenPipe.into());
        let next = self.written.recv().map_err(|_| gone())?;
        self.send.send(std::mem::replace(&mut self.run, next)).map_err(|_| gone())
    }
}

/// Has accounts judged and keeps them meanwhile. Answers the verdict, and the accounts.
pub(super) fn kept<T>(file: File, judge: impl FnOnce(Intake) -> T) -> (T, Result<Accounts, ImportError>) {
    kept_in_runs_of(RUN_BYTES, file, judge)
}

fn kept_in_runs_of<T>(
    run_bytes: usize,
    file: File,
    judge: impl FnOnce(Intake) -> T,
) -> (T, Result<Accounts, ImportError>) {
    let (send, receive) = sync_channel(1);
    let (give_back, written) = sync_channel(2);
    std::thread::scope(|scope| {
        let keeping = scope.spawn(move || {
            _ = give_back.send(Run::of(run_bytes));
            keep(file, &receive, &give_back)
        });
        let verdict = judge(Intake { run: Run::of(run_bytes), run_bytes, send, written });
        // The judge has dropped the intake, so this ends too.
        let kept = keeping.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic));
        (verdict, kept.map_err(ImportError::Spool))
    })
}

fn keep(file: File, receive: &Receiver<Run>, give_back: &SyncSender<Run>) -> io::Result<Accounts> {
    let mut out = BufWriter::with_capacity(MOST_OF_A_RUN, file);
    let (mut runs, mut at) = (Vec::new(), 0);
    for mut run in receive {
        let start = at;
        run.places.sort_unstable();
        for (number, begin, end) in run.places.drain(..) {
            let document = &run.documents[begin..end];
            let length = u32::try_from(document.len()).map_err(|_| io::ErrorKind::InvalidData)?;
            out.write_all(&number.to_le_bytes())?;
            out.write_all(&length.to_le_bytes())?;
            out.write_all(document)?;
            at += HEAD_BYTES as u64 + u64::from(length);
        }
        runs.push(start..at);
        run.documents.clear();
        _ = give_back.send(run);
    }
    let file = Arc::new(out.into_inner().map_err(io::IntoInnerError::into_error)?);
    let buffer = (MERGE_BYTES / runs.len().max(1)).clamp(LEAST_OF_A_RUN, MOST_OF_A_RUN);
    let part = |run: std::ops::Range<u64>| Part { file: Arc::clone(&file), at: run.start, end: run.end };
    let runs: Vec<_> = runs.into_iter().map(|run| BufReader::with_capacity(buffer, part(run))).collect();
    let mut accounts = Accounts { runs, next: BinaryHeap::new() };
    (0..accounts.runs.len()).try_for_each(|run| accounts.look_at(run))?;
    Ok(accounts)
}

const HEAD_BYTES: usize = 12;

/// A part of a file.
struct Part {
    file: Arc<File>,
    at: u64,
    end: u64,
}

impl Read for Part {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        let most = usize::try_from(self.end - self.at).unwrap_or(usize::MAX).min(into.len());
        let read = self.file.read_at(&mut into[..most], self.at)?;
        self.at += read as u64;
        Ok(read)
    }
}

/// Accounts that were kept, in the order of their numbers.
pub(super) struct Accounts {
    runs: Vec<BufReader<Part>>,
    /// The number that comes next in each run, the run, and the length of the document.
    next: BinaryHeap<Reverse<(u64, usize, u32)>>,
}

impl Accounts {
    /// The next one, with its number.
    pub(super) fn next(&mut self) -> Result<Option<(u64, AccountDocument)>, ImportError> {
        let Some(Reverse((number, run, length))) = self.next.pop() else { return Ok(None) };
        let mut document = vec![0; length as usize];
        self.runs[run].read_exact(&mut document).map_err(ImportError::Spool)?;
        self.look_at(run).map_err(ImportError::Spool)?;
        let broken = |_| ImportError::Spool(io::ErrorKind::InvalidData.into());
        let document = String::from_utf8(document).map_err(broken)?;
        Ok(Some((number, AccountDocument { account_number: unpacked(number), document })))
    }

    /// Reads what comes next in a run.
    fn look_at(&mut self, run: usize) -> io::Result<()> {
        let reader = &mut self.runs[run];
        if reader.buffer().is_empty() && reader.get_ref().at == reader.get_ref().end {
            return Ok(());
        }
        let (mut number, mut length) = ([0; 8], [0; 4]);
        reader.read_exact(&mut number)?;
        reader.read_exact(&mut length)?;
        self.next.push(Reverse((u64::from_le_bytes(number), run, u32::from_le_bytes(length))));
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use std::io::BufRead;

    use proptest::prelude::*;

    use super::super::numbers::packed;
    use super::*;
    use crate::domain::account::Account;
    use crate::domain::calendar::Timestamp;
    use crate::domain::ids::AccountNumber;
    use crate::files::billing_feed::Format;
    use crate::files::billing_sample::sample;

    fn row(account: Account, form: Format) -> Row {
        Row { line: 1, account, raw: Vec::new(), form }
    }

    fn account() -> Account {
        let mut feed = Vec::new();
        sample(1, 5, Timestamp::default(), &mut feed).unwrap();
        serde_json::from_str(&feed.lines().nth(1).unwrap().unwrap()).unwrap()
    }

    proptest! {
        #[test]
        fn what_is_kept_comes_back_once_and_in_order(
            numbers in proptest::collection::hash_set("[0-9]{6,12}", 0..300), run_bytes in 1usize..20_000,
        ) {
            let like = account();
            // What would end a line, and what is no character of its own, stand in a name as well.
            let named = |number: &String| Account {
                account_number: AccountNumber::new(number.as_str()),
                holder_name: format!("{number}\t\n\u{2028}Ñ"),
                ..like.clone()
            };
            let (taken, kept) = kept_in_runs_of(run_bytes, tempfile::tempfile()?, |mut intake| {
                numbers.iter().map(named).try_for_each(|account| {
                    intake.take(packed(&account.account_number).unwrap(), &row(account, Format::Csv))
                })?;
                intake.pass()
            });
            prop_assert!(taken.is_ok());
            let (mut kept, mut back) = (kept.unwrap(), Vec::new());
            while let Some((number, account)) = kept.next().unwrap() {
                prop_assert_eq!(packed(&account.account_number), Some(number));
                let text = account.account_number.to_string();
                prop_assert_eq!(serde_json::from_str::<Account>(&account.document).unwrap(), named(&text));
                back.push(number);
            }
            prop_assert!(back.is_sorted());
            let mut wanted: Vec<u64> = numbers.iter().filter_map(|it| packed(&AccountNumber::new(it.as_str()))).collect();
            wanted.sort_unstable();
            prop_assert_eq!(back, wanted);
        }
    }

    #[test]
    fn a_disk_that_refuses_ends_the_judging() {
        let account = row(account(), Format::Csv);
        // Every write to it says that the disk is full.
        let full = File::options().write(true).open("/dev/full").unwrap();
        let most = 100_000;
        let (taken, kept) = kept_in_runs_of(1000, full, |mut intake| {
            (0..most).take_while(|number| intake.take(*number, &account).is_ok()).count() as u64
        });
        assert!(taken < most);
        match kept.map(|_| ()) {
            Err(ImportError::Spool(error)) => assert_eq!(error.kind(), io::ErrorKind::StorageFull),
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn a_spool_that_lost_its_end_is_not_a_short_one() {
        let (account, file) = (row(account(), Format::Csv), tempfile::tempfile().unwrap());
        let cut = file.try_clone().unwrap();
        let (_, kept) = kept(file, |mut intake| {
            (0..5000).try_for_each(|number| intake.take(1_000_000 + number, &account))?;
            intake.pass()
        });
        let mut kept = kept.unwrap();
        cut.set_len(cut.metadata().unwrap().len() - 1).unwrap();
        let ended = (0..5000).map(|_| kept.next()).find(Result::is_err);
        match ended {
            Some(Err(ImportError::Spool(error))) => assert_eq!(error.kind(), io::ErrorKind::UnexpectedEof),
            _ => panic!("the end was not missed"),
        }
    }
}
