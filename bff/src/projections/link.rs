//! Links, from `tracking-events`.

use schemas::{Body, Message};

use super::rows::{ReadModel, Says};
use crate::store::links::LinkRow;

impl ReadModel for LinkRow {
    fn says(message: &Message) -> Says {
        match message.body {
            Body::LinkCreatedV1(_) => Says::All,
            _ => Says::Nothing,
        }
    }

    fn evolve(before: Option<Self>, message: &Message, place: i64) -> Option<Self> {
        let (header, Body::LinkCreatedV1(link)) = (&message.header, &message.body) else {
            return before;
        };
        Some(Self {
            id: header.subject.clone(),
            position: place,
            campaign_id: link.campaign_id.to_string(),
            partner_id: link.partner_id.to_string(),
            target_url: link.target_url.clone(),
            created_at: header.time.get(),
        })
    }
}
