//! Lists of rows that are of campaigns: the newest of each campaign, each found by an index. That costs what a brand or a partner has of
//! campaigns, however many rows it, or anybody else, has.

use chassis::auth::Scope;
use chassis::page::PageQuery;
use runtime::lists::{push_behind, push_end, push_end_by_index};
use sqlx::{PgConnection, PgPool, Postgres, QueryBuilder};
use types::{BrandId, CampaignId, PartnerId};

use super::{ITS_BRAND, ITS_CAMPAIGNS_BRAND, Of, Table, all, push_page};

/// Where it stands whose brand's a row of a campaign is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Named {
    /// The campaign says it. A partner has few such rows.
    ByCampaign,
    /// The row itself says it too, and its table has indexes by brand, campaign and position, and by partner, campaign and position.
    ByRow,
    /// By row; and one that is nobody's says which brand reported it, with indexes by that and position, and by that, campaign and position.
    WithReporter,
}

impl Named {
    fn of(self) -> Of {
        match self {
            Self::ByCampaign => ITS_CAMPAIGNS_BRAND,
            Self::ByRow | Self::WithReporter => ITS_BRAND,
        }
    }
}

/// What such a list is narrowed to.
#[derive(Debug, Default, Clone, Copy)]
pub(crate) struct To<'a> {
    pub(crate) brand: Option<&'a BrandId>,
    pub(crate) campaign: Option<&'a CampaignId>,
    pub(crate) partner: Option<&'a PartnerId>,
}

