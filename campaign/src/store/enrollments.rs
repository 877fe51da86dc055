//! `enrollments`: who is in which campaign, on which version of its terms.

use chassis::auth::Scope;
use chassis::page::PageQuery;
use sqlx::{FromRow, PgConnection, PgExecutor, QueryBuilder};
use types::{
    CampaignId, EnrollmentId, EnrollmentStatus, Micros, PartnerId, RefusalReason, TermsVersion,
};

use super::{column, push_seen_by};
use crate::domain::Enrollment;

/// A row as it stands.
#[derive(Debug, FromRow)]
pub(crate) struct Row {
    pub id: String,
    pub position: i64,
    pub campaign_id: String,
    pub partner_id: String,
    pub terms_version: Option<i32>,
    pub accepted_at: Option<i64>,
    pub status: String,
    pub reason: Option<String>,
    pub since: Option<i64>,
}

impl TryFrom<Row> for Enrollment {
    type Error = sqlx::Error;

    fn try_from(row: Row) -> Result<Self, sqlx::Error> {
        let reason = row.reason.as_deref();
        let reason = reason.map(|name| RefusalReason::parse(name).ok_or(()));
        let version = row.terms_version.map(TermsVersion::new).transpose();
        Ok(Self {
            id: column("id", EnrollmentId::parse(row.id))?,
            campaign: column("campaign_id", CampaignId::parse(row.campaign_id))?,
            partner: column("partner_id", PartnerId::parse(row.partner_id))?,
            terms_version: column("terms_version", version)?,
            accepted_at: row.accepted_at.map(Micros),
            status: column("status", EnrollmentStatus::parse(&row.status).ok_or(()))?,
            reason: column("reason", reason.transpose())?,
            since: row.since.map(Micros),
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
        terms_version: int = |e| e.terms_version.map(TermsVersion::get),
        accepted_at: bigint = |e| e.accepted_at.map(Micros::get),
        status: text = |e| e.status.name(),
        reason: text = |e| e.reason.map(RefusalReason::name),
        since: bigint = |e| e.since.map(Micros::get),
    } on (id) set (terms_version, accepted_at, status, reason, since))
    .await
}

/// What a list of enrollments is narrowed to.
#[derive(Debug, Default)]
pub(crate) struct Narrowed<'a> {
    pub campaign: Option<&'a CampaignId>,
    pub partner: Option<&'a PartnerId>,
    pub status: Option<EnrollmentStatus>,
}

/// A page of the enrollments that this caller may see, newest first: a partner its own, a brand those in its campaigns.
pub(crate) async fn list(
    executor: impl PgExecutor<'_>,
    scope: Scope<'_>,
    page: PageQuery,
    to: &Narrowed<'_>,
) -> Result<Vec<Row>, sqlx::Error> {
    let mut sql = QueryBuilder::new(
        "SELECT e.* FROM enrollments e JOIN campaigns c ON c.id = e.campaign_id WHERE e.position < ",
    );
    sql.push_bind(page.below());
    push_seen_by(&mut sql, scope, "e.partner_id", "c.brand_id");
    if let Some(campaign) = to.campaign {
        sql.push(" AND e.campaign_id = ")
            .push_bind(campaign.as_str());
    }
    if let Some(partner) = to.partner {
        sql.push(" AND e.partner_id = ").push_bind(partner.as_str());
    }
    if let Some(status) = to.status {
        sql.push(" AND e.status = ").push_bind(status.name());
    }
    sql.push(" ORDER BY e.position DESC LIMIT ")
        .push_bind(page.rows());
    sql.build_query_as().fetch_all(executor).await
}
