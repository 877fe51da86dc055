//! `transfers`: a read model of `payment-events`, every movement of money.

use messaging::WriteTx;
use sqlx::{FromRow, PgExecutor, PgPool};
use uuid::Uuid;

/// A transfer, with the event that moved it.
#[derive(Debug, Clone, FromRow)]
pub(crate) struct TransferRow {
    pub(crate) position: i64,
    pub(crate) id: Uuid,
    pub(crate) debit: String,
    pub(crate) credit: String,
    pub(crate) minor: i64,
    pub(crate) currency: String,
    pub(crate) event_type: String,
    pub(crate) subject: String,
    pub(crate) correlation_id: Uuid,
    pub(crate) posted_at: i64,
}

/// Appends transfers, in their order.
pub(crate) async fn insert(tx: &mut WriteTx, rows: &[TransferRow]) -> Result<(), sqlx::Error> {
    messaging::insert_rows!(tx.connection(), rows => "transfers" numbered by "read_head" {
        id: uuid = |r| r.id,
        debit: text = |r| r.debit.as_str(),
        credit: text = |r| r.credit.as_str(),
        minor: bigint = |r| r.minor,
        currency: text = |r| r.currency.as_str(),
        event_type: text = |r| r.event_type.as_str(),
        subject: text = |r| r.subject.as_str(),
        correlation_id: uuid = |r| r.correlation_id,
        posted_at: bigint = |r| r.posted_at,
    })
    .await
}

/// Those of these that are known: what a sender that was restored decides again moved then, under the same id.
pub(crate) async fn known(tx: &mut WriteTx, ids: &[Uuid]) -> Result<Vec<Uuid>, sqlx::Error> {
    sqlx::query_scalar("SELECT id FROM transfers WHERE id = ANY($1)")
        .bind(ids)
        .fetch_all(tx.connection())
        .await
}

/// What moved in an account, newest first.
pub(crate) async fn of_account(
    executor: impl PgExecutor<'_>,
    account: &str,
    currency: &str,
    below: i64,
    rows: i64,
) -> Result<Vec<TransferRow>, sqlx::Error> {
    sqlx::query_as(
        "SELECT * FROM ((SELECT * FROM transfers WHERE debit = $1 AND currency = $2 AND position < $3
                          ORDER BY position DESC LIMIT $4)
                        UNION ALL
                        (SELECT * FROM transfers WHERE credit = $1 AND currency = $2 AND position < $3
                          ORDER BY position DESC LIMIT $4)) t
          ORDER BY position DESC LIMIT $4",
    )
    .bind(account)
    .bind(currency)
    .bind(below)
    .bind(rows)
    .fetch_all(executor)
    .await
}

/// One of them.
pub(crate) async fn find(pool: &PgPool, id: Uuid) -> Result<Option<TransferRow>, sqlx::Error> {
    sqlx::query_as("SELECT * FROM transfers WHERE id = $1")
        .bind(id)
        .fetch_optional(pool)
        .await
}

/// The requests that covered, out of a brand's funds, a commission of so much that waited for them: so many of those since.
pub(crate) async fn funding(
    pool: &PgPool,
    unfunded: &str,
    (minor, currency): (i64, &str),
    since: i64,
    limit: i64,
) -> Result<Vec<Uuid>, sqlx::Error> {
    sqlx::query_scalar(
        "SELECT correlation_id FROM (
            SELECT correlation_id, min(position) AS first FROM transfers
             WHERE credit = $1 AND currency = $2 AND minor = $3 AND event_type = 'earnings.funded.v1' AND posted_at >= $4
             GROUP BY correlation_id) f
          ORDER BY first LIMIT $5",
    )
    .bind(unfunded)
    .bind(currency)
    .bind(minor)
    .bind(since)
    .bind(limit)
    .fetch_all(pool)
    .await
}

#[cfg(test)]
mod tests {
    use runtime::testing::{TestService, rows_read};

    use super::*;

    #[tokio::test]
    async fn of_an_account_with_very_many_transfers_those_in_a_rare_currency_are_read_alone() {
        let service = TestService::start(crate::define).await;
        sqlx::raw_sql(
            "INSERT INTO transfers (id, position, debit, credit, minor, currency, event_type, subject, correlation_id, posted_at)
             SELECT gen_random_uuid(), n, 'brand:brand1:funds', 'brand:brand1:unfunded', 1, CASE n WHEN 1 THEN 'EUR' ELSE 'USD' END,
                    'earnings.funded.v1', 'c', gen_random_uuid(), n
               FROM generate_series(1, 20000) n;
             ANALYZE transfers",
        )
        .execute(service.pool())
        .await
        .unwrap();
        let mut tx = messaging::begin(service.pool(), "BEGIN").await.unwrap();
        for account in ["brand:brand1:funds", "brand:brand1:unfunded"] {
            let found = of_account(&mut *tx, account, "EUR", i64::MAX, 50).await;
            assert_eq!(found.unwrap().len(), 1, "{account}");
        }
        let read = rows_read(&mut tx, "transfers").await;
        assert!(read <= 20, "{read}");
        drop(tx);
        service.stop().await;
    }
}
