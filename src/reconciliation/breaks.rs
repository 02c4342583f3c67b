//! What two witnesses do not agree on: one break for one difference, with everything needed to end it.

use std::fmt;

use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

use super::record::{BankRow, LedgerDeposit, LedgerPayment, PartnerRow};
use crate::domain::calendar::{BusinessDate, Timestamp};
use crate::domain::ids::{AccountNumber, CollectionPointId, Id, PartyId};
use crate::domain::money::Money;

macro_rules! named {
    ($(#[$doc:meta])* $name:ident { $($(#[$variant_doc:meta])* $variant:ident = $code:literal, $label:literal;)* }) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        pub enum $name {
            $($(#[$variant_doc])* #[serde(rename = $code)] $variant,)*
        }

        impl $name {
            /// All of them, in the order in which they are listed.
            pub const ALL: &'static [Self] = &[$(Self::$variant),*];

            /// The name in files, columns and the API; never changes.
            #[must_use]
            pub const fn code(self) -> &'static str {
                match self { $(Self::$variant => $code,)* }
            }

            /// The name for people (es-CO).
            #[must_use]
            pub const fn label(self) -> &'static str {
                match self { $(Self::$variant => $label,)* }
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(self.code())
            }
        }

        impl std::str::FromStr for $name {
            type Err = UnknownName;
            fn from_str(text: &str) -> Result<Self, UnknownName> {
                Self::ALL.iter().copied().find(|one| one.code() == text).ok_or(UnknownName)
            }
        }
    };
}

/// A text that is not the code of a cause, an owner, a side or a rule.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not one of the known codes")]
pub struct UnknownName;

named! {
    /// Why two witnesses disagree.
    Cause {
        /// The gateway has the payment, the partner does not.
        OnlyHere = "only_here", "Solo en la pasarela";
        /// The partner has the payment, the gateway does not.
        OnlyThere = "only_there", "Solo en el aliado";
        /// Both have it, with another amount.
        AmountDiffers = "amount_differs", "Valor distinto";
        /// The gateway has the same payment more often than the partner.
        DuplicateHere = "duplicate_here", "Duplicado en la pasarela";
        /// The partner has the same payment more often than the gateway.
        DuplicateThere = "duplicate_there", "Duplicado en el aliado";
        /// Both have it, for another account.
        WrongAccount = "wrong_account", "Cuenta equivocada";
        /// Both have it, on another day.
        WrongBusinessDate = "wrong_business_date", "Fecha de recaudo distinta";
        /// The gateway took it back, the partner did not.
        ReversedHere = "reversed_here", "Anulado solo en la pasarela";
        /// The partner took it back, the gateway did not.
        ReversedThere = "reversed_there", "Anulado solo en el aliado";
        /// The bank received less than was declared.
        DepositShort = "deposit_short", "Consignación con faltante";
        /// The bank received more than was declared.
        DepositOver = "deposit_over", "Consignación con sobrante";
        /// The bank received it after it was due.
        DepositLate = "deposit_late", "Consignación tardía";
        /// One declared deposit came as several credits, or several as one.
        DepositSplit = "deposit_split", "Consignación partida";
        /// The bank received what nobody declared.
        DepositUnknown = "deposit_unknown", "Consignación sin declarar";
        /// Declared and due, and never received.
        DepositMissing = "deposit_missing", "Consignación sin llegar";
    }
}

named! {
    /// Who has to act.
    Owner {
        /// The partner that runs the collection points.
        Partner = "partner", "Aliado";
        /// The gateway's operators.
        Gateway = "gateway", "Pasarela";
        /// The bank.
        Bank = "bank", "Banco";
        /// The utility.
        Utility = "utility", "Empresa";
    }
}

named! {
    /// Which witness a piece of evidence comes from.
    Side {
        /// The gateway's facts.
        Gateway = "gateway", "Pasarela";
        /// The partner's file.
        Partner = "partner", "Aliado";
        /// The bank's statement.
        Bank = "bank", "Banco";
    }
}

