//! What should happen, told once more in plain integers: centavos, microseconds, days since 1970.
//!
//! It shares no code and no idea with the rules: it keeps balances and changes them, where the rules
//! keep what billing said and compute. Nothing of the gateway may be named here.

use std::collections::{HashMap, HashSet};

pub const MINUTE: i64 = 60_000_000;
const PESO: i64 = 100;
pub const OPERATION_LIMIT: i64 = 300_000 * PESO;
pub const EXPOSURE_LIMIT: i64 = 2_000_000 * PESO;
pub const FLOOR_LIMIT: i64 = 400_000 * PESO;
/// Party of each collection point; party 1 has an exposure limit and a provisional share, party 2
/// opens its tills, and only point 0 may take offline cash.
pub const POINTS: [usize; 4] = [0, 0, 1, 2];
/// From here on a slot is an installment, below it a bill.
pub const PARTS: usize = 10_000_000;

#[derive(Clone, Default)] pub struct Bill { pub number: usize, pub due: i64, pub left: i64, pub disputed: i64 }
#[derive(Clone, Default)] pub struct Account { pub bills: Vec<Bill>, pub parts: Vec<i64>, pub any: bool, pub service: u8, pub need: Option<i64>, pub restored: Option<i64>, pub place: i64, pub issued: usize, pub recent: Vec<usize>, orders: Vec<usize> }
pub struct Payment { pub account: usize, pub point: usize, till: u8, session: usize, pub day: i64, pub amount: i64, cash: bool, offline: bool, pub placed: Vec<(usize, i64)>, at: i64, taken: i64, place: i64, pub reversed: bool, cancels: bool }
pub struct Order { pub account: usize, pub status: u8, payment: Option<usize>, place: i64, due: i64, announced: bool }
#[derive(Clone, Default)] pub struct Till { pub open: Option<usize>, day: i64, pub seq: i64, pub base: i64, pub count: i64, pub total: i64, pub cash: i64 }
pub struct Deposit { point: usize, amount: i64, room: i64, verified: i64 }
#[derive(Clone, Debug)] pub struct Pay { pub account: usize, pub point: usize, pub till: u8, pub kind: u8, pub amount: i64, pub cash: bool, pub offline: bool, pub taken: Option<i64>, pub distinct: Option<usize>, pub stale: bool }
/// What an accepted payment or reversal says.
#[derive(Debug, PartialEq)] pub struct Told { pub order: bool, pub cancels: bool, pub seq: i64, pub count: i64, pub total: i64, pub cash: i64, pub held: i64, pub figures: [i64; 4] }
type Result<T> = std::result::Result<T, &'static str>;

#[derive(Default)] pub struct Model {
    pub now: i64, pub accounts: Vec<Account>, pub payments: Vec<Payment>, pub orders: Vec<Order>, pub sessions: Vec<(usize, u8)>,
    pub tills: HashMap<(usize, u8), Till>, pub deposits: Vec<Deposit>, pub held: HashMap<usize, i64>, pub offline: HashMap<(usize, i64), i64>, pub slips: HashSet<(usize, u64, i64)>, pub sealed: [i64; 3], pub included: [i64; 3],
}

fn floor(centavos: i64) -> i64 { centavos.max(0) / PESO * PESO }

