//! The contract as OpenAPI 3.1, generated from the handlers and the types they answer with.

use std::collections::BTreeMap;

use utoipa::openapi::security::{ClientCredentials, Flow, OAuth2, Scopes, SecurityScheme};
use utoipa::openapi::{ContentBuilder, HeaderBuilder, RefOr, Response, ResponseBuilder};
use utoipa::{IntoResponses, Modify, OpenApi, ToSchema};

use super::{
    accounts, billing, breaks, cash_sessions, collection_batches, cut_evidence, cuts, deposits, discovery, oauth,
    payments, payments_batch, receipts, reconciliation_list, reconciliations, reconnections, reversals,
    webhook_deliveries, webhook_endpoints,
};
use crate::auth::policy::TABLE;

/// A refusal (RFC 9457), with the members that the case has besides.
#[derive(ToSchema)]
#[allow(dead_code, reason = "the shape of a problem, for the contract")]
pub struct Problem {
    /// Resolvable: what the code means and what to do.
    #[schema(example = "https://localhost:8443/problems/amount-mismatch")]
    r#type: String,
    /// In short, in the language of the answer.
    title: String,
    /// The HTTP status.
    status: u16,
    /// What it means and what to do.
    detail: String,
    /// The path of the request.
    instance: String,
    /// The code, which never changes.
    #[schema(example = "amount-mismatch")]
    code: String,
    /// `never`, `same-key` or `after`.
    retry: String,
    /// The one thing the cashier does now.
    cashier_action: String,
    /// What to say (es-CO).
    message: super::views::MessageView,
    /// What is wrong with the request, all of it.
    #[schema(required = false)]
    errors: Vec<ProblemFault>,
}

/// One thing that is wrong with a request.
#[derive(ToSchema)]
#[allow(dead_code, reason = "the shape of a problem, for the contract")]
pub struct ProblemFault {
    /// Where in the body (RFC 6901), or the name of a parameter or header.
    #[schema(example = "/amount")]
    pointer: String,
    /// What, for programs.
    code: String,
    /// What, for people.
    detail: String,
}

/// A command whose outcome is not known yet.
#[derive(ToSchema)]
#[allow(dead_code, reason = "the shape of the answer, for the contract")]
pub struct Processing {
    /// `processing`.
    status: String,
    /// The key to repeat, or to ask with.
    idempotency_key: String,
    /// Where to ask.
    location: String,
    /// `same-key`.
    retry: String,
    /// `ESPERAR_Y_CONSULTAR`.
    cashier_action: String,
    /// What to say (es-CO).
    message: super::views::MessageView,
}

/// What any call may be refused with.
pub struct Refusals;
/// What a call that writes may be refused with.
pub struct WriteRefusals;
/// What a payment may be refused with.
pub struct ConditionalRefusals;
/// The answer of a command whose outcome is not known in time.
pub struct ProcessingAnswer;

const ALWAYS: [(&str, &str); 10] = [
    ("400", "The request is not valid; errors lists everything that is wrong."),
    ("401", "The certificate or the token is not valid."),
    ("403", "The token lacks the scope, or party or collection point is suspended."),
    ("404", "There is no such thing, or it is not the caller's."),
    ("405", "The resource does not have this method; Allow says which."),
    ("406", "None of the formats that Accept asks for is available."),
    ("408", "The body did not arrive in time; nothing was executed."),
    ("429", "A limit was passed; Retry-After says when to go on."),
    ("500", "The gateway failed; the same key may be sent again."),
    ("503", "The service is not available now; nothing was executed."),
];
const WRITING: [(&str, &str); 4] = [
    ("409", "A rule refuses it; code and members say which and why."),
    ("413", "The body is larger than is accepted."),
    ("415", "The body is not of the type that is read here."),
    ("422", "The idempotency key came before with another request."),
];
const CONDITIONAL: [(&str, &str); 1] = [("412", "The position has changed since the look-up; current has today's.")];

type Responses = BTreeMap<String, RefOr<Response>>;

fn refusals(lists: &[&[(&str, &str)]]) -> Responses {
    let schema = || utoipa::openapi::Ref::from_schema_name("Problem");
    let each = lists.iter().flat_map(|list| list.iter());
    each.map(|(status, description)| {
        let content = ContentBuilder::new().schema(Some(schema())).build();
        let response = ResponseBuilder::new().description(*description).content("application/problem+json", content);
        ((*status).to_owned(), RefOr::T(response.build()))
    })
    .collect()
}

