//! Own events read back from the log: the inverse of [`super::emit`].

use money::{
    Amount, BrandId, CampaignId, ClickId, ConversionId, Currency, EnrollmentId, LinkCode, Money,
    OrderId, PartnerId, Uuid,
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
            order: order(body.order_id.as_ref())?,
            alias: optional(body.alias_id.as_ref(), |id| ConversionId::parse(id).ok())?,
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
            amount: amount(body.amount.as_ref())?,
            currency: currency(body.currency.as_ref())?,
            order: order(body.order_id.as_ref())?,
            campaign: campaign(body.campaign_id.as_ref())?,
            click: click(body.click_id.as_ref())?,
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
            amount: amount(body.amount.as_ref())?,
            currency: currency(body.currency.as_ref())?,
            order: order(body.order_id.as_ref())?,
            campaign: campaign(body.campaign_id.as_ref())?,
            click: click(body.click_id.as_ref())?,
            user: UserHash::parse(&body.user_hash)?,
            occurred_at: body.occurred_at,
        })),
        Body::ConversionDuplicateIgnoredV1(body) => {
            let first = body.first_conversion_id.as_ref();
            Some(Event::DuplicateIgnored(DuplicateIgnored {
                conversion,
                event_type: EventType::parse(&body.event_type)?,
                first_event: Uuid::parse_str(&body.first_event_id).ok()?,
                order: order(body.order_id.as_ref())?,
                first_conversion: optional(first, |id| ConversionId::parse(id).ok())?,
            }))
        }
        Body::TrackingEventRecordedV1(body) => Some(Event::Recorded(EventRecorded {
            conversion,
            event_type: EventType::parse(&body.event_type)?,
            user: UserHash::parse(&body.user_hash)?,
            link: optional(body.link_code.as_ref(), |code| LinkCode::parse(code).ok())?,
            click: click(body.click_id.as_ref())?,
            campaign: campaign(body.campaign_id.as_ref())?,
            order: order(body.order_id.as_ref())?,
            occurred_at: body.occurred_at,
        })),
        _ => None,
    }
}

/// `Some(None)` when there is none, `None` when there is one that cannot be read.
#[expect(clippy::option_option, reason = "absent and unreadable are two things")]
fn optional<T>(text: Option<&String>, parse: impl Fn(&str) -> Option<T>) -> Option<Option<T>> {
    match text {
        None => Some(None),
        Some(text) => parse(text).map(Some),
    }
}

#[expect(clippy::option_option, reason = "see optional")]
fn order(text: Option<&String>) -> Option<Option<OrderId>> {
    optional(text, |id| OrderId::parse(id).ok())
}

#[expect(clippy::option_option, reason = "see optional")]
fn campaign(text: Option<&String>) -> Option<Option<CampaignId>> {
    optional(text, |id| CampaignId::parse(id).ok())
}

#[expect(clippy::option_option, reason = "see optional")]
fn click(text: Option<&String>) -> Option<Option<ClickId>> {
    optional(text, |id| ClickId::parse(id).ok())
}

#[expect(clippy::option_option, reason = "see optional")]
fn currency(text: Option<&String>) -> Option<Option<Currency>> {
    optional(text, |code| Currency::parse(code).ok())
}

#[expect(clippy::option_option, reason = "see optional")]
fn amount(text: Option<&String>) -> Option<Option<Amount>> {
    optional(text, |amount| Amount::parse(amount).ok())
}