impl Account {
    /// Total, disputed, payable now, past due.
    pub fn figures(&self, today: i64) -> [i64; 4] {
        let sum = |of: &dyn Fn(&Bill) -> i64| self.bills.iter().map(of).sum::<i64>();
        let past = sum(&|b| if b.due < today { b.left - b.disputed } else { 0 });
        [sum(&|b| b.left), sum(&|b| b.disputed), floor(sum(&|b| b.left - b.disputed)), past]
    }
    fn missing(&self, today: i64) -> i64 { if self.service == 0 { 0 } else { floor(self.need.unwrap_or(self.figures(today)[3])) } }
    fn sums(&self) -> Vec<i64> { let mut sum = 0; let mut sums: Vec<i64> = self.parts.iter().map(|part| { sum += part; floor(sum) }).filter(|sum| *sum > 0).collect(); sums.dedup(); sums }
    fn place(&mut self, placed: &[(usize, i64)], sign: i64) {
        for (slot, amount) in placed {
            if *slot >= PARTS { self.parts[slot - PARTS] -= sign * amount; continue; }
            self.bills.iter_mut().find(|bill| bill.number == *slot).expect("no bill with money on it is forgotten").left -= sign * amount;
            self.need = self.need.map(|need| need - sign * amount);
        }
    }
    fn take(&self, pay: &Pay) -> Result<Vec<(usize, i64)>> {
        let (sums, payable) = (self.sums(), self.figures(0)[2]);
        let refused = if pay.amount <= 0 || pay.amount % PESO != 0 { Some("validation-failed") }
            else if pay.kind == 2 {
                if self.parts.is_empty() { Some("agreement-not-found") }
                else if sums.is_empty() { Some("installment-already-paid") }
                else if pay.amount > sums[sums.len() - 1] { Some("amount-exceeds-due") }
                else if !self.any && !sums.contains(&pay.amount) { Some("amount-mismatch") }
                else if self.any && pay.amount < sums[0].min(1000 * PESO) { Some("amount-below-minimum") } else { None }
            }
            else if payable == 0 { Some("nothing-due") }
            else if pay.kind == 0 { (pay.amount != payable).then_some("amount-mismatch") }
            else if pay.amount < 1000 * PESO { Some("amount-below-minimum") }
            else { (pay.amount > payable).then_some("amount-exceeds-due") };
        if let Some(code) = refused { return Err(code) }
        let mut slots: Vec<(usize, i64)> = self.parts.iter().enumerate().map(|(i, left)| (PARTS + i, *left)).collect();
        if pay.kind != 2 {
            let mut order: Vec<&Bill> = self.bills.iter().collect(); order.sort_by_key(|bill| (bill.due, bill.number));
            slots = order.into_iter().map(|bill| (bill.number, bill.left - bill.disputed)).collect();
        }
        let mut left = pay.amount;
        Ok(slots.into_iter().map(|(slot, room)| { let part = room.min(left); left -= part; (slot, part) }).filter(|(_, part)| *part > 0).collect())
    }
}

impl Model {
    pub fn today(&self) -> i64 { (self.now - 300 * MINUTE).div_euclid(1440 * MINUTE) }
    fn date(&self, party: usize) -> i64 { self.today().max(self.sealed[party] + 1) }
    pub fn uncontained(&self, payment: &Payment) -> bool { !payment.reversed && payment.day > self.included[POINTS[payment.point]] }
    pub fn an_open_order(&self, account: usize) -> Option<usize> { self.accounts[account].orders.iter().copied().find(|order| self.orders[*order].status < 3) }
    pub fn open_order(&self, account: usize) -> bool { self.an_open_order(account).is_some() }
    pub fn recent(&self, account: usize) -> impl Iterator<Item = &Payment> { self.accounts[account].recent.iter().map(|payment| &self.payments[*payment]) }
    fn cleared(&self, account: usize) -> bool { self.accounts[account].missing(self.today()) == 0 }
    pub fn eligible(&self, account: usize) -> bool { let a = &self.accounts[account]; a.service == 2 && a.restored.is_none() && !self.open_order(account) && self.cleared(account) }
    /// Lets go of what no rule looks back at any more, so that a long life costs no more than a short one.
    pub fn forget(&mut self, account: usize) {
        let (old, mut a) = (self.now - 7 * 1440 * MINUTE, std::mem::take(&mut self.accounts[account]));
        a.recent.retain(|i| self.payments[*i].at > old || self.uncontained(&self.payments[*i]));
        a.orders.retain(|i| self.orders[*i].due > old || self.orders[*i].status < 3);
        a.bills.retain(|bill| bill.left > 0 || a.recent.iter().any(|i| self.payments[*i].placed.iter().any(|(slot, _)| *slot == bill.number)));
        self.accounts[account] = a;
    }
    fn charge(&mut self, point: usize, amount: i64) { *self.held.entry(POINTS[point]).or_default() += amount; }
    fn order(&mut self, account: usize, payment: Option<usize>, from: i64) {
        self.accounts[account].place += 1;
        let place = self.accounts[account].place;
        self.accounts[account].orders.push(self.orders.len());
        self.orders.push(Order { account, status: 0, payment, place, due: from + 24 * 60 * MINUTE, announced: false });
    }
    fn told(&self, account: usize, point: usize, till: u8, order: bool, cancels: bool) -> Told {
        let (t, held) = (&self.tills[&(point, till)], self.held.get(&POINTS[point]).copied().unwrap_or(0));
        Told { order, cancels, seq: t.seq, count: t.count, total: t.total, cash: t.cash, held, figures: self.accounts[account].figures(self.today()) }
    }
    fn begin(&mut self, point: usize, till: u8, base: i64) {
        let (day, session) = (self.date(POINTS[point]), self.sessions.len());
        self.sessions.push((point, till));
        let t = self.tills.entry((point, till)).or_default();
        *t = Till { open: Some(session), day, base, seq: t.seq + 1 + i64::from(t.open.is_some()), ..Till::default() };
    }
    fn current(&self, point: usize, till: u8) -> Option<usize> { self.tills.get(&(point, till)).filter(|t| t.day >= self.date(POINTS[point])).and_then(|t| t.open) }