named! {
    /// What made two rows one payment, or two rows one deposit; strongest first.
    Rule {
        /// The same payment id.
        PaymentId = "payment_id", "Mismo identificador de pago";
        /// The same receipt number.
        ReceiptNumber = "receipt_number", "Mismo número de recibo";
        /// The same number of the partner's own.
        PartnerReference = "partner_reference", "Misma referencia del aliado";
        /// The same account, amount and day.
        AccountAmountDate = "account_amount_date", "Misma cuenta, valor y fecha";
        /// The same account and amount, a neighbouring day or none stated.
        AccountAmount = "account_amount", "Misma cuenta y valor, fecha vecina";
        /// The same amount and time, an account one slip of the finger away.
        NearAccount = "near_account", "Mismo valor y hora, cuenta casi igual";
        /// The same account and day, another amount.
        AccountDate = "account_date", "Misma cuenta y fecha, otro valor";
        /// The same receipt number, though neither account nor amount agree.
        ReceiptNumberOnly = "receipt_number_only", "Solo el número de recibo";
        /// The same slip of the bank.
        SlipNumber = "slip_number", "Mismo número de comprobante";
        /// The same amount, on a day that fits.
        DepositAmountDate = "deposit_amount_date", "Mismo valor en fecha cercana";
        /// Two amounts that add up to a third, on days that fit.
        DepositSum = "deposit_sum", "Dos valores que suman el tercero";
    }
}

/// One row of one witness, as far as it bears on a break.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Evidence {
    /// Whose word it is.
    pub side: Side,
    /// The strongest name of the row: payment id, deposit id, receipt, slip or reference.
    pub reference: Option<String>,
    /// The line of the file it stands in.
    pub line: Option<u64>,
    /// The number printed on the receipt.
    pub receipt_number: Option<String>,
    /// Whose debt was paid.
    pub account_number: Option<AccountNumber>,
    /// How much.
    pub amount: Money,
    /// The day: business date, declared or booked.
    pub date: Option<BusinessDate>,
    /// The time, where it is known.
    pub at: Option<Timestamp>,
    /// The place, where it is known.
    pub collection_point: Option<CollectionPointId>,
    /// The drawer, where it is known.
    pub till: Option<String>,
    /// Whether that side took it back.
    pub reversed: bool,
}

/// One difference.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Break {
    /// The same for the same cause and evidence, however often it is found; outside `brk_…`.
    #[serde(with = "break_id")]
    pub break_id: Id,
    /// Why the witnesses disagree; the gravest of the reasons if there are several.
    pub cause: Cause,
    /// Further reasons that the same rows show.
    pub also: Vec<Cause>,
    /// What made the rows one payment or deposit; none when a row stands alone.
    pub rule: Option<Rule>,
    /// Who has to act first.
    pub owner: Owner,
    /// Whether the cure changes what somebody owes; then `approver` has to agree first.
    pub money_moves: bool,
    /// Who has to agree.
    pub approver: Option<Owner>,
    /// How much money is in doubt, never below zero.
    pub amount_at_stake: Money,
    /// What this break adds to the difference of the totals: ours minus theirs.
    pub difference: Money,
    /// The day the difference belongs to.
    pub date: Option<BusinessDate>,
    /// Days from `date` to the day of the reconciliation.
    pub age_days: i64,
    /// What to do, one sentence (es-CO).
    pub cure: String,
    /// What each side says.
    pub evidence: Vec<Evidence>,
}

impl Evidence {
    /// The gateway's payment.
    #[must_use]
    pub fn payment(row: &LedgerPayment) -> Self {
        Self {
            side: Side::Gateway,
            reference: Some(row.payment_id.with_prefix("pay")),
            line: None,
            receipt_number: Some(row.receipt_number.clone()),
            account_number: Some(row.account_number.clone()),
            amount: row.amount,
            date: Some(row.business_date),
            at: Some(row.recorded_at),
            collection_point: Some(row.collection_point.clone()),
            till: Some(row.till.clone()),
            reversed: row.reversed.is_some(),
        }
    }

