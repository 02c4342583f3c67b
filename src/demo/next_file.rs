//! The next billing file comes in, and no paid debt appears again: neither when the file was made
//! before billing took the batch, nor when it contains it.

use std::time::Duration;

use serde_json::{Value, json};

use super::day::{Day, pesos, text};
use super::evening::{Collected, Office};
use super::stage::StepError;
use crate::domain::account::Account;
use crate::domain::ids::Id;
use crate::domain::money::Money;

/// How long a file may take, and how often it is asked after.
const PATIENCE: Duration = Duration::from_secs(60);
const PAUSE: Duration = Duration::from_millis(50);

/// An account that was paid today, at each stage of the evening.
struct Paid {
    account: Account,
    paid: i64,
    /// What the account owed after the payment, after the one file, and after the other.
    owed: Vec<String>,
}

impl Day<'_, '_> {
    /// Sends two billing files and looks the paid accounts up after each.
    ///
    /// # Errors
    /// A paid debt appeared again, or a payment counted twice.
    pub async fn next_billing_files(
        &mut self,
        office: &Office,
        collected: &Collected,
        began: Id,
    ) -> Result<(), StepError> {
        self.stage.step("The next billing files come in: no paid debt appears again, no payment counts twice");
        let began = began.with_prefix("pay");
        let of_today: Vec<&Value> = collected
            .payments
            .iter()
            .filter(|payment| text(&payment["id"]) > began && payment["reversal_id"].is_null())
            .collect();
        let mut accounts = self.paid_accounts(office, &of_today)?;
        self.look_all_up(&mut accounts).await?;

        let as_billed: Vec<Account> = accounts.iter().map(|paid| paid.account.clone()).collect();
        let made = "made before billing took the batch: the paid bills are still in it";
        self.send_file(office, &as_billed, &json!({}), made).await?;
        self.look_all_up(&mut accounts).await?;

        let in_batch: Vec<&Value> =
            of_today.iter().filter(|payment| text(&payment["business_date"]) <= collected.date).copied().collect();
        let applied: Vec<Account> = as_billed.into_iter().map(|account| without(account, &in_batch)).collect();
        let made = format!("names the batch: {} of these payments are in it, and taken off", in_batch.len());
        self.send_file(office, &applied, &json!({"coompecens": collected.batch}), &made).await?;
        self.look_all_up(&mut accounts).await?;

        self.stage.say(&format!(
            "{:<12} {:>11} {:>11} {:>11} {:>14} {:>12}",
            "account", "billed", "paid", "owes", "file without", "file with"
        ));
        for Paid { account, paid, owed } in &accounts {
            let billed: Money = account.bills.iter().map(|bill| bill.balance).sum();
            let number = account.account_number.as_str();
            let (billed, paid) = (billed.to_string(), format!("{paid}.00"));
            self.stage
                .say(&format!("{number:<12} {billed:>11} {paid:>11} {:>11} {:>14} {:>12}", owed[0], owed[1], owed[2]));
        }
        let stays = |paid: &Paid| paid.owed.iter().all(|owed| *owed == paid.owed[0]);
        self.stage.demand(accounts.iter().all(stays), "a billing file changed what a paid account owes")?;
        self.stage.demand(accounts.iter().any(|paid| paid.owed[0] == "0.00"), "no account was paid off today")
    }

    /// The accounts of these payments, as billing's first file told them.
    fn paid_accounts(&self, office: &Office, payments: &[&Value]) -> Result<Vec<Paid>, StepError> {
        let sample = std::fs::read_to_string(office.folder.join("billing-sample.jsonl"));
        let sample = sample.map_err(|error| self.stage.failed(&error.to_string()))?;
        let known = sample.lines().skip(1).filter_map(|line| serde_json::from_str::<Account>(line).ok());
        let paid = |account: Account| {
            let number = account.account_number.as_str();
            let here = payments.iter().filter(|payment| payment["account_number"] == number);
            let paid: i64 = here.map(|payment| pesos(&payment["amount"])).sum();
            (paid > 0).then_some(Paid { account, paid, owed: Vec::new() })
        };
        Ok(known.filter_map(paid).collect())
    }

    async fn look_all_up(&mut self, accounts: &mut [Paid]) -> Result<(), StepError> {
        let cast = self.cast;
        for paid in accounts {
            let position = self.look_up(&cast.coompecens, paid.account.account_number.as_str()).await?;
            paid.owed.push(text(&position["total_due"]));
        }
        Ok(())
    }

    /// Sends a delta with these accounts and waits until it is in place.
    async fn send_file(
        &mut self,
        office: &Office,
        accounts: &[Account],
        through: &Value,
        made: &str,
    ) -> Result<(), StepError> {
        let (id, as_of) = (self.cast.clock.id().with_prefix("demo"), self.cast.clock.now());
        let header = json!({"snapshot": {"id": id, "kind": "delta", "as_of": as_of,
            "collections_included_through": through, "currency": "COP"}});
        let mut file = format!("{header}\n");
        for account in accounts {
            file.push_str(&format!("{}\n", json!(account)));
        }
        let sent = office.billing.upload("/v1/billing/snapshots", "application/jsonl", file.into_bytes()).await;
        let sent = self.answer(sent)?;
        // Taken in after the answer, so 202 is what is wanted here.
        self.stage.demand(sent.status == 202, &format!("{}: {}", sent.status, sent.text()))?;
        let path = format!("/v1/billing/snapshots/{}", text(&sent.json()["id"]));
        let ended = tokio::time::timeout(PATIENCE, async {
            loop {
                let seen = self.answer(office.billing.get(&path).await)?;
                self.done(&seen)?;
                let view = seen.json();
                if !view["result"].is_null() {
                    return Ok(view);
                }
                tokio::time::sleep(PAUSE).await;
            }
        });
        let view = ended.await.map_err(|_| self.stage.failed("the billing file is not taken in"))??;
        self.stage.demand(view["status"] == "loaded", &view.to_string())?;
        self.stage.say(&format!("{id}: {} accounts; {made}", accounts.len()));
        Ok(())
    }
}

/// The account as billing tells it once it has applied these payments.
fn without(mut account: Account, payments: &[&Value]) -> Account {
    let number = account.account_number.to_string();
    for payment in payments.iter().filter(|payment| payment["account_number"] == number.as_str()) {
        for allocation in payment["allocations"].as_array().into_iter().flatten() {
            let amount: Money = text(&allocation["amount"]).parse().unwrap_or_default();
            if let Some(bill) = account.bills.iter_mut().find(|bill| allocation["bill_number"] == bill.bill_number) {
                bill.balance -= amount;
            }
        }
    }
    account.bills.retain(|bill| bill.balance.is_positive());
    account
}
