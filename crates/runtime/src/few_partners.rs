//! Lists of a brand's partners, which are few among very many, at the bff and at campaign: both have the tables `campaigns` and `enrollments`.

use sqlx::{PgPool, Postgres, QueryBuilder};
use types::BrandId;

/// So many are looked up one by one.
const FEW: usize = 2_000;
/// So many rows are looked at, and then so many more, where they are of few.
const LOOKED_AT: [i64; 2] = [2_000, 20_000];

/// Who is or was in a campaign of this brand, where these are few: each is looked up then. Of many, enough are soon found among all.
///
/// # Errors
///
/// The database's.
pub async fn few_partners(
    pool: &PgPool,
    brand: Option<&BrandId>,
) -> Result<Option<Vec<String>>, sqlx::Error> {
    let Some(brand) = brand else {
        return Ok(None);
    };
    for most in LOOKED_AT {
        // Campaign by campaign: the LIMIT keeps the server from walking through all, and more than few in one are enough.
        let mut sql = QueryBuilder::<Postgres>::new(
            "SELECT partner_id, count(*) FROM (SELECT e.partner_id FROM campaigns c CROSS JOIN LATERAL \
             (SELECT partner_id FROM enrollments WHERE campaign_id = c.id AND terms_version IS NOT NULL LIMIT ",
        );
        sql.push(FEW + 1).push(") e WHERE c.brand_id = ");
        sql.push_bind(brand.as_str())
            .push(" LIMIT ")
            .push_bind(most + 1);
        sql.push(") f GROUP BY partner_id");
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
