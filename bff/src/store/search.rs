//! What a text names: exact matches by an index each, of what the caller may see.

use chassis::auth::Scope;
use sqlx::{FromRow, PgConnection, PgPool, Postgres, QueryBuilder, Transaction};

use super::conversions::ITS_ORDERS;
use super::{ITS_BRAND, Of, seen_by};

/// Each statement goes by its index, which the planner would not choose where it has no statistics of it: see
/// `messaging::related`. What takes longer than anybody waits for it is given up.
const BEGIN: &str = "BEGIN READ ONLY; SET LOCAL enable_indexscan = off; SET LOCAL plan_cache_mode = force_custom_plan;
    SET LOCAL statement_timeout = '900ms'";

/// A conversion or a claim, as far as a title of it goes.
#[derive(Debug, FromRow)]
pub(crate) struct Found {
    pub(crate) id: String,
    pub(crate) brand_id: Option<String>,
    pub(crate) partner_id: Option<String>,
    pub(crate) campaign_id: Option<String>,
}

/// By which column something is looked for.
#[derive(Debug, Clone, Copy)]
pub(crate) enum By {
    Id,
    Order,
    Click,
}

impl By {
    const fn column(self) -> &'static str {
        match self {
            Self::Id => "id",
            Self::Order => "order_id",
            Self::Click => "click_id",
        }
    }
}

/// Begins a look.
pub(crate) async fn begin(pool: &PgPool) -> Result<Transaction<'static, Postgres>, sqlx::Error> {
    messaging::begin(pool, BEGIN).await
}

/// So many conversions whose column is this text.
pub(crate) async fn conversions(
    connection: &mut PgConnection,
    scope: Scope<'_>,
    by: By,
    text: &str,
    limit: i64,
) -> Result<Vec<Found>, sqlx::Error> {
    let its = (
        "coalesce(brand_id, reporter_brand_id) AS brand_id",
        ITS_ORDERS,
    );
    look(connection, ("conversions", its), scope, (by, text), limit).await
}

/// So many claims whose column is this text.
pub(crate) async fn claims(
    connection: &mut PgConnection,
    scope: Scope<'_>,
    by: By,
    text: &str,
    limit: i64,
) -> Result<Vec<Found>, sqlx::Error> {
    let its = ("brand_id", ITS_BRAND);
    look(connection, ("claims", its), scope, (by, text), limit).await
}

async fn look(
    connection: &mut PgConnection,
    (table, (brand, its)): (&'static str, (&'static str, Of)),
    scope: Scope<'_>,
    (by, text): (By, &str),
    limit: i64,
) -> Result<Vec<Found>, sqlx::Error> {
    let mut sql = QueryBuilder::new("SELECT id, partner_id, campaign_id, ");
    sql.push(brand)
        .push(" FROM ")
        .push(table)
        .push(" WHERE ")
        .push(by.column())
        .push(" = ")
        .push_bind(text);
    seen_by(scope, its)(&mut sql);
    sql.push(" LIMIT ").push_bind(limit);
    sql.build_query_as().fetch_all(connection).await
}
