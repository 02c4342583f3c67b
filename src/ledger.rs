//! The auditor: recomputes from the facts alone what the gateway said along the way.
//!
//! Chains, session sums, places without gaps, reversals that mirror their payments, exposure. It
//! reads page by page, in the order in which things were decided, and changes nothing.

use std::collections::HashMap;
use std::sync::Arc;

use crate::domain::fact::{Body, Fact};
use crate::domain::ids::Id;
use crate::domain::money::Money;
use crate::domain::session::Canonical;
use crate::store::{Connection, StoreError};

/// Facts read at a time.
const PAGE: u32 = 2000;
/// Faults listed, at most.
const MOST_FAULTS: usize = 100;

/// What an audit found.
#[derive(Clone, Debug, Default)]
pub struct Audit {
    /// Facts read.
    pub facts: u64,
    /// Payments among them.
    pub payments: u64,
    /// Reversals among them.
    pub reversals: u64,
    /// Session openings among them.
    pub sessions: u64,
    /// Payments less reversals.
    pub net: Money,
    /// What does not add up, each in a sentence.
    pub faults: Vec<String>,
}

/// A session as the auditor counts it.
struct Counted {
    count: i64,
    total: Money,
    chain: String,
}

#[derive(Default)]
struct Auditor {
    audit: Audit,
    sessions: HashMap<Id, Counted>,
    paid: HashMap<Id, Money>,
    taken_back: Vec<(Id, Id, Money)>,
    last_place: HashMap<String, i64>,
    exposure: HashMap<String, Money>,
}

/// Reads every fact and checks what was said about it.
///
/// # Errors
/// The books cannot be read.
pub fn audit(connection: &mut Connection) -> Result<Audit, StoreError> {
    let mut auditor = Auditor::default();
    let mut place = (String::new(), 0);
    loop {
        let page = connection.series_page(&place, PAGE)?;
        let Some(last) = page.last().and_then(|fact| fact.series.as_ref()) else { break };
        place = (last.of.clone(), last.seq);
        page.iter().for_each(|fact| auditor.series_fact(fact));
    }
    let mut after = None;
    loop {
        let page = connection.facts_page(after, PAGE)?;
        let Some(last) = page.last() else { break };
        after = Some(last.id);
        page.iter().for_each(|fact| auditor.fact(fact));
    }
    auditor.match_reversals();
    let scopes: Vec<String> = auditor.exposure.keys().cloned().collect();
    let said = connection.exposures(&scopes)?;
    for (scope, counted) in std::mem::take(&mut auditor.exposure) {
        let said = said.get(&scope).copied().unwrap_or_default();
        auditor.demand(said == counted, || format!("exposure {scope} says {said}, the facts say {counted}"));
    }
    Ok(auditor.audit)
}

impl Auditor {
    fn demand(&mut self, holds: bool, otherwise: impl FnOnce() -> String) {
        if !holds && self.audit.faults.len() < MOST_FAULTS {
            self.audit.faults.push(otherwise());
        }
    }

    /// In the order of its series: places, session sums, the chain.
    fn series_fact(&mut self, fact: &Arc<Fact>) {
        let Some(place) = &fact.series else { return };
        let before = self.last_place.insert(place.of.clone(), place.seq).unwrap_or(0);
        let id = fact.public_id();
        self.demand(place.seq == before + 1, || format!("{id}: place {} of {} follows {before}", place.seq, place.of));
        let Some(said) = fact.session().cloned() else { return };
        if matches!(fact.body, Body::SessionOpening(_)) {
            self.sessions.insert(said.id, Counted { count: 0, total: Money::ZERO, chain: said.chain });
            return;
        }
        let Some(counted) = self.sessions.get_mut(&said.id) else {
            self.demand(false, || format!("{id}: its session was never opened"));
            return;
        };
        if matches!(fact.body, Body::Payment(_) | Body::Reversal(_)) {
            counted.count += 1;
            counted.total += fact.amount;
            let canonical = Canonical {
                public_id: &id,
                account_number: fact.account.as_ref().map_or("", |place| place.of.as_str()),
                amount: fact.amount,
                business_date: fact.business_date,
                recorded_at: fact.recorded_at,
            };
            counted.chain = canonical.link(&counted.chain);
        }
        let agrees = (counted.count, counted.total, &counted.chain) == (said.count, said.total, &said.chain);
        self.demand(agrees, || format!("{id}: its session's count, total or chain is not what the facts give"));
    }

    /// In the order of ids: what a fact is by itself, and what it ends.
    fn fact(&mut self, fact: &Arc<Fact>) {
        self.audit.facts += 1;
        let id = fact.public_id();
        for (scope, change) in fact.charges() {
            *self.exposure.entry(scope).or_default() += change;
        }
        match &fact.body {
            Body::Payment(payment) => {
                self.audit.payments += 1;
                self.audit.net += fact.amount;
                let placed: Money = payment.allocations.iter().map(|allocation| allocation.amount).sum();
                self.demand(placed == fact.amount, || format!("{id}: {placed} allocated of {}", fact.amount));
                self.paid.insert(fact.id, fact.amount);
            }
            Body::Reversal(reversal) => {
                self.audit.reversals += 1;
                self.audit.net += fact.amount;
                self.taken_back.push((fact.id, reversal.payment_id, -fact.amount));
            }
            Body::SessionOpening(_) => self.audit.sessions += 1,
            _ => {}
        }
    }

    /// Each payment is taken back at most once and whole. Two gateways' ids may stand the other way
    /// about, so this waits until every payment is known.
    fn match_reversals(&mut self) {
        for (reversal, payment, amount) in std::mem::take(&mut self.taken_back) {
            let paid = self.paid.remove(&payment);
            self.demand(paid == Some(amount), || format!("rev_{reversal}: takes back what does not stand"));
        }
    }
}
