//! Why something is not done: a closed list of sentences, in order of precedence.
//!
//! Each has a code that never changes, a retry class, the one thing the cashier does now, and what
//! to tell cashier and customer (es-CO, at most two lines of 40 characters). Status codes are not
//! known here; `http/problem.rs` has them.

use super::calendar::Timestamp;
use super::fact::OrderStatus;
use super::ids::{AccountNumber, Id};
use super::money::Money;
use super::position::Figures;

/// Why something is not done. Where several apply, the first in this order is given.
#[derive(Clone, Debug, PartialEq, Eq)]
#[allow(missing_docs, reason = "the sentence of a variant says what its figures are")]
pub enum Rejection {
    /// The key came before with another request.
    IdempotencyKeyReused,
    /// The partner or the collection point may not take money now.
    CollectionPointSuspended,
    /// The token names no collection point, and this needs one.
    CollectionPointMissing,
    /// What the request names does not exist, or not for this caller.
    NotFound,
    /// Billing does not know the account.
    AccountNotFound { account_number: AccountNumber },
    /// Billing closed the account.
    PaymentNotAccepted,
    /// The position is not the one the cashier saw.
    PositionChanged { current: Box<Figures> },
    /// The amount is not in the counter's step.
    AmountNotInStep { step: Money },
    /// The account has no such agreement.
    AgreementNotFound { agreement_id: String },
    /// The agreement is broken.
    AgreementNotInForce { agreement_id: String },
    /// The agreement has no installment left.
    InstallmentAlreadyPaid { agreement_id: String },
    /// Nothing is owed.
    NothingDue,
    /// Less than the least that is taken.
    AmountBelowMinimum { minimum: Money },
    /// More than is owed.
    AmountExceedsDue { maximum: Money },
    /// Not the exact amount: of a full payment, or of the next whole installments.
    AmountMismatch { expected: Vec<Money>, current: Box<Figures> },
    /// A payment of the same amount on the same account was taken minutes ago.
    PossibleDuplicate {
        payment_id: Id,
        amount: Money,
        recorded_at: Timestamp,
        same_partner: bool,
        till: Option<String>,
    },
    /// More cash in one operation, or in the month, than the partner may take.
    CashLimitExceeded { limit: Money },
    /// More cash than the partner or the collection point may hold.
    ExposureLimitReached { used: Money, limit: Money },
    /// The floor limit of offline payments is used up, or there is none.
    OfflineLimitReached { limit: Money },
    /// The offline payment is too old, or lies in the future.
    CollectedAtImplausible { oldest: Timestamp },
    /// The till has to be opened first.
    SessionRequired { till: String },
    /// The till has an open session.
    SessionAlreadyOpen { session_id: Id, cashier: String },
    /// The payment was taken back before.
    AlreadyReversed { reversal_id: Id },
    /// Too late, or another day.
    ReversalWindowClosed { until: Timestamp },
    /// The session is closed.
    SessionClosed { session_id: Id },
    /// A reconnection was ordered because of this payment.
    ReconnectionInTheWay { order_id: Id },
    /// There is an open order.
    ReconnectionAlreadyOpen { order_id: Id, due_by: Timestamp },
    /// The account does not qualify; what is missing.
    ReconnectionNotEligible { amount_to_reconnect: Money, blocked_by: Option<&'static str> },
    /// The order cannot go there from where it stands.
    TransitionNotAllowed { from: OrderStatus, to: OrderStatus },
    /// The slip was declared before.
    DepositAlreadyDeclared { deposit_id: Id },
    /// More than was declared.
    DepositExceeded { outstanding: Money },
    /// The business date is closed, or has not begun.
    BatchNotSealable,
}

/// What a program does with a rejected request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Retry {
    /// The same request will never be accepted as it is.
    Never,
    /// Repeat it with the same key.
    SameKey,
    /// Later, or after something was changed.
    After,
}

