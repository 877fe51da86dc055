//! `payouts`: a read model of `payment-events`.

use chassis::page::PageQuery;
use messaging::WriteTx;
use runtime::lists::in_state;
use sqlx::{FromRow, PgExecutor};

use super::Table;

/// A payout as front ends see it. Its amount is minor units of its currency, times are microseconds.
#[derive(Debug, Clone, PartialEq, Eq, FromRow)]
pub(crate) struct PayoutRow {
    pub(crate) id: String,
    pub(crate) position: i64,
    pub(crate) partner_id: String,
    pub(crate) amount_minor: i64,
    pub(crate) currency: String,
    pub(crate) method: String,
    /// Where to, as it may be shown.
    pub(crate) masked: String,
    pub(crate) status: String,
    pub(crate) provider_ref: Option<String>,
    pub(crate) reason: Option<String>,
    pub(crate) requested_at: i64,
    pub(crate) updated_at: i64,
}

impl Table for PayoutRow {
    super::row_of!("payouts");

    async fn upsert(tx: &mut WriteTx, rows: &[Self]) -> Result<(), sqlx::Error> {
        messaging::insert_rows!(tx.connection(), rows => "payouts" numbered by "read_head" {
            id: text = |r| r.id.as_str(),
            partner_id: text = |r| r.partner_id.as_str(),
            amount_minor: bigint = |r| r.amount_minor,
            currency: text = |r| r.currency.as_str(),
            method: text = |r| r.method.as_str(),
            masked: text = |r| r.masked.as_str(),
            status: text = |r| r.status.as_str(),
            provider_ref: text = |r| r.provider_ref.as_deref(),
            reason: text = |r| r.reason.as_deref(),
            requested_at: bigint = |r| r.requested_at,
            updated_at: bigint = |r| r.updated_at,
        } on (id) set (partner_id, amount_minor, currency, method, masked, status, provider_ref, reason, requested_at, updated_at))
        .await
    }
}

/// A partner's payouts, or everybody's, newest first.
pub(crate) async fn list(
    executor: impl PgExecutor<'_>,
    partner: Option<&str>,
    status: Option<&'static str>,
    page: PageQuery,
) -> Result<Vec<PayoutRow>, sqlx::Error> {
    let that_stand_so = in_state("status", status);
    super::list(executor, page, that_stand_so, &[("partner_id", partner)]).await
}

#[cfg(test)]
mod tests {
    use chassis::page::Form;
    use runtime::testing::{TestService, rows_read};

    use super::*;

    #[tokio::test]
    async fn the_few_payouts_that_are_not_paid_are_found_behind_very_many_that_are() {
        let service = TestService::start(crate::define).await;
        sqlx::raw_sql(
            "INSERT INTO payouts (id, position, partner_id, amount_minor, currency, method, masked, status, requested_at, updated_at)
             SELECT 'payout ' || n, n, 'p' || n % 100, 1, 'USD', 'paypal', 'u***', CASE n WHEN 1 THEN 'failed' ELSE 'paid' END, n, n
               FROM generate_series(1, 20000) n;
             ANALYZE payouts",
        )
        .execute(service.pool())
        .await
        .unwrap();
        let page = PageQuery {
            limit: 50,
            cursor: None,
            form: Form::Json,
        };
        let mut tx = messaging::begin(service.pool(), "BEGIN").await.unwrap();
        for (status, expected) in [("failed", 1), ("unknown", 0), ("submitted", 0)] {
            let found = list(&mut *tx, None, Some(status), page).await.unwrap();
            assert_eq!(found.len(), expected, "{status}");
        }
        let read = rows_read(&mut tx, "payouts").await;
        assert!(read <= 20, "{read}");
        drop(tx);
        service.stop().await;
    }
}
