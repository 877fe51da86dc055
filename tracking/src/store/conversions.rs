//! `conversions` and `conversion_aliases`.

use std::collections::HashSet;

use chassis::auth::Scope;
use chassis::page::PageQuery;
use runtime::lists;
use sqlx::{FromRow, PgConnection, PgPool};
use types::{BrandId, CampaignId, ConversionId, OrderId, PartnerId, Uuid};

use super::unreadable;
use crate::domain::{ConversionStatus, Orders};

pub use super::conversion_row::ConversionRow;

#[derive(FromRow)]
struct Loaded {
    alias_id: Option<Uuid>,
    #[sqlx(flatten)]
    row: ConversionRow,
}

/// Loads the conversions that are known under these ids, their own or another. Returns their own.
pub async fn load(
    connection: &mut PgConnection,
    ids: &[Uuid],
    orders: &mut Orders,
) -> Result<HashSet<Uuid>, sqlx::Error> {
    let rows: Vec<Loaded> = sqlx::query_as(
        "SELECT NULL::uuid AS alias_id, c.* FROM conversions c WHERE c.id = ANY($1)
         UNION ALL
         SELECT a.alias_id, c.* FROM conversion_aliases a JOIN conversions c ON c.id = a.conversion_id
          WHERE a.alias_id = ANY($1)",
    )
    .bind(ids)
    .fetch_all(connection)
    .await?;
    let stored = rows.iter().map(|loaded| loaded.row.id).collect();
    for loaded in rows {
        let id = conversion_id(loaded.row.id)?;
        if let Some(alias) = loaded.alias_id {
            orders.aliases.insert(conversion_id(alias)?, id.clone());
        }
        orders.conversions.insert(id.clone(), loaded.row.state(id)?);
    }
    Ok(stored)
}

/// Saves conversions as they stand now, of which these have a row already.
pub(crate) async fn save(
    connection: &mut PgConnection,
    rows: &[ConversionRow],
    stored: &HashSet<Uuid>,
) -> Result<(), sqlx::Error> {
    messaging::insert_rows!(connection, rows => "conversions" {
        id: uuid = |row| row.id,
        standing: text = |row| row.standing.as_str(),
        event_id: uuid = |row| row.event_id,
        recorded_at: bigint = |row| row.recorded_at,
        position: bigint = |row| row.position,
        event_type: text = |row| row.event_type.as_deref(),
        order_id: text = |row| row.order_id.as_deref(),
        campaign_id: text = |row| row.campaign_id.as_deref(),
        brand_id: text = |row| row.brand_id.as_deref(),
        partner_id: text = |row| row.partner_id.as_deref(),
        link_code: text = |row| row.link_code.as_deref(),
        click_id: text = |row| row.click_id.as_deref(),
        terms_version: int = |row| row.terms_version,
        occurred_at: bigint = |row| row.occurred_at,
        amount_minor: bigint = |row| row.amount_minor,
        refunded_minor: bigint = |row| row.refunded_minor,
        currency: text = |row| row.currency.as_deref(),
        reason: text = |row| row.reason.as_deref(),
        amount_text: text = |row| row.amount_text.as_deref(),
        user_hash: bytea = |row| row.user_hash.as_deref(),
        noted: text = |row| row.noted.as_deref(),
        verified_by: text = |row| row.verified_by.as_deref(),
        is_taken_back: boolean = |row| row.is_taken_back,
    } on (id) set (
        standing, event_id, recorded_at, position, event_type, order_id, campaign_id, brand_id,
        partner_id, link_code, click_id, terms_version, occurred_at, amount_minor, refunded_minor,
        currency, reason, amount_text, user_hash, noted, verified_by, is_taken_back
    ) new if |row| !stored.contains(&row.id))
    .await
}

/// Saves aliases; one that is taken stays as it is.
pub async fn save_aliases(
    connection: &mut PgConnection,
    rows: &[(Uuid, Uuid)],
) -> Result<(), sqlx::Error> {
    messaging::insert_rows!(connection, rows => "conversion_aliases" {
        alias_id: uuid = |(alias, _)| *alias,
        conversion_id: uuid = |(_, conversion)| *conversion,
    } on (alias_id) set (conversion_id))
    .await
}

fn conversion_id(id: Uuid) -> Result<ConversionId, sqlx::Error> {
    ConversionId::parse(id.to_string()).map_err(|_| unreadable("conversion id"))
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
    pub standing: Option<ConversionStatus>,
}

/// A page of conversions, newest first.
pub async fn list(
    pool: &PgPool,
    filter: &ConversionFilter<'_>,
    page: PageQuery,
) -> Result<Vec<ConversionRow>, sqlx::Error> {
    let narrowing = [
        ("campaign_id", filter.campaign.map(CampaignId::as_str)),
        ("partner_id", filter.partner.map(PartnerId::as_str)),
        ("brand_id", filter.brand.map(BrandId::as_str)),
        ("order_id", filter.order.map(OrderId::as_str)),
        ("standing", filter.standing.map(ConversionStatus::name)),
    ];
    let seen = lists::seen_by(filter.scope, "partner_id = ", ("brand_id = ", ""));
    let all = ("SELECT * FROM conversions", "position");
    lists::list(pool, all, page, seen, &narrowing).await
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
