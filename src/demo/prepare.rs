//! What the demonstration needs before it can begin: identities, books, a sample of billing.
//!
//! Everything lies in one folder, and a second call goes on with what is there. The folder's
//! `recaudo.toml` makes every other command work on the same data.

use std::path::{Path, PathBuf};

use crate::certificates::{CertificatesError, DevelopmentAuthority, Validity};
use crate::domain::calendar::Timestamp;

/// Days that a development identity is valid.
const DAYS: u16 = 365;

/// The parties of the demonstration and what they are.
pub const PARTIES: [(&str, &str, &str); 6] = [
    ("coompecens", "partner", "COOMPECENS"),
    ("coaguasimales", "partner", "COAGUASIMALES"),
    ("jj-pita", "partner", "JJ PITA"),
    ("billing", "billing", "Facturación CENS"),
    ("reconnection", "reconnection", "Servicio de reconexión CENS"),
    ("operator", "operator", "Mesa de operación"),
];

/// Where things lie in the demonstration's folder.
#[derive(Clone, Debug)]
pub struct Folder(PathBuf);

impl Folder {
    /// The folder, made when it is missing.
    ///
    /// # Errors
    /// It cannot be made.
    pub fn open(path: &Path) -> std::io::Result<Self> {
        std::fs::create_dir_all(path)?;
        Ok(Self(path.to_owned()))
    }

    /// Certificates and keys.
    #[must_use]
    pub fn certs(&self) -> PathBuf {
        self.0.join("certs")
    }

    /// The configuration for every other command.
    #[must_use]
    pub fn configuration(&self) -> PathBuf {
        self.0.join("recaudo.toml")
    }

    /// The sample billing file.
    #[must_use]
    pub fn sample(&self) -> PathBuf {
        self.0.join("billing-sample.jsonl")
    }

    /// Any other file.
    #[must_use]
    pub fn file(&self, name: &str) -> PathBuf {
        self.0.join(name)
    }

    /// Makes the authority and the identities that are missing.
    ///
    /// # Errors
    /// A file cannot be written, or what is there cannot be used.
    pub fn identities(&self, now: Timestamp) -> Result<(), CertificatesError> {
        let validity = Validity { now, days: DAYS };
        let authority = DevelopmentAuthority::open(&self.certs(), validity)?;
        authority.server(&[], validity)?;
        for (party, ..) in PARTIES {
            authority.party(party, validity)?;
        }
        Ok(())
    }

    /// Writes the configuration, once: whoever changed it keeps their change.
    ///
    /// # Errors
    /// It cannot be written.
    pub fn configure(&self, listen: &str, database: Option<&str>) -> std::io::Result<()> {
        let file = self.configuration();
        if file.exists() {
            return Ok(());
        }
        let port = listen.rsplit(':').next().unwrap_or("8443");
        let database = database.unwrap_or("sqlite:recaudo.db");
        let text = format!(
            "# Written by `recaudo demo`; every command takes it with --config.\n\
             [server]\nlisten = \"{listen}\"\npublic_url = \"https://localhost:{port}\"\n\n\
             [tls]\nserver_certificate = \"certs/server.crt\"\nserver_key = \"certs/server.key\"\n\
             client_ca = \"certs/ca.crt\"\n\n[token]\nkeys = \"keys\"\n\n[database]\nurl = \"{database}\"\n"
        );
        std::fs::write(file, text)
    }
}
