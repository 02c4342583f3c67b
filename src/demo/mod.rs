//! The main job, shown: a gateway from nothing, and a day at the counter over real mutual TLS.
//!
//! Everything lies in one folder, and a second call goes on with what is there. Nothing here is a
//! shortcut: the parties call as any partner would, and the gateway cannot tell the difference.

pub mod day;
pub mod evening;
pub mod next_file;
pub mod prepare;
pub mod receiver;
pub mod stage;

use std::io::Write;
use std::path::PathBuf;
use std::sync::Arc;

use crate::app::{App, AppError, Running};
use crate::certificates::CertificatesError;
use crate::client::{Client, ClientError, Connection};
use crate::clock::Clock;
use crate::config::{Config, ConfigError};
use crate::store::StoreError;
use day::{Accounts, Cast, Day};
use evening::Office;
use prepare::Folder;
use receiver::Receiver;
use stage::{Stage, StepError};

/// What is asked of the demonstration.
#[derive(Clone, Debug)]
pub struct Options {
    /// Where everything lies.
    pub dir: PathBuf,
    /// Where the gateway listens; counts when the folder is new.
    pub listen: String,
    /// Another database than SQLite in the folder; counts when the folder is new.
    pub database: Option<String>,
    /// Whether the day is played.
    pub scenario: bool,
    /// Whether it ends after that.
    pub exit: bool,
}

/// Why the demonstration ends early.
#[derive(Debug, thiserror::Error)]
pub enum DemoError {
    /// The folder.
    #[error("the folder cannot be used: {0}")]
    Folder(#[from] std::io::Error),
    /// The identities.
    #[error(transparent)]
    Certificates(#[from] CertificatesError),
    /// Its configuration.
    #[error(transparent)]
    Config(#[from] ConfigError),
    /// The books.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The sample of billing.
    #[error("the sample billing file: {0}")]
    Sample(String),
    /// The gateway does not start.
    #[error("the gateway does not start: {0}")]
    App(#[from] AppError),
    /// A party's identity cannot be used.
    #[error(transparent)]
    Client(#[from] ClientError),
    /// A step did not do what it said.
    #[error(transparent)]
    Step(#[from] StepError),
}

/// Prepares, serves, plays the day, and stays up until `stop` is told.
///
/// # Errors
/// Something is in the way, or a step did not do what it said.
pub async fn run(
    options: Options,
    clock: Arc<dyn Clock>,
    out: &mut (dyn Write + Send),
    stop: impl Future<Output = ()>,
) -> Result<(), DemoError> {
    let mut stage = Stage::new(out);
    let folder = Folder::open(&options.dir)?;
    folder.identities(clock.now())?;
    folder.configure(&options.listen, options.database.as_deref())?;
    let mut config = Config::load(Some(&folder.configuration()))?;
    if options.exit {
        // Nobody is left to be answered with `Connection: close`.
        config.server.drain_seconds = 0;
    }
    let prepared = prepare::books(&folder, &config, &clock).await?;
    stage.line(&format!("Prepared {}: {prepared}.", options.dir.display()));
    if options.exit && !options.scenario {
        return Ok(());
    }
    let running = App::start(config, Arc::clone(&clock)).await?;
    let gateway = format!("https://localhost:{}", running.address.port());
    stage.line(&format!("The gateway listens on {} (mutual TLS).", running.address));
    let played = match options.scenario {
        true => play(&mut stage, &folder, &gateway, clock).await,
        false => Ok(()),
    };
    if played.is_ok() && !options.exit {
        stage.line(&what_to_try_next(&folder, &gateway, &running));
        stop.await;
    }
    running.stop().await;
    played
}

async fn play(stage: &mut Stage<'_>, folder: &Folder, gateway: &str, clock: Arc<dyn Clock>) -> Result<(), DemoError> {
    let client = |party: &str, point: Option<&str>| Client::new(connection(folder, gateway, party, point));
    let cast = Cast {
        coompecens: client("coompecens", Some("coompecens-01"))?,
        coaguasimales: client("coaguasimales", Some("coaguasimales-01"))?,
        jj_pita: client("jj-pita", Some("jj-pita-01"))?,
        reconnection: client("reconnection", None)?,
        clock,
    };
    let accounts = Accounts::of_sample(&std::fs::read_to_string(folder.sample())?);
    let began = cast.clock.id();
    let mut day = Day { stage, cast: &cast, accounts };
    day.counter().await?;
    let receiver = Receiver::start().await?;
    let endpoint = day.listen(&receiver).await?;
    let (account, order) = day.suspended_account_pays().await?;
    day.order_arrives(&receiver, &order).await?;
    // The receiver goes with the demonstration, and so does what points at it.
    cast.reconnection.delete(&format!("/v1/webhook-endpoints/{endpoint}")).await?;
    day.crew_reports(&account, &order).await?;
    let office = Office { billing: client("billing", None)?, folder: folder.file("") };
    let collected = day.seal(&office, "coompecens").await?;
    day.reconcile(&collected).await?;
    day.next_billing_files(&office, &collected, began).await?;
    stage.line("\nEvery step did what it said.");
    Ok(())
}

/// How a party of the demonstration calls.
#[must_use]
pub fn connection(folder: &Folder, gateway: &str, party: &str, point: Option<&str>) -> Connection {
    let certs = folder.certs();
    Connection {
        gateway: gateway.to_owned(),
        authority: certs.join("ca.crt"),
        certificate: certs.join(format!("{party}.crt")),
        key: certs.join(format!("{party}.key")),
        client_id: party.to_owned(),
        collection_point: point.map(str::to_owned),
        scope: String::new(),
    }
}

fn what_to_try_next(folder: &Folder, gateway: &str, running: &Running) -> String {
    let certs = folder.certs();
    let certs = certs.display();
    // As it was called: a newcomer's is not on the path.
    let program = std::env::args().next().unwrap_or_else(|| "recaudo".to_owned());
    let identity = format!("--cacert {certs}/ca.crt --cert {certs}/coompecens.crt --key {certs}/coompecens.key");
    format!(
        "\nThe gateway stays up; Ctrl-C ends it. To go on by hand, in another terminal:\n\n\
         \x20 TOKEN=$(curl -s {identity} \\\n\
         \x20   -d grant_type=client_credentials -d client_id=coompecens -d collection_point=coompecens-01 \\\n\
         \x20   {gateway}/oauth2/token | jq -r .access_token)\n\n\
         \x20 curl -s {identity} -H \"Authorization: Bearer $TOKEN\" \\\n\
         \x20   {gateway}/v1/accounts/$(sed -n 5p {sample} | jq -r .account_number) | jq\n\n\
         \x20 {program} till --config {configuration} --party coompecens --point coompecens-01\n\n\
         \x20 curl -s http://{operations}/metrics",
        sample = folder.sample().display(),
        configuration = folder.configuration().display(),
        operations = running.operations_address,
    )
}
