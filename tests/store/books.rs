//! A database with a register, a snapshot and accounts, and a writer in front of it.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use recaudo::clock::{Clock, ManualClock};
use recaudo::config::{Config, Posting as PostingSettings};
use recaudo::domain::account::{Account, AccountStatus, Bill, Service, ServiceStatus, SuspensionCause};
use recaudo::domain::calendar::{BusinessDate, Timestamp};
use recaudo::domain::command::{Caller, Command, PartyKind, Pay, Request, Reverse};
use recaudo::domain::decide::Outcome;
use recaudo::domain::fact::{Fact, KeyedRequest, PaymentKind, ReversalReason, Tender};
use recaudo::domain::ids::{CollectionPointId, Id, PartyId};
use recaudo::domain::money::Money;
use recaudo::domain::policy::{PartnerSettings, PointSettings, Policy};
use recaudo::domain::position::Snapshot;
use recaudo::posting::{CommitFate, Posting, SubmitError, WriterHandle};
use recaudo::store::{
    CollectionPoint, Connection, EndpointStatus, Party, SnapshotKind, SnapshotRecord, SnapshotStatus, Store,
    StoreError, WebhookEndpoint,
};
use recaudo::webhooks::events::EventType;

use crate::support::postgres::TestDatabase;

/// A Tuesday, half past nine in Cúcuta.
pub const MORNING: &str = "2026-11-24T09:30:00-05:00";

/// How many accounts every database begins with: `100000` and on.
pub const ACCOUNTS: u32 = 20;

/// A database of its own.
pub struct Books {
    pub store: Store,
    pub clock: Arc<ManualClock>,
    pub database: Option<TestDatabase>,
}

impl Books {
    pub fn sqlite() -> Self {
        Self::fill("sqlite::memory:", None)
    }

    pub fn postgres() -> Self {
        let database = TestDatabase::create();
        let url = database.url().to_owned();
        Self::fill(&url, Some(database))
    }

    /// Registers an endpoint that wants every event, so that events have to leave.
    #[allow(dead_code, reason = "not every suite looks at events")]
    pub fn somebody_listens(&self) {
        let endpoint = WebhookEndpoint {
            id: self.clock.id(),
            party: "operator".into(),
            kind: PartyKind::Operator,
            url: "https://localhost/".to_owned(),
            event_types: EventType::ALL.iter().map(|event| event.as_str().to_owned()).collect(),
            secret: "whsec_AAAA".into(),
            retiring: None,
            status: EndpointStatus::Active,
            disabled_reason: None,
            last_seq: 0,
            created_at: self.clock.now(),
        };
        let write =
            || self.connect().transaction(|connection| connection.register_webhook_endpoint(&endpoint)).unwrap();
        // A connection blocks, which a runtime does not allow on its own threads.
        std::thread::scope(|scope| scope.spawn(write).join().unwrap());
    }

    /// With the tables and nothing in them.
    pub fn empty(url: &str) -> Store {
        let mut settings = Config::load(None).unwrap().database;
        settings.url = url.to_owned().into();
        let store = Store::new(&settings).unwrap();
        assert!(!store.pending_migrations().unwrap().is_empty());
        store.migrate().unwrap();
        assert!(store.pending_migrations().unwrap().is_empty());
        store
    }

    fn fill(url: &str, database: Option<TestDatabase>) -> Self {
        let store = Self::empty(url);
        let clock = Arc::new(ManualClock::at(at(MORNING)));
        let books = Self { store, clock, database };
        books.connect().transaction(|connection| register(connection, at(MORNING))).unwrap();
        let accounts: Vec<Account> = (0..ACCOUNTS).map(account).collect();
        books.load("first", "2026-11-24T03:00:00-05:00", &[], &accounts);
        books
    }

    pub fn connect(&self) -> Connection {
        self.store.connect().unwrap()
    }

    /// A new snapshot, with what each partner's payments are contained through.
    pub fn load(&self, id: &str, as_of: &str, included: &[(&str, &str)], accounts: &[Account]) {
        let record = snapshot(id, as_of, included);
        let load = |connection: &mut Connection| {
            connection.begin_snapshot(&record)?;
            connection.replace_accounts(&record.snapshot, accounts)?;
            connection.finish_snapshot(id, accounts.len() as i64, 0, at(as_of))
        };
        self.connect().transaction(load).unwrap();
    }

    pub fn counter(&self) -> Counter {
        self.counter_with(&posting(), || CommitFate::Through)
    }

    pub fn counter_with(
        &self,
        settings: &PostingSettings,
        probe: impl FnMut() -> CommitFate + Send + 'static,
    ) -> Counter {
        let clock: Arc<dyn Clock> = Arc::<ManualClock>::clone(&self.clock);
        let policy = Arc::new(Policy::default());
        let (posting, writer) = Posting::start_probed(&self.store, policy, clock, settings, Box::new(probe)).unwrap();
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        Counter { posting, writer: Some(writer), runtime, clock: Arc::clone(&self.clock) }
    }
}

/// A writer and the means to ask it.
pub struct Counter {
    pub posting: Posting,
    pub writer: Option<WriterHandle>,
    pub runtime: tokio::runtime::Runtime,
    pub clock: Arc<ManualClock>,
}

impl Counter {
    pub fn request(&self, caller: &Caller, command: Command) -> Request {
        static KEYS: AtomicU64 = AtomicU64::new(0);
        let key = format!("key-{}", KEYS.fetch_add(1, Ordering::Relaxed));
        keyed(self.clock.id(), caller, &key, command)
    }

