//! Worlds to try the rules in: a bench that plays the part of the store, small builders, and the
//! generators of the properties. No assertion stands here.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use crate::domain::account::*;
use crate::domain::calendar::{BusinessDate, Timestamp};
use crate::domain::command::*;
use crate::domain::decide::{Outcome, decide};
use crate::domain::fact::*;
use crate::domain::ids::{CollectionPointId, Id, PartyId};
use crate::domain::money::Money;
use crate::domain::policy::{PartnerSettings, PointSettings, Policy};
use crate::domain::position::{AccountState, Position, Snapshot, position, settled_through};
use crate::domain::rejection::Rejection;
use crate::domain::world::{PartnerState, PointState, World};

/// A Tuesday, half past nine in Cúcuta.
pub const MORNING: &str = "2026-11-24T09:30:00-05:00";

pub fn at(text: &str) -> Timestamp {
    Timestamp::parse(text).unwrap()
}

pub fn day(text: &str) -> BusinessDate {
    BusinessDate::parse(text).unwrap()
}

pub fn pesos(pesos: i64) -> Money {
    Money::from_pesos(pesos)
}

/// Partners and their points: `a` with `a-01` and `a-02`, `b` with `b-01`.
pub fn cashier(point: &str) -> Caller {
    let party = PartyId::new(&point[..1]);
    Caller { party, kind: PartyKind::Partner, collection_point: Some(CollectionPointId::new(point)) }
}

pub fn party(kind: PartyKind) -> Caller {
    let name = match kind {
        PartyKind::Partner => "a",
        PartyKind::Billing => "billing",
        PartyKind::Reconnection => "reconnection",
        PartyKind::Operator => "operator",
    };
    Caller { party: name.into(), kind, collection_point: None }
}

pub fn bill(number: &str, due_on: &str, centavos: i64) -> Bill {
    Bill {
        bill_number: number.to_owned(),
        period: due_on[..7].to_owned(),
        issued_on: day(due_on),
        due_on: day(due_on),
        balance: Money::from_centavos(centavos),
        disputed: Money::ZERO,
    }
}

pub fn agreement(id: &str, centavos: &[i64]) -> Agreement {
    let part = |(i, balance): (usize, &i64)| Installment {
        number: 4 + u32::try_from(i).unwrap(),
        due_on: day("2026-12-30"),
        balance: Money::from_centavos(*balance),
    };
    Agreement {
        agreement_id: id.to_owned(),
        status: AgreementStatus::InForce,
        any_amount: false,
        clears_suspension: false,
        installments: centavos.iter().enumerate().map(part).collect(),
    }
}

/// Account `100001`, in service, with these bills.
pub fn account(bills: Vec<Bill>) -> Account {
    Account {
        account_number: "100001".into(),
        holder_name: "MARIA GOMEZ PEREZ".to_owned(),
        municipality_code: "54001".to_owned(),
        stratum: Some(2),
        status: AccountStatus::Active,
        service: Service {
            status: ServiceStatus::Active,
            since: None,
            cause: None,
            amount_to_reconnect: None,
            reconnection_fee: None,
            known_incident: None,
        },
        bills,
        agreements: Vec::new(),
    }
}

/// The same, cut (or about to be) because it was not paid.
pub fn unpaid(mut account: Account, status: ServiceStatus, to_reconnect: Option<i64>) -> Account {
    account.service.status = status;
    account.service.cause = Some(SuspensionCause::NonPayment);
    account.service.amount_to_reconnect = to_reconnect.map(Money::from_centavos);
    account
}

pub fn pay(kind: PaymentKind, centavos: i64) -> Pay {
    Pay {
        account_number: "100001".into(),
        kind,
        amount: Money::from_centavos(centavos),
        agreement_id: None,
        tender: Tender::Cash,
        till: "C1".to_owned(),
        cashier: "ana".to_owned(),
        collected_at: None,
        partner_reference: None,
        confirm_distinct_from: None,
        if_position: None,
        offline: false,
    }
}

pub fn reverse(payment_id: Id) -> Command {
    let (reason, supervisor) = (ReversalReason::WrongAmount, "luz".to_owned());
    Command::Reverse(Reverse { payment_id, reason, supervisor, note: None })
}

pub fn move_order(order_id: Id, status: OrderStatus) -> MoveOrder {
    MoveOrder { order_id, status, at: None, reason: None, crew: None }
}

pub fn seal(partner: &str, through: &str) -> Command {
    let contents = BatchContents::default();
    Command::Seal(Seal { partner: partner.into(), through: day(through), contents })
}

/// Stands in for the store: keeps everything, and lets time pass.
#[derive(Clone)]
pub struct Bench {
    pub world: World,
    pub now: Timestamp,
    /// Every fact, in the order in which they came.
    pub facts: Vec<Arc<Fact>>,
    minted: u128,
}

impl Bench {
    pub fn with(accounts: Vec<Account>) -> Self {
        let policy = Arc::new(Policy::default());
        let mut world = World { policy, ..World::default() };
        for (party, points) in [("a", ["a-01", "a-02"].as_slice()), ("b", ["b-01"].as_slice())] {
            world.partners.insert(party.into(), PartnerState::default());
            for point in points {
                let settings = Arc::new(PointSettings::default());
                let state = PointState { party: party.into(), settings, suspended: false };
                world.points.insert((*point).into(), state);
            }
        }
        let mut bench = Self { world, now: at(MORNING), facts: Vec::new(), minted: 0 };
        bench.load("first", "2026-11-24T03:00:00-05:00", &[], accounts);
        bench
    }

