//! How often links were followed, counted when somebody wants to know.

use api::{ClicksFilter, ClicksOfDay};
use chassis::auth::Scope;
use chassis::page::PageQuery;
use chassis::time::Day;
use sqlx::{FromRow, PgPool};
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
    sqlx::query_as(
        "SELECT * FROM (
            SELECT (c.clicked_at / 86400000000) << $1 | l.position AS place, c.clicked_at / 86400000000 AS day,
                   l.code, l.campaign_id, l.partner_id, count(*) AS clicks
              FROM links l JOIN campaigns m ON m.id = l.campaign_id
              JOIN clicks c ON c.link_code = l.code AND c.clicked_at >= $2 AND c.clicked_at < $3
             WHERE ($4 OR l.partner_id = $5 OR m.brand_id = $6)
               AND ($7::text IS NULL OR l.code = $7) AND ($8::text IS NULL OR l.campaign_id = $8)
               AND ($9::text IS NULL OR l.partner_id = $9)
             GROUP BY 2, l.code) counted
          WHERE place < $10 ORDER BY place DESC LIMIT $11",
    )
    .bind(i32::try_from(LINK_BITS).unwrap_or_default())
    .bind(wanted.first.start().0)
    .bind(last.min(wanted.last).end().0)
    .bind(scope.all)
    .bind(scope.partner.map(PartnerId::as_str))
    .bind(scope.brand.map(BrandId::as_str))
    .bind(filter.code.as_ref().map(LinkCode::as_str))
    .bind(filter.campaign_id.as_ref().map(CampaignId::as_str))
    .bind(filter.partner_id.as_ref().map(PartnerId::as_str))
    .bind(page.below())
    .bind(page.rows())
    .fetch_all(pool)
    .await
}