    pub fn submit(&self, request: Request) -> Result<Outcome, SubmitError> {
        self.runtime.block_on(self.posting.submit(request))
    }

    pub fn ask(&self, caller: &Caller, command: Command) -> Outcome {
        self.submit(self.request(caller, command)).unwrap()
    }

    pub fn done(&self, caller: &Caller, command: Command) -> Vec<Arc<Fact>> {
        done(self.ask(caller, command))
    }

    pub fn write<T: Send + 'static>(
        &self,
        job: impl FnOnce(&mut Connection) -> Result<T, StoreError> + Send + 'static,
    ) -> Result<T, SubmitError> {
        self.runtime.block_on(self.posting.write("test", job))
    }

    pub fn stop(mut self) {
        self.writer.take().unwrap().stop();
    }
}

pub fn posting() -> PostingSettings {
    Config::load(None).unwrap().posting
}

pub fn keyed(id: Id, caller: &Caller, key: &str, command: Command) -> Request {
    let keyed = KeyedRequest { key: key.into(), hash: format!("{command:?}") };
    Request { id, caller: caller.clone(), request: Some(keyed), command }
}

pub fn done(outcome: Outcome) -> Vec<Arc<Fact>> {
    match outcome {
        Outcome::Done(facts) => facts,
        other => panic!("{other:?}"),
    }
}

pub fn at(text: &str) -> Timestamp {
    Timestamp::parse(text).unwrap()
}

pub fn day(text: &str) -> BusinessDate {
    BusinessDate::parse(text).unwrap()
}

/// Partners and their points: `a` with `a-01` and `a-02`, `b` with `b-01`.
pub fn cashier(point: &str) -> Caller {
    let party = PartyId::new(&point[..1]);
    Caller { party, kind: PartyKind::Partner, collection_point: Some(CollectionPointId::new(point)) }
}

pub fn party(name: &str, kind: PartyKind) -> Caller {
    Caller { party: name.into(), kind, collection_point: None }
}

pub fn pay(account: u32, pesos: i64) -> Command {
    pay_at(account, pesos, "C1")
}

pub fn pay_at(account: u32, pesos: i64, till: &str) -> Command {
    Command::Pay(Pay {
        account_number: number(account).as_str().into(),
        kind: PaymentKind::Partial,
        amount: Money::from_pesos(pesos),
        agreement_id: None,
        tender: Tender::Cash,
        till: till.to_owned(),
        cashier: "ana".to_owned(),
        collected_at: None,
        partner_reference: None,
        confirm_distinct_from: None,
        if_position: None,
        offline: false,
    })
}

pub fn reverse(payment_id: Id) -> Command {
    let (reason, supervisor) = (ReversalReason::WrongAmount, "luz".to_owned());
    Command::Reverse(Reverse { payment_id, reason, supervisor, note: None })
}

pub fn number(account: u32) -> String {
    format!("{}", 100_000 + account)
}

/// In service, with one bill of a million; every fifth one is cut until it pays ten thousand.
pub fn account(ordinal: u32) -> Account {
    let cut = ordinal % 5 == 4;
    Account {
        account_number: number(ordinal).as_str().into(),
        holder_name: "MARIA GOMEZ PEREZ".to_owned(),
        municipality_code: "54001".to_owned(),
        stratum: Some(2),
        status: AccountStatus::Active,
        service: Service {
            status: if cut { ServiceStatus::Suspended } else { ServiceStatus::Active },
            since: None,
            cause: cut.then_some(SuspensionCause::NonPayment),
            amount_to_reconnect: cut.then(|| Money::from_pesos(10_000)),
            reconnection_fee: None,
            known_incident: None,
        },
        bills: vec![Bill {
            bill_number: format!("F{ordinal}"),
            period: "2026-10".to_owned(),
            issued_on: day("2026-10-05"),
            due_on: day("2026-10-20"),
            balance: Money::from_pesos(1_000_000),
            disputed: Money::ZERO,
        }],
        agreements: Vec::new(),
    }
}

pub fn snapshot(id: &str, as_of: &str, included: &[(&str, &str)]) -> SnapshotRecord {
    let included_through: BTreeMap<_, _> =
        included.iter().map(|(party, through)| (PartyId::new(*party), day(through))).collect();
    SnapshotRecord {
        snapshot: Snapshot { id: id.to_owned(), as_of: at(as_of), included_through },
        kind: SnapshotKind::Full,
        file_hash: format!("hash of {id}"),
        status: SnapshotStatus::Loading,
        accounts_read: 0,
        accounts_rejected: 0,
        started_at: at(as_of),
        finished_at: None,
    }
}

fn register(connection: &mut Connection, now: Timestamp) -> Result<(), StoreError> {
    let parties = [("a", PartyKind::Partner), ("b", PartyKind::Partner), ("operator", PartyKind::Operator)];
    for (id, kind) in parties {
        let settings = PartnerSettings { exposure_limit: Some(Money::from_pesos(900_000_000)), ..Default::default() };
        let (id, name) = (PartyId::new(id), format!("Aliado {id}"));
        connection.register_party(&Party { id, kind, name, settings, registered_at: now, suspended_at: None })?;
    }
    for id in ["a-01", "a-02", "b-01"] {
        let (id, party) = (CollectionPointId::new(id), PartyId::new(&id[..1]));
        let settings = PointSettings::default();
        connection.register_collection_point(&CollectionPoint {
            id,
            party,
            settings,
            registered_at: now,
            suspended_at: None,
        })?;
    }
    Ok(())
}