    /// A new snapshot, with what each partner's payments are contained through.
    pub fn load(&mut self, id: &str, as_of: &str, included: &[(&str, &str)], accounts: Vec<Account>) {
        let included_through: BTreeMap<_, _> =
            included.iter().map(|(party, through)| (PartyId::new(*party), day(through))).collect();
        let snapshot = Arc::new(Snapshot { id: id.to_owned(), as_of: at(as_of), included_through });
        for account in accounts {
            let number = account.account_number.clone();
            let before = self.world.accounts.remove(&number);
            let (facts, last_seq) = before.map_or((Vec::new(), 0), |state| (state.facts, state.last_seq));
            let settled = settled_through(&snapshot, &facts, 0);
            let facts = facts.into_iter().filter(|fact| seq_in_account(fact) > settled).collect();
            let state = AccountState { account: Arc::new(account), snapshot: Arc::clone(&snapshot), facts, last_seq };
            self.world.accounts.insert(number, state);
        }
    }

    pub fn partner(&mut self, party: &str, change: impl FnOnce(&mut PartnerSettings)) {
        let state = self.world.partners.get_mut(&PartyId::new(party)).unwrap();
        change(Arc::make_mut(&mut state.settings));
    }

    pub fn point(&mut self, point: &str, change: impl FnOnce(&mut PointSettings)) {
        let state = self.world.points.get_mut(&CollectionPointId::new(point)).unwrap();
        change(Arc::make_mut(&mut state.settings));
    }

    pub fn policy(&mut self, change: impl FnOnce(&mut Policy)) {
        change(Arc::make_mut(&mut self.world.policy));
    }

    pub fn pass(&mut self, minutes: i64) {
        self.now = self.now.plus_minutes(minutes);
    }

    /// Asks under a key, or under a fresh one.
    pub fn ask(&mut self, caller: &Caller, key: Option<&str>, command: Command) -> Outcome {
        self.minted += 1;
        let id = Id::from_bits(u128::from(self.now.micros().unsigned_abs() / 1000) << 80 | self.minted << 8);
        let fresh = format!("fresh-{}", self.minted);
        let keyed = KeyedRequest { key: key.unwrap_or(&fresh).into(), hash: format!("{command:?}") };
        let request = Request { id, caller: caller.clone(), request: Some(keyed), command };
        let outcome = decide(&mut self.world, &request, self.now);
        if let Outcome::Done(facts) = &outcome {
            self.facts.extend(facts.iter().cloned());
        }
        outcome
    }

    /// Asks for what has to be done.
    pub fn done(&mut self, caller: &Caller, command: Command) -> Vec<Arc<Fact>> {
        match self.ask(caller, None, command) {
            Outcome::Done(facts) => facts,
            other => panic!("{other:?}"),
        }
    }

    /// Asks for what has to be refused.
    pub fn refused(&mut self, caller: &Caller, command: Command) -> Rejection {
        match self.ask(caller, None, command) {
            Outcome::Rejected(rejection) => rejection,
            other => panic!("{other:?}"),
        }
    }

    /// Pays at `a-01` and gives the payment back, and the order it gave rise to.
    pub fn pays(&mut self, pay: Pay) -> (Arc<Fact>, Option<Arc<Fact>>) {
        let facts = self.done(&cashier("a-01"), Command::Pay(pay));
        let order = facts.iter().find(|fact| matches!(fact.body, Body::ReconnectionOrder(_))).cloned();
        (Arc::clone(&facts[0]), order)
    }

    pub fn state(&self) -> &AccountState {
        &self.world.accounts[&"100001".into()]
    }

    pub fn position(&self) -> Position {
        position(self.state(), self.world.policy.calendar_date(self.now), self.world.policy.cash_step)
    }
}

pub fn seq_in_account(fact: &Fact) -> i64 {
    fact.account.as_ref().map_or(0, |place| place.seq)
}

/// What billing would say next: the balances less what was placed on them by the contained facts.
pub fn billed(account: &Account, contained: &[&Arc<Fact>]) -> Account {
    let mut placed: HashMap<(Option<String>, Option<u32>), Money> = HashMap::new();
    for fact in contained {
        let (allocations, sign) = match &fact.body {
            Body::Payment(payment) => (&payment.allocations, 1),
            Body::Reversal(reversal) => (&reversal.allocations, -1),
            _ => continue,
        };
        for allocation in allocations {
            let name = allocation.bill_number.clone().or(allocation.agreement_id.clone());
            let sum = placed.entry((name, allocation.installment)).or_default();
            *sum += Money::from_centavos(sign * allocation.amount.centavos());
        }
    }
    let mut account = account.clone();
    for bill in &mut account.bills {
        bill.balance -= placed.get(&(Some(bill.bill_number.clone()), None)).copied().unwrap_or_default();
    }
    for agreement in &mut account.agreements {
        for installment in &mut agreement.installments {
            let name = (Some(agreement.agreement_id.clone()), Some(installment.number));
            installment.balance -= placed.get(&name).copied().unwrap_or_default();
        }
    }
    account
}
