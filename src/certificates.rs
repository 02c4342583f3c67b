//! The development authority: a CA and the certificates of server and parties, as files.
//!
//! For demonstrations, tests and measurements. A production gateway gets its certificates from the
//! utility's own authority, and only their public part. Who may call is not decided here: a certificate
//! opens nothing until it is registered. The time is handed in.

use std::fs::{self, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use rcgen::{
    BasicConstraints, CertificateParams, CertificateRevocationListParams, DnType, ExtendedKeyUsagePurpose, IsCa,
    Issuer, KeyIdMethod, KeyPair, KeyUsagePurpose, PKCS_ECDSA_P256_SHA256, RevokedCertParams, SerialNumber,
};
use rustls_pki_types::CertificateDer;
use rustls_pki_types::pem::PemObject;
use time::Duration;
use x509_parser::prelude::{FromDer, GeneralName, ParsedExtension, X509Certificate};

use crate::domain::calendar::Timestamp;

mod pkcs12;

/// The password of every `.p12` of the development authority. It protects nothing and is not meant to.
pub const P12_PASSWORD: &str = "recaudo";

/// The longest name of a party, and so of a file.
pub const MAX_NAME_CHARS: usize = 60;

/// The names under which the server is always reachable.
const SERVER_NAMES: [&str; 3] = ["localhost", "127.0.0.1", "::1"];

/// Clocks differ: a certificate is valid from this long before it is made.
const BACKDATED: Duration = Duration::hours(1);

const SECRET: u32 = 0o600;
const PUBLIC: u32 = 0o644;

/// When certificates are made and how long they are valid.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Validity {
    /// The time of making.
    pub now: Timestamp,
    /// Days from `now` to the end.
    pub days: u16,
}

/// A development authority in a directory: `ca.crt`, `ca.key`, and what it has issued beside them.
pub struct DevelopmentAuthority {
    directory: PathBuf,
    certificate: CertificateDer<'static>,
    issuer: Issuer<'static, KeyPair>,
}

/// A certificate with its key, on disk.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Identity {
    /// The certificate (PEM).
    pub certificate: PathBuf,
    /// The private key (PEM, PKCS#8, readable by its owner only).
    pub key: PathBuf,
    /// Both for a browser or a Java client, under [`P12_PASSWORD`]; the server has none.
    pub p12: Option<PathBuf>,
    /// The certificate's DER form.
    pub der: CertificateDer<'static>,
}

/// What kept a certificate from being made.
#[derive(Debug, thiserror::Error)]
pub enum CertificatesError {
    /// A file or directory that cannot be read or written.
    #[error("{}: {source}", file.display())]
    File {
        /// The file.
        file: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// A file with something else in it.
    #[error("{}: {reason}; remove it to have it made anew", file.display())]
    Content {
        /// The file.
        file: PathBuf,
        /// Why.
        reason: String,
    },
    /// A name that cannot be a file name and a party.
    #[error("{0:?} is not a name: lower-case letters, digits and hyphens, at most {MAX_NAME_CHARS}, not ca or server")]
    Name(String),
    /// The certificate cannot be made.
    #[error("making the certificate of {name}: {reason}")]
    Making {
        /// Whose.
        name: String,
        /// Why.
        reason: String,
    },
}

impl DevelopmentAuthority {
    /// Opens the authority of a directory, or founds it there. One that has expired is founded anew, and
    /// then its certificates are too when next asked for.
    ///
    /// # Errors
    /// The directory cannot be used, or holds something else under these names.
    pub fn open(directory: &Path, validity: Validity) -> Result<Self, CertificatesError> {
        fs::create_dir_all(directory).map_err(|source| file_error(directory, source))?;
        let (certificate_file, key_file) = (directory.join("ca.crt"), directory.join("ca.key"));
        let present = match read_pair(&certificate_file, &key_file)? {
            Some((der, key)) if usable(&der, &key, validity.now) => Some((der, key)),
            _ => None,
        };
        let (der, key) = match present {
            Some(pair) => pair,
            None => found(&certificate_file, &key_file, validity)?,
        };
        let issuer = Issuer::from_ca_cert_der(&der, key).map_err(|error| content(&certificate_file, error))?;
        Ok(Self { directory: directory.to_owned(), certificate: der, issuer })
    }

    /// The directory.
    #[must_use]
    pub fn directory(&self) -> &Path {
        &self.directory
    }

    /// The authority's certificate (PEM file).
    #[must_use]
    pub fn certificate(&self) -> PathBuf {
        self.directory.join("ca.crt")
    }

    /// The server's certificate, `server.crt` and `server.key`: for localhost, its addresses and
    /// `extra_names` (host names or addresses). Made when missing, expired, or short of a name.
    ///
    /// # Errors
    /// A file that cannot be used, or a name that is none.
    pub fn server(&self, extra_names: &[String], validity: Validity) -> Result<Identity, CertificatesError> {
        let mut names: Vec<String> = SERVER_NAMES.iter().map(|name| (*name).to_owned()).collect();
        names.extend(extra_names.iter().filter(|name| !SERVER_NAMES.contains(&name.as_str())).cloned());
        let params = leaf("server", names.clone(), ExtendedKeyUsagePurpose::ServerAuth, validity)?;
        self.identity("server", params, validity, |der| covers(der, &names))
    }

