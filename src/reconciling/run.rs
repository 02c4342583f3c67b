//! From the loaded rows to an outcome that has a name of its own, made from everything that went in.

use std::collections::HashSet;

use sha2::{Digest as _, Sha256};

use super::files::Rows;
use super::own_side::{OwnSide, slips};
use super::{Question, Settings};
use crate::domain::calendar::Timestamp;
use crate::domain::ids::{Id, PartyId};
use crate::domain::position::hex;
use crate::reconciliation::matcher::{Inputs, Tolerance, reconcile};
use crate::reconciliation::plain_slip;
use crate::reconciliation::record::{LedgerDeposit, LedgerPayment};
use crate::store::{RunKind, RunRecord};

/// Stands between the parts of a hashed line: no field can hold it.
const UNIT: &str = "\u{1f}";

/// Everything that a comparison needs, with the name that its outcome will have.
#[derive(Clone, Debug)]
pub struct Prepared {
    /// The outcome's name: the same inputs have the same.
    pub id: Id,
    question: Question,
    rows: Rows,
    own_side: OwnSide,
    tolerance: Tolerance,
    inputs_hash: String,
    file_hash: String,
}

/// The two sides have next to nothing in common: it is another file or another day.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{found} differences, {limit} are the limit: is it the right file of the right day?")]
pub struct TooDifferent {
    /// How many differences.
    pub found: usize,
    /// How many are kept at most.
    pub limit: usize,
}

impl Prepared {
    /// Puts the inputs together and names them.
    #[must_use]
    pub fn new(question: Question, file: &[u8], mut rows: Rows, own_side: OwnSide, tolerance: Tolerance) -> Self {
        if let Rows::Bank(credits) = &mut rows {
            let own: HashSet<String> = own_side.deposits.iter().map(|one| plain_slip(&one.slip_number)).collect();
            // A statement holds the deposits of all partners; what another one declared is not unknown.
            credits.retain(|row| {
                slips(row).any(|slip| own.contains(&slip))
                    || !slips(row).any(|slip| own_side.slips_of_others.contains(&slip))
            });
        }
        let hash = inputs_hash(&question, &rows, &own_side, &tolerance);
        let bits = hash.iter().take(16).fold(0u128, |bits, byte| bits << 8 | u128::from(*byte));
        Self {
            id: Id::from_bits(bits),
            inputs_hash: hex(&hash),
            file_hash: hex(&Sha256::digest(file)),
            question,
            rows,
            own_side,
            tolerance,
        }
    }

    /// Compares. The outcome is the same whenever and however often it is done.
    ///
    /// # Errors
    /// There are more differences than are kept.
    pub fn compare(&self, asked_by: &PartyId, now: Timestamp, settings: &Settings) -> Result<RunRecord, TooDifferent> {
        let (partner_rows, bank_rows) = match &self.rows {
            Rows::Partner(rows) => (Some(rows.as_slice()), None),
            Rows::Bank(rows) => (None, Some(rows.as_slice())),
        };
        let inputs = Inputs {
            party: &self.question.party,
            from: self.question.from,
            to: self.question.to,
            as_of: self.question.as_of,
            payments: &self.own_side.payments,
            partner_rows,
            deposits: &self.own_side.deposits,
            bank_rows,
        };
        let result = reconcile(&inputs, &self.tolerance);
        if result.breaks.len() > settings.max_breaks {
            return Err(TooDifferent { found: result.breaks.len(), limit: settings.max_breaks });
        }
        Ok(RunRecord {
            id: self.id,
            kind: self.question.kind,
            inputs_hash: self.inputs_hash.clone(),
            file_hash: self.file_hash.clone(),
            result,
            created_at: now,
            asked_by: asked_by.clone(),
        })
    }
}

/// SHA-256 over everything that decides the outcome, line by line.
fn inputs_hash(question: &Question, rows: &Rows, own_side: &OwnSide, tolerance: &Tolerance) -> Vec<u8> {
    let mut hash = Sha256::new();
    let mut line = |parts: &[&str]| {
        hash.update(parts.join(UNIT));
        hash.update("\n");
    };
    let Question { party, kind, from, to, as_of } = question;
    let kind = match kind {
        RunKind::Partner => "partner",
        RunKind::Bank => "bank",
    };
    line(&[party.as_str(), kind, &from.to_string(), &to.to_string(), &as_of.to_string()]);
    line(&[&json(tolerance)]);
    own_side.payments.iter().for_each(|one| line(&[&payment_line(one)]));
    own_side.deposits.iter().for_each(|one| line(&[&deposit_line(one)]));
    match rows {
        Rows::Partner(rows) => rows.iter().for_each(|one| line(&[&json(one)])),
        Rows::Bank(rows) => rows.iter().for_each(|one| line(&[&json(one)])),
    }
    hash.finalize().to_vec()
}

fn payment_line(one: &LedgerPayment) -> String {
    let reversal = one.reversed.as_ref().map(|reversal| reversal.reversal_id.to_string()).unwrap_or_default();
    [
        one.payment_id.to_string(),
        one.receipt_number.clone(),
        one.idempotency_key.to_string(),
        one.partner_reference.clone().unwrap_or_default(),
        one.account_number.to_string(),
        one.amount.centavos().to_string(),
        one.business_date.to_string(),
        one.recorded_at.to_string(),
        one.collection_point.to_string(),
        one.till.clone(),
        reversal,
        u8::from(one.offline_credit).to_string(),
    ]
    .join(UNIT)
}

fn deposit_line(one: &LedgerDeposit) -> String {
    [
        one.deposit_id.to_string(),
        one.slip_number.clone(),
        one.amount.centavos().to_string(),
        one.declared_on.to_string(),
        one.due_on.to_string(),
        one.collection_point.to_string(),
    ]
    .join(UNIT)
}

fn json(value: &impl serde::Serialize) -> String {
    // Texts, numbers and dates: none of these types can fail to be written.
    serde_json::to_string(value).unwrap_or_default()
}
