//! What a receipt says, once, as lines; how a line looks is for whoever renders it.
//!
//! Everything comes from the stored fact (and the fact that took it back), the utility's and the
//! collection point's names and the number of the copy. No clock, no database: the same input is the
//! same ticket for ever.

use crate::config::Utility;
use crate::domain::calendar::Timestamp;
use crate::domain::fact::{
    Allocation, AllocationRule, Body, Fact, Payment, PaymentKind, Reversal, ReversalReason, Tender,
};
use crate::domain::money::Money;
use crate::domain::policy::{PointSettings, Policy};
use crate::domain::position::Figures;
use crate::domain::session::Canonical;

use super::municipality;
use super::wording::{amount, clean, date_time};

/// Allocations listed one by one, at most; what is beyond is added up in one line.
pub const MAX_ALLOCATIONS: usize = 60;

const CROCKFORD: &[u8; 32] = b"0123456789ABCDEFGHJKMNPQRSTVWXYZ";

/// What a receipt is made from.
#[derive(Clone, Copy, Debug)]
pub struct Source<'a> {
    /// The payment.
    pub fact: &'a Fact,
    /// The fact that took it back, when one did.
    pub reversal: Option<&'a Fact>,
    /// Who the money is for.
    pub utility: &'a Utility,
    /// Where it was taken.
    pub point: &'a PointSettings,
    /// The utility's rules: its offset from UTC.
    pub policy: &'a Policy,
    /// 0 for the original, n for the nth reprint.
    pub copy: u32,
}

/// Why there is no receipt.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TicketError {
    /// Only payments have receipts.
    #[error("the fact is not a payment on an account")]
    NotAPayment,
    /// The other fact does not take this payment back.
    #[error("the reversal is not of this payment")]
    NotItsReversal,
}

/// A receipt as data.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ticket {
    /// The utility's name.
    pub utility: String,
    /// The number of the receipt.
    pub receipt_number: String,
    /// The code to read aloud, `XXXX-XXXX`.
    pub code: String,
    /// The payment was taken back.
    pub annulled: bool,
    /// 0 for the original, n for the nth reprint.
    pub copy: u32,
    /// What the customer is told.
    pub customer: &'static str,
    /// What the cashier is told.
    pub cashier: &'static str,
    /// What is printed, from top to bottom.
    pub lines: Vec<Line>,
}

/// One thing on a receipt.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Line {
    /// Centred and strong.
    Heading(String),
    /// Centred.
    Centered(String),
    /// Centred and not to be overlooked: annulled, or a copy.
    Banner(String),
    /// A name and what it is.
    Field(String, String),
    /// A name and its money.
    Amount(String, String),
    /// The sum, as large as it gets.
    Total(String, String),
    /// A sentence.
    Note(String),
    /// The code to read aloud.
    Code(String),
    /// Where the QR code goes, on what can show one.
    Seal,
    /// A line across.
    Rule,
}

/// The receipt of a payment.
///
/// # Errors
/// The fact is not a payment, or the other one does not take it back.
pub fn ticket(source: &Source<'_>) -> Result<Ticket, TicketError> {
    let payment = source.fact.payment().ok_or(TicketError::NotAPayment)?;
    let account = source.fact.account.as_ref().ok_or(TicketError::NotAPayment)?.of.as_str();
    let reversal = source.reversal.map(|fact| reversal_of(source.fact, fact)).transpose()?;
    let code = code(source.fact, account);
    let (customer, cashier) = match (reversal, payment.reconnection.is_some()) {
        (Some(_), _) => {
            ("Pago anulado. Comprobante no válido.", "Retire el comprobante original y devuelva el dinero.")
        }
        (None, true) => {
            ("Conserve este comprobante. La reconexión ya fue pedida.", "Entregue este comprobante al cliente.")
        }
        (None, false) => ("Conserve este comprobante.", "Entregue este comprobante al cliente."),
    };
    let mut ticket = Ticket {
        utility: clean(&source.utility.name),
        receipt_number: clean(&payment.receipt_number),
        code,
        annulled: reversal.is_some(),
        copy: source.copy,
        customer,
        cashier,
        lines: Vec::with_capacity(40 + payment.allocations.len().min(MAX_ALLOCATIONS)),
    };
    ticket.head(source);
    ticket.where_and_when(source, payment);
    ticket.who(account, payment);
    ticket.money(source, payment, reversal.map(|(_, reversal)| reversal));
    match reversal {
        Some((fact, reversal)) => ticket.annulment(source.policy, fact, reversal),
        None => ticket.supply(source.policy, payment),
    }
    ticket.foot(source);
    Ok(ticket)
}

