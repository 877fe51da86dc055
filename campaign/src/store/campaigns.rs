//! `campaigns`: one row per campaign as it stands.

use std::collections::HashMap;

use chassis::auth::Scope;
use chassis::page::PageQuery;
use runtime::campaigns::{TERMS_IN_FORCE, seen_by};
use runtime::{column, lists};
use schemas::Budget;
use sqlx::{FromRow, PgConnection, PgExecutor, QueryBuilder};
use types::{
    BrandId, BudgetInterval, CampaignId, CampaignStatus, Currency, JoinMode, Micros, PauseReason,
};

use super::terms;
use crate::domain::{Campaign, Place};

/// A row as it stands.
#[derive(Debug, FromRow)]
pub(crate) struct Row {
    pub id: String,
    pub position: i64,
    pub brand_id: String,
    pub name: String,
    pub description: Option<String>,
    pub currency: String,
    pub allowed_hosts: Vec<String>,
    pub fallback_url: Option<String>,
    pub landing_url: Option<String>,
    pub starts_at: Option<i64>,
    pub ends_at: Option<i64>,
    pub budget_minor: Option<i64>,
    pub budget_interval: Option<String>,
    pub join_mode: String,
    pub trusts_redirects: bool,
    pub status: String,
    pub pause_reason: Option<String>,
    /// The version that who joins now accepts; read for people alone.
    #[sqlx(default)]
    pub terms_in_force: Option<i32>,
    pub created_at: i64,
    pub activated_at: Option<i64>,
    pub closed_at: Option<i64>,
}

impl TryFrom<Row> for Campaign {
    type Error = sqlx::Error;

    fn try_from(row: Row) -> Result<Self, sqlx::Error> {
        let reason = row.pause_reason.as_deref();
        let reason = reason.map(|name| PauseReason::parse(name).ok_or(()));
        let currency = column("currency", Currency::parse(&row.currency))?;
        let budget = row.budget_minor.zip(row.budget_interval);
        let budget = budget.map(|(minor, interval)| {
            let interval = BudgetInterval::parse(&interval).ok_or(())?;
            Ok::<_, ()>(Budget {
                minor,
                currency,
                interval,
            })
        });
        Ok(Self {
            id: column("id", CampaignId::parse(row.id))?,
            brand: column("brand_id", BrandId::parse(row.brand_id))?,
            name: row.name,
            description: row.description,
            currency,
            allowed_hosts: row.allowed_hosts,
            fallback_url: row.fallback_url,
            landing_url: row.landing_url,
            starts_at: row.starts_at.map(Micros),
            ends_at: row.ends_at.map(Micros),
            budget: column("budget_interval", budget.transpose())?,
            join: column("join_mode", JoinMode::parse(&row.join_mode).ok_or(()))?,
            trusts_redirects: row.trusts_redirects,
            status: column("status", CampaignStatus::parse(&row.status).ok_or(()))?,
            pause_reason: column("pause_reason", reason.transpose())?,
            terms: Vec::new(),
            created: Place {
                time: Micros(row.created_at),
                position: row.position,
            },
            activated_at: row.activated_at.map(Micros),
            closed_at: row.closed_at.map(Micros),
        })
    }
}

/// The campaigns of these ids that there are, with their terms in force since then and those of the future.
pub(crate) async fn load(
    connection: &mut PgConnection,
    ids: &[String],
    since: Micros,
    now: Micros,
) -> Result<Vec<Campaign>, sqlx::Error> {
    let sql = "SELECT * FROM campaigns WHERE id = ANY($1)";
    let rows: Vec<Campaign> = runtime::load::<Row, _>(&mut *connection, sql, ids).await?;
    let rows = rows.into_iter().map(|it| (it.id.clone(), it));
    let mut campaigns: HashMap<_, _> = rows.collect();
    for (id, version) in terms::current(connection, ids, since, now).await? {
        if let Some(campaign) = campaigns.get_mut(&id) {
            campaign.terms.push(version);
        }
    }
    Ok(campaigns.into_values().collect())
}

