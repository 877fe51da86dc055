//! Partners and brands themselves, from `campaign-events`: the first event that names one makes it. Which is the first
//! goes by their times: they are of several partitions, which have no order between them.

use runtime::brands::BrandRow;
use runtime::partners::PartnerRow;
use schemas::{Body, Message};

use super::rows::{ReadModel, Says};
use crate::store::erasures::Erasure;

impl ReadModel for PartnerRow {
    fn says(message: &Message) -> Says {
        partner(message).map_or(Says::Nothing, |_| Says::Change)
    }

    fn evolve(before: Option<Self>, message: &Message, place: i64) -> Option<Self> {
        let at = message.header.time.get();
        let mut before = before.unwrap_or_else(|| Self {
            id: Self::row_of(message),
            position: place,
            sealed_name: None,
            country: None,
            currency: None,
            sealed_website: None,
            seen_at: at,
            changed_at: None,
        });
        before.seen_at = before.seen_at.min(at);
        let changed = match &message.body {
            Body::PartnerChangedV1(changed) => Some(changed),
            Body::PartnerErasedV1(_) => None,
            _ => return Some(before),
        };
        let currency = changed.and_then(|it| it.currency);
        Some(Self {
            sealed_name: changed.and_then(|it| it.sealed_name.clone()),
            country: changed.and_then(|it| it.country).map(String::from),
            currency: currency.map(|currency| currency.code().to_owned()),
            sealed_website: changed.and_then(|it| it.sealed_website.clone()),
            changed_at: Some(at),
            ..before
        })
    }

    fn row_of(message: &Message) -> String {
        partner(message).unwrap_or_default().to_owned()
    }
}

impl ReadModel for BrandRow {
    fn says(message: &Message) -> Says {
        brand(message).map_or(Says::Nothing, |_| Says::Change)
    }

    fn evolve(before: Option<Self>, message: &Message, place: i64) -> Option<Self> {
        let at = message.header.time.get();
        let mut before = before.unwrap_or_else(|| Self {
            id: Self::row_of(message),
            position: place,
            sealed_name: None,
            currency: None,
            seen_at: at,
            changed_at: None,
        });
        before.seen_at = before.seen_at.min(at);
        let Body::BrandChangedV1(changed) = &message.body else {
            return Some(before);
        };
        Some(Self {
            sealed_name: changed.sealed_name.clone(),
            currency: changed.currency.map(|currency| currency.code().to_owned()),
            changed_at: Some(at),
            ..before
        })
    }

    fn row_of(message: &Message) -> String {
        brand(message).unwrap_or_default().to_owned()
    }
}

/// That nothing is to be known of a partner from then on.
pub(super) fn erasure(message: &Message) -> Option<Erasure> {
    let header = &message.header;
    matches!(message.body, Body::PartnerErasedV1(_)).then(|| Erasure {
        event: header.id,
        earlier: messaging::ids_in_epochs(header),
        partner: header.key.clone(),
        at: header.time.get(),
    })
}

/// The partner that an event of campaign's names.
fn partner(message: &Message) -> Option<&str> {
    Some(match &message.body {
        Body::PartnerChangedV1(_)
        | Body::PartnerErasedV1(_)
        | Body::PartnerBannedV1(_)
        | Body::PartnerUnbannedV1(_) => &message.header.key,
        Body::EnrollmentAcceptedV1(it) => it.partner_id.as_str(),
        Body::EnrollmentInvitedV1(it) => it.partner_id.as_str(),
        Body::EnrollmentAppliedV1(it) => it.partner_id.as_str(),
        Body::PartnerMovedV1(it) => it.partner_id.as_str(),
        _ => return None,
    })
}

/// The brand that an event of campaign's names.
pub(super) fn brand(message: &Message) -> Option<&str> {
    match &message.body {
        Body::BrandChangedV1(_) => Some(&message.header.key),
        Body::CampaignCreatedV1(it) => Some(it.brand_id.as_str()),
        Body::ApiKeyCreatedV1(it) => Some(it.brand_id.as_str()),
        Body::PartnerBannedV1(it) => it.brand_id.as_ref().map(AsRef::as_ref),
        Body::PartnerUnbannedV1(it) => it.brand_id.as_ref().map(AsRef::as_ref),
        Body::GroupCreatedV1(_) | Body::GroupChangedV1(_) | Body::PartnerMovedV1(_) => {
            Some(&message.header.key)
        }
        _ => None,
    }
}
