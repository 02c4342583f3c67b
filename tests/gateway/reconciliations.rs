//! Two sides compare their day, and settle what they do not agree on.

use recaudo::clock::Clock;
use recaudo::domain::policy::PartnerSettings;
use recaudo::store::RunKind;
use reqwest::Method;
use serde_json::{Value, json};

use crate::harness::*;

/// How many payments a day has in these tests.
const PAYMENTS: usize = 6;

/// A list in the gateway's own names: `receipt_number`, `account_number`, `amount`.
struct List(Vec<[String; 3]>);

impl List {
    fn of(payments: &[Value]) -> Self {
        let text = |payment: &Value, member: &str| payment[member].as_str().unwrap().to_owned();
        let row = |one: &Value| ["receipt_number", "account_number", "amount"].map(|member| text(one, member));
        Self(payments.iter().map(row).collect())
    }

    fn csv(&self) -> String {
        let lines: Vec<String> = self.0.iter().map(|row| row.join(",")).collect();
        format!("receipt_number,account_number,amount\n{}\n", lines.join("\n"))
    }

    fn jsonl(&self) -> String {
        let line = |[receipt, account, amount]: &[String; 3]| {
            json!({ "receipt_number": receipt, "account_number": account, "amount": amount }).to_string()
        };
        self.0.iter().map(line).collect::<Vec<_>>().join("\n")
    }
}

/// A day at the counter, a payment every minute, each on an account of its own.
async fn day(gateway: &Gateway, partner: &Caller) -> Vec<Value> {
    pay_every(gateway, partner, 1).await
}

/// A payment every so many minutes; with none in between midnight never falls among them.
async fn pay_every(gateway: &Gateway, partner: &Caller, minutes: i64) -> Vec<Value> {
    gateway.bill((0..PAYMENTS).map(|i| account(&number(i), "85400.00")).collect()).await;
    let mut payments = Vec::new();
    for i in 0..PAYMENTS {
        let payment = partial(&number(i), &format!("{}.00", 10_000 + i * 1_000));
        payments.push(partner.pay(&format!("k{i}"), &payment).await.done(201));
        gateway.clock.advance_minutes(minutes);
    }
    payments
}

fn number(i: usize) -> String {
    format!("00012345{i}")
}

async fn send(caller: &Caller, query: &str, media_type: &str, file: &str) -> Answer {
    let request = caller.request(Method::POST, &format!("/v1/reconciliations?{query}"));
    caller.send(request.header("content-type", media_type).body(file.to_owned())).await
}

async fn breaks(caller: &Caller, run: &Value) -> Vec<Value> {
    let page = caller.get(run["breaks"].as_str().unwrap()).await.done(200);
    page["data"].as_array().unwrap().clone()
}

fn causes(breaks: &[Value]) -> Vec<&str> {
    breaks.iter().map(|one| one["cause"].as_str().unwrap()).collect()
}

/// The list of the day with a line lost, a line doubled and a line changed.
fn faulty(payments: &[Value]) -> List {
    let mut list = List::of(payments);
    let doubled = list.0[2].clone();
    list.0[4][2] = "99000.00".to_owned();
    list.0.push(doubled);
    list.0.remove(0);
    list
}

/// The business dates of the payments: two when midnight fell among them.
fn span(payments: &[Value]) -> String {
    let date = |payment: &Value| payment["business_date"].as_str().unwrap().to_owned();
    format!("from={}&to={}", date(&payments[0]), date(&payments[PAYMENTS - 1]))
}

