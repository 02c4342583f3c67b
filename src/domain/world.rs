//! Everything that has to be known to decide, as it stands between two commands.
//!
//! The store loads it in a handful of statements; each decided command is applied to it before the
//! next is decided, so a batch behaves as if its commands had come one after another.

use std::collections::HashMap;
use std::sync::Arc;

use super::calendar::{BusinessDate, Timestamp};
use super::command::Caller;
use super::fact::{Asked, Body, Fact, KeyedRequest};
use super::ids::{AccountNumber, CollectionPointId, Id, IdempotencyKey, PartyId, Till};
use super::money::Money;
use super::policy::{PartnerSettings, PointSettings, Policy};
use super::position::AccountState;
use super::rejection::Rejection;
use super::session::TillState;

/// What is known.
#[derive(Clone, Debug, Default)]
pub struct World {
    /// The utility's rules.
    pub policy: Arc<Policy>,
    /// Accounts with their unsettled facts.
    pub accounts: HashMap<AccountNumber, AccountState>,
    /// Tills as their last fact left them; a till that is missing was never used.
    pub tills: HashMap<Till, TillState>,
    /// Partners.
    pub partners: HashMap<PartyId, PartnerState>,
    /// Collection points.
    pub points: HashMap<CollectionPointId, PointState>,
    /// Facts by who asked for them and the key they were asked for under.
    pub keys: HashMap<(PartyId, IdempotencyKey), Arc<Fact>>,
    /// Facts that commands name.
    pub facts: HashMap<Id, Arc<Fact>>,
    /// Which fact ended which.
    pub ended: HashMap<Id, Id>,
    /// The last fact of each series that is not a till's.
    pub last_of: HashMap<String, Arc<Fact>>,
    /// Cash taken and not deposited, by scope (see [`scopes`]).
    pub exposure: HashMap<String, Money>,
}

/// A party that takes money.
#[derive(Clone, Debug, Default)]
pub struct PartnerState {
    /// What it may do.
    pub settings: Arc<PartnerSettings>,
    /// It may take no money now.
    pub suspended: bool,
    /// The last business date that is closed for ever.
    pub sealed_through: Option<BusinessDate>,
}

/// A place that takes money.
#[derive(Clone, Debug)]
pub struct PointState {
    /// Whose it is.
    pub party: PartyId,
    /// What it may do.
    pub settings: Arc<PointSettings>,
    /// It may take no money now.
    pub suspended: bool,
}

/// Who asks, when, and with what identity for what comes of it.
#[derive(Clone, Copy, Debug)]
pub struct Moment<'a> {
    /// The instant of the decision.
    pub now: Timestamp,
    /// The identity of the first fact.
    pub id: Id,
    /// Who asks.
    pub caller: &'a Caller,
    /// Under which key.
    pub request: Option<&'a KeyedRequest>,
}

/// The names of the exposure counters that a fact charges.
pub mod scopes {
    use super::{BusinessDate, CollectionPointId, PartyId};

    /// A partner's.
    #[must_use]
    pub fn party(party: &PartyId) -> String {
        format!("party/{party}")
    }

    /// A collection point's.
    #[must_use]
    pub fn point(point: &CollectionPointId) -> String {
        format!("point/{point}")
    }

    /// What a collection point took in cash while its line was down, by the business date it counts for.
    #[must_use]
    pub fn offline(point: &CollectionPointId, date: BusinessDate) -> String {
        format!("offline/{point}/{date}")
    }

    /// A partner's cash of one calendar month, deposited or not.
    #[must_use]
    pub fn month(party: &PartyId, date: BusinessDate) -> String {
        format!("month/{party}/{}", date.month_number())
    }
}

