//! `evidence`: what partners have shown, and what brands say of it.

use std::collections::BTreeSet;

use chassis::auth::Scope;
use chassis::page::PageQuery;
use runtime::{column, lists};
use schemas::{About, EvidenceSubmittedV1};
use sqlx::{FromRow, PgConnection, PgExecutor, Postgres, QueryBuilder};
use types::{BrandId, CampaignId, EvidenceId, EvidenceReason, EvidenceStatus, Micros, PartnerId};

use crate::domain::{Evidence, FileHash};

/// A piece of evidence with its file, as it stands. The address is gone when it was erased.
#[derive(Debug, FromRow)]
pub(crate) struct Row {
    #[sqlx(flatten)]
    pub evidence: Stored,
    pub file_url: Option<String>,
    pub metadata: Option<String>,
    pub sealed_metadata: Option<Vec<u8>>,
    /// When its partner was erased last.
    pub erased_at: Option<i64>,
}

/// A row as it stands.
#[derive(Debug, FromRow)]
pub(crate) struct Stored {
    pub id: String,
    pub position: i64,
    pub campaign_id: String,
    pub brand_id: String,
    pub partner_id: String,
    pub evidence_type: String,
    pub url_hash: String,
    pub content_hash: Option<String>,
    pub replaces: Option<String>,
    pub duplicate_of: Option<String>,
    pub sealed_url: Option<Vec<u8>>,
    pub status: String,
    pub reason: Option<String>,
    pub submitted_at: i64,
    pub decided_at: Option<i64>,
}

impl TryFrom<Stored> for Evidence {
    type Error = sqlx::Error;

    fn try_from(row: Stored) -> Result<Self, sqlx::Error> {
        let other = |name, id: Option<String>| column(name, id.map(EvidenceId::parse).transpose());
        let reason = row.reason.as_deref();
        let reason = reason.map(|name| EvidenceReason::parse(name).ok_or(()));
        Ok(Self {
            shown: About {
                key: column("campaign_id", CampaignId::parse(row.campaign_id))?,
                subject: column("id", EvidenceId::parse(row.id))?,
                record: EvidenceSubmittedV1 {
                    partner_id: column("partner_id", PartnerId::parse(row.partner_id))?,
                    evidence_type: row.evidence_type,
                    url_hash: row.url_hash,
                    content_hash: row.content_hash,
                    replaces: other("replaces", row.replaces)?,
                    duplicate_of: other("duplicate_of", row.duplicate_of)?,
                    sealed_url: row.sealed_url,
                    // No decision looks at them: they are kept with the file.
                    sealed_metadata: None,
                },
            },
            brand: column("brand_id", BrandId::parse(row.brand_id))?,
            status: column("status", EvidenceStatus::parse(&row.status).ok_or(()))?,
            reason: column("reason", reason.transpose())?,
            submitted_at: Micros(row.submitted_at),
            decided_at: row.decided_at.map(Micros),
            position: row.position,
        })
    }
}

/// Those of these that there are.
pub(crate) async fn load(
    connection: &mut PgConnection,
    ids: &[String],
) -> Result<Vec<Evidence>, sqlx::Error> {
    let sql = "SELECT * FROM evidence WHERE id = ANY($1)";
    runtime::load::<Stored, _>(connection, sql, ids).await
}

/// A file, by campaign and one of its hashes, with the position and the id of evidence that has it.
type Found = (String, Option<String>, Option<String>, i64, String);

/// The first evidence of its campaign, with its position, for each of these files that somebody has shown; passing over the evidence of
/// these ids.
pub(crate) async fn first_of(
    connection: &mut PgConnection,
    files: &BTreeSet<(CampaignId, FileHash)>,
    but: &[String],
) -> Result<Vec<((CampaignId, FileHash), (i64, EvidenceId))>, sqlx::Error> {
    if files.is_empty() {
        return Ok(Vec::new());
    }
    let (mut campaigns, mut urls, mut contents) = (Vec::new(), Vec::new(), Vec::new());
    for (campaign, hash) in files {
        campaigns.push(campaign.as_str());
        let (url, content) = match hash {
            FileHash::Url(hash) => (Some(hash.as_str()), None),
            FileHash::Content(hash) => (None, Some(hash.as_str())),
        };
        urls.push(url);
        contents.push(content);
    }
    let found: Vec<Found> = sqlx::query_as(
        "SELECT f.campaign_id, f.url, f.content, first.position, first.id
           FROM unnest($1::text[], $2::text[], $3::text[]) AS f (campaign_id, url, content),
                LATERAL ((SELECT position, id FROM evidence e
                           WHERE e.campaign_id = f.campaign_id AND e.url_hash = f.url AND e.id <> ALL($4)
                           ORDER BY position LIMIT 1)
                         UNION ALL
                         (SELECT position, id FROM evidence e
                           WHERE e.campaign_id = f.campaign_id AND e.content_hash = f.content AND e.id <> ALL($4)
                           ORDER BY position LIMIT 1)) AS first",
    )
    .bind(campaigns)
    .bind(urls)
    .bind(contents)
    .bind(but)
    .fetch_all(connection)
    .await?;
    let read = |(campaign, url, content, position, id): Found| {
        let hash = url.map(FileHash::Url).or(content.map(FileHash::Content));
        let hash = column("url_hash", hash.ok_or(()))?;
        let campaign = column("campaign_id", CampaignId::parse(campaign))?;
        let first = (position, column("id", EvidenceId::parse(id))?);
        Ok(((campaign, hash), first))
    };
    found.into_iter().map(read).collect()
}