impl IntoResponses for Refusals {
    fn responses() -> Responses {
        refusals(&[&ALWAYS, &WRITING[1..3]])
    }
}

impl IntoResponses for WriteRefusals {
    fn responses() -> Responses {
        refusals(&[&ALWAYS, &WRITING])
    }
}

impl IntoResponses for ConditionalRefusals {
    fn responses() -> Responses {
        refusals(&[&ALWAYS, &WRITING, &CONDITIONAL])
    }
}

impl IntoResponses for ProcessingAnswer {
    fn responses() -> Responses {
        let content = ContentBuilder::new().schema(Some(utoipa::openapi::Ref::from_schema_name("Processing"))).build();
        let response = ResponseBuilder::new()
            .description("The outcome is not known yet: repeat the call with the same key, or ask at Location.")
            .header("Location", HeaderBuilder::new().description(Some("Where to ask.")).build())
            .content("application/json", content)
            .build();
        [("202".to_owned(), RefOr::T(response))].into()
    }
}

/// The two locks on every door.
struct Locks;

impl Modify for Locks {
    fn modify(&self, document: &mut utoipa::openapi::OpenApi) {
        let components = document.components.get_or_insert_with(Default::default);
        let scopes: Vec<(&str, String)> = Vec::from(TABLE.map(|(_, word, kinds)| {
            let kinds: Vec<_> = kinds.iter().map(|kind| crate::auth::policy::kind_word(*kind)).collect();
            (word, format!("For: {}", kinds.join(", ")))
        }));
        let scopes = Scopes::from_iter(scopes.iter().map(|(word, who)| (*word, who.as_str())));
        let flow = Flow::ClientCredentials(ClientCredentials::new("/oauth2/token", scopes));
        let certificate = Some("A registered client certificate; on every path.".to_owned());
        components.add_security_scheme(
            "mutual_tls",
            SecurityScheme::MutualTls { description: certificate, extensions: None, deprecated: None },
        );
        components.add_security_scheme("oauth2", SecurityScheme::OAuth2(OAuth2::new([flow])));
    }
}

#[derive(OpenApi)]
#[openapi(
    info(
        title = "recaudo",
        description = "A payment-without-invoice gateway: a utility's money taken at the counter, with nothing but an account number.",
        license(name = "Apache-2.0", identifier = "Apache-2.0"),
    ),
    servers((url = "https://localhost:8443", description = "The partner listener: mutual TLS only.")),
    tags(
        (name = "accounts", description = "What an account owes now and what may be paid."),
        (name = "payments", description = "Taking money, and taking it back."),
        (name = "cash-sessions", description = "One cashier's drawer from opening to counted close."),
        (name = "deposits", description = "Cash that went to the bank."),
        (name = "reconnections", description = "Bringing the light back."),
        (name = "billing", description = "Billing's files in, collection files out."),
        (name = "reconciliations", description = "What the gateway, the partner and the bank say of the same days, compared."),
        (name = "webhooks", description = "Who is told what, and what was told."),
        (name = "access", description = "Who calls, and what they may do."),
        (name = "discovery", description = "What the gateway says of itself."),
    ),
    paths(
        accounts::get,
        payments::create, payments::get, payments::list, payments_batch::create, reversals::create,
        receipts::get, receipts::copy,
        cash_sessions::open, cash_sessions::close, cash_sessions::get,
        deposits::declare, deposits::verify, deposits::get,
        reconnections::create, reconnections::get, reconnections::list, reconnections::report,
        billing::send, billing::get,
        collection_batches::list, collection_batches::close, collection_batches::file,
        reconciliations::create, reconciliation_list::list, reconciliations::get, reconciliations::digests,
        breaks::list, breaks::resolve,
        cut_evidence::get,
        cuts::report,
        webhook_endpoints::create, webhook_endpoints::list, webhook_endpoints::get, webhook_endpoints::change,
        webhook_endpoints::remove, webhook_deliveries::replay, webhook_deliveries::list, webhook_deliveries::events,
        oauth::token, oauth::metadata, oauth::jwks,
        discovery::whoami, discovery::heartbeat, discovery::problem, discovery::contract,
    ),
    components(schemas(Problem, ProblemFault, Processing)),
    modifiers(&Locks),
)]
struct Contract;

/// The contract, as it is committed in `openapi/gateway.json`.
#[must_use]
pub fn document() -> String {
    let mut text = Contract::openapi().to_pretty_json().unwrap_or_default();
    text.push('\n');
    text
}
