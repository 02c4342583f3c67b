//! `recaudo billing import` as a program of its own, killed with SIGKILL at ten moments.
//!
//! Each moment is a condition that is seen from outside: how far the file was read (where the kernel
//! says the descriptor stands) or what the books hold. After each kill the same file is sent again,
//! and the books have to be those of a gateway that was left alone.

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::process::ExitStatusExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::time::{Duration, Instant};

use recaudo::billing::import::Outcome;
use recaudo::clock::{Clock, SystemClock};
use recaudo::domain::calendar::Timestamp;
use recaudo::domain::fact::OrderStatus;
use recaudo::domain::ids::AccountNumber;
use recaudo::domain::money::Money;
use recaudo::domain::position::position;
use recaudo::store::{Connection, OrderFilter, SnapshotRecord, SnapshotStatus};

use crate::feed::{Feed, number};
use crate::house::{Backend, House};
use crate::support::postgres::TestDatabase;

crate::on_both!(an_import_killed_at_ten_points_is_repeated_to_the_same_end);

/// Accounts of one file; so many of them are not in the next one, and so many are new there.
const ACCOUNTS: u32 = 5000;
const CHANGED: u32 = 800;
const CHUNK: usize = 200;
/// Nobody waits longer for a moment that does not come.
const PATIENCE: Duration = Duration::from_secs(120);

/// A moment of an import.
#[derive(Clone, Copy, Debug)]
enum Moment {
    /// So many hundredths of the file were read for the first time.
    Judged(u64),
    /// The turn is taken.
    Begun,
    /// So many hundredths of the accounts are in place.
    Written(i64),
    /// Some of the accounts that are gone are forgotten.
    Removing,
    /// The books say that the snapshot is loaded.
    Loaded,
    /// One of the orders that it explains is completed.
    Completing,
}

const MOMENTS: [Moment; 10] = [
    Moment::Judged(5),
    Moment::Judged(60),
    Moment::Begun,
    Moment::Written(4),
    Moment::Written(30),
    Moment::Written(60),
    Moment::Written(100),
    Moment::Removing,
    Moment::Loaded,
    Moment::Completing,
];

/// How many suspended accounts pay before the file of a round, which shows them in service. Completing
/// their orders is the last thing an import does, so it takes long where it is to be killed there.
fn payers(round: u32) -> u32 {
    match MOMENTS[round as usize - 1] {
        Moment::Removing | Moment::Loaded | Moment::Completing => 250,
        _ => 10,
    }
}

/// The program, its configuration and its feeds.
struct Program {
    folder: tempfile::TempDir,
}

impl Program {
    fn new(url: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let config = format!("[database]\nurl = '{url}'\n[billing]\nchunk_accounts = {CHUNK}\n");
        fs::write(folder.path().join("recaudo.toml"), config).unwrap();
        Self { folder }
    }

    fn feed(&self, feed: &Feed) -> PathBuf {
        let path = self.folder.path().join(format!("{}.jsonl", feed.header.id));
        fs::write(&path, feed.text()).unwrap();
        path
    }

    fn import(&self, feed: &Path) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_recaudo"));
        command.args(["--json", "billing", "import"]).arg(feed).current_dir(self.folder.path());
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        command
    }
}

fn said(output: &Output) -> String {
    format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr))
}

fn as_of(round: u32) -> Timestamp {
    // The program has the time of day, so the days of the test end before it.
    let now = SystemClock.now().micros();
    let day = now - now.rem_euclid(86_400_000_000);
    Timestamp::from_micros(day).plus_minutes(i64::from(round) * 60 - 48 * 60)
}

/// The file of a round: a window of accounts that moves on, its next tenants suspended.
fn feed(round: u32) -> Feed {
    let first = round * CHANGED + 1;
    let next = if round < MOMENTS.len() as u32 { payers(round + 1) } else { 0 };
    let suspended = first + CHANGED..first + CHANGED + next;
    let all = first..first + ACCOUNTS;
    let active = all.filter(|account| !suspended.contains(account));
    let feed = Feed::full(&format!("round-{round:02}"), &as_of(round).to_string()).accounts(active, 20_000 + round);
    suspended.fold(feed, |feed, account| feed.suspended(account, 20_000))
}

/// Before the file of a round: the suspended pay, which orders their reconnection, and some others pay a part.
fn pay(house: &House, round: u32) {
    house.clock.set(as_of(round).plus_minutes(-30));
    let (first, payers) = (round * CHANGED + 1, payers(round));
    for account in first..first + payers {
        house.pay("jj-pita", account, 20_000);
    }
    for account in [first + payers, first + payers + 400] {
        house.pay("coompecens", account, 3000);
    }
}

/// What two gateways have to agree on.
#[derive(Debug, PartialEq)]
struct Books {
    accounts: BTreeMap<String, (String, Money, usize)>,
    known: i64,
    snapshots: BTreeMap<String, SnapshotRecord>,
    orders: BTreeMap<String, OrderStatus>,
}

fn books(house: &House, round: u32) -> Books {
    let mut conn = house.conn();
    let numbers: Vec<_> = (1..(round + 1) * CHANGED + ACCOUNTS).map(|it| AccountNumber::new(number(it))).collect();
    let today = house.office.policy.calendar_date(house.clock.now());
    let states = conn.load_accounts(&numbers).unwrap();
    let accounts = states.into_iter().map(|(number, state)| {
        let due = position(&state, today, Money::from_pesos(1)).figures.total_due;
        (number.to_string(), (format!("{:?} {:?}", state.account, state.snapshot), due, state.facts.len()))
    });
    // Their clocks differ, so all that is compared of an instant is whether there is one.
    let snapshots = conn.snapshots(100).unwrap().into_iter().map(|known| {
        let finished_at = known.finished_at.map(|_| Timestamp::default());
        (known.snapshot.id.clone(), SnapshotRecord { started_at: Timestamp::default(), finished_at, ..known })
    });
    Books {
        accounts: accounts.collect(),
        known: conn.count_accounts().unwrap(),
        snapshots: snapshots.collect(),
        orders: orders(&mut conn),
    }
}