    /// A party's certificate, `NAME.crt`, `NAME.key` and `NAME.p12`, for use as a client. Made when missing
    /// or expired.
    ///
    /// # Errors
    /// A file that cannot be used, or a name that is none.
    pub fn party(&self, name: &str, validity: Validity) -> Result<Identity, CertificatesError> {
        check_name(name)?;
        let params = leaf(name, Vec::new(), ExtendedKeyUsagePurpose::ClientAuth, validity)?;
        let mut identity = self.identity(name, params, validity, |_| true)?;
        let p12 = self.directory.join(format!("{name}.p12"));
        if !p12.exists() {
            let key = read_key(&identity.key)?;
            let chain = [identity.der.as_ref(), self.certificate.as_ref()];
            let bytes = pkcs12::encode(name, &chain, key.serialized_der(), P12_PASSWORD)
                .map_err(|reason| making(name, reason))?;
            write(&p12, &bytes, SECRET)?;
        }
        identity.p12 = Some(p12);
        Ok(identity)
    }

    /// Writes the authority's revocation list, `ca.crl` (PEM), naming the certificates given in DER form.
    ///
    /// # Errors
    /// Something that is no certificate, or a file that cannot be written.
    pub fn revocation_list(&self, revoked: &[&[u8]], validity: Validity) -> Result<PathBuf, CertificatesError> {
        let file = self.directory.join("ca.crl");
        let mut revoked_certs = Vec::with_capacity(revoked.len());
        for der in revoked {
            let (_, parsed) = X509Certificate::from_der(der).map_err(|error| making("ca.crl", error))?;
            revoked_certs.push(RevokedCertParams {
                serial_number: SerialNumber::from_slice(parsed.raw_serial()),
                revocation_time: validity.now.at(0),
                reason_code: None,
                invalidity_date: None,
            });
        }
        let list = CertificateRevocationListParams {
            this_update: validity.now.at(0) - BACKDATED,
            next_update: validity.now.at(0) + Duration::days(validity.days.into()),
            crl_number: SerialNumber::from_slice(&validity.now.micros().to_be_bytes()),
            issuing_distribution_point: None,
            revoked_certs,
            key_identifier_method: KeyIdMethod::Sha256,
        };
        let pem = list.signed_by(&self.issuer).and_then(|list| list.pem()).map_err(|error| making("ca.crl", error))?;
        write(&file, pem.as_bytes(), PUBLIC)?;
        Ok(file)
    }

