//! `conversions` and `conversion_aliases`.

use chassis::auth::Scope;
use chassis::page::PageQuery;
use money::{
    Amount, BrandId, CampaignId, ClickId, ConversionId, Currency, LinkCode, Micros, Money, OrderId,
    PartnerId, Uuid,
};
use serde::{Deserialize, Serialize};
use sqlx::{FromRow, PgConnection, PgPool};

use super::{each, unreadable, uuid};
use crate::domain::{
    Attributed, Conversion, EventType, NotedRefund, Orders, Reason, Standing, Unattributed,
    UserHash,
};

/// A row as it stands.
#[derive(Debug, Clone, Default, FromRow)]
pub struct ConversionRow {
    /// Its id.
    pub id: Uuid,
    /// `noted`, `unattributed` or `attributed`.
    pub standing: String,
    /// The event that gave it its standing.
    pub event_id: Uuid,
    /// When that was, in our time.
    pub recorded_at: i64,
    /// That event's place in the log.
    pub position: i64,
    /// `purchase` or `lead`.
    pub event_type: Option<String>,
    /// The shop's order.
    pub order_id: Option<String>,
    /// The campaign; of one that is nobody's, as reported.
    pub campaign_id: Option<String>,
    /// Who pays.
    pub brand_id: Option<String>,
    /// Who earns.
    pub partner_id: Option<String>,
    /// The link that was clicked.
    pub link_code: Option<String>,
    /// The click; of one that is nobody's, as reported.
    pub click_id: Option<String>,
    /// The terms that count.
    pub terms_version: Option<i32>,
    /// When, as claimed.
    pub occurred_at: Option<i64>,
    /// What was paid.
    pub amount_minor: Option<i64>,
    /// What went back.
    pub refunded_minor: i64,
    /// Of which currency.
    pub currency: Option<String>,
    /// Why it is nobody's.
    pub reason: Option<String>,
    /// What was paid, when it is nobody's.
    pub amount_text: Option<String>,
    /// Who, when it is nobody's.
    pub user_hash: Option<Vec<u8>>,
    /// Refunds that were noted.
    pub noted: Option<String>,
}

#[derive(Serialize, Deserialize)]
struct NotedText {
    amount: Option<Amount>,
    currency: Option<Currency>,
    user: String,
}

#[derive(FromRow)]
struct Loaded {
    alias_id: Option<Uuid>,
    #[sqlx(flatten)]
    row: ConversionRow,
}

/// The conversions that are known under these ids, their own or another.
pub async fn load(connection: &mut PgConnection, ids: &[Uuid]) -> Result<Orders, sqlx::Error> {
    let mut orders = Orders::default();
    let rows: Vec<Loaded> = sqlx::query_as(
        "SELECT NULL::uuid AS alias_id, c.* FROM conversions c WHERE c.id = ANY($1)
         UNION ALL
         SELECT a.alias_id, c.* FROM conversion_aliases a JOIN conversions c ON c.id = a.conversion_id
          WHERE a.alias_id = ANY($1)",
    )
    .bind(ids)
    .fetch_all(connection)
    .await?;
    for loaded in rows {
        let id = conversion_id(loaded.row.id)?;
        if let Some(alias) = loaded.alias_id {
            orders.aliases.insert(conversion_id(alias)?, id.clone());
        }
        orders.conversions.insert(id.clone(), loaded.row.state(id)?);
    }
    Ok(orders)
}

/// Saves conversions as they stand now.
pub async fn save(
    connection: &mut PgConnection,
    rows: &[ConversionRow],
) -> Result<(), sqlx::Error> {
    sqlx::query(
        "INSERT INTO conversions (id, standing, event_id, recorded_at, position, event_type, order_id, campaign_id, brand_id,
                                  partner_id, link_code, click_id, terms_version, occurred_at, amount_minor, refunded_minor,
                                  currency, reason, amount_text, user_hash, noted)
         SELECT * FROM UNNEST($1::uuid[], $2::text[], $3::uuid[], $4::bigint[], $5::bigint[], $6::text[], $7::text[],
                              $8::text[], $9::text[], $10::text[], $11::text[], $12::text[], $13::int[], $14::bigint[],
                              $15::bigint[], $16::bigint[], $17::text[], $18::text[], $19::text[], $20::bytea[], $21::text[])
         ON CONFLICT (id) DO UPDATE SET
             standing = excluded.standing, event_id = excluded.event_id, recorded_at = excluded.recorded_at,
             position = excluded.position, event_type = excluded.event_type, order_id = excluded.order_id,
             campaign_id = excluded.campaign_id, brand_id = excluded.brand_id, partner_id = excluded.partner_id,
             link_code = excluded.link_code, click_id = excluded.click_id, terms_version = excluded.terms_version,
             occurred_at = excluded.occurred_at, amount_minor = excluded.amount_minor,
             refunded_minor = excluded.refunded_minor, currency = excluded.currency, reason = excluded.reason,
             amount_text = excluded.amount_text, user_hash = excluded.user_hash, noted = excluded.noted",
    )
    .bind(each(rows, |row| row.id))
    .bind(each(rows, |row| row.standing.as_str()))
    .bind(each(rows, |row| row.event_id))
    .bind(each(rows, |row| row.recorded_at))
    .bind(each(rows, |row| row.position))
    .bind(each(rows, |row| row.event_type.as_deref()))
    .bind(each(rows, |row| row.order_id.as_deref()))
    .bind(each(rows, |row| row.campaign_id.as_deref()))
    .bind(each(rows, |row| row.brand_id.as_deref()))
    .bind(each(rows, |row| row.partner_id.as_deref()))
    .bind(each(rows, |row| row.link_code.as_deref()))
    .bind(each(rows, |row| row.click_id.as_deref()))
    .bind(each(rows, |row| row.terms_version))
    .bind(each(rows, |row| row.occurred_at))
    .bind(each(rows, |row| row.amount_minor))
    .bind(each(rows, |row| row.refunded_minor))
    .bind(each(rows, |row| row.currency.as_deref()))
    .bind(each(rows, |row| row.reason.as_deref()))
    .bind(each(rows, |row| row.amount_text.as_deref()))
    .bind(each(rows, |row| row.user_hash.as_deref()))
    .bind(each(rows, |row| row.noted.as_deref()))
    .execute(connection)
    .await?;
    Ok(())
}