fn orders(conn: &mut Connection) -> BTreeMap<String, OrderStatus> {
    let orders = conn.orders(&OrderFilter { limit: 1000, ..OrderFilter::default() }).unwrap();
    let account = |order: &recaudo::store::OrderRecord| order.order.account.as_ref().unwrap().of.to_string();
    orders.iter().map(|order| (account(order), order.status())).collect()
}

/// Where a process stands in a file that it has open.
fn place_in(child: &Child, path: &Path) -> Option<u64> {
    let process = PathBuf::from(format!("/proc/{}", child.id()));
    let descriptors = fs::read_dir(process.join("fd")).ok()?.flatten();
    let mut ours = descriptors.filter(|entry| fs::read_link(entry.path()).is_ok_and(|target| target == path));
    let info = fs::read_to_string(process.join("fdinfo").join(ours.next()?.file_name())).ok()?;
    info.lines().find_map(|line| line.strip_prefix("pos:"))?.trim().parse().ok()
}

/// What is true of the books and the process when a moment has come.
fn has_come(moment: Moment, conn: &mut Connection, child: &Child, path: &Path, known: i64, open: usize) -> bool {
    let snapshot = path.file_stem().and_then(|stem| stem.to_str()).unwrap();
    let turn = |conn: &mut Connection| {
        conn.loading_import().unwrap().filter(|import| import.snapshot.as_deref() == Some(snapshot))
    };
    match moment {
        Moment::Judged(hundredths) => {
            let size = fs::metadata(path).unwrap().len();
            place_in(child, path).is_some_and(|place| place >= size * hundredths / 100)
        }
        Moment::Begun => turn(conn).is_some(),
        Moment::Written(hundredths) => {
            turn(conn).is_some_and(|import| import.accounts >= i64::from(ACCOUNTS) * hundredths / 100)
        }
        // All that are new are there before the first that is gone is forgotten.
        Moment::Removing => {
            let all = turn(conn).is_some_and(|import| import.accounts == i64::from(ACCOUNTS));
            all && conn.count_accounts().unwrap() < known + i64::from(CHANGED)
        }
        Moment::Loaded => conn.snapshot(snapshot).unwrap().is_some_and(|known| known.status == SnapshotStatus::Loaded),
        Moment::Completing => {
            let still = |status: &&OrderStatus| status.is_open();
            orders(conn).values().filter(still).count() < open
        }
    }
}

fn kill_at(moment: Moment, house: &House, program: &Program, path: &Path) {
    let mut conn = house.conn();
    let known = conn.count_accounts().unwrap();
    let open = orders(&mut conn).values().filter(|status| status.is_open()).count();
    let mut child = program.import(path).spawn().unwrap();
    let until = Instant::now() + PATIENCE;
    while !has_come(moment, &mut conn, &child, path, known, open) {
        assert!(child.try_wait().unwrap().is_none(), "{moment:?}: it was done before it could be killed");
        assert!(Instant::now() < until, "{moment:?} does not come");
        std::thread::yield_now();
    }
    child.kill().unwrap();
    let output = child.wait_with_output().unwrap();
    assert_eq!(output.status.signal(), Some(9), "{moment:?}: it was done before it could be killed: {}", said(&output));
}

fn an_import_killed_at_ten_points_is_repeated_to_the_same_end(backend: Backend) {
    let folder = tempfile::tempdir().unwrap();
    let (url, database) = match backend {
        Backend::Sqlite => (format!("sqlite:{}", folder.path().join("books.db").display()), None),
        Backend::Postgres => {
            let database = TestDatabase::create();
            (format!("{}?sslmode=disable", database.url()), Some(database))
        }
    };
    let house = House::at(&url, database, CHUNK);
    let alone = House::at("sqlite::memory:", None, CHUNK);
    let program = Program::new(&url);
    for house in [&house, &alone] {
        house.import(&feed(0)).unwrap();
    }
    let mut paid = 0;
    for (round, moment) in (1..).zip(MOMENTS) {
        for house in [&house, &alone] {
            pay(house, round);
        }
        let next = feed(round);
        let path = program.feed(&next);
        kill_at(moment, &house, &program, &path);
        let repeated = program.import(&path).output().unwrap();
        assert!(repeated.status.success(), "{moment:?}: {}", said(&repeated));
        assert_eq!(alone.import(&next).unwrap().outcome, Outcome::Loaded);
        let (found, wanted) = (books(&house, round), books(&alone, round));
        let difference = found.accounts.iter().zip(&wanted.accounts).find(|(one, other)| one != other);
        assert_eq!(difference, None, "{moment:?}");
        assert_eq!(found, wanted, "{moment:?}");
        assert_eq!((found.known, found.accounts.len()), (i64::from(ACCOUNTS), ACCOUNTS as usize), "{moment:?}");
        let completed = found.orders.values().filter(|status| **status == OrderStatus::Completed).count();
        paid += payers(round) as usize;
        assert_eq!(completed, paid, "{moment:?}");
        assert!(house.conn().loading_import().unwrap().is_none(), "{moment:?}");
    }
}
