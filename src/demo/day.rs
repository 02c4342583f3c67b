//! A day at the counter, played over real mutual TLS with the code that a till uses.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

use super::receiver::Receiver;
use super::stage::{Stage, StepError};
use crate::client::{Answer, Client, ClientError};
use crate::clock::Clock;
use crate::domain::account::{Account, AgreementStatus, ServiceStatus, SuspensionCause};
use crate::domain::money::Money;

/// How many accounts are looked at for one with the wanted state, at most.
const MOST_CANDIDATES: usize = 400;
/// How long an event is waited for.
const PATIENCE: Duration = Duration::from_secs(30);

/// Everybody who takes part.
pub struct Cast {
    /// COOMPECENS, at its first collection point.
    pub coompecens: Client,
    /// COAGUASIMALES, at its first collection point.
    pub coaguasimales: Client,
    /// JJ PITA, at its first collection point.
    pub jj_pita: Client,
    /// The reconnection service.
    pub reconnection: Client,
    /// Time and keys.
    pub clock: Arc<dyn Clock>,
}

/// The accounts of the sample, in the order in which they are tried.
pub struct Accounts(VecDeque<Account>);

/// A day being played.
pub struct Day<'a, 'b> {
    /// Where it is told.
    pub stage: &'a mut Stage<'b>,
    /// Who takes part.
    pub cast: &'a Cast,
    /// Who comes to the counter.
    pub accounts: Accounts,
}

impl Accounts {
    /// The accounts of a sample billing file (JSON Lines; the first line is its header).
    #[must_use]
    pub fn of_sample(text: &str) -> Self {
        Self(text.lines().skip(1).filter_map(|line| serde_json::from_str(line).ok()).collect())
    }

    fn like(&self, wanted: impl Fn(&Account) -> bool) -> Vec<Account> {
        self.0.iter().filter(|account| wanted(account)).take(MOST_CANDIDATES).cloned().collect()
    }
}

impl Day<'_, '_> {
    /// Plays the counter's part of the day; gives the ids of the payments taken.
    ///
    /// # Errors
    /// A step that did not do what it said.
    pub async fn counter(&mut self) -> Result<Vec<String>, StepError> {
        let full = self.full_payment().await?;
        let partial = self.partial_payment().await?;
        let installment = self.installment().await?;
        self.lost_answer().await?;
        self.more_customers().await?;
        self.reversal().await?;
        Ok(vec![full, partial, installment])
    }

    async fn full_payment(&mut self) -> Result<String, StepError> {
        self.stage.step("COOMPECENS looks an account up, with nothing but its number");
        let cast = self.cast;
        let account = self.find(&cast.coompecens, ordinary, |position| option(position, "full").is_some()).await?;
        let position = self.look_up(&cast.coompecens, &account).await?;
        self.stage.say(&format!("GET /v1/accounts/{account}"));
        self.stage.say(&describe(&position));

        self.stage.step("The customer pays all of it");
        let amount = text(&position["payable_now"]);
        let body = payment(&account, "full", &amount, None, "C1");
        let paid = self.pay(&cast.coompecens, &body).await?;
        self.stage.say(&receipt_line(&paid));
        let after = self.look_up(&cast.coompecens, &account).await?;
        self.stage.say(&format!("Afterwards: payable now {}", text(&after["payable_now"])));
        self.stage.demand(after["payable_now"] == "0.00", "the account still owes something")?;
        self.ticket(&cast.coompecens, &paid).await?;
        Ok(text(&paid["id"]))
    }

    async fn partial_payment(&mut self) -> Result<String, StepError> {
        self.stage.step("COAGUASIMALES takes a part of a debt");
        let cast = self.cast;
        let wanted = |position: &Value| option(position, "partial").is_some_and(|it| pesos(&it["max"]) >= 40_000);
        let account = self.find(&cast.coaguasimales, ordinary, wanted).await?;
        let before = self.look_up(&cast.coaguasimales, &account).await?;
        let body = payment(&account, "partial", "20000.00", None, "C1");
        let paid = self.pay(&cast.coaguasimales, &body).await?;
        self.stage.say(&receipt_line(&paid));
        let after = self.look_up(&cast.coaguasimales, &account).await?;
        self.stage.say(&format!(
            "Payable: {} before, {} after",
            text(&before["payable_now"]),
            text(&after["payable_now"])
        ));
        let less = pesos(&before["payable_now"]) - pesos(&after["payable_now"]);
        self.stage.demand(less == 20_000, "the debt did not shrink by what was paid")?;
        Ok(text(&paid["id"]))
    }

