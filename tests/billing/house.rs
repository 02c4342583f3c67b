//! A running gateway without its edge: books, writer, and a clock that the test moves.

use std::cell::Cell;
use std::collections::BTreeMap;
use std::fs::File;
use std::sync::Arc;

use recaudo::billing::Office;
use recaudo::billing::door::{Door, WriterDoor};
use recaudo::billing::import::{ImportError, Options, Report, run};
use recaudo::clock::{Clock, ManualClock};
use recaudo::config::Config;
use recaudo::domain::calendar::{BusinessDate, Timestamp};
use recaudo::domain::command::{Caller, Command, PartyKind, Pay, Request, Reverse};
use recaudo::domain::decide::Outcome;
use recaudo::domain::fact::{Fact, KeyedRequest, PaymentKind, ReversalReason, Tender};
use recaudo::domain::ids::{AccountNumber, CollectionPointId, Id, IdempotencyKey, PartyId};
use recaudo::domain::money::Money;
use recaudo::domain::policy::{PartnerSettings, PointSettings};
use recaudo::domain::position::position;
use recaudo::posting::{Posting, SubmitError, WriterHandle};
use recaudo::store::{CollectionPoint, Connection, Party, Store, StoreError};

use crate::feed::{Feed, number};
use crate::support::postgres::TestDatabase;

#[derive(Clone, Copy, Debug)]
pub enum Backend {
    Sqlite,
    Postgres,
}

/// Both partners of the tests.
pub const PARTNERS: [&str; 2] = ["coompecens", "jj-pita"];

pub struct House {
    pub office: Office,
    pub clock: Arc<ManualClock>,
    pub door: WriterDoor,
    pub runtime: tokio::runtime::Runtime,
    config: Config,
    writer: Option<WriterHandle>,
    _database: Option<TestDatabase>,
    _spool: tempfile::TempDir,
}

impl House {
    pub fn open(backend: Backend) -> Self {
        let database = matches!(backend, Backend::Postgres).then(TestDatabase::create);
        let url = database.as_ref().map_or("sqlite::memory:", |database| database.url()).to_owned();
        Self::at(&url, database, 5)
    }

    /// On books that another process may open as well.
    pub fn at(url: &str, database: Option<TestDatabase>, chunk_accounts: usize) -> Self {
        let mut config = Config::load(None).unwrap();
        config.database.url = url.into();
        config.billing.chunk_accounts = chunk_accounts;
        let spool = tempfile::tempdir().unwrap();
        config.billing.spool = spool.path().to_owned();
        let store = Store::new(&config.database).unwrap();
        store.migrate().unwrap();
        register(&store);
        let clock = Arc::new(ManualClock::at(Timestamp::parse("2026-11-24T10:00:00-05:00").unwrap()));
        let office = Office {
            store,
            policy: Arc::new(config.counter.clone()),
            clock: Arc::clone(&clock) as Arc<dyn Clock>,
            settings: Arc::new(config.billing.clone()),
        };
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
        let (posting, writer) = start(&office, &config);
        let door = WriterDoor::new(posting, runtime.handle().clone());
        Self { office, clock, door, runtime, config, writer: Some(writer), _database: database, _spool: spool }
    }

    /// Another gateway on the same books.
    pub fn another_writer(&self) -> (Posting, WriterHandle) {
        start(&self.office, &self.config)
    }

    pub fn conn(&self) -> Connection {
        self.office.store.connect().unwrap()
    }

    pub fn set_time(&self, at: &str) {
        self.clock.set(Timestamp::parse(at).unwrap());
    }

    pub fn import(&self, feed: &Feed) -> Result<Report, ImportError> {
        self.import_file(feed.file(), &Options::default())
    }

    pub fn import_file(&self, mut file: File, options: &Options) -> Result<Report, ImportError> {
        run(&self.office, &self.door, self.clock.id(), &mut file, options, &|_| {})
    }

    pub fn due(&self, account: u32) -> Option<Money> {
        let account = AccountNumber::new(number(account));
        let states = self.conn().load_accounts(std::slice::from_ref(&account)).unwrap();
        let state = states.get(&account)?;
        let today = self.office.policy.calendar_date(self.clock.now());
        Some(position(state, today, Money::from_pesos(1)).figures.total_due)
    }

    /// What the books hold of accounts, to be compared.
    pub fn accounts(&self, numbers: impl IntoIterator<Item = u32>) -> BTreeMap<AccountNumber, String> {
        let numbers: Vec<_> = numbers.into_iter().map(|account| AccountNumber::new(number(account))).collect();
        let states = self.conn().load_accounts(&numbers).unwrap();
        states.into_iter().map(|(number, state)| (number, format!("{state:?}"))).collect()
    }

    pub fn pay(&self, partner: &str, account: u32, pesos: i64) -> Arc<Fact> {
        let request = payment(&*self.clock, partner, account, pesos);
        done(self.door.submit(request).unwrap())
    }

