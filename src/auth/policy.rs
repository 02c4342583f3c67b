//! What each kind of party may ask for: one table, party kind × scope.

use crate::domain::command::PartyKind;

/// A permission that a token carries.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Scope {
    /// See what an account owes.
    AccountsRead,
    /// Take payments, and see one's own.
    PaymentsWrite,
    /// Take payments back.
    ReversalsWrite,
    /// Ask for reconnections.
    ReconnectionsWrite,
    /// Report on reconnections.
    ReconnectionsFulfil,
    /// Open and close cash sessions, declare deposits.
    CashSessionsWrite,
    /// Send snapshots, take collection files.
    BillingWrite,
    /// Compare one's own records with the gateway's, and settle differences.
    ReconciliationsWrite,
    /// Say where one is told of what, and see what was told.
    WebhooksWrite,
    /// Run the gateway.
    Admin,
}

const EVERYBODY: [PartyKind; 4] =
    [PartyKind::Partner, PartyKind::Billing, PartyKind::Reconnection, PartyKind::Operator];

/// Every scope with its word in the contract and the kinds of party that may have it.
pub const TABLE: [(Scope, &str, &[PartyKind]); 10] = [
    (Scope::AccountsRead, "accounts:read", &[PartyKind::Partner]),
    (Scope::PaymentsWrite, "payments:write", &[PartyKind::Partner]),
    (Scope::ReversalsWrite, "reversals:write", &[PartyKind::Partner, PartyKind::Operator]),
    (Scope::ReconnectionsWrite, "reconnections:write", &[PartyKind::Partner]),
    (Scope::ReconnectionsFulfil, "reconnections:fulfil", &[PartyKind::Reconnection, PartyKind::Operator]),
    (Scope::CashSessionsWrite, "cash-sessions:write", &[PartyKind::Partner]),
    (Scope::BillingWrite, "billing:write", &[PartyKind::Billing]),
    (Scope::ReconciliationsWrite, "reconciliations:write", &[PartyKind::Partner, PartyKind::Operator]),
    (Scope::WebhooksWrite, "webhooks:write", &EVERYBODY),
    (Scope::Admin, "admin", &[PartyKind::Operator]),
];

/// The word of a kind of party, in the contract as in the store.
#[must_use]
pub const fn kind_word(kind: PartyKind) -> &'static str {
    match kind {
        PartyKind::Partner => "partner",
        PartyKind::Billing => "billing",
        PartyKind::Reconnection => "reconnection",
        PartyKind::Operator => "operator",
    }
}

impl Scope {
    /// The word in the contract.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        TABLE.iter().find(|(scope, ..)| *scope == self).map_or("", |(_, word, _)| word)
    }

    /// Reads the word of the contract.
    #[must_use]
    pub fn parse(word: &str) -> Option<Self> {
        TABLE.iter().find(|(_, known, _)| *known == word).map(|(scope, ..)| *scope)
    }

    /// Whether a kind of party may have it.
    #[must_use]
    pub fn is_open_to(self, kind: PartyKind) -> bool {
        TABLE.iter().any(|(scope, _, kinds)| *scope == self && kinds.contains(&kind))
    }

    /// Everything a kind of party may ask for.
    pub fn of_kind(kind: PartyKind) -> impl Iterator<Item = Self> {
        TABLE.iter().filter(move |(_, _, kinds)| kinds.contains(&kind)).map(|(scope, ..)| *scope)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nobody_but_a_partner_takes_money() {
        for kind in [PartyKind::Billing, PartyKind::Reconnection, PartyKind::Operator] {
            assert!(!Scope::PaymentsWrite.is_open_to(kind));
        }
        assert!(Scope::PaymentsWrite.is_open_to(PartyKind::Partner));
        assert_eq!(Scope::parse("payments:write"), Some(Scope::PaymentsWrite));
        assert_eq!(Scope::parse("payments:*"), None);
    }
}
