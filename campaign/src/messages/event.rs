//! What happened, on the wire and back: one is the inverse of the other, so that the log can be replayed.

use money::Currency;
use pipeline::Emit;
use schemas::{
    Body, CampaignActivatedV1, CampaignCreatedV1, EnrollmentAcceptedV1, EvidenceSubmittedV1,
    Header, Message, TermsPublishedV1,
};

use super::plan;
use crate::domain::{
    CampaignName, Event, EvidenceType, Hosts, NewCampaign, NewEvidence, Terms, TermsVersion,
    UrlHash, WindowDays,
};

/// The wire form of an event: all of campaign's are public, and the campaign's id routes them.
pub(crate) fn emit(event: &Event) -> Emit {
    let key = event.campaign().to_string();
    let subject = match event {
        Event::EnrollmentAccepted { enrollment, .. } => enrollment.to_string(),
        Event::EvidenceSubmitted(shown) => shown.evidence.to_string(),
        _ => key.clone(),
    };
    Emit {
        key,
        subject,
        published: true,
        body: body(event),
    }
}

fn body(event: &Event) -> Body {
    match event {
        Event::CampaignCreated(new) => Body::CampaignCreatedV1(CampaignCreatedV1 {
            brand_id: new.brand.to_string(),
            name: new.name.as_str().to_owned(),
            currency: new.currency.code().to_owned(),
            allowed_hosts: new.allowed_hosts.to_strings(),
        }),
        Event::TermsPublished {
            brand,
            currency,
            terms,
            ..
        } => Body::TermsPublishedV1(TermsPublishedV1 {
            version: terms.version.get(),
            brand_id: brand.to_string(),
            currency: currency.code().to_owned(),
            window_days: terms.window.get(),
            plan: plan::write(&terms.plan),
            effective_at: terms.effective_at,
        }),
        Event::CampaignActivated {
            brand,
            allowed_hosts,
            ..
        } => Body::CampaignActivatedV1(CampaignActivatedV1 {
            brand_id: brand.to_string(),
            allowed_hosts: allowed_hosts.to_strings(),
        }),
        Event::EnrollmentAccepted {
            partner,
            terms_version,
            ..
        } => Body::EnrollmentAcceptedV1(EnrollmentAcceptedV1 {
            partner_id: partner.to_string(),
            terms_version: terms_version.get(),
        }),
        Event::EvidenceSubmitted(shown) => Body::EvidenceSubmittedV1(EvidenceSubmittedV1 {
            partner_id: shown.partner.to_string(),
            evidence_type: shown.evidence_type.as_str().to_owned(),
            url_hash: shown.url_hash.as_str().to_owned(),
        }),
    }
}

/// An own event read back; `None` for what is no event of the domain.
pub(crate) fn own_event(message: &Message) -> Option<Event> {
    let header = &message.header;
    match &message.body {
        Body::CampaignCreatedV1(wire) => created(header, wire),
        Body::TermsPublishedV1(wire) => published(header, wire),
        Body::CampaignActivatedV1(wire) => Some(Event::CampaignActivated {
            campaign: header.key.parse().ok()?,
            brand: wire.brand_id.parse().ok()?,
            allowed_hosts: Hosts::parse(&wire.allowed_hosts).ok()?,
        }),
        Body::EnrollmentAcceptedV1(wire) => Some(Event::EnrollmentAccepted {
            campaign: header.key.parse().ok()?,
            enrollment: header.subject.parse().ok()?,
            partner: wire.partner_id.parse().ok()?,
            terms_version: TermsVersion::parse(wire.terms_version).ok()?,
        }),
        Body::EvidenceSubmittedV1(wire) => Some(Event::EvidenceSubmitted(NewEvidence {
            evidence: header.subject.parse().ok()?,
            campaign: header.key.parse().ok()?,
            partner: wire.partner_id.parse().ok()?,
            evidence_type: EvidenceType::parse(&wire.evidence_type).ok()?,
            url_hash: UrlHash::parse(&wire.url_hash).ok()?,
        })),
        _ => None,
    }
}

fn created(header: &Header, wire: &CampaignCreatedV1) -> Option<Event> {
    Some(Event::CampaignCreated(NewCampaign {
        campaign: header.key.parse().ok()?,
        brand: wire.brand_id.parse().ok()?,
        name: CampaignName::parse(&wire.name).ok()?,
        currency: Currency::parse(&wire.currency).ok()?,
        allowed_hosts: Hosts::parse(&wire.allowed_hosts).ok()?,
    }))
}

fn published(header: &Header, wire: &TermsPublishedV1) -> Option<Event> {
    Some(Event::TermsPublished {
        campaign: header.key.parse().ok()?,
        brand: wire.brand_id.parse().ok()?,
        currency: Currency::parse(&wire.currency).ok()?,
        terms: Terms {
            version: TermsVersion::parse(wire.version).ok()?,
            window: WindowDays::new(wire.window_days).ok()?,
            plan: plan::read(&wire.plan).ok()?,
            effective_at: wire.effective_at,
        },
    })
}
