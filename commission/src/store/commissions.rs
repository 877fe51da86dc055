//! `commissions`: one for each conversion that was a partner's.

use money::{BrandId, CampaignId, ConversionId, Currency, Micros, Money, PartnerId};
use serde::Deserialize;
use sqlx::{FromRow, PgConnection, PgPool, Postgres, QueryBuilder};

use super::plans::{earning, money};
use super::world::Kept;
use crate::domain::{
    Basis, Calculated, Commission, Earning, EventType, Parties, Standing, Suspense,
};
use crate::messages::rate_bps;

/// A row as it stands. Times are microseconds, amounts minor units.
#[derive(Debug, Clone, FromRow, Deserialize)]
#[allow(missing_docs, reason = "the table's columns")]
pub struct CommissionRow {
    pub id: String,
    pub campaign_id: String,
    pub partner_id: String,
    pub brand_id: String,
    pub event_type: String,
    pub base_minor: Option<i64>,
    pub base_currency: Option<String>,
    pub rate_bps: Option<i32>,
    pub flat_minor: Option<i64>,
    pub flat_currency: Option<String>,
    pub plan_version: i32,
    pub amount_minor: i64,
    pub currency: String,
    pub suspense: Option<String>,
    pub hold_until: Option<i64>,
    pub calculated_at: i64,
    pub approved_at: Option<i64>,
    pub reversed_minor: i64,
    pub status: String,
    pub position: i64,
}

impl CommissionRow {
    /// `None` when the row is none of ours.
    pub fn into_commission(self) -> Option<Kept> {
        let currency = Currency::parse(&self.currency).ok()?;
        let flat = money(self.flat_minor, self.flat_currency.as_deref())?;
        let standing = match (self.suspense, self.hold_until) {
            (Some(name), _) => Standing::Suspended(
                Suspense::ALL
                    .into_iter()
                    .find(|suspense| suspense.name() == name)?,
            ),
            (None, Some(until)) => Standing::Held {
                until: Micros(until),
            },
            (None, None) => Standing::Approved,
        };
        let calculated = Calculated {
            conversion: ConversionId::parse(self.id).ok()?,
            parties: Parties {
                campaign: CampaignId::parse(self.campaign_id).ok()?,
                partner: PartnerId::parse(self.partner_id).ok()?,
                brand: BrandId::parse(self.brand_id).ok()?,
            },
            basis: Basis {
                event_type: EventType::parse(&self.event_type)?,
                base: money(self.base_minor, self.base_currency.as_deref())?,
                earning: earning(self.rate_bps, flat)?,
                plan_version: self.plan_version,
            },
            amount: Money::new(self.amount_minor, currency),
            standing,
        };
        let commission = Commission {
            calculated,
            calculated_at: Micros(self.calculated_at),
            approved_at: self.approved_at.map(Micros),
            reversed: Money::new(self.reversed_minor, currency),
        };
        Some(Kept {
            commission,
            position: self.position,
        })
    }
}

const UPSERT: &str = r"
INSERT INTO commissions (id, campaign_id, partner_id, brand_id, event_type, base_minor, base_currency, rate_bps, flat_minor,
                         flat_currency, plan_version, amount_minor, currency, suspense, hold_until, calculated_at,
                         approved_at, reversed_minor, status, position)
SELECT * FROM UNNEST($1::text[], $2::text[], $3::text[], $4::text[], $5::text[], $6::bigint[], $7::text[], $8::int[],
                     $9::bigint[], $10::text[], $11::int[], $12::bigint[], $13::text[], $14::text[], $15::bigint[],
                     $16::bigint[], $17::bigint[], $18::bigint[], $19::text[], $20::bigint[])
ON CONFLICT (id) DO UPDATE SET approved_at = excluded.approved_at, reversed_minor = excluded.reversed_minor,
                               status = excluded.status";

