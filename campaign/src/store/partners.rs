//! `partners`: partners themselves.

use chassis::auth::Scope;
use chassis::page::PageQuery;
use runtime::{column, few_partners, lists};
use sqlx::{FromRow, PgConnection, PgExecutor, PgPool, Postgres, QueryBuilder};
use types::{BrandId, Country, Currency, GroupId, Micros, PartnerId, PartnerStatus};

use crate::domain::{Partner, Place};

/// A row as it stands.
#[derive(Debug, FromRow)]
pub(crate) struct Stored {
    pub id: String,
    pub position: i64,
    pub sealed_name: Option<Vec<u8>>,
    pub country: Option<String>,
    pub currency: Option<String>,
    pub sealed_website: Option<Vec<u8>>,
    pub seen_at: i64,
    pub changed_at: Option<i64>,
}

/// Notes that nobody is to be shown any more what they have shown until now.
pub(crate) async fn note_erased(
    connection: &mut PgConnection,
    partners: &[&str],
    now: Micros,
) -> Result<(), sqlx::Error> {
    sqlx::query(
        "INSERT INTO erased_partners SELECT DISTINCT p, $2::bigint FROM unnest($1::text[]) AS p
         ON CONFLICT (partner_id) DO UPDATE SET erased_at = excluded.erased_at",
    )
    .bind(partners)
    .bind(now.get())
    .execute(connection)
    .await
    .map(|_| ())
}

/// A partner, and whether it may be in campaigns of who asks.
#[derive(Debug, FromRow)]
pub(crate) struct Row {
    #[sqlx(flatten)]
    pub partner: Stored,
    pub banned: bool,
    /// In which group of the brand that asks, where that is not the default one.
    pub group_id: Option<String>,
}

impl TryFrom<Stored> for Partner {
    type Error = sqlx::Error;

    fn try_from(row: Stored) -> Result<Self, sqlx::Error> {
        let country = row.country.as_deref().map(Country::parse);
        let currency = row.currency.as_deref().map(Currency::parse);
        Ok(Self {
            id: column("id", PartnerId::parse(row.id))?,
            sealed_name: row.sealed_name,
            country: column("country", country.transpose())?,
            currency: column("currency", currency.transpose())?,
            sealed_website: row.sealed_website,
            seen: Place {
                time: Micros(row.seen_at),
                position: row.position,
            },
            changed_at: row.changed_at.map(Micros),
        })
    }
}

/// Those of these that there are.
pub(crate) async fn load(
    connection: &mut PgConnection,
    ids: &[String],
) -> Result<Vec<Partner>, sqlx::Error> {
    let sql = "SELECT * FROM partners WHERE id = ANY($1)";
    runtime::load::<Stored, _>(connection, sql, ids).await
}

/// Writes partners as they stand now.
pub(crate) async fn save(
    connection: &mut PgConnection,
    partners: &[&Partner],
) -> Result<(), sqlx::Error> {
    messaging::insert_rows!(connection, partners => "partners" {
        id: text = |p| p.id.to_string(),
        position: bigint = |p| p.seen.position,
        sealed_name: bytea = |p| p.sealed_name.clone(),
        country: text = |p| p.country.map(Country::code),
        currency: text = |p| p.currency.map(Currency::code),
        sealed_website: bytea = |p| p.sealed_website.clone(),
        seen_at: bigint = |p| p.seen.time.get(),
        changed_at: bigint = |p| p.changed_at.map(Micros::get),
    } on (id) set (sealed_name, country, currency, sealed_website, changed_at))
    .await
}

/// The enrollments in campaigns of a brand, which stands behind it, of those who have seen its terms: an invitation needs nobody's consent.
const OF_BRAND: &str = " FROM enrollments e JOIN campaigns c ON c.id = e.campaign_id WHERE e.terms_version IS NOT NULL AND c.brand_id = ";

/// What a list of partners is narrowed to.
#[derive(Debug, Default)]
pub(crate) struct Narrowed<'a> {
    /// As this brand sees them: those in its campaigns, in its groups.
    pub brand: Option<&'a BrandId>,
    pub group: Option<&'a GroupId>,
    pub country: Option<Country>,
    pub status: Option<PartnerStatus>,
}

