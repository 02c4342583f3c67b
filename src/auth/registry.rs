//! Who is registered: parties, their certificates, their collection points, as the store has them now.
//!
//! A picture of the register is renewed several times a second and after every change made here, so a
//! revoked certificate is out within a second even on a connection that is kept alive, and a request
//! asks no database who its caller is. A picture that cannot be renewed is not trusted for long.

use std::collections::HashMap;
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

use tokio::time::Instant;

use crate::domain::calendar::Timestamp;
use crate::domain::command::PartyKind;
use crate::domain::ids::{CollectionPointId, PartyId};

/// How often the picture is renewed.
pub const RENEWAL: Duration = Duration::from_millis(400);
/// For how long a picture that cannot be renewed is trusted.
const TRUST: Duration = Duration::from_secs(5);

/// The register at one instant.
#[derive(Clone, Debug, Default)]
pub struct Register {
    /// Certificates by thumbprint (base64url of SHA-256).
    pub certificates: HashMap<String, RegisteredCertificate>,
    /// Parties.
    pub parties: HashMap<PartyId, RegisteredParty>,
    /// Collection points.
    pub points: HashMap<CollectionPointId, RegisteredPoint>,
}

/// A certificate of a party.
#[derive(Clone, Debug)]
pub struct RegisteredCertificate {
    /// Whose.
    pub party: PartyId,
    /// Valid up to this instant.
    pub not_after: Timestamp,
    /// Taken out of use.
    pub revoked: bool,
}

/// A party.
#[derive(Clone, Debug)]
pub struct RegisteredParty {
    /// What it is.
    pub kind: PartyKind,
    /// What it is called.
    pub name: String,
    /// It may not call.
    pub suspended: bool,
}

/// A collection point.
#[derive(Clone, Debug)]
pub struct RegisteredPoint {
    /// Whose it is.
    pub party: PartyId,
    /// It takes no money.
    pub suspended: bool,
}

/// Who calls, as the certificate says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Peer {
    /// The party.
    pub party: PartyId,
    /// What it is.
    pub kind: PartyKind,
    /// What it is called.
    pub name: String,
    /// The thumbprint of its certificate.
    pub thumbprint: String,
    /// Until when the certificate is valid.
    pub not_after: Timestamp,
}

/// Why a certificate is not let in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NotLetIn {
    /// Not registered, revoked or expired.
    NotRegistered,
    /// Its party is suspended.
    Suspended(PartyKind),
    /// The register cannot be read.
    Unknown,
}

/// The latest picture of the register.
#[derive(Debug, Default)]
pub struct Registry(RwLock<Option<(Arc<Register>, Instant)>>);

impl Registry {
    /// Takes a new picture; `taken` is when reading it began.
    pub fn renew(&self, register: Register, taken: Instant) {
        *self.0.write().unwrap_or_else(PoisonError::into_inner) = Some((Arc::new(register), taken));
    }

    /// The latest picture, if it can be trusted.
    #[must_use]
    pub fn current(&self) -> Option<Arc<Register>> {
        let latest = self.0.read().unwrap_or_else(PoisonError::into_inner);
        latest.as_ref().filter(|(_, taken)| taken.elapsed() < TRUST).map(|(register, _)| Arc::clone(register))
    }

    /// Who calls with this certificate.
    ///
    /// # Errors
    /// Nobody that is let in.
    pub fn peer(&self, thumbprint: &str, now: Timestamp) -> Result<Peer, NotLetIn> {
        let register = self.current().ok_or(NotLetIn::Unknown)?;
        let certificate = register.certificates.get(thumbprint).ok_or(NotLetIn::NotRegistered)?;
        if certificate.revoked || certificate.not_after <= now {
            return Err(NotLetIn::NotRegistered);
        }
        let party = register.parties.get(&certificate.party).ok_or(NotLetIn::NotRegistered)?;
        if party.suspended {
            return Err(NotLetIn::Suspended(party.kind));
        }
        Ok(Peer {
            party: certificate.party.clone(),
            kind: party.kind,
            name: party.name.clone(),
            thumbprint: thumbprint.to_owned(),
            not_after: certificate.not_after,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_registered_certificate_in_force_is_let_in() {
        let registry = Registry::default();
        let now = Timestamp::from_micros(1_000_000);
        assert_eq!(registry.peer("a", now), Err(NotLetIn::Unknown));
        let party = PartyId::new("jj-pita");
        let mut register = Register::default();
        let known = RegisteredParty { kind: PartyKind::Billing, name: String::new(), suspended: false };
        register.parties.insert(party.clone(), known);
        let certificate =
            RegisteredCertificate { party: party.clone(), not_after: now.plus_minutes(1), revoked: false };
        register.certificates.insert("a".to_owned(), certificate.clone());
        register.certificates.insert("b".to_owned(), RegisteredCertificate { revoked: true, ..certificate });
        registry.renew(register.clone(), Instant::now());
        assert_eq!(registry.peer("a", now).map(|peer| peer.party), Ok(party.clone()));
        assert_eq!(registry.peer("a", now.plus_minutes(1)), Err(NotLetIn::NotRegistered));
        assert_eq!(registry.peer("b", now), Err(NotLetIn::NotRegistered));
        assert_eq!(registry.peer("c", now), Err(NotLetIn::NotRegistered));
        register.parties.get_mut(&party).unwrap().suspended = true;
        registry.renew(register, Instant::now());
        assert_eq!(registry.peer("a", now), Err(NotLetIn::Suspended(PartyKind::Billing)));
    }
}
