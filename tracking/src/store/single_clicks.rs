//! Clicks one by one, with what their partners want to find with them.

use api::{SingleClick, SingleClicksFilter};
use chassis::page::PageQuery;
use chassis::time::Day;
use runtime::lists::push_equal;
use sqlx::{FromRow, PgConnection, PgPool, Postgres, QueryBuilder};
use types::{LinkCode, Micros, PartnerId};

use super::click_counts::BEGIN;
use super::erasures::is_kept;

/// So many are looked through for a page of those with some sub id, which no index has.
const SEARCHED: i64 = 10_000;
/// A click's place in lists is its time and, in so many bits, which it is of that moment: they are written in groups, which have one time.
const MOMENT_BITS: u32 = 10;
const OF_MOMENT: i64 = 1 << MOMENT_BITS;

/// That the visitor of a click is not being erased: else nobody reads its sub ids any more, nor finds it by them.
const IS_KEPT: &str = is_kept!();

/// Which clicks.
#[derive(Debug, Clone, Copy)]
pub struct Wanted<'a> {
    /// Of whose links; `None`: of the filter's link, whosever it is.
    pub partner: Option<&'a PartnerId>,
    /// From the beginning of this day.
    pub first: Day,
    /// To the end of this day.
    pub last: Day,
    /// Of which link, with which sub ids.
    pub filter: &'a SingleClicksFilter,
}

/// A click as lists show it.
#[derive(Debug, FromRow)]
pub struct Row {
    /// In lists.
    pub place: i64,
    id: String,
    clicked_at: i64,
    code: String,
    campaign_id: String,
    partner_id: String,
    sub1: Option<String>,
    sub2: Option<String>,
    sub3: Option<String>,
    sub4: Option<String>,
    sub5: Option<String>,
}

impl From<Row> for SingleClick {
    fn from(row: Row) -> Self {
        Self {
            click_id: row.id,
            clicked_at: Micros(row.clicked_at).into(),
            code: row.code,
            campaign_id: row.campaign_id,
            partner_id: row.partner_id,
            sub1: row.sub1,
            sub2: row.sub2,
            sub3: row.sub3,
            sub4: row.sub4,
            sub5: row.sub5,
        }
    }
}