/// Saves aliases; one that is taken stays as it is.
pub async fn save_aliases(
    connection: &mut PgConnection,
    rows: &[(Uuid, Uuid)],
) -> Result<(), sqlx::Error> {
    sqlx::query(
        "INSERT INTO conversion_aliases (alias_id, conversion_id) SELECT * FROM UNNEST($1::uuid[], $2::uuid[])
         ON CONFLICT (alias_id) DO UPDATE SET conversion_id = excluded.conversion_id",
    )
    .bind(each(rows, |(alias, _)| *alias))
    .bind(each(rows, |(_, conversion)| *conversion))
    .execute(connection)
    .await?;
    Ok(())
}

fn conversion_id(id: Uuid) -> Result<ConversionId, sqlx::Error> {
    ConversionId::parse(id.to_string()).map_err(|_| unreadable("conversion id"))
}

impl ConversionRow {
    /// The row of a conversion.
    pub fn of(id: &ConversionId, conversion: &Conversion) -> Result<Self, sqlx::Error> {
        let row = match &conversion.standing {
            Standing::Noted(order) => Self {
                standing: "noted".to_owned(),
                order_id: order.as_ref().map(OrderId::to_string),
                ..Self::default()
            },
            Standing::Unattributed(event) => Self::unattributed(event),
            Standing::Attributed(event) => Self::attributed(event),
        };
        Ok(Self {
            id: uuid(id)?,
            event_id: conversion.event_id,
            recorded_at: conversion.recorded_at.0,
            position: conversion.position,
            refunded_minor: conversion.refunded_minor,
            noted: noted_text(&conversion.noted)?,
            ..row
        })
    }

    fn attributed(event: &Attributed) -> Self {
        Self {
            standing: "attributed".to_owned(),
            event_type: Some(event.event_type.as_str().to_owned()),
            order_id: event.order.as_ref().map(OrderId::to_string),
            campaign_id: Some(event.campaign.to_string()),
            brand_id: Some(event.brand.to_string()),
            partner_id: Some(event.partner.to_string()),
            link_code: Some(event.link.to_string()),
            click_id: Some(event.click.to_string()),
            terms_version: Some(event.terms_version),
            occurred_at: Some(event.occurred_at.0),
            amount_minor: event.amount.map(|amount| amount.minor),
            currency: event.amount.map(|amount| amount.currency.to_string()),
            ..Self::default()
        }
    }

    fn unattributed(event: &Unattributed) -> Self {
        Self {
            standing: "unattributed".to_owned(),
            event_type: Some(event.event_type.as_str().to_owned()),
            order_id: event.order.as_ref().map(OrderId::to_string),
            campaign_id: event.campaign.as_ref().map(CampaignId::to_string),
            click_id: event.click.as_ref().map(ClickId::to_string),
            occurred_at: Some(event.occurred_at.0),
            currency: event.currency.as_ref().map(Currency::to_string),
            reason: Some(event.reason.name().to_owned()),
            amount_text: event.amount.as_ref().map(Amount::to_string),
            user_hash: Some(event.user.0.to_vec()),
            ..Self::default()
        }
    }

    /// The conversion of a row.
    fn state(self, id: ConversionId) -> Result<Conversion, sqlx::Error> {
        let (event_id, recorded_at, position) = (self.event_id, self.recorded_at, self.position);
        let (refunded_minor, noted) = (self.refunded_minor, read_noted(self.noted.as_deref())?);
        let standing = self.standing(id).ok_or_else(|| unreadable("conversion"))?;
        Ok(Conversion {
            standing,
            event_id,
            recorded_at: Micros(recorded_at),
            position,
            noted,
            refunded_minor,
        })
    }

