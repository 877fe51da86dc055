//! Conversions, from `tracking-events`.

use schemas::{
    Actor, Body, ConversionAttributedV1, ConversionRefundNotedV1, ConversionUnattributedV1, Header,
    Message,
};
use types::{BrandId, ConversionStatus};

use super::rows::{ReadModel, Says};
use crate::store::conversions::ConversionRow;

impl ReadModel for ConversionRow {
    fn says(message: &Message) -> Says {
        match message.body {
            Body::ConversionAttributedV1(_) | Body::ConversionUnattributedV1(_) => Says::All,
            Body::ConversionRefundedV1(_) | Body::ConversionRefundNotedV1(_) => Says::Change,
            _ => Says::Nothing,
        }
    }

    /// A refund of a conversion whose beginning is a dead letter is not shown.
    fn evolve(before: Option<Self>, message: &Message, place: i64) -> Option<Self> {
        let header = &message.header;
        Some(match &message.body {
            Body::ConversionAttributedV1(sale) => attributed(header, sale, place),
            Body::ConversionUnattributedV1(sale) => unattributed(header, sale, place),
            Body::ConversionRefundedV1(refund) => Self {
                refunded_minor: refund.refunded_total.minor,
                ..before?
            },
            // Of one that is known already nothing changes: what it takes back is stated when it does.
            Body::ConversionRefundNotedV1(refund) => {
                before.unwrap_or_else(|| noted(header, refund, place))
            }
            _ => return before,
        })
    }
}

/// A conversion of which only this is known.
fn known_of(
    header: &Header,
    status: ConversionStatus,
    occurred_at: i64,
    place: i64,
) -> ConversionRow {
    ConversionRow {
        id: header.subject.clone(),
        position: place,
        status: status.name().to_owned(),
        event_type: None,
        order_id: None,
        campaign_id: None,
        brand_id: None,
        partner_id: None,
        link_code: None,
        click_id: None,
        terms_version: None,
        amount_minor: None,
        refunded_minor: 0,
        currency: None,
        amount_text: None,
        verified_by: None,
        reason: None,
        reporter_brand_id: None,
        occurred_at,
        recorded_at: header.time.get(),
    }
}

fn attributed(header: &Header, sale: &ConversionAttributedV1, place: i64) -> ConversionRow {
    let occurred_at = sale.occurred_at.get();
    ConversionRow {
        event_type: Some(sale.event_type.name().to_owned()),
        order_id: sale.order_id.as_ref().map(ToString::to_string),
        campaign_id: Some(sale.campaign_id.to_string()),
        brand_id: Some(sale.brand_id.to_string()),
        partner_id: Some(sale.partner_id.to_string()),
        link_code: Some(sale.link_code.to_string()),
        click_id: Some(sale.click_id.to_string()),
        terms_version: Some(sale.terms_version.get()),
        amount_minor: sale.amount.map(|amount| amount.minor),
        currency: sale.amount.map(|amount| amount.currency.code().to_owned()),
        verified_by: sale.verified_by.clone(),
        ..known_of(header, ConversionStatus::Attributed, occurred_at, place)
    }
}

fn unattributed(header: &Header, sale: &ConversionUnattributedV1, place: i64) -> ConversionRow {
    let occurred_at = sale.occurred_at.get();
    // As tracking took it: the brand of its token or its key.
    let reporter = header.actor.as_ref().and_then(Actor::shop);
    ConversionRow {
        event_type: Some(sale.event_type.name().to_owned()),
        order_id: sale.order_id.as_ref().map(ToString::to_string),
        campaign_id: sale.campaign_id.as_ref().map(ToString::to_string),
        click_id: sale.click_id.as_ref().map(ToString::to_string),
        currency: sale.currency.map(|currency| currency.code().to_owned()),
        amount_text: sale.amount.clone(),
        reason: Some(sale.reason.clone()),
        reporter_brand_id: reporter.map(BrandId::into_string),
        ..known_of(header, ConversionStatus::Unattributed, occurred_at, place)
    }
}

fn noted(header: &Header, refund: &ConversionRefundNotedV1, place: i64) -> ConversionRow {
    ConversionRow {
        order_id: refund.order_id.as_ref().map(ToString::to_string),
        ..known_of(
            header,
            ConversionStatus::Noted,
            refund.occurred_at.get(),
            place,
        )
    }
}
