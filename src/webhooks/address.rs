//! Where a delivery may go: never to ourselves, never to the inside, unless an operator said so.
//!
//! Whoever registers an endpoint chooses an address that *we* call, from inside. So the URL is checked
//! at registration and before each attempt ([`check_url`]), and the addresses its name has at that
//! moment are checked again when connecting ([`check_ip`], through [`super::resolver`]): a name that
//! was harmless yesterday may point inside today. No I/O here.

use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use reqwest::Url;
use url_host::Host;

/// The longest URL an endpoint may have, in bytes.
pub const MAX_URL_BYTES: usize = 2_048;
/// The most hosts an operator may allow.
pub const MAX_ALLOWED_HOSTS: usize = 100;

/// Hosts inside that an operator allowed by name or by address.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AllowedHosts(Vec<AllowedHost>);

#[derive(Clone, Debug, PartialEq, Eq)]
struct AllowedHost {
    host: String,
    http: bool,
}

/// Which addresses may be called.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reach {
    /// Those that anybody could call.
    Public,
    /// Those of the inside as well (loopback, private, shared), since an operator allowed the host.
    Internal,
}

/// What an address is for, when it is not for everybody.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AddressKind {
    /// This machine.
    Loopback,
    /// A private network (RFC 1918, unique local).
    Private,
    /// Shared between a provider and its customers (RFC 6598).
    CarrierShared,
    /// This link only, and where clouds keep their credentials.
    LinkLocal,
    /// A cloud's metadata service outside the link-local range.
    Metadata,
    /// No address at all, "this network".
    Unspecified,
    /// Many receivers at once.
    Multicast,
    /// Everybody on the network.
    Broadcast,
    /// Written in books, used by nobody.
    Documentation,
    /// Set aside for protocols, measurements or the future.
    Reserved,
    /// An IPv4 address in an IPv6 dress that nothing uses any more (compatible, 6to4, Teredo).
    Transition,
}

/// Why an address is not called.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum AddressRefusal {
    /// More than [`MAX_URL_BYTES`].
    #[error("the URL is longer than {MAX_URL_BYTES} bytes")]
    TooLong,
    /// Not an absolute URL.
    #[error("this is no absolute URL: {0}")]
    NotAUrl(String),
    /// Something else than https, or http to a host that is not allowed to be called so.
    #[error("the scheme {0} is refused: https is required")]
    Scheme(String),
    /// A user name or password in the URL.
    #[error("a user name or password in the URL is refused: the signature says who calls")]
    UserInfo,
    /// A part that is never sent.
    #[error("a fragment is never sent to the receiver: leave it out")]
    Fragment,
    /// Port 0.
    #[error("port 0 is no port")]
    Port,
    /// A name that only means something inside.
    #[error("the name {0} only means something inside; an operator has to allow it")]
    InternalName(String),
    /// An address that is not public.
    #[error("{address} is not public ({kind})")]
    Address {
        /// The address, as it would have been called.
        address: IpAddr,
        /// What it is.
        kind: AddressKind,
    },
}

/// An entry of the list of allowed hosts that cannot be read.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum AllowedHostError {
    /// Not `host`, `https://host` or `http://host`.
    #[error("an allowed host is a name or an address, after http:// where that is allowed too; not {0}")]
    Entry(String),
    /// More than [`MAX_ALLOWED_HOSTS`].
    #[error("at most {MAX_ALLOWED_HOSTS} hosts can be allowed")]
    TooMany,
}

/// Checks the URL of an endpoint: at registration, and again before each attempt.
///
/// # Errors
/// Why nothing will be sent there.
pub fn check_url(text: &str, allowed: &AllowedHosts) -> Result<Url, AddressRefusal> {
    if text.len() > MAX_URL_BYTES {
        return Err(AddressRefusal::TooLong);
    }
    let url = Url::parse(text).map_err(|error| AddressRefusal::NotAUrl(error.to_string()))?;
    let entry = url.host_str().and_then(|host| allowed.find(host));
    match url.scheme() {
        "https" => {}
        "http" if entry.is_some_and(|entry| entry.http) => {}
        other => return Err(AddressRefusal::Scheme(other.to_owned())),
    }
    if !url.username().is_empty() || url.password().is_some() {
        return Err(AddressRefusal::UserInfo);
    }
    if url.fragment().is_some() {
        return Err(AddressRefusal::Fragment);
    }
    if url.port() == Some(0) {
        return Err(AddressRefusal::Port);
    }
    let reach = if entry.is_some() { Reach::Internal } else { Reach::Public };
    match url_host::of(&url) {
        Some(Host::Address(address)) => check_ip(address, reach)?,
        Some(Host::Name(name)) if reach == Reach::Public && is_internal_name(name) => {
            return Err(AddressRefusal::InternalName(name.to_owned()));
        }
        Some(Host::Name(_)) => {}
        None => return Err(AddressRefusal::NotAUrl("it has no host".to_owned())),
    }
    Ok(url)
}

