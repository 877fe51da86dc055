//! `enrollments`: who is in which campaign, on which version of its terms.

use chassis::auth::Scope;
use chassis::page::PageQuery;
use runtime::{column, lists};
use sqlx::{FromRow, PgConnection, PgPool, Postgres, QueryBuilder};
use types::{
    BrandId, CampaignId, EnrollmentId, EnrollmentStatus, Micros, PartnerId, RefusalReason,
    TermsVersion,
};

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
    let sql = "SELECT * FROM enrollments WHERE id = ANY($1)";
    runtime::load::<Row, _>(connection, sql, ids).await
}

/// Writes enrollments as they stand now.
pub(crate) async fn save(
    connection: &mut PgConnection,
    enrollments: &[&Enrollment],
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
    pool: &PgPool,
    scope: Scope<'_>,
    page: PageQuery,
    to: &Narrowed<'_>,
) -> Result<Vec<Row>, sqlx::Error> {
    let mut sql = QueryBuilder::new("");
    push_list(&mut sql, scope, page, to);
    sql.build_query_as().fetch_all(pool).await
}

fn push_list(sql: &mut QueryBuilder<Postgres>, scope: Scope<'_>, page: PageQuery, to: &Narrowed) {
    if scope.all {
        push_page(sql, page, to, |_| {});
        return;
    }
    sql.push("SELECT * FROM (");
    if let Some(brand) = scope.brand {
        push_of_brand(sql, brand, page, to);
    }
    if scope.brand.is_some() && scope.partner.is_some() {
        sql.push(" UNION ");
    }
    if let Some(partner) = scope.partner {
        sql.push("(");
        push_page(sql, page, to, |sql| {
            sql.push(" AND partner_id = ").push_bind(partner.as_str());
        });
        sql.push(")");
    }
    sql.push(") seen");
    lists::push_end(sql, "position", page);
}

/// The newest of each of its campaigns, found by an index: that costs what the brand has of campaigns, however many enrollments it, or
/// anybody else, has.
fn push_of_brand(
    sql: &mut QueryBuilder<Postgres>,
    brand: &BrandId,
    page: PageQuery,
    to: &Narrowed<'_>,
) {
    sql.push("SELECT e.* FROM (SELECT id FROM campaigns WHERE brand_id = ")
        .push_bind(brand.as_str());
    if let Some(campaign) = to.campaign {
        sql.push(" AND id = ").push_bind(campaign.as_str());
    }
    sql.push(") c CROSS JOIN LATERAL (");
    push_page(sql, page, to, |sql| {
        sql.push(" AND campaign_id = c.id");
    });
    sql.push(") e");
}

/// A page of those that this, too, narrows it to.
fn push_page(
    sql: &mut QueryBuilder<Postgres>,
    page: PageQuery,
    to: &Narrowed<'_>,
    also: impl FnOnce(&mut QueryBuilder<Postgres>),
) {
    let narrowing = [
        ("campaign_id", to.campaign.map(CampaignId::as_str)),
        ("partner_id", to.partner.map(PartnerId::as_str)),
        ("status", to.status.map(EnrollmentStatus::name)),
    ];
    let all = ("SELECT * FROM enrollments", "position");
    lists::push_page(sql, all, page, also, &narrowing);
}

#[cfg(test)]
mod tests {
    use types::PartnerId;

    use super::*;
    use crate::store::tests::{PAGE, explained, with_many_rows};

    #[tokio::test]
    async fn the_newest_enrollments_are_read_in_the_order_of_an_index() {
        let service = with_many_rows().await;
        let (brand, partner) = (
            BrandId::parse("b0").unwrap(),
            PartnerId::parse("p0").unwrap(),
        );
        let of = |all, brand, partner| Scope {
            all,
            partner,
            brand,
        };
        let (position, campaign, of_partner) = (
            "Backward using enrollments_by_position",
            "Backward using enrollments_of_campaign",
            "enrollments_of_partner",
        );
        for (scope, found) in [
            (of(true, None, None), &[position][..]),
            (of(false, Some(&brand), None), &[campaign]),
            (of(false, None, Some(&partner)), &[of_partner]),
            (
                of(false, Some(&brand), Some(&partner)),
                &[campaign, of_partner],
            ),
        ] {
            let mut sql = QueryBuilder::new("EXPLAIN ");
            push_list(&mut sql, scope, PAGE, &Narrowed::default());
            let plan = explained(&service, sql).await;
            assert!(found.iter().all(|it| plan.contains(it)), "{plan}");
            assert!(!plan.contains("Seq Scan on enrollments"), "{plan}");
        }
        service.stop().await;
    }
}
