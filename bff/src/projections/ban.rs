//! Bans, from `campaign-events`. Each event says what a brand, or an operator, holds of its partner from then on.

use std::collections::HashMap;

use schemas::{Body, Message};
use types::PartnerStatus;

use crate::store::bans::BanRow;

/// Notes what the message says about its ban.
pub(super) fn fold(rows: &mut HashMap<String, BanRow>, message: &Message) {
    let (brand, status, reason) = match &message.body {
        Body::PartnerBannedV1(it) => (&it.brand_id, PartnerStatus::Banned, Some(it.reason)),
        Body::PartnerUnbannedV1(it) => (&it.brand_id, PartnerStatus::Active, None),
        _ => return,
    };
    let header = &message.header;
    let new = super::among_new(rows.len());
    let before = rows.remove(&header.subject);
    let row = BanRow {
        id: header.subject.clone(),
        position: before.map_or(new, |row| row.position),
        partner_id: header.key.clone(),
        brand_id: brand.as_ref().map(ToString::to_string),
        status: status.name().to_owned(),
        reason: reason.map(|reason| reason.name().to_owned()),
        since: header.time.get(),
    };
    rows.insert(header.subject.clone(), row);
}
