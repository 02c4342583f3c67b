//! What billing said about an account, as it said it.
//!
//! One document an account, replaced whole by the next snapshot; nothing is computed here.
//! The shape is the billing feed's line (JSON Lines); unknown members are refused, so that a
//! misspelt amount is a rejected row and not a debt of zero.

use serde::{Deserialize, Serialize};

use super::calendar::BusinessDate;
use super::ids::AccountNumber;
use super::money::Money;

/// An account as the latest billing snapshot describes it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Account {
    /// The supply contract's number.
    pub account_number: AccountNumber,
    /// The holder's full name; leaves the gateway only masked.
    pub holder_name: String,
    /// DIVIPOLA code of the municipality (DANE), five digits.
    pub municipality_code: String,
    /// Socio-economic stratum, 1 to 6, where there is one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stratum: Option<u8>,
    /// Whether billing still takes money for it.
    pub status: AccountStatus,
    /// The state of the supply.
    pub service: Service,
    /// What billing issued and is not fully paid.
    #[serde(default)]
    pub bills: Vec<Bill>,
    /// Debts spread over dated parts.
    #[serde(default)]
    pub agreements: Vec<Agreement>,
}

/// Whether billing still takes money for an account.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AccountStatus {
    /// Money is taken.
    Active,
    /// Billing closed the account: no payment is accepted.
    Closed,
}

/// The state of the supply and what would change it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Service {
    /// Whether there is light.
    pub status: ServiceStatus,
    /// Since when.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub since: Option<BusinessDate>,
    /// Why it was (or is about to be) suspended.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cause: Option<SuspensionCause>,
    /// What clears the cause; absent: everything past due and undisputed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub amount_to_reconnect: Option<Money>,
    /// What reconnecting costs, as billing charges it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reconnection_fee: Option<Money>,
    /// An outage or a reconnection order that the utility already knows of.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub known_incident: Option<String>,
}

/// Whether there is light.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ServiceStatus {
    /// In service.
    Active,
    /// In service, with a cut on its way.
    SuspensionScheduled,
    /// Cut.
    Suspended,
}

/// Why a supply is suspended. Money lifts the first only.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SuspensionCause {
    /// The customer did not pay.
    NonPayment,
    /// Somebody touched the meter.
    Tampering,
    /// The installation is dangerous.
    Danger,
    /// The customer asked for it.
    CustomerRequest,
    /// Anything else.
    Other,
}

/// What billing issued for one period.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Bill {
    /// Billing's number for it.
    pub bill_number: String,
    /// The period, `YYYY-MM`.
    pub period: String,
    /// When it was issued.
    pub issued_on: BusinessDate,
    /// When it has to be paid.
    pub due_on: BusinessDate,
    /// What is left of it.
    pub balance: Money,
    /// The part under claim, which need not be paid.
    #[serde(default)]
    pub disputed: Money,
}

/// A debt spread over dated parts.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Agreement {
    /// Billing's name for it.
    pub agreement_id: String,
    /// Whether it can be paid into.
    pub status: AgreementStatus,
    /// Whether amounts other than whole installments are taken.
    #[serde(default)]
    pub any_amount: bool,
    /// Whether its next installment clears the cause of a suspension.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub clears_suspension: bool,
    /// What is left to pay, in the order of payment.
    #[serde(default)]
    pub installments: Vec<Installment>,
}

/// Whether an agreement can be paid into.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AgreementStatus {
    /// Running.
    InForce,
    /// Broken by the customer; the debt is back on the bills.
    Broken,
    /// Paid off.
    Finished,
}

/// One dated part of an agreement.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Installment {
    /// Its ordinal in the agreement.
    pub number: u32,
    /// When it has to be paid.
    pub due_on: BusinessDate,
    /// What is left of it.
    pub balance: Money,
}

