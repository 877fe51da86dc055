//! `webhook_endpoints`: where brands and partners are sent what happens.

use api::WebhookFilter;
use chassis::auth::Scope;
use chassis::page::PageQuery;
use runtime::{column, lists};
use sqlx::{FromRow, PgConnection, PgExecutor, Postgres, QueryBuilder};
use types::{
    BrandId, Micros, PartnerId, WebhookDisabledReason, WebhookEndpointId, WebhookEndpointStatus,
    WebhookFormat,
};

use super::seen_by;
use crate::domain::{Endpoint, Owner};

/// A row as it stands.
#[derive(Debug, FromRow)]
pub(crate) struct Row {
    pub id: String,
    pub position: i64,
    pub brand_id: Option<String>,
    pub partner_id: Option<String>,
    pub url: String,
    pub kinds: String,
    pub description: Option<String>,
    pub format: String,
    pub status: String,
    pub disabled_reason: Option<String>,
    pub secret_version: i32,
    pub previous_until: Option<i64>,
    pub enabled_at: i64,
    pub created_at: i64,
    pub changed_at: i64,
}

impl Row {
    /// Of which kinds.
    pub(crate) fn kinds(&self) -> Vec<String> {
        let kinds = self.kinds.split(' ').filter(|kind| !kind.is_empty());
        kinds.map(str::to_owned).collect()
    }
}

impl TryFrom<Row> for Endpoint {
    type Error = sqlx::Error;

    fn try_from(row: Row) -> Result<Self, sqlx::Error> {
        let kinds = row.kinds();
        let brand = column("brand_id", row.brand_id.map(BrandId::parse).transpose())?;
        let partner = column(
            "partner_id",
            row.partner_id.map(PartnerId::parse).transpose(),
        )?;
        let reason = row.disabled_reason.as_deref();
        let reason = reason.map(|name| WebhookDisabledReason::parse(name).ok_or(()));
        let status = WebhookEndpointStatus::parse(&row.status);
        Ok(Self {
            id: column("id", WebhookEndpointId::parse(row.id))?,
            owner: column("brand_id", Owner::of(brand, partner).ok_or(()))?,
            url: row.url,
            kinds,
            description: row.description,
            format: column("format", WebhookFormat::parse(&row.format).ok_or(()))?,
            status: column("status", status.ok_or(()))?,
            disabled_reason: column("disabled_reason", reason.transpose())?,
            secret_version: row.secret_version,
            previous_until: row.previous_until.map(Micros),
            enabled_at: Micros(row.enabled_at),
            created_at: Micros(row.created_at),
            changed_at: Micros(row.changed_at),
            position: row.position,
        })
    }
}

/// These, and those of these owners that are not removed, of which there are not many.
pub(crate) async fn load(
    connection: &mut PgConnection,
    ids: &[String],
    brands: &[String],
    partners: &[String],
) -> Result<Vec<Endpoint>, sqlx::Error> {
    if ids.is_empty() && brands.is_empty() && partners.is_empty() {
        return Ok(Vec::new());
    }
    let rows: Vec<Row> = sqlx::query_as(
        "SELECT * FROM webhook_endpoints
          WHERE id = ANY($1) OR (status <> 'removed' AND (brand_id = ANY($2) OR partner_id = ANY($3)))",
    )
    .bind(ids)
    .bind(brands)
    .bind(partners)
    .fetch_all(connection)
    .await?;
    rows.into_iter().map(Endpoint::try_from).collect()
}

/// Writes endpoints as they stand now.
pub(crate) async fn save(
    connection: &mut PgConnection,
    endpoints: &[&Endpoint],
) -> Result<(), sqlx::Error> {
    messaging::insert_rows!(connection, endpoints => "webhook_endpoints" {
        id: text = |it| it.id.to_string(),
        position: bigint = |it| it.position,
        brand_id: text = |it| it.owner.brand().map(ToString::to_string),
        partner_id: text = |it| it.owner.partner().map(ToString::to_string),
        url: text = |it| it.url.clone(),
        kinds: text = |it| it.kinds.join(" "),
        description: text = |it| it.description.clone(),
        format: text = |it| it.format.name(),
        status: text = |it| it.status.name(),
        disabled_reason: text = |it| it.disabled_reason.map(WebhookDisabledReason::name),
        secret_version: int = |it| it.secret_version,
        previous_until: bigint = |it| it.previous_until.map(Micros::get),
        enabled_at: bigint = |it| it.enabled_at.get(),
        created_at: bigint = |it| it.created_at.get(),
        changed_at: bigint = |it| it.changed_at.get(),
    } on (id) set (url, kinds, description, status, disabled_reason, secret_version, previous_until, enabled_at, changed_at))
    .await
}

