//! How often links were followed: what is summed of it, and what came since, counted when somebody wants to know.

use api::{ClicksFilter, ClicksOfDay, ClicksQuestion, CountedClicks};
use chassis::auth::Scope;
use chassis::page::PageQuery;
use chassis::time::{Day, Pieces, QUARTER_HOUR, QUARTERS_OF_DAY};
use runtime::lists::{push_equal, seen_by};
use sqlx::{FromRow, PgPool, Postgres, QueryBuilder, Transaction};
use types::{BrandId, CampaignId, LinkCode, PartnerId};

use super::click_sums::LINK_BITS;

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
    let filter = wanted.filter;
    let narrowed = Narrowed {
        scope: wanted.scope,
        campaign: filter.campaign_id.as_ref(),
        partner: filter.partner_id.as_ref(),
        brand: None,
        code: filter.code.as_ref(),
    };
    let (mut tx, horizon) = begin(pool).await?;
    // What is above the page's place is not counted again.
    let last = page.below().checked_shr(LINK_BITS).map_or(wanted.last, Day);
    let end = last.min(wanted.last).end().0;
    let mut sql = QueryBuilder::new(
        "SELECT place, day, code, campaign_id, partner_id, sum(clicks)::bigint AS clicks FROM (
             (SELECT s.place, s.slot AS day, l.code, l.campaign_id, l.partner_id, s.clicks
                FROM links l JOIN link_clicks s ON s.link_code = l.code AND s.quarters = ",
    );
    sql.push(QUARTERS_OF_DAY).push(" AND s.place >= ");
    let place_of = |day: i64| day.saturating_mul(1 << LINK_BITS);
    sql.push_bind(place_of(wanted.first.0))
        .push(" AND s.place < ")
        .push_bind(page.below().min(place_of(wanted.last.0.saturating_add(1))))
        .push(" WHERE true");
    narrowed.push(&mut sql);
    sql.push(" ORDER BY s.place DESC LIMIT ")
        .push_bind(page.rows())
        .push(") UNION ALL (SELECT (c.clicked_at / ")
        .push(Day::MICROS)
        .push(") << ")
        .push(LINK_BITS)
        .push(" | l.position, c.clicked_at / ")
        .push(Day::MICROS)
        .push(", l.code, l.campaign_id, l.partner_id, count(*)");
    push_unsummed(&mut sql, wanted.first.start().0.max(horizon), end);
    sql.push(" WHERE true");
    narrowed.push(&mut sql);
    sql.push(" GROUP BY 2, l.code)) counted WHERE place < ")
        .push_bind(page.below())
        .push(" GROUP BY place, day, code, campaign_id, partner_id ORDER BY place DESC LIMIT ")
        .push_bind(page.rows());
    let rows = sql.build_query_as().fetch_all(&mut *tx).await?;
    tx.commit().await?;
    Ok(rows)
}

/// Clicks that are not summed yet, each with its link.
fn push_unsummed(sql: &mut QueryBuilder<Postgres>, from: i64, to: i64) {
    sql.push(" FROM links l JOIN clicks c ON c.link_code = l.code AND c.clicked_at >= ")
        .push_bind(from)
        .push(" AND c.clicked_at < ")
        .push_bind(to);
}

/// What stands before and after a brand where links are narrowed to its campaigns: by their index.
const OF_BRAND: (&str, &str) = (
    "l.campaign_id = ANY(ARRAY(SELECT b.id FROM campaigns b WHERE b.brand_id = ",
    "))",
);

/// Of these links alone.
struct Narrowed<'a> {
    scope: Scope<'a>,
    campaign: Option<&'a CampaignId>,
    partner: Option<&'a PartnerId>,
    brand: Option<&'a BrandId>,
    code: Option<&'a LinkCode>,
}

impl Narrowed<'_> {
    fn push(&self, sql: &mut QueryBuilder<Postgres>) {
        seen_by(self.scope, "l.partner_id = ", OF_BRAND)(sql);
        let narrowing = [
            ("l.campaign_id", self.campaign.map(CampaignId::as_str)),
            ("l.partner_id", self.partner.map(PartnerId::as_str)),
            ("l.code", self.code.map(LinkCode::as_str)),
        ];
        push_equal(sql, &narrowing);
        if let Some(brand) = self.brand {
            let (before, after) = OF_BRAND;
            sql.push(" AND ").push(before);
            sql.push_bind(brand.as_str()).push(after);
        }
    }
}

/// Planned for the spans and links of this one question, and given up when nobody waits for it any more.
pub(super) const BEGIN: &str = "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY; SET LOCAL plan_cache_mode = force_custom_plan; SET LOCAL statement_timeout = '2500ms'";

/// A transaction that sees one state of all, and up to where clicks are summed in it.
async fn begin(pool: &PgPool) -> Result<(Transaction<'static, Postgres>, i64), sqlx::Error> {
    let mut tx = messaging::begin(pool, BEGIN).await?;
    let horizon = sqlx::query_scalar("SELECT summed_to FROM click_horizon")
        .fetch_one(&mut *tx)
        .await?;
    Ok((tx, horizon))
}