/// Checks an address that a URL holds or a name resolved to.
///
/// # Errors
/// What the address is, when it may not be called.
pub fn check_ip(address: IpAddr, reach: Reach) -> Result<(), AddressRefusal> {
    let kind = match address {
        IpAddr::V4(address) => kind_of_v4(address),
        IpAddr::V6(address) => kind_of_v6(address),
    };
    match kind {
        None => Ok(()),
        // What an operator can allow is a machine of the inside: never a link's neighbours and
        // credentials, never an address that is nobody's.
        Some(AddressKind::Loopback | AddressKind::Private | AddressKind::CarrierShared) if reach == Reach::Internal => {
            Ok(())
        }
        Some(kind) => Err(AddressRefusal::Address { address, kind }),
    }
}

impl AllowedHosts {
    /// Reads the entries of the settings: `host` or `https://host`, and `http://host` where a call
    /// without TLS is allowed as well. A host holds for all of its ports.
    ///
    /// # Errors
    /// An entry with more than a host, or too many entries.
    pub fn parse<T: AsRef<str>>(entries: &[T]) -> Result<Self, AllowedHostError> {
        if entries.len() > MAX_ALLOWED_HOSTS {
            return Err(AllowedHostError::TooMany);
        }
        entries.iter().map(|entry| AllowedHost::parse(entry.as_ref())).collect::<Result<_, _>>().map(Self)
    }

    /// Which addresses the host of this name may have.
    #[must_use]
    pub fn reach(&self, host: &str) -> Reach {
        if self.find(host).is_some() { Reach::Internal } else { Reach::Public }
    }

    fn find(&self, host: &str) -> Option<&AllowedHost> {
        let host = host.trim_end_matches('.');
        // With both `host` and `http://host` in the list, the wider one counts.
        let matching = || self.0.iter().filter(|entry| entry.host.eq_ignore_ascii_case(host));
        matching().find(|entry| entry.http).or_else(|| matching().next())
    }
}

impl AllowedHost {
    fn parse(entry: &str) -> Result<Self, AllowedHostError> {
        let error = || AllowedHostError::Entry(entry.to_owned());
        let text = if entry.contains("://") { entry.to_owned() } else { format!("https://{entry}") };
        let url = Url::parse(&text).map_err(|_| error())?;
        let host = url.host_str().filter(|host| !host.is_empty()).ok_or_else(error)?;
        // Whatever else the entry says (a port, a path, a user, a pattern) would not hold, so it must
        // not look as if it did.
        let bare = format!("{}://{host}/", url.scheme()) == url.as_str() && !text.ends_with('/') && !host.contains('*');
        if !bare || !matches!(url.scheme(), "http" | "https") {
            return Err(error());
        }
        Ok(Self { host: host.trim_end_matches('.').to_owned(), http: url.scheme() == "http" })
    }
}

impl fmt::Display for AddressKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Loopback => "loopback",
            Self::Private => "private",
            Self::CarrierShared => "carrier-shared",
            Self::LinkLocal => "link-local",
            Self::Metadata => "cloud metadata",
            Self::Unspecified => "unspecified",
            Self::Multicast => "multicast",
            Self::Broadcast => "broadcast",
            Self::Documentation => "documentation",
            Self::Reserved => "reserved",
            Self::Transition => "IPv6 transition",
        })
    }
}

/// Names that a public resolver does not know, or knows as an address of the inside.
fn is_internal_name(name: &str) -> bool {
    const INTERNAL_ENDINGS: [&str; 8] =
        ["localhost", "localdomain", "local", "internal", "intranet", "lan", "home.arpa", "in-addr.arpa"];
    let name = name.trim_end_matches('.').to_ascii_lowercase();
    let ends_in = |ending: &&str| name.strip_suffix(*ending).is_some_and(|rest| rest.is_empty() || rest.ends_with('.'));
    !name.contains('.') || INTERNAL_ENDINGS.iter().any(ends_in)
}

