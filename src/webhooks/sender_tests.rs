//! Attempts at receivers that behave, and at those that do not.
//!
//! Each receiver is a bare socket that says what it is told to say. What is asserted is the outcome;
//! a short timeout is set only where the receiver never comes to an end by itself.

use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use futures_util::FutureExt;
use secrecy::ExposeSecret;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;

use super::address::AllowedHosts;
use super::resolver::FilteringResolver;
use super::schedule::{RetryAfter, Schedule, Verdict};
use super::sender::*;
use super::signature::{Secret, SigningSecrets};
use crate::domain::calendar::Timestamp;
use crate::domain::ids::Id;

const AT: Timestamp = Timestamp::from_micros(1_795_530_600_000_000);
const BODY: &str =
    r#"{"type":"payment.posted","timestamp":"2026-11-24T14:30:00.000000Z","data":{"municipality":"Cúcuta"},"seq":42}"#;
/// Long enough for a machine that has much else to do.
const PATIENT: Duration = Duration::from_secs(60);

/// What a receiver does after it has read the request.
enum Receiver {
    /// Says this and closes.
    Says(&'static str),
    /// Says this and then nothing until the sender leaves.
    Hangs(&'static str),
    /// Says the first once and the second without end.
    Floods(&'static str, &'static str),
    /// Breaks the connection.
    Resets,
}

pub(super) fn secrets() -> SigningSecrets {
    let secret = |byte| Secret::from_key(&[byte; 32]).unwrap();
    SigningSecrets { current: secret(1), retiring: Some(secret(2)) }
}

pub(super) fn settings(timeout: Duration) -> SenderSettings {
    // Whoever comes first installs it.
    let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
    let allowed_hosts = AllowedHosts::parse(&["http://127.0.0.1"]).unwrap();
    SenderSettings { timeout, allowed_hosts, ..SenderSettings::default() }
}

pub(super) async fn deliver(sender: &Sender, url: &str) -> Attempt {
    let secrets = secrets();
    sender.send(Delivery { url, id: "evt_01k", at: AT, body: BODY, secrets: &secrets }).await
}

/// Reads one request: its head and as much of a body as it announces.
pub(super) async fn read_request<S: AsyncRead + Unpin>(stream: &mut S) -> String {
    let mut request = Vec::new();
    loop {
        let text = String::from_utf8_lossy(&request);
        if let Some((head, body)) = text.split_once("\r\n\r\n") {
            let length = head.lines().find_map(|line| line.strip_prefix("content-length: "));
            if body.len() >= length.map_or(0, |length| length.parse().unwrap()) {
                return text.into_owned();
            }
        }
        if stream.read_buf(&mut request).await.unwrap_or(0) == 0 {
            return String::from_utf8_lossy(&request).into_owned();
        }
    }
}

async fn behave(mut stream: TcpStream, receiver: &Receiver) -> String {
    let request = read_request(&mut stream).await;
    match receiver {
        Receiver::Says(text) => {
            let _ = stream.write_all(text.as_bytes()).await;
            let _ = stream.shutdown().await;
        }
        Receiver::Hangs(text) => {
            let _ = stream.write_all(text.as_bytes()).await;
            let _ = stream.read(&mut [0]).await;
        }
        Receiver::Floods(first, text) => {
            let _ = stream.write_all(first.as_bytes()).await;
            while stream.write_all(text.as_bytes()).await.is_ok() {}
        }
        Receiver::Resets => stream.set_zero_linger().unwrap(),
    }
    request
}

/// A receiver for one request; the handle gives the request as it came.
async fn serve(receiver: Receiver) -> (String, JoinHandle<String>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/avisos?clave=k9", listener.local_addr().unwrap());
    let handle = tokio::spawn(async move {
        let (stream, _) = listener.accept().await.unwrap();
        let request = behave(stream, &receiver).await;
        // A second call, such as one that follows a redirection, would be waiting here by now.
        assert!(listener.accept().now_or_never().is_none(), "one call is one call");
        request
    });
    (url, handle)
}

async fn attempt(receiver: Receiver, timeout: Duration) -> Attempt {
    let (url, handle) = serve(receiver).await;
    let attempt = deliver(&Sender::new(settings(timeout)).unwrap(), &url).await;
    handle.await.unwrap();
    attempt
}

fn verdict(attempt: &Attempt) -> Verdict {
    Schedule::default().next(1, attempt.outcome(), AT, Id::from_bits(7))
}

fn is_failure(attempt: &Attempt, why: &str) {
    assert_eq!((attempt.status, attempt.retry_after), (None, None), "{attempt:?}");
    let error = attempt.error.as_deref().unwrap_or_default();
    assert!(error.contains(why), "{why}: {error}");
    assert!(!error.contains("k9"), "the query of the URL may be a key: {error}");
    assert!(matches!(verdict(attempt), Verdict::RetryAt(_)));
}

#[tokio::test]
async fn a_delivery_arrives_signed_and_whole() {
    let (url, handle) = serve(Receiver::Says("HTTP/1.1 201 Created\r\ncontent-length: 6\r\n\r\na\u{1b}\nz\0x")).await;
    let attempt = deliver(&Sender::new(settings(PATIENT)).unwrap(), &url).await;
    assert_eq!((attempt.status, attempt.error.as_deref()), (Some(201), None));
    assert_eq!(attempt.response_excerpt, "a  z x", "no control characters are kept");
    assert_eq!(verdict(&attempt), Verdict::Delivered);

    let request = handle.await.unwrap();
    let (head, body) = request.split_once("\r\n\r\n").unwrap();
    assert_eq!(body, BODY);
    assert!(head.starts_with("POST /avisos?clave=k9 HTTP/1.1\r\n"), "{head}");
    let signature = |byte: u8| {
        let public = standardwebhooks::Webhook::from_bytes(vec![byte; 32]).unwrap();
        public.sign("evt_01k", 1_795_530_600, BODY.as_bytes()).unwrap()
    };
    for line in [
        "content-type: application/json".to_owned(),
        "webhook-id: evt_01k".to_owned(),
        "webhook-timestamp: 1795530600".to_owned(),
        format!("webhook-signature: {} {}", signature(1), signature(2)),
    ] {
        assert!(head.lines().any(|found| found == line), "{line} in {head}");
    }
}

#[tokio::test]
async fn each_answer_reaches_the_schedule() {
    let gone = attempt(Receiver::Says("HTTP/1.1 410 Gone\r\ncontent-length: 0\r\n\r\n"), PATIENT).await;
    assert!(matches!(verdict(&gone), Verdict::DisableEndpoint(_)), "{gone:?}");

    let busy = "HTTP/1.1 429 Too Many Requests\r\nRetry-After: 120\r\ncontent-length: 0\r\n\r\n";
    let busy = attempt(Receiver::Says(busy), PATIENT).await;
    assert_eq!((busy.status, busy.retry_after), (Some(429), Some(RetryAfter::Seconds(120))));
    assert!(matches!(verdict(&busy), Verdict::RetryAt(at) if at >= AT.plus_minutes(2)));

    let away = "HTTP/1.1 503 X\r\nRetry-After: Tue, 24 Nov 2026 15:30:00 GMT\r\ncontent-length: 0\r\n\r\n";
    let away = attempt(Receiver::Says(away), PATIENT).await;
    assert!(matches!(verdict(&away), Verdict::RetryAt(at) if at >= AT.plus_minutes(60)), "{away:?}");
}

#[tokio::test]
async fn a_redirection_is_not_followed() {
    let moved = "HTTP/1.1 307 Temporary Redirect\r\nlocation: /otra\r\ncontent-length: 0\r\n\r\n";
    let moved = attempt(Receiver::Says(moved), PATIENT).await;
    assert_eq!(moved.status, Some(307));
    assert!(matches!(verdict(&moved), Verdict::RetryAt(_)));
}

#[tokio::test]
async fn an_answer_that_never_comes_ends_with_the_timeout() {
    let short = Duration::from_millis(200);
    is_failure(&attempt_or_refused(Receiver::Hangs(""), short).await, "not over after 200 ms");
    is_failure(&attempt_or_refused(Receiver::Hangs("HTTP/1.1 200 OK\r\nx: "), short).await, "not over after 200 ms");
    is_failure(&attempt_or_refused(Receiver::Floods("", "HTTP/1.1 103 X\r\n\r\n"), short).await, "");
}

/// An attempt whose receiver may never have seen it, when the timeout was shorter than the machine's pause.
async fn attempt_or_refused(receiver: Receiver, timeout: Duration) -> Attempt {
    let (url, handle) = serve(receiver).await;
    let attempt = deliver(&Sender::new(settings(timeout)).unwrap(), &url).await;
    handle.abort();
    attempt
}

#[tokio::test]
async fn a_broken_connection_is_no_answer() {
    is_failure(&attempt(Receiver::Resets, PATIENT).await, "");
    is_failure(&attempt(Receiver::Says(""), PATIENT).await, "");
    is_failure(&attempt(Receiver::Says("HTTP/1.1 20"), PATIENT).await, "");
    is_failure(&attempt(Receiver::Says("SSH-2.0-OpenSSH_9.2\r\n"), PATIENT).await, "");
    is_failure(&attempt(Receiver::Floods("HTTP/1.1 200 OK\r\n", "x: an endless head\r\n"), PATIENT).await, "");

    let nobody = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/?k9", nobody.local_addr().unwrap());
    drop(nobody);
    is_failure(&deliver(&Sender::new(settings(PATIENT)).unwrap(), &url).await, "onnect");
}

#[tokio::test]
async fn a_status_counts_even_if_the_rest_does_not_come() {
    let short = attempt(Receiver::Says("HTTP/1.1 200 OK\r\ncontent-length: 99\r\n\r\nya"), PATIENT).await;
    assert_eq!((short.status, short.response_excerpt.as_str()), (Some(200), "ya"));
    assert!(short.error.as_deref().is_some_and(|error| error.starts_with("the answer was not complete")), "{short:?}");
    assert_eq!(verdict(&short), Verdict::Delivered);

    let endless = "HTTP/1.1 500 X\r\n\r\n";
    let endless = attempt(Receiver::Floods(endless, "un cuerpo sin fin, una y otra vez; "), PATIENT).await;
    assert_eq!(endless.status, Some(500));
    assert_eq!(endless.error.as_deref(), Some("the answer was cut at 65536 bytes"));
    assert_eq!(endless.response_excerpt.chars().count(), EXCERPT_CHARS);
}

#[tokio::test]
async fn no_more_of_an_answer_is_read_than_the_setting_says() {
    let sender = Sender::new(SenderSettings { max_answer_bytes: 10, ..settings(PATIENT) }).unwrap();
    for (answer, error) in [
        ("HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\n0123456789", None),
        ("HTTP/1.1 200 OK\r\ncontent-length: 11\r\n\r\n0123456789+", Some("the answer was cut at 10 bytes")),
    ] {
        let (url, handle) = serve(Receiver::Says(answer)).await;
        let attempt = deliver(&sender, &url).await;
        assert_eq!((attempt.status, attempt.error.as_deref()), (Some(200), error), "{answer}");
        handle.await.unwrap();
    }
}

#[tokio::test]
async fn a_body_that_stalls_ends_with_the_timeout_and_keeps_its_status() {
    // A pause of the machine may eat a short timeout before the status is read: then a longer one is tried.
    for millis in [200, 2_000, 20_000] {
        let hangs = Receiver::Hangs("HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\nya");
        let stalled = attempt_or_refused(hangs, Duration::from_millis(millis)).await;
        if stalled.status.is_some() {
            assert_eq!(
                stalled.error,
                Some(format!("the answer was not complete: the attempt was not over after {millis} ms"))
            );
            return assert_eq!(verdict(&stalled), Verdict::Delivered);
        }
    }
    panic!("the status was never read");
}

#[tokio::test]
async fn an_address_that_is_not_allowed_is_never_called() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let strict = SenderSettings { allowed_hosts: AllowedHosts::default(), ..settings(PATIENT) };
    let strict = Sender::new(strict).unwrap();
    for (url, why) in [
        (format!("http://127.0.0.1:{port}/"), "scheme http"),
        (format!("https://127.0.0.1:{port}/"), "loopback"),
        (format!("https://2130706433:{port}/"), "loopback"),
        (format!("https://[::ffff:127.0.0.1]:{port}/"), "loopback"),
        (format!("https://localhost:{port}/"), "only means something inside"),
    ] {
        is_failure(&deliver(&strict, &url).await, why);
    }
    assert!(listener.accept().now_or_never().is_none(), "nobody called");
}

#[tokio::test]
async fn a_name_that_turns_inside_after_the_check_is_never_called() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let settings = SenderSettings {
        allowed_hosts: AllowedHosts::parse(&["http://reconexiones.example"]).unwrap(),
        ..settings(PATIENT)
    };
    let lying = |address: &str| {
        let address: IpAddr = address.parse().unwrap();
        let lookup = Arc::new(move |_| async move { Ok(vec![address]) }.boxed() as _);
        let resolver = FilteringResolver::with_lookup(settings.allowed_hosts.clone(), lookup);
        Sender::with_resolver(settings.clone(), resolver).unwrap()
    };
    for inside in ["127.0.0.1", "::ffff:127.0.0.1"] {
        let url = format!("https://avisos.example.com:{port}/?k9");
        is_failure(&deliver(&lying(inside), &url).await, "the name avisos.example.com is refused");
    }
    let metadata = format!("http://reconexiones.example:{port}/?k9");
    is_failure(&deliver(&lying("169.254.169.254"), &metadata).await, "link-local");
    assert!(listener.accept().now_or_never().is_none(), "nobody called");

