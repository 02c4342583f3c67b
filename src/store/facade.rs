//! Every question that the rest of the house may ask a connection, in one list.
//!
//! The work is done by `queries/`, mounted once a backend; this is the only place that picks one.

use std::sync::Arc;

use super::records::*;
use super::{Connection, StoreError};
use crate::domain::account::Account;
use crate::domain::calendar::{BusinessDate, Timestamp};
use crate::domain::command::{BatchContents, Needs};
use crate::domain::fact::Fact;
use crate::domain::ids::{AccountNumber, CollectionPointId, Id, PartyId};
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
                    $( _ = $arg; )*
                    Err(StoreError::Unavailable("not open yet".to_owned()))
                }
            )*
        }
    };
}

ask! {
    /// Everything that has to be known to decide, as of now.
    world::load_world(needs: &Needs, policy: &Arc<Policy>) -> World;
    /// Accounts with their unsettled facts; unknown ones are missing.
    world::load_accounts(numbers: &[AccountNumber]) -> std::collections::HashMap<AccountNumber, AccountState>;
    /// Writes facts with their events and exposure charges; the caller holds the transaction.
    facts::append(facts: &[Arc<Fact>]) -> ();
    /// A fact of anybody.
    facts::fact(id: Id) -> Option<Listed>;
    /// Facts of anybody, in the order of their ids; unknown ones are missing.
    facts::facts(ids: &[Id]) -> Vec<Arc<Fact>>;

    /// A payment of this party.
    payments::payment(party: &PartyId, id: Id) -> Option<Listed>;
    /// A party's payments.
    payments::payments(filter: &PaymentFilter) -> Vec<Listed>;

    /// A cash session of this party: its opening, and its close if it is closed.
    sessions::session(party: &PartyId, id: Id) -> Option<(Arc<Fact>, Option<Arc<Fact>>)>;
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
    batches::batch_page(page: &BatchPage) -> Vec<Arc<Fact>>;
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
    /// Replaces what billing said about these accounts, and settles what the snapshot contains.
    accounts::replace_accounts(snapshot: &Snapshot, accounts: &[Account]) -> ();
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
    /// Registers a certificate. One that is known stays as it is: a revoked one stays revoked.
    certificates::register_certificate(certificate: &Certificate) -> ();
    /// Revokes a certificate. `false`: there is no such certificate.
    certificates::revoke_certificate(thumbprint: &str, at: Timestamp) -> bool;

    /// The cash that scopes hold (see `domain::world::scopes`); unknown ones are missing.
    exposure::exposures(scopes: &[String]) -> std::collections::HashMap<String, crate::domain::money::Money>;

    /// The oldest events that have to leave.
    outbox::outbox(limit: u32) -> Vec<OutboxEntry>;
    /// Forgets events that were handed on.
    outbox::forget_outbox(entries: &[OutboxEntry]) -> ();
}
