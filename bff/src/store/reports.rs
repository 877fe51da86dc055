//! Sums for reports: what is kept of them, and over `conversions`, `commissions` and `payouts` what is not.

use chassis::auth::Scope;
use chassis::time::{Day, Pieces, QUARTER_HOUR, QUARTERS_OF_DAY};
use runtime::lists::{push_equal, seen_by};
use sqlx::{FromRow, PgConnection, PgPool, Postgres, QueryBuilder, Transaction};
use types::{BrandId, CampaignId, Currency, LinkCode, PartnerId};

/// Everything that is summed stands at one moment. The plan is made for the stretch of time of this one question, which may be all there
/// is; a statement that takes longer than anybody waits for it is given up.
const BEGIN: &str =
    "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY; SET LOCAL enable_seqscan = on;
    SET LOCAL plan_cache_mode = force_custom_plan; SET LOCAL statement_timeout = '5s'";

/// What is summed.
#[derive(Debug)]
pub(crate) struct Selection<'a> {
    /// What the caller may see.
    pub(crate) scope: Scope<'a>,
    /// Microseconds, as tracking is asked: each begins a span that ends before the next one.
    pub(crate) boundaries: &'a [i64],
    pub(crate) campaign: Option<&'a CampaignId>,
    pub(crate) partner: Option<&'a PartnerId>,
    pub(crate) brand: Option<&'a BrandId>,
    pub(crate) link: Option<&'a LinkCode>,
    /// In which something was paid, earned or paid out.
    pub(crate) currency: Option<Currency>,
    pub(crate) by: Apart,
    /// What was recorded before is summed already, in microseconds.
    pub(crate) horizon: i64,
    /// So many rows, and one more where there are more.
    pub(crate) limit: i64,
}

/// What is summed apart.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
#[allow(
    clippy::struct_excessive_bools,
    reason = "each is a column, apart or not"
)]
pub(crate) struct Apart {
    pub(crate) campaign: bool,
    pub(crate) partner: bool,
    pub(crate) link: bool,
    pub(crate) group: bool,
}

/// What conversions of a span came to. Sums are decimal text: they may be beyond an `i64`.
#[derive(Debug, FromRow)]
pub(crate) struct EarnedRow {
    pub(crate) span: i32,
    pub(crate) campaign_id: Option<String>,
    pub(crate) partner_id: Option<String>,
    pub(crate) link_code: Option<String>,
    /// Where groups are apart; without a group it is the brand's default one.
    pub(crate) brand_id: Option<String>,
    pub(crate) group_id: Option<String>,
    /// Of what was paid, where it is known.
    pub(crate) currency: Option<String>,
    /// Of what was earned; nothing where nothing was.
    pub(crate) earned_in: Option<String>,
    pub(crate) leads: i64,
    pub(crate) sales: i64,
    pub(crate) revenue: String,
    pub(crate) refunds: String,
    pub(crate) commissions: String,
}

/// What was paid out in a span.
#[derive(Debug, FromRow)]
pub(crate) struct PaidRow {
    pub(crate) span: i32,
    pub(crate) partner_id: Option<String>,
    pub(crate) currency: String,
    pub(crate) payouts: String,
}

/// A partner that is in another group of a brand than the default one.
#[derive(Debug, FromRow)]
#[allow(clippy::struct_field_names, reason = "as the columns")]
pub(crate) struct Grouped {
    pub(crate) partner_id: String,
    pub(crate) brand_id: String,
    pub(crate) group_id: String,
}

/// A moment to read at.
pub(crate) async fn begin(pool: &PgPool) -> Result<Transaction<'static, Postgres>, sqlx::Error> {
    messaging::begin(pool, BEGIN).await
}

/// What was recorded before is summed, where spans begin and end with the quarters of hours that sums are kept by. All that there are today
/// do; of an older calendar's nothing is kept.
pub(crate) async fn horizon(
    connection: &mut PgConnection,
    boundaries: &[i64],
) -> Result<i64, sqlx::Error> {
    if Pieces::of(boundaries).is_none() {
        return Ok(i64::MIN);
    }
    sqlx::query_scalar("SELECT summed_to FROM report_horizon")
        .fetch_one(connection)
        .await
}

