//! `postback_sales`: what postbacks name of a conversion, which events about its commission do not say. Of partners that have postbacks.

use std::collections::BTreeMap;

use schemas::{Body, Message};
use sqlx::PgConnection;
use types::{Money, PartnerId};

/// What postbacks name of a conversion.
#[derive(Debug)]
pub(crate) struct NewSale {
    pub(crate) partner: PartnerId,
    conversion: String,
    click: String,
    link: String,
    campaign: String,
    order: Option<String>,
    amount: Option<Money>,
}

impl NewSale {
    /// Where a fact says that a conversion is a partner's.
    pub(crate) fn of(fact: &Message) -> Option<Self> {
        let Body::ConversionAttributedV1(sale) = &fact.body else {
            return None;
        };
        Some(Self {
            partner: sale.partner_id.clone(),
            conversion: fact.header.subject.clone(),
            click: sale.click_id.to_string(),
            link: sale.link_code.to_string(),
            campaign: sale.campaign_id.to_string(),
            order: sale.order_id.as_ref().map(ToString::to_string),
            amount: sale.amount,
        })
    }
}

/// Keeps them. A repeat says the same, but where tracking's restore gave a conversion to somebody else: then the newest holds.
pub(crate) async fn insert(
    connection: &mut PgConnection,
    sales: &[NewSale],
) -> Result<(), sqlx::Error> {
    let latest = sales.iter().map(|it| (it.conversion.as_str(), it));
    let latest: BTreeMap<_, _> = latest.collect();
    let sales: Vec<&NewSale> = latest.into_values().collect();
    messaging::insert_rows!(connection, sales => "postback_sales" {
        conversion_id: text = |it| it.conversion.clone(),
        partner_id: text = |it| it.partner.to_string(),
        click_id: text = |it| it.click.clone(),
        link_code: text = |it| it.link.clone(),
        campaign_id: text = |it| it.campaign.clone(),
        order_id: text = |it| it.order.clone(),
        amount: bigint = |it| it.amount.map(|amount| amount.minor),
        currency: text = |it| it.amount.map(|amount| amount.currency.to_string()),
    } on (conversion_id) set (partner_id, click_id, link_code, campaign_id, order_id, amount, currency))
    .await
}

/// Whoever was erased has no postbacks any more. Returns of how many sales that is now so, of that many at most.
pub(crate) async fn erase(
    connection: &mut PgConnection,
    partners: &[&str],
    most: i64,
) -> Result<u64, sqlx::Error> {
    sqlx::query(
        "DELETE FROM postback_sales WHERE conversion_id IN (
           SELECT conversion_id FROM postback_sales WHERE partner_id = ANY($1) LIMIT $2)",
    )
    .bind(partners)
    .bind(most)
    .execute(connection)
    .await
    .map(|deleted| deleted.rows_affected())
}
