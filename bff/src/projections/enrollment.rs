//! Enrollments, from `campaign-events`. Each event says where its partner stands from then on.

use std::collections::HashMap;

use schemas::{Body, Message};
use types::{BrandId, EnrollmentStatus, PartnerId, RefusalReason, TermsVersion};

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

/// Notes what the message says about its enrollment.
pub(super) fn fold(rows: &mut HashMap<String, EnrollmentRow>, message: &Message) {
    let (header, Some(place)) = (&message.header, Place::of(&message.body)) else {
        return;
    };
    let new = super::among_new(rows.len());
    let before = rows.remove(&header.subject);
    let version = place.version.map(TermsVersion::get);
    let kept = before.as_ref().and_then(|row| row.terms_version);
    let brand = before.as_ref().and_then(|row| row.brand_id.clone());
    let row = EnrollmentRow {
        id: header.subject.clone(),
        position: before.map_or(new, |row| row.position),
        status: place.status.name().to_owned(),
        campaign_id: header.key.clone(),
        partner_id: place.partner.to_string(),
        brand_id: place.brand.map(ToString::to_string).or(brand),
        reason: place.reason.map(|reason| reason.name().to_owned()),
        terms_version: version.or(kept),
        since: header.time.get(),
    };
    rows.insert(header.subject.clone(), row);
}
