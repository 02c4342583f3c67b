//! Asobancaria facturación 2001 as a feed: bills only, so the supply is taken as active.
//!
//! Records 06 of the same account that stand together become one account. A bill's balance is what
//! its principal and additional services cost; its number is the secondary reference, or, without
//! one, the due date and the reference; its period is the month in which the file was made.

use std::collections::BTreeMap;

use super::rules::{broken_rule, shown};
use super::stream::Stream;
use super::{FeedError, FeedSettings, Format, MAX_LINE_BYTES, Row, RowError, RowFault, SnapshotHeader, SnapshotKind};
use crate::domain::account::{Account, AccountStatus, Bill, Service, ServiceStatus};
use crate::domain::calendar::{BusinessDate, Timestamp};
use crate::domain::ids::AccountNumber;
use crate::files::asobancaria_2001::billing::{BillingHeader, BillingItem, BillingReader, BillingRecord};
use crate::files::fixed_width::Fault;

/// A record 06 with its line and its bytes.
type Numbered = (u64, Box<BillingRecord>, Vec<u8>);

/// The accounts of a billing file.
pub(super) struct Rows<'a> {
    reader: BillingReader<Stream<'a>>,
    settings: FeedSettings,
    file_date: BusinessDate,
    pending: Option<Numbered>,
    over: bool,
}

/// Reads the header record.
pub(super) fn open(stream: Stream<'_>, settings: FeedSettings) -> Result<(SnapshotHeader, Rows<'_>), FeedError> {
    if !settings.reference.is_valid() {
        let allowed = "a setting that points into the 48 digits of the reference".to_owned();
        let found = format!("{:?}", settings.reference);
        return Err(Fault { line: 1, column: 1, field: "referencia_principal", found, allowed }.into());
    }
    let mut reader = BillingReader::new(stream);
    let first = reader.next().transpose()?.map(|read| read.item);
    let Some(BillingItem::Header(header)) = first else { return Err(FeedError::Empty) };
    let file_date = header.file_date;
    let snapshot = snapshot(&header, settings.utc_offset_minutes);
    Ok((snapshot, Rows { reader, settings, file_date, pending: None, over: false }))
}

fn snapshot(header: &BillingHeader, utc_offset_minutes: i16) -> SnapshotHeader {
    let BillingHeader { biller, file_date, recorded_at, modifier, .. } = header;
    // 24:00 is the end of the file's own day.
    let hours = recorded_at.number() / 100;
    let minutes = i64::from(hours) * 60 + i64::from(recorded_at.minute()) - i64::from(utc_offset_minutes);
    let midnight = file_date.date().midnight().assume_utc().unix_timestamp();
    SnapshotHeader {
        id: format!("asobancaria-{biller}-{file_date}-{modifier}"),
        kind: SnapshotKind::Full,
        as_of: Timestamp::from_micros(midnight * 1_000_000).plus_minutes(minutes),
        collections_included_through: BTreeMap::new(),
        currency: "COP".to_owned(),
    }
}

impl Iterator for Rows<'_> {
    type Item = Result<Row, RowError>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.over {
            return None;
        }
        let step = self.step();
        self.over = matches!(step, Ok(None) | Err(RowError::Broken(_)));
        step.transpose()
    }
}

impl Rows<'_> {
    /// The next record 06; the trailers check themselves.
    fn next_bill(&mut self) -> Result<Option<Numbered>, FeedError> {
        if self.pending.is_some() {
            return Ok(self.pending.take());
        }
        while let Some(read) = self.reader.next().transpose()? {
            if let BillingItem::Bill(record) = read.item {
                return Ok(Some((read.line, record, self.reader.last_record().to_vec())));
            }
        }
        Ok(None)
    }

    fn step(&mut self) -> Result<Option<Row>, RowError> {
        let Some((line, record, mut raw)) = self.next_bill()? else { return Ok(None) };
        let number = self.account_of(line, &record)?;
        let mut account = self.account(&number, &record);
        account.bills.push(self.bill(&record));
        while let Some((line, record, bytes)) = self.next_bill()? {
            if self.account_of(line, &record)? != number {
                self.pending = Some((line, record, bytes));
                break;
            }
            if raw.len() + bytes.len() > MAX_LINE_BYTES {
                let (found, allowed) = (number.to_string(), format!("an account of at most {MAX_LINE_BYTES} bytes"));
                let fault = Fault { line, column: 3, field: "referencia_principal", found, allowed };
                return Err(RowError::Broken(fault.into()));
            }
            raw.extend_from_slice(b"\r\n");
            raw.extend_from_slice(&bytes);
            account.bills.push(self.bill(&record));
        }
        match broken_rule(&account, &self.settings.accounts) {
            None => Ok(Some(Row { line, account, raw, form: Format::Asobancaria2001 })),
            Some((pointer, rule)) => {
                let found = shown(&raw[..raw.len().min(50)]);
                Err(RowError::Rejected(Box::new(RowFault { line, column: 3, pointer, rule, found, raw })))
            }
        }
    }

    fn account_of(&self, line: u64, record: &BillingRecord) -> Result<AccountNumber, FeedError> {
        self.settings.reference.extract(&record.reference).map_err(|error| {
            let found = record.reference.to_string();
            Fault { line, column: 3, field: "referencia_principal", found, allowed: error.to_string() }.into()
        })
    }

    fn account(&self, number: &AccountNumber, record: &BillingRecord) -> Account {
        Account {
            account_number: number.clone(),
            holder_name: record.customer_name.clone(),
            municipality_code: self.settings.municipality_code.clone(),
            stratum: None,
            status: AccountStatus::Active,
            service: Service {
                status: ServiceStatus::Active,
                since: None,
                cause: None,
                amount_to_reconnect: None,
                reconnection_fee: None,
                known_incident: None,
            },
            bills: Vec::new(),
            agreements: Vec::new(),
        }
    }

    fn bill(&self, record: &BillingRecord) -> Bill {
        let reference = record.reference.as_str().trim_start_matches('0');
        let bill_number = match record.secondary_reference.as_str() {
            "" => format!("{}-{reference}", record.due_on.number()),
            secondary => secondary.to_owned(),
        };
        Bill {
            bill_number,
            period: self.file_date.to_string()[..7].to_owned(),
            issued_on: self.file_date,
            due_on: record.due_on,
            balance: record.amount + record.additional_amount,
            disputed: crate::domain::money::Money::ZERO,
        }
    }
}
