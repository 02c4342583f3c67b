//! Who does what next: seeded, so that a failure can be repeated by its seed and step.

use std::collections::{BTreeMap, HashMap};
use std::mem::take;

use recaudo::domain::calendar::Timestamp;
use recaudo::domain::command::*;
use recaudo::domain::decide::Outcome;
use recaudo::domain::fact::{Body, Fact, KeyedRequest};
use recaudo::domain::ids::{AccountNumber, Id};
use recaudo::domain::position::{Figures, Snapshot};
use recaudo::domain::world::scopes;

use crate::books::Books;
use crate::chance::Chance;
use crate::model::{self, Bill, MINUTE, Model, POINTS, Told};
use crate::words;

const ACCOUNTS: u64 = 96;
/// Requests that are sent together, at most.
const TOGETHER: u64 = 64;
/// Requests that may be repeated later, at most.
const REMEMBERED: usize = 4096;

pub struct Simulation<B> {
    pub books: B,
    model: Model,
    chance: Chance,
    minted: u128,
    loads: u32,
    as_of: i64,
    payments: Vec<Id>,
    orders: Vec<Id>,
    sessions: Vec<Id>,
    deposits: Vec<Id>,
    /// What was asked and will be done, to be asked again.
    asked: Vec<Request>,
    /// What is to be sent together, and how much of it.
    waiting: Vec<Waiting>,
    together: usize,
    pub seen: BTreeMap<&'static str, usize>,
}

/// A request that is not sent yet, and what the model says of it.
struct Waiting {
    request: Request,
    expected: Expected,
}

enum Expected {
    Refused(&'static str),
    Replayed,
    Done,
    /// A payment or a reversal of an account.
    Money(Told),
    /// A drawer closed with this in it.
    Drawer(i64),
}

type Checked = Result<(), String>;
/// The last place of each account, with its figures if a payment or a reversal took it.
type Latest = HashMap<AccountNumber, (i64, Option<Figures>)>;

fn same<T: PartialEq + std::fmt::Debug>(what: &str, told: T, expected: T) -> Checked {
    if told == expected { Ok(()) } else { Err(format!("{what}: told {told:?}, expected {expected:?}")) }
}

impl<B: Books> Simulation<B> {
    pub fn new(books: B, seed: u64) -> Result<Self, String> {
        let model = Model { now: 1_795_530_600_000_000, ..Model::default() };
        let mut simulation = Self {
            books,
            model,
            chance: Chance(seed),
            minted: 0,
            loads: 0,
            as_of: 0,
            payments: Vec::new(),
            orders: Vec::new(),
            sessions: Vec::new(),
            deposits: Vec::new(),
            asked: Vec::new(),
            waiting: Vec::new(),
            together: 1,
            seen: BTreeMap::new(),
        };
        simulation.model.accounts.resize_with(ACCOUNTS as usize, model::Account::default);
        simulation.load()?;
        Ok(simulation)
    }

    /// Does one thing; what is asked is sent, and everything that can be known after it checked, once
    /// enough of it has gathered.
    pub fn step(&mut self) -> Checked {
        match self.chance.below(100) {
            0..50 => self.pay(),
            50..59 => self.reverse(),
            59..62 => self.reconnect(),
            62..70 => self.go(),
            70..72 => self.overdue(),
            72..75 => self.open(),
            75..79 => self.close(),
            79..81 => self.sweep(),
            81..84 => self.deposit(),
            84..88 => self.again(),
            88..92 => self.seal(),
            92..93 => return self.settle().and_then(|()| self.load()),
            _ => return self.settle().map(|()| self.pass()),
        }
        if self.waiting.len() >= self.together { self.settle() } else { Ok(()) }
    }

    /// Puts a request to the others that wait, and answers the identity of what comes of it.
    fn ask(&mut self, caller: Caller, command: Command, expected: Expected) -> Id {
        self.minted += 1;
        let id = Id::from_bits(u128::from(self.model.now.unsigned_abs() / 1000) << 80 | self.minted << 8);
        let keyed =
            KeyedRequest { key: format!("k{}", self.minted).as_str().into(), hash: format!("h{}", self.minted) };
        let unasked = matches!(command, Command::CloseUnattended { .. } | Command::Overdue { .. } | Command::Seal(_));
        let request = Request { id, caller, request: Some(keyed), command };
        let refused = if let Expected::Refused(code) = expected { Some(code) } else { None };
        *self.seen.entry(refused.unwrap_or("done")).or_default() += 1;
        if refused.is_none() && !unasked {
            let place = self.chance.index(REMEMBERED);
            match self.asked.get_mut(place) {
                Some(forgotten) => *forgotten = request.clone(),
                None => self.asked.push(request.clone()),
            }
        }
        self.waiting.push(Waiting { request, expected });
        id
    }

