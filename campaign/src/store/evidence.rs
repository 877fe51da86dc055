//! `evidence`: what partners have shown; never changed.

use chassis::auth::Scope;
use chassis::page::PageQuery;
use money::{BrandId, CampaignId, PartnerId};
use sqlx::{FromRow, PgConnection, PgExecutor};

use crate::domain::{Evidence, EvidenceType};

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
    if evidence.is_empty() {
        return Ok(());
    }
    let all = || evidence.iter();
    let text = |of: fn(&Evidence) -> String| all().map(of).collect::<Vec<_>>();
    sqlx::query(
        "INSERT INTO evidence (id, position, campaign_id, partner_id, evidence_type, url_hash, submitted_at)
         SELECT * FROM unnest($1::text[], $2::bigint[], $3::text[], $4::text[], $5::text[], $6::text[], $7::bigint[])",
    )
    .bind(text(|e| e.shown.evidence.to_string()))
    .bind(all().map(|e| e.submitted.position).collect::<Vec<_>>())
    .bind(text(|e| e.shown.campaign.to_string()))
    .bind(text(|e| e.shown.partner.to_string()))
    .bind(text(|e| e.shown.evidence_type.as_str().to_owned()))
    .bind(text(|e| e.shown.url_hash.as_str().to_owned()))
    .bind(all().map(|e| e.submitted.time.get()).collect::<Vec<_>>())
    .execute(connection)
    .await?;
    Ok(())
}

/// What a list of evidence is narrowed to.
#[derive(Debug, Default)]
pub(crate) struct Narrowed<'a> {
    pub campaign: Option<&'a CampaignId>,
    pub partner: Option<&'a PartnerId>,
    pub evidence_type: Option<&'a EvidenceType>,
}

/// A page of the evidence that this caller may see, newest first: a partner its own, a brand what its campaigns got.
pub(crate) async fn list(
    executor: impl PgExecutor<'_>,
    scope: Scope<'_>,
    page: PageQuery,
    to: &Narrowed<'_>,
) -> Result<Vec<Row>, sqlx::Error> {
    sqlx::query_as(
        "SELECT e.*, f.file_url, f.metadata
           FROM evidence e
           JOIN campaigns c ON c.id = e.campaign_id
           LEFT JOIN evidence_files f ON f.evidence_id = e.id
          WHERE e.position < $1 AND ($2 OR e.partner_id = $3 OR c.brand_id = $4)
            AND ($5::text IS NULL OR e.campaign_id = $5) AND ($6::text IS NULL OR e.partner_id = $6)
            AND ($7::text IS NULL OR e.evidence_type = $7)
          ORDER BY e.position DESC LIMIT $8",
    )
    .bind(page.below())
    .bind(scope.all)
    .bind(scope.partner.map(PartnerId::as_str))
    .bind(scope.brand.map(BrandId::as_str))
    .bind(to.campaign.map(CampaignId::as_str))
    .bind(to.partner.map(PartnerId::as_str))
    .bind(to.evidence_type.map(EvidenceType::as_str))
    .bind(page.rows())
    .fetch_all(executor)
    .await
}
