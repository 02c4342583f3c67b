//! A till to try it with: the partner's side for whoever has no cashier system.
//!
//! Every call that moves money is in the journal, and on the disk, before it leaves; after a crash
//! or a lost line the same keys are sent again, so the books end equal. `demo` uses the same code.

pub mod dialogue;

use std::sync::Arc;

use serde_json::{Value, json};

use crate::client::{Answer, Client, ClientError};
use crate::clock::Clock;
use crate::store::journal::{Entry, Journal, JournalError};

/// How often an unknown outcome is asked for again before the till leaves it in the journal.
const ATTEMPTS: u32 = 6;

/// One drawer of one partner, with its journal.
pub struct Till {
    client: Client,
    journal: Journal,
    clock: Arc<dyn Clock>,
    /// The name of the drawer.
    pub name: String,
    /// Who sits at it.
    pub cashier: String,
}

/// What became of a call that moves money.
#[derive(Clone, Debug)]
pub enum Settled {
    /// Done; the answer's body.
    Done(Value),
    /// Refused; the problem.
    Refused(Value),
    /// Nobody knows yet. It stands in the journal and is asked for again under the same key.
    Unknown(String),
}

/// Why a till cannot go on.
#[derive(Debug, thiserror::Error)]
pub enum TillError {
    /// The journal failed: nothing may be asked for without it.
    #[error(transparent)]
    Journal(#[from] JournalError),
    /// The gateway cannot be called at all.
    #[error(transparent)]
    Client(#[from] ClientError),
}

/// What the till and the gateway think of the session after a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Tally {
    /// They agree.
    Agrees,
    /// The gateway knows of movements that this till does not, or the other way about.
    Differs,
}

impl Till {
    /// A till with its journal; entries without an answer are still to be recovered.
    #[must_use]
    pub fn new(client: Client, journal: Journal, clock: Arc<dyn Clock>, name: &str, cashier: &str) -> Self {
        Self { client, journal, clock, name: name.to_owned(), cashier: cashier.to_owned() }
    }

    /// The connection, for reading.
    #[must_use]
    pub const fn client(&self) -> &Client {
        &self.client
    }

    /// Sends everything again that has no answer, with the keys of then.
    ///
    /// # Errors
    /// The journal failed, or the identity is refused.
    pub async fn recover(&mut self) -> Result<Vec<(Entry, Settled)>, TillError> {
        let mut recovered = Vec::new();
        for entry in self.journal.pending()? {
            let settled = self.send(&entry).await?;
            recovered.push((entry, settled));
        }
        Ok(recovered)
    }

    /// Looks an account up.
    ///
    /// # Errors
    /// The line is down or the identity is refused.
    pub async fn look_up(&self, account_number: &str) -> Result<Answer, ClientError> {
        self.client.get(&format!("/v1/accounts/{account_number}")).await
    }

    /// Takes a payment. `kind` is `full`, `partial` or `installment`; `amount` in pesos with two decimals.
    ///
    /// # Errors
    /// The journal failed, or the identity is refused.
    pub async fn pay(
        &mut self,
        account_number: &str,
        kind: &str,
        amount: &str,
        agreement_id: Option<&str>,
        confirm_distinct_from: Option<&str>,
    ) -> Result<Settled, TillError> {
        let mut body = json!({
            "account_number": account_number, "type": kind, "amount": amount, "currency": "COP",
            "tender": "cash", "till": self.name, "cashier": self.cashier,
        });
        let extra = [("agreement_id", agreement_id), ("confirm_distinct_from", confirm_distinct_from)];
        for (member, value) in extra.into_iter().filter_map(|(member, value)| value.map(|value| (member, value))) {
            body[member] = json!(value);
        }
        self.ask("/v1/payments".to_owned(), &body).await
    }

    /// Takes a payment back.
    ///
    /// # Errors
    /// The journal failed, or the identity is refused.
    pub async fn reverse(&mut self, payment_id: &str, reason: &str, supervisor: &str) -> Result<Settled, TillError> {
        let body = json!({"reason": reason, "supervisor": supervisor});
        self.ask(format!("/v1/payments/{payment_id}/reversals"), &body).await
    }

