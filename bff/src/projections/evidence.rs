//! Evidence, from `campaign-events`.

use schemas::{Body, Message};
use types::{EvidenceReason, EvidenceStatus};

use super::rows::{ReadModel, Says};
use crate::store::evidence::EvidenceRow;

impl ReadModel for EvidenceRow {
    fn says(message: &Message) -> Says {
        match message.body {
            Body::EvidenceSubmittedV1(_) => Says::All,
            _ if decision(message).is_some() => Says::Change,
            _ => Says::Nothing,
        }
    }

    fn evolve(before: Option<Self>, message: &Message, place: i64) -> Option<Self> {
        let header = &message.header;
        let Body::EvidenceSubmittedV1(shown) = &message.body else {
            let (status, reason) = decision(message)?;
            return Some(Self {
                status: status.name().to_owned(),
                reason: reason.map(|reason| reason.name().to_owned()),
                decided_at: Some(header.time.get()),
                ..before?
            });
        };
        Some(Self {
            id: header.subject.clone(),
            position: before.map_or(place, |row| row.position),
            campaign_id: header.key.clone(),
            partner_id: shown.partner_id.to_string(),
            evidence_type: shown.evidence_type.clone(),
            url_hash: shown.url_hash.clone(),
            submitted_at: header.time.get(),
            content_hash: shown.content_hash.clone(),
            replaces: shown.replaces.as_ref().map(ToString::to_string),
            duplicate_of: shown.duplicate_of.as_ref().map(ToString::to_string),
            sealed_url: shown.sealed_url.clone(),
            sealed_metadata: shown.sealed_metadata.clone(),
            status: EvidenceStatus::Submitted.name().to_owned(),
            reason: None,
            decided_at: None,
            erased_at: None,
        })
    }
}

/// What a brand says of evidence by this message.
fn decision(message: &Message) -> Option<(EvidenceStatus, Option<EvidenceReason>)> {
    match &message.body {
        Body::EvidenceApprovedV1(_) => Some((EvidenceStatus::Approved, None)),
        Body::EvidenceRejectedV1(it) => Some((EvidenceStatus::Rejected, Some(it.reason))),
        Body::EvidenceReturnedV1(it) => Some((EvidenceStatus::Returned, Some(it.reason))),
        _ => None,
    }
}