/// A page of clicks, newest first, and the place down to which they were looked through, where there are more than were.
pub async fn list(
    pool: &PgPool,
    wanted: &Wanted<'_>,
    page: PageQuery,
) -> Result<(Vec<Row>, Option<i64>), sqlx::Error> {
    let mut tx = messaging::begin(pool, BEGIN).await?;
    let mut span = Span::of(wanted, page);
    let newest = page.rows() + span.shown_of_moment;
    // As many of the newest clicks are of no more links, which are those whose own newest are the newest.
    let (mut searched_to, mut links) = (None, Some(newest));
    if wanted.filter.sub_ids().next().is_some() {
        searched_to = newest_of_each(&mut tx, wanted, span).await?;
        links = None;
    }
    span.from = span.from.max(searched_to.unwrap_or_default());
    let mut sql = QueryBuilder::new(
        "SELECT place, id, clicked_at, code, campaign_id, partner_id, sub_ids ->> 'sub1' AS sub1, sub_ids ->> 'sub2' AS sub2,
                sub_ids ->> 'sub3' AS sub3, sub_ids ->> 'sub4' AS sub4, sub_ids ->> 'sub5' AS sub5
           FROM (SELECT c.id, c.clicked_at, l.code, l.campaign_id, l.partner_id, c.sub_ids, c.clicked_at * ",
    );
    sql.push(OF_MOMENT).push(" + greatest(").push(OF_MOMENT);
    sql.push(
        " - row_number() OVER (PARTITION BY c.clicked_at ORDER BY c.id DESC), 0) AS place
           FROM (SELECT l.code, l.campaign_id, l.partner_id FROM links l",
    );
    push_newest(&mut sql, "l.code", span);
    sql.push(" ORDER BY c.clicked_at DESC, c.id DESC LIMIT 1) c");
    push_links(&mut sql, wanted);
    sql.push(" ORDER BY c.clicked_at DESC, c.id DESC LIMIT ")
        .push_bind(links)
        .push(") l");
    push_newest(&mut sql, "l.code", span);
    if links.is_none() {
        sql.push(" AND ").push(IS_KEPT);
    }
    for (name, value) in wanted.filter.sub_ids() {
        sql.push(format_args!(" AND c.sub_ids ->> '{name}' = "))
            .push_bind(value);
    }
    sql.push(" ORDER BY c.clicked_at DESC, c.id DESC LIMIT ")
        .push_bind(newest)
        .push(") c) listed WHERE place < ")
        .push_bind(page.below())
        .push(" ORDER BY place DESC LIMIT ")
        .push_bind(page.rows());
    let rows = sql.build_query_as().fetch_all(&mut *tx).await?;
    tx.commit().await?;
    Ok((rows, searched_to.map(|moment| moment * OF_MOMENT)))
}

/// Between which moments clicks are looked for.
#[derive(Debug, Clone, Copy)]
struct Span {
    from: i64,
    to: i64,
    /// How many of the last moment pages before this one may have shown.
    shown_of_moment: i64,
}

impl Span {
    fn of(wanted: &Wanted<'_>, page: PageQuery) -> Self {
        let (below, end) = (page.below(), wanted.last.end().0);
        // Of a moment whose first place is that below which they are, there are none.
        let shown_of_moment = (OF_MOMENT - below % OF_MOMENT) % OF_MOMENT;
        let to = below / OF_MOMENT + i64::from(shown_of_moment > 0);
        Self {
            from: wanted.first.start().0,
            to: to.min(end),
            shown_of_moment,
        }
    }
}

/// The moment from which on so many clicks are looked through, about. `None`: all of the span. Of links whose last click is newer more are, as
/// few links have most clicks: the nth has a share of one nth, and the sum of such shares is no more than one and the logarithm of their number.
async fn newest_of_each(
    connection: &mut PgConnection,
    wanted: &Wanted<'_>,
    span: Span,
) -> Result<Option<i64>, sqlx::Error> {
    let mut sql = QueryBuilder::new(
        "WITH seen AS MATERIALIZED (SELECT l.code, row_number() OVER (ORDER BY c.clicked_at DESC) AS nth FROM links l",
    );
    push_newest(&mut sql, "l.code", span);
    sql.push(" ORDER BY c.clicked_at DESC LIMIT 1) c");
    push_links(&mut sql, wanted);
    sql.push(") SELECT max(c.clicked_at) FROM seen");
    push_newest(&mut sql, "seen.code", span);
    sql.push(" ORDER BY c.clicked_at DESC OFFSET greatest(floor(")
        .push_bind(SEARCHED)
        .push(" / (seen.nth * (SELECT 1 + ln(count(*)::float8) FROM seen)))::bigint, 1) - 1 LIMIT 1) c");
    sql.build_query_scalar().fetch_one(connection).await
}

/// Joins the clicks of a link, each as `c`: what leaves some of them, and the end of the parenthesis, come behind this.
fn push_newest(sql: &mut QueryBuilder<Postgres>, code: &str, span: Span) {
    sql.push(" CROSS JOIN LATERAL (SELECT c.clicked_at, c.id, CASE WHEN ")
        .push(IS_KEPT)
        .push(" THEN c.sub_ids END AS sub_ids FROM clicks c WHERE c.link_code = ")
        .push(code)
        .push(" AND c.clicked_at >= ")
        .push_bind(span.from)
        .push(" AND c.clicked_at < ")
        .push_bind(span.to);
}

/// Leaves the links that are wanted.
fn push_links(sql: &mut QueryBuilder<Postgres>, wanted: &Wanted<'_>) {
    sql.push(" WHERE true");
    let narrowing = [
        ("l.partner_id", wanted.partner.map(PartnerId::as_str)),
        ("l.code", wanted.filter.code.as_ref().map(LinkCode::as_str)),
    ];
    push_equal(sql, &narrowing);
}
