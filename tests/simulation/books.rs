//! Where the simulation's requests go: the rules alone, in memory, or a real writer on a database.

use std::sync::Arc;

use recaudo::domain::account::Account;
use recaudo::domain::calendar::Timestamp;
use recaudo::domain::command::Request;
use recaudo::domain::decide::{Outcome, decide};
use recaudo::domain::ids::{AccountNumber, CollectionPointId, PartyId};
use recaudo::domain::money::Money;
use recaudo::domain::policy::{PartnerSettings, PointSettings, Policy};
use recaudo::domain::position::{AccountState, Figures, Snapshot, position, settled_through};
use recaudo::domain::world::{PartnerState, PointState, World, scopes};

/// Who takes money and by which rules; whoever keeps books begins with it.
pub struct Register {
    pub policy: Policy,
    pub partners: Vec<(PartyId, PartnerSettings)>,
    pub points: Vec<(CollectionPointId, PartyId, PointSettings)>,
}

/// Whatever takes requests and snapshots and can say what an account owes.
pub trait Books {
    fn submit(&mut self, request: &Request, now: Timestamp) -> Outcome;
    /// A full snapshot: `included_through` names every partner that was ever contained.
    fn load(&mut self, snapshot: Snapshot, accounts: Vec<Account>);
    fn figures(&mut self, account: &AccountNumber, now: Timestamp) -> Figures;
    fn held(&mut self, party: &PartyId) -> Money;
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
    fn submit(&mut self, request: &Request, now: Timestamp) -> Outcome {
        decide(&mut self.world, request, now)
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

    fn figures(&mut self, account: &AccountNumber, now: Timestamp) -> Figures {
        let policy = &self.world.policy;
        position(&self.world.accounts[account], policy.calendar_date(now), policy.cash_step).figures
    }

    fn held(&mut self, party: &PartyId) -> Money {
        self.world.exposure(&scopes::party(party))
    }
}