/// Writes campaigns as they stand now.
pub(crate) async fn save(
    connection: &mut PgConnection,
    campaigns: &[&Campaign],
) -> Result<(), sqlx::Error> {
    if campaigns.is_empty() {
        return Ok(());
    }
    let all = || campaigns.iter().copied();
    let text = |of: fn(&Campaign) -> String| all().map(of).collect::<Vec<_>>();
    // A host holds no space, and UNNEST would flatten an array of arrays.
    let hosts = text(|campaign| campaign.allowed_hosts.join(" "));
    let positions: Vec<i64> = all().map(|c| c.created.position).collect();
    let created_at: Vec<i64> = all().map(|c| c.created.time.get()).collect();
    let versions: Vec<Option<i32>> = all()
        .map(|c| c.newest_terms().map(|terms| terms.version.get()))
        .collect();
    let optional = |of: fn(&Campaign) -> Option<&str>| all().map(of).collect::<Vec<_>>();
    let at = |of: fn(&Campaign) -> Option<Micros>| {
        let times = all().map(|campaign| of(campaign).map(Micros::get));
        times.collect::<Vec<_>>()
    };
    let budgets: Vec<Option<i64>> = all().map(|c| c.budget.map(|b| b.minor)).collect();
    sqlx::query(
        "INSERT INTO campaigns (id, position, brand_id, name, currency, allowed_hosts, status, terms_version, created_at,
                                activated_at, fallback_url, pause_reason, closed_at, join_mode, description, landing_url,
                                starts_at, ends_at, budget_minor, budget_interval, trusts_redirects)
         SELECT id, position, brand_id, name, currency, string_to_array(hosts, ' '), status, terms_version, created_at,
                activated_at, fallback_url, pause_reason, closed_at, join_mode, description, landing_url,
                starts_at, ends_at, budget_minor, budget_interval, trusts_redirects
           FROM unnest($1::text[], $2::bigint[], $3::text[], $4::text[], $5::text[], $6::text[], $7::text[], $8::int[],
                       $9::bigint[], $10::bigint[], $11::text[], $12::text[], $13::bigint[], $14::text[], $15::text[],
                       $16::text[], $17::bigint[], $18::bigint[], $19::bigint[], $20::text[], $21::boolean[])
             AS c(id, position, brand_id, name, currency, hosts, status, terms_version, created_at, activated_at,
                  fallback_url, pause_reason, closed_at, join_mode, description, landing_url, starts_at, ends_at,
                  budget_minor, budget_interval, trusts_redirects)
         ON CONFLICT (id) DO UPDATE
            SET status = excluded.status, terms_version = excluded.terms_version, activated_at = excluded.activated_at,
                pause_reason = excluded.pause_reason, closed_at = excluded.closed_at, name = excluded.name,
                allowed_hosts = excluded.allowed_hosts, fallback_url = excluded.fallback_url,
                join_mode = excluded.join_mode, description = excluded.description, landing_url = excluded.landing_url,
                starts_at = excluded.starts_at, ends_at = excluded.ends_at, budget_minor = excluded.budget_minor,
                budget_interval = excluded.budget_interval, trusts_redirects = excluded.trusts_redirects",
    )
    .bind(text(|c| c.id.to_string()))
    .bind(positions)
    .bind(text(|c| c.brand.to_string()))
    .bind(text(|c| c.name.clone()))
    .bind(text(|c| c.currency.code().to_owned()))
    .bind(hosts)
    .bind(text(|c| c.status.name().to_owned()))
    .bind(versions)
    .bind(created_at)
    .bind(at(|c| c.activated_at))
    .bind(optional(|c| c.fallback_url.as_deref()))
    .bind(optional(|c| c.pause_reason.map(PauseReason::name)))
    .bind(at(|c| c.closed_at))
    .bind(text(|c| c.join.name().to_owned()))
    .bind(optional(|c| c.description.as_deref()))
    .bind(optional(|c| c.landing_url.as_deref()))
    .bind(at(|c| c.starts_at))
    .bind(at(|c| c.ends_at))
    .bind(budgets)
    .bind(optional(|c| c.budget.map(|budget| budget.interval.name())))
    .bind(all().map(|c| c.trusts_redirects).collect::<Vec<_>>())
    .execute(connection)
    .await?;
    Ok(())
}

