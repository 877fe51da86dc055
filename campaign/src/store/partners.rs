//! `partners`: partners themselves.

use runtime::column;
use runtime::partners::PartnerRow;
use sqlx::PgConnection;
use types::{Country, Currency, Micros, PartnerId};

use crate::domain::{Partner, Place};

/// Notes that nobody is to be shown any more what they have shown until now.
pub(crate) async fn note_erased(
    connection: &mut PgConnection,
    partners: &[&str],
    now: Micros,
) -> Result<(), sqlx::Error> {
    sqlx::query(
        "INSERT INTO erased_partners SELECT DISTINCT p, $2::bigint FROM unnest($1::text[]) AS p
         ON CONFLICT (partner_id) DO UPDATE SET erased_at = excluded.erased_at",
    )
    .bind(partners)
    .bind(now.get())
    .execute(connection)
    .await
    .map(|_| ())
}

impl TryFrom<PartnerRow> for Partner {
    type Error = sqlx::Error;

    fn try_from(row: PartnerRow) -> Result<Self, sqlx::Error> {
        let country = row.country.as_deref().map(Country::parse);
        let currency = row.currency.as_deref().map(Currency::parse);
        Ok(Self {
            id: column("id", PartnerId::parse(row.id))?,
            sealed_name: row.sealed_name,
            country: column("country", country.transpose())?,
            currency: column("currency", currency.transpose())?,
            sealed_website: row.sealed_website,
            seen: Place {
                time: Micros(row.seen_at),
                position: row.position,
            },
            changed_at: row.changed_at.map(Micros),
        })
    }
}

/// Those of these that there are.
pub(crate) async fn load(
    connection: &mut PgConnection,
    ids: &[String],
) -> Result<Vec<Partner>, sqlx::Error> {
    let sql = "SELECT * FROM partners WHERE id = ANY($1)";
    runtime::load::<PartnerRow, _>(connection, sql, ids).await
}

/// Writes partners as they stand now.
pub(crate) async fn save(
    connection: &mut PgConnection,
    partners: &[&Partner],
) -> Result<(), sqlx::Error> {
    messaging::insert_rows!(connection, partners => "partners" {
        id: text = |p| p.id.to_string(),
        position: bigint = |p| p.seen.position,
        sealed_name: bytea = |p| p.sealed_name.clone(),
        country: text = |p| p.country.map(Country::code),
        currency: text = |p| p.currency.map(Currency::code),
        sealed_website: bytea = |p| p.sealed_website.clone(),
        seen_at: bigint = |p| p.seen.time.get(),
        changed_at: bigint = |p| p.changed_at.map(Micros::get),
    } on (id) set (sealed_name, country, currency, sealed_website, changed_at))
    .await
}

#[cfg(test)]
mod tests {
    use api::PartnerFilter;
    use chassis::auth::Scope;
    use runtime::partners::{few_partners, list, push_list};
    use sqlx::QueryBuilder;
    use types::{BrandId, GroupId, PartnerId};

    use crate::store::tests::{PAGE, explained, with_many_rows};

