//! `evidence`: what partners have shown; never changed.

use chassis::auth::Scope;
use chassis::page::PageQuery;
use sqlx::{FromRow, PgConnection, PgExecutor, QueryBuilder};
use types::{CampaignId, PartnerId};

use super::push_seen_by;
use crate::domain::Evidence;

/// A piece of evidence with its file, as it stands. The address is gone when it was erased.
#[derive(Debug, FromRow)]
pub(crate) struct Row {
    pub id: String,
    pub position: i64,
    pub campaign_id: String,
    pub partner_id: String,
    pub evidence_type: String,
    pub url_hash: String,
    pub submitted_at: i64,
    pub file_url: Option<String>,
    pub metadata: Option<String>,
}

/// Which of these ids there are.
pub(crate) async fn existing(
    connection: &mut PgConnection,
    ids: &[String],
) -> Result<Vec<String>, sqlx::Error> {
    if ids.is_empty() {
        return Ok(Vec::new());
    }
    sqlx::query_scalar("SELECT id FROM evidence WHERE id = ANY($1)")
        .bind(ids)
        .fetch_all(connection)
        .await
}

/// Writes new evidence.
pub(crate) async fn insert(
    connection: &mut PgConnection,
    evidence: &[Evidence],
) -> Result<(), sqlx::Error> {
    messaging::insert_rows!(connection, evidence => "evidence" {
        id: text = |e| e.shown.subject.to_string(),
        position: bigint = |e| e.submitted.position,
        campaign_id: text = |e| e.shown.key.to_string(),
        brand_id: text = |e| e.brand.to_string(),
        partner_id: text = |e| e.shown.partner_id.to_string(),
        evidence_type: text = |e| e.shown.evidence_type.clone(),
        url_hash: text = |e| e.shown.url_hash.clone(),
        submitted_at: bigint = |e| e.submitted.time.get(),
    })
    .await
}

/// What a list of evidence is narrowed to.
#[derive(Debug, Default)]
pub(crate) struct Narrowed<'a> {
    pub campaign: Option<&'a CampaignId>,
    pub partner: Option<&'a PartnerId>,
    pub evidence_type: Option<&'a str>,
}

/// A page of the evidence that this caller may see, newest first: a partner its own, a brand what its campaigns got. Each
/// combination of conditions is a statement of its own, so that it finds its index.
pub(crate) async fn list(
    executor: impl PgExecutor<'_>,
    scope: Scope<'_>,
    page: PageQuery,
    to: &Narrowed<'_>,
) -> Result<Vec<Row>, sqlx::Error> {
    let mut sql = QueryBuilder::new(
        "SELECT e.*, f.file_url, f.metadata
           FROM evidence e LEFT JOIN evidence_files f ON f.evidence_id = e.id
          WHERE e.position < ",
    );
    sql.push_bind(page.below());
    push_seen_by(&mut sql, scope, "e.partner_id", "e.brand_id");
    if let Some(campaign) = to.campaign {
        sql.push(" AND e.campaign_id = ")
            .push_bind(campaign.as_str());
    }
    if let Some(partner) = to.partner {
        sql.push(" AND e.partner_id = ").push_bind(partner.as_str());
    }
    if let Some(evidence_type) = to.evidence_type {
        sql.push(" AND e.evidence_type = ").push_bind(evidence_type);
    }
    sql.push(" ORDER BY e.position DESC LIMIT ")
        .push_bind(page.rows());
    sql.build_query_as().fetch_all(executor).await
}
