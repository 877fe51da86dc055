//! Claims, from `tracking-events`.

use std::collections::HashMap;

use schemas::{Body, ClaimedSale, Header, Message};
use types::ClaimStatus;

use crate::store::claims::ClaimRow;

/// Whether the message changes a claim that another one may have made.
pub(super) fn changes(message: &Message) -> bool {
    matches!(
        message.body,
        Body::ClaimSettledV1(_) | Body::ClaimAcceptedV1(_) | Body::ClaimDeclinedV1(_)
    )
}

/// Notes what the message says about its claim. One whose beginning is a dead letter stays unknown until it is settled.
pub(super) fn fold(rows: &mut HashMap<String, ClaimRow>, message: &Message) {
    let header = &message.header;
    let place = rows.len();
    let (status, conversion, reason) = match &message.body {
        Body::ConversionClaimedV1(claimed) => {
            let row = row_of(header, &claimed.sale, place);
            rows.insert(header.subject.clone(), row);
            return;
        }
        Body::ClaimSettledV1(settled) => {
            let row = rows.entry(header.subject.clone());
            row.or_insert_with(|| row_of(header, &settled.sale, place));
            (ClaimStatus::Settled, Some(&settled.conversion_id), None)
        }
        Body::ClaimAcceptedV1(accepted) => {
            (ClaimStatus::Accepted, Some(&accepted.conversion_id), None)
        }
        Body::ClaimDeclinedV1(declined) => (ClaimStatus::Declined, None, Some(declined.reason)),
        _ => return,
    };
    if let Some(row) = rows.get_mut(&header.subject)
        && !ClaimStatus::parse(&row.status).is_some_and(ClaimStatus::stays)
    {
        status.name().clone_into(&mut row.status);
        row.conversion_id = conversion.map(ToString::to_string);
        row.reason = reason.map(|reason| reason.name().to_owned());
        row.decided_at = Some(header.time.get());
    }
}

fn row_of(header: &Header, sale: &ClaimedSale, place: usize) -> ClaimRow {
    ClaimRow {
        id: header.subject.clone(),
        position: super::among_new(place),
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
