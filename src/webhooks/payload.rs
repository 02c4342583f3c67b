//! What an event says: rendered from its fact alone, so that every attempt has the same bytes.
//!
//! Pure. No personal data beyond the account number: no holder, no cashier, nothing that people wrote.

use serde_json::{Value, json};

use super::events::{EventError, EventType, ID_PREFIX};
use crate::domain::fact::{Body, Fact, OrderStatus};
use crate::domain::ids::Id;
use crate::domain::notice::{OpenedBreak, ReconciliationNotice};

/// Parts of a payment that an event lists, at most: the rest is seen at the payment itself.
pub const MAX_ALLOCATIONS: usize = 60;
/// How far the ids of one fact's events lie apart; facts that are born together differ by less.
const EVENT_STEP: u8 = 8;

/// The identity of an event, which is the same for every endpoint and at every attempt.
#[must_use]
pub fn event_id(fact: Id, event: EventType) -> String {
    fact.sibling(ordinal(event)).with_prefix(ID_PREFIX)
}

/// The facts and events that may have this identity; one of them has.
#[must_use]
pub fn candidates(event_id: Id) -> Vec<(Id, EventType)> {
    EventType::ALL.iter().map(|event| (event_id.sibling(ordinal(*event)), *event)).collect()
}

/// The body that tells an event to an endpoint, under that endpoint's number for it.
///
/// # Errors
/// It would be too large.
pub fn body(fact: &Fact, event: EventType, seq: i64) -> Result<String, EventError> {
    event.body(fact.recorded_at, &data(fact, event), seq)
}

/// What an event says of its fact.
#[must_use]
pub fn data(fact: &Fact, event: EventType) -> Value {
    let mut data = match &fact.body {
        Body::Payment(_) if event == EventType::SuspensionCancelRequested => cancellation(fact),
        Body::Payment(_) => payment(fact),
        Body::Reversal(reversal) => json!({
            "payment_id": reversal.payment_id.with_prefix("pay"), "reversal_id": fact.public_id(),
            "receipt_number": reversal.receipt_number, "reason": reversal.reason, "tender": reversal.tender,
            "payment_business_date": reversal.payment_business_date,
        }),
        Body::SessionClose(close) => json!({
            "session_id": close.session.id.with_prefix("ses"), "till": close.till, "count": close.session.count,
            "total": close.session.total, "cash": close.session.cash, "expected": close.expected,
            "counted": close.counted, "difference": close.difference, "unattended": close.unattended,
            "chain": close.session.chain,
        }),
        Body::DepositVerification(verification) => json!({
            "deposit_id": verification.deposit_id.with_prefix("dep"), "partner": verification.partner,
            "verified": verification.verified, "outstanding": verification.outstanding,
        }),
        Body::ReconnectionOrder(order) => json!({
            "order_id": fact.public_id(), "municipality_code": order.municipality_code,
            "requested_by": fact.party, "cleared_at": order.cleared_at, "due_by": order.due_by,
            "payment_id": order.payment_id.map(|id| id.with_prefix("pay")), "fee": order.fee,
        }),
        Body::ReconnectionMove(step) => json!({
            "order_id": step.order_id.with_prefix("rec"), "status": step.status, "at": step.at,
            "due_by": step.due_by, "requested_by": step.requested_by,
            // Only the gateway cancels, in its own words; a crew's are for those who ask for the order.
            "reason": step.reason.as_ref().filter(|_| step.status == OrderStatus::Cancelled),
        }),
        Body::BatchSeal(seal) => json!({
            "batch_id": fact.public_id(), "partner": seal.partner, "from": seal.from, "through": seal.through,
            "count": seal.count, "total": seal.total,
        }),
        Body::CertificateNotice(notice) => json!({
            "party": fact.party, "thumbprint": notice.thumbprint, "subject": notice.subject,
            "not_after": notice.not_after, "days": notice.days,
        }),
        Body::ReconciliationNotice(notice) if event == EventType::BreakOpened => opened(fact, notice),
        Body::ReconciliationNotice(notice) => json!({
            "reconciliation_id": fact.public_id(), "partner": fact.party, "file": notice.file, "from": notice.from,
            "to": notice.to, "differences": notice.differences, "opened": notice.opened,
        }),
        Body::SessionOpening(_) | Body::Deposit(_) | Body::ReceiptCopy(_) | Body::CutReport(_) => json!({}),
    };
    let amount = match &fact.body {
        Body::Payment(_) => Some(fact.amount),
        Body::Reversal(_) => Some(-fact.amount),
        Body::DepositVerification(verification) => Some(verification.amount),
        _ => None,
    };
    if let Value::Object(members) = &mut data {
        members.retain(|_, value| !value.is_null());
        if let Some(place) = &fact.account {
            members.insert("account_number".to_owned(), place.of.as_str().into());
        }
        if let Some(amount) = amount {
            members.insert("amount".to_owned(), amount.to_string().into());
            members.insert("currency".to_owned(), "COP".into());
        }
    }
    data
}