    /// Sends what waits as one, and holds the answers and the books against the model.
    pub fn settle(&mut self) -> Checked {
        self.together = 1 + self.chance.index(TOGETHER as usize);
        let waiting = take(&mut self.waiting);
        if waiting.is_empty() {
            return Ok(());
        }
        let now = Timestamp::from_micros(self.model.now);
        let outcomes = self.books.submit(waiting.iter().map(|one| one.request.clone()).collect(), now);
        let mut latest = Latest::new();
        for (one, outcome) in waiting.iter().zip(outcomes) {
            let command = &one.request.command;
            self.check(one, outcome, &mut latest).map_err(|difference| format!("{command:?}: {difference}"))?;
        }
        same("sessions", self.sessions.len(), self.model.sessions.len())?;
        same("orders", self.orders.len(), self.model.orders.len())?;
        // Answers were held against the model already; this asks the books themselves, now and then.
        if self.chance.one_in(4) {
            self.check_figures(latest, now)?;
        }
        let scopes: Vec<String> = (0..3).map(|party| scopes::party(&words::party(party))).collect();
        let held: Vec<i64> = (0..3).map(|party| self.model.held.get(&party).copied().unwrap_or(0)).collect();
        same("held", self.books.held(&scopes), held)
    }

    fn check(&mut self, one: &Waiting, outcome: Outcome, latest: &mut Latest) -> Checked {
        let facts = match (outcome, &one.expected) {
            (Outcome::Rejected(rejection), Expected::Refused(code)) => return same("code", rejection.code(), *code),
            (Outcome::Replayed(again), Expected::Replayed) => {
                return same("replayed", again.id.bits(), one.request.id.bits() & !0x80);
            }
            (Outcome::Done(facts), Expected::Done | Expected::Money(_) | Expected::Drawer(_)) => facts,
            (outcome, Expected::Refused(code)) => return Err(format!("told {outcome:?}, expected {code}")),
            (outcome, _) => return Err(format!("told {outcome:?}, expected it to be done")),
        };
        let kind = |kind: &str| facts.iter().find(|fact| fact.body.kind() == kind).map(|fact| fact.id);
        self.sessions.extend(kind("session_opening"));
        self.orders.extend(kind("reconnection_order"));
        let mut places: Vec<_> = facts.iter().filter_map(|fact| Some((fact.account.as_ref()?, fact))).collect();
        places.sort_by_key(|(place, _)| place.seq);
        let figures = |fact: &Fact| match &fact.body {
            Body::Payment(payment) => Some(payment.position_after.clone()),
            Body::Reversal(reversal) => Some(reversal.position_after.clone()),
            _ => None,
        };
        for (place, _) in &places {
            latest.insert(place.of.clone(), (place.seq, figures(&facts[0])));
        }
        match (&one.expected, &facts[0].body) {
            (Expected::Money(expected), _) => told(&facts[0], expected),
            (Expected::Drawer(drawer), Body::SessionClose(close)) => same("drawer", close.expected.centavos(), *drawer),
            (Expected::Drawer(_), other) => Err(format!("not a close: {other:?}")),
            _ => Ok(()),
        }
    }

    /// What the last payment or reversal of an account said is what its position says.
    fn check_figures(&mut self, latest: Latest, now: Timestamp) -> Checked {
        let told: Vec<_> = latest.into_iter().filter_map(|(account, (_, figures))| Some((account, figures?))).collect();
        let accounts: Vec<AccountNumber> = told.iter().map(|(account, _)| account.clone()).collect();
        let found = self.books.figures(&accounts, now);
        told.iter().zip(&found).try_for_each(|((account, told), found)| same(account.as_str(), found, told))
    }

