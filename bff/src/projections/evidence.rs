//! Evidence, from `campaign-events`.

use schemas::{Body, Message};

use super::rows::{ReadModel, Says};
use crate::store::evidence::EvidenceRow;

impl ReadModel for EvidenceRow {
    fn says(message: &Message) -> Says {
        match message.body {
            Body::EvidenceSubmittedV1(_) => Says::All,
            _ => Says::Nothing,
        }
    }

    fn evolve(before: Option<Self>, message: &Message, place: i64) -> Option<Self> {
        let (header, Body::EvidenceSubmittedV1(shown)) = (&message.header, &message.body) else {
            return before;
        };
        Some(Self {
            id: header.subject.clone(),
            position: place,
            campaign_id: header.key.clone(),
            partner_id: shown.partner_id.to_string(),
            evidence_type: shown.evidence_type.clone(),
            url_hash: shown.url_hash.clone(),
            submitted_at: header.time.get(),
        })
    }
}