/// When the money was taken.
#[must_use]
pub fn paid_at(fact: &Fact, payment: &Payment) -> Timestamp {
    payment.collected_at.unwrap_or(fact.recorded_at)
}

/// Eight characters that stand for the canonical fact: forty bits of its SHA-256 in Crockford's
/// alphabet, which has no letter that is heard or read as another.
#[must_use]
pub fn code(fact: &Fact, account_number: &str) -> String {
    let canonical = Canonical {
        public_id: &fact.public_id(),
        account_number,
        amount: fact.amount,
        business_date: fact.business_date,
        recorded_at: fact.recorded_at,
    };
    let hash = canonical.link("receipt");
    let bits = hash.get(..10).and_then(|hex| u64::from_str_radix(hex, 16).ok()).unwrap_or_default();
    let letter = |place: u32| char::from(CROCKFORD[(bits >> (35 - 5 * place) & 31) as usize]);
    let part = |places: std::ops::Range<u32>| places.map(letter).collect::<String>();
    format!("{}-{}", part(0..4), part(4..8))
}

fn reversal_of<'a>(payment: &Fact, fact: &'a Fact) -> Result<(&'a Fact, &'a Reversal), TicketError> {
    match &fact.body {
        Body::Reversal(reversal) if fact.ends == Some(payment.id) => Ok((fact, reversal)),
        _ => Err(TicketError::NotItsReversal),
    }
}

impl Ticket {
    fn add(&mut self, line: Line) {
        self.lines.push(line);
    }

    fn field(&mut self, label: &str, value: impl AsRef<str>) {
        self.add(Line::Field(label.to_owned(), clean(value.as_ref())));
    }

    fn banners(&mut self) {
        if self.annulled {
            self.add(Line::Banner("ANULADO".to_owned()));
        }
        if self.copy > 0 {
            self.add(Line::Banner(format!("COPIA {}", self.copy)));
        }
    }

    fn head(&mut self, source: &Source<'_>) {
        self.add(Line::Heading(self.utility.clone()));
        self.add(Line::Centered(format!("NIT {}", clean(&source.utility.tax_id))));
        self.add(Line::Heading("COMPROBANTE DE PAGO".to_owned()));
        self.banners();
        self.add(Line::Rule);
    }

    fn where_and_when(&mut self, source: &Source<'_>, payment: &Payment) {
        let offset = source.policy.utc_offset_minutes;
        self.field("Recibo", &payment.receipt_number);
        self.field("Fecha", date_time(paid_at(source.fact, payment), offset));
        if payment.offline || payment.collected_at.is_some_and(|at| at != source.fact.recorded_at) {
            self.field("Registrado", date_time(source.fact.recorded_at, offset));
        }
        let id = source.fact.collection_point.as_ref().map_or("", |point| point.as_str());
        self.field("Punto de pago", source.point.name.as_deref().unwrap_or(id));
        if let Some(place) = &source.point.municipality {
            self.field("Lugar", place);
        }
        self.field("Caja", &payment.till);
        self.field("Cajero", &payment.cashier);
        if let Some(reference) = &payment.partner_reference {
            self.field("Referencia", reference);
        }
        self.add(Line::Rule);
    }

    fn who(&mut self, account: &str, payment: &Payment) {
        self.field("Cuenta", account);
        self.field("Titular", &payment.holder);
        let code = payment.municipality_code.as_str();
        self.field("Municipio", municipality::name(code).unwrap_or(code));
        self.field(
            "Tipo",
            match payment.kind {
                PaymentKind::Full => "Pago total",
                PaymentKind::Partial => "Pago parcial",
                PaymentKind::Installment => "Abono a convenio",
            },
        );
        self.field("Medio de pago", tender(payment.tender));
        self.add(Line::Rule);
    }

