//! The position of an account, as a cashier may see it (Ley 1581 de 2012): never the full name, nor
//! anything that tells where or who.

use serde::Serialize;
use utoipa::ToSchema;

use super::word;
use crate::domain::account::{Agreement, Bill, Installment};
use crate::domain::calendar::{BusinessDate, Timestamp};
use crate::domain::ids::AccountNumber;
use crate::domain::money::Money;
use crate::domain::payment::{PaymentOption, options};
use crate::domain::policy::Policy;
use crate::domain::position::{AccountState, Position};
use crate::domain::reconnection::{Assessment, assess};

/// Installments shown of an agreement, at most: the next ones.
const NEXT_INSTALLMENTS: usize = 12;

/// What an account owes now and what may be paid.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = AccountPosition)]
pub struct PositionView {
    /// The account.
    #[schema(example = "000123456")]
    pub account_number: String,
    /// The holder, masked.
    #[schema(example = "MAR*** GOM***")]
    pub holder: String,
    /// DIVIPOLA code of the municipality.
    #[schema(example = "54001")]
    pub municipality_code: String,
    /// `active`, or `closed`: no payment is accepted.
    pub status: String,
    /// The supply.
    pub service: ServiceView,
    /// The bills with something left, longest due first.
    pub bills: Vec<BillView>,
    /// The agreements, each with its next installments.
    pub agreements: Vec<AgreementView>,
    /// What is left of all bills, disputed parts included.
    #[schema(value_type = String, example = "85400.00")]
    pub total_due: Money,
    /// The part under claim, which need not be paid.
    #[schema(value_type = String, example = "0.00")]
    pub disputed: Money,
    /// What a full payment is.
    #[schema(value_type = String, example = "85400.00")]
    pub payable_now: Money,
    /// The undisputed rest of the bills whose due date has passed.
    #[schema(value_type = String, example = "0.00")]
    pub past_due: Money,
    /// Saldo a favor.
    #[schema(value_type = String, example = "0.00")]
    pub credit: Money,
    /// Always COP.
    #[schema(example = "COP")]
    pub currency: String,
    /// What may be paid; empty when nothing is due.
    pub payment_options: Vec<OptionView>,
    /// Whether paying brings the light back.
    pub reconnection: AssessmentView,
    /// What the cashier should look at twice.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub warnings: Vec<WarningView>,
    /// The instant that billing's figures describe.
    #[schema(value_type = String, format = DateTime)]
    pub as_of: Timestamp,
    /// Changes whenever anything here does; the `ETag`, and for `If-Match` on a payment.
    pub position_version: String,
}

/// Something to look at twice.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Warning)]
pub struct WarningView {
    /// `near-miss`: this collection point looked a number up that is one slip of the finger away.
    #[schema(example = "near-miss")]
    pub code: String,
    /// The other number.
    #[schema(example = "000123465")]
    pub account_number: String,
    /// When it was looked up.
    #[schema(value_type = String, format = DateTime)]
    pub looked_up_at: Timestamp,
    /// What to say (es-CO).
    pub message: String,
}

/// The state of the supply, as billing knows it.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Service)]
pub struct ServiceView {
    /// `active`, `suspension_scheduled` or `suspended`.
    pub status: String,
    /// Why: `non_payment`, `tampering`, `danger`, `customer_request`, `other`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cause: Option<String>,
    /// Since when.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, format = Date)]
    pub since: Option<BusinessDate>,
}

/// What is left of a bill.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Bill)]
pub struct BillView {
    /// Billing's number.
    pub bill_number: String,
    /// `YYYY-MM`.
    pub period: String,
    /// When it has to be paid.
    #[schema(value_type = String, format = Date)]
    pub due_on: BusinessDate,
    /// What is left.
    #[schema(value_type = String, example = "85400.00")]
    pub balance: Money,
    /// The part under claim.
    #[schema(value_type = String, example = "0.00")]
    pub disputed: Money,
}

/// What is left of an agreement.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Agreement)]
pub struct AgreementView {
    /// Billing's name for it.
    pub agreement_id: String,
    /// `in_force`, `broken` or `finished`.
    pub status: String,
    /// Whether amounts other than whole installments are taken.
    pub any_amount: bool,
    /// How many installments are left.
    pub installments_left: usize,
    /// The next ones.
    pub installments: Vec<InstallmentView>,
}

/// What is left of an installment.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Installment)]
pub struct InstallmentView {
    /// Its ordinal.
    pub number: u32,
    /// When it has to be paid.
    #[schema(value_type = String, format = Date)]
    pub due_on: BusinessDate,
    /// What is left.
    #[schema(value_type = String, example = "45000.00")]
    pub balance: Money,
}

