//! The chain of a session, recomputed by a script that knows nothing but what the gateway lists.

use std::io::Write as _;
use std::path::Path;
use std::process::{Command, Stdio};

use serde_json::{Value, json};

use crate::harness::*;

const PAYMENTS: usize = 1000;
/// Payments of one call.
const TOGETHER: usize = 100;

/// What the script says of these payments, and whether they hold.
fn recomputed(payments: &[Value]) -> (bool, String) {
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/examples/chain.py");
    let mut child = Command::new("python3").arg(script).stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
    child.stdin.take().unwrap().write_all(&serde_json::to_vec(payments).unwrap()).unwrap();
    let output = child.wait_with_output().unwrap();
    (output.status.success(), String::from_utf8(output.stdout).unwrap())
}

on_both_databases! {
    a_thousand_payments_chain_and_a_lost_or_doubled_one_shows_at_the_next(gateway) {
        let number = |ordinal: usize| format!("{:09}", 100_000 + ordinal);
        gateway.bill((0..PAYMENTS / 2).map(|ordinal| account(&number(ordinal), "85400.00")).collect()).await;
        let partner = gateway.caller("aliado").await;
        let at = gateway.clock.now().to_string();
        for round in 0..PAYMENTS / TOGETHER {
            let items: Vec<Value> = (round * TOGETHER..(round + 1) * TOGETHER).map(|ordinal| {
                let mut payment = partial(&number(ordinal % (PAYMENTS / 2)), &format!("{}.00", 1000 + ordinal));
                payment["collected_at"] = at.as_str().into();
                payment["tender"] = if ordinal.is_multiple_of(2) { "transfer" } else { "cash" }.into();
                json!({ "idempotency_key": format!("c{ordinal}"), "payment": payment })
            }).collect();
            let answer = partner.post("/v1/payments/batch", "unused", &json!({ "payments": items })).await.done(200);
            assert_eq!(answer["posted"], TOGETHER, "{}", answer["results"][0]);
        }
        let (mut listed, mut path) = (Vec::new(), "/v1/payments?limit=200&till=C1".to_owned());
        loop {
            let page = partner.get(&path).await.done(200);
            listed.extend(page["data"].as_array().unwrap().clone());
            let Some(cursor) = page["next_cursor"].as_str() else { break };
            path = format!("/v1/payments?limit=200&till=C1&cursor={cursor}");
        }
        listed.sort_by_key(|payment| payment["session"]["count"].as_u64());
        assert_eq!(listed.len(), PAYMENTS);
        let (holds, said) = recomputed(&listed);
        assert!(holds && said.contains(listed[PAYMENTS - 1]["session"]["chain"].as_str().unwrap()), "{said}");
        for place in [0, 499, 998] {
            let mut lost = listed.clone();
            lost.remove(place);
            let (holds, said) = recomputed(&lost);
            assert!(!holds && said.starts_with(listed[place + 1]["id"].as_str().unwrap()), "{place}: {said}");
            let mut doubled = listed.clone();
            doubled.insert(place, listed[place].clone());
            let (holds, said) = recomputed(&doubled);
            assert!(!holds && said.starts_with(listed[place].as_object().unwrap()["id"].as_str().unwrap()), "{said}");
            let mut touched = listed.clone();
            touched[place]["account_number"] = "000999999".into();
            let (holds, said) = recomputed(&touched);
            assert!(!holds && said.starts_with(listed[place]["id"].as_str().unwrap()), "{place}: {said}");
        }
    }
}