    pub fn pay(&mut self, p: &Pay) -> Result<Told> {
        let party = POINTS[p.point]; let Some(account) = self.accounts.get(p.account) else { return Err("account-not-found") };
        if p.stale { return Err("position-changed") }
        let placed = account.take(p)?;
        let taken = p.taken.unwrap_or(self.now).min(self.now);
        let known = p.distinct.and_then(|i| self.payments.get(i)).filter(|d| d.account == p.account && d.amount == p.amount && !d.reversed).map_or(0, |d| d.place);
        if self.recent(p.account).any(|d| d.amount == p.amount && !d.reversed && d.place > known && (d.taken - taken).abs() < 10 * MINUTE) { return Err("possible-duplicate") }
        if p.cash && p.amount > OPERATION_LIMIT { return Err("cash-limit-exceeded") }
        let held = self.held.get(&party).copied().unwrap_or(0);
        if p.cash && party == 1 && held + p.amount > EXPOSURE_LIMIT { return Err("exposure-limit-reached") }
        let away = (p.point, self.date(party));
        if p.offline && (p.point != 0 || p.cash && self.offline.get(&away).copied().unwrap_or(0) + p.amount > FLOOR_LIMIT) { return Err("offline-limit-reached") }
        if p.taken.is_some_and(|at| at > self.now + 5 * MINUTE || at < self.now - 72 * 60 * MINUTE) { return Err("validation-failed") }
        if self.current(p.point, p.till).is_none() {
            if party == 2 { return Err("session-required") }
            self.begin(p.point, p.till, 0);
        }
        let warned = self.recent(p.account).any(|d| d.cancels && self.uncontained(d));
        let was = self.cleared(p.account);
        let a = &mut self.accounts[p.account];
        a.place(&placed, 1); a.place += 1;
        a.recent.push(self.payments.len());
        let (place, scheduled) = (a.place, a.service == 1);
        let t = self.tills.get_mut(&(p.point, p.till)).expect("it was opened just now");
        (t.seq, t.count, t.total) = (t.seq + 1, t.count + 1, t.total + p.amount);
        let (session, day) = (t.open.expect("it was opened just now"), t.day);
        if p.cash { t.cash += p.amount; self.charge(p.point, p.amount); }
        if p.cash && p.offline { *self.offline.entry((p.point, day)).or_default() += p.amount; }
        let cancels = scheduled && self.cleared(p.account) && !(was && warned);
        self.payments.push(Payment { account: p.account, point: p.point, till: p.till, session, day, amount: p.amount, cash: p.cash, offline: p.offline, placed, at: self.now, taken, place, reversed: false, cancels });
        let order = self.eligible(p.account);
        if order { self.order(p.account, Some(self.payments.len() - 1), taken); }
        Ok(self.told(p.account, p.point, p.till, order, cancels))
    }

    /// `by`: a collection point, or nobody for an operator.
    pub fn reverse(&mut self, payment: usize, by: Option<usize>) -> Result<Told> {
        let d = self.payments.get(payment).filter(|d| by.is_none_or(|point| POINTS[point] == POINTS[d.point])).ok_or("not-found")?;
        if d.reversed { return Err("already-reversed") }
        if by.is_some_and(|point| point != d.point) { return Err("not-found") }
        if self.now > d.at + 60 * MINUTE || self.date(POINTS[d.point]) != d.day { return Err("reversal-window-closed") }
        if self.tills[&(d.point, d.till)].open != Some(d.session) { return Err("session-closed") }
        let (account, point, till, amount, cash, offline, day, place, placed) = (d.account, d.point, d.till, d.amount, d.cash, d.offline, d.day, d.place, d.placed.clone());
        self.accounts[account].place(&placed, -1);
        let owed = !self.cleared(account);
        let blocks = |o: &usize| { let o = &self.orders[*o]; o.payment == Some(payment) && o.status <= 3 || owed && (o.status < 3 || o.status == 3 && o.place > place) };
        if by.is_some() && self.accounts[account].orders.iter().any(blocks) { self.accounts[account].place(&placed, 1); return Err("reconnection-in-the-way") }
        self.payments[payment].reversed = true;
        self.accounts[account].place += 1;
        if let Some(order) = self.accounts[account].orders.iter().copied().find(|o| owed && self.orders[*o].status < 2) { self.orders[order].status = 5; self.accounts[account].place += 1; }
        let t = self.tills.get_mut(&(point, till)).expect("it took the payment");
        (t.seq, t.count, t.total) = (t.seq + 1, t.count + 1, t.total - amount);
        if cash { t.cash -= amount; self.charge(point, -amount); }
        if cash && offline { *self.offline.entry((point, day)).or_default() -= amount; }
        Ok(self.told(account, point, till, false, false))
    }

