//! Lists that are narrowed to a few rows among very many.

use sqlx::{PgPool, Postgres, QueryBuilder};

/// So many are looked up one by one.
pub const FEW: usize = 2_000;
/// So many rows are looked at, and then so many more, where they are of few.
const LOOKED_AT: [i64; 2] = [2_000, 20_000];

/// The ids that this statement finds, each any number of times, where these are few: each is looked up then. Of many, enough are soon found
/// among all.
///
/// # Errors
///
/// The database's.
pub async fn few(
    pool: &PgPool,
    push_ids: impl Fn(&mut QueryBuilder<Postgres>),
) -> Result<Option<Vec<String>>, sqlx::Error> {
    for most in LOOKED_AT {
        let mut sql = QueryBuilder::new("SELECT id, count(*) FROM (");
        push_ids(&mut sql);
        sql.push(" LIMIT ").push_bind(most + 1);
        sql.push(") f (id) GROUP BY id");
        let found: Vec<(String, i64)> = sql.build_query_as().fetch_all(pool).await?;
        if found.len() > FEW {
            return Ok(None);
        }
        if found.iter().map(|(_, times)| times).sum::<i64>() <= most {
            return Ok(Some(found.into_iter().map(|(id, _)| id).collect()));
        }
    }
    Ok(None)
}
