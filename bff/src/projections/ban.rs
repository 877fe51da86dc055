//! Bans, from `campaign-events`. Each event says what a brand, or an operator, holds of its partner from then on.

use schemas::{Body, Message};
use types::PartnerStatus;

use super::rows::{ReadModel, Says};
use crate::store::bans::BanRow;

impl ReadModel for BanRow {
    fn says(message: &Message) -> Says {
        match message.body {
            Body::PartnerBannedV1(_) | Body::PartnerUnbannedV1(_) => Says::All,
            _ => Says::Nothing,
        }
    }

    fn evolve(before: Option<Self>, message: &Message, place: i64) -> Option<Self> {
        let (brand, status, reason) = match &message.body {
            Body::PartnerBannedV1(it) => (&it.brand_id, PartnerStatus::Banned, Some(it.reason)),
            Body::PartnerUnbannedV1(it) => (&it.brand_id, PartnerStatus::Active, None),
            _ => return before,
        };
        let header = &message.header;
        Some(Self {
            id: header.subject.clone(),
            position: before.map_or(place, |row| row.position),
            partner_id: header.key.clone(),
            brand_id: brand.as_ref().map(ToString::to_string),
            status: status.name().to_owned(),
            reason: reason.map(|reason| reason.name().to_owned()),
            since: header.time.get(),
        })
    }
}
