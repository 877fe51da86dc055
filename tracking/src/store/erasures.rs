//! What is erased of a visitor, in the tables that are no fold: notes go, and clicks and last clicks are nobody's.

use sqlx::PgConnection;
use types::BrandId;

use super::each;
use crate::domain::{UserHash, Visitor};

/// Each by an index: it is done under the writer lock.
const ERASE: [&str; 3] = [
    "DELETE FROM report_notes WHERE user_hash = ANY($1) AND (brand_id IS NULL OR brand_id = $2)",
    "DELETE FROM last_clicks WHERE user_hash = ANY($1) AND campaign_id IN (SELECT id FROM campaigns WHERE brand_id = $2)",
    "UPDATE clicks SET user_hash = NULL, sub_ids = NULL
      WHERE user_hash = ANY($1) AND campaign_id IN (SELECT id FROM campaigns WHERE brand_id = $2)",
];

/// Erases what there is of these visitors of these brands.
pub async fn erase(
    connection: &mut PgConnection,
    visitors: &[(BrandId, Visitor)],
) -> Result<(), sqlx::Error> {
    for (brand, visitor) in visitors {
        let hashes: Vec<UserHash> = visitor.hashes().collect();
        for sql in ERASE {
            sqlx::query(sql)
                .bind(each(&hashes, |hash| hash.0.as_slice()))
                .bind(brand.as_str())
                .execute(&mut *connection)
                .await?;
        }
    }
    Ok(())
}
