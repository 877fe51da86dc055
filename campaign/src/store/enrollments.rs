//! `enrollments`: who is in which campaign, on which version of its terms.

use money::{CampaignId, EnrollmentId, Micros, PartnerId};
use sqlx::{FromRow, PgConnection};

use super::column;
use crate::domain::{Enrollment, TermsVersion};

#[derive(Debug, FromRow)]
struct Row {
    id: String,
    position: i64,
    campaign_id: String,
    partner_id: String,
    terms_version: i32,
    accepted_at: i64,
}

impl TryFrom<Row> for Enrollment {
    type Error = sqlx::Error;

    fn try_from(row: Row) -> Result<Self, sqlx::Error> {
        Ok(Self {
            id: column("id", EnrollmentId::parse(row.id))?,
            campaign: column("campaign_id", CampaignId::parse(row.campaign_id))?,
            partner: column("partner_id", PartnerId::parse(row.partner_id))?,
            terms_version: column("terms_version", TermsVersion::parse(row.terms_version))?,
            accepted_at: Micros(row.accepted_at),
            position: row.position,
        })
    }
}

/// The enrollments of these ids that there are.
pub(crate) async fn load(
    connection: &mut PgConnection,
    ids: &[String],
) -> Result<Vec<Enrollment>, sqlx::Error> {
    if ids.is_empty() {
        return Ok(Vec::new());
    }
    let rows: Vec<Row> = sqlx::query_as("SELECT * FROM enrollments WHERE id = ANY($1)")
        .bind(ids)
        .fetch_all(connection)
        .await?;
    rows.into_iter().map(Enrollment::try_from).collect()
}

/// Writes enrollments as they stand now.
pub(crate) async fn save(
    connection: &mut PgConnection,
    enrollments: &[Enrollment],
) -> Result<(), sqlx::Error> {
    if enrollments.is_empty() {
        return Ok(());
    }
    let all = || enrollments.iter();
    sqlx::query(
        "INSERT INTO enrollments (id, position, campaign_id, partner_id, terms_version, accepted_at)
         SELECT * FROM unnest($1::text[], $2::bigint[], $3::text[], $4::text[], $5::int[], $6::bigint[])
         ON CONFLICT (id) DO UPDATE SET terms_version = excluded.terms_version, accepted_at = excluded.accepted_at",
    )
    .bind(all().map(|e| e.id.to_string()).collect::<Vec<_>>())
    .bind(all().map(|e| e.position).collect::<Vec<_>>())
    .bind(all().map(|e| e.campaign.to_string()).collect::<Vec<_>>())
    .bind(all().map(|e| e.partner.to_string()).collect::<Vec<_>>())
    .bind(all().map(|e| e.terms_version.get()).collect::<Vec<_>>())
    .bind(all().map(|e| e.accepted_at.get()).collect::<Vec<_>>())
    .execute(connection)
    .await?;
    Ok(())
}
