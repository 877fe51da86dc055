//! `campaigns`: a read model of `campaign-events`.

use chassis::auth::Scope;
use chassis::page::PageQuery;
use messaging::WriteTx;
use runtime::campaigns::{TERMS_IN_FORCE, seen_by};
use sqlx::types::Json;
use sqlx::{FromRow, PgPool};
use types::{BrandId, CampaignId, CampaignStatus, JoinMode};

use super::Table;

/// A campaign as front ends see it. Times are microseconds.
#[derive(Debug, Clone, PartialEq, Eq, FromRow)]
pub(crate) struct CampaignRow {
    pub(crate) id: String,
    pub(crate) position: i64,
    pub(crate) brand_id: String,
    pub(crate) name: String,
    pub(crate) description: Option<String>,
    pub(crate) currency: String,
    pub(crate) allowed_hosts: Json<Vec<String>>,
    /// `None`: the first of its hosts.
    pub(crate) fallback_url: Option<String>,
    pub(crate) landing_url: Option<String>,
    pub(crate) starts_at: Option<i64>,
    pub(crate) ends_at: Option<i64>,
    /// In minor units of the currency.
    pub(crate) budget_minor: Option<i64>,
    pub(crate) budget_interval: Option<String>,
    pub(crate) join_mode: String,
    pub(crate) trusts_redirects: bool,
    pub(crate) status: String,
    pub(crate) pause_reason: Option<String>,
    /// The newest version; `None` before the first.
    pub(crate) terms_version: Option<i32>,
    /// That which who joins now accepts, where people see it.
    #[sqlx(default)]
    pub(crate) terms_in_force: Option<i32>,
    pub(crate) created_at: i64,
    pub(crate) activated_at: Option<i64>,
    pub(crate) closed_at: Option<i64>,
}

impl Table for CampaignRow {
    super::row_of!("campaigns");
    const BESIDE: &'static str = TERMS_IN_FORCE;

    async fn upsert(tx: &mut WriteTx, rows: &[Self]) -> Result<(), sqlx::Error> {
        messaging::insert_rows!(tx.connection(), rows => "campaigns" numbered by "read_head" {
            id: text = |r| r.id.as_str(),
            brand_id: text = |r| r.brand_id.as_str(),
            name: text = |r| r.name.as_str(),
            description: text = |r| r.description.as_deref(),
            currency: text = |r| r.currency.as_str(),
            allowed_hosts: jsonb = |r| &r.allowed_hosts,
            fallback_url: text = |r| r.fallback_url.as_deref(),
            landing_url: text = |r| r.landing_url.as_deref(),
            starts_at: bigint = |r| r.starts_at,
            ends_at: bigint = |r| r.ends_at,
            budget_minor: bigint = |r| r.budget_minor,
            budget_interval: text = |r| r.budget_interval.as_deref(),
            join_mode: text = |r| r.join_mode.as_str(),
            trusts_redirects: boolean = |r| r.trusts_redirects,
            status: text = |r| r.status.as_str(),
            pause_reason: text = |r| r.pause_reason.as_deref(),
            terms_version: int = |r| r.terms_version,
            created_at: bigint = |r| r.created_at,
            activated_at: bigint = |r| r.activated_at,
            closed_at: bigint = |r| r.closed_at,
        } on (id) set (brand_id, name, description, currency, allowed_hosts, fallback_url, landing_url, starts_at, ends_at, budget_minor,
                       budget_interval, join_mode, trusts_redirects, status, pause_reason, terms_version, created_at, activated_at, closed_at))
        .await
    }
}

/// Whose these campaigns are.
pub(crate) async fn brands(
    pool: &PgPool,
    ids: &[&str],
) -> Result<Vec<(String, String)>, sqlx::Error> {
    sqlx::query_as("SELECT id, brand_id FROM campaigns WHERE id = ANY($1)")
        .bind(ids)
        .fetch_all(pool)
        .await
}

/// A brand's own, a partner's all that are no drafts, or everybody's, newest first.
pub(crate) async fn list(
    pool: &PgPool,
    scope: Scope<'_>,
    brand: Option<&BrandId>,
    status: Option<CampaignStatus>,
    join: Option<JoinMode>,
    page: PageQuery,
) -> Result<Vec<CampaignRow>, sqlx::Error> {
    let narrowing = [
        ("brand_id", brand.map(BrandId::as_str)),
        ("status", status.map(CampaignStatus::name)),
        ("join_mode", join.map(JoinMode::name)),
    ];
    super::list(pool, page, seen_by(scope), &narrowing).await
}

/// One of them, when this caller may see it.
pub(crate) async fn find(
    pool: &PgPool,
    scope: Scope<'_>,
    id: &CampaignId,
) -> Result<Option<CampaignRow>, sqlx::Error> {
    CampaignRow::find_seen(pool, id.as_str(), seen_by(scope)).await
}
