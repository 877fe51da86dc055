//! `enrollments`: who is in which campaign, on which version of its terms.

use sqlx::{FromRow, PgConnection};
use types::{CampaignId, EnrollmentId, Micros, PartnerId, TermsVersion};

use super::column;
use crate::domain::Enrollment;

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
            terms_version: column("terms_version", TermsVersion::new(row.terms_version))?,
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
    messaging::insert_rows!(connection, enrollments => "enrollments" {
        id: text = |e| e.id.to_string(),
        position: bigint = |e| e.position,
        campaign_id: text = |e| e.campaign.to_string(),
        partner_id: text = |e| e.partner.to_string(),
        terms_version: int = |e| e.terms_version.get(),
        accepted_at: bigint = |e| e.accepted_at.get(),
    } on (id) set (terms_version, accepted_at))
    .await
}
