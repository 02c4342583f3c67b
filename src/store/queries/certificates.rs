//! Which certificate names which party.

use diesel::prelude::*;

use super::Conn;
use super::parties::PartyRow;
use super::world::last_of;
use crate::domain::calendar::Timestamp;
use crate::domain::fact::Body;
use crate::domain::ids::PartyId;
use crate::domain::notice;
use crate::store::schema::{certificates, parties};
use crate::store::{Certificate, ExpiringCertificate, Party, StoreError};

/// Certificates looked at together.
const LOOKED_AT: i64 = 200;

#[derive(Queryable, Selectable, Insertable)]
#[diesel(table_name = certificates, check_for_backend(super::Backend), treat_none_as_default_value = false)]
struct CertificateRow {
    thumbprint: String,
    party: String,
    subject: String,
    not_after: i64,
    registered_at: i64,
    revoked_at: Option<i64>,
}

impl CertificateRow {
    fn certificate(self) -> Certificate {
        Certificate {
            thumbprint: self.thumbprint,
            party: PartyId::new(self.party),
            subject: self.subject,
            not_after: Timestamp::from_micros(self.not_after),
            registered_at: Timestamp::from_micros(self.registered_at),
            revoked_at: self.revoked_at.map(Timestamp::from_micros),
        }
    }
}

/// The certificate with this thumbprint and the party it names, revoked ones included.
pub fn certificate(conn: &mut Conn, thumbprint: &str) -> Result<Option<(Certificate, Party)>, StoreError> {
    let row: Option<(CertificateRow, PartyRow)> =
        certificates::table.find(thumbprint).inner_join(parties::table).first(conn).optional()?;
    row.map(|(certificate, party)| Ok((certificate.certificate(), party.party()?))).transpose()
}

/// Certificates of one party, or of all.
pub fn certificates(conn: &mut Conn, party: Option<&PartyId>) -> Result<Vec<Certificate>, StoreError> {
    let mut query = certificates::table.order((certificates::party, certificates::not_after)).into_boxed();
    if let Some(party) = party {
        query = query.filter(certificates::party.eq(party.as_str().to_owned()));
    }
    let rows: Vec<CertificateRow> = query.load(conn)?;
    Ok(rows.into_iter().map(CertificateRow::certificate).collect())
}

/// Certificates whose end has to be announced now, those that end first first.
pub fn expiring_certificates(
    conn: &mut Conn,
    now: Timestamp,
    days: &[u32],
    limit: u32,
) -> Result<Vec<ExpiringCertificate>, StoreError> {
    let Some(longest) = days.iter().max() else { return Ok(Vec::new()) };
    let (until, wanted) = (now.plus_minutes(1440 * i64::from(*longest)), usize::try_from(limit).unwrap_or(usize::MAX));
    let mut found = Vec::new();
    let mut after = (now.micros(), String::new());
    while found.len() < wanted {
        let behind = certificates::not_after
            .gt(after.0)
            .or(certificates::not_after.eq(after.0).and(certificates::thumbprint.gt(after.1.clone())));
        let page: Vec<CertificateRow> = certificates::table
            .filter(certificates::revoked_at.is_null().and(certificates::not_after.le(until.micros())).and(behind))
            .order((certificates::not_after, certificates::thumbprint))
            .limit(LOOKED_AT)
            .load(conn)?;
        let Some(last) = page.last().map(|row| (row.not_after, row.thumbprint.clone())) else { break };
        after = last;
        let notices = last_of(conn, page.iter().map(|row| notice::certificate_series(&row.thumbprint)))?;
        found.extend(page.into_iter().map(CertificateRow::certificate).filter_map(|certificate| {
            let last = notices.iter().find_map(|fact| match (&fact.body, &fact.series) {
                (Body::CertificateNotice(told), Some(place)) if told.thumbprint == certificate.thumbprint => {
                    Some((told.days, place.seq))
                }
                _ => None,
            });
            let days = notice::due(certificate.not_after, now, last.map(|(days, _)| days), days)?;
            Some(ExpiringCertificate { certificate, days, announced: last.map_or(0, |(_, seq)| seq) })
        }));
    }
    found.truncate(wanted);
    Ok(found)
}

/// Registers a certificate. One that is known stays as it is: a revoked one stays revoked.
pub fn register_certificate(conn: &mut Conn, certificate: &Certificate) -> Result<(), StoreError> {
    let row = CertificateRow {
        thumbprint: certificate.thumbprint.clone(),
        party: certificate.party.as_str().to_owned(),
        subject: certificate.subject.clone(),
        not_after: certificate.not_after.micros(),
        registered_at: certificate.registered_at.micros(),
        revoked_at: certificate.revoked_at.map(Timestamp::micros),
    };
    let insert = diesel::insert_into(certificates::table).values(row);
    insert.on_conflict(certificates::thumbprint).do_nothing().execute(conn)?;
    Ok(())
}

/// Revokes a certificate; the first revocation is the one that counts.
pub fn revoke_certificate(conn: &mut Conn, thumbprint: &str, at: Timestamp) -> Result<bool, StoreError> {
    let Some((known, _)) = certificate(conn, thumbprint)? else { return Ok(false) };
    let at = known.revoked_at.unwrap_or(at);
    let change = certificates::revoked_at.eq(at.micros());
    Ok(diesel::update(certificates::table.find(thumbprint)).set(change).execute(conn)? == 1)
}