    async fn installment(&mut self) -> Result<String, StepError> {
        self.stage.step("JJ PITA takes an installment of a payment agreement");
        let cast = self.cast;
        let has_agreement = |account: &Account| {
            ordinary(account) && account.agreements.iter().any(|it| it.status == AgreementStatus::InForce)
        };
        let account =
            self.find(&cast.jj_pita, has_agreement, |position| option(position, "installment").is_some()).await?;
        let position = self.look_up(&cast.jj_pita, &account).await?;
        let choice = option(&position, "installment").cloned().unwrap_or_default();
        let (agreement, amount) = (text(&choice["agreement_id"]), text(&choice["amounts"][0]));
        let paid = self.pay(&cast.jj_pita, &payment(&account, "installment", &amount, Some(&agreement), "C1")).await?;
        self.stage.say(&receipt_line(&paid));
        for allocation in paid["allocations"].as_array().into_iter().flatten() {
            let (number, amount) = (text(&allocation["installment"]), text(&allocation["amount"]));
            self.stage.say(&format!("Agreement {agreement}, installment {number}: {amount}"));
        }
        Ok(text(&paid["id"]))
    }

    async fn lost_answer(&mut self) -> Result<(), StepError> {
        self.stage.step("The answer is lost on the way; the till repeats the same key");
        let cast = self.cast;
        let wanted = |position: &Value| option(position, "partial").is_some_and(|it| pesos(&it["max"]) >= 40_000);
        let account = self.find(&cast.coompecens, ordinary, wanted).await?;
        let (body, key) = (payment(&account, "partial", "12000.00", None, "C1"), self.key());
        let first = self.post(&cast.coompecens, "/v1/payments", &key, &body).await?;
        let second = self.post(&cast.coompecens, "/v1/payments", &key, &body).await?;
        self.stage.demand(first.bytes == second.bytes, "the two answers differ")?;
        let replayed = second.header("idempotency-replayed") == Some("true");
        self.stage.demand(replayed, "the second answer does not say that it is a replay")?;
        self.stage.say(&format!(
            "Twice the same {} bytes, one payment: {}",
            first.bytes.len(),
            text(&first.json()["id"])
        ));
        let other = payment(&account, "partial", "13000.00", None, "C1");
        let refused = self.answer(cast.coompecens.post("/v1/payments", Some(&key), &other).await)?;
        self.stage.demand(refused.code() == "idempotency-key-reused", "another payment passed under the same key")?;
        self.stage.say("The same key with another amount: refused (idempotency-key-reused)");
        Ok(())
    }

    async fn more_customers(&mut self) -> Result<(), StepError> {
        self.stage.step("More customers come to COOMPECENS");
        let cast = self.cast;
        for _ in 0..3 {
            let account = self.find(&cast.coompecens, ordinary, |position| option(position, "full").is_some()).await?;
            let position = self.look_up(&cast.coompecens, &account).await?;
            let amount = text(&position["payable_now"]);
            let paid = self.pay(&cast.coompecens, &payment(&account, "full", &amount, None, "C2")).await?;
            let session = &paid["session"];
            let (receipt, count, total) = (receipt_line(&paid), text(&session["count"]), text(&session["total"]));
            self.stage.say(&format!("{receipt}; session: {count} movements, {total}"));
        }
        Ok(())
    }

    async fn reversal(&mut self) -> Result<(), StepError> {
        self.stage.step("A cashier typed the wrong amount; the supervisor takes the payment back");
        let cast = self.cast;
        let wanted = |position: &Value| option(position, "partial").is_some_and(|it| pesos(&it["max"]) >= 40_000);
        let account = self.find(&cast.coaguasimales, ordinary, wanted).await?;
        let before = self.look_up(&cast.coaguasimales, &account).await?;
        let paid = self.pay(&cast.coaguasimales, &payment(&account, "partial", "30000.00", None, "C2")).await?;
        let path = format!("/v1/payments/{}/reversals", text(&paid["id"]));
        let body = json!({"reason": "wrong_amount", "supervisor": "S-01"});
        let reversed = self.post(&cast.coaguasimales, &path, &self.key(), &body).await?.json();
        let after = self.look_up(&cast.coaguasimales, &account).await?;
        self.stage.demand(before["payable_now"] == after["payable_now"], "the debt is not what it was")?;
        let (id, payable) = (text(&reversed["id"]), text(&after["payable_now"]));
        self.stage.say(&format!("Reversal {id}; payable again {payable}"));
        Ok(())
    }

