//! `workflows`: what is done with applications.

use api::WorkflowFilter;
use chassis::page::PageQuery;
use runtime::{column, lists};
use schemas::WorkflowStartedV1;
use sqlx::{FromRow, PgConnection, PgExecutor};
use types::{
    BrandId, CampaignId, Country, GroupId, LinkCode, Micros, PartnerId, Uuid, WorkflowId,
    WorkflowReason, WorkflowStatus, WorkflowStep,
};

use super::onboardings::{countries, country_codes};
use crate::domain::Workflow;

/// A row as it stands.
#[derive(Debug, FromRow)]
struct Row {
    id: String,
    position: i64,
    brand_id: String,
    partner_id: String,
    campaign_id: String,
    correlation_id: Uuid,
    approves: bool,
    countries: String,
    group_id: Option<String>,
    tags: String,
    crm: bool,
    sealed_manager: Option<Vec<u8>>,
    sealed_manager_mail: Option<Vec<u8>>,
    status: String,
    steps: String,
    group_before: Option<String>,
    country: Option<String>,
    sealed_name: Option<Vec<u8>>,
    link_code: Option<String>,
    failed: Option<String>,
    reason: Option<String>,
    returned: bool,
    started_at: i64,
    changed_at: i64,
    ended_at: Option<i64>,
    ended_before: Option<i64>,
}

impl TryFrom<Row> for Workflow {
    type Error = sqlx::Error;

    fn try_from(row: Row) -> Result<Self, sqlx::Error> {
        let group =
            |name: &str, id: Option<String>| column(name, id.map(GroupId::parse).transpose());
        let country = row.country.as_deref().map(Country::parse).transpose();
        let failed = row.failed.as_deref();
        let failed = failed.map(|name| WorkflowStep::parse(name).ok_or(()));
        let reason = row.reason.as_deref();
        let reason = reason.map(|name| WorkflowReason::parse(name).ok_or(()));
        let status = WorkflowStatus::parse(&row.status);
        let started = WorkflowStartedV1 {
            brand_id: column("brand_id", BrandId::parse(row.brand_id))?,
            partner_id: column("partner_id", PartnerId::parse(row.partner_id))?,
            campaign_id: column("campaign_id", CampaignId::parse(row.campaign_id))?,
            correlation_id: row.correlation_id,
            approves: row.approves,
            countries: column("countries", countries(&row.countries))?,
            group_id: group("group_id", row.group_id)?,
            tags: column("tags", serde_json::from_str(&row.tags))?,
            crm: row.crm,
            sealed_manager: row.sealed_manager,
            sealed_manager_mail: row.sealed_manager_mail,
        };
        Ok(Self {
            id: column("id", WorkflowId::parse(row.id))?,
            started,
            status: column("status", status.ok_or(()))?,
            steps: column("steps", serde_json::from_str(&row.steps))?,
            group_before: group("group_before", row.group_before)?,
            country: column("country", country)?,
            sealed_name: row.sealed_name,
            link: column("link_code", row.link_code.map(LinkCode::parse).transpose())?,
            failed: column("failed", failed.transpose())?,
            reason: column("reason", reason.transpose())?,
            returned: row.returned,
            started_at: Micros(row.started_at),
            changed_at: Micros(row.changed_at),
            ended_at: row.ended_at.map(Micros),
            ended_before: row.ended_before.map(Micros),
            position: row.position,
        })
    }
}

/// One that is to end.
#[derive(Debug, FromRow)]
pub(crate) struct Ending {
    pub id: String,
    pub correlation_id: Uuid,
    /// Since when.
    pub due_at: i64,
}

/// These, and those under way of these partners at these brands, side by side, and of others of these partners at all brands. Of a partner very
/// many may have ended.
pub(crate) async fn load(
    executor: impl PgExecutor<'_>,
    ids: &[String],
    (brands, partners): (&[String], &[String]),
    everywhere: &[String],
) -> Result<Vec<Workflow>, sqlx::Error> {
    if [ids, brands, everywhere].iter().all(|it| it.is_empty()) {
        return Ok(Vec::new());
    }
    let rows: Vec<Row> = sqlx::query_as(
        "SELECT * FROM workflows WHERE id = ANY($1)
             OR (partner_id = ANY($4) AND status IN ('running', 'compensating'))
             OR (partner_id = ANY($3) AND status IN ('running', 'compensating')
                 AND (partner_id, brand_id) IN (SELECT * FROM unnest($3::text[], $2::text[])))",
    )
    .bind(ids)
    .bind(brands)
    .bind(partners)
    .bind(everywhere)
    .fetch_all(executor)
    .await?;
    rows.into_iter().map(Workflow::try_from).collect()
}