/// The one thing the cashier does now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CashierAction {
    /// Take no money.
    NoRecibirDinero,
    /// Hand over the receipt.
    EntregarRecibo,
    /// Give the money back.
    DevolverDinero,
    /// Repeat with the same key.
    RepetirMismaLlave,
    /// Wait, then ask what became of it.
    EsperarYConsultar,
    /// Call the help desk.
    LlamarMesa,
}

/// What to tell the two people at the counter.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CounterMessage {
    /// To the cashier.
    pub cashier: &'static str,
    /// To the customer.
    pub customer: &'static str,
}

impl Retry {
    /// The word in the contract.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Never => "never",
            Self::SameKey => "same-key",
            Self::After => "after",
        }
    }
}

impl CashierAction {
    /// The word in the contract.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::NoRecibirDinero => "NO_RECIBIR_DINERO",
            Self::EntregarRecibo => "ENTREGAR_RECIBO",
            Self::DevolverDinero => "DEVOLVER_DINERO",
            Self::RepetirMismaLlave => "REPETIR_MISMA_LLAVE",
            Self::EsperarYConsultar => "ESPERAR_Y_CONSULTAR",
            Self::LlamarMesa => "LLAMAR_MESA",
        }
    }
}

impl Rejection {
    /// The code in the contract.
    #[must_use]
    pub const fn code(&self) -> &'static str {
        match self {
            Self::IdempotencyKeyReused => "idempotency-key-reused",
            Self::CollectionPointSuspended => "collection-point-suspended",
            Self::CollectionPointMissing => "scope-missing",
            Self::NotFound => "not-found",
            Self::AccountNotFound { .. } => "account-not-found",
            Self::PaymentNotAccepted => "payment-not-accepted",
            Self::PositionChanged { .. } => "position-changed",
            Self::AmountNotInStep { .. } | Self::CollectedAtImplausible { .. } => "validation-failed",
            Self::AgreementNotFound { .. } => "agreement-not-found",
            Self::AgreementNotInForce { .. } => "agreement-not-in-force",
            Self::InstallmentAlreadyPaid { .. } => "installment-already-paid",
            Self::NothingDue => "nothing-due",
            Self::AmountBelowMinimum { .. } => "amount-below-minimum",
            Self::AmountExceedsDue { .. } => "amount-exceeds-due",
            Self::AmountMismatch { .. } => "amount-mismatch",
            Self::PossibleDuplicate { .. } => "possible-duplicate",
            Self::CashLimitExceeded { .. } => "cash-limit-exceeded",
            Self::ExposureLimitReached { .. } => "exposure-limit-reached",
            Self::OfflineLimitReached { .. } => "offline-limit-reached",
            Self::SessionRequired { .. } => "session-required",
            Self::SessionAlreadyOpen { .. } => "session-already-open",
            Self::SessionClosed { .. } => "session-closed",
            Self::AlreadyReversed { .. } => "already-reversed",
            Self::ReversalWindowClosed { .. } => "reversal-window-closed",
            Self::ReconnectionInTheWay { .. } => "reconnection-in-the-way",
            Self::ReconnectionNotEligible { .. } => "reconnection-not-eligible",
            Self::ReconnectionAlreadyOpen { .. } => "reconnection-already-open",
            Self::TransitionNotAllowed { .. } => "transition-not-allowed",
            Self::DepositAlreadyDeclared { .. } => "deposit-already-declared",
            Self::DepositExceeded { .. } => "amount-exceeds-due",
            Self::BatchNotSealable => "batch-not-sealable",
        }
    }

    /// What a program does with it.
    #[must_use]
    pub const fn retry(&self) -> Retry {
        match self {
            Self::CollectionPointSuspended
            | Self::PositionChanged { .. }
            | Self::PossibleDuplicate { .. }
            | Self::CashLimitExceeded { .. }
            | Self::ExposureLimitReached { .. }
            | Self::OfflineLimitReached { .. }
            | Self::SessionRequired { .. }
            | Self::SessionAlreadyOpen { .. }
            | Self::ReconnectionNotEligible { .. }
            | Self::BatchNotSealable => Retry::After,
            _ => Retry::Never,
        }
    }

    /// What the cashier does now.
    #[must_use]
    pub const fn cashier_action(&self) -> CashierAction {
        match self {
            Self::IdempotencyKeyReused | Self::CollectionPointMissing | Self::ReconnectionInTheWay { .. } => {
                CashierAction::LlamarMesa
            }
            Self::PossibleDuplicate { .. } => CashierAction::EsperarYConsultar,
            _ => CashierAction::NoRecibirDinero,
        }
    }

    /// What to say at the counter.
    #[must_use]
    pub const fn message(&self) -> CounterMessage {
        let (cashier, customer) = match self {
            Self::IdempotencyKeyReused => {
                ("Llave ya usada con otros datos.\nLlame a la mesa de ayuda.", "Espere un momento, por favor.")
            }
            Self::CollectionPointSuspended => (
                "Punto suspendido. No reciba dinero.",
                "Este punto no recibe pagos ahora.\nAcuda a otro punto autorizado.",
            ),
            Self::CollectionPointMissing => {
                ("El acceso no tiene punto de pago.\nLlame a la mesa de ayuda.", "Espere un momento, por favor.")
            }
            Self::NotFound => ("No existe. Revise el dato.", "Espere un momento, por favor."),
            Self::AccountNotFound { .. } => {
                ("La cuenta no existe. Revise el número.", "El número de cuenta no aparece.\nRevíselo, por favor.")
            }
            Self::PaymentNotAccepted => {
                ("Cuenta cerrada. No reciba dinero.", "Esta cuenta ya no recibe pagos.\nConsulte con la empresa.")
            }
            Self::PositionChanged { .. } => {
                ("El saldo cambió. Consulte de nuevo.", "Su saldo acaba de cambiar.\nLo consultamos otra vez.")
            }
            Self::AmountNotInStep { .. } => ("Valor no permitido. Corrija el valor.", "Ese valor no se puede recibir."),
            Self::AgreementNotFound { .. } => {
                ("El convenio no existe en la cuenta.", "Ese convenio no está en su cuenta.")
            }
            Self::AgreementNotInForce { .. } => {
                ("El convenio no está vigente.", "Su convenio no está vigente.\nConsulte con la empresa.")
            }
            Self::InstallmentAlreadyPaid { .. } => ("La cuota ya está pagada.", "Su cuota ya está pagada."),
            Self::NothingDue => ("No hay saldo por pagar.", "Su cuenta está al día."),
            Self::AmountBelowMinimum { .. } => ("Valor menor que el mínimo.", "El valor es menor que el mínimo."),
            Self::AmountExceedsDue { .. } | Self::DepositExceeded { .. } => {
                ("Valor mayor que lo adeudado.", "El valor es mayor que su deuda.")
            }
            Self::AmountMismatch { .. } => {
                ("El valor no coincide. Use el actual.", "El valor a pagar es otro.\nLo confirmamos ya.")
            }
            Self::PossibleDuplicate { .. } => {
                ("Puede estar repetido. Confirme.", "Hay un pago igual hace poco.\nLo estamos revisando.")
            }
            Self::CashLimitExceeded { .. } => ("Supera el tope de efectivo.", "El valor supera el tope en efectivo."),
            Self::ExposureLimitReached { .. } => (
                "Cupo agotado. Consigne para seguir.",
                "Este punto no recibe pagos ahora.\nAcuda a otro punto autorizado.",
            ),
            Self::OfflineLimitReached { .. } => ("Supera el cupo sin línea.", "No se pudo registrar su pago."),
            Self::CollectedAtImplausible { .. } => ("Fecha del pago no admitida.", "No se pudo registrar su pago."),
            Self::SessionRequired { .. } => ("Abra la caja antes de recibir.", "Espere un momento, por favor."),
            Self::SessionAlreadyOpen { .. } => ("La caja ya está abierta.", "Espere un momento, por favor."),
            Self::SessionClosed { .. } => ("El turno de caja ya está cerrado.", "Espere un momento, por favor."),
            Self::AlreadyReversed { .. } => ("El pago ya fue anulado.", "Ese pago ya fue anulado."),
            Self::ReversalWindowClosed { .. } => {
                ("Ya no se puede anular aquí.", "Ese pago ya no se puede anular.\nConsulte con la empresa.")
            }
            Self::ReconnectionInTheWay { .. } => {
                ("Hay reconexión en curso.\nLlame a la mesa de ayuda.", "Su reconexión ya fue ordenada.")
            }
            Self::ReconnectionNotEligible { .. } => {
                ("La cuenta no cumple para reconexión.", "Aún no se puede reconectar.")
            }
            Self::ReconnectionAlreadyOpen { .. } => {
                ("Ya hay una orden de reconexión.", "Su reconexión ya fue ordenada.")
            }
            Self::TransitionNotAllowed { .. } => ("Cambio de estado no permitido.", "Espere un momento, por favor."),
            Self::DepositAlreadyDeclared { .. } => {
                ("La consignación ya fue declarada.", "Espere un momento, por favor.")
            }
            Self::BatchNotSealable => ("La fecha no se puede cerrar.", "Espere un momento, por favor."),
        };
        CounterMessage { cashier, customer }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_message_fits_two_lines_of_the_customer_display() {
        let at = Timestamp::default();
        let id = Id::from_bits(1);
        let money = Money::ZERO;
        let figures = || Box::new(Figures::default());
        let all = [
            Rejection::IdempotencyKeyReused,
            Rejection::CollectionPointSuspended,
            Rejection::CollectionPointMissing,
            Rejection::NotFound,
            Rejection::AccountNotFound { account_number: AccountNumber::new("1") },
            Rejection::PaymentNotAccepted,
            Rejection::PositionChanged { current: figures() },
            Rejection::AmountNotInStep { step: money },
            Rejection::AgreementNotFound { agreement_id: String::new() },
            Rejection::AgreementNotInForce { agreement_id: String::new() },
            Rejection::InstallmentAlreadyPaid { agreement_id: String::new() },
            Rejection::NothingDue,
            Rejection::AmountBelowMinimum { minimum: money },
            Rejection::AmountExceedsDue { maximum: money },
            Rejection::AmountMismatch { expected: Vec::new(), current: figures() },
            Rejection::PossibleDuplicate {
                payment_id: id,
                amount: money,
                recorded_at: at,
                same_partner: true,
                till: None,
            },
            Rejection::CashLimitExceeded { limit: money },
            Rejection::ExposureLimitReached { used: money, limit: money },
            Rejection::OfflineLimitReached { limit: money },
            Rejection::CollectedAtImplausible { oldest: at },
            Rejection::SessionRequired { till: String::new() },
            Rejection::SessionAlreadyOpen { session_id: id, cashier: String::new() },
            Rejection::SessionClosed { session_id: id },
            Rejection::AlreadyReversed { reversal_id: id },
            Rejection::ReversalWindowClosed { until: at },
            Rejection::ReconnectionInTheWay { order_id: id },
            Rejection::ReconnectionNotEligible { amount_to_reconnect: money, blocked_by: None },
            Rejection::ReconnectionAlreadyOpen { order_id: id, due_by: at },
            Rejection::TransitionNotAllowed { from: OrderStatus::Failed, to: OrderStatus::Failed },
            Rejection::DepositAlreadyDeclared { deposit_id: id },
            Rejection::DepositExceeded { outstanding: money },
            Rejection::BatchNotSealable,
        ];
        for rejection in all {
            let message = rejection.message();
            for text in [message.cashier, message.customer] {
                let lines: Vec<&str> = text.lines().collect();
                assert!((1..=2).contains(&lines.len()), "{rejection:?}: {text}");
                assert!(lines.iter().all(|line| line.chars().count() <= 40), "{rejection:?}: {text}");
            }
        }
    }
}
