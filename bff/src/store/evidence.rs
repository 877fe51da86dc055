//! `evidence`: a read model of `campaign-events`.

use chassis::auth::Scope;
use chassis::page::PageQuery;
use messaging::WriteTx;
use runtime::lists::in_state;
use sealing::personal::PersonalKeys;
use sealing::texts;
use sqlx::{FromRow, PgPool, Postgres, QueryBuilder};
use types::{EvidenceId, EvidenceStatus};

use super::of_campaigns::{self, Named, To};
use super::{ITS_CAMPAIGNS_BRAND, Table, seen_by};

/// A piece of evidence.
#[derive(Debug, Clone, PartialEq, Eq, FromRow)]
pub(crate) struct EvidenceRow {
    pub(crate) id: String,
    pub(crate) position: i64,
    pub(crate) campaign_id: String,
    pub(crate) partner_id: String,
    pub(crate) evidence_type: String,
    pub(crate) url_hash: String,
    pub(crate) submitted_at: i64,
    pub(crate) content_hash: Option<String>,
    pub(crate) replaces: Option<String>,
    pub(crate) duplicate_of: Option<String>,
    pub(crate) sealed_url: Option<Vec<u8>>,
    pub(crate) sealed_metadata: Option<Vec<u8>>,
    pub(crate) status: String,
    pub(crate) reason: Option<String>,
    pub(crate) decided_at: Option<i64>,
    /// When its partner was erased last, where lists look for it.
    #[sqlx(default)]
    pub(crate) erased_at: Option<i64>,
}

impl EvidenceRow {
    /// Where the file lies and what its partner noted beside, as they were sealed.
    pub(crate) fn sealed(&self) -> [Option<&[u8]>; 2] {
        [self.sealed_url.as_deref(), self.sealed_metadata.as_deref()]
    }

    /// The same, as far as they can be read. What an external producer showed is sealed under no key of its partner: after an erasure nobody
    /// reads it all the same.
    pub(crate) fn opened(&self, keys: &PersonalKeys) -> [Option<String>; 2] {
        let id = match EvidenceId::parse(self.id.as_str()) {
            Ok(id) if self.erased_at < Some(self.submitted_at) => id,
            _ => return [None, None],
        };
        let open = |of: String, sealed: Option<&[u8]>| keys.open(&of, sealed?);
        let [url, notes] = self.sealed();
        [
            open(texts::of_evidence(&id), url),
            open(texts::of_evidences_notes(&id), notes),
        ]
    }
}

impl Table for EvidenceRow {
    super::row_of!("evidence");
    const BESIDE: &'static str = ", (SELECT p.erased_at FROM erased_partners p WHERE p.partner_id = evidence.partner_id) AS erased_at";

    async fn upsert(tx: &mut WriteTx, rows: &[Self]) -> Result<(), sqlx::Error> {
        messaging::insert_rows!(tx.connection(), rows => "evidence" numbered by "read_head" {
            id: text = |r| r.id.as_str(),
            campaign_id: text = |r| r.campaign_id.as_str(),
            partner_id: text = |r| r.partner_id.as_str(),
            evidence_type: text = |r| r.evidence_type.as_str(),
            url_hash: text = |r| r.url_hash.as_str(),
            submitted_at: bigint = |r| r.submitted_at,
            content_hash: text = |r| r.content_hash.as_deref(),
            replaces: text = |r| r.replaces.as_deref(),
            duplicate_of: text = |r| r.duplicate_of.as_deref(),
            sealed_url: bytea = |r| r.sealed_url.as_deref(),
            sealed_metadata: bytea = |r| r.sealed_metadata.as_deref(),
            status: text = |r| r.status.as_str(),
            reason: text = |r| r.reason.as_deref(),
            decided_at: bigint = |r| r.decided_at,
        } on (id) set (submitted_at, content_hash, replaces, duplicate_of, sealed_url, sealed_metadata, status, reason, decided_at))
        .await
    }
}

/// A partner's own, those in a brand's campaigns, or everybody's, newest first.
pub(crate) async fn list(
    pool: &PgPool,
    scope: Scope<'_>,
    of: To<'_>,
    status: Option<EvidenceStatus>,
    duplicates: Option<bool>,
    page: PageQuery,
) -> Result<Vec<EvidenceRow>, sqlx::Error> {
    let also = |sql: &mut QueryBuilder<Postgres>| {
        in_state("status", status.map(EvidenceStatus::name))(sql);
        match duplicates {
            Some(true) => sql.push(" AND duplicate_of IS NOT NULL"),
            Some(false) => sql.push(" AND duplicate_of IS NULL"),
            None => sql,
        };
    };
    of_campaigns::list(pool, scope, of, page, Named::ByCampaign, also).await
}

/// One of them, when this caller may see it.
pub(crate) async fn find(
    pool: &PgPool,
    scope: Scope<'_>,
    id: &EvidenceId,
) -> Result<Option<EvidenceRow>, sqlx::Error> {
    EvidenceRow::find_seen(pool, id.as_str(), seen_by(scope, ITS_CAMPAIGNS_BRAND)).await
}
