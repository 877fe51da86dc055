//! Where an event on the wire and one of the domain differ: hashes, reasons, and amounts whose currency is not known.

use schemas::{
    About, ConversionRefundNotedV1, ConversionUnattributedV1, TrackingEventRecordedV1, Unreadable,
};
use types::Amount;

use crate::domain::{
    EventRecorded, EventType, RefundNoted, Unattributed, UnattributedReason, UserHash,
};

impl TryFrom<About<ConversionUnattributedV1>> for Unattributed {
    type Error = Unreadable;

    fn try_from(event: About<ConversionUnattributedV1>) -> Result<Self, Unreadable> {
        let record = event.record;
        let reason = || Unreadable::new("reason", "is none that is known");
        Ok(Self {
            conversion: event.subject,
            event_type: record.event_type,
            reason: UnattributedReason::parse(&record.reason).ok_or_else(reason)?,
            amount: amount(record.amount.as_deref())?,
            currency: record.currency,
            order: record.order_id,
            campaign: record.campaign_id,
            click: record.click_id,
            user: user(&record.user_hash)?,
            occurred_at: record.occurred_at,
        })
    }
}

impl From<Unattributed> for About<ConversionUnattributedV1> {
    fn from(event: Unattributed) -> Self {
        let record = ConversionUnattributedV1 {
            event_type: event.event_type,
            reason: event.reason.name().to_owned(),
            amount: event.amount.map(|amount| amount.to_string()),
            currency: event.currency,
            order_id: event.order,
            campaign_id: event.campaign,
            click_id: event.click,
            user_hash: event.user.to_string(),
            occurred_at: event.occurred_at,
        };
        Self::of(event.conversion, record)
    }
}

impl TryFrom<About<ConversionRefundNotedV1>> for RefundNoted {
    type Error = Unreadable;

    fn try_from(event: About<ConversionRefundNotedV1>) -> Result<Self, Unreadable> {
        let record = event.record;
        Ok(Self {
            conversion: event.subject,
            amount: amount(record.amount.as_deref())?,
            currency: record.currency,
            order: record.order_id,
            campaign: record.campaign_id,
            click: record.click_id,
            user: user(&record.user_hash)?,
            occurred_at: record.occurred_at,
        })
    }
}

impl From<RefundNoted> for About<ConversionRefundNotedV1> {
    fn from(event: RefundNoted) -> Self {
        let record = ConversionRefundNotedV1 {
            amount: event.amount.map(|amount| amount.to_string()),
            currency: event.currency,
            order_id: event.order,
            campaign_id: event.campaign,
            click_id: event.click,
            user_hash: event.user.to_string(),
            occurred_at: event.occurred_at,
        };
        Self::of(event.conversion, record)
    }
}

impl TryFrom<About<TrackingEventRecordedV1>> for EventRecorded {
    type Error = Unreadable;

    fn try_from(event: About<TrackingEventRecordedV1>) -> Result<Self, Unreadable> {
        let record = event.record;
        let event_type = EventType::parse(&record.event_type);
        Ok(Self {
            conversion: event.subject,
            event_type: event_type
                .ok_or_else(|| Unreadable::new("event_type", "cannot be the type of an event"))?,
            user: user(&record.user_hash)?,
            link: record.link_code,
            click: record.click_id,
            campaign: record.campaign_id,
            order: record.order_id,
            occurred_at: record.occurred_at,
        })
    }
}

impl From<EventRecorded> for About<TrackingEventRecordedV1> {
    fn from(event: EventRecorded) -> Self {
        let record = TrackingEventRecordedV1 {
            event_type: event.event_type.as_str().to_owned(),
            user_hash: event.user.to_string(),
            link_code: event.link,
            click_id: event.click,
            campaign_id: event.campaign,
            order_id: event.order,
            occurred_at: event.occurred_at,
        };
        Self::of(event.conversion, record)
    }
}

fn amount(text: Option<&str>) -> Result<Option<Amount>, Unreadable> {
    text.map(Amount::parse)
        .transpose()
        .map_err(Unreadable::at("amount"))
}

fn user(text: &str) -> Result<UserHash, Unreadable> {
    UserHash::parse(text)
        .ok_or_else(|| Unreadable::new("user_hash", "is not 64 hexadecimal digits"))
}