fn opened(fact: &Fact, notice: &ReconciliationNotice) -> Value {
    let one = |one: &OpenedBreak| {
        let id = one.id.with_prefix("brk");
        let mut told =
            json!({ "id": id, "cause": one.cause, "owner": one.owner, "amount_at_stake": one.amount_at_stake });
        if let (Value::Object(members), Some(number)) = (&mut told, &one.account_number) {
            members.insert("account_number".to_owned(), number.as_str().into());
        }
        told
    };
    let left_out = notice.opened.saturating_sub(notice.breaks.len() as u64);
    json!({
        "reconciliation_id": fact.public_id(), "partner": fact.party, "opened": notice.opened,
        "breaks": notice.breaks.iter().map(one).collect::<Vec<_>>(),
        "breaks_left_out": (left_out > 0).then_some(left_out),
    })
}

fn payment(fact: &Fact) -> Value {
    let Some(payment) = fact.payment() else { return Value::Null };
    let allocations = &payment.allocations[..payment.allocations.len().min(MAX_ALLOCATIONS)];
    let left_out = payment.allocations.len() - allocations.len();
    json!({
        "payment_id": fact.public_id(), "type": payment.kind, "agreement_id": payment.agreement_id,
        "tender": payment.tender, "receipt_number": payment.receipt_number, "partner": fact.party,
        "collection_point": fact.collection_point, "till": payment.till, "business_date": fact.business_date,
        "collected_at": payment.collected_at.unwrap_or(fact.recorded_at), "recorded_at": fact.recorded_at,
        "municipality_code": payment.municipality_code, "offline": payment.offline, "allocations": allocations,
        "allocations_left_out": (left_out > 0).then_some(left_out),
        "reconnection": payment.reconnection.as_ref()
            .map(|order| json!({ "id": order.id.with_prefix("rec"), "due_by": order.due_by })),
    })
}

fn cancellation(fact: &Fact) -> Value {
    let Some(payment) = fact.payment() else { return Value::Null };
    json!({
        "payment_id": fact.public_id(), "municipality_code": payment.municipality_code,
        "cleared_at": payment.collected_at.unwrap_or(fact.recorded_at), "recorded_at": fact.recorded_at,
    })
}

const fn ordinal(event: EventType) -> u8 {
    EVENT_STEP * (event as u8 + 1)
}

#[cfg(test)]
mod tests {
    use super::super::events::MAX_BODY_BYTES;
    use super::super::samples;
    use super::*;
    use crate::domain::fact::{Allocation, AllocationRule};
    use crate::domain::money::Money;

    #[test]
    fn every_event_has_an_identity_of_its_own_that_leads_back_to_it() {
        let fact = Id::from_bits(0x0193_0000_0000_7000_8000_0000_0000_0155);
        let mut seen = std::collections::HashSet::new();
        for event in EventType::ALL {
            // Facts of one command are siblings; no two of their events share an identity.
            for sibling in 0..8 {
                let fact = fact.sibling(sibling);
                let id = event_id(fact, *event);
                assert!(seen.insert(id.clone()), "{id}");
                let id = Id::parse_with_prefix(&id, ID_PREFIX).unwrap();
                assert!(candidates(id).contains(&(fact, *event)));
            }
        }
    }

    #[test]
    fn an_event_says_what_its_receiver_needs_and_nothing_about_people() {
        for (fact, event) in samples::facts() {
            let event = EventType::parse(event).unwrap();
            let body = body(&fact, event, 7).unwrap();
            for private in ["MARIA", "GOMEZ", "cajera-7", "supervisora-1", "cliente furioso"] {
                assert!(!body.contains(private), "{event}: {body}");
            }
            assert_eq!(body, super::body(&fact, event, 7).unwrap(), "the same bytes each time");
        }
    }

    #[test]
    fn an_order_says_where_until_when_and_why() {
        let (order, _) = samples::facts().into_iter().find(|(_, event)| *event == "reconnection.requested").unwrap();
        let data = data(&order, EventType::ReconnectionRequested);
        let expected = json!({
            "account_number": "000123456", "municipality_code": "54001", "order_id": order.public_id(),
            "requested_by": "coompecens", "cleared_at": "2026-11-24T14:30:00.000000Z",
            "due_by": "2026-11-25T14:30:00.000000Z", "payment_id": samples::payment_id(), "fee": "0.00",
        });
        assert_eq!(data, expected);
    }

    #[test]
    fn a_payment_on_very_many_bills_still_fits() {
        let (mut fact, _) = samples::facts().remove(0);
        if let Body::Payment(payment) = &mut fact.body {
            let part = |number: usize| Allocation {
                bill_number: Some(format!("F{number:063}")),
                agreement_id: None,
                installment: None,
                amount: Money::from_centavos(999_999_999_999),
                rule: AllocationRule::OldestDueFirst,
            };
            payment.allocations = (0..400).map(part).collect();
        }
        let body = body(&fact, EventType::PaymentPosted, i64::MAX).unwrap();
        assert!(body.len() <= MAX_BODY_BYTES && body.contains(r#""allocations_left_out":340"#));
    }
}
