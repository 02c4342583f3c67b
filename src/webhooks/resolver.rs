//! Names to addresses, with those left out that may not be called.
//!
//! The check belongs here, between the answer of the name service and the connection: what was
//! checked is what is dialled, so a name that changes its mind in between gains nothing.

use std::io;
use std::net::{IpAddr, SocketAddr};
use std::pin::Pin;
use std::sync::Arc;

use reqwest::dns::{Addrs, Name, Resolve, Resolving};

use super::address::{AddressRefusal, AllowedHosts, check_ip};

/// The most addresses of one name that are looked at.
pub const MAX_ADDRESSES: usize = 32;

/// How a name is looked up.
pub(super) type Lookup = Arc<dyn Fn(String) -> LookupFuture + Send + Sync>;
/// The addresses of a name, some time later.
pub(super) type LookupFuture = Pin<Box<dyn Future<Output = io::Result<Vec<IpAddr>>> + Send>>;

/// Resolves through the operating system and answers with addresses that may be called.
#[derive(Clone)]
pub struct FilteringResolver {
    allowed: Arc<AllowedHosts>,
    lookup: Lookup,
}

/// Why a name has no address that may be called.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ResolveError {
    /// None of its addresses may be called; this is the reason for the first.
    #[error("the name {name} is refused: {refusal}")]
    Refused {
        /// The name.
        name: String,
        /// Why.
        refusal: AddressRefusal,
    },
    /// It has none.
    #[error("the name {0} has no address")]
    NoAddress(String),
}

impl FilteringResolver {
    /// With the hosts that may have addresses of the inside.
    #[must_use]
    pub fn new(allowed: AllowedHosts) -> Self {
        Self::with_lookup(allowed, Arc::new(|name| Box::pin(ask_the_system(name))))
    }

    /// With another way of looking names up, so that a test can play a name service that lies.
    pub(super) fn with_lookup(allowed: AllowedHosts, lookup: Lookup) -> Self {
        Self { allowed: Arc::new(allowed), lookup }
    }

    /// What is left of the addresses of `name`.
    fn filter(&self, name: String, addresses: Vec<IpAddr>) -> Result<Vec<SocketAddr>, ResolveError> {
        let reach = self.allowed.reach(&name);
        let mut refused = None;
        let mut open = Vec::new();
        for address in addresses.into_iter().take(MAX_ADDRESSES) {
            match check_ip(address, reach) {
                // Port 0 leaves the port to the URL.
                Ok(()) => open.push(SocketAddr::new(address, 0)),
                Err(refusal) => refused = refused.or(Some(refusal)),
            }
        }
        match (open.is_empty(), refused) {
            (false, _) => Ok(open),
            (true, Some(refusal)) => Err(ResolveError::Refused { name, refusal }),
            (true, None) => Err(ResolveError::NoAddress(name)),
        }
    }
}

impl Resolve for FilteringResolver {
    fn resolve(&self, name: Name) -> Resolving {
        let this = self.clone();
        Box::pin(async move {
            let name = name.as_str().to_owned();
            let addresses = (this.lookup)(name.clone()).await?;
            let open = this.filter(name, addresses)?;
            Ok(Box::new(open.into_iter()) as Addrs)
        })
    }
}

async fn ask_the_system(name: String) -> io::Result<Vec<IpAddr>> {
    let found = tokio::net::lookup_host((name, 0)).await?;
    Ok(found.map(|address| address.ip()).collect())
}

#[cfg(test)]
mod tests {
    use super::super::address::AddressKind;
    use super::*;

    fn left_of(allowed: &[&str], addresses: &[&str]) -> Result<Vec<String>, ResolveError> {
        let resolver = FilteringResolver::new(AllowedHosts::parse(allowed).unwrap());
        let addresses = addresses.iter().map(|text| text.parse().unwrap()).collect();
        let left = resolver.filter("avisos.example.com".to_owned(), addresses)?;
        Ok(left.iter().map(|address| address.ip().to_string()).collect())
    }

    #[test]
    fn addresses_of_the_inside_are_left_out() {
        let left = left_of(&[], &["10.0.0.1", "8.8.8.8", "::1", "::ffff:127.0.0.1", "2606:4700::1111"]);
        assert_eq!(left.unwrap(), ["8.8.8.8", "2606:4700::1111"]);
    }

    #[test]
    fn a_name_without_an_open_address_says_why() {
        let Err(ResolveError::Refused { refusal, .. }) = left_of(&[], &["169.254.169.254", "10.0.0.1"]) else {
            panic!("refused");
        };
        assert_eq!(refusal.to_string(), "169.254.169.254 is not public (link-local)");
        assert_eq!(left_of(&[], &[]), Err(ResolveError::NoAddress("avisos.example.com".to_owned())));
    }

    #[test]
    fn an_allowed_name_may_be_inside_and_still_not_at_the_metadata() {
        let left = left_of(&["AVISOS.example.com"], &["169.254.169.254", "10.0.0.1", "fd00:ec2::254", "127.0.0.1"]);
        assert_eq!(left.unwrap(), ["10.0.0.1", "127.0.0.1"]);
        let Err(ResolveError::Refused { refusal, .. }) = left_of(&["avisos.example.com"], &["fd00:ec2::254"]) else {
            panic!("refused");
        };
        assert!(matches!(refusal, AddressRefusal::Address { kind: AddressKind::Metadata, .. }));
    }
}