    /// Goes on with the files that are there when they still serve, else issues them.
    fn identity(
        &self,
        name: &str,
        params: CertificateParams,
        validity: Validity,
        serves: impl Fn(&X509Certificate<'_>) -> bool,
    ) -> Result<Identity, CertificatesError> {
        let certificate = self.directory.join(format!("{name}.crt"));
        let key_file = self.directory.join(format!("{name}.key"));
        if let Some((der, key)) = read_pair(&certificate, &key_file)?
            && usable(&der, &key, validity.now)
            && X509Certificate::from_der(&der).is_ok_and(|(_, parsed)| self.issued(&parsed) && serves(&parsed))
        {
            return Ok(Identity { certificate, key: key_file, p12: None, der });
        }
        // The pair of before goes first: a crash in between leaves nothing that looks whole and is not.
        remove(&self.directory.join(format!("{name}.p12")))?;
        let key = new_key(name)?;
        let issued = params.signed_by(&key, &self.issuer).map_err(|error| making(name, error))?;
        write(&key_file, key.serialize_pem().as_bytes(), SECRET)?;
        write(&certificate, issued.pem().as_bytes(), PUBLIC)?;
        Ok(Identity { certificate, key: key_file, p12: None, der: issued.der().clone() })
    }

    /// Whether a certificate is this authority's, and not of one that stood in this directory before.
    fn issued(&self, leaf: &X509Certificate<'_>) -> bool {
        let Ok((_, authority)) = X509Certificate::from_der(&self.certificate) else { return false };
        let own = authority.extensions().iter().find_map(|extension| match extension.parsed_extension() {
            ParsedExtension::SubjectKeyIdentifier(id) => Some(id.0),
            _ => None,
        });
        let named = leaf.extensions().iter().find_map(|extension| match extension.parsed_extension() {
            ParsedExtension::AuthorityKeyIdentifier(id) => id.key_identifier.as_ref().map(|id| id.0),
            _ => None,
        });
        own.is_some() && own == named
    }
}

fn found(
    certificate_file: &Path,
    key_file: &Path,
    validity: Validity,
) -> Result<(CertificateDer<'static>, KeyPair), CertificatesError> {
    let mut params = CertificateParams::default();
    params.distinguished_name = rcgen::DistinguishedName::new();
    params.distinguished_name.push(DnType::OrganizationName, "recaudo");
    params.distinguished_name.push(DnType::CommonName, "recaudo development authority");
    params.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
    params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
    set_validity(&mut params, validity);
    let key = new_key("ca")?;
    let made = params.self_signed(&key).map_err(|error| making("ca", error))?;
    write(key_file, key.serialize_pem().as_bytes(), SECRET)?;
    write(certificate_file, made.pem().as_bytes(), PUBLIC)?;
    Ok((made.der().clone(), key))
}

fn leaf(
    name: &str,
    alternative_names: Vec<String>,
    usage: ExtendedKeyUsagePurpose,
    validity: Validity,
) -> Result<CertificateParams, CertificatesError> {
    let mut params = CertificateParams::new(alternative_names).map_err(|error| making(name, error))?;
    params.distinguished_name = rcgen::DistinguishedName::new();
    params.distinguished_name.push(DnType::OrganizationName, "recaudo");
    params.distinguished_name.push(DnType::CommonName, name);
    params.use_authority_key_identifier_extension = true;
    params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
    params.extended_key_usages = vec![usage];
    set_validity(&mut params, validity);
    Ok(params)
}

fn set_validity(params: &mut CertificateParams, validity: Validity) {
    params.not_before = validity.now.at(0) - BACKDATED;
    params.not_after = validity.now.at(0) + Duration::days(validity.days.into());
}

fn new_key(name: &str) -> Result<KeyPair, CertificatesError> {
    // P-256 is what every client, browser and library of the last ten years takes.
    KeyPair::generate_for(&PKCS_ECDSA_P256_SHA256).map_err(|error| making(name, error))
}

fn check_name(name: &str) -> Result<(), CertificatesError> {
    let plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
    let fits = !name.is_empty() && name.len() <= MAX_NAME_CHARS && name.chars().all(plain) && !name.starts_with('-');
    if fits && name != "ca" && name != "server" { Ok(()) } else { Err(CertificatesError::Name(name.to_owned())) }
}

/// Whether certificate and key belong together and the certificate has not expired.
fn usable(der: &CertificateDer<'_>, key: &KeyPair, now: Timestamp) -> bool {
    X509Certificate::from_der(der).is_ok_and(|(_, parsed)| {
        let seconds = now.micros().div_euclid(1_000_000);
        parsed.validity().not_after.timestamp() > seconds
            && parsed.public_key().subject_public_key.data.as_ref() == key.public_key_raw()
    })
}

/// Whether a certificate is valid for each of these host names and addresses.
fn covers(certificate: &X509Certificate<'_>, names: &[String]) -> bool {
    let Ok(Some(alternative)) = certificate.subject_alternative_name() else { return false };
    names.iter().all(|name| {
        let address = name.parse::<std::net::IpAddr>().ok();
        alternative.value.general_names.iter().any(|general| match (general, address) {
            (GeneralName::DNSName(known), None) => known == name,
            (GeneralName::IPAddress(octets), Some(std::net::IpAddr::V4(address))) => **octets == address.octets(),
            (GeneralName::IPAddress(octets), Some(std::net::IpAddr::V6(address))) => **octets == address.octets(),
            _ => false,
        })
    })
}

type Pair = (CertificateDer<'static>, KeyPair);

/// Certificate and key, or nothing when either is missing.
fn read_pair(certificate: &Path, key: &Path) -> Result<Option<Pair>, CertificatesError> {
    if !certificate.exists() || !key.exists() {
        return Ok(None);
    }
    let pem = fs::read(certificate).map_err(|source| file_error(certificate, source))?;
    let der = CertificateDer::from_pem_slice(&pem).map_err(|error| content(certificate, error))?;
    Ok(Some((der, read_key(key)?)))
}

fn read_key(file: &Path) -> Result<KeyPair, CertificatesError> {
    let pem = fs::read_to_string(file).map_err(|source| file_error(file, source))?;
    KeyPair::from_pem(&pem).map_err(|error| content(file, error))
}

/// Writes beside the file and renames: a reader sees the old file or the new one, never half of one.
fn write(file: &Path, bytes: &[u8], mode: u32) -> Result<(), CertificatesError> {
    let beside = file.with_extension(format!("tmp-{}", std::process::id()));
    remove(&beside)?;
    let written = OpenOptions::new().write(true).create_new(true).mode(mode).open(&beside).and_then(|mut open| {
        open.write_all(bytes)?;
        open.sync_all()?;
        fs::rename(&beside, file)
    });
    written.map_err(|source| file_error(file, source))
}

fn remove(file: &Path) -> Result<(), CertificatesError> {
    match fs::remove_file(file) {
        Err(source) if source.kind() != io::ErrorKind::NotFound => Err(file_error(file, source)),
        _ => Ok(()),
    }
}

fn file_error(file: &Path, source: io::Error) -> CertificatesError {
    CertificatesError::File { file: file.to_owned(), source }
}

fn content(file: &Path, reason: impl ToString) -> CertificatesError {
    CertificatesError::Content { file: file.to_owned(), reason: reason.to_string() }
}

fn making(name: &str, reason: impl ToString) -> CertificatesError {
    CertificatesError::Making { name: name.to_owned(), reason: reason.to_string() }
}

#[cfg(test)]
mod tests;