    fn pay(&mut self) {
        let chance = &mut self.chance;
        let account = chance.index(ACCOUNTS as usize) + usize::from(chance.one_in(200)) * 1000;
        let known = self.model.accounts.get(account).cloned().unwrap_or_default();
        let payable = known.figures(0)[2];
        let twin = chance.one_in(10).then(|| chance.recent(self.model.payments.len()));
        let twin = twin.filter(|twin| *twin < self.model.payments.len());
        let kind = match twin {
            Some(_) => 1,
            None if known.parts.is_empty() && !chance.one_in(20) => chance.below(2),
            None => chance.below(3),
        };
        let amount = match (kind, chance.below(12)) {
            (2, 0..9) => {
                known.parts.iter().filter(|part| **part > 0).take(1 + chance.index(3)).sum::<i64>() / 100 * 100
            }
            (0, 0..9) => payable,
            (1, 0..2) => payable,
            (1, 2..9) => 100_000 + chance.amount(payable.max(1)) / 100 * 100,
            _ => chance.amount(30_000_000) / 100 * 100,
        };
        let amount = if amount == 0 { 500_000 + chance.amount(3) * 50 } else { amount };
        let (account, amount) = twin
            .map_or((account, amount), |twin| (self.model.payments[twin].account, self.model.payments[twin].amount));
        let offline = chance.one_in(6);
        let taken =
            (offline || chance.one_in(20)).then(|| self.model.now - chance.amount(75 * 60) * MINUTE + 4 * MINUTE);
        let pay = model::Pay {
            account,
            point: if offline && !chance.one_in(4) { 0 } else { chance.index(POINTS.len()) },
            till: u8::from(chance.one_in(2)),
            kind: u8::try_from(kind).unwrap_or(0),
            amount,
            cash: !chance.one_in(5),
            offline,
            taken,
            distinct: twin.filter(|_| chance.one_in(2)),
            stale: chance.one_in(40),
        };
        let command = words::pay(&pay, pay.distinct.map(|twin| self.payments[twin]));
        let expected = self.model.pay(&pay);
        let done = expected.is_ok();
        let id = self.ask(words::cashier(pay.point), command, expected.map_or_else(Expected::Refused, Expected::Money));
        self.payments.extend(done.then_some(id));
    }

    fn reverse(&mut self) {
        if self.payments.is_empty() {
            return;
        }
        let payment = if self.chance.one_in(5) {
            self.chance.index(self.payments.len())
        } else {
            self.chance.recent(self.payments.len())
        };
        let at = self.model.payments[payment].point;
        let by = match self.chance.below(10) {
            0..2 => None,
            2 => Some(self.chance.index(POINTS.len())),
            _ => Some(at),
        };
        let expected = self.model.reverse(payment, by);
        let caller = by.map_or_else(|| words::office(PartyKind::Operator), words::cashier);
        let expected = expected.map_or_else(Expected::Refused, Expected::Money);
        self.ask(caller, words::reverse(self.payments[payment]), expected);
    }

    fn reconnect(&mut self) {
        let account = self.chance.index(ACCOUNTS as usize);
        let expected = self.model.reconnect(account);
        let command = Command::Reconnect { account_number: words::account(account) };
        self.ask(words::cashier(0), command, done_or(expected));
    }

    fn go(&mut self) {
        if self.orders.is_empty() {
            return;
        }
        // No order is left lying for ever.
        let open = self.model.an_open_order(self.chance.index(ACCOUNTS as usize)).filter(|i| *i < self.orders.len());
        let order = open.unwrap_or_else(|| self.chance.recent(self.orders.len()));
        let to = u8::try_from(self.chance.below(6)).unwrap_or(0);
        let expected = self.model.go(order, to);
        let at = Some(Timestamp::from_micros(self.model.now - self.chance.amount(90) * MINUTE));
        let step = MoveOrder { order_id: self.orders[order], status: words::status(to), at, reason: None, crew: None };
        self.ask(words::office(PartyKind::Reconnection), Command::MoveOrder(step), done_or(expected));
    }

    fn overdue(&mut self) {
        if self.orders.is_empty() {
            return;
        }
        let order = self.chance.index(self.orders.len());
        let expected = self.model.overdue(order);
        let command = Command::Overdue { order_id: self.orders[order] };
        self.ask(words::office(PartyKind::Operator), command, done_or(expected));
    }

