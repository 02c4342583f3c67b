//! Books with a writer, readers, and as many dispatchers and receivers as a test wants.

use std::sync::Arc;
use std::time::Duration;

use recaudo::clock::{Clock, ManualClock};
use recaudo::config::{self, Config};
use recaudo::domain::command::{Caller, Command, PartyKind};
use recaudo::domain::decide::Outcome;
use recaudo::domain::fact::Fact;
use recaudo::domain::ids::Id;
use recaudo::domain::policy::{PartnerSettings, Policy};
use recaudo::posting::{Posting, WriterHandle};
use recaudo::reading::{ReadersHandle, Reading};
use recaudo::store::*;
use recaudo::upkeep::Upkeep;
use recaudo::webhooks::dispatcher::{Dispatcher, Parts};
use recaudo::webhooks::events::EventType;
use recaudo::webhooks::{audience, settings};

use crate::books::{Books, done, keyed};
use crate::receiver::Receiver;

/// What receivers in these tests verify with.
pub const SECRET: &str = "whsec_cmVjb25leGlvbi1kZS1wcnVlYmEtMjAyNi0xMS0yNA==";

/// A gateway without an edge: one of perhaps several on the same books.
pub struct Desk {
    pub posting: Posting,
    pub reading: Reading,
    pub clock: Arc<ManualClock>,
    store: Store,
    threads: Option<(WriterHandle, ReadersHandle)>,
}

impl Desk {
    pub async fn open(books: &Books) -> Self {
        _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
        let (store, clock) = (books.store.clone(), Arc::clone(&books.clock));
        let time: Arc<dyn Clock> = Arc::<ManualClock>::clone(&clock);
        let opened = tokio::task::spawn_blocking(move || {
            let config = Config::load(None).unwrap();
            let policy = Arc::new(Policy::default());
            let (posting, writer) = Posting::start(&store, policy, time, &config.posting).unwrap();
            let (reading, readers) = Reading::start(&store, 1, &config.reading).unwrap();
            Self { posting, reading, clock, store, threads: Some((writer, readers)) }
        });
        opened.await.unwrap()
    }

    pub fn dispatcher(&self) -> Dispatcher {
        self.dispatcher_with(|_| ())
    }

    pub fn dispatcher_with(&self, change: impl FnOnce(&mut config::Webhooks)) -> Dispatcher {
        let mut webhooks = Config::load(None).unwrap().webhooks;
        webhooks.allowed_hosts = vec!["http://127.0.0.1".to_owned()];
        webhooks.poll_milliseconds = 20;
        change(&mut webhooks);
        Dispatcher::start(Parts {
            store: self.store.clone(),
            posting: self.posting.clone(),
            reading: self.reading.clone(),
            clock: Arc::<ManualClock>::clone(&self.clock),
            sender: settings::sender(&webhooks).unwrap(),
            schedule: settings::schedule(&webhooks).unwrap(),
            settings: webhooks,
        })
    }

    /// Registers an endpoint of a party that wants everything it may see.
    pub async fn endpoint(&self, party: &'static str, kind: PartyKind, receiver: &Receiver) -> Id {
        let events = EventType::ALL.iter().filter(|event| audience::may_ask_for(kind, **event));
        let endpoint = WebhookEndpoint {
            id: self.clock.id(),
            party: party.into(),
            kind,
            url: receiver.url.clone(),
            event_types: events.map(|event| event.as_str().to_owned()).collect(),
            secret: SECRET.into(),
            retiring: None,
            status: EndpointStatus::Active,
            disabled_reason: None,
            last_seq: 0,
            created_at: self.clock.now(),
        };
        let (id, now) = (endpoint.id, self.clock.now());
        self.write(move |connection| {
            let settings = PartnerSettings::default();
            let name = party.to_owned();
            let (id, registered_at) = (party.into(), now);
            connection.register_party(&Party { id, kind, name, settings, registered_at, suspended_at: None })?;
            connection.register_webhook_endpoint(&endpoint)
        })
        .await;
        id
    }

    pub async fn write<T: Send + 'static>(
        &self,
        job: impl FnOnce(&mut Connection) -> Result<T, StoreError> + Send + 'static,
    ) -> T {
        self.posting.write("test", job).await.unwrap()
    }

    pub async fn read<T: Send + 'static>(
        &self,
        read: impl FnOnce(&mut Connection) -> Result<T, StoreError> + Send + 'static,
    ) -> T {
        self.reading.query("test", read).await.unwrap()
    }

    pub async fn ask(&self, caller: &Caller, command: Command) -> Outcome {
        let id = self.clock.id();
        self.posting.submit(keyed(id, caller, &id.to_string(), command)).await.unwrap()
    }

    pub async fn done(&self, caller: &Caller, command: Command) -> Vec<Arc<Fact>> {
        done(self.ask(caller, command).await)
    }

    pub async fn deliveries(&self, endpoint: Id) -> Vec<WebhookDelivery> {
        let filter = DeliveryFilter { endpoint, status: None, after_seq: 0, limit: 20_000 };
        self.read(move |connection| connection.webhook_deliveries(&filter)).await
    }

    /// Waits until the deliveries of an endpoint are as they should be.
    pub async fn until(&self, endpoint: Id, holds: impl Fn(&[WebhookDelivery]) -> bool) -> Vec<WebhookDelivery> {
        for _ in 0..PATIENCE {
            let deliveries = self.deliveries(endpoint).await;
            if holds(&deliveries) {
                return deliveries;
            }
            tokio::time::sleep(STEP).await;
        }
        panic!("it never came to that: {:?}", self.deliveries(endpoint).await);
    }

    pub fn upkeep(&self) -> Upkeep {
        Upkeep {
            posting: self.posting.clone(),
            reading: self.reading.clone(),
            clock: Arc::<ManualClock>::clone(&self.clock),
            policy: Arc::new(Policy::default()),
            settings: Config::load(None).unwrap().upkeep,
        }
    }

    pub async fn close(mut self) {
        let (writer, readers) = self.threads.take().unwrap();
        let ended = tokio::task::spawn_blocking(move || {
            writer.stop();
            readers.stop();
        });
        ended.await.unwrap();
    }
}

const STEP: Duration = Duration::from_millis(10);
/// Generous: only a failing test waits that long.
const PATIENCE: usize = 6_000;

/// Waits until something holds.
pub async fn eventually(what: &str, holds: impl Fn() -> bool) {
    for _ in 0..PATIENCE {
        if holds() {
            return;
        }
        tokio::time::sleep(STEP).await;
    }
    panic!("never: {what}");
}