/// Writes evidence as it stands now.
pub(crate) async fn save(
    connection: &mut PgConnection,
    evidence: &[&Evidence],
) -> Result<(), sqlx::Error> {
    let id = |id: &Option<EvidenceId>| id.as_ref().map(ToString::to_string);
    messaging::insert_rows!(connection, evidence => "evidence" {
        id: text = |e| e.shown.subject.to_string(),
        position: bigint = |e| e.position,
        campaign_id: text = |e| e.shown.key.to_string(),
        brand_id: text = |e| e.brand.to_string(),
        partner_id: text = |e| e.shown.partner_id.to_string(),
        evidence_type: text = |e| e.shown.evidence_type.clone(),
        url_hash: text = |e| e.shown.url_hash.clone(),
        content_hash: text = |e| e.shown.content_hash.clone(),
        replaces: text = |e| id(&e.shown.replaces),
        duplicate_of: text = |e| id(&e.shown.duplicate_of),
        sealed_url: bytea = |e| e.shown.sealed_url.clone(),
        status: text = |e| e.status.name(),
        reason: text = |e| e.reason.map(EvidenceReason::name),
        submitted_at: bigint = |e| e.submitted_at.get(),
        decided_at: bigint = |e| e.decided_at.map(Micros::get),
    } on (id) set (content_hash, replaces, duplicate_of, sealed_url, status, reason, submitted_at, decided_at))
    .await
}

/// What a list of evidence is narrowed to.
#[derive(Debug, Default)]
pub(crate) struct Narrowed<'a> {
    pub campaign: Option<&'a CampaignId>,
    pub partner: Option<&'a PartnerId>,
    pub evidence_type: Option<&'a str>,
    pub status: Option<EvidenceStatus>,
    pub duplicates: Option<bool>,
}

/// A page of the evidence that this caller may see, newest first: a partner its own, a brand what its campaigns got. Each
/// combination of conditions is a statement of its own, so that it finds its index.
pub(crate) async fn list(
    executor: impl PgExecutor<'_>,
    scope: Scope<'_>,
    page: PageQuery,
    to: &Narrowed<'_>,
) -> Result<Vec<Row>, sqlx::Error> {
    let narrowing = [
        ("e.campaign_id", to.campaign.map(CampaignId::as_str)),
        ("e.partner_id", to.partner.map(PartnerId::as_str)),
        ("e.evidence_type", to.evidence_type),
        ("e.status", to.status.map(EvidenceStatus::name)),
    ];
    let seen = |sql: &mut QueryBuilder<Postgres>| {
        seen_by(scope)(sql);
        match to.duplicates {
            Some(true) => sql.push(" AND e.duplicate_of IS NOT NULL"),
            Some(false) => sql.push(" AND e.duplicate_of IS NULL"),
            None => sql,
        };
    };
    let all = (WITH_ITS_FILE, "e.position");
    lists::list(executor, all, page, seen, &narrowing).await
}

/// One of them, when this caller may see it.
pub(crate) async fn find(
    executor: impl PgExecutor<'_>,
    scope: Scope<'_>,
    id: &EvidenceId,
) -> Result<Option<Row>, sqlx::Error> {
    let mut sql = QueryBuilder::new(WITH_ITS_FILE);
    sql.push(" WHERE e.id = ").push_bind(id.as_str());
    seen_by(scope)(&mut sql);
    sql.build_query_as().fetch_optional(executor).await
}

fn seen_by(scope: Scope<'_>) -> impl FnOnce(&mut QueryBuilder<Postgres>) {
    lists::seen_by(scope, "e.partner_id = ", ("e.brand_id = ", ""))
}

const WITH_ITS_FILE: &str = "SELECT e.*, f.file_url, f.metadata, f.sealed_metadata, p.erased_at
   FROM evidence e LEFT JOIN evidence_files f ON f.evidence_id = e.id LEFT JOIN erased_partners p ON p.partner_id = e.partner_id";