on_both_databases! {
    a_lost_a_doubled_and_a_changed_line_are_three_breaks(gateway) {
        let partner = gateway.caller("aliado").await;
        let payments = day(gateway, &partner).await;
        let query = span(&payments);
        let clean = send(&partner, &query, "text/csv", &List::of(&payments).csv()).await.done(201);
        assert_eq!((clean["break_count"].as_u64(), clean["totals"]["agreed"]["count"].as_u64()), (Some(0), Some(6)));

        let list = faulty(&payments);
        let answer = send(&partner, &query, "text/csv", &list.csv()).await;
        let run = answer.done(201);
        assert_eq!(answer.header("location"), format!("/v1/reconciliations/{}", run["id"].as_str().unwrap()));
        let found = breaks(&partner, &run).await;
        assert_eq!(causes(&found), ["only_here", "amount_differs", "duplicate_there"]);
        let about = |i: usize| found[i]["evidence"][0]["receipt_number"].clone();
        let receipt = |i: usize| payments[i]["receipt_number"].clone();
        assert_eq!([about(0), about(1), about(2)], [receipt(0), receipt(4), receipt(2)]);
        assert_eq!(run["totals"]["gateway"]["count"], 6);
        assert!(found.iter().all(|one| one["status"] == "open"));

        // The same again, in another form but with the same rows, is the same comparison.
        let again = send(&partner, &query, "text/csv", &list.csv()).await.done(200);
        assert_eq!(again, run);
        let lines = send(&partner, &format!("{query}&format=jsonl"), "application/x-ndjson", &list.jsonl()).await;
        let by_other_lines: Vec<_> = breaks(&partner, &lines.done(201)).await;
        let ids = |breaks: &[Value]| breaks.iter().map(|one| one["id"].clone()).collect::<Vec<_>>();
        assert_eq!(ids(&by_other_lines), ids(&found), "a break has one name, whatever file shows it");

        let first = partner.get(&format!("{}?limit=2", run["breaks"].as_str().unwrap())).await;
        let next = first.header("link").trim_start_matches('<').split('>').next().unwrap().to_owned();
        assert_eq!(first.done(200)["data"].as_array().unwrap().len(), 2);
        assert_eq!(partner.get(&next).await.done(200)["data"][0]["cause"], "duplicate_there");
    }

    comparisons_are_listed_latest_first(gateway) {
        let (partner, other) = (gateway.caller("aliado").await, gateway.caller("otro").await);
        let operator = gateway.caller("mesa").await;
        let payments = pay_every(gateway, &partner, 0).await;
        let query = span(&payments);
        let mut runs = Vec::new();
        for lines in 1..=5 {
            let list = List::of(&payments[..lines]);
            runs.push(send(&partner, &query, "text/csv", &list.csv()).await.done(201));
            // Two of them share their instant, so the id has to settle their order.
            gateway.clock.advance_minutes(i64::from(lines != 2));
        }
        send(&other, &query, "text/csv", &List::of(&payments[..1]).csv()).await.done(201);
        let text = |run: &Value, member: &str| run[member].as_str().unwrap().to_owned();
        runs.sort_by_key(|run| (text(run, "created_at"), text(run, "id")));
        runs.reverse();

        let (mut listed, mut next) = (Vec::new(), "/v1/reconciliations?limit=2".to_owned());
        while !next.is_empty() {
            let page = partner.get(&next).await;
            next = page.header("link").trim_start_matches('<').split('>').next().unwrap_or_default().to_owned();
            let page = page.done(200)["data"].as_array().unwrap().clone();
            assert!((1..=2).contains(&page.len()));
            listed.extend(page);
            assert!(listed.len() <= 5, "the pages end: {listed:?}");
        }
        assert_eq!(listed.len(), 5, "each once, and nobody else's: {listed:?}");
        for (listed, run) in listed.iter().zip(&runs) {
            for (member, value) in listed.as_object().unwrap() {
                assert_eq!(value, &run[member], "{member}");
            }
        }
        let ids = |answer: Answer| answer.done(200)["data"].as_array().unwrap().len();
        assert_eq!(ids(operator.get("/v1/reconciliations").await), 6);
        assert_eq!(ids(operator.get("/v1/reconciliations?party=otro").await), 1);
        assert_eq!(ids(partner.get("/v1/reconciliations?party=aliado").await), 5);
        assert_eq!(ids(partner.get("/v1/reconciliations?cursor=rcn_01k6y3b5wqe7h8m2n4p6r8t0v2").await), 0);
        partner.get("/v1/reconciliations?party=otro").await.refused(404, "not-found");
        partner.get("/v1/reconciliations?limit=0").await.refused(400, "validation-failed");
    }

    a_report_is_written_for_people_too(gateway) {
        let partner = gateway.caller("aliado").await;
        let payments = day(gateway, &partner).await;
        let query = span(&payments);
        let run = send(&partner, &query, "text/csv", &faulty(&payments).csv()).await.done(201);
        let place = format!("/v1/reconciliations/{}", run["id"].as_str().unwrap());
        let forms = [
            ("text/html", "text/html; charset=utf-8", "<!"),
            ("application/pdf", "application/pdf", "%PDF-"),
            ("text/plain", "text/plain; charset=utf-8", "Conciliación del "),
            ("text/plain;q=0.2, application/json;q=0.9", "application/json", "{"),
            ("*/*", "application/json", "{"),
        ];
        for (accept, content_type, start) in forms {
            let answer = partner.send(partner.request(Method::GET, &place).header("accept", accept)).await;
            assert_eq!((answer.status, answer.header("content-type")), (200, content_type), "{accept}");
            assert!(answer.body.starts_with(start.as_bytes()), "{accept}: {}", answer.text());
            let again = partner.send(partner.request(Method::GET, &place).header("accept", accept)).await;
            assert_eq!(answer.body, again.body, "{accept}");
        }
        let text = partner.send(partner.request(Method::GET, &place).header("accept", "text/plain")).await.text();
        assert!(text.contains("ALIADO") && text.contains("Duplicado en el aliado"), "{text}");
        let refused = partner.send(partner.request(Method::GET, &place).header("accept", "image/png")).await;
        refused.refused(406, "not-acceptable");
    }

    one_side_proposes_and_the_other_approves(gateway) {
        let partner = gateway.caller("aliado").await;
        let operator = gateway.caller("mesa").await;
        let payments = day(gateway, &partner).await;
        let query = span(&payments);
        let run = send(&partner, &query, "text/csv", &faulty(&payments).csv()).await.done(201);
        let found = breaks(&partner, &run).await;
        let place = |i: usize| format!("/v1/breaks/{}/resolution", found[i]["id"].as_str().unwrap());
        let word = |action: &str| json!({ "action": action, "explanation": "se revisó la tirilla" });

        // Money moves: both have to say so, each once.
        partner.post(&place(0), "r1", &word("approve")).await.refused(409, "resolution-not-allowed");
        let proposed = partner.post(&place(0), "r1", &word("propose")).await.done(201);
        assert_eq!((proposed["status"].as_str(), proposed["side"].as_str()), (Some("proposed"), Some("partner")));
        assert_eq!(proposed["cure"], found[0]["cure"]);
        let replayed = partner.post(&place(0), "r1", &word("propose")).await;
        assert_eq!(replayed.header("idempotency-replayed"), "true");
        assert_eq!(replayed.done(201), proposed);
        partner.post(&place(0), "r1", &word("reject")).await.refused(422, "idempotency-key-reused");
        let own = partner.post(&place(0), "r2", &word("approve")).await;
        own.refused(409, "resolution-not-allowed");
        assert_eq!((own.json()["reason"].as_str(), own.json()["break_status"].as_str()),
            (Some("other-side-decides"), Some("proposed")));
        let twice = operator.post(&place(0), "o0", &word("propose")).await;
        assert_eq!(twice.json()["reason"], "already-proposed");
        operator.post(&place(0), "o1", &json!({ "action": "reject" })).await.refused(400, "validation-failed");
        assert_eq!(operator.post(&place(0), "o1", &word("reject")).await.done(201)["status"], "open");
        let cure = json!({ "action": "propose", "cure": "El aliado agrega la línea y consigna mañana." });
        assert_eq!(operator.post(&place(0), "o2", &cure).await.done(201)["status"], "proposed");
        assert_eq!(partner.post(&place(0), "r3", &word("approve")).await.done(201)["status"], "resolved");
        let over = partner.post(&place(0), "r4", &word("approve")).await;
        assert_eq!(over.json()["reason"], "resolved");

        // No money moves: one side is enough.
        assert_eq!(found[2]["money_moves"], false);
        assert_eq!(partner.post(&place(2), "r5", &word("propose")).await.done(201)["status"], "resolved");
        let after = breaks(&operator, &run).await;
        let standing: Vec<_> = after.iter().map(|one| one["status"].as_str().unwrap()).collect();
        assert_eq!(standing, ["resolved", "open", "resolved"]);
        assert_eq!(after[0]["resolutions"].as_array().unwrap().len(), 4);
    }

    nobody_sees_anothers_reconciliation(gateway) {
        let partner = gateway.caller("aliado").await;
        let payments = day(gateway, &partner).await;
        let query = span(&payments);
        let file = faulty(&payments).csv();
        let run = send(&partner, &query, "text/csv", &file).await.done(201);
        let id = run["id"].as_str().unwrap();
        let first = breaks(&partner, &run).await[0]["id"].as_str().unwrap().to_owned();
        let other = gateway.caller("otro").await;
        other.get(&format!("/v1/reconciliations/{id}")).await.refused(404, "not-found");
        other.get(&format!("/v1/reconciliations/{id}/breaks")).await.refused(404, "not-found");
        let place = format!("/v1/breaks/{first}/resolution");
        other.post(&place, "k", &json!({ "action": "propose" })).await.refused(404, "not-found");
        send(&other, &format!("{query}&party=aliado"), "text/csv", &file).await.refused(404, "not-found");
        other.get("/v1/reconciliations/digests?from=2020-01-01T00:00:00Z&to=2020-01-02T00:00:00Z&party=aliado").await
            .refused(404, "not-found");
        // Its own comparison of the same file sees none of the payments.
        let own = send(&other, &query, "text/csv", &file).await.done(201);
        assert_eq!(own["totals"]["gateway"]["count"], 0);
        let operator = gateway.caller("mesa").await;
        let asked = send(&operator, &format!("{query}&party=aliado"), "text/csv", &file).await.done(200);
        assert_eq!(asked["id"], id);
        send(&operator, &query, "text/csv", &file).await.refused(400, "validation-failed");
        send(&operator, &format!("{query}&party=nadie"), "text/csv", &file).await.refused(404, "not-found");
        send(&partner, &format!("{query}&kind=bank"), "text/csv", &file).await.refused(403, "scope-missing");
    }

    a_bad_file_names_its_lines_and_leaves_nothing(gateway) {
        let partner = gateway.caller("aliado").await;
        let payments = day(gateway, &partner).await;
        let query = span(&payments);
        let file = "receipt_number,account_number,amount\nR1,000123456,10000.00\nR2,12a,10000.00\nR3,000123456,-5\n";
        let answer = send(&partner, &query, "text/csv", file).await;
        answer.refused(400, "file-not-valid");
        let lines = answer.json()["lines"].clone();
        let places = |i: usize| (lines[i]["line"].as_u64().unwrap(), lines[i]["column"].as_str().unwrap().to_owned());
        assert_eq!([places(0), places(1)], [(3, "account_number".to_owned()), (4, "amount".to_owned())]);
        assert_eq!(lines.as_array().unwrap().len(), 2);

        let refused = send(&partner, &format!("{query}&format=asobancaria-2001"), "text/plain", "01NADA\r\n").await;
        refused.refused(400, "file-not-valid");
        assert_eq!(refused.json()["lines"][0]["line"], 1);
        send(&partner, &query, "image/png", file).await.refused(415, "unsupported-media-type");
        send(&partner, "format=csv", "text/csv", file).await.refused(400, "validation-failed");
        send(&partner, "from=2026-01-02&to=2026-01-01", "text/csv", file).await.refused(400, "validation-failed");
        send(&partner, "from=2026-01-01&to=2026-03-01", "text/csv", file).await.refused(400, "validation-failed");
        // Nothing of these was kept: the good list is compared for the first time.
        send(&partner, &query, "text/csv", &List::of(&payments).csv()).await.done(201);
    }

    a_partners_own_columns_are_read_by_its_settings(gateway) {
        let partner = gateway.caller("aliado").await;
        let payments = day(gateway, &partner).await;
        let query = span(&payments);
        let mapping = json!({ "reconciliation": { "format": "csv", "mapping": {
            "delimiter": ";", "decimal_separator": ",", "thousands_separator": ".",
            "columns": { "receipt_number": "NRO", "account_number": "CUENTA", "amount": "VALOR" },
        }}});
        let set = |files: Value| gateway.write(move |connection| {
            let settings = PartnerSettings { files, ..PartnerSettings::default() };
            connection.set_party_settings(&"aliado".into(), &settings)
        });
        set(mapping).await;
        let mut file = "NRO;CUENTA;VALOR\n".to_owned();
        for [receipt, account, amount] in &List::of(&payments).0 {
            file += &format!("{receipt};{account};{}\n", amount.replace('.', ","));
        }
        let run = send(&partner, &query, "text/csv", &file).await.done(201);
        assert_eq!(run["totals"]["agreed"]["count"], 6);
        send(&partner, &query, "text/csv", &List::of(&payments).csv()).await.refused(400, "file-not-valid");
        set(json!({ "reconciliation": { "mapping": { "delimeter": ";" } } })).await;
        send(&partner, &query, "text/csv", &file).await.refused(409, "file-settings-not-valid");
    }

    a_collection_file_is_a_list_as_well(gateway) {
        let partner = gateway.caller("aliado").await;
        let payments = pay_every(gateway, &partner, 0).await;
        let query = format!("{}&format=asobancaria-2001", span(&payments));
        let whole = collection_file(&payments, 9_999);
        let run = send(&partner, &query, "text/plain", &whole).await.done(201);
        assert_eq!((run["break_count"].as_u64(), run["totals"]["matched"]["count"].as_u64()), (Some(0), Some(6)));
        let lacking = collection_file(&payments, 2);
        let run = send(&partner, &query, "text/plain", &lacking).await.done(201);
        let found = breaks(&partner, &run).await;
        assert_eq!(causes(&found), ["only_here"]);
        assert_eq!(found[0]["evidence"][0]["receipt_number"], payments[2]["receipt_number"]);
        // A total that does not fit the records: nothing of the file is believed.
        let records: Vec<&str> = whole.lines().collect();
        let cut = [&records[..3], &records[4..]].concat().join("\r\n");
        send(&partner, &query, "text/plain", &cut).await.refused(400, "file-not-valid");
    }

    digests_lead_to_the_row_that_differs(gateway) {
        let partner = gateway.caller("aliado").await;
        let begun = gateway.clock.now();
        let payments = day(gateway, &partner).await;
        let theirs: Vec<Value> = {
            let mut list = payments.clone();
            list[3]["amount"] = "1.00".into();
            list
        };
        let (mut from, mut to) = (begun.plus_minutes(-1440), begun.plus_minutes(1440));
        let mut bucket = 1440;
        loop {
            let place = format!("/v1/reconciliations/digests?from={from}&to={to}&bucket={bucket}");
            let answer = partner.get(&place).await.done(200);
            let ours = answer["buckets"].as_array().unwrap();
            let own = their_digests(&theirs, from, to, bucket);
            let differing: Vec<_> = ours.iter().filter(|one| !own.contains(one)).collect();
            assert_eq!((ours.len(), differing.len()), (own.len(), 1), "{ours:?} {own:?}");
            from = recaudo::domain::calendar::Timestamp::parse(differing[0]["start"].as_str().unwrap()).unwrap();
            to = from.plus_minutes(bucket);
            if bucket == 1 {
                assert_eq!(differing[0]["count"], 1);
                assert_eq!(differing[0]["sum"], payments[3]["amount"]);
                // The end is not part of a stretch: the payments of later minutes are not in it.
                let place = format!("/v1/reconciliations/digests?from={from}&to={to}&bucket=1");
                assert_eq!(partner.get(&place).await.done(200)["buckets"], json!([differing[0]]));
                break;
            }
            bucket = if bucket == 1440 { 60 } else { 1 };
        }
        for query in ["", "from=2026-01-01T00:00:00Z", "from=2026-01-01T00:00:00Z&to=2026-01-02T00:00:00Z&bucket=7",
            "from=2026-01-01T00:00:00Z&to=2026-06-01T00:00:00Z&bucket=1"] {
            partner.get(&format!("/v1/reconciliations/digests?{query}")).await.refused(400, "validation-failed");
        }
    }

    a_bank_statement_is_held_against_deposits(gateway) {
        let partner = gateway.caller("aliado").await;
        let operator = gateway.caller("mesa").await;
        let other = gateway.caller("otro").await;
        let payments = pay_every(gateway, &partner, 0).await;
        let date = payments[0]["business_date"].as_str().unwrap().to_owned();
        let slip = |number: &str, amount: &str| json!({
            "slip_number": number, "amount": amount, "currency": "COP", "deposited_on": date,
        });
        partner.post("/v1/deposits", "d1", &slip("00-771", "40000.00")).await.done(201);
        partner.post("/v1/deposits", "d2", &slip("772", "35000.00")).await.done(201);
        other.post("/v1/deposits", "d3", &slip("900", "12000.00")).await.done(201);
        let statement = format!(
            "slip_number,amount,booked_on,kind\n771,39000.00,{date},credit\n900,12000.00,{date},credit\n\
             ,500.00,{date},debit\n555,7000.00,{date},credit\n"
        );
        let query = format!("{}&kind=bank&party=aliado", span(&payments));
        let run = send(&operator, &query, "text/csv", &statement).await.done(201);
        // The second deposit is not due yet, and the other partner's is no business of this one.
        let found = breaks(&operator, &run).await;
        assert_eq!(causes(&found), ["deposit_short", "deposit_unknown"]);
        assert_eq!(found[0]["amount_at_stake"], "1000.00");
        assert_eq!(run["totals"]["pending"]["amount"], "35000.00");
        let seen = partner.get(&format!("/v1/reconciliations/{}", run["id"].as_str().unwrap())).await.done(200);
        assert_eq!(seen["kind"], "bank");
        let kept = gateway.write(move |connection| {
            connection.reconciliation(recaudo::domain::ids::Id::parse_with_prefix(run["id"].as_str().unwrap(), "rcn").unwrap())
        });
        assert_eq!(kept.await.unwrap().kind, RunKind::Bank);
    }
}