/// IANA's registry of special IPv4 addresses, in numerical order.
fn kind_of_v4(address: Ipv4Addr) -> Option<AddressKind> {
    match address.octets() {
        [0, ..] => Some(AddressKind::Unspecified),
        [10, ..] | [172, 16..=31, ..] | [192, 168, ..] => Some(AddressKind::Private),
        // Two clouds keep their metadata outside of the link-local range.
        [100, 100, 100, 200] | [168, 63, 129, 16] => Some(AddressKind::Metadata),
        [100, 64..=127, ..] => Some(AddressKind::CarrierShared),
        [127, ..] => Some(AddressKind::Loopback),
        [169, 254, ..] => Some(AddressKind::LinkLocal),
        [192, 0, 2, _] | [198, 51, 100, _] | [203, 0, 113, _] => Some(AddressKind::Documentation),
        [192, 0, 0, _] | [192, 52, 193, _] | [198, 18..=19, ..] => Some(AddressKind::Reserved),
        [192, 88, 99, _] => Some(AddressKind::Transition),
        [224..=239, ..] => Some(AddressKind::Multicast),
        [255, 255, 255, 255] => Some(AddressKind::Broadcast),
        [240..=255, ..] => Some(AddressKind::Reserved),
        _ => None,
    }
}

/// Only 2000::/3 is in use; whatever lies outside of it is refused, with its own word where it has one.
fn kind_of_v6(address: Ipv6Addr) -> Option<AddressKind> {
    let embedded = |high: u16, low: u16| {
        let ([a, b], [c, d]) = (high.to_be_bytes(), low.to_be_bytes());
        kind_of_v4(Ipv4Addr::new(a, b, c, d))
    };
    match address.segments() {
        [0, 0, 0, 0, 0, 0, 0, 0] => Some(AddressKind::Unspecified),
        [0, 0, 0, 0, 0, 0, 0, 1] => Some(AddressKind::Loopback),
        // Mapped, and the translation of a network that has IPv6 only: what counts is inside.
        [0, 0, 0, 0, 0, 0xffff, high, low] | [0x64, 0xff9b, 0, 0, 0, 0, high, low] => embedded(high, low),
        // Compatible, translated within one site, Teredo and 6to4.
        [0, 0, 0, 0, 0, 0, ..] | [0, 0, 0, 0, 0xffff, 0, ..] | [0x64, 0xff9b, 1, ..] | [0x2001, 0, ..] => {
            Some(AddressKind::Transition)
        }
        [0x2002, ..] => Some(AddressKind::Transition),
        [0xfd00, 0xec2, 0, 0, 0, 0, 0, 0x254] => Some(AddressKind::Metadata),
        [0x2001, 0xdb8, ..] | [0x3fff, 0..=0xfff, ..] => Some(AddressKind::Documentation),
        [0x2001, 0..=0x1ff, ..] => Some(AddressKind::Reserved),
        [0xfc00..=0xfdff, ..] | [0xfec0..=0xfeff, ..] => Some(AddressKind::Private),
        [0xfe80..=0xfebf, ..] => Some(AddressKind::LinkLocal),
        [0xff00..=0xffff, ..] => Some(AddressKind::Multicast),
        [0x2000..=0x3fff, ..] => None,
        _ => Some(AddressKind::Reserved),
    }
}

/// The host of a URL, which the `url` crate has parsed already: every spelling of an IPv4 address
/// (decimal, octal, hexadecimal, short) has become the dotted one by then.
mod url_host {
    use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

    use reqwest::Url;

    pub(super) enum Host<'a> {
        Address(IpAddr),
        Name(&'a str),
    }

    pub(super) fn of(url: &Url) -> Option<Host<'_>> {
        let host = url.host_str().filter(|host| !host.is_empty())?;
        if let Some(inner) = host.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')) {
            return inner.parse::<Ipv6Addr>().ok().map(|address| Host::Address(address.into()));
        }
        Some(host.parse::<Ipv4Addr>().map_or(Host::Name(host), |address| Host::Address(address.into())))
    }
}
