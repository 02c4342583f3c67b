//! Where the simulation's requests go: the rules alone, in memory, or a real writer on a database.

use std::sync::Arc;

use recaudo::clock::{Clock, ManualClock};
use recaudo::config::Config;
use recaudo::domain::account::Account;
use recaudo::domain::calendar::Timestamp;
use recaudo::domain::command::{PartyKind, Request};
use recaudo::domain::decide::{Outcome, decide};
use recaudo::domain::ids::{AccountNumber, CollectionPointId, PartyId};
use recaudo::domain::policy::{PartnerSettings, PointSettings, Policy};
use recaudo::domain::position::{AccountState, Figures, Snapshot, position, settled_through};
use recaudo::domain::world::{PartnerState, PointState, World};
use recaudo::ledger::audit;
use recaudo::posting::{Posting, WriterHandle};
use recaudo::store::*;

use crate::support::postgres::TestDatabase;

/// Who takes money and by which rules; whoever keeps books begins with it.
pub struct Register {
    pub policy: Policy,
    pub partners: Vec<(PartyId, PartnerSettings)>,
    pub points: Vec<(CollectionPointId, PartyId, PointSettings)>,
}

/// Whatever takes requests and snapshots and can say what accounts owe.
pub trait Books {
    /// Requests that come at one instant, in their order, each with its outcome.
    fn submit(&mut self, requests: Vec<Request>, now: Timestamp) -> Vec<Outcome>;
    /// A full snapshot: `included_through` names every partner that was ever contained.
    fn load(&mut self, snapshot: Snapshot, accounts: Vec<Account>);
    fn figures(&mut self, accounts: &[AccountNumber], now: Timestamp) -> Vec<Figures>;
    /// Cash taken and not deposited, in centavos.
    fn held(&mut self, scopes: &[String]) -> Vec<i64>;
}

/// The rules alone: a world that is kept from step to step.
pub struct InMemory {
    world: World,
}

impl InMemory {
    pub fn new(register: Register) -> Self {
        let mut world = World { policy: Arc::new(register.policy), ..World::default() };
        for (party, settings) in register.partners {
            world.partners.insert(party, PartnerState { settings: Arc::new(settings), ..PartnerState::default() });
        }
        for (point, party, settings) in register.points {
            world.points.insert(point, PointState { party, settings: Arc::new(settings), suspended: false });
        }
        Self { world }
    }
}

impl Books for InMemory {
    fn submit(&mut self, requests: Vec<Request>, now: Timestamp) -> Vec<Outcome> {
        requests.iter().map(|request| decide(&mut self.world, request, now)).collect()
    }

    fn load(&mut self, snapshot: Snapshot, accounts: Vec<Account>) {
        let snapshot = Arc::new(snapshot);
        for account in accounts {
            let number = account.account_number.clone();
            let (mut facts, last_seq) =
                self.world.accounts.remove(&number).map_or((Vec::new(), 0), |state| (state.facts, state.last_seq));
            let settled = settled_through(&snapshot, &facts, 0);
            facts.retain(|fact| fact.account.as_ref().is_some_and(|place| place.seq > settled));
            let (account, snapshot) = (Arc::new(account), Arc::clone(&snapshot));
            self.world.accounts.insert(number, AccountState { account, snapshot, facts, last_seq });
        }
    }

    fn figures(&mut self, accounts: &[AccountNumber], now: Timestamp) -> Vec<Figures> {
        let policy = &self.world.policy;
        let figures =
            |account| position(&self.world.accounts[account], policy.calendar_date(now), policy.cash_step).figures;
        accounts.iter().map(figures).collect()
    }

    fn held(&mut self, scopes: &[String]) -> Vec<i64> {
        scopes.iter().map(|scope| self.world.exposure(scope).centavos()).collect()
    }
}

/// The gateway's own writer on a database.
pub struct Written {
    connection: Connection,
    clock: Arc<ManualClock>,
    policy: Arc<Policy>,
    posting: Posting,
    writer: Option<WriterHandle>,
    runtime: tokio::runtime::Runtime,
}

impl Written {
    pub fn new(url: &str, register: Register) -> Self {
        let mut config = Config::load(None).unwrap();
        config.database.url = url.to_owned().into();
        let store = Store::new(&config.database).unwrap();
        store.migrate().unwrap();
        let now = Timestamp::default();
        let mut connection = store.connect().unwrap();
        for (id, settings) in register.partners {
            let (kind, name) = (PartyKind::Partner, id.to_string());
            let party = Party { id, kind, name, settings, registered_at: now, suspended_at: None };
            connection.register_party(&party).unwrap();
        }
        for (id, party, settings) in register.points {
            let point = CollectionPoint { id, party, settings, registered_at: now, suspended_at: None };
            connection.register_collection_point(&point).unwrap();
        }
        let (clock, policy) = (Arc::new(ManualClock::at(now)), Arc::new(register.policy));
        let shown: Arc<dyn Clock> = Arc::<ManualClock>::clone(&clock);
        let (posting, writer) = Posting::start(&store, Arc::clone(&policy), shown, &config.posting).unwrap();
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        Self { connection, clock, policy, posting, writer: Some(writer), runtime }
    }

    /// In a database whose tables are made anew.
    pub fn fresh(database: &TestDatabase, register: Register) -> Self {
        database.execute("DROP SCHEMA public CASCADE; CREATE SCHEMA public");
        Self::new(database.url(), register)
    }

    /// Ends the writer, and has everything it wrote read and recomputed.
    pub fn finish(mut self) {
        self.writer.take().unwrap().stop();
        let audit = audit(&mut self.connection).unwrap();
        assert!(audit.payments > 0 && audit.faults.is_empty(), "{:?}", audit.faults);
    }
}

impl Books for Written {
    fn submit(&mut self, requests: Vec<Request>, now: Timestamp) -> Vec<Outcome> {
        self.clock.set(now);
        self.runtime.block_on(self.posting.submit_in_order(requests)).unwrap()
    }

    fn load(&mut self, snapshot: Snapshot, accounts: Vec<Account>) {
        let record = SnapshotRecord {
            file_hash: snapshot.id.clone(),
            kind: SnapshotKind::Full,
            status: SnapshotStatus::Loading,
            accounts_read: 0,
            accounts_rejected: 0,
            started_at: snapshot.as_of,
            finished_at: None,
            snapshot,
        };
        let write = move |connection: &mut Connection| {
            connection.begin_snapshot(&record)?;
            connection.replace_accounts(&record.snapshot, &accounts)?;
            connection.finish_snapshot(&record.snapshot.id, accounts.len() as i64, 0, record.started_at)
        };
        self.runtime.block_on(self.posting.write("snapshot", write)).unwrap();
    }

    fn figures(&mut self, accounts: &[AccountNumber], now: Timestamp) -> Vec<Figures> {
        let states = self.connection.load_accounts(accounts).unwrap();
        let (today, step) = (self.policy.calendar_date(now), self.policy.cash_step);
        accounts.iter().map(|account| position(&states[account], today, step).figures).collect()
    }

    fn held(&mut self, scopes: &[String]) -> Vec<i64> {
        let held = self.connection.exposures(scopes).unwrap();
        scopes.iter().map(|scope| held.get(scope).map_or(0, |held| held.centavos())).collect()
    }
}