    fn open(&mut self) {
        let (point, till) = (self.chance.index(POINTS.len()), u8::from(self.chance.one_in(2)));
        let base = self.chance.amount(10_000_000);
        let expected = self.model.open(point, till, base);
        let open = Open { till: format!("C{till}"), cashier: "ana".to_owned(), base: words::money(base) };
        self.ask(words::cashier(point), Command::Open(open), done_or(expected));
    }

    fn close(&mut self) {
        if self.sessions.is_empty() {
            return;
        }
        let session = self.chance.recent(self.sessions.len());
        let by = if self.chance.one_in(8) { self.chance.index(POINTS.len()) } else { self.model.sessions[session].0 };
        let expected = self.model.close(session, by);
        let session_id = self.sessions[session];
        let close = Close { session_id, cashier: "ana".to_owned(), denominations: Vec::new() };
        self.ask(words::cashier(by), Command::Close(close), expected.map_or_else(Expected::Refused, Expected::Drawer));
    }

    fn sweep(&mut self) {
        let (point, till) = (self.chance.index(POINTS.len()), u8::from(self.chance.one_in(2)));
        let expected = self.model.sweep(point, till);
        let command = Command::CloseUnattended { till: words::till(point, till) };
        self.ask(words::office(PartyKind::Operator), command, done_or(expected));
    }

    fn deposit(&mut self) {
        if self.deposits.is_empty() || self.chance.one_in(2) {
            let (point, amount) = (self.chance.index(POINTS.len()), 1 + self.chance.amount(100_000_000));
            let slip = self.chance.below(4);
            let known = self.sessions.len();
            let mut named: Vec<usize> =
                (0..self.chance.index(4).min(known)).map(|_| self.chance.recent(known)).collect();
            if !self.chance.one_in(8) {
                named.retain(|session| POINTS[self.model.sessions[*session].0] == POINTS[point]);
            }
            let expected = self.model.deposit(point, amount, slip, &named);
            let (amount, deposited_on) = (words::money(amount), words::date(self.model.today()));
            let sessions = named.iter().map(|session| self.sessions[*session]).collect();
            let deposit = DeclareDeposit { slip_number: slip.to_string(), amount, deposited_on, sessions };
            let done = expected.is_ok();
            let id = self.ask(words::cashier(point), Command::Deposit(deposit), done_or(expected));
            self.deposits.extend(done.then_some(id));
        } else {
            let (deposit, amount) = (self.chance.recent(self.deposits.len()), self.chance.amount(60_000_000));
            let expected = self.model.verify(deposit, amount);
            let (deposit_id, amount) = (self.deposits[deposit], words::money(amount));
            let verify = VerifyDeposit { deposit_id, amount, bank_reference: None };
            self.ask(words::office(PartyKind::Operator), Command::VerifyDeposit(verify), done_or(expected));
        }
    }

    /// The same request again, or another one under its key.
    fn again(&mut self) {
        if self.asked.is_empty() {
            return;
        }
        let mut request = self.asked[self.chance.index(self.asked.len())].clone();
        request.id = Id::from_bits(request.id.bits() | 0x80);
        let changed = self.chance.one_in(3);
        if let Some(keyed) = request.request.as_mut().filter(|_| changed) {
            keyed.hash.push('x');
        }
        let expected = if changed { Expected::Refused("idempotency-key-reused") } else { Expected::Replayed };
        self.waiting.push(Waiting { request, expected });
    }

    fn seal(&mut self) {
        let (party, day) = (self.chance.index(3), self.model.today() + 2 - self.chance.amount(5));
        let expected = self.model.seal(party, day);
        let seal = Seal { partner: words::party(party), through: words::date(day), contents: BatchContents::default() };
        self.ask(words::office(PartyKind::Billing), Command::Seal(seal), done_or(expected));
    }

    fn pass(&mut self) {
        let minutes = match self.chance.below(20) {
            0..6 => 24 * 60,
            6..9 => 60 + self.chance.amount(8 * 60),
            _ => self.chance.amount(12),
        };
        self.model.now += minutes * MINUTE + self.chance.amount(MINUTE);
    }

