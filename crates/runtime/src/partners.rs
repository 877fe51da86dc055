//! Partners as they are seen, at the bff and at campaign: both have the tables `partners`, `bans`, `groups`, `memberships`, `campaigns` and
//! `enrollments`.

use api::PartnerFilter;
use chassis::auth::Scope;
use chassis::page::PageQuery;
use sealing::personal::PersonalKeys;
use sealing::texts;
use sqlx::{FromRow, PgPool, Postgres, QueryBuilder};
use types::{BrandId, GroupId, PartnerId, PartnerStatus};

use crate::{column, lists};

/// A partner. Its texts are as they were sealed to us.
#[derive(Debug, Clone, PartialEq, Eq, FromRow)]
#[allow(missing_docs, reason = "the table's columns")]
pub struct PartnerRow {
    pub id: String,
    pub position: i64,
    pub sealed_name: Option<Vec<u8>>,
    pub country: Option<String>,
    pub currency: Option<String>,
    pub sealed_website: Option<Vec<u8>>,
    pub seen_at: i64,
    pub changed_at: Option<i64>,
}

impl PartnerRow {
    /// What people call it, as far as that can be read.
    pub fn name(&self, keys: &PersonalKeys) -> Option<String> {
        self.text(keys, texts::of_partners_name, self.sealed_name.as_deref())
    }

    /// Where it is found, as far as that can be read.
    pub fn website(&self, keys: &PersonalKeys) -> Option<String> {
        self.text(
            keys,
            texts::of_partners_website,
            self.sealed_website.as_deref(),
        )
    }

    fn text(
        &self,
        keys: &PersonalKeys,
        of: fn(&PartnerId) -> String,
        sealed: Option<&[u8]>,
    ) -> Option<String> {
        let id = PartnerId::parse(self.id.as_str()).ok()?;
        keys.open(&of(&id), sealed?)
    }
}

/// A partner, and whether it may be in campaigns of who asks.
#[derive(Debug, FromRow)]
pub struct SeenPartner {
    /// The partner.
    #[sqlx(flatten)]
    pub partner: PartnerRow,
    banned: bool,
    group_id: Option<String>,
}

impl SeenPartner {
    /// Which texts of it are sealed.
    pub fn sealed(&self) -> [Option<&[u8]>; 2] {
        let partner = &self.partner;
        [
            partner.sealed_name.as_deref(),
            partner.sealed_website.as_deref(),
        ]
    }

    /// Whether an operator, or the brand that asks, has banned it.
    pub fn status(&self) -> PartnerStatus {
        if self.banned {
            PartnerStatus::Banned
        } else {
            PartnerStatus::Active
        }
    }

    /// In which group of the brand that asks, this one, it is: in the default one where it was put into no other.
    pub fn group(&self, brand: &BrandId) -> String {
        let default = || GroupId::default_of(brand).into_string();
        self.group_id.clone().unwrap_or_else(default)
    }
}

/// The enrollments in campaigns of a brand, which stands behind it, of those who have seen its terms: an invitation needs nobody's consent.
const OF_BRAND: &str = " FROM enrollments e JOIN campaigns c ON c.id = e.campaign_id WHERE e.terms_version IS NOT NULL AND c.brand_id = ";

/// Names the brand where an operator names a group alone: a group is one brand's.
///
/// # Errors
///
/// The database's.
pub async fn name_brand(
    pool: &PgPool,
    scope: Scope<'_>,
    filter: &mut PartnerFilter,
) -> Result<(), sqlx::Error> {
    let Some(group) = &filter.group_id else {
        return Ok(());
    };
    if !scope.all || filter.brand_id.is_some() {
        return Ok(());
    }
    let brand: Option<String> = sqlx::query_scalar("SELECT brand_id FROM groups WHERE id = $1")
        .bind(group.as_str())
        .fetch_optional(pool)
        .await?;
    filter.brand_id = column("brand_id", brand.map(BrandId::parse).transpose())?;
    Ok(())
}

