//! Who does what next: seeded, so that a failure can be repeated by its seed and step.

use recaudo::domain::calendar::Timestamp;
use recaudo::domain::command::*;
use recaudo::domain::decide::Outcome;
use recaudo::domain::fact::{Body, Fact, KeyedRequest};
use recaudo::domain::ids::Id;
use recaudo::domain::position::Snapshot;

use crate::books::Books;
use crate::chance::Chance;
use crate::model::{self, Bill, MINUTE, Model, POINTS, Told};
use crate::words;

const ACCOUNTS: u64 = 24;

pub struct Simulation<B> {
    books: B,
    model: Model,
    chance: Chance,
    minted: u128,
    loads: u32,
    as_of: i64,
    payments: Vec<Id>,
    orders: Vec<Id>,
    sessions: Vec<Id>,
    deposits: Vec<Id>,
    /// What was done, with the fact that came of it.
    asked: Vec<(Request, Id)>,
    pub seen: std::collections::BTreeMap<&'static str, usize>,
}

type Checked = Result<(), String>;

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
            seen: std::collections::BTreeMap::new(),
        };
        simulation.model.accounts.resize_with(ACCOUNTS as usize, model::Account::default);
        simulation.load()?;
        Ok(simulation)
    }

    /// Does one thing and checks everything that can be known after it.
    pub fn step(&mut self) -> Checked {
        match self.chance.below(100) {
            0..48 => self.pay(),
            48..57 => self.reverse(),
            57..60 => self.reconnect(),
            60..68 => self.go(),
            68..70 => self.overdue(),
            70..73 => self.open(),
            73..77 => self.close(),
            77..79 => self.sweep(),
            79..82 => self.deposit(),
            82..85 => self.again(),
            85..87 => self.seal(),
            87..89 => self.load(),
            _ => self.pass(),
        }
    }

    /// Asks the books, and checks the answer's kind against the model's.
    fn ask<T>(
        &mut self,
        caller: Caller,
        command: Command,
        expected: &Result<T, &'static str>,
    ) -> Result<Option<Vec<std::sync::Arc<Fact>>>, String> {
        self.minted += 1;
        let now = Timestamp::from_micros(self.model.now);
        let id = Id::from_bits(u128::from(self.model.now.unsigned_abs() / 1000) << 80 | self.minted << 8);
        let keyed = KeyedRequest { key: format!("k{}", self.minted).as_str().into(), hash: format!("{command:?}") };
        let request = Request { id, caller, request: Some(keyed), command };
        *self.seen.entry(expected.as_ref().err().copied().unwrap_or("done")).or_default() += 1;
        match (self.books.submit(&request, now), expected) {
            (Outcome::Done(facts), Ok(_)) => {
                if facts[0].request.is_some() {
                    self.asked.push((request, facts[0].id));
                }
                let opened = facts.iter().find(|fact| matches!(fact.body, Body::SessionOpening(_)));
                self.sessions.extend(opened.map(|fact| fact.id));
                let ordered = facts.iter().find(|fact| matches!(fact.body, Body::ReconnectionOrder(_)));
                self.orders.extend(ordered.map(|fact| fact.id));
                same("sessions", self.sessions.len(), self.model.sessions.len())?;
                same("orders", self.orders.len(), self.model.orders.len())?;
                Ok(Some(facts))
            }
            (Outcome::Rejected(rejection), Err(code)) => same("code", rejection.code(), *code).map(|()| None),
            (outcome, expected) => {
                let expected = expected.as_ref().map(|_| "done");
                Err(format!("{:?}: told {outcome:?}, expected {expected:?}", request.command))
            }
        }
    }

    fn compare(&mut self, account: usize, fact: &Fact, expected: &Told) -> Checked {
        let (session, figures, exposure) = match &fact.body {
            Body::Payment(p) => (&p.session, &p.position_after, &p.exposure),
            Body::Reversal(r) => (&r.session, &r.position_after, &r.exposure),
            other => return Err(format!("not money: {other:?}")),
        };
        let numbers = |f: &recaudo::domain::position::Figures| {
            [f.total_due, f.disputed, f.payable_now, f.past_due].map(|m| m.centavos())
        };
        let (order, cancels) =
            fact.payment().map_or((false, false), |p| (p.reconnection.is_some(), p.cancels_suspension));
        let seq = fact.series.as_ref().map_or(0, |place| place.seq);
        let told = Told {
            order,
            cancels,
            seq,
            count: session.count,
            total: session.total.centavos(),
            cash: session.cash.centavos(),
            held: exposure.used.centavos(),
            figures: numbers(figures),
        };
        same("fact", &told, expected)?;
        let now = Timestamp::from_micros(self.model.now);
        same("figures", &self.books.figures(&words::account(account), now), figures)
    }

    fn pay(&mut self) -> Checked {
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
        let Some(facts) = self.ask(words::cashier(pay.point), command, &expected)? else { return Ok(()) };
        self.payments.push(facts[0].id);
        let Ok(expected) = expected else { return Ok(()) };
        let receipt = facts[0].payment().map(|payment| payment.receipt_number.clone()).unwrap_or_default();
        let begins = format!("{}-C{}-{:06}-", words::point(pay.point), pay.till, expected.seq).to_uppercase();
        same(&receipt, receipt.starts_with(&begins), true)?;
        self.compare(account, &facts[0], &expected)
    }

    fn reverse(&mut self) -> Checked {
        if self.payments.is_empty() {
            return Ok(());
        }
        let payment = if self.chance.one_in(5) {
            self.chance.index(self.payments.len())
        } else {
            self.chance.recent(self.payments.len())
        };
        let (account, at) = (self.model.payments[payment].account, self.model.payments[payment].point);
        let by = match self.chance.below(10) {
            0..2 => None,
            2 => Some(self.chance.index(POINTS.len())),
            _ => Some(at),
        };
        let expected = self.model.reverse(payment, by);
        let caller = by.map_or_else(|| words::office(PartyKind::Operator), words::cashier);
        let facts = self.ask(caller, words::reverse(self.payments[payment]), &expected)?;
        match (facts, expected) {
            (Some(facts), Ok(expected)) => self.compare(account, &facts[0], &expected),
            _ => Ok(()),
        }
    }

    fn reconnect(&mut self) -> Checked {
        let account = self.chance.index(ACCOUNTS as usize);
        let expected = self.model.reconnect(account);
        let command = Command::Reconnect { account_number: words::account(account) };
        self.ask(words::cashier(0), command, &expected).map(|_| ())
    }

    fn go(&mut self) -> Checked {
        if self.orders.is_empty() {
            return Ok(());
        }
        let order = self.chance.recent(self.orders.len());
        let to = u8::try_from(self.chance.below(6)).unwrap_or(0);
        let expected = self.model.go(order, to);
        let at = Some(Timestamp::from_micros(self.model.now - self.chance.amount(90) * MINUTE));
        let step = MoveOrder { order_id: self.orders[order], status: words::status(to), at, reason: None, crew: None };
        self.ask(words::office(PartyKind::Reconnection), Command::MoveOrder(step), &expected).map(|_| ())
    }

    fn overdue(&mut self) -> Checked {
        if self.orders.is_empty() {
            return Ok(());
        }
        let order = self.chance.index(self.orders.len());
        let expected = self.model.overdue(order);
        let command = Command::Overdue { order_id: self.orders[order] };
        self.ask(words::office(PartyKind::Operator), command, &expected).map(|_| ())
    }

    fn open(&mut self) -> Checked {
        let (point, till) = (self.chance.index(POINTS.len()), u8::from(self.chance.one_in(2)));
        let base = self.chance.amount(10_000_000);
        let expected = self.model.open(point, till, base);
        let open = Open { till: format!("C{till}"), cashier: "ana".to_owned(), base: words::money(base) };
        self.ask(words::cashier(point), Command::Open(open), &expected).map(|_| ())
    }

    fn close(&mut self) -> Checked {
        if self.sessions.is_empty() {
            return Ok(());
        }
        let session = self.chance.recent(self.sessions.len());
        let by = if self.chance.one_in(8) { self.chance.index(POINTS.len()) } else { self.model.sessions[session].0 };
        let expected = self.model.close(session, by);
        let session_id = self.sessions[session];
        let close = Close { session_id, cashier: "ana".to_owned(), denominations: Vec::new() };
        let facts = self.ask(words::cashier(by), Command::Close(close), &expected)?;
        match (facts.as_ref().map(|facts| &facts[0].body), expected) {
            (Some(Body::SessionClose(close)), Ok(drawer)) => same("drawer", close.expected.centavos(), drawer),
            _ => Ok(()),
        }
    }

    fn sweep(&mut self) -> Checked {
        let (point, till) = (self.chance.index(POINTS.len()), u8::from(self.chance.one_in(2)));
        let expected = self.model.sweep(point, till);
        let command = Command::CloseUnattended { till: words::till(point, till) };
        self.ask(words::office(PartyKind::Operator), command, &expected).map(|_| ())
    }

    fn deposit(&mut self) -> Checked {
        if self.deposits.is_empty() || self.chance.one_in(2) {
            let (point, amount) = (self.chance.index(POINTS.len()), 1 + self.chance.amount(100_000_000));
            let expected = self.model.deposit(point, amount);
            let (amount, deposited_on) = (words::money(amount), words::date(self.model.today()));
            let deposit = DeclareDeposit { slip_number: "1".to_owned(), amount, deposited_on, sessions: Vec::new() };
            let facts = self.ask(words::cashier(point), Command::Deposit(deposit), &expected)?;
            self.deposits.extend(facts.map(|facts| facts[0].id));
        } else {
            let (deposit, amount) = (self.chance.index(self.deposits.len()), self.chance.amount(60_000_000));
            let expected = self.model.verify(deposit, amount);
            let (deposit_id, amount) = (self.deposits[deposit], words::money(amount));
            let verify = VerifyDeposit { deposit_id, amount, bank_reference: None };
            self.ask(words::office(PartyKind::Operator), Command::VerifyDeposit(verify), &expected)?;
        }
        for party in 0..3 {
            let expected = self.model.held.get(&party).copied().unwrap_or(0);
            same("held", self.books.held(&words::party(party)).centavos(), expected)?;
        }
        Ok(())
    }

    /// The same request again, or another one under its key.
    fn again(&mut self) -> Checked {
        if self.asked.is_empty() {
            return Ok(());
        }
        let (mut request, fact) = self.asked[self.chance.index(self.asked.len())].clone();
        request.id = Id::from_bits(request.id.bits() | 0x80);
        let changed = self.chance.one_in(3);
        if let Some(keyed) = request.request.as_mut().filter(|_| changed) {
            keyed.hash.push('x');
        }
        match self.books.submit(&request, Timestamp::from_micros(self.model.now)) {
            Outcome::Replayed(again) if !changed => same("replayed", again.id, fact),
            Outcome::Rejected(rejection) if changed => same("code", rejection.code(), "idempotency-key-reused"),
            other => Err(format!("repeated {:?}: told {other:?}", request.command)),
        }
    }

    fn seal(&mut self) -> Checked {
        let (party, day) = (self.chance.index(3), self.model.today() + 2 - self.chance.amount(5));
        let expected = self.model.seal(party, day);
        let seal = Seal { partner: words::party(party), through: words::date(day), contents: BatchContents::default() };
        self.ask(words::office(PartyKind::Billing), Command::Seal(seal), &expected).map(|_| ())
    }

    fn pass(&mut self) -> Checked {
        let minutes = match self.chance.below(20) {
            0 => 24 * 60,
            1..4 => 60 + self.chance.amount(8 * 60),
            _ => self.chance.amount(12),
        };
        self.model.now += minutes * MINUTE + self.chance.amount(MINUTE);
        Ok(())
    }

    /// Billing's night: it applies what it has got round to, issues bills and agreements, plans cuts.
    fn load(&mut self) -> Checked {
        // A snapshot older than the last one is not taken.
        let as_of = self.as_of.max(self.model.now - self.chance.amount(180) * MINUTE);
        self.as_of = as_of;
        for party in 0..3 {
            if self.chance.one_in(2) {
                self.model.included[party] = self.model.sealed[party];
            }
        }
        let mut accounts = Vec::new();
        for number in 0..self.model.accounts.len() {
            let unheard = self.model.payments.iter().filter(|p| p.account == number && self.model.uncontained(p));
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
        for number in 0..self.model.accounts.len() {
            let f = self.books.figures(&words::account(number), now);
            let told = [f.total_due, f.disputed, f.payable_now, f.past_due].map(|money| money.centavos());
            same("after a snapshot", told, self.model.accounts[number].figures(today))?;
        }
        Ok(())
    }

    fn bill(&mut self, number: usize, as_of: i64, heard_all: bool) {
        let today = self.model.today();
        let busy = self.model.orders.iter().any(|order| order.account == number && order.status < 3);
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
        if payable == 0 || chance.one_in(8) {
            let left = 100 + chance.amount(20_000_000);
            let disputed = if chance.one_in(6) { chance.amount(left) } else { 0 };
            account.bills.push(Bill { due: today + 12 - chance.amount(30), left, disputed });
        }
        if account.parts.iter().all(|part| *part < 100) && heard_all && chance.one_in(6) {
            account.parts = (0..3).map(|_| chance.amount(9_000_000)).collect();
            account.any = chance.one_in(3);
        }
    }
}