/// What is kept of conversions that are a partner's, on the day when they were recorded, with what they earned.
pub(crate) async fn kept(
    connection: &mut PgConnection,
    wanted: &Selection<'_>,
) -> Result<Vec<EarnedRow>, sqlx::Error> {
    let (Some(pieces), &[first, .., last]) = (Pieces::of(wanted.boundaries), wanted.boundaries)
    else {
        return Ok(Vec::new());
    };
    if wanted.horizon <= first {
        return Ok(Vec::new());
    }
    let campaign = campaign_of(connection, wanted.link).await?;
    let mut sql = wanted.columns("s.at", "s", Some("s.link_code"));
    sql.push(
        ", coalesce(nullif(s.currency, ''), k.currency) AS currency, nullif(s.earned_in, '') AS earned_in, sum(s.leads)::bigint AS leads,
           sum(s.sales)::bigint AS sales, sum(s.revenue)::text AS revenue, sum(s.refunds)::text AS refunds, sum(s.commissions)::text AS commissions
      FROM (",
    );
    wanted.push_kept(&mut sql, &pieces, (first, last));
    sql.push(") s LEFT JOIN campaigns k ON k.id = s.campaign_id");
    wanted.push_groups(&mut sql, "s");
    sql.push(" WHERE s.leads + s.sales > 0");
    wanted.push_whose(&mut sql, "s");
    if let Some(link) = wanted.link {
        sql.push(" AND s.link_code = ").push_bind(link.as_str());
    }
    if let Some(campaign) = campaign {
        sql.push(" AND s.campaign_id = ").push_bind(campaign);
    }
    wanted.push_currency(
        &mut sql,
        "coalesce(nullif(s.currency, ''), k.currency, nullif(s.earned_in, '')), nullif(s.earned_in, '')",
    );
    sql.push(" GROUP BY 1, 2, 3, 4, 5, 6, 7, 8 LIMIT ")
        .push_bind(wanted.limit + 1);
    sql.build_query_as().fetch_all(connection).await
}

/// The campaign of a link, where that is known: sums are found by their campaigns, and not by their links.
async fn campaign_of(
    connection: &mut PgConnection,
    link: Option<&LinkCode>,
) -> Result<Option<String>, sqlx::Error> {
    let Some(link) = link else { return Ok(None) };
    sqlx::query_scalar("SELECT campaign_id FROM links WHERE id = $1")
        .bind(link.as_str())
        .fetch_optional(connection)
        .await
}

/// The others of them.
pub(crate) async fn earned(
    connection: &mut PgConnection,
    wanted: &Selection<'_>,
) -> Result<Vec<EarnedRow>, sqlx::Error> {
    let mut sql = wanted.columns("c.recorded_at", "c", Some("c.link_code"));
    sql.push(
        ", coalesce(c.currency, k.currency) AS currency, m.currency AS earned_in,
           count(*) FILTER (WHERE c.event_type = 'lead') AS leads, count(*) FILTER (WHERE c.event_type = 'purchase') AS sales,
           coalesce(sum(c.amount_minor), 0)::text AS revenue, coalesce(sum(c.refunded_minor), 0)::text AS refunds,
           coalesce(sum(m.amount_minor - m.reversed_minor), 0)::text AS commissions
      FROM conversions c LEFT JOIN commissions m ON m.id = c.id LEFT JOIN campaigns k ON k.id = c.campaign_id",
    );
    wanted.push_groups(&mut sql, "c");
    sql.push(" WHERE c.status = 'attributed'");
    wanted.push_unkept(&mut sql, "c.recorded_at");
    wanted.push_whose(&mut sql, "c");
    if let Some(link) = wanted.link {
        sql.push(" AND c.link_code = ").push_bind(link.as_str());
    }
    wanted.push_currency(
        &mut sql,
        "coalesce(c.currency, k.currency, m.currency), m.currency",
    );
    sql.push(" GROUP BY 1, 2, 3, 4, 5, 6, 7, 8 LIMIT ")
        .push_bind(wanted.limit + 1);
    sql.build_query_as().fetch_all(connection).await
}

/// Commissions whose conversions are not known here, or not as anybody's: their stream is behind, or a message of it is a dead
/// letter. They count on the day when they were calculated, so that no sum lacks them. Of those before the horizon it is kept which they are.
pub(crate) async fn earned_alone(
    connection: &mut PgConnection,
    wanted: &Selection<'_>,
    is_kept: bool,
) -> Result<Vec<EarnedRow>, sqlx::Error> {
    if wanted.link.is_some() {
        return Ok(Vec::new());
    }
    let mut sql = wanted.columns("m.calculated_at", "m", None);
    sql.push(
        ", NULL::text AS currency, m.currency AS earned_in, 0::bigint AS leads, 0::bigint AS sales, '0' AS revenue, '0' AS refunds,
           sum(m.amount_minor - m.reversed_minor)::text AS commissions
      FROM commissions m",
    );
    if is_kept {
        sql.push(" JOIN report_alone alone ON alone.id = m.id");
    }
    wanted.push_groups(&mut sql, "m");
    sql.push(
        " WHERE NOT EXISTS (SELECT FROM conversions c WHERE c.id = m.id AND c.status = 'attributed')",
    );
    if is_kept {
        wanted.push_span(&mut sql, "m.calculated_at");
        sql.push(" AND m.calculated_at < ")
            .push_bind(wanted.horizon);
    } else {
        wanted.push_unkept(&mut sql, "m.calculated_at");
    }
    wanted.push_whose(&mut sql, "m");
    wanted.push_currency(&mut sql, "m.currency");
    sql.push(" GROUP BY 1, 2, 3, 4, 5, 6, 7, 8 LIMIT ")
        .push_bind(wanted.limit + 1);
    sql.build_query_as().fetch_all(connection).await
}

/// Payouts that were paid, on the day when that was heard: those of the partner who asks, or everybody's.
pub(crate) async fn paid(
    connection: &mut PgConnection,
    wanted: &Selection<'_>,
) -> Result<Vec<PaidRow>, sqlx::Error> {
    let mut sql = wanted.span("p.updated_at");
    sql.push(", ")
        .push(column(wanted.by.partner, "p.partner_id"))
        .push(" AS partner_id, p.currency, sum(p.amount_minor)::text AS payouts FROM payouts p WHERE p.status = 'paid'");
    wanted.push_span(&mut sql, "p.updated_at");
    let own = wanted.scope.partner.filter(|_| !wanted.scope.all);
    for partner in own.into_iter().chain(wanted.partner) {
        sql.push(" AND p.partner_id = ").push_bind(partner.as_str());
    }
    wanted.push_currency(&mut sql, "p.currency");
    sql.push(" GROUP BY 1, 2, 3 LIMIT ")
        .push_bind(wanted.limit + 1);
    sql.build_query_as().fetch_all(connection).await
}

/// The groups of these partners at these brands, but for the default ones.
pub(crate) async fn groups(
    connection: &mut PgConnection,
    partners: &[&str],
    brands: &[&str],
) -> Result<Vec<Grouped>, sqlx::Error> {
    sqlx::query_as(
        "SELECT g.partner_id, g.brand_id, g.group_id FROM memberships g JOIN groups a ON a.id = g.group_id AND a.status = 'active'
          WHERE g.partner_id = ANY($1) AND g.brand_id = ANY($2)",
    )
    .bind(partners)
    .bind(brands)
    .fetch_all(connection)
    .await
}

/// A column that is summed apart, or nothing.
fn column(is_apart: bool, column: &'static str) -> &'static str {
    if is_apart { column } else { "NULL::text" }
}

/// Sums whose slots, each of so many microseconds, are from one on and before another.
fn push_stretch(
    sql: &mut QueryBuilder<Postgres>,
    from: &str,
    length: i64,
    (first, end): (i64, i64),
) {
    sql.push("SELECT t.*, t.slot * ")
        .push(length)
        .push(" AS at FROM ")
        .push(from)
        .push(" AND t.slot >= ")
        .push_bind(first)
        .push(" AND t.slot < ")
        .push_bind(end);
}

impl Selection<'_> {
    /// In which span a moment is, from 0.
    fn span(&self, moment: &str) -> QueryBuilder<Postgres> {
        let mut sql = QueryBuilder::new("SELECT width_bucket(");
        sql.push(moment)
            .push(", ")
            .push_bind(self.boundaries.to_vec())
            .push(") - 1 AS span");
        sql
    }

    /// The span and what is summed apart, of a table by this name.
    fn columns(
        &self,
        moment: &str,
        table: &'static str,
        link: Option<&'static str>,
    ) -> QueryBuilder<Postgres> {
        let mut sql = self.span(moment);
        for (is_apart, name) in [
            (self.by.campaign, "campaign_id"),
            (self.by.partner, "partner_id"),
        ] {
            if is_apart {
                sql.push(", ").push(table).push(".").push(name);
            } else {
                sql.push(", NULL::text AS ").push(name);
            }
        }
        sql.push(", ")
            .push(column(self.by.link, link.unwrap_or("NULL::text")))
            .push(" AS link_code");
        if self.by.group {
            sql.push(", ").push(table).push(".brand_id, g.group_id");
        } else {
            sql.push(", NULL::text AS brand_id, NULL::text AS group_id");
        }
        sql
    }

    /// The groups that partners are in now, where those are summed apart; who is in an archived one is in the default one.
    fn push_groups(&self, sql: &mut QueryBuilder<Postgres>, table: &'static str) {
        if self.by.group {
            sql.push(" LEFT JOIN (memberships g JOIN groups a ON a.id = g.group_id AND a.status = 'active') ON g.partner_id = ")
                .push(table)
                .push(".partner_id AND g.brand_id = ")
                .push(table)
                .push(".brand_id");
        }
    }

    /// Whether nothing is asked about a partner or a link.
    fn is_of_campaigns(&self) -> bool {
        let Apart {
            partner,
            link,
            group,
            ..
        } = self.by;
        let is_narrowed = self.partner.is_some() || self.link.is_some();
        !(partner || link || group || is_narrowed)
            && (self.scope.all || self.scope.partner.is_none())
    }

    /// The sums of these pieces, each with the moment `at` which it begins: of campaigns by whole days, where they are pieces.
    fn push_kept(
        &self,
        sql: &mut QueryBuilder<Postgres>,
        pieces: &Pieces,
        (first, last): (i64, i64),
    ) {
        if !self.is_of_campaigns() {
            let all = (first / QUARTER_HOUR, last / QUARTER_HOUR);
            push_stretch(sql, "report_sums t WHERE true", QUARTER_HOUR, all);
            return;
        }
        let days = format!("report_totals t WHERE t.quarters = {QUARTERS_OF_DAY}");
        push_stretch(sql, &days, Day::MICROS, pieces.days);
        sql.push(" AND t.slot <> ALL(")
            .push_bind(pieces.broken.clone())
            .push(")");
        let quarters = "report_totals t WHERE t.quarters = 1";
        for piece in &pieces.quarters {
            sql.push(" UNION ALL ");
            push_stretch(sql, quarters, QUARTER_HOUR, *piece);
        }
    }

    fn push_span(&self, sql: &mut QueryBuilder<Postgres>, moment: &'static str) {
        self.push_between(sql, moment, self.boundaries.first().copied());
    }

    /// In the spans, and not summed yet.
    fn push_unkept(&self, sql: &mut QueryBuilder<Postgres>, moment: &'static str) {
        let first = self.boundaries.first();
        self.push_between(sql, moment, first.map(|first| self.horizon.max(*first)));
    }

    fn push_between(
        &self,
        sql: &mut QueryBuilder<Postgres>,
        moment: &'static str,
        from: Option<i64>,
    ) {
        sql.push(" AND ").push(moment).push(" >= ").push_bind(from);
        sql.push(" AND ").push(moment).push(" < ");
        sql.push_bind(self.boundaries.last().copied());
    }

    /// Leaves what is of the currency that is wanted, by any of these columns: of what was paid and of what was earned each has its row.
    fn push_currency(&self, sql: &mut QueryBuilder<Postgres>, columns: &'static str) {
        if let Some(currency) = self.currency {
            sql.push(" AND ").push_bind(currency.code());
            sql.push(" IN (").push(columns).push(")");
        }
    }

    /// What the caller sees, and of that what it asks for.
    fn push_whose(&self, sql: &mut QueryBuilder<Postgres>, table: &'static str) {
        let column = |name| format!("{table}.{name}");
        let (partner, brand) = (column("partner_id"), column("brand_id"));
        let (own, of_brand) = (format!("{partner} = "), format!("{brand} = "));
        seen_by(self.scope, &own, (&of_brand, ""))(sql);
        let campaign = column("campaign_id");
        let narrowing = [
            (&*campaign, self.campaign.map(CampaignId::as_str)),
            (&*partner, self.partner.map(PartnerId::as_str)),
            (&*brand, self.brand.map(BrandId::as_str)),
        ];
        push_equal(sql, &narrowing);
    }
}
