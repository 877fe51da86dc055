//! Lists that are narrowed to a few rows among very many.

use sqlx::{PgPool, Postgres, QueryBuilder};

/// So many are looked up one by one.
const FEW: usize = 2_000;

/// The ids that this statement finds, where these are few: each is looked up then. Of many, enough are soon found among all.
///
/// # Errors
///
/// The database's.
pub async fn few(
    pool: &PgPool,
    mut ids: QueryBuilder<Postgres>,
) -> Result<Option<Vec<String>>, sqlx::Error> {
    ids.push(" LIMIT ")
        .push_bind(i64::try_from(FEW).unwrap_or(i64::MAX) + 1);
    let ids: Vec<String> = ids.build_query_scalar().fetch_all(pool).await?;
    Ok((ids.len() <= FEW).then_some(ids))
}