    /// A suspended account pays, and the order is there in the payment's own answer.
    ///
    /// # Errors
    /// The step did not do what it said.
    pub async fn suspended_account_pays(&mut self) -> Result<(String, String), StepError> {
        self.stage.step("A customer without light pays at JJ PITA");
        let cast = self.cast;
        let suspended = |account: &Account| {
            let service = &account.service;
            service.status == ServiceStatus::Suspended && service.cause == Some(SuspensionCause::NonPayment)
        };
        let wanted =
            |position: &Value| position["reconnection"]["blocked_by"].is_null() && option(position, "full").is_some();
        let account = self.find(&cast.jj_pita, suspended, wanted).await?;
        let position = self.look_up(&cast.jj_pita, &account).await?;
        self.stage.say(&describe(&position));
        self.stage.say(&format!("To reconnect: {}", text(&position["reconnection"]["amount_to_reconnect"])));
        let body = payment(&account, "full", &text(&position["payable_now"]), None, "C1");
        let paid = self.pay(&cast.jj_pita, &body).await?;
        self.stage.say(&receipt_line(&paid));
        let order = text(&paid["reconnection"]["id"]);
        self.stage.demand(!order.is_empty(), "the payment ordered no reconnection")?;
        self.stage.say(&format!("Reconnection {order}, due by {}", text(&paid["reconnection"]["due_by"])));
        Ok((account, order))
    }

    /// The reconnection service says where it wants to be told, and proves that the place is its own.
    /// Gives the endpoint.
    ///
    /// # Errors
    /// The step did not do what it said.
    pub async fn listen(&mut self, receiver: &Receiver) -> Result<String, StepError> {
        self.stage.step("The reconnection service says where it wants to be told");
        let key: Vec<u8> = (0..2).flat_map(|_| self.cast.clock.id().bits().to_be_bytes()).collect();
        let secret = format!("whsec_{}", STANDARD.encode(key));
        self.stage.demand(receiver.trust(&secret), "the receiver does not take the secret")?;
        let url = format!("http://{}/avisos", receiver.address);
        let body = json!({"url": url, "event_types": ["reconnection.requested"], "secret": secret});
        let reconnection = &self.cast.reconnection;
        let endpoint = self.post(reconnection, "/v1/webhook-endpoints", &self.key(), &body).await?.json();
        self.stage.demand(endpoint["status"] == "active", "the endpoint did not prove itself")?;
        self.stage.say(&format!("{} answered the challenge: {}", url, text(&endpoint["id"])));
        Ok(text(&endpoint["id"]))
    }

    /// The order arrives, signed.
    ///
    /// # Errors
    /// It did not.
    pub async fn order_arrives(&mut self, receiver: &Receiver, order: &str) -> Result<(), StepError> {
        self.stage.step("The order arrives at the reconnection service, signed");
        let event = receiver.wait_for(PATIENCE, |event| event["data"]["order_id"] == order).await;
        let Some(event) = event else { return Err(self.stage.failed("the order did not arrive")) };
        let (kind, seq) = (text(&event["type"]), text(&event["seq"]));
        self.stage.say(&format!("{kind}, seq {seq}, signature good (verified with the public library)"));
        self.stage.say(&event["data"].to_string());
        Ok(())
    }

    /// The crew reports, and the counter sees it.
    ///
    /// # Errors
    /// The step did not do what it said.
    pub async fn crew_reports(&mut self, account: &str, order: &str) -> Result<(), StepError> {
        self.stage.step("The crew reports; the counter sees it");
        let cast = self.cast;
        for status in ["dispatched", "in_progress", "completed"] {
            let body = json!({"status": status, "crew": "CUADRILLA-07"});
            let path = format!("/v1/reconnections/{order}/status");
            let told = self.post(&cast.reconnection, &path, &self.key(), &body).await?.json();
            self.stage.say(&format!("{status}: accepted ({})", text(&told["status"])));
        }
        let seen = self.answer(cast.jj_pita.get(&format!("/v1/reconnections/{order}")).await)?.json();
        self.stage.demand(seen["status"] == "completed", "the counter does not see that the light is back")?;
        self.stage.say(&format!("JJ PITA sees order {order} of account {account}: completed"));
        Ok(())
    }

    /// The first account like this whose position is as wanted.
    async fn find(
        &mut self,
        client: &Client,
        like: impl Fn(&Account) -> bool,
        wanted: impl Fn(&Value) -> bool,
    ) -> Result<String, StepError> {
        for account in self.accounts.like(like) {
            let number = account.account_number.to_string();
            let position = self.look_up(client, &number).await?;
            // An earlier day may have been here; a second payment like it would rightly be doubted.
            if untouched(&account, &position) && wanted(&position) {
                self.accounts.0.retain(|account| account.account_number.as_str() != number);
                return Ok(number);
            }
        }
        Err(self.stage.failed("no account of the sample is in the wanted state any more; use another --dir"))
    }

