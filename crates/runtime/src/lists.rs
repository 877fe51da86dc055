//! Pages of lists, newest first, as statements: only the conditions that there are, so that each combination has a plan with the index
//! that fits it.

use chassis::auth::Scope;
use chassis::page::PageQuery;
use sqlx::postgres::PgRow;
use sqlx::{FromRow, PgExecutor, Postgres, QueryBuilder};

/// A page of what is selected, which stands by `position`: of the rows that `seen` leaves, those whose columns have these values, where
/// there are any.
///
/// # Errors
///
/// The database's.
pub async fn list<R>(
    executor: impl PgExecutor<'_>,
    (select, position): (&str, &str),
    page: PageQuery,
    seen: impl FnOnce(&mut QueryBuilder<Postgres>),
    narrowing: &[(&str, Option<&str>)],
) -> Result<Vec<R>, sqlx::Error>
where
    R: for<'r> FromRow<'r, PgRow> + Send + Unpin,
{
    let mut sql = QueryBuilder::new("");
    push_page(&mut sql, (select, position), page, seen, narrowing);
    sql.build_query_as().fetch_all(executor).await
}

/// Pushes such a page.
pub fn push_page(
    sql: &mut QueryBuilder<Postgres>,
    (select, position): (&str, &str),
    page: PageQuery,
    seen: impl FnOnce(&mut QueryBuilder<Postgres>),
    narrowing: &[(&str, Option<&str>)],
) {
    push_behind(sql, (select, position), page);
    seen(sql);
    push_equal(sql, narrowing);
    push_end(sql, position, page);
}

/// Pushes what is selected of what stands behind the page before.
pub fn push_behind(
    sql: &mut QueryBuilder<Postgres>,
    (select, position): (&str, &str),
    page: PageQuery,
) {
    sql.push(select).push(" WHERE ").push(position).push(" < ");
    sql.push_bind(page.below());
}

/// Leaves the newest, as many as a page has.
pub fn push_end(sql: &mut QueryBuilder<Postgres>, position: &str, page: PageQuery) {
    sql.push(" ORDER BY ").push(position);
    sql.push(" DESC LIMIT ").push_bind(page.rows());
}

/// The same where an index has what is left in this order. The planner does not see how few are wanted, and takes a tenth: where two columns
/// say the same, as of a partner with one campaign, it expects few rows and would read and sort them all, of which there may be very many.
pub fn push_end_by_index(sql: &mut QueryBuilder<Postgres>, position: &str, page: PageQuery) {
    sql.push(" ORDER BY ").push(position);
    sql.push(" DESC LIMIT (SELECT ").push_bind(page.rows());
    sql.push(")");
}

/// Leaves the rows whose columns have these values, where there are any.
pub fn push_equal(sql: &mut QueryBuilder<Postgres>, columns: &[(&str, Option<&str>)]) {
    for (column, value) in columns {
        if let Some(value) = value {
            sql.push(" AND ").push(column).push(" = ").push_bind(*value);
        }
    }
}

/// Leaves a partner and a brand what is theirs by these conditions, and operators all. Each ends before the id; something may stand
/// behind the brand's.
pub fn seen_by(
    scope: Scope<'_>,
    partner: &str,
    (before_brand, after_brand): (&str, &str),
) -> impl FnOnce(&mut QueryBuilder<Postgres>) {
    move |sql| {
        if scope.all {
            return;
        }
        sql.push(" AND (false");
        if let Some(own) = scope.partner {
            sql.push(" OR ").push(partner).push_bind(own.as_str());
        }
        if let Some(own) = scope.brand {
            sql.push(" OR ").push(before_brand).push_bind(own.as_str());
            sql.push(after_brand);
        }
        sql.push(")");
    }
}

/// Leaves those in a state, which is written and not given: so the planner sees that an index of rare states has them.
pub fn in_state(
    column: &'static str,
    name: Option<&'static str>,
) -> impl Fn(&mut QueryBuilder<Postgres>) {
    move |sql| {
        if let Some(name) = name {
            sql.push(format_args!(" AND {column} = '{name}'"));
        }
    }
}
