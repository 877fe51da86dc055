//! `partners`: a read model of `campaign-events`.

use chassis::auth::Scope;
use chassis::page::PageQuery;
use messaging::WriteTx;
use sqlx::{FromRow, PgPool, Postgres, QueryBuilder};
use types::{BrandId, Country, PartnerId, PartnerStatus};

use super::Table;

/// A partner. Its texts are as they were sealed to us.
#[derive(Debug, Clone, PartialEq, Eq, FromRow)]
pub(crate) struct PartnerRow {
    pub(crate) id: String,
    pub(crate) position: i64,
    pub(crate) sealed_name: Option<Vec<u8>>,
    pub(crate) country: Option<String>,
    pub(crate) currency: Option<String>,
    pub(crate) sealed_website: Option<Vec<u8>>,
    pub(crate) seen_at: i64,
    pub(crate) changed_at: Option<i64>,
}

impl Table for PartnerRow {
    const NAME: &'static str = "partners";

    fn id(&self) -> &str {
        &self.id
    }

    fn position(&self) -> i64 {
        self.position
    }

    async fn upsert(tx: &mut WriteTx, rows: &[Self]) -> Result<(), sqlx::Error> {
        messaging::insert_rows!(tx.connection(), rows => "partners" numbered by "read_head" {
            id: text = |r| r.id.as_str(),
            sealed_name: bytea = |r| r.sealed_name.as_deref(),
            country: text = |r| r.country.as_deref(),
            currency: text = |r| r.currency.as_deref(),
            sealed_website: bytea = |r| r.sealed_website.as_deref(),
            seen_at: bigint = |r| r.seen_at,
            changed_at: bigint = |r| r.changed_at,
        } on (id) set (sealed_name, country, currency, sealed_website, changed_at))
        .await
    }
}

/// A partner, and whether it may be in campaigns of who asks.
#[derive(Debug, FromRow)]
pub(crate) struct SeenPartner {
    #[sqlx(flatten)]
    pub(crate) partner: PartnerRow,
    pub(crate) banned: bool,
}

/// What a list of partners is narrowed to.
#[derive(Debug, Default)]
pub(crate) struct Narrowed {
    pub(crate) country: Option<Country>,
    pub(crate) status: Option<PartnerStatus>,
}

/// A partner itself, those that are or were in a brand's campaigns, or everybody, newest first.
pub(crate) async fn list(
    pool: &PgPool,
    scope: Scope<'_>,
    to: &Narrowed,
    page: PageQuery,
) -> Result<Vec<SeenPartner>, sqlx::Error> {
    let mut sql = with_status(scope);
    sql.push(" WHERE p.position < ").push_bind(page.below());
    push_seen(&mut sql, scope);
    if let Some(country) = to.country {
        sql.push(" AND p.country = ").push_bind(country.code());
    }
    if let Some(status) = to.status {
        sql.push(" AND s.banned = ")
            .push_bind(status == PartnerStatus::Banned);
    }
    sql.push(" ORDER BY p.position DESC LIMIT ")
        .push_bind(page.rows());
    sql.build_query_as().fetch_all(pool).await
}

/// One of them, when this caller may see it.
pub(crate) async fn find(
    pool: &PgPool,
    scope: Scope<'_>,
    id: &PartnerId,
) -> Result<Option<SeenPartner>, sqlx::Error> {
    let mut sql = with_status(scope);
    sql.push(" WHERE p.id = ").push_bind(id.as_str());
    push_seen(&mut sql, scope);
    sql.build_query_as().fetch_optional(pool).await
}

/// Banned is who is so by an operator, or by the brand that asks.
fn with_status(scope: Scope<'_>) -> QueryBuilder<Postgres> {
    let mut sql = QueryBuilder::new(
        "SELECT p.*, s.banned FROM partners p, LATERAL (SELECT EXISTS (SELECT FROM bans b WHERE b.partner_id = p.id
            AND b.status = 'banned' AND (b.brand_id IS NULL OR b.brand_id = ",
    );
    sql.push_bind(scope.brand.map(BrandId::as_str).map(str::to_owned));
    sql.push(")) AS banned) s");
    sql
}

fn push_seen(sql: &mut QueryBuilder<Postgres>, scope: Scope<'_>) {
    if scope.all {
        return;
    }
    sql.push(" AND (p.id = ")
        .push_bind(scope.partner.map(PartnerId::as_str).map(str::to_owned));
    sql.push(
        " OR EXISTS (SELECT FROM enrollments e JOIN campaigns c ON c.id = e.campaign_id WHERE e.partner_id = p.id AND c.brand_id = ",
    );
    sql.push_bind(scope.brand.map(BrandId::as_str).map(str::to_owned));
    sql.push("))");
}
