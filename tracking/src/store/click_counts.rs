//! How often links were followed, counted when somebody wants to know.

use api::{ClicksFilter, ClicksOfDay, ClicksQuestion, CountedClicks};
use chassis::auth::Scope;
use chassis::page::PageQuery;
use chassis::time::Day;
use sqlx::{FromRow, PgPool, Postgres, QueryBuilder};
use types::{BrandId, CampaignId, LinkCode, PartnerId};

/// A place in the list is the day and, in so many bits, the position of the link's event, which no two links share.
const LINK_BITS: u32 = 40;

/// Which clicks.
#[derive(Debug, Clone, Copy)]
pub struct Wanted<'a> {
    /// Whose.
    pub scope: Scope<'a>,
    /// From the beginning of this day.
    pub first: Day,
    /// To the end of this day.
    pub last: Day,
    /// Of which links.
    pub filter: &'a ClicksFilter,
}

/// A link's clicks of a day.
#[derive(Debug, FromRow)]
pub struct CountRow {
    /// Of the day and the link, in lists.
    pub place: i64,
    day: i64,
    code: String,
    campaign_id: String,
    partner_id: String,
    clicks: i64,
}

impl From<CountRow> for ClicksOfDay {
    fn from(row: CountRow) -> Self {
        Self {
            day: Day(row.day),
            code: row.code,
            campaign_id: row.campaign_id,
            partner_id: row.partner_id,
            clicks: row.clicks,
        }
    }
}

/// A page of counts, by day and link, newest first.
pub async fn list(
    pool: &PgPool,
    wanted: &Wanted<'_>,
    page: PageQuery,
) -> Result<Vec<CountRow>, sqlx::Error> {
    let (scope, filter) = (wanted.scope, wanted.filter);
    // What is above the page's place is not counted again.
    let last = page.below().checked_shr(LINK_BITS).map_or(wanted.last, Day);
    let mut sql = QueryBuilder::new("SELECT * FROM (SELECT (c.clicked_at / 86400000000) << ");
    sql.push_bind(i32::try_from(LINK_BITS).unwrap_or_default())
        .push(
            " | l.position AS place, c.clicked_at / 86400000000 AS day, l.code, l.campaign_id, l.partner_id, count(*) AS clicks
                FROM links l JOIN clicks c ON c.link_code = l.code AND c.clicked_at >= ",
        )
        .push_bind(wanted.first.start().0)
        .push(" AND c.clicked_at < ")
        .push_bind(last.min(wanted.last).end().0)
        .push(" WHERE true");
    push_own(&mut sql, scope);
    let narrowed = Narrowed {
        campaign: filter.campaign_id.as_ref(),
        partner: filter.partner_id.as_ref(),
        brand: None,
        code: filter.code.as_ref(),
    };
    narrowed.push(&mut sql);
    sql.push(" GROUP BY 2, l.code) counted WHERE place < ")
        .push_bind(page.below())
        .push(" ORDER BY place DESC LIMIT ")
        .push_bind(page.rows());
    sql.build_query_as().fetch_all(pool).await
}

/// Leaves a partner its own links, a brand those to its campaigns, and operators all: each by its index.
fn push_own(sql: &mut QueryBuilder<Postgres>, scope: Scope<'_>) {
    if scope.all {
        return;
    }
    sql.push(" AND (false");
    if let Some(partner) = scope.partner {
        sql.push(" OR l.partner_id = ")
            .push_bind(partner.to_string());
    }
    if let Some(brand) = scope.brand {
        push_of_brand(sql.push(" OR "), brand);
    }
    sql.push(")");
}

fn push_of_brand(sql: &mut QueryBuilder<Postgres>, brand: &BrandId) {
    sql.push("l.campaign_id = ANY(ARRAY(SELECT b.id FROM campaigns b WHERE b.brand_id = ")
        .push_bind(brand.to_string())
        .push("))");
}

/// Of these links alone.
struct Narrowed<'a> {
    campaign: Option<&'a CampaignId>,
    partner: Option<&'a PartnerId>,
    brand: Option<&'a BrandId>,
    code: Option<&'a LinkCode>,
}