    pub fn reverse(&self, payment: &Fact) -> Arc<Fact> {
        let reverse = Reverse {
            payment_id: payment.id,
            reason: ReversalReason::WrongAmount,
            supervisor: "S1".to_owned(),
            note: None,
        };
        done(self.door.submit(request(&*self.clock, payment.party.as_str(), Command::Reverse(reverse))).unwrap())
    }
}

impl Drop for House {
    fn drop(&mut self) {
        if let Some(writer) = self.writer.take() {
            writer.stop();
        }
    }
}

fn start(office: &Office, config: &Config) -> (Posting, WriterHandle) {
    Posting::start(&office.store, Arc::clone(&office.policy), Arc::clone(&office.clock), &config.posting).unwrap()
}

fn register(store: &Store) {
    let mut conn = store.connect().unwrap();
    let now = Timestamp::parse("2026-11-01T00:00:00Z").unwrap();
    conn.transaction(|conn| {
        for (place, id) in (1..).zip(PARTNERS) {
            let files = serde_json::json!({"asobancaria": {
                "nit": "890500514-9", "entity_code": 900 + place, "gln": "7709998000018", "account": "12345678901",
                "account_type": 1, "reference": {"last_digits": 9},
            }});
            let settings = PartnerSettings { files, ..PartnerSettings::default() };
            let (id, kind) = (PartyId::new(id), PartyKind::Partner);
            let name = id.to_string();
            conn.register_party(&Party {
                id: id.clone(),
                kind,
                name,
                settings,
                registered_at: now,
                suspended_at: None,
            })?;
            let settings = PointSettings { branch_code: Some(format!("00{place}1")), ..PointSettings::default() };
            let point = CollectionPointId::new(format!("{id}-01"));
            conn.register_collection_point(&CollectionPoint {
                id: point,
                party: id,
                settings,
                registered_at: now,
                suspended_at: None,
            })?;
        }
        Ok(())
    })
    .unwrap();
}

/// A payment of cash at the partner's first point.
pub fn payment(clock: &dyn Clock, partner: &str, account: u32, pesos: i64) -> Request {
    let pay = Pay {
        account_number: AccountNumber::new(number(account)),
        kind: PaymentKind::Partial,
        amount: Money::from_pesos(pesos),
        agreement_id: None,
        tender: Tender::Cash,
        till: "C1".to_owned(),
        cashier: "ANA".to_owned(),
        collected_at: None,
        partner_reference: None,
        confirm_distinct_from: None,
        if_position: None,
        offline: false,
    };
    request(clock, partner, Command::Pay(pay))
}

fn request(clock: &dyn Clock, partner: &str, command: Command) -> Request {
    let id = clock.id();
    let caller = Caller {
        party: PartyId::new(partner),
        kind: PartyKind::Partner,
        collection_point: Some(CollectionPointId::new(format!("{partner}-01"))),
    };
    let keyed = KeyedRequest { key: IdempotencyKey::new(id.to_string()), hash: id.to_string() };
    Request { id, caller, request: Some(keyed), command }
}

pub fn done(outcome: Outcome) -> Arc<Fact> {
    match outcome {
        Outcome::Done(facts) => facts.first().cloned().unwrap(),
        other => panic!("{other:?}"),
    }
}

pub fn date(text: &str) -> BusinessDate {
    BusinessDate::parse(text).unwrap()
}

/// A door that is shut after so many writes: what a killed process looks like to the books.
pub struct ShutAfter<'a> {
    pub door: &'a WriterDoor,
    pub left: Cell<usize>,
}

impl Door for ShutAfter<'_> {
    fn write<T: Send + 'static>(
        &self,
        operation: &'static str,
        job: impl FnOnce(&mut Connection) -> Result<T, StoreError> + Send + 'static,
    ) -> Result<T, SubmitError> {
        self.pass()?;
        self.door.write(operation, job)
    }

    fn submit(&self, request: Request) -> Result<Outcome, SubmitError> {
        self.pass()?;
        self.door.submit(request)
    }

    fn answered(&self) -> u64 {
        self.door.answered()
    }
}

impl ShutAfter<'_> {
    fn pass(&self) -> Result<(), SubmitError> {
        let left = self.left.get().checked_sub(1).ok_or(SubmitError::Stopped)?;
        self.left.set(left);
        Ok(())
    }
}

/// A door behind which everything is done, and of every other write nobody knows it.
pub struct Doubtful<'a> {
    pub door: &'a WriterDoor,
    pub writes: Cell<usize>,
}

impl Door for Doubtful<'_> {
    fn write<T: Send + 'static>(
        &self,
        operation: &'static str,
        job: impl FnOnce(&mut Connection) -> Result<T, StoreError> + Send + 'static,
    ) -> Result<T, SubmitError> {
        let done = self.door.write(operation, job)?;
        self.writes.set(self.writes.get() + 1);
        if self.writes.get().is_multiple_of(2) { Ok(done) } else { Err(SubmitError::InDoubt) }
    }

    fn submit(&self, request: Request) -> Result<Outcome, SubmitError> {
        self.door.submit(request)
    }

    fn answered(&self) -> u64 {
        self.door.answered()
    }
}

/// An id of nothing.
pub fn nobody() -> Id {
    Id::from_bits(7)
}