    // The same way, allowed: so it is the filter that held the others back.
    let answering = tokio::spawn(async move {
        let (stream, _) = listener.accept().await.unwrap();
        behave(stream, &Receiver::Says("HTTP/1.1 204 X\r\n\r\n")).await
    });
    assert_eq!(deliver(&lying("127.0.0.1"), &metadata).await.status, Some(204));
    assert!(answering.await.unwrap().contains(&format!("host: reconexiones.example:{port}")));
}

#[test]
fn settings_that_cannot_be_read_are_refused_and_never_shown() {
    let pem = "-----BEGIN PRIVATE KEY-----\nY2xhdmU=\n-----END PRIVATE KEY-----\n";
    let with = |roots: &str, identity: Option<&str>| SenderSettings {
        extra_roots_pem: roots.to_owned(),
        identity_pem: identity.map(Into::into),
        ..settings(PATIENT)
    };
    assert!(matches!(Sender::new(with("no certificate", None)), Err(SenderError::Roots)));
    assert!(matches!(Sender::new(with(pem, None)), Err(SenderError::Roots)));
    for identity in ["", "no identity", pem] {
        let error = Sender::new(with("", Some(identity))).unwrap_err();
        assert!(matches!(error, SenderError::Identity), "{error:?}");
        assert!(!error.to_string().contains("Y2xhdmU"));
    }
    let shown = format!("{:?}", with("", Some(pem)));
    assert!(!shown.contains("Y2xhdmU") && with("", Some(pem)).identity_pem.unwrap().expose_secret() == pem, "{shown}");
}
