//! Who wants to be told what, and where. The last number of an endpoint is the fan-out's alone.

use diesel::prelude::*;
use secrecy::{ExposeSecret, SecretString};

use super::Conn;
use super::rows::{from_json, limit, read_id, read_word, to_json, word};
use crate::domain::calendar::Timestamp;
use crate::domain::ids::{Id, PartyId};
use crate::store::schema::{parties, webhook_endpoints};
use crate::store::{EndpointStatus, StoreError, WebhookEndpoint};

#[derive(Queryable, Selectable, Insertable)]
#[diesel(table_name = webhook_endpoints, check_for_backend(super::Backend), treat_none_as_default_value = false)]
struct EndpointRow {
    id: String,
    party: String,
    url: String,
    event_types: String,
    secret: String,
    retiring_secret: Option<String>,
    retiring_until: Option<i64>,
    status: String,
    disabled_reason: Option<String>,
    last_seq: i64,
    created_at: i64,
}

impl EndpointRow {
    fn of(endpoint: &WebhookEndpoint) -> Result<Self, StoreError> {
        let retiring = endpoint.retiring.as_ref();
        Ok(Self {
            id: endpoint.id.to_string(),
            party: endpoint.party.as_str().to_owned(),
            url: endpoint.url.clone(),
            event_types: to_json(&endpoint.event_types)?,
            secret: endpoint.secret.expose_secret().to_owned(),
            retiring_secret: retiring.map(|(secret, _)| secret.expose_secret().to_owned()),
            retiring_until: retiring.map(|(_, until)| until.micros()),
            status: word(&endpoint.status)?,
            disabled_reason: endpoint.disabled_reason.clone(),
            last_seq: endpoint.last_seq,
            created_at: endpoint.created_at.micros(),
        })
    }

    fn endpoint(self, kind: &str) -> Result<WebhookEndpoint, StoreError> {
        let retiring = self.retiring_secret.zip(self.retiring_until);
        Ok(WebhookEndpoint {
            id: read_id(&self.id)?,
            party: PartyId::new(self.party),
            kind: read_word(kind)?,
            url: self.url,
            event_types: from_json(&self.event_types)?,
            secret: SecretString::from(self.secret),
            retiring: retiring.map(|(secret, until)| (secret.into(), Timestamp::from_micros(until))),
            status: read_word(&self.status)?,
            disabled_reason: self.disabled_reason,
            last_seq: self.last_seq,
            created_at: Timestamp::from_micros(self.created_at),
        })
    }
}

/// Endpoints of one party or of all, those that are gone left out.
pub fn webhook_endpoints(
    conn: &mut Conn,
    party: Option<&PartyId>,
    most: u32,
) -> Result<Vec<WebhookEndpoint>, StoreError> {
    let mut query = webhook_endpoints::table
        .inner_join(parties::table)
        .filter(webhook_endpoints::status.ne("removed"))
        .order(webhook_endpoints::id)
        .limit(limit(most))
        .select((EndpointRow::as_select(), parties::kind))
        .into_boxed();
    if let Some(party) = party {
        query = query.filter(webhook_endpoints::party.eq(party.as_str().to_owned()));
    }
    let rows: Vec<(EndpointRow, String)> = query.load(conn)?;
    rows.into_iter().map(|(row, kind)| row.endpoint(&kind)).collect()
}

/// An endpoint of this party, unless it is gone.
pub fn webhook_endpoint(conn: &mut Conn, party: &PartyId, id: Id) -> Result<Option<WebhookEndpoint>, StoreError> {
    let row: Option<(EndpointRow, String)> = webhook_endpoints::table
        .inner_join(parties::table)
        .filter(webhook_endpoints::id.eq(id.to_string()))
        .filter(webhook_endpoints::party.eq(party.as_str()))
        .filter(webhook_endpoints::status.ne("removed"))
        .select((EndpointRow::as_select(), parties::kind))
        .first(conn)
        .optional()?;
    row.map(|(row, kind)| row.endpoint(&kind)).transpose()
}

/// Registers an endpoint.
pub fn register_webhook_endpoint(conn: &mut Conn, endpoint: &WebhookEndpoint) -> Result<(), StoreError> {
    diesel::insert_into(webhook_endpoints::table).values(EndpointRow::of(endpoint)?).execute(conn)?;
    Ok(())
}

/// Replaces where an endpoint is, what it wants, its secrets and its state. `false`: it is gone.
pub fn change_webhook_endpoint(conn: &mut Conn, endpoint: &WebhookEndpoint) -> Result<bool, StoreError> {
    let row = EndpointRow::of(endpoint)?;
    let known = webhook_endpoints::table.find(row.id).filter(webhook_endpoints::status.ne("removed"));
    let changes = (
        webhook_endpoints::url.eq(row.url),
        webhook_endpoints::event_types.eq(row.event_types),
        webhook_endpoints::secret.eq(row.secret),
        webhook_endpoints::retiring_secret.eq(row.retiring_secret),
        webhook_endpoints::retiring_until.eq(row.retiring_until),
        webhook_endpoints::status.eq(row.status),
        webhook_endpoints::disabled_reason.eq(row.disabled_reason),
    );
    Ok(diesel::update(known).set(changes).execute(conn)? == 1)
}

/// Tells an endpoint nothing more, because it asked for that.
pub fn disable_webhook_endpoint(conn: &mut Conn, id: Id, reason: &str) -> Result<(), StoreError> {
    let told = webhook_endpoints::table.find(id.to_string()).filter(webhook_endpoints::status.eq("active"));
    let disabled = word(&EndpointStatus::Disabled)?;
    let changes = (webhook_endpoints::status.eq(disabled), webhook_endpoints::disabled_reason.eq(reason));
    diesel::update(told).set(changes).execute(conn)?;
    Ok(())
}

/// Keeps the number of the last event that an endpoint was given.
pub fn number_webhook_endpoint(conn: &mut Conn, id: Id, last_seq: i64) -> Result<(), StoreError> {
    let endpoint = webhook_endpoints::table.find(id.to_string());
    diesel::update(endpoint).set(webhook_endpoints::last_seq.eq(last_seq)).execute(conn)?;
    Ok(())
}