/// Rows that are found together.
#[derive(Debug, Clone, Copy)]
enum Whose<'a> {
    Everybodys,
    Nobodys,
    Brands(&'a BrandId),
    Partners(&'a PartnerId),
    Both(&'a BrandId, &'a PartnerId),
    /// What is nobody's and this brand reported.
    Reported(&'a BrandId),
}

impl<'a> Whose<'a> {
    fn new(brand: Option<&'a BrandId>, partner: Option<&'a PartnerId>) -> Self {
        match (brand, partner) {
            (None, None) => Self::Everybodys,
            (Some(brand), None) => Self::Brands(brand),
            (None, Some(partner)) => Self::Partners(partner),
            (Some(brand), Some(partner)) => Self::Both(brand, partner),
        }
    }

    /// What is seen: an operator's all, a brand's those of it, and a partner's its own.
    fn seen(scope: Scope<'a>, to: To<'a>) -> (Option<Self>, Option<Self>) {
        if scope.all {
            return (Some(Self::new(to.brand, to.partner)), None);
        }
        let brand = Self::brand_seen(scope, to);
        let partner = scope.partner;
        let partner = partner.filter(|it| to.partner.is_none_or(|to| to == *it));
        (
            brand.map(|brand| Self::new(Some(brand), to.partner)),
            partner.map(|partner| Self::new(to.brand, Some(partner))),
        )
    }

    /// What is nobody's, of whose brand that reported it this is a list; no partner has any of it.
    fn reported(scope: Scope<'a>, to: To<'a>) -> Option<Self> {
        let brand = if scope.all {
            to.brand
        } else {
            Self::brand_seen(scope, to)
        };
        let brand = brand.filter(|_| to.partner.is_none());
        brand.map(Self::Reported)
    }

    /// The brand whose rows are seen, unless the list is of another.
    fn brand_seen(scope: Scope<'a>, to: To<'a>) -> Option<&'a BrandId> {
        let is_meant = |own: &&BrandId| to.brand.is_none_or(|to| to == *own);
        scope.brand.filter(is_meant)
    }

    fn push(self, sql: &mut QueryBuilder<Postgres>, named: Named) {
        let (brand, partner) = match self {
            // Who reported it is pushed with the order: what names that is nobody's.
            Self::Everybodys | Self::Reported(_) => (None, None),
            Self::Nobodys => {
                sql.push(" AND brand_id IS NULL");
                (None, None)
            }
            Self::Brands(brand) => (Some(brand), None),
            Self::Partners(partner) => (None, Some(partner)),
            Self::Both(brand, partner) if named != Named::ByCampaign => {
                // By the partner's index, which has these rows alone: a campaign has others' too, perhaps very many.
                sql.push(" AND coalesce(brand_id, '') = ")
                    .push_bind(brand.as_str());
                // Of those it expects one to be of the brand, and would read and sort them all. Of a partner that it does not see it expects few,
                // and takes them in the index's order.
                sql.push(" AND partner_id = (SELECT ")
                    .push_bind(partner.as_str())
                    .push("::text)");
                (None, None)
            }
            Self::Both(brand, partner) => (Some(brand), Some(partner)),
        };
        if let Some(brand) = brand {
            let (before, after) = named.of();
            sql.push(" AND ").push(before);
            sql.push_bind(brand.as_str()).push(after);
        }
        if let Some(partner) = partner {
            sql.push(" AND partner_id = ").push_bind(partner.as_str());
        }
    }

    /// A page of them.
    fn push_page<R: Table>(
        self,
        sql: &mut QueryBuilder<Postgres>,
        page: PageQuery,
        (named, campaign): (Named, Option<&CampaignId>),
        also: &impl Fn(&mut QueryBuilder<Postgres>),
    ) {
        let campaigns = match campaign {
            Some(_) => None,
            None => self.campaigns(named),
        };
        if let Some(campaigns) = campaigns {
            sql.push("SELECT r.* FROM ");
            campaigns.push::<R>(sql);
            sql.push(" CROSS JOIN LATERAL (");
        }
        let its = |sql: &mut QueryBuilder<Postgres>| {
            self.push(sql, named);
            match (self, campaign) {
                (Self::Reported(brand), Some(campaign)) => {
                    sql.push(" AND reporter_brand_id = ")
                        .push_bind(brand.as_str());
                    push_first_of_index(sql, ("campaign_id", campaign.as_str()), page);
                }
                (Self::Reported(brand), None) => {
                    push_first_of_index(sql, ("reporter_brand_id", brand.as_str()), page);
                }
                (_, Some(campaign)) => {
                    sql.push(" AND campaign_id = ").push_bind(campaign.as_str());
                }
                (_, None) if campaigns.is_some() => {
                    sql.push(" AND campaign_id = c.id");
                }
                (_, None) => {}
            }
            also(sql);
        };
        let order_of_index = match (self, campaign) {
            (Self::Both(..), _) => None,
            (Self::Reported(_), Some(_)) => Some("campaign_id DESC, position"),
            (Self::Reported(_), None) => Some("reporter_brand_id DESC, position"),
            _ => campaigns.map(|_| "position"),
        };
        if let Some(order) = order_of_index {
            push_behind(sql, (&all::<R>(), "position"), page);
            its(sql);
            push_end_by_index(sql, order, page);
        } else {
            push_page::<R>(sql, page, its, &[]);
        }
        if campaigns.is_some() {
            sql.push(") r");
            push_end(sql, "position", page);
        }
    }

    /// Where their campaigns are found; none where an index has the rows by position.
    fn campaigns(self, named: Named) -> Option<Campaigns<'a>> {
        match (self, named) {
            (Self::Brands(brand), Named::ByCampaign) => Some(Campaigns::OfBrand(brand)),
            (Self::Brands(brand) | Self::Both(brand, _), Named::ByRow | Named::WithReporter) => {
                Some(Campaigns::OfRows("brand_id", brand.as_str()))
            }
            (Self::Partners(partner), Named::ByRow | Named::WithReporter) => {
                Some(Campaigns::OfRows("partner_id", partner.as_str()))
            }
            _ => None,
        }
    }
}

