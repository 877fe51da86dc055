//! Claims, from `tracking-events`.

use schemas::{Body, ClaimedSale, Header, Message};
use types::ClaimStatus;

use super::rows::{ReadModel, Says};
use crate::store::claims::ClaimRow;

impl ReadModel for ClaimRow {
    fn says(message: &Message) -> Says {
        match message.body {
            Body::ConversionClaimedV1(_) => Says::All,
            Body::ClaimSettledV1(_) | Body::ClaimAcceptedV1(_) | Body::ClaimDeclinedV1(_) => {
                Says::Change
            }
            _ => Says::Nothing,
        }
    }

    /// A claim whose beginning is a dead letter stays unknown until it is settled.
    fn evolve(before: Option<Self>, message: &Message, place: i64) -> Option<Self> {
        let header = &message.header;
        let (row, status, conversion, reason) = match &message.body {
            Body::ConversionClaimedV1(claimed) => {
                return Some(row_of(header, &claimed.sale, place));
            }
            Body::ClaimSettledV1(settled) => {
                let row = before.unwrap_or_else(|| row_of(header, &settled.sale, place));
                let conversion = Some(&settled.conversion_id);
                (row, ClaimStatus::Settled, conversion, None)
            }
            Body::ClaimAcceptedV1(accepted) => {
                let conversion = Some(&accepted.conversion_id);
                (before?, ClaimStatus::Accepted, conversion, None)
            }
            Body::ClaimDeclinedV1(declined) => {
                (before?, ClaimStatus::Declined, None, Some(declined.reason))
            }
            _ => return before,
        };
        if ClaimStatus::parse(&row.status).is_some_and(ClaimStatus::stays) {
            return Some(row);
        }
        Some(Self {
            status: status.name().to_owned(),
            conversion_id: conversion.map(ToString::to_string),
            reason: reason.map(|reason| reason.name().to_owned()),
            decided_at: Some(header.time.get()),
            ..row
        })
    }
}

fn row_of(header: &Header, sale: &ClaimedSale, place: i64) -> ClaimRow {
    ClaimRow {
        id: header.subject.clone(),
        position: place,
        status: ClaimStatus::Open.name().to_owned(),
        conversion_id: None,
        campaign_id: sale.campaign_id.to_string(),
        partner_id: sale.partner_id.to_string(),
        brand_id: sale.brand_id.to_string(),
        event_type: sale.event_type.name().to_owned(),
        order_id: sale.order_id.as_ref().map(ToString::to_string),
        link_code: sale.link_code.to_string(),
        click_id: sale.click_id.to_string(),
        amount_minor: sale.amount.map(|amount| amount.minor),
        currency: sale.amount.map(|amount| amount.currency.code().to_owned()),
        reason: None,
        occurred_at: sale.occurred_at.get(),
        claimed_at: header.time.get(),
        decided_at: None,
    }
}