/// The day as an Asobancaria recaudo file, without one of the payments.
fn collection_file(payments: &[Value], without: usize) -> String {
    use recaudo::domain::calendar::BusinessDate;
    use recaudo::files::asobancaria_2001::LotHeader;
    use recaudo::files::asobancaria_2001::codes::{FileModifier, MeansCode, OriginCode};
    use recaudo::files::asobancaria_2001::collection::{CollectionHeader, CollectionRecord, CollectionWriter};
    use recaudo::files::fixed_width::HourMinute;

    let date = BusinessDate::parse(payments[0]["business_date"].as_str().unwrap()).unwrap();
    let header = CollectionHeader {
        biller: "8905005149".parse().unwrap(),
        collection_date: date,
        entity_code: 901,
        account: "12345678901".to_owned(),
        file_date: date,
        recorded_at: HourMinute::FIRST,
        modifier: FileModifier::FIRST,
        account_type: 1,
    };
    let mut writer = CollectionWriter::start(Vec::new(), &header).unwrap();
    writer.start_lot(&LotHeader { service_code: "7709998000018".parse().unwrap(), lot_number: 1 }).unwrap();
    for (_, payment) in payments.iter().enumerate().filter(|(i, _)| *i != without) {
        let sequence = writer.next_sequence();
        let record = CollectionRecord {
            reference: format!("{:0>48}", payment["account_number"].as_str().unwrap()).parse().unwrap(),
            amount: payment["amount"].as_str().unwrap().parse().unwrap(),
            origin: OriginCode::COUNTER,
            means: MeansCode::COUNTER_CASH,
            operation_number: 500 + sequence,
            authorisation_number: 0,
            debited_entity: 0,
            branch: 1,
            sequence,
            return_cause: String::new(),
        };
        writer.payment(&record).unwrap();
    }
    writer.end_lot().unwrap();
    String::from_utf8(writer.finish().unwrap().0).unwrap()
}