impl Moment<'_> {
    /// Who asks, as the fact that was asked for keeps it.
    #[must_use]
    pub fn asked(&self) -> Option<Asked> {
        let KeyedRequest { key, hash } = self.request?.clone();
        Some(Asked { by: self.caller.party.clone(), key, hash })
    }

    /// The till of this name at the caller's collection point.
    ///
    /// # Errors
    /// The token names no collection point.
    pub fn till(&self, name: &str) -> Result<Till, Rejection> {
        let collection_point = self.caller.collection_point.clone().ok_or(Rejection::CollectionPointMissing)?;
        Ok(Till { party: self.caller.party.clone(), collection_point, till: name.to_owned() })
    }

    /// Checks that the caller stands at a collection point.
    ///
    /// # Errors
    /// At another one, or at none.
    pub fn at_point(&self, point: &CollectionPointId) -> Result<(), Rejection> {
        match &self.caller.collection_point {
            Some(here) if here == point => Ok(()),
            Some(_) => Err(Rejection::NotFound),
            None => Err(Rejection::CollectionPointMissing),
        }
    }
}

impl World {
    /// A till as it stands.
    #[must_use]
    pub fn till(&self, till: &Till) -> TillState {
        self.tills.get(till).cloned().unwrap_or_default()
    }

    /// A partner.
    #[must_use]
    pub fn partner(&self, party: &PartyId) -> Option<&PartnerState> {
        self.partners.get(party)
    }

    /// A fact of this party; another party's facts do not exist for it.
    #[must_use]
    pub fn fact_of(&self, party: &PartyId, id: Id) -> Option<&Arc<Fact>> {
        self.facts.get(&id).filter(|fact| fact.party == *party)
    }

    /// The exposure under one scope.
    #[must_use]
    pub fn exposure(&self, scope: &str) -> Money {
        self.exposure.get(scope).copied().unwrap_or_default()
    }

    /// The business date that a partner's fact of this instant counts for: today's, or the first
    /// one that is not closed.
    #[must_use]
    pub fn business_date(&self, party: &PartyId, now: Timestamp) -> BusinessDate {
        let today = self.policy.business_date(now);
        match self.partner(party).and_then(|partner| partner.sealed_through) {
            Some(sealed) if sealed >= today => sealed.next(),
            _ => today,
        }
    }

    /// The account and its state.
    ///
    /// # Errors
    /// Billing does not know it.
    pub fn account(&self, number: &AccountNumber) -> Result<&AccountState, Rejection> {
        self.accounts.get(number).ok_or_else(|| Rejection::AccountNotFound { account_number: number.clone() })
    }

    /// Checks that partner and collection point may take money.
    ///
    /// # Errors
    /// One of them is suspended, unknown, or the point is another partner's.
    pub fn may_collect(&self, caller: &Caller) -> Result<(), Rejection> {
        let point = caller.collection_point.as_ref().ok_or(Rejection::CollectionPointMissing)?;
        let partner = self.partners.get(&caller.party).is_some_and(|partner| !partner.suspended);
        let point = self.points.get(point).is_some_and(|point| point.party == caller.party && !point.suspended);
        if partner && point { Ok(()) } else { Err(Rejection::CollectionPointSuspended) }
    }

    /// Takes a decided fact in, so that the next command sees it.
    pub fn apply(&mut self, fact: &Arc<Fact>) {
        if let Some(place) = &fact.account
            && let Some(account) = self.accounts.get_mut(&place.of)
        {
            account.facts.push(Arc::clone(fact));
            account.last_seq = place.seq;
        }
        if let Some(till) = fact.till() {
            self.tills.insert(till, TillState::after(fact));
        } else if let Some(place) = &fact.series {
            self.last_of.insert(place.of.clone(), Arc::clone(fact));
        }
        if let Some(keyed) = &fact.request {
            self.keys.insert((keyed.by.clone(), keyed.key.clone()), Arc::clone(fact));
        }
        if let Some(ended) = fact.ends {
            self.ended.insert(ended, fact.id);
        }
        for (scope, change) in fact.charges() {
            *self.exposure.entry(scope).or_default() += change;
        }
        if let Body::BatchSeal(seal) = &fact.body {
            self.partners.entry(seal.partner.clone()).or_default().sealed_through = Some(seal.through);
        }
        self.facts.insert(fact.id, Arc::clone(fact));
    }
}