/// A page of those that may be seen and are not removed, newest first.
pub(crate) async fn list(
    executor: impl PgExecutor<'_>,
    scope: Scope<'_>,
    filter: &WebhookFilter,
    page: PageQuery,
) -> Result<Vec<Row>, sqlx::Error> {
    let brand = filter.brand_id.as_ref().map(BrandId::as_str);
    let partner = filter.partner_id.as_ref().map(PartnerId::as_str);
    let narrowing = [("e.brand_id", brand), ("e.partner_id", partner)];
    let seen = |sql: &mut QueryBuilder<Postgres>| {
        sql.push(" AND e.status <> 'removed'");
        seen_by(scope)(sql);
    };
    let all = ("SELECT e.* FROM webhook_endpoints e", "e.position");
    lists::list(executor, all, page, seen, &narrowing).await
}

/// One that may be seen and is not removed.
pub(crate) async fn find(
    executor: impl PgExecutor<'_>,
    scope: Scope<'_>,
    endpoint: &WebhookEndpointId,
) -> Result<Option<Row>, sqlx::Error> {
    let mut sql = QueryBuilder::new(
        "SELECT e.* FROM webhook_endpoints e WHERE e.status <> 'removed' AND e.id = ",
    );
    sql.push_bind(endpoint.as_str());
    seen_by(scope)(&mut sql);
    sql.build_query_as().fetch_optional(executor).await
}

#[cfg(test)]
mod tests {
    use chassis::page::Form;
    use runtime::testing::{TestService, rows_read};

    use super::*;
    use crate::Notify;
    use crate::store::interest::Interest;
    use crate::store::sending::{self, Busy};

    #[tokio::test]
    async fn endpoints_that_were_removed_are_read_no_more() {
        let service = TestService::start::<Notify>(crate::define).await;
        sqlx::raw_sql(
            "INSERT INTO webhook_endpoints (id, position, brand_id, partner_id, url, kinds, status, secret_version, enabled_at, created_at, changed_at)
             SELECT 'endpoint' || n, n, CASE n % 2 WHEN 0 THEN 'brand1' END, CASE n % 2 WHEN 1 THEN 'partner1' END, 'https://hooks.example.com/', '',
                    CASE WHEN n < 2 THEN 'disabled' WHEN n < 4 THEN 'enabled' ELSE 'removed' END, 1, n, n, n
               FROM generate_series(0, 19999) n;
             ANALYZE webhook_endpoints",
        )
        .execute(service.pool())
        .await
        .unwrap();
        let (brand, partner) = ("brand1".to_owned(), "partner1".to_owned());
        let owner = BrandId::parse(&*brand).unwrap();
        let scope = Scope {
            all: false,
            partner: None,
            brand: Some(&owner),
        };
        let page = PageQuery {
            limit: 50,
            cursor: None,
            form: Form::Json,
        };
        let mut tx = messaging::begin(service.pool(), "BEGIN").await.unwrap();
        let found = load(&mut tx, &[], &[brand], &[partner]).await.unwrap();
        assert_eq!(found.len(), 4);
        let filter = WebhookFilter {
            brand_id: None,
            partner_id: None,
        };
        let found = list(&mut *tx, scope, &filter, page).await.unwrap();
        assert_eq!(found.len(), 2);
        assert!(Interest::load(&mut *tx).await.unwrap().endpoints);
        let busy = Busy {
            room_of_others: 1,
            ..Busy::default()
        };
        let found = sending::due(&mut *tx, Micros(1), &busy, 1).await;
        assert!(found.unwrap().is_empty());
        let found = sending::overfull(&mut *tx, 1).await.unwrap();
        assert!(found.is_empty());
        let read = rows_read(&mut tx, "webhook_endpoints").await;
        // Each statement those that are left, at most.
        assert!(read <= 6 * 4, "{read}");
        drop(tx);
        service.stop().await;
    }
}
