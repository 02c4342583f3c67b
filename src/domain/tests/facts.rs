//! Facts are written once and read for ever.

use proptest::prelude::*;

use super::generators::*;
use super::worlds::*;
use crate::domain::account::Account;
use crate::domain::fact::{Body, OrderStatus};

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn what_is_written_is_what_is_read(account in any_account(), acts in any_days()) {
        let text = serde_json::to_string(&account).unwrap();
        prop_assert_eq!(&serde_json::from_str::<Account>(&text).unwrap(), &account);
        let mut bench = Bench::with(vec![account]);
        for act in &acts {
            bench.act(act);
        }
        for fact in &bench.facts {
            let text = serde_json::to_string(&fact.body).unwrap();
            prop_assert_eq!(&serde_json::from_str::<Body>(&text).unwrap(), &fact.body);
            let kind = format!("\"kind\":\"{}\"", fact.body.kind());
            prop_assert!(text.contains(&kind), "{}", text);
        }
    }
}

#[test]
fn an_order_goes_only_where_the_contract_lets_it() {
    use OrderStatus::*;
    let all = [Requested, Dispatched, InProgress, Completed, Failed, Cancelled];
    let allowed = [
        (Requested, Dispatched),
        (Requested, InProgress),
        (Requested, Completed),
        (Requested, Failed),
        (Requested, Cancelled),
        (Dispatched, InProgress),
        (Dispatched, Completed),
        (Dispatched, Failed),
        (Dispatched, Cancelled),
        (InProgress, Completed),
        (InProgress, Failed),
    ];
    for from in all {
        for to in all {
            assert_eq!(from.may_become(to), allowed.contains(&(from, to)), "{from:?} {to:?}");
        }
        assert_eq!(from.is_open(), allowed.iter().any(|(open, _)| *open == from));
    }
}
