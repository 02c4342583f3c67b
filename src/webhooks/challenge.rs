//! Proof that an endpoint is its owner's: it answers a signed event with a token that only it was sent.

use aws_lc_rs::rand;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

use super::events::{ID_PREFIX, challenge_body, challenge_is_met};
use super::sender::{Delivery, Sender};
use super::signature::{Secret, SigningSecrets};
use crate::clock::Clock;

/// Bytes of a token and of a secret of ours: as many as nobody guesses.
const RANDOM_BYTES: usize = 32;

/// Chance failed, which the operating system never lets happen.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the operating system gives no random bytes")]
pub struct NoChance;

/// A new secret.
///
/// # Errors
/// There is no chance to draw from.
pub fn new_secret() -> Result<Secret, NoChance> {
    Secret::from_key(&random()?).map_err(|_| NoChance)
}

/// Asks the owner of a URL for the proof; says why there is none.
///
/// # Errors
/// The answer is not the token, or there is none.
pub async fn prove(sender: &Sender, clock: &dyn Clock, url: &str, secrets: &SigningSecrets) -> Result<(), String> {
    let token = random().map(|bytes| URL_SAFE_NO_PAD.encode(bytes)).map_err(|error| error.to_string())?;
    let at = clock.now();
    let body = challenge_body(at, &token).map_err(|error| error.to_string())?;
    let id = clock.id().with_prefix(ID_PREFIX);
    let attempt = sender.send(Delivery { url, id: &id, at, body: &body, secrets }).await;
    match (attempt.status, attempt.error) {
        (Some(200..=299), None) if challenge_is_met(&token, &attempt.response_excerpt) => Ok(()),
        (Some(status @ 200..=299), None) => Err(format!("the answer {status} is not the challenge")),
        (Some(status), None) => Err(format!("the receiver answered {status}")),
        (_, Some(error)) => Err(error),
        (None, None) => Err("the receiver gave no answer".to_owned()),
    }
}

fn random() -> Result<[u8; RANDOM_BYTES], NoChance> {
    let mut bytes = [0; RANDOM_BYTES];
    rand::fill(&mut bytes).map_err(|_| NoChance)?;
    Ok(bytes)
}
