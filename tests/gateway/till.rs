//! The till against the real gateway: killed anywhere, its journal and the books end equal; and what a
//! cashier sees.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use recaudo::client::{Client, Connection};
use recaudo::clock::SystemClock;
use recaudo::store::journal::Journal;
use recaudo::till::dialogue::{Dialogue, Printer};
use recaudo::till::{Settled, Tally, Till};

use crate::harness::*;

fn till(gateway: &Gateway) -> Till {
    let identity = gateway.identity("aliado");
    let connection = Connection {
        gateway: gateway.url.clone(),
        authority: gateway.path().join("certs/ca.crt"),
        certificate: identity.certificate,
        key: identity.key,
        client_id: "aliado".to_owned(),
        collection_point: Some("aliado-01".to_owned()),
        scope: String::new(),
    };
    let journal = Journal::open(&gateway.path().join("till.db")).unwrap();
    Till::new(Client::new(connection).unwrap(), journal, Arc::new(SystemClock), "C1", "ana")
}

on_both_databases! {
    a_till_killed_anywhere_ends_with_equal_books(gateway) {
        let numbers: Vec<String> = (0..100).map(|ordinal| format!("{:09}", 100_000 + ordinal * 37)).collect();
        let mut chance = 1_u64;
        gateway.bill(numbers.iter().map(|number| account(number, "85400.00")).collect()).await;
        for (ordinal, number) in numbers.iter().enumerate() {
            let (mut till, number) = (till(gateway), number.clone());
            let paying = tokio::spawn(async move { _ = till.pay(&number, "full", "85400.00", None, None).await });
            // At any moment, from before the journal is written to after the answer has come.
            chance = chance.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            tokio::time::sleep(Duration::from_micros((chance >> 33) % 40_000)).await;
            paying.abort();
            _ = paying.await;
            // Some are started again at once and finish what they find; one of them is killed at that, too.
            if ordinal % 10 == 9 {
                let mut till = self::till(gateway);
                let recovering = tokio::spawn(async move { _ = till.recover().await });
                tokio::time::sleep(Duration::from_micros((chance >> 40) % 40_000)).await;
                recovering.abort();
                _ = recovering.await;
            }
        }
        let mut till = till(gateway);
        till.recover().await.unwrap();
        assert!(till.recover().await.unwrap().is_empty(), "something is still unknown");
        let mut journal = Journal::open(&gateway.path().join("till.db")).unwrap();
        let told: BTreeSet<String> = journal.all().unwrap().into_iter().map(|entry| {
            assert_eq!(entry.status, Some(201), "{:?}", entry.answer);
            let answer: serde_json::Value = serde_json::from_str(&entry.answer.unwrap()).unwrap();
            answer["id"].as_str().unwrap().to_owned()
        }).collect();
        let page = gateway.caller("aliado").await.get("/v1/payments?limit=200").await.done(200);
        let kept: Vec<String> =
            page["data"].as_array().unwrap().iter().map(|payment| payment["id"].as_str().unwrap().to_owned()).collect();
        assert_eq!(kept.len(), told.len());
        assert!(kept.len() > 10, "hardly any till lived long enough to write its journal: {}", kept.len());
        assert_eq!(kept.into_iter().collect::<BTreeSet<_>>(), told);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_movement_that_the_till_does_not_know_shows_at_its_next_call() {
    let gateway = Gateway::start(Books::Sqlite).await;
    let numbers: Vec<String> = (0..4).map(|ordinal| format!("{:09}", 100_000 + ordinal)).collect();
    gateway.bill(numbers.iter().map(|number| account(number, "85400.00")).collect()).await;
    let mut till = till(&gateway);
    let mut told = Vec::new();
    for (ordinal, number) in numbers.iter().enumerate() {
        if ordinal == 2 {
            // Somebody takes money at this drawer behind the till's back.
            let partner = gateway.caller("aliado").await;
            partner.pay("behind", &partial(number, "1000.00")).await.done(201);
        }
        let Settled::Done(answer) = till.pay(number, "partial", "2000.00", None, None).await.unwrap() else { panic!() };
        told.push(till.tally(&answer).unwrap());
        if ordinal == 3 {
            told.push(till.tally(&answer).unwrap());
        }
    }
    assert_eq!(told, [Tally::Agrees, Tally::Agrees, Tally::Differs, Tally::Agrees, Tally::Differs]);
    gateway.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_cashier_opens_takes_money_takes_it_back_and_closes() {
    let gateway = Gateway::start(Books::Sqlite).await;
    gateway.bill(vec![account("000123456", "85400.00")]).await;
    let till = till(&gateway);
    let script = "ayuda\nabrir 50000\n000123456\n2 20000\n000999999\nanular wrong_amount S1\n000123456\n1\n000123456\n\
                  cerrar\n1\n\n1\n\n\n\n85\n\n2\n\n\nsalir\n";
    let said = tokio::task::spawn_blocking(move || {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let (mut input, mut out) = (script.as_bytes(), Vec::new());
        let printer = Printer { columns: 32, folder: None };
        Dialogue::new(&runtime, till, printer, &mut input, &mut out).run().unwrap();
        String::from_utf8(out).unwrap()
    });
    let said = said.await.unwrap();
    for wanted in [
        "MAR*** GOM***",
        "1. pago total 85400.00",
        "COMPROBANTE DE PAGO",
        "NO_RECIBIR_DINERO",
        "No hay nada por pagar.",
        "Esperado 135400.00",
    ] {
        assert!(said.contains(wanted), "{wanted} was not said:\n{said}");
    }
    assert!(!said.contains("ATENCIÓN"), "{said}");
    gateway.stop().await;
}