/// Leaves the rows whose column is this, as a stretch of the index that goes by it and then by position. Were it an equation, the planner would see
/// that an index of everybody's rows has them in order too, and look for some among the newest, where there may be none.
fn push_first_of_index(
    sql: &mut QueryBuilder<Postgres>,
    (column, value): (&str, &str),
    page: PageQuery,
) {
    sql.push(" AND ").push(column).push(" >= ").push_bind(value);
    sql.push(" AND (").push(column).push(", position) < (");
    sql.push_bind(value).push(", ");
    sql.push_bind(page.below()).push(")");
}

/// Campaigns that there are rows of, and perhaps others.
#[derive(Debug, Clone, Copy)]
enum Campaigns<'a> {
    OfBrand(&'a BrandId),
    /// Those of rows whose column is this: they may not be known here themselves yet.
    OfRows(&'static str, &'a str),
}

impl Campaigns<'_> {
    /// As `c (id)`.
    fn push<R: Table>(self, sql: &mut QueryBuilder<Postgres>) {
        let (column, id) = match self {
            Self::OfBrand(brand) => {
                sql.push("(SELECT id FROM campaigns WHERE brand_id = ")
                    .push_bind(brand.as_str())
                    .push(") c");
                return;
            }
            Self::OfRows(column, id) => (column, id),
        };
        push_walk::<R>(sql, "campaign_id", &|sql| {
            sql.push(column).push(" = ").push_bind(id);
        });
        sql.push(" c");
    }
}

/// Pushes what stands in a column of these rows, each once, as a table with the column `id`: from one entry of an index to the first of the
/// next.
fn push_walk<R: Table>(
    sql: &mut QueryBuilder<Postgres>,
    column: &str,
    these: &impl Fn(&mut QueryBuilder<Postgres>),
) {
    let first = |sql: &mut QueryBuilder<Postgres>, is_next: bool| {
        sql.push("(SELECT ").push(column);
        sql.push(" FROM ").push(R::NAME).push(" WHERE ");
        these(sql);
        if is_next {
            sql.push(" AND ").push(column).push(" > walk.id");
        }
        sql.push(" ORDER BY ").push(column).push(" LIMIT 1)");
    };
    sql.push("(WITH RECURSIVE walk (id) AS (");
    first(sql, false);
    sql.push(" UNION ALL SELECT ");
    first(sql, true);
    sql.push(" FROM walk WHERE walk.id IS NOT NULL) SELECT id FROM walk WHERE id IS NOT NULL)");
}

/// A partner's own, those of a brand's campaigns, or everybody's, newest first.
pub(super) async fn list<R: Table>(
    pool: &PgPool,
    scope: Scope<'_>,
    to: To<'_>,
    page: PageQuery,
    named: Named,
    also: impl Fn(&mut QueryBuilder<Postgres>),
) -> Result<Vec<R>, sqlx::Error> {
    let mut connection = pool.acquire().await?;
    list_on(&mut connection, scope, to, page, named, also).await
}

async fn list_on<R: Table>(
    connection: &mut PgConnection,
    scope: Scope<'_>,
    to: To<'_>,
    page: PageQuery,
    named: Named,
    also: impl Fn(&mut QueryBuilder<Postgres>),
) -> Result<Vec<R>, sqlx::Error> {
    let mut seen = Whose::seen(scope, to);
    let its_brand;
    if let (Some(Whose::Everybodys), Some(campaign)) = (seen.0, to.campaign)
        && named != Named::ByCampaign
    {
        // Rows of a campaign are found by its brand; what is nobody's names none.
        its_brand = brand_of::<R>(connection, campaign).await?;
        seen = (its_brand.as_ref().map(Whose::Brands), Some(Whose::Nobodys));
    }
    let reported = Whose::reported(scope, to).filter(|_| named == Named::WithReporter);
    let all = [seen.0, seen.1, reported];
    let all: Vec<Whose> = all.into_iter().flatten().collect();
    read_page(connection, &all, to, page, named, also).await
}