    /// Billing's night: it applies what it has got round to, issues bills and agreements, plans cuts.
    fn load(&mut self) -> Checked {
        // A snapshot older than the last one is not taken, and none describes the very instant it comes.
        let as_of = self.as_of.max(self.model.now - 1 - self.chance.amount(180) * MINUTE);
        self.as_of = as_of;
        for party in 0..3 {
            if !self.chance.one_in(4) {
                self.model.included[party] = self.model.sealed[party];
            }
        }
        let mut accounts = Vec::new();
        for number in 0..self.model.accounts.len() {
            self.model.forget(number);
            let unheard = self.model.recent(number).filter(|payment| self.model.uncontained(payment));
            let unheard: Vec<(usize, i64)> = unheard.flat_map(|payment| payment.placed.clone()).collect();
            self.bill(number, as_of, unheard.is_empty());
            accounts.push(words::billed(number, &self.model.accounts[number], &unheard));
        }
        self.loads += 1;
        let dates = (0..3).filter(|party| self.model.included[*party] > 0);
        let included_through =
            dates.map(|party| (words::party(party), words::date(self.model.included[party]))).collect();
        let snapshot =
            Snapshot { id: format!("snapshot-{}", self.loads), as_of: Timestamp::from_micros(as_of), included_through };
        self.books.load(snapshot, accounts);
        let (now, today) = (Timestamp::from_micros(self.model.now), self.model.today());
        let numbers: Vec<AccountNumber> = (0..self.model.accounts.len()).map(words::account).collect();
        let found = self.books.figures(&numbers, now);
        let model = self.model.accounts.iter().map(|account| account.figures(today));
        same("after a snapshot", found.iter().map(numbers_of).collect::<Vec<_>>(), model.collect())
    }

    fn bill(&mut self, number: usize, as_of: i64, heard_all: bool) {
        let today = self.model.today();
        let busy = self.model.open_order(number);
        let chance = &mut self.chance;
        let account = &mut self.model.accounts[number];
        let [_, _, payable, past_due] = account.figures(today);
        if account.restored.is_some_and(|at| at <= as_of) {
            (account.service, account.need, account.restored) = (0, None, None);
        } else if account.service == 1 && chance.one_in(2) {
            account.service = if past_due > 0 { 2 } else { 0 };
        } else if account.service == 0 && account.restored.is_none() && !busy && past_due > 0 && chance.one_in(2) {
            account.service = 1 + u8::from(chance.one_in(2));
            let owed = account.bills.iter().map(|bill| bill.left - bill.disputed).sum();
            account.need = chance.one_in(2).then_some(owed);
        }
        // A claim is settled some day.
        for bill in account.bills.iter_mut().filter(|_| chance.one_in(4)) {
            bill.disputed = 0;
        }
        if payable == 0 || chance.one_in(8) {
            let left = 100 + chance.amount(20_000_000);
            let disputed = if chance.one_in(6) { chance.amount(left) } else { 0 };
            account.issued += 1;
            account.bills.push(Bill { number: account.issued, due: today + 12 - chance.amount(30), left, disputed });
        }
        if account.parts.iter().all(|part| *part < 100) && heard_all && chance.one_in(6) {
            account.parts = (0..3).map(|_| chance.amount(9_000_000)).collect();
            account.any = chance.one_in(3);
        }
    }
}

fn numbers_of(figures: &Figures) -> [i64; 4] {
    [figures.total_due, figures.disputed, figures.payable_now, figures.past_due].map(|money| money.centavos())
}

fn done_or(expected: Result<(), &'static str>) -> Expected {
    expected.map_or_else(Expected::Refused, |()| Expected::Done)
}

fn told(fact: &Fact, expected: &Told) -> Checked {
    let (session, figures, exposure) = match &fact.body {
        Body::Payment(p) => (&p.session, &p.position_after, &p.exposure),
        Body::Reversal(r) => (&r.session, &r.position_after, &r.exposure),
        other => return Err(format!("not money: {other:?}")),
    };
    let (order, cancels) = fact.payment().map_or((false, false), |p| (p.reconnection.is_some(), p.cancels_suspension));
    let seq = fact.series.as_ref().map_or(0, |place| place.seq);
    let told = Told {
        order,
        cancels,
        seq,
        count: session.count,
        total: session.total.centavos(),
        cash: session.cash.centavos(),
        held: exposure.used.centavos(),
        figures: numbers_of(figures),
    };
    same("fact", &told, expected)?;
    let (Some(payment), Some(till)) = (fact.payment(), fact.till()) else { return Ok(()) };
    let begins = format!("{}-{}-{seq:06}-", till.collection_point, till.till).to_uppercase();
    same(&payment.receipt_number, payment.receipt_number.starts_with(&begins), true)
}