    pub fn reconnect(&mut self, account: usize) -> Result<()> {
        if account >= self.accounts.len() { return Err("account-not-found") }
        if self.open_order(account) { return Err("reconnection-already-open") }
        if !self.eligible(account) { return Err("reconnection-not-eligible") }
        self.order(account, None, self.now); Ok(())
    }
    /// Statuses: 0 requested, 1 dispatched, 2 in progress, 3 completed, 4 failed, 5 cancelled.
    pub fn go(&mut self, order: usize, to: u8) -> Result<()> {
        let now = self.now;
        let o = self.orders.get_mut(order).ok_or("not-found")?;
        if o.status > 2 || to <= o.status || o.status == 2 && to == 5 { return Err("transition-not-allowed") }
        o.status = to;
        let a = &mut self.accounts[o.account]; a.place += 1;
        if to == 3 { a.restored = Some(now); } Ok(())
    }
    pub fn overdue(&mut self, order: usize) -> Result<()> {
        let now = self.now;
        let o = self.orders.get_mut(order).ok_or("not-found")?;
        if o.status > 2 || o.announced || now <= o.due { return Err("transition-not-allowed") }
        o.announced = true; self.accounts[o.account].place += 1; Ok(())
    }
    pub fn open(&mut self, point: usize, till: u8, base: i64) -> Result<()> { if self.current(point, till).is_some() { return Err("session-already-open") } self.begin(point, till, base); Ok(()) }
    /// Gives back what should be in the drawer.
    pub fn close(&mut self, session: usize, by: usize) -> Result<i64> {
        let (point, till) = *self.sessions.get(session).filter(|(point, _)| *point == by).ok_or("not-found")?;
        let t = self.tills.get_mut(&(point, till)).filter(|t| t.open == Some(session)).ok_or("session-closed")?;
        (t.open, t.seq) = (None, t.seq + 1); Ok(t.base + t.cash)
    }
    pub fn sweep(&mut self, point: usize, till: u8) -> Result<()> {
        let date = self.date(POINTS[point]);
        let t = self.tills.get_mut(&(point, till)).filter(|t| t.open.is_some() && t.day < date).ok_or("not-found")?;
        (t.open, t.seq) = (None, t.seq + 1); Ok(())
    }
    pub fn deposit(&mut self, point: usize, amount: i64, slip: u64, named: &[usize]) -> Result<()> {
        let slip = (POINTS[point], slip, self.today());
        if self.slips.contains(&slip) { return Err("deposit-already-declared") }
        if named.iter().any(|session| POINTS[self.sessions[*session].0] != POINTS[point]) { return Err("not-found") }
        self.slips.insert(slip);
        let room = if POINTS[point] == 1 { amount / 100 * 40 } else { 0 };
        self.deposits.push(Deposit { point, amount, room, verified: 0 });
        self.charge(point, -room); Ok(())
    }
    pub fn verify(&mut self, deposit: usize, amount: i64) -> Result<()> {
        let d = self.deposits.get_mut(deposit).ok_or("not-found")?;
        if amount <= 0 || d.verified + amount > d.amount { return Err("amount-exceeds-due") }
        let room = |verified: i64| d.room * verified / d.amount;
        let back = room(d.verified + amount) - room(d.verified);
        d.verified += amount;
        let point = d.point; self.charge(point, back - amount); Ok(())
    }
    pub fn seal(&mut self, party: usize, day: i64) -> Result<()> { if day > self.today() || day <= self.sealed[party] { return Err("batch-not-sealable") } self.sealed[party] = day; Ok(()) }
}
