//! `partners`: a read model of `campaign-events`.

use messaging::WriteTx;
use runtime::partners::PartnerRow;

use super::Table;

impl Table for PartnerRow {
    super::row_of!("partners");

    async fn upsert(tx: &mut WriteTx, rows: &[Self]) -> Result<(), sqlx::Error> {
        messaging::insert_rows!(tx.connection(), rows => "partners" numbered by "read_head" {
            id: text = |r| r.id.as_str(),
            sealed_name: bytea = |r| r.sealed_name.as_deref(),
            country: text = |r| r.country.as_deref(),
            currency: text = |r| r.currency.as_deref(),
            sealed_website: bytea = |r| r.sealed_website.as_deref(),
            seen_at: bigint = |r| r.seen_at,
            changed_at: bigint = |r| r.changed_at,
        } on (id) set (sealed_name, country, currency, sealed_website, seen_at, changed_at))
        .await
    }
}

#[cfg(test)]
mod tests {
    use runtime::partners::few_partners;
    use runtime::testing::TestService;
    use types::BrandId;

    #[tokio::test]
    async fn a_brand_with_few_partners_in_very_many_campaigns_has_few() {
        let service = TestService::start(crate::define).await;
        sqlx::raw_sql(
            "INSERT INTO campaigns (id, position, brand_id, name, currency, allowed_hosts, join_mode, status, created_at)
             SELECT 'c' || n, n, 'brand1', 'c', 'USD', '[]', 'open', 'active', n FROM generate_series(0, 999) n;
             INSERT INTO enrollments (id, position, status, campaign_id, partner_id, terms_version, since)
             SELECT 'e' || n, n, 'enrolled', 'c' || n / 3, 'p' || n % 3, 1, n FROM generate_series(0, 2999) n",
        )
        .execute(service.pool())
        .await
        .unwrap();
        let brand = BrandId::parse("brand1").unwrap();
        let few = few_partners(service.pool(), Some(&brand)).await.unwrap();
        assert_eq!(few.as_ref().map(Vec::len), Some(3));
        service.stop().await;
    }
}
