//! What the demonstration needs before it can begin: identities, books, a sample of billing.
//!
//! Everything lies in one folder, and a second call goes on with what is there. The folder's
//! `recaudo.toml` makes every other command work on the same data.

use std::fs::File;
use std::io::BufWriter;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::DemoError;
use crate::auth::certificate::CertificateFacts;
use crate::billing::Office;
use crate::billing::door::WriterDoor;
use crate::billing::import::{self, Options};
use crate::certificates::{CertificatesError, DevelopmentAuthority, Validity};
use crate::clock::Clock;
use crate::config::Config;
use crate::domain::calendar::Timestamp;
use crate::domain::command::PartyKind;
use crate::domain::ids::{CollectionPointId, PartyId};
use crate::domain::policy::{PartnerSettings, PointSettings};
use crate::files::billing_sample;
use crate::posting::Posting;
use crate::store::{self, Store};

/// Days that a development identity is valid.
const DAYS: u16 = 365;

/// Accounts of the sample billing file, and what they are drawn from.
const SAMPLE_ACCOUNTS: u64 = 2000;
const SAMPLE_SEED: u64 = 7;

/// The parties of the demonstration and what they are.
pub const PARTIES: [(&str, PartyKind, &str); 6] = [
    ("coompecens", PartyKind::Partner, "COOMPECENS"),
    ("coaguasimales", PartyKind::Partner, "COAGUASIMALES"),
    ("jj-pita", PartyKind::Partner, "JJ PITA"),
    ("billing", PartyKind::Billing, "Facturación CENS"),
    ("reconnection", PartyKind::Reconnection, "Servicio de reconexión CENS"),
    ("operator", PartyKind::Operator, "Mesa de operación"),
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
        let port: u16 = listen.rsplit(':').next().and_then(|port| port.parse().ok()).unwrap_or(8443);
        // Any free port for the one means any free port for the other.
        let operations = if port == 0 { 0 } else { port.saturating_add(1000) };
        let database = database.unwrap_or("sqlite:recaudo.db");
        let text = format!(
            "# Written by `recaudo demo`; every command takes it with --config.\n\
             [server]\nlisten = \"{listen}\"\noperations_listen = \"127.0.0.1:{operations}\"\npublic_url = \"https://localhost:{port}\"\n\n\
             [tls]\nserver_certificate = \"certs/server.crt\"\nserver_key = \"certs/server.key\"\n\
             client_ca = \"certs/ca.crt\"\n\n[token]\nkeys = \"keys\"\n\n\
             # The receiver of the demonstration lies on this machine.\n\
             [webhooks]\nallowed_hosts = [\"http://127.0.0.1\"]\n\n[database]\nurl = \"{database}\"\n"
        );
        std::fs::write(file, text)
    }
}

/// Brings the schema up to date, registers the parties, and loads the sample once. Says what there is.
///
/// # Errors
/// The books or the sample fail.
pub async fn books(folder: &Folder, config: &Config, clock: &Arc<dyn Clock>) -> Result<String, DemoError> {
    let (folder, config, clock) = (folder.clone(), config.clone(), Arc::clone(clock));
    let work = tokio::task::spawn_blocking(move || {
        let store = Store::new(&config.database)?;
        store.migrate()?;
        register(&folder, &store, clock.now())?;
        load_sample(&folder, &config, &store, &clock)
    });
    work.await.map_err(|error| DemoError::Sample(error.to_string()))?
}

fn register(folder: &Folder, store: &Store, now: Timestamp) -> Result<(), DemoError> {
    let mut identities = Vec::new();
    for (party, ..) in PARTIES {
        let pem = std::fs::read(folder.certs().join(format!("{party}.crt")))?;
        let facts = CertificateFacts::from_pem(&pem).map_err(|error| DemoError::Sample(error.to_string()))?;
        identities.push((party, facts));
    }
    let mut connection = store.connect()?;
    Ok(connection.transaction(|connection| {
        for (id, kind, name) in PARTIES {
            if connection.party(&PartyId::new(id))?.is_none() {
                connection.register_party(&party(id, kind, name, now))?;
            }
            for ordinal in 1..=2u8 {
                let point = collection_point(id, name, ordinal, now);
                if kind == PartyKind::Partner && connection.collection_point(&point.id)?.is_none() {
                    connection.register_collection_point(&point)?;
                }
            }
        }
        for (party, facts) in &identities {
            connection.register_certificate(&store::Certificate {
                thumbprint: facts.thumbprint_text(),
                party: PartyId::new(*party),
                subject: facts.common_name.clone(),
                not_after: facts.not_after,
                registered_at: now,
                revoked_at: None,
            })?;
        }
        Ok(())
    })?)
}

fn party(id: &str, kind: PartyKind, name: &str, now: Timestamp) -> store::Party {
    let files = serde_json::json!({"asobancaria": {
        "nit": "890500514-9", "entity_code": 901, "gln": "7709998000018", "account": "12345678901", "account_type": 1,
        "reference": {"last_digits": 9},
    }});
    let settings = PartnerSettings { offline_credit: true, files, ..PartnerSettings::default() };
    store::Party { id: PartyId::new(id), kind, name: name.to_owned(), settings, registered_at: now, suspended_at: None }
}

fn collection_point(party: &str, name: &str, ordinal: u8, now: Timestamp) -> store::CollectionPoint {
    let settings = PointSettings {
        branch_code: Some(format!("{ordinal:04}")),
        name: Some(format!("{name} PUNTO {ordinal}")),
        municipality: Some("CÚCUTA".to_owned()),
        ..PointSettings::default()
    };
    store::CollectionPoint {
        id: CollectionPointId::new(format!("{party}-{ordinal:02}")),
        party: PartyId::new(party),
        settings,
        registered_at: now,
        suspended_at: None,
    }
}

/// Writes the sample of billing once, and loads it into books that have no accounts yet.
fn load_sample(folder: &Folder, config: &Config, store: &Store, clock: &Arc<dyn Clock>) -> Result<String, DemoError> {
    let file = folder.sample();
    if !file.exists() {
        let out = BufWriter::new(File::create(&file)?);
        billing_sample::sample(SAMPLE_ACCOUNTS, SAMPLE_SEED, clock.now(), out)?;
    }
    let mut connection = store.connect()?;
    if connection.count_accounts()? == 0 {
        import_file(config, store, clock, &file)?;
    }
    Ok(format!("{} accounts, {} parties", connection.count_accounts()?, PARTIES.len()))
}

/// Loads a billing file as `recaudo billing import` does. Blocks.
///
/// # Errors
/// It was refused.
pub fn import_file(config: &Config, store: &Store, clock: &Arc<dyn Clock>, file: &Path) -> Result<(), DemoError> {
    let office = Office::new(config, store.clone(), Arc::clone(clock));
    let policy = Arc::clone(&office.policy);
    let (posting, writer) = Posting::start(store, policy, Arc::clone(clock), &config.posting)?;
    let door = WriterDoor::new(posting, tokio::runtime::Handle::current());
    let imported = import::run(&office, &door, clock.id(), &mut File::open(file)?, &Options::default(), &|_| {});
    writer.stop();
    imported.map(drop).map_err(|error| DemoError::Sample(error.to_string()))
}
