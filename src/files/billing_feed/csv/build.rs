//! Builds an account from its rows.

use serde::Deserialize;
use serde::de::IntoDeserializer;
use serde::de::value::{Error as NameError, StrDeserializer};

use super::rows::{Cells, Wrong, same_account};
use super::{ACCOUNT_COLUMNS, AGREEMENT_COLUMNS, BILL_COLUMNS, INSTALLMENT_COLUMNS};
use crate::domain::account::{Account, AccountStatus, Agreement, Bill, Installment, Service, ServiceStatus};
use crate::domain::calendar::BusinessDate;
use crate::domain::ids::AccountNumber;
use crate::domain::money::Money;
use crate::files::billing_feed::rules::shown;

/// One of an enumeration's names, as the JSON form spells them.
pub(super) fn name<T: for<'de> Deserialize<'de>>(text: &str) -> Result<T, String> {
    let deserializer: StrDeserializer<'_, NameError> = text.into_deserializer();
    T::deserialize(deserializer).map_err(|error| error.to_string())
}

/// An account as far as its rows have told it.
pub(super) struct Builder {
    first: Vec<String>,
    account: Account,
    /// Whether the account's own columns have been read.
    begun: bool,
}

impl Builder {
    /// Remembers what every row of the account has to repeat.
    pub(super) fn new(cells: &Cells<'_>) -> Self {
        let first: Vec<String> = ACCOUNT_COLUMNS.iter().map(|name| cells.get(name).0.to_owned()).collect();
        let service = Service {
            status: ServiceStatus::Active,
            since: None,
            cause: None,
            amount_to_reconnect: None,
            reconnection_fee: None,
            known_incident: None,
        };
        let account = Account {
            account_number: AccountNumber::new(first[0].as_str()),
            holder_name: first[1].clone(),
            municipality_code: first[2].clone(),
            stratum: None,
            status: AccountStatus::Active,
            service,
            bills: Vec::new(),
            agreements: Vec::new(),
        };
        Self { first, account, begun: false }
    }

    pub(super) fn account_number(&self) -> &str {
        self.account.account_number.as_str()
    }

    pub(super) fn finish(self) -> Account {
        self.account
    }

    /// Adds what a row says.
    pub(super) fn add(&mut self, cells: &Cells<'_>) -> Result<(), Wrong> {
        same_account(&self.first, cells)?;
        if !self.begun {
            self.begun = true;
            self.read_account(cells)?;
        }
        let (kind, column) = cells.get("kind");
        let own: &[&[&str]] = match kind {
            "account" => &[],
            "bill" => &[BILL_COLUMNS],
            "agreement" => &[AGREEMENT_COLUMNS],
            "installment" => &[AGREEMENT_COLUMNS, INSTALLMENT_COLUMNS],
            _ => {
                let rule = "a kind is account, bill, agreement or installment".to_owned();
                return Err((column, "kind".to_owned(), rule, shown(kind.as_bytes())));
            }
        };
        let allowed = |name: &str| name == "kind" || ACCOUNT_COLUMNS.contains(&name) || own.concat().contains(&name);
        if let Some((name, column)) = cells.filled().find(|(name, _)| !allowed(name)) {
            let rule = format!("the column is empty in a row of kind {kind}");
            return Err((column, name.to_owned(), rule, shown(cells.get(name).0.as_bytes())));
        }
        match kind {
            "bill" => self.account.bills.push(bill(cells)?),
            "agreement" => self.agreement(cells).map(|_| ())?,
            "installment" => {
                let installment = installment(cells)?;
                self.agreement(cells)?.installments.push(installment);
            }
            _ => {}
        }
        Ok(())
    }

    fn read_account(&mut self, cells: &Cells<'_>) -> Result<(), Wrong> {
        let account = &mut self.account;
        account.stratum =
            optional(cells, "stratum", |text| text.parse().map_err(|_| "a stratum is a number, 1 to 6".to_owned()))?;
        account.status = needed(cells, "status", name)?;
        let service = &mut account.service;
        service.status = needed(cells, "service_status", name)?;
        service.since = optional(cells, "service_since", date)?;
        service.cause = optional(cells, "service_cause", name)?;
        service.amount_to_reconnect = optional(cells, "amount_to_reconnect", money)?;
        service.reconnection_fee = optional(cells, "reconnection_fee", money)?;
        service.known_incident = optional(cells, "known_incident", |text| Ok(text.to_owned()))?;
        Ok(())
    }

    /// The row's agreement: the last one when it is the same, else a new one.
    fn agreement(&mut self, cells: &Cells<'_>) -> Result<&mut Agreement, Wrong> {
        let read = Agreement {
            agreement_id: cells.get("agreement_id").0.to_owned(),
            status: needed(cells, "agreement_status", name)?,
            any_amount: flag(cells, "any_amount")?,
            clears_suspension: flag(cells, "clears_suspension")?,
            installments: Vec::new(),
        };
        let agreements = &mut self.account.agreements;
        if let Some(last) = agreements.last().filter(|last| last.agreement_id == read.agreement_id) {
            let same = (last.status, last.any_amount, last.clears_suspension)
                == (read.status, read.any_amount, read.clears_suspension);
            if !same {
                let (text, column) = cells.get("agreement_id");
                let rule = "the installments of an agreement repeat its columns".to_owned();
                return Err((column, "agreement_id".to_owned(), rule, shown(text.as_bytes())));
            }
        } else {
            agreements.push(read);
        }
        agreements.last_mut().ok_or_else(|| (1, String::new(), String::new(), String::new()))
    }
}

fn bill(cells: &Cells<'_>) -> Result<Bill, Wrong> {
    Ok(Bill {
        bill_number: cells.get("bill_number").0.to_owned(),
        period: cells.get("period").0.to_owned(),
        issued_on: needed(cells, "issued_on", date)?,
        due_on: needed(cells, "due_on", date)?,
        balance: needed(cells, "balance", money)?,
        disputed: optional(cells, "disputed", money)?.unwrap_or(Money::ZERO),
    })
}

fn installment(cells: &Cells<'_>) -> Result<Installment, Wrong> {
    Ok(Installment {
        number: needed(cells, "installment_number", |text| {
            text.parse().map_err(|_| "an installment has a number".to_owned())
        })?,
        due_on: needed(cells, "due_on", date)?,
        balance: needed(cells, "balance", money)?,
    })
}

fn date(text: &str) -> Result<BusinessDate, String> {
    BusinessDate::parse(text).map_err(|error| error.to_string())
}

fn money(text: &str) -> Result<Money, String> {
    text.parse::<Money>().map_err(|error| error.to_string())
}

fn flag(cells: &Cells<'_>, column: &'static str) -> Result<bool, Wrong> {
    let read = |text: &str| text.parse().map_err(|_| "it is true or false".to_owned());
    Ok(optional(cells, column, read)?.unwrap_or(false))
}

fn needed<T>(
    cells: &Cells<'_>,
    column: &'static str,
    read: impl FnOnce(&str) -> Result<T, String>,
) -> Result<T, Wrong> {
    let (text, at) = cells.get(column);
    read(text).map_err(|rule| (at, column.to_owned(), rule, shown(text.as_bytes())))
}

fn optional<T>(
    cells: &Cells<'_>,
    column: &'static str,
    read: impl FnOnce(&str) -> Result<T, String>,
) -> Result<Option<T>, Wrong> {
    if cells.get(column).0.is_empty() { Ok(None) } else { needed(cells, column, read).map(Some) }
}