impl Narrowed<'_> {
    fn push(&self, sql: &mut QueryBuilder<Postgres>) {
        for (column, value) in [
            ("l.campaign_id = ", self.campaign.map(CampaignId::to_string)),
            ("l.partner_id = ", self.partner.map(PartnerId::to_string)),
            ("l.code = ", self.code.map(LinkCode::to_string)),
        ] {
            if let Some(value) = value {
                sql.push(" AND ").push(column).push_bind(value);
            }
        }
        if let Some(brand) = self.brand {
            push_of_brand(sql.push(" AND "), brand);
        }
    }
}

/// Planned for the spans and links of this one question, and given up when nobody waits for it any more.
const BEGIN: &str = "BEGIN READ ONLY; SET LOCAL plan_cache_mode = force_custom_plan; SET LOCAL statement_timeout = '2500ms'";

/// How many clicks there were in each span, by their campaigns' currency and what else is wanted apart: one row more than the
/// limit where there are more. A campaign has one currency, whatever the version of its terms.
pub async fn between(
    pool: &PgPool,
    wanted: &ClicksQuestion,
) -> Result<Vec<CountedClicks>, sqlx::Error> {
    let mut sql =
        QueryBuilder::<Postgres>::new("WITH counted AS (SELECT width_bucket(c.clicked_at, ");
    sql.push_bind(&wanted.boundaries).push(
        ") - 1 AS span, l.code, l.campaign_id, l.partner_id, m.brand_id, count(*) AS clicks
           FROM links l JOIN campaigns m ON m.id = l.campaign_id JOIN clicks c ON c.link_code = l.code AND c.clicked_at >= ",
    );
    sql.push_bind(wanted.boundaries.first())
        .push(" AND c.clicked_at < ")
        .push_bind(wanted.boundaries.last())
        .push(" WHERE true");
    let scope = Scope {
        all: wanted.all,
        partner: wanted.own_partner.as_ref(),
        brand: wanted.own_brand.as_ref(),
    };
    push_own(&mut sql, scope);
    let narrowed = Narrowed {
        campaign: wanted.campaign_id.as_ref(),
        partner: wanted.partner_id.as_ref(),
        brand: wanted.brand_id.as_ref(),
        code: wanted.code.as_ref(),
    };
    narrowed.push(&mut sql);
    sql.push(" GROUP BY 1, l.code, m.brand_id) SELECT n.span, t.currency, ");
    for (is_apart, column, name) in [
        (wanted.by_campaign, "n.campaign_id", "campaign_id"),
        (wanted.by_partner, "n.partner_id", "partner_id"),
        (wanted.by_brand, "n.brand_id", "brand_id"),
        (wanted.by_link, "n.code", "code"),
    ] {
        sql.push(if is_apart { column } else { "NULL::text" })
            .push(" AS ")
            .push(name)
            .push(", ");
    }
    sql.push(
        "sum(n.clicks)::bigint AS clicks FROM counted n
           LEFT JOIN (SELECT DISTINCT ON (campaign_id) campaign_id, currency FROM terms ORDER BY campaign_id, version) t USING (campaign_id)
          GROUP BY 1, 2, 3, 4, 5, 6 LIMIT ",
    )
    .push_bind(i64::from(wanted.limit) + 1);
    let mut tx = messaging::begin(pool, BEGIN).await?;
    let rows: Vec<SpanRow> = sql.build_query_as().fetch_all(&mut *tx).await?;
    tx.commit().await?;
    Ok(rows.into_iter().map(CountedClicks::from).collect())
}

/// As [`CountedClicks`], which no crate without a database can read.
#[derive(Debug, FromRow)]
struct SpanRow {
    span: i32,
    currency: Option<String>,
    campaign_id: Option<String>,
    partner_id: Option<String>,
    brand_id: Option<String>,
    code: Option<String>,
    clicks: i64,
}

impl From<SpanRow> for CountedClicks {
    fn from(row: SpanRow) -> Self {
        Self {
            span: row.span,
            currency: row.currency,
            campaign_id: row.campaign_id,
            partner_id: row.partner_id,
            brand_id: row.brand_id,
            code: row.code,
            clicks: row.clicks,
        }
    }
}
