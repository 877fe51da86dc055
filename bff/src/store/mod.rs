//! The tables of the bff, one file each.

pub(crate) mod api_keys;
pub(crate) mod balances;
pub(crate) mod bans;
pub(crate) mod brands;
pub(crate) mod campaigns;
pub(crate) mod claims;
pub(crate) mod commands;
pub(crate) mod commissions;
pub(crate) mod conversions;
pub(crate) mod enrollments;
pub(crate) mod erasures;
pub(crate) mod evidence;
pub(crate) mod funds;
pub(crate) mod groups;
pub(crate) mod links;
pub(crate) mod memberships;
pub(crate) mod notes;
pub(crate) mod of_campaigns;
pub(crate) mod outcomes;
pub(crate) mod partners;
pub(crate) mod payouts;
pub(crate) mod report_sums;
pub(crate) mod reports;
pub(crate) mod sealing_keys;
pub(crate) mod search;
pub(crate) mod statements;
pub(crate) mod terms;
pub(crate) mod transfers;

use std::future::Future;

use chassis::auth::Scope;
use chassis::page::PageQuery;
use messaging::WriteTx;
use runtime::lists;
use sqlx::postgres::PgRow;
use sqlx::{FromRow, PgExecutor, PgPool, Postgres, QueryBuilder};
use types::{BrandId, ClickId, OrderId};

/// A table whose rows lists show, newest first.
pub(crate) trait Table: Sized + Send + Unpin + for<'r> FromRow<'r, PgRow> {
    /// Its name.
    const NAME: &'static str;

    /// What people see of a row beside its columns: nothing, or a comma and an expression with its name.
    const BESIDE: &'static str = "";

    /// The row's id, which is its key but for deposits and withdrawals.
    fn id(&self) -> &str;

    /// Where it stands in lists; of a new one among those that are written with it.
    fn position(&self) -> i64;

    /// Writes rows; a new one gets the next position, an old one keeps its own and what never changes.
    fn upsert(
        tx: &mut WriteTx,
        rows: &[Self],
    ) -> impl Future<Output = Result<(), sqlx::Error>> + Send;

    /// Reads those of these keys that are there.
    fn load(
        tx: &mut WriteTx,
        keys: &[&str],
    ) -> impl Future<Output = Result<Vec<Self>, sqlx::Error>> + Send {
        async move {
            let mut sql = QueryBuilder::new("SELECT * FROM ");
            sql.push(Self::NAME).push(" WHERE id = ANY(");
            sql.push_bind(keys).push(")");
            sql.build_query_as().fetch_all(tx.connection()).await
        }
    }

    /// One of them.
    fn find(
        pool: &PgPool,
        id: &str,
    ) -> impl Future<Output = Result<Option<Self>, sqlx::Error>> + Send {
        Self::find_seen(pool, id, |_| {})
    }

    /// One of them, with what people see beside, where `seen` leaves it.
    fn find_seen(
        pool: &PgPool,
        id: &str,
        seen: impl FnOnce(&mut QueryBuilder<Postgres>) + Send,
    ) -> impl Future<Output = Result<Option<Self>, sqlx::Error>> + Send {
        async move {
            let mut sql = QueryBuilder::new("SELECT *");
            sql.push(Self::BESIDE).push(" FROM ").push(Self::NAME);
            sql.push(" WHERE id = ").push_bind(id);
            seen(&mut sql);
            sql.build_query_as().fetch_optional(pool).await
        }
    }
}

/// What every [`Table`] has alike: `row_of!("claims")`.
macro_rules! row_of {
    ($name:literal) => {
        const NAME: &'static str = $name;

        fn id(&self) -> &str {
            &self.id
        }

        fn position(&self) -> i64 {
            self.position
        }
    };
}
use row_of;

/// What stands before and after a brand where rows are narrowed to it: to those that say it themselves, and to those of its
/// campaigns.
type Of = (&'static str, &'static str);
const ITS_BRAND: Of = ("brand_id = ", "");
const ITS_CAMPAIGNS_BRAND: Of = (
    "campaign_id IN (SELECT c.id FROM campaigns c WHERE c.brand_id = ",
    ")",
);

/// A page of a table, newest first: of the rows that `seen` leaves, those whose columns have these values, where there are any.
async fn list<R: Table>(
    executor: impl PgExecutor<'_>,
    page: PageQuery,
    seen: impl FnOnce(&mut QueryBuilder<Postgres>),
    narrowing: &[(&'static str, Option<&str>)],
) -> Result<Vec<R>, sqlx::Error> {
    let mut sql = QueryBuilder::new("");
    push_page::<R>(&mut sql, page, seen, narrowing);
    // Which of two indexes has fewer rows depends on the values: a plan for all of them would not know.
    let is_narrowed = narrowing.iter().any(|(_, value)| value.is_some());
    let page = sql.build_query_as().persistent(!is_narrowed);
    page.fetch_all(executor).await
}

fn push_page<R: Table>(
    sql: &mut QueryBuilder<Postgres>,
    page: PageQuery,
    seen: impl FnOnce(&mut QueryBuilder<Postgres>),
    narrowing: &[(&'static str, Option<&str>)],
) {
    lists::push_page(sql, (&all::<R>(), "position"), page, seen, narrowing);
}

/// What is selected of a table for a page.
fn all<R: Table>() -> String {
    format!("SELECT *{} FROM {}", R::BESIDE, R::NAME)
}

/// Leaves a partner its own rows, a brand those that are of it, and operators all.
fn seen_by(scope: Scope<'_>, of: Of) -> impl FnOnce(&mut QueryBuilder<Postgres>) {
    lists::seen_by(scope, "partner_id = ", of)
}

/// An order, of one brand where that is named, or else a click.
#[derive(Debug, Clone, Copy)]
pub(crate) struct One<'a> {
    pub(crate) order: Option<&'a OrderId>,
    pub(crate) brand: Option<&'a BrandId>,
    pub(crate) click: Option<&'a ClickId>,
}

/// Narrows conversions or claims to so many of one order or click that may be seen, for a transaction of [`search::begin`]: in no
/// order, since the planner would walk all that there are in theirs to find the few of a click.
fn push_one(
    sql: &mut QueryBuilder<Postgres>,
    (scope, (before_brand, after_brand)): (Scope<'_>, Of),
    of: One<'_>,
    limit: i64,
) {
    match of.order {
        Some(order) => sql.push(" WHERE order_id = ").push_bind(order.to_string()),
        None => sql
            .push(" WHERE click_id = ")
            .push_bind(of.click.map(ToString::to_string)),
    };
    if let Some(brand) = of.brand {
        sql.push(" AND ").push(before_brand);
        sql.push_bind(brand.to_string()).push(after_brand);
    }
    seen_by(scope, (before_brand, after_brand))(sql);
    sql.push(" LIMIT ").push_bind(limit);
}
