//! Own events read back from the log: the inverse of [`super::emit`].

use std::str::FromStr;

use money::{
    BrandId, CampaignId, ClickId, ConversionId, Currency, EnrollmentId, LinkCode, Money, PartnerId,
    Uuid,
};
use schemas::{Body, Header, Message};

use crate::domain::{
    Attributed, DuplicateIgnored, Event, EventRecorded, EventType, Reason, RefundNoted, Refunded,
    Terms, Unattributed, UserHash,
};

/// The event, or `None` for what is none of the domain's (a rejection).
pub fn own_event(message: &Message) -> Option<Event> {
    let header = &message.header;
    match &message.body {
        Body::TermsAdoptedV1(_) | Body::CampaignAdoptedV1(_) | Body::EnrollmentAdoptedV1(_) => {
            adopted(header, &message.body)
        }
        Body::LinkCreatedV1(body) => Some(Event::LinkCreated {
            code: LinkCode::parse(&*header.subject).ok()?,
            campaign: CampaignId::parse(&*body.campaign_id).ok()?,
            partner: PartnerId::parse(&*body.partner_id).ok()?,
            target_url: body.target_url.clone(),
        }),
        body => conversion(&header.subject, body),
    }
}

fn adopted(header: &Header, body: &Body) -> Option<Event> {
    let campaign = CampaignId::parse(&*header.key).ok()?;
    match body {
        Body::TermsAdoptedV1(body) => Some(Event::TermsAdopted {
            campaign,
            terms: Terms {
                version: body.version,
                brand: BrandId::parse(&*body.brand_id).ok()?,
                currency: Currency::parse(&body.currency).ok()?,
                window_days: body.window_days,
                effective_at: body.effective_at,
            },
        }),
        Body::CampaignAdoptedV1(body) => Some(Event::CampaignAdopted {
            campaign,
            brand: BrandId::parse(&*body.brand_id).ok()?,
            allowed_hosts: body.allowed_hosts.clone(),
        }),
        Body::EnrollmentAdoptedV1(body) => Some(Event::EnrollmentAdopted {
            enrollment: EnrollmentId::parse(&*header.subject).ok()?,
            campaign,
            partner: PartnerId::parse(&*body.partner_id).ok()?,
            terms_version: body.terms_version,
        }),
        _ => None,
    }
}

fn conversion(subject: &str, body: &Body) -> Option<Event> {
    let conversion = ConversionId::parse(subject).ok()?;
    match body {
        Body::ConversionAttributedV1(body) => Some(Event::Attributed(Attributed {
            conversion,
            event_type: EventType::parse(&body.event_type)?,
            order: optional(body.order_id.as_ref()).ok()?,
            alias: optional(body.alias_id.as_ref()).ok()?,
            campaign: CampaignId::parse(&*body.campaign_id).ok()?,
            brand: BrandId::parse(&*body.brand_id).ok()?,
            partner: PartnerId::parse(&*body.partner_id).ok()?,
            link: LinkCode::parse(&*body.link_code).ok()?,
            click: ClickId::parse(&*body.click_id).ok()?,
            amount: body.amount.as_ref().map(Money::try_from).transpose().ok()?,
            terms_version: body.terms_version,
            occurred_at: body.occurred_at,
        })),
        Body::ConversionUnattributedV1(body) => Some(Event::Unattributed(Unattributed {
            conversion,
            event_type: EventType::parse(&body.event_type)?,
            reason: Reason::parse(&body.reason)?,
            amount: optional(body.amount.as_ref()).ok()?,
            currency: optional(body.currency.as_ref()).ok()?,
            order: optional(body.order_id.as_ref()).ok()?,
            campaign: optional(body.campaign_id.as_ref()).ok()?,
            click: optional(body.click_id.as_ref()).ok()?,
            user: UserHash::parse(&body.user_hash)?,
            occurred_at: body.occurred_at,
        })),
        Body::ConversionRefundedV1(body) => Some(Event::Refunded(Refunded {
            conversion,
            amount: Money::try_from(&body.amount).ok()?,
            refunded_total: Money::try_from(&body.refunded_total).ok()?,
            purchase_amount: Money::try_from(&body.purchase_amount).ok()?,
        })),
        Body::ConversionRefundNotedV1(body) => Some(Event::RefundNoted(RefundNoted {
            conversion,
            amount: optional(body.amount.as_ref()).ok()?,
            currency: optional(body.currency.as_ref()).ok()?,
            order: optional(body.order_id.as_ref()).ok()?,
            campaign: optional(body.campaign_id.as_ref()).ok()?,
            click: optional(body.click_id.as_ref()).ok()?,
            user: UserHash::parse(&body.user_hash)?,
            occurred_at: body.occurred_at,
        })),
        Body::ConversionDuplicateIgnoredV1(body) => {
            let first = body.first_conversion_id.as_ref();
            Some(Event::DuplicateIgnored(DuplicateIgnored {
                conversion,
                event_type: EventType::parse(&body.event_type)?,
                first_event: Uuid::parse_str(&body.first_event_id).ok()?,
                order: optional(body.order_id.as_ref()).ok()?,
                first_conversion: optional(first).ok()?,
            }))
        }
        Body::TrackingEventRecordedV1(body) => Some(Event::Recorded(EventRecorded {
            conversion,
            event_type: EventType::parse(&body.event_type)?,
            user: UserHash::parse(&body.user_hash)?,
            link: optional(body.link_code.as_ref()).ok()?,
            click: optional(body.click_id.as_ref()).ok()?,
            campaign: optional(body.campaign_id.as_ref()).ok()?,
            order: optional(body.order_id.as_ref()).ok()?,
            occurred_at: body.occurred_at,
        })),
        _ => None,
    }
}

fn optional<T: FromStr>(text: Option<&String>) -> Result<Option<T>, T::Err> {
    text.map(|text| text.parse()).transpose()
}
