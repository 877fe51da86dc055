//! Commissions, from `commission-events`.

use schemas::{Body, CommissionCalculatedV1, Header, Message};
use types::{CommissionStatus, Micros};

use super::rows::{ReadModel, Says};
use crate::store::commissions::CommissionRow;

impl ReadModel for CommissionRow {
    fn says(message: &Message) -> Says {
        match message.body {
            Body::CommissionCalculatedV1(_) => Says::All,
            Body::CommissionApprovedV1(_) | Body::CommissionReversedV1(_) => Says::Change,
            _ => Says::Nothing,
        }
    }

    /// A commission whose beginning is a dead letter stays unknown.
    fn evolve(before: Option<Self>, message: &Message, place: i64) -> Option<Self> {
        let header = &message.header;
        let mut row = match &message.body {
            Body::CommissionCalculatedV1(calculated) => row(header, calculated, place),
            Body::CommissionApprovedV1(_) => Self {
                approved_at: Some(header.time.get()),
                ..before?
            },
            Body::CommissionReversedV1(reversed) => Self {
                reversed_minor: reversed.reversed_total.minor,
                ..before?
            },
            _ => return before,
        };
        status(&row).name().clone_into(&mut row.status);
        Some(row)
    }
}

fn row(header: &Header, calculated: &CommissionCalculatedV1, place: i64) -> CommissionRow {
    let time = header.time.get();
    let (base, flat) = (calculated.base, calculated.flat);
    CommissionRow {
        id: header.subject.clone(),
        position: place,
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
        suspense: calculated.suspense().map(str::to_owned),
        hold_until: calculated.hold_until.map(Micros::get),
        calculated_at: time,
        approved_at: (calculated.status == "approved").then_some(time),
    }
}

/// As commission itself states it.
fn status(row: &CommissionRow) -> CommissionStatus {
    if row.suspense.is_some() {
        CommissionStatus::Suspended
    } else if row.amount_minor > 0 && row.reversed_minor == row.amount_minor {
        CommissionStatus::Reversed
    } else if row.approved_at.is_none() {
        CommissionStatus::Held
    } else {
        CommissionStatus::Approved
    }
}