    /// Opens a session with this much in the drawer.
    ///
    /// # Errors
    /// The journal failed, or the identity is refused.
    pub async fn open(&mut self, base: &str) -> Result<Settled, TillError> {
        let body = json!({"till": self.name, "cashier": self.cashier, "base": base});
        self.ask("/v1/cash-sessions".to_owned(), &body).await
    }

    /// Closes a session with what was counted: (denomination in pesos, how many).
    ///
    /// # Errors
    /// The journal failed, or the identity is refused.
    pub async fn close(&mut self, session_id: &str, counted: &[(u32, u32)]) -> Result<Settled, TillError> {
        let denominations: Vec<Value> =
            counted.iter().map(|(value, count)| json!({"value": format!("{value}.00"), "count": count})).collect();
        let body = json!({"cashier": self.cashier, "denominations": denominations});
        self.ask(format!("/v1/cash-sessions/{session_id}/close"), &body).await
    }

    /// The receipt of a payment in so many columns (32, 42 or 48).
    ///
    /// # Errors
    /// The line is down or the identity is refused.
    pub async fn ticket(&self, payment_id: &str, columns: u8) -> Result<String, ClientError> {
        let accept = match columns {
            32 => "text/plain; width=32",
            48 => "text/plain; width=48",
            _ => "text/plain; width=42",
        };
        let answer = self.client.get_as(&format!("/v1/payments/{payment_id}/receipt"), accept).await?;
        Ok(answer.text())
    }

    /// The session as the till last saw it.
    ///
    /// # Errors
    /// The journal failed.
    pub fn session(&mut self) -> Result<Option<Value>, JournalError> {
        let stamp = self.journal.session(&self.name)?;
        Ok(stamp.and_then(|stamp| serde_json::from_str(&stamp).ok()))
    }

    /// Keeps a session that was opened and has seen nothing yet.
    ///
    /// # Errors
    /// The journal failed.
    pub fn begin_session(&mut self, opening: &Value) -> Result<(), JournalError> {
        let stamp = json!({"id": opening["id"], "count": 0});
        self.journal.keep_session(&self.name, &stamp.to_string())
    }

    /// Keeps the session of an answer and says whether it follows on the one before: one movement
    /// more. A different count means that a movement was lost or doubled somewhere.
    ///
    /// # Errors
    /// The journal failed.
    pub fn tally(&mut self, answer: &Value) -> Result<Tally, JournalError> {
        let now = &answer["session"];
        let before = self.session()?;
        self.journal.keep_session(&self.name, &now.to_string())?;
        let follows = match before {
            Some(before) if before["id"] == now["id"] => {
                before["count"].as_i64().map(|count| count + 1) == now["count"].as_i64()
            }
            _ => now["count"].as_i64() == Some(1),
        };
        Ok(if follows { Tally::Agrees } else { Tally::Differs })
    }

    async fn ask(&mut self, path: String, body: &Value) -> Result<Settled, TillError> {
        let entry = Entry {
            key: format!("till-{}", self.clock.id()),
            path,
            body: body.to_string(),
            asked_at: self.clock.now().micros(),
            status: None,
            answer: None,
        };
        self.journal.begin(&entry)?;
        self.send(&entry).await
    }

    async fn send(&mut self, entry: &Entry) -> Result<Settled, TillError> {
        let body = serde_json::from_str(&entry.body).unwrap_or(Value::Null);
        let answer = match self.client.post_until_known(&entry.path, &entry.key, &body, ATTEMPTS).await {
            Ok(answer) => answer,
            Err(ClientError::NoAnswer { reason, .. }) => return Ok(Settled::Unknown(reason)),
            Err(error) => return Err(error.into()),
        };
        if answer.is_unknown() {
            return Ok(Settled::Unknown(format!("{} {}", answer.status, answer.code())));
        }
        self.journal.finish(&entry.key, answer.status, &answer.text())?;
        Ok(if answer.is_success() { Settled::Done(answer.json()) } else { Settled::Refused(answer.json()) })
    }
}
