//! Who is told what. Pure: a party sees its own facts, and the services see what they work on.

use super::events::EventType;
use crate::domain::command::PartyKind;
use crate::domain::fact::{Body, Fact};
use crate::domain::ids::PartyId;

/// Whether a kind of party can be told of an event at all.
#[must_use]
pub const fn may_ask_for(kind: PartyKind, event: EventType) -> bool {
    use EventType as E;
    match kind {
        PartyKind::Operator | PartyKind::Partner => true,
        PartyKind::Reconnection => matches!(
            event,
            E::ReconnectionRequested
                | E::ReconnectionCancelled
                | E::ReconnectionDispatched
                | E::ReconnectionCompleted
                | E::ReconnectionFailed
                | E::ReconnectionOverdue
                | E::SuspensionCancelRequested
                | E::CertificateExpiring
        ),
        PartyKind::Billing => {
            matches!(event, E::PaymentPosted | E::PaymentReversed | E::CollectionBatchSealed | E::CertificateExpiring)
        }
    }
}

/// Whether this party is told of this event of this fact.
#[must_use]
pub fn may_see(kind: PartyKind, party: &PartyId, fact: &Fact, event: EventType) -> bool {
    may_ask_for(kind, event) && (kind != PartyKind::Partner || owner(fact) == party)
}

/// Whose business a fact is; it is not always whoever wrote it.
fn owner(fact: &Fact) -> &PartyId {
    match &fact.body {
        Body::ReconnectionMove(step) => &step.requested_by,
        Body::DepositVerification(verification) => &verification.partner,
        Body::BatchSeal(seal) => &seal.partner,
        _ => &fact.party,
    }
}

#[cfg(test)]
mod tests {
    use super::super::samples;
    use super::*;

    #[test]
    fn a_partner_is_told_of_its_own_orders_whoever_moves_them_and_of_nobody_elses() {
        let (own, other) = (PartyId::new("coompecens"), PartyId::new("jj-pita"));
        for (fact, event) in samples::facts() {
            let event = EventType::parse(event).unwrap();
            assert!(may_see(PartyKind::Partner, &own, &fact, event), "{event}");
            assert!(!may_see(PartyKind::Partner, &other, &fact, event), "{event}");
            assert!(may_see(PartyKind::Operator, &"operator".into(), &fact, event), "{event}");
        }
    }

    #[test]
    fn the_services_are_told_of_what_they_work_on() {
        let told = |kind| -> Vec<&str> {
            let asked = |event: &&EventType| may_ask_for(kind, **event);
            EventType::ALL.iter().filter(asked).map(|event| event.as_str()).collect()
        };
        let billing = ["payment.posted", "payment.reversed", "collection_batch.sealed", "certificate.expiring"];
        assert_eq!(told(PartyKind::Billing), billing);
        let reconnection = told(PartyKind::Reconnection);
        assert_eq!(reconnection.len(), 8);
        assert!(reconnection.iter().all(|name| !name.starts_with("payment.")), "{reconnection:?}");
    }
}