    /// A position.
    ///
    /// # Errors
    /// The look-up was not answered with one.
    pub async fn look_up(&mut self, client: &Client, account: &str) -> Result<Value, StepError> {
        let answer = self.answer(client.get(&format!("/v1/accounts/{account}")).await)?;
        self.done(&answer)?;
        Ok(answer.json())
    }

    async fn pay(&mut self, client: &Client, body: &Value) -> Result<Value, StepError> {
        let key = self.key();
        Ok(self.post(client, "/v1/payments", &key, body).await?.json())
    }

    async fn ticket(&mut self, client: &Client, paid: &Value) -> Result<(), StepError> {
        let path = format!("/v1/payments/{}/receipt", text(&paid["id"]));
        let ticket = self.answer(client.get_as(&path, "text/plain; width=42").await)?;
        self.done(&ticket)?;
        self.stage.say(&ticket.text());
        Ok(())
    }

    async fn post(&mut self, client: &Client, path: &str, key: &str, body: &Value) -> Result<Answer, StepError> {
        let answer = self.answer(client.post_until_known(path, key, body, 5).await)?;
        self.done(&answer)?;
        Ok(answer)
    }

    pub(super) fn answer(&self, answer: Result<Answer, ClientError>) -> Result<Answer, StepError> {
        answer.map_err(|error| self.stage.failed(&error.to_string()))
    }

    pub(super) fn done(&self, answer: &Answer) -> Result<(), StepError> {
        match answer.is_success() {
            true => Ok(()),
            false => Err(self.stage.failed(&format!("{}: {}", answer.status, answer.text()))),
        }
    }

    fn key(&self) -> String {
        format!("demo-{}", self.cast.clock.id())
    }
}

/// Whether the position is still what billing said.
fn untouched(account: &Account, position: &Value) -> bool {
    let billed: Money = account.bills.iter().map(|bill| bill.balance).sum();
    let left = position["agreements"].as_array().into_iter().flatten();
    let left: u64 = left.filter_map(|agreement| agreement["installments_left"].as_u64()).sum();
    let agreed: usize = account.agreements.iter().map(|agreement| agreement.installments.len()).sum();
    text(&position["total_due"]) == billed.to_string() && usize::try_from(left) == Ok(agreed)
}

fn ordinary(account: &Account) -> bool {
    account.service.status == ServiceStatus::Active && !account.bills.is_empty()
}

fn payment(account: &str, kind: &str, amount: &str, agreement: Option<&str>, till: &str) -> Value {
    let mut body = json!({
        "account_number": account, "type": kind, "amount": amount, "currency": "COP",
        "tender": "cash", "till": till, "cashier": "ANA",
    });
    if let Some(agreement) = agreement {
        body["agreement_id"] = json!(agreement);
    }
    body
}

fn option<'a>(position: &'a Value, kind: &str) -> Option<&'a Value> {
    position["payment_options"].as_array()?.iter().find(|option| option["type"] == kind)
}

fn describe(position: &Value) -> String {
    let service = text(&position["service"]["status"]);
    let (holder, municipality) = (text(&position["holder"]), text(&position["municipality_code"]));
    let bills = position["bills"].as_array().map_or(0, Vec::len);
    let (total, disputed) = (text(&position["total_due"]), text(&position["disputed"]));
    let (payable, past_due) = (text(&position["payable_now"]), text(&position["past_due"]));
    format!(
        "{holder}, {municipality}; service {service}; {bills} bill(s)\n\
         total {total}, disputed {disputed}, payable now {payable}, past due {past_due}"
    )
}

fn receipt_line(paid: &Value) -> String {
    let (id, receipt, amount) = (text(&paid["id"]), text(&paid["receipt_number"]), text(&paid["amount"]));
    format!("{amount} paid: {id}, receipt {receipt}, then: {}", text(&paid["cashier_action"]))
}

/// Whole pesos of an amount, for showing and comparing in the demonstration only.
#[must_use]
pub fn pesos(amount: &Value) -> i64 {
    text(amount).split('.').next().and_then(|whole| whole.parse().ok()).unwrap_or(0)
}

/// A member as text, empty when it is missing.
#[must_use]
pub fn text(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        Value::Null => String::new(),
        other => other.to_string(),
    }
}
