//! Partitions that two make at once.

use messaging::partition::{self, Readers};
use runtime::testing::new_database;
use sqlx::{Connection, Executor, PgConnection};

/// Under a lock of the caller's: who has waited for it finds what was made meanwhile, though it has looked before.
#[tokio::test]
async fn whoever_looked_before_another_made_a_partition_finds_it_there() {
    let url = new_database().await;
    let mut first = PgConnection::connect(&url).await.unwrap();
    let mut second = PgConnection::connect(&url).await.unwrap();
    let table = "CREATE SCHEMA other;
                 CREATE TABLE days (day bigint NOT NULL) PARTITION BY RANGE (day);
                 CREATE TABLE other.days (day bigint NOT NULL) PARTITION BY RANGE (day);";
    first.execute(table).await.unwrap();
    for (table, name) in [("days", "days_1"), ("other.days", "other.days_1")] {
        second.execute("BEGIN").await.unwrap();
        assert!(!partition::is_there(&mut second, name).await.unwrap());
        for connection in [&mut first, &mut second] {
            partition::make(connection, table, name, 1..2, Readers::GoOn)
                .await
                .unwrap();
        }
        second.execute("COMMIT").await.unwrap();
        assert!(partition::is_there(&mut second, name).await.unwrap());
    }
}