/// What is summed, as it is read: each row with its campaign as `m`, and its link as `l` where links are wanted apart.
#[derive(Clone, Copy)]
enum Sums {
    OfLinks,
    OfCampaigns,
}

impl Sums {
    fn for_question(wanted: &ClicksQuestion) -> Self {
        let is_of_links = wanted.by_partner
            || wanted.by_link
            || wanted.partner_id.is_some()
            || wanted.own_partner.is_some()
            || wanted.code.is_some();
        if is_of_links {
            Self::OfLinks
        } else {
            Self::OfCampaigns
        }
    }

    const fn from(self) -> &'static str {
        match self {
            Self::OfLinks => {
                "links l JOIN campaigns m ON m.id = l.campaign_id JOIN link_clicks s ON s.link_code = l.code"
            }
            Self::OfCampaigns => {
                "campaigns m CROSS JOIN LATERAL (SELECT NULL::text AS code, m.id AS campaign_id, NULL::text AS partner_id) l
                   JOIN campaign_clicks s ON s.campaign_id = m.id"
            }
        }
    }
}

/// How many clicks there were in each span, by their campaigns' currency and what else is wanted apart: one row more than the
/// limit where there are more. A campaign has one currency, whatever the version of its terms.
pub async fn between(
    pool: &PgPool,
    wanted: &ClicksQuestion,
) -> Result<Vec<CountedClicks>, sqlx::Error> {
    let scope = Scope {
        all: wanted.all,
        partner: wanted.own_partner.as_ref(),
        brand: wanted.own_brand.as_ref(),
    };
    let narrowed = Narrowed {
        scope,
        campaign: wanted.campaign_id.as_ref(),
        partner: wanted.partner_id.as_ref(),
        brand: wanted.brand_id.as_ref(),
        code: wanted.code.as_ref(),
    };
    let (mut tx, horizon) = begin(pool).await?;
    let boundaries = &wanted.boundaries;
    let (first, last) = (
        boundaries.first().copied().unwrap_or_default(),
        boundaries.last().copied().unwrap_or_default(),
    );
    let pieces = Pieces::of(boundaries);
    let from = if pieces.is_some() {
        first.max(horizon)
    } else {
        first
    };
    let mut sql = QueryBuilder::<Postgres>::new("WITH counted AS (");
    if let Some(pieces) = pieces {
        push_sums(
            &mut sql,
            Sums::for_question(wanted),
            &pieces,
            (boundaries, &narrowed),
        );
    }
    sql.push("SELECT width_bucket(c.clicked_at, ")
        .push_bind(boundaries)
        .push(") - 1 AS span, l.code, l.campaign_id, l.partner_id, m.brand_id, count(*) AS clicks");
    push_unsummed(&mut sql, from, last);
    sql.push(" JOIN campaigns m ON m.id = l.campaign_id WHERE true");
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
           LEFT JOIN (SELECT DISTINCT ON (campaign_id) campaign_id, currency FROM terms ORDER BY campaign_id, version) t USING (campaign_id)",
    );
    if let Some(currency) = wanted.currency {
        sql.push(" WHERE t.currency = ").push_bind(currency.code());
    }
    sql.push(" GROUP BY 1, 2, 3, 4, 5, 6 LIMIT ")
        .push_bind(i64::from(wanted.limit) + 1);
    let rows: Vec<SpanRow> = sql.build_query_as().fetch_all(&mut *tx).await?;
    tx.commit().await?;
    Ok(rows.into_iter().map(CountedClicks::from).collect())
}

/// What is summed of these pieces, each followed by `UNION ALL`.
fn push_sums(
    sql: &mut QueryBuilder<Postgres>,
    sums: Sums,
    pieces: &Pieces,
    (boundaries, narrowed): (&[i64], &Narrowed<'_>),
) {
    let push_head = |sql: &mut QueryBuilder<Postgres>, length: i64| {
        sql.push("SELECT width_bucket(s.slot * ")
            .push(length)
            .push(", ")
            .push_bind(boundaries.to_vec())
            .push(") - 1 AS span, l.code, l.campaign_id, l.partner_id, m.brand_id, s.clicks FROM ")
            .push(sums.from());
    };
    push_head(sql, Day::MICROS);
    sql.push(" AND s.quarters = ")
        .push(QUARTERS_OF_DAY)
        .push(" AND s.slot >= ")
        .push_bind(pieces.days.0)
        .push(" AND s.slot < ")
        .push_bind(pieces.days.1)
        .push(" AND s.slot <> ALL(")
        .push_bind(pieces.broken.clone())
        .push(") WHERE true");
    narrowed.push(sql);
    sql.push(" UNION ALL ");
    for (from, to) in &pieces.quarters {
        push_head(sql, QUARTER_HOUR);
        sql.push(" AND s.quarters = 1 AND s.slot >= ")
            .push_bind(*from)
            .push(" AND s.slot < ")
            .push_bind(*to)
            .push(" WHERE true");
        narrowed.push(sql);
        sql.push(" UNION ALL ");
    }
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