    fn standing(self, conversion: ConversionId) -> Option<Standing> {
        let order = self.order_id.map(OrderId::parse).transpose().ok()?;
        let currency = self
            .currency
            .as_deref()
            .map(Currency::parse)
            .transpose()
            .ok()?;
        let event_type = self.event_type.as_deref().and_then(EventType::parse);
        let occurred_at = self.occurred_at.map(Micros);
        match self.standing.as_str() {
            "noted" => Some(Standing::Noted(order)),
            "unattributed" => Some(Standing::Unattributed(Unattributed {
                conversion,
                event_type: event_type?,
                reason: Reason::parse(&self.reason?)?,
                amount: self
                    .amount_text
                    .as_deref()
                    .map(Amount::parse)
                    .transpose()
                    .ok()?,
                currency,
                order,
                campaign: self.campaign_id.map(CampaignId::parse).transpose().ok()?,
                click: self.click_id.map(ClickId::parse).transpose().ok()?,
                user: UserHash(self.user_hash?.try_into().ok()?),
                occurred_at: occurred_at?,
            })),
            "attributed" => Some(Standing::Attributed(Attributed {
                conversion,
                event_type: event_type?,
                order,
                alias: None,
                campaign: CampaignId::parse(self.campaign_id?).ok()?,
                brand: BrandId::parse(self.brand_id?).ok()?,
                partner: PartnerId::parse(self.partner_id?).ok()?,
                link: LinkCode::parse(self.link_code?).ok()?,
                click: ClickId::parse(self.click_id?).ok()?,
                amount: self
                    .amount_minor
                    .zip(currency)
                    .map(|(m, c)| Money::new(m, c)),
                terms_version: self.terms_version?,
                occurred_at: occurred_at?,
            })),
            _ => None,
        }
    }
}

fn noted_text(noted: &[NotedRefund]) -> Result<Option<String>, sqlx::Error> {
    if noted.is_empty() {
        return Ok(None);
    }
    let noted = each(noted, |refund| NotedText {
        amount: refund.amount,
        currency: refund.currency,
        user: refund.user.to_string(),
    });
    serde_json::to_string(&noted)
        .map(Some)
        .map_err(|error| sqlx::Error::Encode(error.into()))
}

fn read_noted(text: Option<&str>) -> Result<Vec<NotedRefund>, sqlx::Error> {
    let Some(text) = text else {
        return Ok(Vec::new());
    };
    let noted: Vec<NotedText> =
        serde_json::from_str(text).map_err(|error| sqlx::Error::Decode(error.into()))?;
    noted
        .into_iter()
        .map(|refund| {
            Ok(NotedRefund {
                amount: refund.amount,
                currency: refund.currency,
                user: UserHash::parse(&refund.user).ok_or_else(|| unreadable("user hash"))?,
            })
        })
        .collect()
}

/// Which conversions are listed.
#[derive(Debug)]
pub struct ConversionFilter<'a> {
    /// Whose.
    pub scope: Scope<'a>,
    /// Of this campaign.
    pub campaign: Option<&'a CampaignId>,
    /// Of this partner.
    pub partner: Option<&'a PartnerId>,
    /// Of this brand.
    pub brand: Option<&'a BrandId>,
    /// Of this order.
    pub order: Option<&'a OrderId>,
    /// That stand like this.
    pub standing: Option<&'a str>,
}

/// A page of conversions, newest first.
pub async fn list(
    pool: &PgPool,
    filter: &ConversionFilter<'_>,
    page: PageQuery,
) -> Result<Vec<ConversionRow>, sqlx::Error> {
    sqlx::query_as(
        "SELECT * FROM conversions
          WHERE position < $1 AND ($2 OR partner_id = $3 OR brand_id = $4)
            AND ($5::text IS NULL OR campaign_id = $5) AND ($6::text IS NULL OR partner_id = $6)
            AND ($7::text IS NULL OR brand_id = $7) AND ($8::text IS NULL OR order_id = $8)
            AND ($9::text IS NULL OR standing = $9)
          ORDER BY position DESC LIMIT $10",
    )
    .bind(page.below())
    .bind(filter.scope.all)
    .bind(filter.scope.partner.map(PartnerId::as_str))
    .bind(filter.scope.brand.map(BrandId::as_str))
    .bind(filter.campaign.map(CampaignId::as_str))
    .bind(filter.partner.map(PartnerId::as_str))
    .bind(filter.brand.map(BrandId::as_str))
    .bind(filter.order.map(OrderId::as_str))
    .bind(filter.standing)
    .bind(page.rows())
    .fetch_all(pool)
    .await
}

/// A conversion by its own id or another.
pub async fn find(pool: &PgPool, id: Uuid) -> Result<Option<ConversionRow>, sqlx::Error> {
    sqlx::query_as(
        "SELECT * FROM conversions
          WHERE id = coalesce((SELECT conversion_id FROM conversion_aliases WHERE alias_id = $1), $1)",
    )
    .bind(id)
    .fetch_optional(pool)
    .await
}
