//! Commissions, from `commission-events`.

use std::collections::HashMap;

use money::Micros;
use schemas::{Body, CommissionCalculatedV1, Header, Message};

use crate::store::commissions::CommissionRow;

/// Whether the message changes a commission that another one made.
pub(super) fn changes(message: &Message) -> bool {
    matches!(
        message.body,
        Body::CommissionApprovedV1(_) | Body::CommissionReversedV1(_)
    )
}

/// Notes what the message says about its commission. One whose beginning is set aside stays unknown.
pub(super) fn fold(rows: &mut HashMap<String, CommissionRow>, message: &Message) {
    let header = &message.header;
    match &message.body {
        Body::CommissionCalculatedV1(calculated) => {
            rows.insert(header.subject.clone(), row(header, calculated));
        }
        Body::CommissionApprovedV1(_) => {
            if let Some(row) = rows.get_mut(&header.subject) {
                "approved".clone_into(&mut row.status);
                row.updated_at = header.time.get();
            }
        }
        Body::CommissionReversedV1(reversed) => {
            if let Some(row) = rows.get_mut(&header.subject) {
                row.reversed_minor = reversed.reversed_total.minor;
                if row.reversed_minor >= row.amount_minor {
                    "reversed".clone_into(&mut row.status);
                }
                row.updated_at = header.time.get();
            }
        }
        _ => {}
    }
}

fn row(header: &Header, calculated: &CommissionCalculatedV1) -> CommissionRow {
    let time = header.time.get();
    CommissionRow {
        id: header.subject.clone(),
        position: 0,
        partner_id: calculated.partner_id.clone(),
        brand_id: calculated.brand_id.clone(),
        campaign_id: calculated.campaign_id.clone(),
        event_type: calculated.event_type.clone(),
        base_minor: calculated.base.as_ref().map(|base| base.minor),
        rate_bps: calculated.rate_bps,
        flat_minor: calculated.flat.as_ref().map(|flat| flat.minor),
        plan_version: calculated.plan_version,
        currency: calculated.amount.currency.clone(),
        amount_minor: calculated.amount.minor,
        reversed_minor: 0,
        status: calculated.status.clone(),
        hold_until: calculated.hold_until.map(Micros::get),
        created_at: time,
        updated_at: time,
    }
}
