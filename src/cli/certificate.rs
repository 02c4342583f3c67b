//! `recaudo certificate`: what callers show, and whose it is.

use std::path::{Path, PathBuf};

use clap::Subcommand;
use serde_json::json;

use super::{Context, Failure};
use crate::auth::certificate::CertificateFacts;
use crate::certificates::{CertificatesError, DevelopmentAuthority, Validity};
use crate::domain::ids::PartyId;
use crate::store::Certificate;

/// The most that is read of a certificate file.
const MAX_FILE_BYTES: u64 = 1_048_576;

/// What is done with certificates.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Make a development authority, a server certificate and identities of parties; for development only.
    Dev {
        /// The parties.
        parties: Vec<String>,
        /// Where they go.
        #[arg(long, default_value = "certs-dev")]
        dir: PathBuf,
        /// Days they are valid.
        #[arg(long, default_value_t = 365)]
        days: u16,
        /// Further names of the server.
        #[arg(long = "name")]
        names: Vec<String>,
    },
    /// Register a certificate of a party. Two may be valid at once, so that one can follow the other.
    Register {
        /// The party.
        party: String,
        /// The certificate (PEM).
        file: PathBuf,
    },
    /// List certificates.
    List {
        /// Of this party only.
        #[arg(long)]
        party: Option<String>,
    },
    /// Take a certificate out of use; within a second, on every connection.
    Revoke {
        /// Its thumbprint (base64url of SHA-256), or its file (PEM).
        certificate: String,
    },
}

/// Runs one of them.
pub fn run(context: &Context, command: Command) -> Result<(), Failure> {
    match command {
        Command::Dev { parties, dir, days, names } => {
            let made = develop(context, &dir, days, &names, &parties);
            let files = made.map_err(|error| Failure::Work(error.to_string()))?;
            context.tell(&files, &json!({ "certificates": files }))
        }
        Command::Register { party, file } => register(context, &party, &file),
        Command::List { party } => list(context, party.as_deref()),
        Command::Revoke { certificate } => revoke(context, &certificate),
    }
}

fn develop(
    context: &Context,
    dir: &Path,
    days: u16,
    names: &[String],
    parties: &[String],
) -> Result<Vec<String>, CertificatesError> {
    let validity = Validity { now: context.now(), days };
    let authority = DevelopmentAuthority::open(dir, validity)?;
    let mut made = vec![authority.server(names, validity)?];
    for party in parties {
        made.push(authority.party(party, validity)?);
    }
    Ok(made.iter().map(|identity| identity.certificate.display().to_string()).collect())
}

fn register(context: &Context, party: &str, file: &Path) -> Result<(), Failure> {
    let facts = read(file)?;
    let party = PartyId::new(party);
    let mut connection = context.connect()?;
    if connection.party(&party)?.is_none() {
        return Err(Failure::Work(format!("there is no party {party}")));
    }
    let thumbprint = facts.thumbprint_text();
    if let Some((known, _)) = connection.certificate(&thumbprint)? {
        let of_party = known.party == party && known.revoked_at.is_none();
        let reason = format!("{thumbprint} is registered to {}, or was revoked", known.party);
        return if of_party { told(context, &known) } else { Err(Failure::Work(reason)) };
    }
    if facts.not_after <= context.now() {
        return Err(Failure::Work(format!("{} has expired", file.display())));
    }
    let certificate = Certificate {
        thumbprint,
        party,
        subject: format!("CN={}, serial {}", facts.common_name, facts.serial_number),
        not_after: facts.not_after,
        registered_at: context.now(),
        revoked_at: None,
    };
    connection.transaction(|connection| connection.register_certificate(&certificate))?;
    told(context, &certificate)
}

fn told(context: &Context, certificate: &Certificate) -> Result<(), Failure> {
    let Certificate { thumbprint, party, not_after, .. } = certificate;
    let line = format!("registered {thumbprint} of {party}, valid until {not_after}");
    context.tell(&[line], &json!({ "thumbprint": thumbprint, "party": party, "not_after": not_after }))
}

fn list(context: &Context, party: Option<&str>) -> Result<(), Failure> {
    let party = party.map(PartyId::new);
    let certificates = context.connect()?.certificates(party.as_ref())?;
    let lines = certificates.iter().map(|certificate| {
        let revoked = if certificate.revoked_at.is_some() { "  revoked" } else { "" };
        let Certificate { thumbprint, party, not_after, subject, .. } = certificate;
        format!("{thumbprint}  {:<16} until {not_after}  {subject}{revoked}", party.as_str())
    });
    let lines: Vec<String> = lines.collect();
    let listed = certificates.iter().map(|certificate| {
        json!({
            "thumbprint": certificate.thumbprint, "party": certificate.party, "subject": certificate.subject,
            "not_after": certificate.not_after, "registered_at": certificate.registered_at,
            "revoked_at": certificate.revoked_at,
        })
    });
    context.tell(&lines, &json!({ "data": listed.collect::<Vec<_>>() }))
}

fn revoke(context: &Context, certificate: &str) -> Result<(), Failure> {
    let file = Path::new(certificate);
    let thumbprint = if file.is_file() { read(file)?.thumbprint_text() } else { certificate.to_owned() };
    let at = context.now();
    let known = context.connect()?.transaction(|connection| connection.revoke_certificate(&thumbprint, at))?;
    if !known {
        return Err(Failure::Work(format!("there is no certificate {thumbprint}")));
    }
    context.tell(&[format!("revoked {thumbprint}")], &json!({ "thumbprint": thumbprint, "revoked_at": at }))
}

fn read(file: &Path) -> Result<CertificateFacts, Failure> {
    let unreadable = |reason: String| Failure::Work(format!("{}: {reason}", file.display()));
    let size = std::fs::metadata(file).map_err(|error| unreadable(error.to_string()))?.len();
    if size > MAX_FILE_BYTES {
        return Err(unreadable("is too large for a certificate".to_owned()));
    }
    let pem = std::fs::read(file).map_err(|error| unreadable(error.to_string()))?;
    CertificateFacts::from_pem(&pem).map_err(|error| unreadable(error.to_string()))
}
