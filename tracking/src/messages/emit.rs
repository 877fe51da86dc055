//! Own events onto the wire.

use money::Amount;
use pipeline::Emit;
use schemas::{
    Body, CampaignAdoptedV1, ConversionAttributedV1, ConversionDuplicateIgnoredV1,
    ConversionRefundNotedV1, ConversionRefundedV1, ConversionUnattributedV1, EnrollmentAdoptedV1,
    LinkCreatedV1, TermsAdoptedV1, TrackingEventRecordedV1,
};

use crate::domain::{
    Attributed, DuplicateIgnored, Event, EventRecorded, RefundNoted, Refunded, Unattributed,
};

/// The wire form of an event, with its key and subject.
pub fn emit(event: &Event) -> Emit {
    match event {
        Event::TermsAdopted { campaign, terms } => own(
            campaign.as_str(),
            campaign.as_str(),
            TermsAdoptedV1 {
                version: terms.version,
                brand_id: terms.brand.to_string(),
                currency: terms.currency.to_string(),
                window_days: terms.window_days,
                effective_at: terms.effective_at,
            },
        ),
        Event::CampaignAdopted {
            campaign,
            brand,
            allowed_hosts,
        } => own(
            campaign.as_str(),
            campaign.as_str(),
            CampaignAdoptedV1 {
                brand_id: brand.to_string(),
                allowed_hosts: allowed_hosts.clone(),
            },
        ),
        Event::EnrollmentAdopted {
            enrollment,
            campaign,
            partner,
            terms_version,
        } => own(
            campaign.as_str(),
            enrollment.as_str(),
            EnrollmentAdoptedV1 {
                partner_id: partner.to_string(),
                terms_version: *terms_version,
            },
        ),
        Event::LinkCreated {
            code,
            campaign,
            partner,
            target_url,
        } => public(
            code.as_str(),
            LinkCreatedV1 {
                campaign_id: campaign.to_string(),
                partner_id: partner.to_string(),
                target_url: target_url.clone(),
            },
        ),
        Event::Attributed(event) => public(event.conversion.as_str(), attributed(event)),
        Event::Unattributed(event) => public(event.conversion.as_str(), unattributed(event)),
        Event::Refunded(event) => public(event.conversion.as_str(), refunded(event)),
        Event::RefundNoted(event) => public(event.conversion.as_str(), refund_noted(event)),
        Event::DuplicateIgnored(event) => public(event.conversion.as_str(), duplicate(event)),
        Event::Recorded(event) => public(event.conversion.as_str(), recorded(event)),
    }
}

fn own(key: &str, subject: &str, body: impl Into<Body>) -> Emit {
    Emit {
        key: key.to_owned(),
        subject: subject.to_owned(),
        published: false,
        body: body.into(),
    }
}

fn public(subject: &str, body: impl Into<Body>) -> Emit {
    Emit {
        published: true,
        ..own(subject, subject, body)
    }
}

fn text<T: ToString>(value: Option<&T>) -> Option<String> {
    value.map(T::to_string)
}

fn attributed(event: &Attributed) -> ConversionAttributedV1 {
    ConversionAttributedV1 {
        event_type: event.event_type.as_str().to_owned(),
        order_id: text(event.order.as_ref()),
        alias_id: text(event.alias.as_ref()),
        campaign_id: event.campaign.to_string(),
        brand_id: event.brand.to_string(),
        partner_id: event.partner.to_string(),
        link_code: event.link.to_string(),
        click_id: event.click.to_string(),
        amount: event.amount.map(Into::into),
        terms_version: event.terms_version,
        occurred_at: event.occurred_at,
    }
}

fn unattributed(event: &Unattributed) -> ConversionUnattributedV1 {
    ConversionUnattributedV1 {
        event_type: event.event_type.as_str().to_owned(),
        reason: event.reason.name().to_owned(),
        amount: event.amount.as_ref().map(Amount::to_string),
        currency: text(event.currency.as_ref()),
        order_id: text(event.order.as_ref()),
        campaign_id: text(event.campaign.as_ref()),
        click_id: text(event.click.as_ref()),
        user_hash: event.user.to_string(),
        occurred_at: event.occurred_at,
    }
}

fn refunded(event: &Refunded) -> ConversionRefundedV1 {
    ConversionRefundedV1 {
        amount: event.amount.into(),
        refunded_total: event.refunded_total.into(),
        purchase_amount: event.purchase_amount.into(),
    }
}

fn refund_noted(event: &RefundNoted) -> ConversionRefundNotedV1 {
    ConversionRefundNotedV1 {
        amount: event.amount.as_ref().map(Amount::to_string),
        currency: text(event.currency.as_ref()),
        order_id: text(event.order.as_ref()),
        campaign_id: text(event.campaign.as_ref()),
        click_id: text(event.click.as_ref()),
        user_hash: event.user.to_string(),
        occurred_at: event.occurred_at,
    }
}

fn duplicate(event: &DuplicateIgnored) -> ConversionDuplicateIgnoredV1 {
    ConversionDuplicateIgnoredV1 {
        event_type: event.event_type.as_str().to_owned(),
        first_event_id: event.first_event.to_string(),
        order_id: text(event.order.as_ref()),
        first_conversion_id: text(event.first_conversion.as_ref()),
    }
}

fn recorded(event: &EventRecorded) -> TrackingEventRecordedV1 {
    TrackingEventRecordedV1 {
        event_type: event.event_type.as_str().to_owned(),
        user_hash: event.user.to_string(),
        link_code: text(event.link.as_ref()),
        click_id: text(event.click.as_ref()),
        campaign_id: text(event.campaign.as_ref()),
        order_id: text(event.order.as_ref()),
        occurred_at: event.occurred_at,
    }
}
