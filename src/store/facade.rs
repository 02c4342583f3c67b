//! Every question that the rest of the house may ask a connection, in one list.
//!
//! The work is done by `queries/`, mounted once a backend; this is the only place that picks one.

use std::collections::HashMap;
use std::sync::Arc;

use super::imports::*;
use super::reconciliation_records::*;
use super::records::*;
use super::webhook_records::*;
use super::{Connection, StoreError, either};
use crate::domain::account::Account;
use crate::domain::calendar::{BusinessDate, Timestamp};
use crate::domain::command::{BatchContents, Needs};
use crate::domain::fact::Fact;
use crate::domain::ids::{AccountNumber, CollectionPointId, Id, IdempotencyKey, PartyId};
use crate::domain::money::Money;
use crate::domain::policy::{PartnerSettings, PointSettings, Policy};
use crate::domain::position::{AccountState, Snapshot};
use crate::domain::world::World;

macro_rules! ask {
    ($( $(#[$doc:meta])* $room:ident::$name:ident($($arg:ident: $type:ty),*) -> $answer:ty; )*) => {
        impl Connection {
            $(
                $(#[$doc])*
                ///
                /// # Errors
                /// The database fails, or what it holds cannot be read.
                pub fn $name(&mut self, $($arg: $type),*) -> Result<$answer, StoreError> {
                    either!(&mut self.link, conn in backend => backend::$room::$name(conn, $($arg),*))
                }
            )*
        }
    };
}

impl Connection {
    /// Everything that has to be known to decide, as of now. Takes no locks: for the writer there is
    /// [`Self::begin_with_world`].
    ///
    /// # Errors
    /// The database fails, or what it holds cannot be read.
    pub fn load_world(&mut self, needs: &Needs, policy: &Arc<Policy>, now: Timestamp) -> Result<World, StoreError> {
        let mut needs = needs.clone();
        let named = self.load_named(&mut needs)?;
        self.load_rest(named, &needs, policy, now)
    }

    /// Begins a transaction and loads everything that has to be known to decide, with the business dates
    /// of the partners held open until it ends; or, to seal one partner's, with everybody else kept out
    /// of them.
    ///
    /// # Errors
    /// The database fails, or what it holds cannot be read.
    pub fn begin_with_world(
        &mut self,
        needs: &Needs,
        policy: &Arc<Policy>,
        now: Timestamp,
        sealing: Option<&PartyId>,
    ) -> Result<World, StoreError> {
        let mut needs = needs.clone();
        // Facts that are named may be another partner's, and are looked at before its dates are held. Where
        // there are none, nothing has to be known to take the locks: one round trip less.
        let mut named = None;
        if !needs.facts.is_empty() {
            self.begin()?;
            named = Some(self.load_named(&mut needs)?);
        }
        let begun = named.is_some();
        let (shared, exclusive) = match sealing {
            Some(partner) => (Vec::new(), vec![partner]),
            None => (needs.partners.iter().collect(), Vec::new()),
        };
        either!(&mut self.link, conn in backend => backend::hold_batches(conn, begun, &shared, &exclusive))?;
        self.load_rest(named.unwrap_or_default(), &needs, policy, now)
    }

    fn load_named(&mut self, needs: &mut Needs) -> Result<World, StoreError> {
        either!(&mut self.link, conn in backend => backend::world::load_named(conn, needs))
    }

    fn load_rest(
        &mut self,
        named: World,
        needs: &Needs,
        policy: &Arc<Policy>,
        now: Timestamp,
    ) -> Result<World, StoreError> {
        let Self { link, snapshots } = self;
        either!(link, conn in backend => backend::world::load_world(conn, named, needs, policy, now, snapshots))
    }

    /// Accounts with their unsettled facts; unknown ones are missing.
    ///
    /// # Errors
    /// The database fails, or what it holds cannot be read.
    pub fn load_accounts(
        &mut self,
        numbers: &[AccountNumber],
    ) -> Result<HashMap<AccountNumber, AccountState>, StoreError> {
        let Self { link, snapshots } = self;
        either!(link, conn in backend => backend::world::load_accounts(conn, numbers, snapshots))
    }

    /// Replaces what billing said about these accounts, and settles what the snapshot contains.
    ///
    /// # Errors
    /// The database fails, or what it holds cannot be read.
    pub fn replace_accounts(&mut self, snapshot: &Snapshot, accounts: &[Account]) -> Result<(), StoreError> {
        let documents = accounts.iter().map(AccountDocument::of).collect::<Result<_, _>>()?;
        self.replace_documents(snapshot, &Arc::new(AccountDocuments::new(documents)))
    }
}

ask! {
    /// Writes facts with their events and exposure charges; the caller holds the transaction. Says how
    /// many events have to leave: those that an endpoint listens to.
    facts::append(facts: &[Arc<Fact>]) -> usize;
    /// A fact of anybody.
    facts::fact(id: Id) -> Option<Listed>;
    /// Facts of anybody, in the order of their ids; unknown ones are missing.
    facts::facts(ids: &[Id]) -> Vec<Arc<Fact>>;

    /// Facts of anybody in the order of their ids, after one.
    ledger::facts_page(after: Option<Id>, limit: u32) -> Vec<Arc<Fact>>;
    /// Facts of anybody in the order of their series and places, after a place.
    ledger::series_page(after: &(String, i64), limit: u32) -> Vec<Arc<Fact>>;

    /// The latest facts of an account, latest first.
    facts::account_history(number: &AccountNumber, most: u32) -> Vec<Arc<Fact>>;

    /// A payment of this party.
    payments::payment(party: &PartyId, id: Id) -> Option<Listed>;
    /// A party's payments.
    payments::payments(filter: &PaymentFilter) -> Vec<Listed>;

    /// A cash session of this party.
    sessions::session(party: &PartyId, id: Id) -> Option<SessionRecord>;
    /// Tills whose open session belongs to a business date before `today`; sessions opened before
    /// `since` are not looked for.
    sessions::stale_tills(today: BusinessDate, since: Timestamp, limit: u32) -> Vec<OpenTill>;

    /// A reconnection order.
    orders::order(id: Id) -> Option<OrderRecord>;
    /// Reconnection orders.
    orders::orders(filter: &OrderFilter) -> Vec<OrderRecord>;
    /// Open orders that are due before `now` and were not announced; orders placed before `since`
    /// are not looked for.
    orders::overdue_orders(now: Timestamp, since: Timestamp, limit: u32) -> Vec<OrderRecord>;

    /// Sealed collection batches, latest first.
    batches::batches(filter: &BatchFilter) -> Vec<Arc<Fact>>;
    /// The payments and reversals of a partner's business dates, a page of them.
    batches::batch_page(page: &BatchPage) -> Vec<Collected>;
    /// What a seal of these business dates would contain.
    batches::batch_contents(partner: &PartyId, after: Option<BusinessDate>, through: BusinessDate) -> BatchContents;

    /// A snapshot.
    snapshots::snapshot(id: &str) -> Option<SnapshotRecord>;
    /// The snapshot that was loaded from a file with this hash.
    snapshots::snapshot_by_hash(file_hash: &str) -> Option<SnapshotRecord>;
    /// Snapshots, latest first.
    snapshots::snapshots(limit: u32) -> Vec<SnapshotRecord>;
    /// Registers a snapshot whose accounts are about to arrive.
    snapshots::begin_snapshot(record: &SnapshotRecord) -> ();
    /// Says how the import of a snapshot ended.
    snapshots::finish_snapshot(id: &str, accounts_read: i64, accounts_rejected: i64, at: Timestamp) -> ();
    /// Replaces what billing said about accounts, and settles what the snapshot contains.
    accounts::replace_documents(snapshot: &Snapshot, accounts: &Arc<AccountDocuments>) -> ();
    /// Writes what billing said about accounts that are not known. One that is known collides.
    accounts::add_documents(snapshot: &Snapshot, accounts: &Arc<AccountDocuments>) -> ();
    /// The numbers of known accounts, in order, after one.
    accounts::account_numbers(after: &str, rows: u32) -> Vec<AccountNumber>;
    /// Forgets accounts.
    accounts::remove_accounts(numbers: &[AccountNumber]) -> ();
    /// How many accounts there are.
    accounts::count_accounts() -> i64;

    /// A party.
    parties::party(id: &PartyId) -> Option<Party>;
    /// All parties, by name.
    parties::parties() -> Vec<Party>;
    /// Registers a party, or replaces its name and settings.
    parties::register_party(party: &Party) -> ();
    /// Suspends a party, or lifts the suspension. `false`: there is no such party.
    parties::suspend_party(id: &PartyId, suspended_at: Option<Timestamp>) -> bool;
    /// Replaces what a party may do. `false`: there is no such party.
    parties::set_party_settings(id: &PartyId, settings: &PartnerSettings) -> bool;
    /// A collection point.
    parties::collection_point(id: &CollectionPointId) -> Option<CollectionPoint>;
    /// Collection points of one party, or of all.
    parties::collection_points(party: Option<&PartyId>) -> Vec<CollectionPoint>;
    /// Registers a collection point, or replaces its settings; it never changes hands.
    parties::register_collection_point(point: &CollectionPoint) -> ();
    /// Suspends a collection point, or lifts the suspension. `false`: there is none.
    parties::suspend_collection_point(id: &CollectionPointId, suspended_at: Option<Timestamp>) -> bool;
    /// Replaces what a collection point may do. `false`: there is none.
    parties::set_collection_point_settings(id: &CollectionPointId, settings: &PointSettings) -> bool;

    /// The certificate with this thumbprint and the party it names, revoked ones included.
    certificates::certificate(thumbprint: &str) -> Option<(Certificate, Party)>;
    /// Certificates of one party, or of all.
    certificates::certificates(party: Option<&PartyId>) -> Vec<Certificate>;
    /// Certificates whose end has to be announced now, those that end first first.
    certificates::expiring_certificates(now: Timestamp, days: &[u32], limit: u32) -> Vec<ExpiringCertificate>;
    /// Registers a certificate. One that is known stays as it is: a revoked one stays revoked.
    certificates::register_certificate(certificate: &Certificate) -> ();
    /// Revokes a certificate. `false`: there is no such certificate.
    certificates::revoke_certificate(thumbprint: &str, at: Timestamp) -> bool;

    /// The cash that scopes hold (see `domain::world::scopes`); unknown ones are missing.
    exposure::exposures(scopes: &[String]) -> HashMap<String, Money>;

    /// The oldest events that have to leave.
    outbox::outbox(limit: u32) -> Vec<OutboxEntry>;
    /// Forgets events that were handed on.
    outbox::forget_outbox(entries: &[OutboxEntry]) -> ();

    /// A page of a partner's payments, each with what took it back.
    compared::compared_payments(page: &ComparedPage) -> Vec<ComparedRow>;
    /// A page of the deposits that anybody declared on some business dates.
    compared::compared_deposits(
        from: BusinessDate, through: BusinessDate, after: Option<(BusinessDate, Id)>, rows: u32
    ) -> Vec<Arc<Fact>>;

    /// A reconciliation of anybody.
    reconciliations::reconciliation(id: Id) -> Option<RunRecord>;
    /// Reconciliations, latest first.
    reconciliations::reconciliations(filter: &RunFilter) -> Vec<RunSummary>;
    /// Keeps a reconciliation, unless it is there; answers the one that is kept.
    reconciliations::keep_reconciliation(run: &RunRecord) -> RunRecord;
    /// Keeps the breaks that are not known yet.
    reconciliations::keep_breaks(found: &[BreakRecord]) -> ();
    /// How many breaks a run saw first, and the first of them.
    reconciliations::breaks_of_run(run: Id, most: u32) -> (i64, Vec<BreakRecord>);
    /// Breaks of anybody by their ids; unknown ones are missing.
    reconciliations::breaks(ids: &[Id]) -> Vec<BreakRecord>;
    /// Everything that was said about these breaks, each in its order.
    reconciliations::resolutions(ids: &[Id]) -> Vec<ResolutionRecord>;
    /// What a party said under a key.
    reconciliations::resolution_by_key(party: &PartyId, key: &IdempotencyKey) -> Option<ResolutionRecord>;
    /// Adds what a side said; a place that is taken is a conflict.
    reconciliations::add_resolution(record: &ResolutionRecord) -> ();
    /// Has the database look at what the webhooks' tables hold now, where its plans depend on that.
    locks::look_at_webhooks() -> ();
    /// Whether nobody else fans out at this moment; if so, nobody does until the transaction ends.
    locks::lock_fan_out() -> bool;
    /// Endpoints of one party or of all, those that are gone left out.
    webhook_endpoints::webhook_endpoints(party: Option<&PartyId>, most: u32) -> Vec<WebhookEndpoint>;
    /// An endpoint of this party, unless it is gone.
    webhook_endpoints::webhook_endpoint(party: &PartyId, id: Id) -> Option<WebhookEndpoint>;
    /// Registers an endpoint.
    webhook_endpoints::register_webhook_endpoint(endpoint: &WebhookEndpoint) -> ();
    /// Replaces where an endpoint is, what it wants, its secrets and its state. `false`: it is gone.
    webhook_endpoints::change_webhook_endpoint(endpoint: &WebhookEndpoint) -> bool;
    /// Keeps the number of the last event that an endpoint was given.
    webhook_endpoints::number_webhook_endpoint(id: Id, last_seq: i64) -> ();

    /// Whether anything has to be told now.
    webhook_deliveries::webhooks_due(now: Timestamp) -> bool;
    /// Writes deliveries, numbered by the caller, who holds the transaction.
    webhook_deliveries::insert_webhook_deliveries(new: &[NewDelivery], now: Timestamp) -> ();
    /// Takes deliveries on, so that nobody else tries them until the lease runs out.
    webhook_deliveries::lease_webhook_deliveries(order: &LeaseOrder<'_>) -> Vec<WebhookDelivery>;
    /// Writes down how attempts ended. Those whose lease was lost meanwhile are left as they are.
    webhook_deliveries::settle_webhook_deliveries(ended: &[EndedAttempt], owner: &str, now: Timestamp) -> ();
    /// Gives back what was taken and not tried.
    webhook_deliveries::release_webhook_deliveries(taken: &[(Id, i64)], owner: &str) -> ();
    /// Deliveries of one endpoint, in the order of their numbers.
    webhook_deliveries::webhook_deliveries(filter: &DeliveryFilter) -> Vec<WebhookDelivery>;
    /// Deliveries that tell these facts to anybody.
    webhook_deliveries::webhook_deliveries_of(facts: &[Id]) -> Vec<WebhookDelivery>;
    /// Has settled deliveries tried again, from the first attempt on. Says how many.
    webhook_deliveries::replay_webhook_deliveries(endpoint: Id, replay: &Replay, now: Timestamp) -> usize;
    /// How much is still to be told.
    webhook_deliveries::webhook_backlog() -> Backlog;
    /// A billing file by the name it got when it came.
    imports::import(id: Id) -> Option<ImportRecord>;
    /// The latest file that brought a snapshot.
    imports::import_of_snapshot(snapshot: &str) -> Option<ImportRecord>;
    /// The file whose turn it is to be written.
    imports::loading_import() -> Option<ImportRecord>;
    /// Writes down a file, or what became of it. Two that say `loading` collide.
    imports::put_import(record: &ImportRecord) -> ();
    /// Ends the turn of a file that another one displaces.
    imports::displace_import(id: Id, at: Timestamp) -> ();
    /// Says that a file is still being written. `false`: its turn is over.
    imports::hold_import(id: Id, accounts: i64, at: Timestamp) -> bool;

    /// What one part of a batch's files was first made with.
    batch_files::batch_file(batch: Id, part: &str) -> Option<String>;
    /// Keeps what one part of a batch's files is made with, unless it is kept already.
    batch_files::keep_batch_file(batch: Id, part: &str, settings: &str) -> String;
    /// The payments that were taken back within a partner's business dates, a page of them: the
    /// reversal, its date, and the payment.
    batch_files::reversed_in(
        partner: &PartyId, from: BusinessDate, through: BusinessDate, after: Option<(BusinessDate, Id)>, rows: u32
    ) -> Vec<(Id, BusinessDate, Id)>;
}
