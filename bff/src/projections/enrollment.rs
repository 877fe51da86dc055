//! Enrollments, from `campaign-events`. Each event says where its partner stands from then on.

use schemas::{Body, Message};
use types::{BrandId, EnrollmentStatus, PartnerId, RefusalReason, TermsVersion};

use super::rows::{ReadModel, Says};
use crate::store::enrollments::EnrollmentRow;

/// What an event says about an enrollment.
struct Place<'a> {
    partner: &'a PartnerId,
    brand: Option<&'a BrandId>,
    status: EnrollmentStatus,
    version: Option<TermsVersion>,
    reason: Option<RefusalReason>,
}

impl<'a> Place<'a> {
    fn of(body: &'a Body) -> Option<Self> {
        let place = |partner, brand, status| Self {
            partner,
            brand,
            status,
            version: None,
            reason: None,
        };
        Some(match body {
            Body::EnrollmentInvitedV1(it) => place(
                &it.partner_id,
                Some(&it.brand_id),
                EnrollmentStatus::Invited,
            ),
            Body::EnrollmentAppliedV1(it) => Self {
                version: Some(it.terms_version),
                ..place(
                    &it.partner_id,
                    Some(&it.brand_id),
                    EnrollmentStatus::Applied,
                )
            },
            Body::EnrollmentAcceptedV1(it) => Self {
                version: Some(it.terms_version),
                ..place(
                    &it.partner_id,
                    it.brand_id.as_ref(),
                    EnrollmentStatus::Enrolled,
                )
            },
            Body::EnrollmentApprovedV1(it) => Self {
                version: Some(it.terms_version),
                ..place(
                    &it.partner_id,
                    Some(&it.brand_id),
                    EnrollmentStatus::Enrolled,
                )
            },
            Body::EnrollmentRejectedV1(it) => Self {
                reason: Some(it.reason),
                ..place(
                    &it.partner_id,
                    Some(&it.brand_id),
                    EnrollmentStatus::Rejected,
                )
            },
            Body::EnrollmentEndedV1(it) => Self {
                reason: it.reason,
                ..place(&it.partner_id, Some(&it.brand_id), it.status)
            },
            _ => return None,
        })
    }
}

impl ReadModel for EnrollmentRow {
    fn says(message: &Message) -> Says {
        match Place::of(&message.body) {
            Some(_) => Says::Change,
            None => Says::Nothing,
        }
    }

    fn evolve(before: Option<Self>, message: &Message, place: i64) -> Option<Self> {
        let (header, Some(says)) = (&message.header, Place::of(&message.body)) else {
            return before;
        };
        let version = says.version.map(TermsVersion::get);
        let kept = before.as_ref().and_then(|row| row.terms_version);
        let brand = before.as_ref().and_then(|row| row.brand_id.clone());
        Some(Self {
            id: header.subject.clone(),
            position: before.map_or(place, |row| row.position),
            status: says.status.name().to_owned(),
            campaign_id: header.key.clone(),
            partner_id: says.partner.to_string(),
            brand_id: says.brand.map(ToString::to_string).or(brand),
            reason: says.reason.map(|reason| reason.name().to_owned()),
            terms_version: version.or(kept),
            since: header.time.get(),
        })
    }
}
