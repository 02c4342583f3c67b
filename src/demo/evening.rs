//! The end of the day: the batch is sealed, billing takes the file, the partner's list is compared.

use std::path::PathBuf;

use serde_json::Value;

use super::day::{Day, pesos, text};
use super::stage::StepError;
use crate::client::Client;

/// Who takes part in the evening.
pub struct Office {
    /// Billing.
    pub billing: Client,
    /// Where files are put.
    pub folder: PathBuf,
}

/// A sealed batch, and what its partner collected so far.
pub struct Collected {
    /// The batch's id.
    pub batch: String,
    /// Its business date.
    pub date: String,
    /// The partner's payments, of this date and others.
    pub payments: Vec<Value>,
}

impl Day<'_, '_> {
    /// Seals the day of one partner and shows the file that billing takes.
    ///
    /// # Errors
    /// The step did not do what it said.
    pub async fn seal(&mut self, office: &Office, partner: &str) -> Result<Collected, StepError> {
        self.stage.step("The day ends: the batch of COOMPECENS is sealed, and billing takes the file");
        let cast = self.cast;
        let today = self.answer(cast.coompecens.get("/v1/payments?limit=200").await)?;
        let payments: Vec<Value> = today.json()["data"].as_array().cloned().unwrap_or_default();
        let mut date = payments.iter().map(|payment| text(&payment["business_date"])).max().unwrap_or_default();
        let seal = |date: &str| format!("/v1/collection-batches/{date}/seal?partner={partner}");
        let mut sealed = self.answer(office.billing.post(&seal(&date), None, &Value::Null).await)?;
        if sealed.code() == "batch-not-sealable" {
            self.stage.say(&format!("Today was sealed by an earlier demonstration; {date} has yet to begin"));
            date = text(&sealed.json()["sealable_through"]);
            sealed = self.answer(office.billing.post(&seal(&date), None, &Value::Null).await)?;
        }
        self.done(&sealed)?;
        let batch = sealed.json()["data"].as_array().and_then(|batches| batches.last().cloned()).unwrap_or_default();
        let (id, count, total) = (text(&batch["id"]), text(&batch["count"]), text(&batch["total"]));
        self.stage.say(&format!("Batch {id} of {date}: {count} payments, {total}"));
        let path = format!("/v1/collection-batches/{id}/file?format=asobancaria-2001");
        let file = self.answer(office.billing.get_as(&path, "*/*").await)?;
        self.done(&file)?;
        let again = self.answer(office.billing.get_as(&path, "*/*").await)?;
        self.stage.demand(file.bytes == again.bytes, "the file is not the same twice")?;
        let name = office.folder.join(format!("recaudo-{partner}-{date}.txt"));
        std::fs::write(&name, &file.bytes).map_err(|error| self.stage.failed(&error.to_string()))?;
        for line in file.text().lines() {
            self.stage.say(line.get(..97).unwrap_or(line).trim_end());
        }
        self.stage.say(&format!("{} bytes, the same twice: {}", file.bytes.len(), name.display()));
        Ok(Collected { batch: id, date, payments })
    }

    /// Compares a list of the partner's with one line lost, one doubled and one changed.
    ///
    /// # Errors
    /// Other differences than these were found.
    pub async fn reconcile(&mut self, collected: &Collected) -> Result<(), StepError> {
        let Collected { date, payments, .. } = collected;
        self.stage.step("The partner's own list is compared: one line lost, one doubled, one changed");
        let mut rows: Vec<&Value> = payments
            .iter()
            .filter(|payment| payment["business_date"] == date.as_str() && payment["reversal_id"].is_null())
            .collect();
        rows.sort_by_key(|payment| text(&payment["id"]));
        self.stage.demand(rows.len() >= 2, "too few payments to spoil a list with")?;
        let mut list = String::from("receipt_number,account_number,amount,date\n");
        let line = |payment: &Value, amount: &str| {
            let (receipt, account) = (text(&payment["receipt_number"]), text(&payment["account_number"]));
            format!("{receipt},{account},{amount},{date}\n")
        };
        // The first is changed, the second doubled, the last lost.
        let changed = format!("{}.00", pesos(&rows[0]["amount"]) + 1000);
        list.push_str(&line(rows[0], &changed));
        for (ordinal, payment) in rows.iter().enumerate().skip(1) {
            let times = if ordinal == 1 { 2 } else { 1 };
            let lost = ordinal + 1 == rows.len() && rows.len() > 2;
            for _ in 0..if lost { 0 } else { times } {
                list.push_str(&line(payment, &text(&payment["amount"])));
            }
        }
        let path = format!("/v1/reconciliations?business_date={date}&format=csv");
        let cast = self.cast;
        let run = self.answer(cast.coompecens.upload(&path, "text/csv", list.into_bytes()).await)?;
        self.done(&run)?;
        let id = text(&run.json()["id"]);
        let breaks = self.answer(cast.coompecens.get(&format!("/v1/reconciliations/{id}/breaks")).await)?;
        self.done(&breaks)?;
        let breaks = breaks.json()["data"].as_array().cloned().unwrap_or_default();
        for found in &breaks {
            let (cause, stake) = (text(&found["cause"]), text(&found["amount_at_stake"]));
            self.stage.say(&format!("{cause:<16} {stake:>12}  {}", text(&found["cure"])));
        }
        let wanted = if rows.len() > 2 { 3 } else { 2 };
        self.stage.demand(breaks.len() == wanted, "not exactly the planted differences were found")
    }
}
