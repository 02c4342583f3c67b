//! Writes the CSV form, so that a feed can be turned from one form into the other.

use std::collections::HashMap;
use std::io::{self, Write};

use serde::Serialize;

use super::{all_columns, split};
use crate::domain::account::{Account, Agreement, Bill, Installment};
use crate::files::billing_feed::SnapshotHeader;

/// Writes a feed as CSV, an account at a time.
pub struct CsvFeedWriter<W> {
    out: W,
    columns: Vec<&'static str>,
}

type Cells = HashMap<&'static str, String>;

impl<W: Write> CsvFeedWriter<W> {
    /// Writes the header lines and the names of the columns.
    ///
    /// # Errors
    /// The stream fails.
    pub fn start(out: W, header: &SnapshotHeader) -> io::Result<Self> {
        let mut writer = Self { out, columns: all_columns() };
        let kind = spelled(&header.kind);
        writer.line("#snapshot", &[&header.id, &kind, &header.as_of.to_string(), &header.currency])?;
        for (partner, batch) in &header.collections_included_through {
            writer.line("#collections", &[partner.as_str(), batch.as_deref().unwrap_or_default()])?;
        }
        let names = writer.columns.clone();
        writer.line(names[0], &names[1..])?;
        Ok(writer)
    }

    /// Writes the rows of one account.
    ///
    /// # Errors
    /// The stream fails.
    pub fn account(&mut self, account: &Account) -> io::Result<()> {
        let common = account_cells(account);
        if account.bills.is_empty() && account.agreements.is_empty() {
            self.row("account", &common, Cells::new())?;
        }
        for bill in &account.bills {
            self.row("bill", &common, bill_cells(bill))?;
        }
        for agreement in &account.agreements {
            if agreement.installments.is_empty() {
                self.row("agreement", &common, agreement_cells(agreement))?;
            }
            for installment in &agreement.installments {
                let mut cells = agreement_cells(agreement);
                cells.extend(installment_cells(installment));
                self.row("installment", &common, cells)?;
            }
        }
        Ok(())
    }

    /// Flushes and gives the stream back.
    ///
    /// # Errors
    /// The stream fails.
    pub fn finish(mut self) -> io::Result<W> {
        self.out.flush()?;
        Ok(self.out)
    }

    fn row(&mut self, kind: &str, common: &Cells, own: Cells) -> io::Result<()> {
        let cells: Vec<&str> = self.columns[1..]
            .iter()
            .map(|name| own.get(name).or_else(|| common.get(name)).map_or("", String::as_str))
            .collect();
        let line = joined(kind, &cells);
        self.out.write_all(line.as_bytes())
    }

    fn line(&mut self, first: &str, rest: &[&str]) -> io::Result<()> {
        self.out.write_all(joined(first, rest).as_bytes())
    }
}

fn joined(first: &str, rest: &[&str]) -> String {
    let mut line = first.to_owned();
    for text in rest {
        line.push(',');
        split::push(&mut line, text, ',');
    }
    line.push('\n');
    line
}

/// The name of an enumeration's value, as the JSON form spells it.
fn spelled(value: &impl Serialize) -> String {
    match serde_json::to_value(value) {
        Ok(serde_json::Value::String(name)) => name,
        _ => String::new(),
    }
}

fn text<T: ToString>(value: Option<T>) -> String {
    value.map(|value| value.to_string()).unwrap_or_default()
}

fn account_cells(account: &Account) -> Cells {
    let service = &account.service;
    Cells::from([
        ("account_number", account.account_number.to_string()),
        ("holder_name", account.holder_name.clone()),
        ("municipality_code", account.municipality_code.clone()),
        ("stratum", text(account.stratum)),
        ("status", spelled(&account.status)),
        ("service_status", spelled(&service.status)),
        ("service_since", text(service.since)),
        ("service_cause", service.cause.as_ref().map(spelled).unwrap_or_default()),
        ("amount_to_reconnect", text(service.amount_to_reconnect)),
        ("reconnection_fee", text(service.reconnection_fee)),
        ("known_incident", service.known_incident.clone().unwrap_or_default()),
    ])
}

fn bill_cells(bill: &Bill) -> Cells {
    Cells::from([
        ("bill_number", bill.bill_number.clone()),
        ("period", bill.period.clone()),
        ("issued_on", bill.issued_on.to_string()),
        ("due_on", bill.due_on.to_string()),
        ("balance", bill.balance.to_string()),
        ("disputed", bill.disputed.to_string()),
    ])
}

fn agreement_cells(agreement: &Agreement) -> Cells {
    Cells::from([
        ("agreement_id", agreement.agreement_id.clone()),
        ("agreement_status", spelled(&agreement.status)),
        ("any_amount", agreement.any_amount.to_string()),
        ("clears_suspension", agreement.clears_suspension.to_string()),
    ])
}

fn installment_cells(installment: &Installment) -> Cells {
    Cells::from([
        ("installment_number", installment.number.to_string()),
        ("due_on", installment.due_on.to_string()),
        ("balance", installment.balance.to_string()),
    ])
}
