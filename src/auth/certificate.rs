//! What a certificate says of itself: thumbprint, validity, names. Reading only; trust is decided by the
//! TLS handshake, and registration by the store.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use rustls_pki_types::CertificateDer;
use rustls_pki_types::pem::PemObject;
use sha2::{Digest, Sha256};
use x509_parser::prelude::{FromDer, X509Certificate};

use crate::domain::calendar::Timestamp;

/// What is read from a certificate when it is registered or shown.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CertificateFacts {
    /// SHA-256 of the DER form.
    pub thumbprint: [u8; 32],
    /// The subject's common name; empty when there is none.
    pub common_name: String,
    /// The serial number in lower-case hexadecimal, without separators.
    pub serial_number: String,
    /// Valid from this instant on.
    pub not_before: Timestamp,
    /// Valid up to this instant.
    pub not_after: Timestamp,
}

/// A text or a file that is not a certificate.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not an X.509 certificate: {0}")]
pub struct NotACertificate(String);

impl CertificateFacts {
    /// Reads a certificate in DER form.
    ///
    /// # Errors
    /// The bytes are not one certificate.
    pub fn from_der(der: &[u8]) -> Result<Self, NotACertificate> {
        let certificate = parse(der)?;
        let common_name = certificate.subject().iter_common_name().next().and_then(|name| name.as_str().ok());
        Ok(Self {
            thumbprint: thumbprint(der),
            common_name: common_name.unwrap_or_default().to_owned(),
            serial_number: certificate.raw_serial().iter().map(|byte| format!("{byte:02x}")).collect(),
            not_before: instant(certificate.validity().not_before.timestamp()),
            not_after: instant(certificate.validity().not_after.timestamp()),
        })
    }

    /// Reads the first certificate of a PEM text.
    ///
    /// # Errors
    /// There is none, or it is broken.
    pub fn from_pem(pem: &[u8]) -> Result<Self, NotACertificate> {
        let der = CertificateDer::from_pem_slice(pem).map_err(|error| NotACertificate(error.to_string()))?;
        Self::from_der(&der)
    }

    /// The thumbprint as `x5t#S256` writes it.
    #[must_use]
    pub fn thumbprint_text(&self) -> String {
        thumbprint_text(&self.thumbprint)
    }
}

/// SHA-256 of a certificate's DER form: the name under which a certificate is registered.
#[must_use]
pub fn thumbprint(der: &[u8]) -> [u8; 32] {
    Sha256::digest(der).into()
}

/// A thumbprint as the token's `cnf.x5t#S256` writes it: base64url without padding (RFC 8705).
#[must_use]
pub fn thumbprint_text(thumbprint: &[u8; 32]) -> String {
    URL_SAFE_NO_PAD.encode(thumbprint)
}

/// The instant up to which a certificate is valid.
///
/// # Errors
/// The bytes are not one certificate.
pub fn not_after(der: &[u8]) -> Result<Timestamp, NotACertificate> {
    parse(der).map(|certificate| instant(certificate.validity().not_after.timestamp()))
}

fn parse(der: &[u8]) -> Result<X509Certificate<'_>, NotACertificate> {
    let (rest, certificate) = X509Certificate::from_der(der).map_err(|error| NotACertificate(error.to_string()))?;
    if rest.is_empty() { Ok(certificate) } else { Err(NotACertificate("bytes follow its end".to_owned())) }
}

fn instant(seconds: i64) -> Timestamp {
    Timestamp::from_micros(seconds.saturating_mul(1_000_000))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A P-256 certificate made with OpenSSL: `CN=muestra`, serial 0x1a2b3c, 2026-01-01 to 2027-01-01 UTC.
    const SAMPLE: &str = "-----BEGIN CERTIFICATE-----\n\
MIIBDDCBtAIDGis8MAoGCCqGSM49BAMCMBIxEDAOBgNVBAMMB211ZXN0cmEwHhcN\n\
MjYwMTAxMDAwMDAwWhcNMjcwMTAxMDAwMDAwWjASMRAwDgYDVQQDDAdtdWVzdHJh\n\
MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAEch4ZtYrjLUxGcLM18RkKeAfKYihd\n\
saQ8QM/ptl/funlMm1s674SPgtgYST5IAMzg3tnOhSmo9yz/D2AsriLGEjAKBggq\n\
hkjOPQQDAgNHADBEAiAngF3iEwr7jQsN7i7MiQh4pOcuwOYNam9nnOQtVF/PZwIg\n\
LeDzRbdH913UXkCR3ir0LDoTyDRPZXTOptbCoUQO8gQ=\n\
-----END CERTIFICATE-----\n";

    #[test]
    fn a_certificate_of_openssl_is_read_as_openssl_prints_it() {
        let facts = CertificateFacts::from_pem(SAMPLE.as_bytes()).unwrap();
        assert_eq!(facts.common_name, "muestra");
        assert_eq!(facts.serial_number, "1a2b3c");
        assert_eq!(facts.not_before, Timestamp::parse("2026-01-01T00:00:00Z").unwrap());
        assert_eq!(facts.not_after, Timestamp::parse("2027-01-01T00:00:00Z").unwrap());
        assert_eq!(facts.thumbprint_text(), "-YSJi-P4_neyVL2gJc1--9aPjW651VagegBP-xcvheA");
    }

    #[test]
    fn what_is_no_certificate_is_refused() {
        assert!(CertificateFacts::from_pem(b"nothing").is_err());
        assert!(CertificateFacts::from_der(&[0x30, 0x03, 0x02, 0x01, 0x01]).is_err());
        let mut der = CertificateDer::from_pem_slice(SAMPLE.as_bytes()).unwrap().to_vec();
        assert!(not_after(&der).is_ok());
        der.push(0);
        assert!(not_after(&der).is_err(), "bytes behind the certificate would change its thumbprint");
    }
}