impl Account {
    /// What in the document contradicts itself, as `(member, sentence)`; empty when nothing does.
    #[must_use]
    pub fn faults(&self) -> Vec<(String, &'static str)> {
        let mut faults = Vec::new();
        if self.municipality_code.len() != 5 || !self.municipality_code.bytes().all(|b| b.is_ascii_digit()) {
            faults.push(("municipality_code".to_owned(), "a DIVIPOLA code is five digits"));
        }
        if self.stratum.is_some_and(|stratum| !(1..=6).contains(&stratum)) {
            faults.push(("stratum".to_owned(), "a stratum is 1 to 6"));
        }
        if self.service.status != ServiceStatus::Active && self.service.cause.is_none() {
            faults.push(("service.cause".to_owned(), "a suspension has a cause"));
        }
        for (member, amount) in [
            ("service.amount_to_reconnect", self.service.amount_to_reconnect),
            ("service.reconnection_fee", self.service.reconnection_fee),
        ] {
            if amount.is_some_and(out_of_range) {
                faults.push((member.to_owned(), AMOUNT_RANGE));
            }
        }
        self.bill_faults(&mut faults);
        self.agreement_faults(&mut faults);
        faults
    }

    fn bill_faults(&self, faults: &mut Vec<(String, &'static str)>) {
        let mut seen = std::collections::HashSet::new();
        for (i, bill) in self.bills.iter().enumerate() {
            if out_of_range(bill.balance) || out_of_range(bill.disputed) {
                faults.push((format!("bills[{i}].balance"), AMOUNT_RANGE));
            }
            if bill.disputed > bill.balance {
                faults.push((format!("bills[{i}].disputed"), "no more than the balance can be disputed"));
            }
            if bill.bill_number.is_empty() || !seen.insert(&bill.bill_number) {
                faults.push((format!("bills[{i}].bill_number"), "a bill has a number of its own in the account"));
            }
        }
    }

    fn agreement_faults(&self, faults: &mut Vec<(String, &'static str)>) {
        let mut seen = std::collections::HashSet::new();
        for (i, agreement) in self.agreements.iter().enumerate() {
            if agreement.agreement_id.is_empty() || !seen.insert(&agreement.agreement_id) {
                faults.push((
                    format!("agreements[{i}].agreement_id"),
                    "an agreement has a name of its own in the account",
                ));
            }
            if !agreement.installments.windows(2).all(|pair| pair[0].number < pair[1].number) {
                faults.push((
                    format!("agreements[{i}].installments"),
                    "installments stand in the order of their numbers",
                ));
            }
            if agreement.installments.iter().any(|installment| out_of_range(installment.balance)) {
                faults.push((format!("agreements[{i}].installments"), AMOUNT_RANGE));
            }
        }
    }

    /// The holder as a cashier may see it: `MAR*** GOM***` (Ley 1581 de 2012).
    #[must_use]
    pub fn masked_holder(&self) -> String {
        mask_name(&self.holder_name)
    }
}

const AMOUNT_RANGE: &str = "an amount is not below zero and at most 99999999999.99";

fn out_of_range(amount: Money) -> bool {
    amount < Money::ZERO || amount > Money::MAX
}

/// Shows the first three letters of the first and the third word (given name and family name);
/// of shorter names, of the first and the last.
#[must_use]
pub fn mask_name(name: &str) -> String {
    let words: Vec<&str> = name.split_whitespace().collect();
    let mask = |word: &str| {
        let shown: String = word.chars().take(3).collect();
        format!("{shown}***")
    };
    match words.as_slice() {
        [] => String::new(),
        [only] => mask(only),
        [first, second] | [first, second, _] => format!("{} {}", mask(first), mask(second)),
        [first, .., family, _] => format!("{} {}", mask(first), mask(family)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_holder_is_recognisable_and_no_more() {
        assert_eq!(mask_name("MARIA GOMEZ PEREZ"), "MAR*** GOM***");
        assert_eq!(mask_name("JOSE LUIS GOMEZ PEREZ"), "JOS*** GOM***");
        assert_eq!(mask_name("ÑUSTES"), "ÑUS***");
        assert_eq!(mask_name("  "), "");
    }

    #[test]
    fn a_misspelt_member_is_refused() {
        let line = r#"{"account_number":"1","holder_name":"A","municipality_code":"54001","status":"active","service":{"status":"active"},"bils":[]}"#;
        assert!(serde_json::from_str::<Account>(line).is_err());
    }
}