/// One thing that may be paid now.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = PaymentOption)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum OptionView {
    /// Everything payable now.
    Full {
        /// Exactly this.
        #[schema(value_type = String, example = "85400.00")]
        amount: Money,
    },
    /// A part of it.
    Partial {
        /// The least.
        #[schema(value_type = String, example = "1000.00")]
        min: Money,
        /// The most.
        #[schema(value_type = String, example = "85400.00")]
        max: Money,
        /// In multiples of this.
        #[schema(value_type = String, example = "1.00")]
        step: Money,
    },
    /// Into an agreement.
    Installment {
        /// Which.
        agreement_id: String,
        /// The sums of the next one, two, three… whole installments.
        #[schema(value_type = Vec<String>)]
        amounts: Vec<Money>,
        /// Whether other amounts are taken.
        any_amount: bool,
        /// Whether the next installment clears the cause of a suspension.
        clears_suspension: bool,
    },
}

/// Whether paying brings the light back.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = ReconnectionAssessment)]
pub struct AssessmentView {
    /// A reconnection may be ordered now.
    pub eligible: bool,
    /// What still has to be paid to clear the cause.
    #[schema(value_type = String, example = "92700.00")]
    pub amount_to_reconnect: Money,
    /// What money does not lift.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub blocked_by: Option<String>,
    /// What reconnecting costs, as billing charges it.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, example = "0.00")]
    pub fee: Option<Money>,
}

impl PositionView {
    /// The position as a cashier may see it.
    #[must_use]
    pub fn of(
        policy: &Policy,
        state: &AccountState,
        position: &Position,
        near: Option<&(AccountNumber, Timestamp)>,
    ) -> Self {
        let figures = &position.figures;
        let service = &position.service;
        Self {
            account_number: state.account.account_number.to_string(),
            holder: state.account.masked_holder(),
            municipality_code: state.account.municipality_code.clone(),
            status: word(&state.account.status),
            service: ServiceView {
                status: word(&service.status),
                cause: service.cause.as_ref().map(word),
                since: service.since,
            },
            bills: position.bills.iter().map(BillView::from).collect(),
            agreements: position.agreements.iter().map(AgreementView::from).collect(),
            total_due: figures.total_due,
            disputed: figures.disputed,
            payable_now: figures.payable_now,
            past_due: figures.past_due,
            credit: figures.credit,
            currency: policy.currency.clone(),
            payment_options: options(policy, state, position).into_iter().map(OptionView::from).collect(),
            reconnection: assess(state, position, policy.cash_step).into(),
            warnings: near.map(WarningView::near_miss).into_iter().collect(),
            as_of: position.as_of,
            position_version: figures.position_version.clone(),
        }
    }
}

impl WarningView {
    fn near_miss((number, at): &(AccountNumber, Timestamp)) -> Self {
        Self {
            code: "near-miss".to_owned(),
            account_number: number.to_string(),
            looked_up_at: *at,
            message: "Parecida a otra consultada hace poco.\nConfirme el número y el nombre.".to_owned(),
        }
    }
}

impl From<&Bill> for BillView {
    fn from(bill: &Bill) -> Self {
        Self {
            bill_number: bill.bill_number.clone(),
            period: bill.period.clone(),
            due_on: bill.due_on,
            balance: bill.balance,
            disputed: bill.disputed,
        }
    }
}

impl From<&Agreement> for AgreementView {
    fn from(agreement: &Agreement) -> Self {
        let next = agreement.installments.iter().take(NEXT_INSTALLMENTS);
        Self {
            agreement_id: agreement.agreement_id.clone(),
            status: word(&agreement.status),
            any_amount: agreement.any_amount,
            installments_left: agreement.installments.len(),
            installments: next.map(InstallmentView::from).collect(),
        }
    }
}

impl From<&Installment> for InstallmentView {
    fn from(installment: &Installment) -> Self {
        Self { number: installment.number, due_on: installment.due_on, balance: installment.balance }
    }
}

impl From<PaymentOption> for OptionView {
    fn from(option: PaymentOption) -> Self {
        match option {
            PaymentOption::Full { amount } => Self::Full { amount },
            PaymentOption::Partial { min, max, step } => Self::Partial { min, max, step },
            PaymentOption::Installment { agreement_id, amounts, any_amount, clears_suspension } => {
                Self::Installment { agreement_id, amounts, any_amount, clears_suspension }
            }
        }
    }
}

impl From<Assessment> for AssessmentView {
    fn from(assessment: Assessment) -> Self {
        let Assessment { eligible, amount_to_reconnect, blocked_by, fee, .. } = assessment;
        Self { eligible, amount_to_reconnect, blocked_by: blocked_by.map(str::to_owned), fee }
    }
}