/// What a brand reported that is nobody's, newest first.
pub(super) async fn list_reported<R: Table>(
    pool: &PgPool,
    scope: Scope<'_>,
    to: To<'_>,
    page: PageQuery,
) -> Result<Vec<R>, sqlx::Error> {
    let Some(reported) = Whose::reported(scope, to) else {
        return Ok(Vec::new());
    };
    let mut connection = pool.acquire().await?;
    let named = Named::WithReporter;
    read_page(&mut connection, &[reported], to, page, named, |_| {}).await
}

/// A page of all of these together.
async fn read_page<R: Table>(
    connection: &mut PgConnection,
    all: &[Whose<'_>],
    to: To<'_>,
    page: PageQuery,
    named: Named,
    also: impl Fn(&mut QueryBuilder<Postgres>),
) -> Result<Vec<R>, sqlx::Error> {
    let mut sql = QueryBuilder::new("");
    let of = (named, to.campaign);
    match all {
        [] => return Ok(Vec::new()),
        [whose] => whose.push_page::<R>(&mut sql, page, of, &also),
        all => {
            for (at, whose) in all.iter().enumerate() {
                sql.push(if at == 0 { "(" } else { " UNION (" });
                whose.push_page::<R>(&mut sql, page, of, &also);
                sql.push(")");
            }
            push_end(&mut sql, "position", page);
        }
    }
    // Which of two indexes has fewer rows depends on the values: a plan for all of them would not know.
    let is_narrowed = to.brand.is_some() || to.campaign.is_some() || to.partner.is_some();
    let page = sql.build_query_as().persistent(!is_narrowed);
    page.fetch_all(connection).await
}

/// Whose a campaign is, where that is known here: its rows may be before itself.
async fn brand_of<R: Table>(
    connection: &mut PgConnection,
    campaign: &CampaignId,
) -> Result<Option<BrandId>, sqlx::Error> {
    let mut brand: Option<String> =
        sqlx::query_scalar("SELECT brand_id FROM campaigns WHERE id = $1")
            .bind(campaign.as_str())
            .fetch_optional(&mut *connection)
            .await?;
    if brand.is_none() {
        // No index begins with the campaign: each brand that has rows is tried.
        let mut sql = QueryBuilder::new("SELECT b.id FROM ");
        push_walk::<R>(&mut sql, "brand_id", &|sql| {
            sql.push("brand_id IS NOT NULL");
        });
        sql.push(" b CROSS JOIN LATERAL (SELECT FROM ")
            .push(R::NAME);
        sql.push(" WHERE brand_id = b.id AND campaign_id = ");
        sql.push_bind(campaign.as_str()).push(" LIMIT 1) r LIMIT 1");
        // A plan for all campaigns would expect some rows of each, and look for them without the index.
        let found = sql.build_query_scalar().persistent(false);
        brand = found.fetch_optional(connection).await?;
    }
    Ok(brand.and_then(|brand| BrandId::parse(brand).ok()))
}

#[cfg(test)]
mod tests {
    use chassis::page::Form;
    use runtime::lists::in_state;
    use runtime::testing::{TestService, rows_read};
    use types::ConversionStatus;

    use super::*;
    use crate::store::commissions::CommissionRow;
    use crate::store::conversions::{self, ConversionRow};
    use crate::store::enrollments::EnrollmentRow;

    const PAGE: PageQuery = PageQuery {
        limit: 50,
        cursor: None,
        form: Form::Json,
    };
    const ALL: Scope<'static> = Scope {
        all: true,
        partner: None,
        brand: None,
    };

    /// What a brand sees, a partner, and the brand of that partner.
    fn seen<'a>(brand: &'a BrandId, partner: &'a PartnerId) -> [(Scope<'a>, To<'a>); 3] {
        let brand = Scope {
            all: false,
            partner: None,
            brand: Some(brand),
        };
        let of_partner = To {
            partner: Some(partner),
            ..To::default()
        };
        let own = Scope {
            all: false,
            partner: Some(partner),
            brand: None,
        };
        [
            (brand, To::default()),
            (own, To::default()),
            (brand, of_partner),
        ]
    }

    #[tokio::test]
    async fn the_newest_of_the_largest_brand_and_partner_are_read_in_the_order_of_an_index() {
        let service = TestService::start(crate::define).await;
        let mut connection = service.pool().acquire().await.unwrap();
        sqlx::raw_sql(
            "INSERT INTO conversions (id, position, status, refunded_minor, occurred_at, recorded_at, partner_id, campaign_id, brand_id)
             SELECT 'conversion ' || n, n, 'attributed', 0, n, n, 'p' || of, 'c' || of % 500, 'b' || of % 100
               FROM (SELECT n, CASE WHEN n % 3 = 0 THEN 0 ELSE n % 5000 END AS of FROM generate_series(1, 50000) n) n;
             ANALYZE conversions",
        )
        .execute(&mut *connection)
        .await
        .unwrap();
        let (brand, partner) = (
            BrandId::parse("b0").unwrap(),
            PartnerId::parse("p0").unwrap(),
        );
        for (whose, index) in [
            (Whose::Both(&brand, &partner), "conversions_of_partner"),
            (Whose::Partners(&partner), "conversions_of_partner"),
            (Whose::Brands(&brand), "conversions_by_campaign"),
        ] {
            let mut sql = QueryBuilder::new("EXPLAIN ");
            whose.push_page::<ConversionRow>(&mut sql, PAGE, (Named::ByRow, None), &|_| {});
            let plan = sql.build_query_scalar().persistent(false);
            let plan: Vec<String> = plan.fetch_all(&mut *connection).await.unwrap();
            let plan = plan.join("\n");
            let in_order = format!("Backward using {index}");
            assert!(
                plan.contains(&in_order) && !plan.contains("Bitmap"),
                "{plan}"
            );
        }
        drop(connection);
        service.stop().await;
    }

    #[tokio::test]
    async fn whose_commissions_are_all_approved_has_none_on_hold_without_reading_them() {
        let service = TestService::start(crate::define).await;
        sqlx::raw_sql(
            "INSERT INTO commissions (id, position, campaign_id, partner_id, brand_id, event_type, plan_version, currency, amount_minor,
                                      reversed_minor, status, calculated_at)
             SELECT 'commission ' || n, n, 'c' || CASE WHEN n > 50000 THEN 9 ELSE n % 5 END,
                    CASE WHEN n > 50000 THEN 'p9' ELSE 'p0' END, CASE WHEN n > 50000 THEN 'b9' ELSE 'b0' END,
                    'purchase', 1, 'USD', 1, 0, CASE WHEN n > 50000 THEN 'held' ELSE 'approved' END, n
               FROM generate_series(1, 60000) n;
             ANALYZE commissions",
        )
        .execute(service.pool())
        .await
        .unwrap();
        let held = in_state("status", Some("held"));
        let (brand, partner) = (
            BrandId::parse("b0").unwrap(),
            PartnerId::parse("p0").unwrap(),
        );
        let mut tx = messaging::begin(service.pool(), "BEGIN").await.unwrap();
        for (scope, to) in seen(&brand, &partner) {
            let rows = list_on(&mut tx, scope, to, PAGE, Named::ByRow, &held).await;
            let rows: Vec<CommissionRow> = rows.unwrap();
            assert_eq!(rows, Vec::new(), "{scope:?} {to:?}");
        }
        let read = rows_read(&mut tx, "commissions").await;
        assert!(read <= 100, "{read}");
        let (brand, partner) = (
            BrandId::parse("b9").unwrap(),
            PartnerId::parse("p9").unwrap(),
        );
        for (scope, to) in seen(&brand, &partner) {
            let rows = list_on(&mut tx, scope, to, PAGE, Named::ByRow, &held).await;
            let rows: Vec<CommissionRow> = rows.unwrap();
            assert_eq!(rows[0].position, 60_000, "{scope:?} {to:?}");
        }
        drop(tx);
        service.stop().await;
    }

    #[tokio::test]
    async fn a_brand_for_whose_campaigns_nobody_waits_has_no_applications_without_reading_who_is_in()
     {
        let service = TestService::start(crate::define).await;
        sqlx::raw_sql(
            "INSERT INTO campaigns (id, position, brand_id, name, currency, allowed_hosts, join_mode, status, created_at)
             SELECT 'c' || n, n, CASE n WHEN 9 THEN 'b9' ELSE 'b0' END, 'c', 'USD', '[]', 'approval', 'active', n
               FROM generate_series(0, 9) n;
             INSERT INTO enrollments (id, position, status, campaign_id, partner_id, terms_version, since)
             SELECT 'e' || n, n, CASE WHEN n > 50000 THEN 'applied' ELSE 'enrolled' END,
                    'c' || CASE WHEN n > 50000 THEN 9 ELSE n % 5 END, 'p' || n, 1, n
               FROM generate_series(1, 60000) n;
             ANALYZE campaigns, enrollments",
        )
        .execute(service.pool())
        .await
        .unwrap();
        let mut tx = messaging::begin(service.pool(), "BEGIN").await.unwrap();
        let brand = BrandId::parse("b0").unwrap();
        let scope = Scope {
            all: false,
            partner: None,
            brand: Some(&brand),
        };
        let applied = in_state("status", Some("applied"));
        let to = To::default();
        let rows = list_on(&mut tx, scope, to, PAGE, Named::ByCampaign, applied).await;
        let rows: Vec<EnrollmentRow> = rows.unwrap();
        assert_eq!(rows, Vec::new());
        let read = rows_read(&mut tx, "enrollments").await;
        assert!(read <= 100, "{read}");
        drop(tx);
        service.stop().await;
    }

    #[tokio::test]
    async fn what_is_not_attributed_is_no_partners_and_what_is_only_noted_no_brands() {
        let nothing = PgPool::connect_lazy("postgres://localhost/none").unwrap();
        nothing.close().await;
        let (brand, partner) = (
            BrandId::parse("b0").unwrap(),
            PartnerId::parse("p0").unwrap(),
        );
        let all_of_brand = To {
            brand: Some(&brand),
            ..To::default()
        };
        let all_of_partner = To {
            partner: Some(&partner),
            ..To::default()
        };
        let [of_brand, of_partner, of_both] = seen(&brand, &partner);
        let partners = [of_partner, of_both, (ALL, all_of_partner)];
        let brands = [of_brand, (ALL, all_of_brand)];
        let noted = brands.map(|it| (ConversionStatus::Noted, it));
        let all = partners.into_iter().flat_map(|it| {
            [ConversionStatus::Unattributed, ConversionStatus::Noted].map(|status| (status, it))
        });
        for (status, (scope, to)) in all.chain(noted) {
            let rows = conversions::list(&nothing, scope, to, None, Some(status), PAGE).await;
            assert_eq!(rows.unwrap(), Vec::new(), "{status:?} {scope:?} {to:?}");
        }
    }

    /// Of 50,000 that are nobody's, `b0` reported nearly all, half of them for `c0`, and `b9` two before all others.
    async fn reported(service: &TestService) {
        sqlx::raw_sql(
            "INSERT INTO conversions (id, position, status, refunded_minor, occurred_at, recorded_at, reporter_brand_id, campaign_id)
             SELECT 'nobodys ' || n, n, 'unattributed', 0, n, n, CASE WHEN n < 3 THEN 'b9' ELSE 'b0' END, CASE WHEN n % 2 = 0 THEN 'c0' END
               FROM generate_series(1, 50000) n;
             INSERT INTO conversions (id, position, status, refunded_minor, occurred_at, recorded_at, partner_id, campaign_id, brand_id)
             SELECT 'sale ' || n, 50000 + n, 'attributed', 0, n, n, 'p0', 'c' || n % 10, 'b' || n % 10 FROM generate_series(1, 20000) n;
             ANALYZE conversions",
        )
        .execute(service.pool())
        .await
        .unwrap();
    }

    #[tokio::test]
    async fn what_a_brand_reported_is_found_among_very_many_and_with_what_is_its_own() {
        let service = TestService::start(crate::define).await;
        reported(&service).await;
        let (b0, b9) = (BrandId::parse("b0").unwrap(), BrandId::parse("b9").unwrap());
        let (c0, c1) = ("c0".parse().unwrap(), "c1".parse().unwrap());
        let brands = |own| Scope {
            all: false,
            partner: None,
            brand: Some(own),
        };
        let to = |campaign| To {
            campaign,
            ..To::default()
        };
        let mut tx = messaging::begin(service.pool(), "BEGIN").await.unwrap();
        for (own, campaign, positions) in [
            // Its newest are a partner's, all of them.
            (&b0, None, (51, 70_000)),
            (&b0, Some(&c0), (51, 70_000)),
            (&b0, Some(&c1), (0, 0)),
            // It has no sale of this campaign, and two reports before all others, of which one names that.
            (&b9, Some(&c0), (1, 2)),
            (&b9, Some(&c1), (0, 0)),
        ] {
            let named = Named::WithReporter;
            let before = rows_read(&mut tx, "conversions").await;
            let rows = list_on(&mut tx, brands(own), to(campaign), PAGE, named, |_| {}).await;
            let rows: Vec<ConversionRow> = rows.unwrap();
            let newest = rows.first().map_or(0, |row| row.position);
            assert_eq!((rows.len(), newest), positions, "{own} {campaign:?}");
            let read = rows_read(&mut tx, "conversions").await - before;
            assert!(read <= 300, "{own} {campaign:?}: {read}");
        }
        drop(tx);
        for (own, newest) in [(&b0, 50_000), (&b9, 2)] {
            let mut tx = messaging::begin(service.pool(), "BEGIN").await.unwrap();
            let before = rows_read(&mut tx, "conversions").await;
            let reported = Whose::reported(brands(own), To::default());
            let all = [reported.unwrap()];
            let to = To::default();
            let rows = read_page(&mut tx, &all, to, PAGE, Named::WithReporter, |_| {}).await;
            let rows: Vec<ConversionRow> = rows.unwrap();
            assert_eq!(rows[0].position, newest);
            let read = rows_read(&mut tx, "conversions").await - before;
            assert!(read <= 100, "{own}: {read}");
        }
        service.stop().await;
    }

    #[tokio::test]
    async fn the_rows_of_a_campaign_that_is_not_known_are_found_by_their_brands() {
        let service = TestService::start(crate::define).await;
        sqlx::raw_sql(
            "INSERT INTO conversions (id, position, status, refunded_minor, occurred_at, recorded_at, partner_id, campaign_id, brand_id)
             SELECT 'conversion ' || n, n, 'attributed', 0, n, n, 'p' || n % 5000, 'c' || n % 500, 'b' || n % 100
               FROM generate_series(1, 50000) n;
             ANALYZE conversions",
        )
        .execute(service.pool())
        .await
        .unwrap();
        let mut tx = messaging::begin(service.pool(), "BEGIN").await.unwrap();
        for (campaign, expected) in [("c_mistyped", 0), ("c499", 51)] {
            let campaign = CampaignId::parse(campaign).unwrap();
            let to = To {
                campaign: Some(&campaign),
                ..To::default()
            };
            let rows = list_on(&mut tx, ALL, to, PAGE, Named::ByRow, |_| {}).await;
            let rows: Vec<ConversionRow> = rows.unwrap();
            assert_eq!(rows.len(), expected, "{campaign}");
        }
        let read = "SELECT seq_tup_read + idx_tup_fetch FROM pg_stat_xact_user_tables WHERE relname = 'conversions'";
        let read: i64 = sqlx::query_scalar(read).fetch_one(&mut *tx).await.unwrap();
        assert!(read <= 1_000, "{read}");
        drop(tx);
        service.stop().await;
    }
}
