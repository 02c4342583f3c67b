//! Hearing of the commits of other gateways: LISTEN on a connection of its own.
//!
//! A call that is lost costs a moment, since whoever waits also looks from time to time.

use std::future::poll_fn;
use std::pin::pin;
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite};
use tokio::sync::Notify;
use tokio_postgres::{AsyncMessage, Client, NoTls};
use tokio_postgres_rustls::MakeRustlsConnect;

use super::open::{Options, told};
use crate::store::StoreError;

/// The channel on which the appends call.
const LISTEN: &str = "LISTEN recaudo_outbox";
/// The first wait before a lost connection is opened again; each further one is twice as long.
const FIRST_BACKOFF: Duration = Duration::from_millis(200);
/// The longest wait.
const LONGEST_BACKOFF: Duration = Duration::from_secs(30);

/// Wakes a waiter at every call, and after every gap in which one may have been missed. Never returns.
pub async fn listen(options: &Options, wake: &Notify) {
    let mut backoff = FIRST_BACKOFF;
    loop {
        let heard = match &options.tls {
            Some(tls) => {
                let tls = MakeRustlsConnect::new(tls.as_ref().clone());
                match options.server.connect(tls).await {
                    Ok((client, connection)) => hear(&client, connection, wake, &mut backoff).await,
                    Err(error) => Err(told(error)),
                }
            }
            None => match options.server.connect(NoTls).await {
                Ok((client, connection)) => hear(&client, connection, wake, &mut backoff).await,
                Err(error) => Err(told(error)),
            },
        };
        if let Err(error) = heard {
            tracing::warn!(%error, "commits of other gateways are not heard; trying again");
        }
        tokio::time::sleep(backoff).await;
        backoff = (backoff * 2).min(LONGEST_BACKOFF);
    }
}

async fn hear<S, T>(
    client: &Client,
    connection: tokio_postgres::Connection<S, T>,
    wake: &Notify,
    backoff: &mut Duration,
) -> Result<(), StoreError>
where
    S: AsyncRead + AsyncWrite + Unpin,
    T: AsyncRead + AsyncWrite + Unpin,
{
    let mut connection = connection;
    let calls = async {
        loop {
            match poll_fn(|context| connection.poll_message(context)).await {
                Some(Ok(AsyncMessage::Notification(_))) => wake.notify_one(),
                Some(Ok(_)) => {}
                Some(Err(error)) => return Err(told(error)),
                None => return Ok(()),
            }
        }
    };
    let mut calls = pin!(calls);
    // The connection is driven by whoever polls it, so both go on together.
    tokio::select! {
        ended = &mut calls => return ended,
        asked = client.batch_execute(LISTEN) => asked.map_err(told)?,
    }
    *backoff = FIRST_BACKOFF;
    wake.notify_one();
    calls.await
}