    fn money(&mut self, source: &Source<'_>, payment: &Payment, reversal: Option<&Reversal>) {
        let figures = reversal.map_or(&payment.position_after, |reversal| &reversal.position_after);
        // Either every amount shows centavos or none does: a column of money is read by its points.
        let listed = payment.allocations.iter().map(|allocation| allocation.amount);
        let whole = [source.fact.amount, figures.total_due, figures.disputed, figures.payable_now, figures.credit]
            .into_iter()
            .chain(listed)
            .all(|amount| amount.is_multiple_of(Money::from_pesos(1)));
        let shown = payment.allocations.len().min(MAX_ALLOCATIONS);
        let (shown, rest) = payment.allocations.split_at(shown);
        for allocation in shown {
            self.add(Line::Amount(clean(&destination(allocation)), amount(allocation.amount, whole)));
        }
        if !rest.is_empty() {
            let sum = rest.iter().map(|allocation| allocation.amount).sum();
            self.add(Line::Amount(format!("Y {} conceptos más", rest.len()), amount(sum, whole)));
        }
        let label = if reversal.is_some() { "TOTAL ANULADO" } else { "TOTAL PAGADO" };
        self.add(Line::Total(label.to_owned(), amount(source.fact.amount, whole)));
        self.remaining(figures, whole);
    }

    fn remaining(&mut self, figures: &Figures, whole: bool) {
        self.add(Line::Amount("Saldo pendiente".to_owned(), amount(figures.total_due, whole)));
        if figures.disputed.is_positive() {
            self.add(Line::Amount("En reclamo".to_owned(), amount(figures.disputed, whole)));
            self.add(Line::Amount("Por pagar ahora".to_owned(), amount(figures.payable_now, whole)));
        }
        if figures.credit.is_positive() {
            self.add(Line::Amount("Saldo a favor".to_owned(), amount(figures.credit, whole)));
        }
        self.add(Line::Rule);
    }

    /// A payment that was taken back promises no reconnection, so this is for those that stand.
    fn supply(&mut self, policy: &Policy, payment: &Payment) {
        if let Some(order) = &payment.reconnection {
            self.add(Line::Heading("RECONEXIÓN ORDENADA".to_owned()));
            self.field("Orden", order.id.with_prefix("rec"));
            self.field("A más tardar", date_time(order.due_by, policy.utc_offset_minutes));
        }
        if payment.cancels_suspension {
            self.add(Line::Heading("CORTE CANCELADO".to_owned()));
            self.add(Line::Note("Con este pago se ordenó cancelar el corte programado.".to_owned()));
        }
        if payment.reconnection.is_some() || payment.cancels_suspension {
            self.add(Line::Rule);
        }
    }

    fn annulment(&mut self, policy: &Policy, fact: &Fact, reversal: &Reversal) {
        self.field("Anulado", date_time(fact.recorded_at, policy.utc_offset_minutes));
        self.field(
            "Motivo",
            match reversal.reason {
                ReversalReason::WrongAccount => "Cuenta equivocada",
                ReversalReason::WrongAmount => "Valor equivocado",
                ReversalReason::Duplicate => "Pago duplicado",
                ReversalReason::NotCollected => "Dinero no recibido",
                ReversalReason::CustomerRequest => "Solicitud del cliente",
            },
        );
        self.field("Autorizó", &reversal.supervisor);
        self.add(Line::Rule);
    }

    fn foot(&mut self, source: &Source<'_>) {
        self.add(Line::Centered("Código de verificación".to_owned()));
        self.add(Line::Code(self.code.clone()));
        self.add(Line::Seal);
        self.banners();
        self.add(Line::Centered(self.customer.to_owned()));
        self.add(Line::Centered(clean(&source.utility.contact)));
        self.add(Line::Note(format!("Cajero: {}", self.cashier)));
    }
}

fn tender(tender: Tender) -> &'static str {
    match tender {
        Tender::Cash => "Efectivo",
        Tender::DebitCard => "Tarjeta débito",
        Tender::CreditCard => "Tarjeta crédito",
        Tender::Transfer => "Transferencia",
        Tender::Cheque => "Cheque",
    }
}

fn destination(allocation: &Allocation) -> String {
    match (allocation.rule, &allocation.bill_number, &allocation.agreement_id, allocation.installment) {
        (AllocationRule::CreditBalance, ..) => "Saldo a favor".to_owned(),
        (_, Some(bill), ..) => format!("Factura {bill}"),
        (_, None, Some(agreement), Some(installment)) => format!("Cuota {installment} convenio {agreement}"),
        (_, None, Some(agreement), None) => format!("Convenio {agreement}"),
        (_, None, None, _) => "Abono a la cuenta".to_owned(),
    }
}