/// A page of the partners that this caller may see, newest first: a partner itself, a brand those that are or were in its
/// campaigns.
pub(crate) async fn list(
    pool: &PgPool,
    scope: Scope<'_>,
    page: PageQuery,
    to: &Narrowed<'_>,
) -> Result<Vec<Row>, sqlx::Error> {
    let brand = to.brand.or(scope.brand);
    let of_one = brand.filter(|_| to.brand.is_some() || !scope.all);
    let few = few_partners(pool, of_one).await?;
    let mut sql = QueryBuilder::new("");
    push_list(&mut sql, scope, page, to, few);
    sql.build_query_as().fetch_all(pool).await
}

fn push_list(
    sql: &mut QueryBuilder<Postgres>,
    scope: Scope<'_>,
    page: PageQuery,
    to: &Narrowed<'_>,
    few: Option<Vec<String>>,
) {
    let brand = to.brand.or(scope.brand);
    push_seen_as(sql, brand);
    sql.push(" WHERE p.position < ").push_bind(page.below());
    if let Some(mut few) = few {
        few.extend(scope.partner.map(PartnerId::to_string));
        sql.push(" AND p.id = ANY(").push_bind(few).push(")");
    }
    push_seen(sql, scope);
    if let Some(brand) = to.brand {
        sql.push(" AND ");
        push_works_for(sql, Some(brand));
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
    lists::push_end(sql, "p.position", page);
}

/// One of them, when this caller may see it.
pub(crate) async fn find(
    executor: impl PgExecutor<'_>,
    scope: Scope<'_>,
    id: &PartnerId,
) -> Result<Option<Row>, sqlx::Error> {
    let mut sql = QueryBuilder::new("");
    push_seen_as(&mut sql, scope.brand);
    sql.push(" WHERE p.id = ").push_bind(id.as_str());
    push_seen(&mut sql, scope);
    sql.build_query_as().fetch_optional(executor).await
}

/// With what this brand holds of each. Banned is who is so by an operator, or by that brand; who is in an archived group of it is in
/// the default one.
fn push_seen_as(sql: &mut QueryBuilder<Postgres>, brand: Option<&BrandId>) {
    let brand = brand.map(BrandId::to_string);
    sql.push(
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
    use super::*;
    use crate::store::tests::{PAGE, explained, with_many_rows};

    #[tokio::test]
    async fn the_few_partners_of_a_brand_are_looked_up_and_not_looked_for_among_all() {
        let service = with_many_rows().await;
        let brand = BrandId::parse("small").unwrap();
        let scope = Scope {
            all: false,
            partner: None,
            brand: Some(&brand),
        };
        let few = few_partners(service.pool(), Some(&brand)).await.unwrap();
        assert_eq!(few.as_ref().map(Vec::len), Some(3));
        let mut sql = QueryBuilder::new("EXPLAIN ");
        push_list(&mut sql, scope, PAGE, &Narrowed::default(), few);
        let plan = explained(&service, sql).await;
        assert!(
            plan.contains("partners_pkey") && !plan.contains("partners_by_position"),
            "{plan}"
        );
        assert!(!plan.contains("Seq Scan on partners"), "{plan}");
        sqlx::raw_sql(
            "INSERT INTO campaigns (id, position, brand_id, name, currency, allowed_hosts, status, created_at)
             SELECT 'wide' || n, 1000 + n, 'wide', 'c', 'USD', '{}', 'draft', n FROM generate_series(0, 999) n;
             INSERT INTO enrollments (id, position, campaign_id, partner_id, terms_version, accepted_at, status, since)
             SELECT 'wide' || n, 50000 + n, 'wide' || n / 3, 'p' || n % 3, 1, n, 'enrolled', n FROM generate_series(0, 2999) n",
        )
        .execute(service.pool())
        .await
        .unwrap();
        let wide = BrandId::parse("wide").unwrap();
        let few = few_partners(service.pool(), Some(&wide)).await.unwrap();
        assert_eq!(
            few.as_ref().map(Vec::len),
            Some(3),
            "in very many campaigns"
        );
        let many = BrandId::parse("b0").unwrap();
        assert_eq!(
            few_partners(service.pool(), Some(&many)).await.unwrap(),
            None
        );
        let seen = list(service.pool(), scope, PAGE, &Narrowed::default()).await;
        assert_eq!(seen.unwrap().len(), 3);
        service.stop().await;
    }
}
