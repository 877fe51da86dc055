//! `partners`: a read model of `campaign-events`.

use chassis::auth::Scope;
use chassis::page::PageQuery;
use messaging::WriteTx;
use runtime::{few_partners, lists};
use sqlx::{FromRow, PgPool, Postgres, QueryBuilder};
use types::{BrandId, Country, GroupId, PartnerId, PartnerStatus};

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
    super::row_of!("partners");

    async fn upsert(tx: &mut WriteTx, rows: &[Self]) -> Result<(), sqlx::Error> {
        messaging::insert_rows!(tx.connection(), rows => "partners" numbered by "read_head" {
            id: text = |r| r.id.as_str(),
            sealed_name: bytea = |r| r.sealed_name.as_deref(),
            country: text = |r| r.country.as_deref(),
            currency: text = |r| r.currency.as_deref(),
            sealed_website: bytea = |r| r.sealed_website.as_deref(),
            seen_at: bigint = |r| r.seen_at,
            changed_at: bigint = |r| r.changed_at,
        } on (id) set (sealed_name, country, currency, sealed_website, seen_at, changed_at))
        .await
    }
}

/// A partner, and whether it may be in campaigns of who asks.
#[derive(Debug, FromRow)]
pub(crate) struct SeenPartner {
    #[sqlx(flatten)]
    pub(crate) partner: PartnerRow,
    pub(crate) banned: bool,
    /// In which group of the brand that asks, where that is not the default one.
    pub(crate) group_id: Option<String>,
}

/// The enrollments in campaigns of a brand, which stands behind it, of those who have seen its terms: an invitation needs nobody's consent.
const OF_BRAND: &str = " FROM enrollments e JOIN campaigns c ON c.id = e.campaign_id WHERE e.terms_version IS NOT NULL AND c.brand_id = ";

/// What a list of partners is narrowed to.
#[derive(Debug, Default)]
pub(crate) struct Narrowed<'a> {
    /// As this brand sees them: those in its campaigns, in its groups.
    pub(crate) brand: Option<&'a BrandId>,
    pub(crate) group: Option<&'a GroupId>,
    pub(crate) country: Option<Country>,
    pub(crate) status: Option<PartnerStatus>,
}

/// A partner itself, those that are or were in a brand's campaigns, or everybody, newest first.
pub(crate) async fn list(
    pool: &PgPool,
    scope: Scope<'_>,
    to: &Narrowed<'_>,
    page: PageQuery,
) -> Result<Vec<SeenPartner>, sqlx::Error> {
    let brand = to.brand.or(scope.brand);
    let mut sql = seen_as(brand);
    sql.push(" WHERE p.position < ").push_bind(page.below());
    let of_one = brand.filter(|_| to.brand.is_some() || !scope.all);
    if let Some(mut few) = few_partners(pool, of_one).await? {
        few.extend(scope.partner.map(PartnerId::to_string));
        sql.push(" AND p.id = ANY(").push_bind(few).push(")");
    }
    push_seen(&mut sql, scope);
    if let Some(brand) = to.brand {
        sql.push(" AND ");
        push_works_for(&mut sql, Some(brand));
    }
    if let Some(group) = to.group {
        let default = brand.map(GroupId::default_of);
        sql.push(" AND coalesce(g.group_id, ")
            .push_bind(default.map(GroupId::into_string));
        sql.push(") = ").push_bind(group.as_str());
    }
    if let Some(country) = to.country {
        sql.push(" AND p.country = ").push_bind(country.code());
    }
    if let Some(status) = to.status {
        let is_banned = status == PartnerStatus::Banned;
        sql.push(" AND s.banned = ").push_bind(is_banned);
        if is_banned {
            // They are few, and by all partners it would be a long way to them.
            sql.push(" AND p.id IN (SELECT partner_id FROM bans WHERE status = 'banned')");
        }
    }
    lists::push_end(&mut sql, "p.position", page);
    sql.build_query_as().fetch_all(pool).await
}

/// One of them, when this caller may see it.
pub(crate) async fn find(
    pool: &PgPool,
    scope: Scope<'_>,
    id: &PartnerId,
) -> Result<Option<SeenPartner>, sqlx::Error> {
    let mut sql = seen_as(scope.brand);
    sql.push(" WHERE p.id = ").push_bind(id.as_str());
    push_seen(&mut sql, scope);
    sql.build_query_as().fetch_optional(pool).await
}

/// With what this brand holds of each. Banned is who is so by an operator, or by that brand; who is in an archived group of it is in
/// the default one.
fn seen_as(brand: Option<&BrandId>) -> QueryBuilder<Postgres> {
    let brand = brand.map(BrandId::to_string);
    let mut sql = QueryBuilder::new(
        "SELECT p.*, s.banned, g.group_id FROM partners p
          CROSS JOIN LATERAL (SELECT EXISTS (SELECT FROM bans b WHERE b.partner_id = p.id
             AND b.status = 'banned' AND (b.brand_id IS NULL OR b.brand_id = ",
    );
    sql.push_bind(brand.clone());
    sql.push(
        ")) AS banned) s
           LEFT JOIN LATERAL (SELECT m.group_id FROM memberships m JOIN groups a ON a.id = m.group_id AND a.status = 'active'
             WHERE m.partner_id = p.id AND m.brand_id = ",
    );
    sql.push_bind(brand).push(") g ON true");
    sql
}

fn push_seen(sql: &mut QueryBuilder<Postgres>, scope: Scope<'_>) {
    if scope.all {
        return;
    }
    sql.push(" AND (p.id = ")
        .push_bind(scope.partner.map(PartnerId::to_string));
    sql.push(" OR ");
    push_works_for(sql, scope.brand);
    sql.push(")");
}

/// Who is or was in a campaign of this brand, or waits for it.
fn push_works_for(sql: &mut QueryBuilder<Postgres>, brand: Option<&BrandId>) {
    sql.push("EXISTS (SELECT").push(OF_BRAND);
    sql.push_bind(brand.map(BrandId::to_string))
        .push(" AND e.partner_id = p.id)");
}

#[cfg(test)]
mod tests {
    use runtime::testing::TestService;

    use super::*;

    #[tokio::test]
    async fn a_brand_with_few_partners_in_very_many_campaigns_has_few() {
        let service = TestService::start(crate::define).await;
        sqlx::raw_sql(
            "INSERT INTO campaigns (id, position, brand_id, name, currency, allowed_hosts, join_mode, status, created_at)
             SELECT 'c' || n, n, 'brand1', 'c', 'USD', '[]', 'open', 'active', n FROM generate_series(0, 999) n;
             INSERT INTO enrollments (id, position, status, campaign_id, partner_id, terms_version, since)
             SELECT 'e' || n, n, 'enrolled', 'c' || n / 3, 'p' || n % 3, 1, n FROM generate_series(0, 2999) n",
        )
        .execute(service.pool())
        .await
        .unwrap();
        let brand = BrandId::parse("brand1").unwrap();
        let few = few_partners(service.pool(), Some(&brand)).await.unwrap();
        assert_eq!(few.as_ref().map(Vec::len), Some(3));
        service.stop().await;
    }
}