/// A campaign whose end has come.
#[derive(Debug, FromRow)]
pub(crate) struct Ended {
    pub id: String,
    pub ends_at: i64,
}

/// The campaigns that have ended by now of those that are active, or paused for want of funds alone, the first to end first, behind so
/// many of them.
pub(crate) async fn ended(
    executor: impl PgExecutor<'_>,
    now: Micros,
    passed: i64,
    limit: i64,
) -> Result<Vec<Ended>, sqlx::Error> {
    sqlx::query_as(
        "SELECT id, ends_at FROM campaigns
          WHERE (status = 'active' OR pause_reason = 'out_of_funds') AND ends_at <= $1
          ORDER BY ends_at, id OFFSET $2 LIMIT $3",
    )
    .bind(now.get())
    .bind(passed)
    .bind(limit)
    .fetch_all(executor)
    .await
}

/// One campaign, when this caller may see it: a partner sees what is no draft, a brand its own.
pub(crate) async fn find(
    executor: impl PgExecutor<'_>,
    scope: Scope<'_>,
    id: &CampaignId,
) -> Result<Option<Row>, sqlx::Error> {
    let mut sql = QueryBuilder::new("SELECT *");
    sql.push(TERMS_IN_FORCE).push(" FROM campaigns WHERE id = ");
    sql.push_bind(id.as_str());
    seen_by(scope)(&mut sql);
    sql.build_query_as().fetch_optional(executor).await
}

/// What a list of campaigns is narrowed to.
#[derive(Debug, Default)]
pub(crate) struct Narrowed<'a> {
    pub status: Option<CampaignStatus>,
    pub brand: Option<&'a BrandId>,
    pub join: Option<JoinMode>,
}

/// A page of the campaigns that this caller may see, newest first. Each combination of conditions is a statement of its
/// own, so that it finds its index.
pub(crate) async fn list(
    executor: impl PgExecutor<'_>,
    scope: Scope<'_>,
    page: PageQuery,
    to: &Narrowed<'_>,
) -> Result<Vec<Row>, sqlx::Error> {
    let narrowing = [
        ("status", to.status.map(CampaignStatus::name)),
        ("brand_id", to.brand.map(BrandId::as_str)),
        ("join_mode", to.join.map(JoinMode::name)),
    ];
    let all = format!("SELECT *{TERMS_IN_FORCE} FROM campaigns");
    lists::list(
        executor,
        (&all, "position"),
        page,
        seen_by(scope),
        &narrowing,
    )
    .await
}

#[cfg(test)]
mod tests {
    use runtime::testing::{TestService, rows_read};

    use super::*;
    use crate::CampaignDomain;

    #[tokio::test]
    async fn of_very_many_campaigns_that_are_over_those_whose_end_pauses_them_are_read_alone() {
        let service = TestService::start::<CampaignDomain>(crate::define).await;
        // Their end is far away: the service's own timer leaves them alone.
        sqlx::raw_sql(
            "INSERT INTO campaigns (id, position, brand_id, name, currency, allowed_hosts, terms_version, activated_at, created_at, ends_at, status,
                                    pause_reason, closed_at)
             SELECT 'c' || n, n, 'brand1', 'c', 'USD', '{}', 1, n, n, 4000000000000000 + n,
                    CASE WHEN n = 7 THEN 'active' WHEN n % 2 = 0 THEN 'paused' ELSE 'closed' END,
                    CASE WHEN n = 8 THEN 'out_of_funds' WHEN n % 2 = 0 THEN 'brand' END,
                    CASE WHEN n <> 7 AND n % 2 = 1 THEN n END
               FROM generate_series(0, 19999) n;
             ANALYZE campaigns",
        )
        .execute(service.pool())
        .await
        .unwrap();
        let mut tx = messaging::begin(service.pool(), "BEGIN").await.unwrap();
        let before = rows_read(&mut tx, "campaigns").await;
        let found = ended(&mut *tx, Micros(4_100_000_000_000_000), 0, 500).await;
        let found: Vec<String> = found.unwrap().into_iter().map(|it| it.id).collect();
        assert_eq!(found, ["c7", "c8"]);
        assert_eq!(rows_read(&mut tx, "campaigns").await - before, 2);
        drop(tx);
        service.stop().await;
    }
}