/// Writes them as they stand now.
pub(crate) async fn save(
    connection: &mut PgConnection,
    workflows: &[&Workflow],
) -> Result<(), sqlx::Error> {
    messaging::insert_rows!(connection, workflows => "workflows" {
        id: text = |it| it.id.to_string(),
        position: bigint = |it| it.position,
        brand_id: text = |it| it.started.brand_id.to_string(),
        partner_id: text = |it| it.started.partner_id.to_string(),
        campaign_id: text = |it| it.started.campaign_id.to_string(),
        correlation_id: uuid = |it| it.started.correlation_id,
        approves: boolean = |it| it.started.approves,
        countries: text = |it| country_codes(&it.started.countries),
        group_id: text = |it| it.started.group_id.as_ref().map(ToString::to_string),
        // Texts, words and numbers: nothing in them that JSON lacks.
        tags: text = |it| serde_json::to_string(&it.started.tags).unwrap_or_default(),
        crm: boolean = |it| it.started.crm,
        sealed_manager: bytea = |it| it.started.sealed_manager.clone(),
        sealed_manager_mail: bytea = |it| it.started.sealed_manager_mail.clone(),
        status: text = |it| it.status.name(),
        steps: text = |it| serde_json::to_string(&it.steps).unwrap_or_default(),
        group_before: text = |it| it.group_before.as_ref().map(ToString::to_string),
        country: text = |it| it.country.map(|it| it.to_string()),
        sealed_name: bytea = |it| it.sealed_name.clone(),
        link_code: text = |it| it.link.as_ref().map(ToString::to_string),
        failed: text = |it| it.failed.map(WorkflowStep::name),
        reason: text = |it| it.reason.map(WorkflowReason::name),
        returned: boolean = |it| it.returned,
        started_at: bigint = |it| it.started_at.get(),
        changed_at: bigint = |it| it.changed_at.get(),
        ended_at: bigint = |it| it.ended_at.map(Micros::get),
        ended_before: bigint = |it| it.ended_before.map(Micros::get),
    } on (id) set (status, steps, group_before, country, sealed_name, link_code, failed, reason, returned, changed_at, ended_at, ended_before))
    .await
}

/// A page of those that are to be seen, newest first.
pub(crate) async fn list(
    executor: impl PgExecutor<'_>,
    brand: Option<&BrandId>,
    filter: &WorkflowFilter,
    page: PageQuery,
) -> Result<Vec<Workflow>, sqlx::Error> {
    let partner = filter.partner_id.as_ref().map(PartnerId::as_str);
    let campaign = filter.campaign_id.as_ref().map(CampaignId::as_str);
    let narrowing = [
        ("brand_id", brand.map(BrandId::as_str)),
        ("partner_id", partner),
        ("campaign_id", campaign),
        ("status", filter.status.map(WorkflowStatus::name)),
    ];
    let all = ("SELECT * FROM workflows", "position");
    let rows: Vec<Row> = lists::list(executor, all, page, |_| {}, &narrowing).await?;
    rows.into_iter().map(Workflow::try_from).collect()
}

/// One, of this brand or of any.
pub(crate) async fn find(
    executor: impl PgExecutor<'_>,
    brand: Option<&BrandId>,
    id: &WorkflowId,
) -> Result<Option<Workflow>, sqlx::Error> {
    let row: Option<Row> = sqlx::query_as(
        "SELECT * FROM workflows WHERE id = $1 AND ($2::text IS NULL OR brand_id = $2)",
    )
    .bind(id.as_str())
    .bind(brand.map(BrandId::as_str))
    .fetch_optional(executor)
    .await?;
    row.map(Workflow::try_from).transpose()
}

#[cfg(test)]
mod tests {
    use runtime::testing::{TestService, rows_read};

    use super::*;
    use crate::Notify;

    #[tokio::test]
    async fn of_a_partner_with_very_many_ended_workflows_only_those_under_way_are_read() {
        let service = TestService::start::<Notify>(crate::define).await;
        sqlx::raw_sql(
            "INSERT INTO workflows (id, position, brand_id, partner_id, campaign_id, correlation_id, approves, countries, tags, crm, status, steps,
                                    returned, started_at, changed_at)
             SELECT 'w' || n, n, 'brand' || n % 2, 'partner1', 'camp1', gen_random_uuid(), true, '', '[]', false,
                    CASE WHEN n < 2 THEN 'running' ELSE 'compensated' END, '[]', false, n, n FROM generate_series(0, 19999) n;
             ANALYZE workflows",
        )
        .execute(service.pool())
        .await
        .unwrap();
        let partner = ["partner1".to_owned()];
        let pair = (&["brand1".to_owned()][..], &partner[..]);
        let none = (&[][..], &[][..]);
        let mut tx = messaging::begin(service.pool(), "BEGIN").await.unwrap();
        let mut before = 0;
        for (pairs, everywhere, expected) in [(pair, &[][..], 1), (none, &partner[..], 2)] {
            let found = load(&mut *tx, &[], pairs, everywhere).await.unwrap();
            assert_eq!(found.len(), expected);
            let read = rows_read(&mut tx, "workflows").await;
            assert!(read - before <= 20, "{read}");
            before = read;
        }
        drop(tx);
        service.stop().await;
    }
}
