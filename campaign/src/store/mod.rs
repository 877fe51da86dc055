//! Campaign's tables: set-based SQL, one file per table.

pub(crate) mod acceptance_metadata;
pub(crate) mod api_keys;
pub(crate) mod bans;
pub(crate) mod brand_funds;
pub(crate) mod brands;
pub(crate) mod campaigns;
pub(crate) mod enrollments;
pub(crate) mod evidence;
pub(crate) mod evidence_files;
pub(crate) mod groups;
pub(crate) mod memberships;
pub(crate) mod partners;
pub(crate) mod plans;
pub(crate) mod terms;
pub(crate) mod terms_texts;

#[cfg(test)]
mod tests {
    use chassis::page::{Form, PageQuery};
    use runtime::testing::TestService;
    use sqlx::{Postgres, QueryBuilder};

    use crate::CampaignDomain;

    pub(super) const PAGE: PageQuery = PageQuery {
        limit: 50,
        cursor: None,
        form: Form::Json,
    };

    /// A service with 50,000 enrollments of 25,000 partners in 500 campaigns of 20 brands, and three in one of the brand `small`.
    pub(super) async fn with_many_rows() -> TestService {
        let service = TestService::start::<CampaignDomain>(crate::define).await;
        sqlx::raw_sql(
            "INSERT INTO campaigns (id, position, brand_id, name, currency, allowed_hosts, status, created_at)
             SELECT 'c' || n, n, CASE WHEN n = 500 THEN 'small' ELSE 'b' || n % 20 END, 'c', 'USD', '{}', 'draft', n
               FROM generate_series(0, 500) n;
             INSERT INTO partners (id, position, seen_at) SELECT 'p' || n, n, n FROM generate_series(0, 24999) n;
             INSERT INTO enrollments (id, position, campaign_id, partner_id, terms_version, accepted_at, status, since)
             SELECT 'e' || n, n, 'c' || CASE WHEN n < 3 THEN 500 ELSE n % 499 END, 'p' || n % 25000, 1, n, 'enrolled', n
               FROM generate_series(0, 49999) n;
             ANALYZE campaigns, partners, enrollments",
        )
        .execute(service.pool())
        .await
        .unwrap();
        service
    }

    /// How that is found.
    pub(super) async fn explained(
        service: &TestService,
        mut sql: QueryBuilder<Postgres>,
    ) -> String {
        let plan = sql.build_query_scalar().persistent(false);
        let plan: Vec<String> = plan.fetch_all(service.pool()).await.unwrap();
        plan.join("\n")
    }
}