    #[tokio::test]
    async fn the_few_partners_of_a_brand_are_looked_up_and_not_looked_for_among_all() {
        let service = with_many_rows().await;
        let brand = BrandId::parse("small").unwrap();
        let scope = Scope {
            all: false,
            partner: None,
            brand: Some(&brand),
        };
        let few = few_partners(service.pool(), Some(&brand)).await.unwrap();
        assert_eq!(few.as_ref().map(Vec::len), Some(3));
        let mut sql = QueryBuilder::new("EXPLAIN ");
        push_list(&mut sql, scope, &PartnerFilter::default(), PAGE, few);
        let plan = explained(&service, sql).await;
        assert!(
            plan.contains("partners_pkey") && !plan.contains("partners_by_position"),
            "{plan}"
        );
        assert!(!plan.contains("Seq Scan on partners"), "{plan}");
        sqlx::raw_sql(
            "INSERT INTO campaigns (id, position, brand_id, name, currency, allowed_hosts, status, created_at)
             SELECT 'wide' || n, 1000 + n, 'wide', 'c', 'USD', '{}', 'draft', n FROM generate_series(0, 999) n;
             INSERT INTO enrollments (id, position, campaign_id, partner_id, terms_version, accepted_at, status, since)
             SELECT 'wide' || n, 50000 + n, 'wide' || n / 3, 'p' || n % 3, 1, n, 'enrolled', n FROM generate_series(0, 2999) n",
        )
        .execute(service.pool())
        .await
        .unwrap();
        let wide = BrandId::parse("wide").unwrap();
        let few = few_partners(service.pool(), Some(&wide)).await.unwrap();
        assert_eq!(
            few.as_ref().map(Vec::len),
            Some(3),
            "in very many campaigns"
        );
        let many = BrandId::parse("b0").unwrap();
        assert_eq!(
            few_partners(service.pool(), Some(&many)).await.unwrap(),
            None
        );
        let seen = list(service.pool(), scope, &PartnerFilter::default(), PAGE).await;
        assert_eq!(seen.unwrap().len(), 3);
        service.stop().await;
    }

    #[tokio::test]
    async fn the_few_members_of_a_group_are_looked_up_and_not_looked_for_among_all() {
        let service = with_many_rows().await;
        sqlx::raw_sql(
            "INSERT INTO groups (id, position, number, brand_id, status, created_at)
             VALUES ('grp_gold', 1, 3, 'b0', 'active', 1), ('grp_silver', 2, 5, 'b0', 'active', 2);
             INSERT INTO memberships (id, position, brand_id, partner_id, group_id)
             SELECT 'm' || n, n, 'b0', 'p' || n, CASE WHEN n IN (499, 998, 1497) THEN 'grp_gold' ELSE 'grp_silver' END
               FROM generate_series(0, 9999) n;
             ANALYZE groups, memberships",
        )
        .execute(service.pool())
        .await
        .unwrap();
        let brand = BrandId::parse("b0").unwrap();
        let scope = Scope {
            all: false,
            partner: None,
            brand: Some(&brand),
        };
        let few = few_partners(service.pool(), Some(&brand)).await.unwrap();
        assert_eq!(few, None, "the brand has many");
        let filter = PartnerFilter {
            group_id: Some(GroupId::parse("grp_gold").unwrap()),
            ..PartnerFilter::default()
        };
        let mut sql = QueryBuilder::new("EXPLAIN ");
        push_list(&mut sql, scope, &filter, PAGE, few);
        let plan = explained(&service, sql).await;
        assert!(
            plan.contains("partners_pkey") && !plan.contains("partners_by_position"),
            "{plan}"
        );
        assert!(plan.contains("memberships_of_group"), "{plan}");
        let seen = list(service.pool(), scope, &filter, PAGE).await.unwrap();
        let seen: Vec<&str> = seen.iter().map(|it| it.partner.id.as_str()).collect();
        assert_eq!(seen, ["p1497", "p998", "p499"]);
        service.stop().await;
    }

    #[tokio::test]
    async fn a_partner_itself_is_looked_up_and_not_looked_for_among_all() {
        let service = with_many_rows().await;
        let own = PartnerId::parse("p5").unwrap();
        let scope = Scope {
            all: false,
            partner: Some(&own),
            brand: None,
        };
        let mut sql = QueryBuilder::new("EXPLAIN ");
        push_list(&mut sql, scope, &PartnerFilter::default(), PAGE, None);
        let plan = explained(&service, sql).await;
        assert!(
            plan.contains("partners_pkey") && !plan.contains("partners_by_position"),
            "{plan}"
        );
        let seen = list(service.pool(), scope, &PartnerFilter::default(), PAGE).await;
        assert_eq!(seen.unwrap().len(), 1);
        service.stop().await;
    }
}