/// The digests as a partner computes them from what it was answered.
fn their_digests(
    payments: &[Value],
    from: recaudo::domain::calendar::Timestamp,
    to: recaudo::domain::calendar::Timestamp,
    bucket: i64,
) -> Vec<Value> {
    use recaudo::domain::calendar::Timestamp;
    use sha2::{Digest, Sha256};
    use std::collections::BTreeMap;

    let mut buckets: BTreeMap<i64, Vec<(String, i64)>> = BTreeMap::new();
    for payment in payments {
        let text = |member: &str| payment[member].as_str().unwrap();
        let at = Timestamp::parse(text("recorded_at")).unwrap();
        if at < from || at >= to {
            continue;
        }
        let centavos: i64 = text("amount").replace('.', "").parse().unwrap();
        let (receipt, account, day) = (text("receipt_number"), text("account_number"), text("business_date"));
        let length = bucket * 60_000_000;
        let lines = buckets.entry(at.micros().div_euclid(length) * length).or_default();
        lines.push((format!("{receipt};{account};{centavos};{day};A\n"), centavos));
    }
    let digest = |(start, mut lines): (i64, Vec<(String, i64)>)| {
        lines.sort();
        let text: String = lines.iter().map(|(line, _)| line.as_str()).collect();
        let sum: i64 = lines.iter().map(|(_, centavos)| centavos).sum();
        let hash: String = Sha256::digest(text.as_bytes()).iter().map(|byte| format!("{byte:02x}")).collect();
        json!({
            "start": Timestamp::from_micros(start).to_string(), "count": lines.len(),
            "sum": format!("{}.{:02}", sum / 100, sum % 100), "hash": hash,
        })
    };
    buckets.into_iter().map(digest).collect()
}