/// A page, newest first: a partner itself, for a brand those that are or were in its campaigns, for operators everybody.
///
/// # Errors
///
/// The database's.
pub async fn list(
    pool: &PgPool,
    scope: Scope<'_>,
    filter: &PartnerFilter,
    page: PageQuery,
) -> Result<Vec<SeenPartner>, sqlx::Error> {
    let brand = filter.brand_id.as_ref().or(scope.brand);
    let of_one = brand.filter(|_| filter.brand_id.is_some() || !scope.all);
    let few = few_partners(pool, of_one).await?;
    let mut sql = QueryBuilder::new("");
    push_list(&mut sql, scope, filter, page, few);
    // How many a group has differs: a plan for all groups would not know.
    let page = sql.build_query_as().persistent(filter.group_id.is_none());
    page.fetch_all(pool).await
}

/// Pushes such a page; of a brand whose partners are few these are all.
pub fn push_list(
    sql: &mut QueryBuilder<Postgres>,
    scope: Scope<'_>,
    filter: &PartnerFilter,
    page: PageQuery,
    few: Option<Vec<String>>,
) {
    let brand = filter.brand_id.as_ref().or(scope.brand);
    push_seen_as(sql, brand);
    sql.push(" WHERE p.position < ").push_bind(page.below());
    if let Some(mut few) = few {
        few.extend(scope.partner.map(PartnerId::to_string));
        sql.push(" AND p.id = ANY(").push_bind(few).push(")");
    }
    push_seen(sql, scope);
    if let Some(brand) = &filter.brand_id {
        sql.push(" AND ");
        push_works_for(sql, Some(brand));
    }
    if let Some(group) = &filter.group_id {
        if brand.is_some_and(|brand| GroupId::default_of(brand) == *group) {
            sql.push(" AND coalesce(g.group_id = ");
            sql.push_bind(group.as_str()).push(", true)");
        } else {
            // Those that are in none are not in it: an index by group has all of its members.
            sql.push(" AND g.group_id = ").push_bind(group.as_str());
        }
    }
    if let Some(country) = filter.country {
        sql.push(" AND p.country = ").push_bind(country.code());
    }
    if let Some(status) = filter.status {
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
///
/// # Errors
///
/// The database's.
pub async fn find(
    pool: &PgPool,
    scope: Scope<'_>,
    id: &PartnerId,
) -> Result<Option<SeenPartner>, sqlx::Error> {
    let mut sql = QueryBuilder::new("");
    push_seen_as(&mut sql, scope.brand);
    sql.push(" WHERE p.id = ").push_bind(id.as_str());
    push_seen(&mut sql, scope);
    sql.build_query_as().fetch_optional(pool).await
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
    let own = scope.partner.map(PartnerId::to_string);
    if scope.brand.is_none() {
        // With an OR behind it the key would not be used.
        sql.push(" AND p.id = ").push_bind(own);
        return;
    }
    sql.push(" AND (p.id = ").push_bind(own);
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

/// So many are looked up one by one.
const FEW: usize = 2_000;
/// So many rows are looked at, and then so many more, where they are of few.
const LOOKED_AT: [i64; 2] = [2_000, 20_000];

/// Who is or was in a campaign of this brand, where these are few: each is looked up then. Of many, enough are soon found among all.
///
/// # Errors
///
/// The database's.
pub async fn few_partners(
    pool: &PgPool,
    brand: Option<&BrandId>,
) -> Result<Option<Vec<String>>, sqlx::Error> {
    let Some(brand) = brand else {
        return Ok(None);
    };
    for most in LOOKED_AT {
        // Campaign by campaign: the LIMIT keeps the server from walking through all, and more than few in one are enough.
        let mut sql = QueryBuilder::<Postgres>::new(
            "SELECT partner_id, count(*) FROM (SELECT e.partner_id FROM campaigns c CROSS JOIN LATERAL \
             (SELECT partner_id FROM enrollments WHERE campaign_id = c.id AND terms_version IS NOT NULL LIMIT ",
        );
        sql.push(FEW + 1).push(") e WHERE c.brand_id = ");
        sql.push_bind(brand.as_str())
            .push(" LIMIT ")
            .push_bind(most + 1);
        sql.push(") f GROUP BY partner_id");
        let found: Vec<(String, i64)> = sql.build_query_as().fetch_all(pool).await?;
        if found.len() > FEW {
            return Ok(None);
        }
        if found.iter().map(|(_, times)| times).sum::<i64>() <= most {
            return Ok(Some(found.into_iter().map(|(id, _)| id).collect()));
        }
    }
    Ok(None)
}
