//! Links, from `tracking-events`. Each event says all that its link is from then on.

use schemas::{Body, Message};
use sqlx::types::Json;
use types::LinkStatus;

use super::rows::{ReadModel, Says};
use crate::store::links::LinkRow;

impl ReadModel for LinkRow {
    fn says(message: &Message) -> Says {
        match message.body {
            Body::LinkCreatedV1(_) | Body::LinkChangedV1(_) => Says::All,
            _ => Says::Nothing,
        }
    }

    fn evolve(before: Option<Self>, message: &Message, place: i64) -> Option<Self> {
        let header = &message.header;
        let (campaign_id, partner_id, target_url) = match &message.body {
            Body::LinkCreatedV1(it) => (&it.campaign_id, &it.partner_id, &it.target_url),
            Body::LinkChangedV1(it) => (&it.campaign_id, &it.partner_id, &it.target_url),
            _ => return before,
        };
        let (utm, deep_paths) = match &message.body {
            Body::LinkCreatedV1(it) => (&it.utm, it.deep_paths),
            Body::LinkChangedV1(it) => (&it.utm, it.deep_paths),
            _ => return before,
        };
        let (status, disabled_by, created_at) = match &message.body {
            Body::LinkChangedV1(it) => (it.status, it.disabled_by, it.created_at),
            _ => (LinkStatus::Active, None, header.time),
        };
        Some(Self {
            id: header.subject.clone(),
            position: before.map_or(place, |row| row.position),
            campaign_id: campaign_id.to_string(),
            partner_id: partner_id.to_string(),
            target_url: target_url.clone(),
            status: status.name().to_owned(),
            disabled_by: disabled_by.map(|by| by.name().to_owned()),
            created_at: created_at.get(),
            utm: utm.clone().map(Json),
            deep_paths: deep_paths.unwrap_or_default(),
        })
    }
}