/// Adds new commissions and what changed in known ones: one statement.
pub(super) async fn upsert(
    connection: &mut PgConnection,
    rows: &[&Kept],
) -> Result<(), sqlx::Error> {
    fn each<'a, T>(rows: &[&'a Kept], get: impl Fn(&'a Commission) -> T) -> Vec<T> {
        rows.iter().map(|kept| get(&kept.commission)).collect()
    }
    let base = |c: &Commission| c.calculated.basis.base;
    let earning = |c: &Commission| c.calculated.basis.earning;
    let flat = |c: &Commission| earning(c).and_then(Earning::flat);
    sqlx::query(UPSERT)
        .bind(each(rows, |c| c.calculated.conversion.as_str()))
        .bind(each(rows, |c| c.calculated.parties.campaign.as_str()))
        .bind(each(rows, |c| c.calculated.parties.partner.as_str()))
        .bind(each(rows, |c| c.calculated.parties.brand.as_str()))
        .bind(each(rows, |c| c.calculated.basis.event_type.name()))
        .bind(each(rows, |c| base(c).map(|base| base.minor)))
        .bind(each(rows, |c| base(c).map(|base| base.currency.code())))
        .bind(each(rows, |c| earning(c).and_then(rate_bps)))
        .bind(each(rows, |c| flat(c).map(|flat| flat.minor)))
        .bind(each(rows, |c| flat(c).map(|flat| flat.currency.code())))
        .bind(each(rows, |c| c.calculated.basis.plan_version))
        .bind(each(rows, |c| c.calculated.amount.minor))
        .bind(each(rows, |c| c.calculated.amount.currency.code()))
        .bind(each(rows, |c| match c.calculated.standing {
            Standing::Suspended(suspense) => Some(suspense.name()),
            _ => None,
        }))
        .bind(each(rows, |c| match c.calculated.standing {
            Standing::Held { until } => Some(until.0),
            _ => None,
        }))
        .bind(each(rows, |c| c.calculated_at.0))
        .bind(each(rows, |c| c.approved_at.map(|at| at.0)))
        .bind(each(rows, |c| c.reversed.minor))
        .bind(each(rows, |c| c.status().name()))
        .bind(rows.iter().map(|kept| kept.position).collect::<Vec<_>>())
        .execute(connection)
        .await?;
    Ok(())
}

/// Which commissions a list shows: all that is set must hold.
#[derive(Debug, Clone, Default)]
pub struct Filter<'a> {
    /// Of this campaign.
    pub campaign: Option<&'a str>,
    /// Of this partner.
    pub partner: Option<&'a str>,
    /// In this status.
    pub status: Option<&'a str>,
    /// For this.
    pub event_type: Option<&'a str>,
    /// Only what this partner or this brand may see; both absent: everything.
    pub scope: Option<(Option<&'a str>, Option<&'a str>)>,
}

/// Commissions below a position, newest first.
pub async fn list(
    pool: &PgPool,
    filter: &Filter<'_>,
    below: i64,
    limit: i64,
) -> Result<Vec<CommissionRow>, sqlx::Error> {
    // Only the conditions that are asked for, so that each combination has a plan with the index that fits it.
    let mut query = QueryBuilder::<Postgres>::new("SELECT * FROM commissions WHERE position < ");
    query.push_bind(below);
    let conditions = [
        (" AND campaign_id = ", filter.campaign),
        (" AND partner_id = ", filter.partner),
        (" AND status = ", filter.status),
        (" AND event_type = ", filter.event_type),
    ];
    for (condition, value) in conditions {
        if let Some(value) = value {
            query.push(condition).push_bind(value);
        }
    }
    match filter.scope {
        None => {}
        Some((Some(partner), Some(brand))) => {
            query.push(" AND (partner_id = ").push_bind(partner);
            query.push(" OR brand_id = ").push_bind(brand).push(")");
        }
        Some((Some(partner), None)) => {
            query.push(" AND partner_id = ").push_bind(partner);
        }
        Some((None, Some(brand))) => {
            query.push(" AND brand_id = ").push_bind(brand);
        }
        Some((None, None)) => {
            query.push(" AND false");
        }
    }
    query
        .push(" ORDER BY position DESC LIMIT ")
        .push_bind(limit);
    query.build_query_as().fetch_all(pool).await
}

/// One commission.
pub async fn find(pool: &PgPool, id: &str) -> Result<Option<CommissionRow>, sqlx::Error> {
    sqlx::query_as("SELECT * FROM commissions WHERE id = $1")
        .bind(id)
        .fetch_optional(pool)
        .await
}
