//! Commissions, from `commission-events`.

use std::collections::HashMap;

use schemas::{Body, CommissionCalculatedV1, Header, Message};
use types::Micros;

use crate::store::commissions::CommissionRow;

/// What the status on the wire begins with when nothing is earned until an operator decides; the reason follows.
const SUSPENDED: &str = "suspended_";

/// Whether the message changes a commission that another one made.
pub(super) fn changes(message: &Message) -> bool {
    matches!(
        message.body,
        Body::CommissionApprovedV1(_) | Body::CommissionReversedV1(_)
    )
}

/// Notes what the message says about its commission. One whose beginning is a dead letter stays unknown.
pub(super) fn fold(rows: &mut HashMap<String, CommissionRow>, message: &Message) {
    let header = &message.header;
    match &message.body {
        Body::CommissionCalculatedV1(calculated) => {
            let row = row(header, calculated, rows.len());
            rows.insert(header.subject.clone(), row);
        }
        Body::CommissionApprovedV1(_) => change(rows, header, |row| {
            row.approved_at = Some(header.time.get());
        }),
        Body::CommissionReversedV1(reversed) => change(rows, header, |row| {
            row.reversed_minor = reversed.reversed_total.minor;
        }),
        _ => {}
    }
}

fn change(
    rows: &mut HashMap<String, CommissionRow>,
    header: &Header,
    change: impl FnOnce(&mut CommissionRow),
) {
    if let Some(row) = rows.get_mut(&header.subject) {
        change(row);
        status(row).clone_into(&mut row.status);
    }
}

fn row(header: &Header, calculated: &CommissionCalculatedV1, place: usize) -> CommissionRow {
    let time = header.time.get();
    let (base, flat) = (calculated.base, calculated.flat);
    let mut row = CommissionRow {
        id: header.subject.clone(),
        position: super::among_new(place),
        campaign_id: calculated.campaign_id.to_string(),
        partner_id: calculated.partner_id.to_string(),
        brand_id: calculated.brand_id.to_string(),
        event_type: calculated.event_type.name().to_owned(),
        base_minor: base.map(|base| base.minor),
        base_currency: base.map(|base| base.currency.code().to_owned()),
        rate_bps: calculated.rate_bps,
        flat_minor: flat.map(|flat| flat.minor),
        flat_currency: flat.map(|flat| flat.currency.code().to_owned()),
        plan_version: calculated.plan_version.get(),
        currency: calculated.amount.currency.code().to_owned(),
        amount_minor: calculated.amount.minor,
        reversed_minor: 0,
        status: String::new(),
        suspense: calculated.status.strip_prefix(SUSPENDED).map(str::to_owned),
        hold_until: calculated.hold_until.map(Micros::get),
        calculated_at: time,
        approved_at: (calculated.status == "approved").then_some(time),
    };
    status(&row).clone_into(&mut row.status);
    row
}

/// As commission itself states it.
fn status(row: &CommissionRow) -> &'static str {
    if row.suspense.is_some() {
        "suspended"
    } else if row.amount_minor > 0 && row.reversed_minor == row.amount_minor {
        "reversed"
    } else if row.approved_at.is_none() {
        "held"
    } else {
        "approved"
    }
}