    /// The partner's row; its day at `offset_minutes` from UTC when it states only a time.
    #[must_use]
    pub fn partner(row: &PartnerRow, offset_minutes: i16) -> Self {
        let reference = [&row.payment_id, &row.receipt_number, &row.partner_reference];
        Self {
            side: Side::Partner,
            reference: reference.into_iter().flatten().next().cloned(),
            line: Some(row.line),
            receipt_number: row.receipt_number.clone(),
            account_number: Some(row.account_number.clone()),
            amount: row.amount,
            date: row.day(offset_minutes),
            at: row.at,
            collection_point: row.collection_point.clone(),
            till: None,
            reversed: row.reversed,
        }
    }

    /// The deposit that was declared.
    #[must_use]
    pub fn deposit(row: &LedgerDeposit) -> Self {
        Self {
            side: Side::Gateway,
            reference: Some(row.deposit_id.with_prefix("dep")),
            receipt_number: Some(row.slip_number.clone()),
            date: Some(row.declared_on),
            collection_point: Some(row.collection_point.clone()),
            ..Self::bare(Side::Gateway, row.amount)
        }
    }

    /// The bank's credit.
    #[must_use]
    pub fn bank(row: &BankRow) -> Self {
        Self {
            reference: row.slip_number.clone().or_else(|| row.reference.clone()),
            line: Some(row.line),
            receipt_number: row.slip_number.clone(),
            date: Some(row.booked_on),
            ..Self::bare(Side::Bank, row.amount)
        }
    }

    fn bare(side: Side, amount: Money) -> Self {
        Self {
            side,
            reference: None,
            line: None,
            receipt_number: None,
            account_number: None,
            amount,
            date: None,
            at: None,
            collection_point: None,
            till: None,
            reversed: false,
        }
    }

    /// What identifies the row, one line. The line of the file is left out: a line added above must
    /// not make another break of this one.
    fn canonical(&self) -> String {
        let text = |value: Option<String>| value.unwrap_or_default();
        [
            self.side.code().to_owned(),
            text(self.reference.clone()),
            text(self.receipt_number.clone()),
            text(self.account_number.as_ref().map(ToString::to_string)),
            self.amount.centavos().to_string(),
            text(self.date.map(|date| date.to_string())),
            text(self.at.map(|at| at.to_string())),
            text(self.collection_point.as_ref().map(ToString::to_string)),
            u8::from(self.reversed).to_string(),
        ]
        .join("\u{1f}")
    }
}

/// The id of a break: the first 128 bits of a SHA-256 over party, cause and evidence. `ordinal` tells
/// apart breaks that look alike in everything (a row that stands three times in a file).
#[must_use]
pub fn break_id_of(party: &PartyId, cause: Cause, evidence: &[Evidence], ordinal: u32) -> Id {
    let mut lines: Vec<String> = evidence.iter().map(Evidence::canonical).collect();
    lines.sort_unstable();
    let mut hash = Sha256::new();
    for line in [party.as_str(), cause.code()].into_iter().chain(lines.iter().map(String::as_str)) {
        hash.update(line.as_bytes());
        hash.update(b"\n");
    }
    hash.update(ordinal.to_string().as_bytes());
    let bits = hash.finalize().iter().take(16).fold(0u128, |bits, byte| bits << 8 | u128::from(*byte));
    Id::from_bits(bits)
}

mod break_id {
    use serde::{Deserialize, Deserializer, Serializer, de::Error};

    use crate::domain::ids::Id;

    pub fn serialize<S: Serializer>(id: &Id, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&id.with_prefix("brk"))
    }

    pub fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Id, D::Error> {
        let text = String::deserialize(deserializer)?;
        Id::parse_with_prefix(&text, "brk").map_err(D::Error::custom)
    }
}
