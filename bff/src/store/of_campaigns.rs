//! Lists of rows that are of campaigns: the newest of each campaign, each found by an index. That costs what a brand or a partner has of
//! campaigns, however many rows it, or anybody else, has.

use chassis::auth::Scope;
use chassis::page::PageQuery;
use runtime::lists::push_end;
use sqlx::{PgPool, Postgres, QueryBuilder};
use types::{BrandId, CampaignId, PartnerId};

use super::{ITS_BRAND, ITS_CAMPAIGNS_BRAND, Of, Table, push_page};

/// Where it stands whose brand's a row of a campaign is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Named {
    /// The campaign says it. A partner has few such rows.
    ByCampaign,
    /// The row itself says it too, and its table has indexes by brand, campaign and position, and by partner, campaign and position.
    ByRow,
}

impl Named {
    fn of(self) -> Of {
        match self {
            Self::ByCampaign => ITS_CAMPAIGNS_BRAND,
            Self::ByRow => ITS_BRAND,
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
        let brand = scope.brand.filter(|it| to.brand.is_none_or(|to| to == *it));
        let partner = scope.partner;
        let partner = partner.filter(|it| to.partner.is_none_or(|to| to == *it));
        (
            brand.map(|brand| Self::new(Some(brand), to.partner)),
            partner.map(|partner| Self::new(to.brand, Some(partner))),
        )
    }

    fn push(self, sql: &mut QueryBuilder<Postgres>, named: Named) {
        let (brand, partner) = match self {
            Self::Everybodys => (None, None),
            Self::Nobodys => {
                sql.push(" AND brand_id IS NULL");
                (None, None)
            }
            Self::Brands(brand) => (Some(brand), None),
            Self::Partners(partner) => (None, Some(partner)),
            Self::Both(brand, partner) if named == Named::ByRow => {
                // By the partner's index, which has these rows alone: a campaign has others' too, perhaps very many.
                sql.push(" AND coalesce(brand_id, '') = ")
                    .push_bind(brand.as_str());
                // Whose rows are very many has few of each campaign, as the planner sees it: it would read and sort them all. Of a partner
                // that it does not see, it takes them in the index's order.
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
            if let Some(campaign) = campaign {
                sql.push(" AND campaign_id = ").push_bind(campaign.as_str());
            } else if campaigns.is_some() {
                sql.push(" AND campaign_id = c.id");
            }
            also(sql);
        };
        push_page::<R>(sql, page, its, &[]);
        if campaigns.is_some() {
            sql.push(") r");
            push_end(sql, "position", page);
        }
    }

    /// Where their campaigns are found; none where an index has the rows by position.
    fn campaigns(self, named: Named) -> Option<Campaigns<'a>> {
        match (self, named) {
            (Self::Brands(brand), Named::ByCampaign) => Some(Campaigns::OfBrand(brand)),
            (Self::Brands(brand) | Self::Both(brand, _), Named::ByRow) => {
                Some(Campaigns::OfRows("brand_id", brand.as_str()))
            }
            (Self::Partners(partner), Named::ByRow) => {
                Some(Campaigns::OfRows("partner_id", partner.as_str()))
            }
            _ => None,
        }
    }
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
        // From one entry of the index to the first of the next campaign.
        let first = |sql: &mut QueryBuilder<Postgres>, also| {
            sql.push("(SELECT campaign_id FROM ").push(R::NAME);
            sql.push(" WHERE ").push(column).push(" = ").push_bind(id);
            sql.push(also).push(" ORDER BY campaign_id LIMIT 1)");
        };
        sql.push("(WITH RECURSIVE walk (id) AS (");
        first(sql, "");
        sql.push(" UNION ALL SELECT ");
        first(sql, " AND campaign_id > walk.id");
        sql.push(
            " FROM walk WHERE walk.id IS NOT NULL) SELECT id FROM walk WHERE id IS NOT NULL) c",
        );
    }
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
    let mut seen = Whose::seen(scope, to);
    // Rows of a campaign are found by its brand; what is nobody's names none.
    let its_brand = match (seen.0, to.campaign) {
        (Some(Whose::Everybodys), Some(campaign)) if named == Named::ByRow => {
            brand_of(pool, campaign).await?
        }
        _ => None,
    };
    if let Some(brand) = &its_brand {
        seen = (Some(Whose::Brands(brand)), Some(Whose::Nobodys));
    }
    let mut sql = QueryBuilder::new("");
    let of = (named, to.campaign);
    match seen {
        (None, None) => return Ok(Vec::new()),
        (Some(whose), None) | (None, Some(whose)) => {
            whose.push_page::<R>(&mut sql, page, of, &also);
        }
        (Some(one), Some(other)) => {
            sql.push("(");
            one.push_page::<R>(&mut sql, page, of, &also);
            sql.push(") UNION (");
            other.push_page::<R>(&mut sql, page, of, &also);
            sql.push(")");
            push_end(&mut sql, "position", page);
        }
    }
    // Which of two indexes has fewer rows depends on the values: a plan for all of them would not know.
    let is_narrowed = to.brand.is_some() || to.campaign.is_some() || to.partner.is_some();
    let page = sql.build_query_as().persistent(!is_narrowed);
    page.fetch_all(pool).await
}

/// Whose a campaign is, where that is known here.
async fn brand_of(pool: &PgPool, campaign: &CampaignId) -> Result<Option<BrandId>, sqlx::Error> {
    let brand: Option<String> = sqlx::query_scalar("SELECT brand_id FROM campaigns WHERE id = $1")
        .bind(campaign.as_str())
        .fetch_optional(pool)
        .await?;
    Ok(brand.and_then(|brand| BrandId::parse(brand).ok()))
}

#[cfg(test)]
mod tests {
    use chassis::page::Form;
    use runtime::testing::TestService;

    use super::*;
    use crate::store::conversions::ConversionRow;

    #[tokio::test]
    async fn the_newest_of_the_largest_partner_at_its_brand_are_read_in_the_order_of_an_index() {
        let service = TestService::start(crate::define).await;
        let mut connection = service.pool().acquire().await.unwrap();
        sqlx::raw_sql(
            "INSERT INTO conversions (id, position, status, refunded_minor, occurred_at, recorded_at, partner_id, campaign_id, brand_id)
             SELECT 'conversion ' || n, n, 'attributed', 0, n, n, 'p' || of, 'c' || of % 500, 'b' || of % 100
               FROM (SELECT n, CASE WHEN n % 20 = 0 THEN 0 ELSE n % 5000 END AS of FROM generate_series(1, 50000) n) n;
             ANALYZE conversions",
        )
        .execute(&mut *connection)
        .await
        .unwrap();
        let (brand, partner) = (
            BrandId::parse("b0").unwrap(),
            PartnerId::parse("p0").unwrap(),
        );
        let page = PageQuery {
            limit: 50,
            cursor: None,
            form: Form::Json,
        };
        let mut sql = QueryBuilder::new("EXPLAIN ");
        let whose = Whose::Both(&brand, &partner);
        let of = (Named::ByRow, None);
        whose.push_page::<ConversionRow>(&mut sql, page, of, &|_| {});
        let plan = sql.build_query_scalar().persistent(false);
        let plan: Vec<String> = plan.fetch_all(&mut *connection).await.unwrap();
        let plan = plan.join("\n");
        assert!(
            plan.contains("Backward using conversions_of_partner") && !plan.contains("Bitmap"),
            "{plan}"
        );
        drop(connection);
        service.stop().await;
    }
}
