//! A row of `conversions`, and the conversion that it is.

use runtime::each;
use schemas::{About, ConversionAttributedV1};
use serde::{Deserialize, Serialize};
use sqlx::FromRow;
use types::{
    Amount, BrandId, CampaignId, ClickId, ConversionId, ConversionType, Currency, LinkCode, Micros,
    Money, OrderId, PartnerId, TermsVersion, Uuid,
};

use super::{unreadable, uuid};
use crate::domain::{
    Attributed, Conversion, ConversionStatus, NotedRefund, Status, Unattributed,
    UnattributedReason, UserHash,
};

/// A row as it stands.
#[derive(Debug, Clone, Default, FromRow)]
pub struct ConversionRow {
    /// Its id.
    pub id: Uuid,
    /// `noted`, `unattributed` or `attributed`.
    pub standing: String,
    /// The event that gave it its status.
    pub event_id: Uuid,
    /// When that was, in our time.
    pub recorded_at: i64,
    /// That event's place in the log.
    pub position: i64,
    /// `purchase` or `lead`.
    pub event_type: Option<String>,
    /// The shop's order.
    pub order_id: Option<String>,
    /// The campaign; of one that is nobody's, as reported.
    pub campaign_id: Option<String>,
    /// Who pays.
    pub brand_id: Option<String>,
    /// Who earns.
    pub partner_id: Option<String>,
    /// The link that was clicked.
    pub link_code: Option<String>,
    /// The click; of one that is nobody's, as reported.
    pub click_id: Option<String>,
    /// The terms that count.
    pub terms_version: Option<i32>,
    /// When, as claimed.
    pub occurred_at: Option<i64>,
    /// What was paid.
    pub amount_minor: Option<i64>,
    /// What went back.
    pub refunded_minor: i64,
    /// Of which currency.
    pub currency: Option<String>,
    /// Why it is nobody's.
    pub reason: Option<String>,
    /// What was paid, when it is nobody's.
    pub amount_text: Option<String>,
    /// Who, when it is nobody's.
    pub user_hash: Option<Vec<u8>>,
    /// Refunds that were noted.
    pub noted: Option<String>,
    /// On whose word it stands, where it is a partner's.
    pub verified_by: Option<String>,
    /// Of one that was worth nothing.
    pub is_taken_back: bool,
}

#[derive(Serialize, Deserialize)]
struct NotedText {
    amount: Option<Amount>,
    currency: Option<Currency>,
    user: String,
}

impl ConversionRow {
    /// The row of a conversion.
    pub fn of(id: &ConversionId, conversion: &Conversion) -> Result<Self, sqlx::Error> {
        let row = match &conversion.status {
            Status::Noted(order) => Self {
                standing: ConversionStatus::Noted.name().to_owned(),
                order_id: order.as_ref().map(OrderId::to_string),
                ..Self::default()
            },
            Status::Unattributed(event) => Self::unattributed(event),
            Status::Attributed(event) => Self::attributed(event),
        };
        Ok(Self {
            id: uuid(id)?,
            event_id: conversion.event_id,
            recorded_at: conversion.recorded_at.0,
            position: conversion.position,
            refunded_minor: conversion.refunded_minor,
            is_taken_back: conversion.is_taken_back,
            noted: noted_text(&conversion.noted)?,
            ..row
        })
    }

    fn attributed(event: &Attributed) -> Self {
        Self {
            standing: ConversionStatus::Attributed.name().to_owned(),
            event_type: Some(event.event_type.name().to_owned()),
            order_id: event.order_id.as_ref().map(OrderId::to_string),
            campaign_id: Some(event.campaign_id.to_string()),
            brand_id: Some(event.brand_id.to_string()),
            partner_id: Some(event.partner_id.to_string()),
            link_code: Some(event.link_code.to_string()),
            click_id: Some(event.click_id.to_string()),
            terms_version: Some(event.terms_version.get()),
            occurred_at: Some(event.occurred_at.0),
            amount_minor: event.amount.map(|amount| amount.minor),
            currency: event.amount.map(|amount| amount.currency.to_string()),
            verified_by: event.verified_by.clone(),
            ..Self::default()
        }
    }

    fn unattributed(event: &Unattributed) -> Self {
        Self {
            standing: ConversionStatus::Unattributed.name().to_owned(),
            event_type: Some(event.event_type.name().to_owned()),
            order_id: event.order.as_ref().map(OrderId::to_string),
            campaign_id: event.campaign.as_ref().map(CampaignId::to_string),
            click_id: event.click.as_ref().map(ClickId::to_string),
            occurred_at: Some(event.occurred_at.0),
            currency: event.currency.as_ref().map(Currency::to_string),
            reason: Some(event.reason.name().to_owned()),
            amount_text: event.amount.as_ref().map(Amount::to_string),
            user_hash: Some(event.user.0.to_vec()),
            ..Self::default()
        }
    }

    /// The conversion of a row.
    pub(super) fn state(self, id: ConversionId) -> Result<Conversion, sqlx::Error> {
        let (event_id, recorded_at, position) = (self.event_id, self.recorded_at, self.position);
        let (refunded_minor, noted) = (self.refunded_minor, read_noted(self.noted.as_deref())?);
        let is_taken_back = self.is_taken_back;
        let status = self.status(id).ok_or_else(|| unreadable("conversion"))?;
        Ok(Conversion {
            status,
            event_id,
            recorded_at: Micros(recorded_at),
            position,
            noted,
            refunded_minor,
            is_taken_back,
        })
    }

    fn status(self, conversion: ConversionId) -> Option<Status> {
        let order = self.order_id.map(OrderId::parse).transpose().ok()?;
        let currency = self
            .currency
            .as_deref()
            .map(Currency::parse)
            .transpose()
            .ok()?;
        let event_type = self.event_type.as_deref().and_then(ConversionType::parse);
        let occurred_at = self.occurred_at.map(Micros);
        match ConversionStatus::parse(&self.standing)? {
            ConversionStatus::Noted => Some(Status::Noted(order)),
            ConversionStatus::Unattributed => Some(Status::Unattributed(Unattributed {
                conversion,
                event_type: event_type?,
                reason: UnattributedReason::parse(&self.reason?)?,
                amount: self
                    .amount_text
                    .as_deref()
                    .map(Amount::parse)
                    .transpose()
                    .ok()?,
                currency,
                order,
                campaign: self.campaign_id.map(CampaignId::parse).transpose().ok()?,
                click: self.click_id.map(ClickId::parse).transpose().ok()?,
                user: UserHash(self.user_hash?.try_into().ok()?),
                occurred_at: occurred_at?,
            })),
            ConversionStatus::Attributed => {
                let attributed = ConversionAttributedV1 {
                    event_type: event_type?,
                    order_id: order,
                    alias_id: None,
                    campaign_id: CampaignId::parse(self.campaign_id?).ok()?,
                    brand_id: BrandId::parse(self.brand_id?).ok()?,
                    partner_id: PartnerId::parse(self.partner_id?).ok()?,
                    link_code: LinkCode::parse(self.link_code?).ok()?,
                    click_id: ClickId::parse(self.click_id?).ok()?,
                    amount: self
                        .amount_minor
                        .zip(currency)
                        .map(|(m, c)| Money::new(m, c)),
                    terms_version: TermsVersion::new(self.terms_version?).ok()?,
                    occurred_at: occurred_at?,
                    verified_by: self.verified_by,
                    clicked_at: None,
                    click_named: None,
                };
                Some(Status::Attributed(About::of(conversion, attributed)))
            }
        }
    }
}

fn noted_text(noted: &[NotedRefund]) -> Result<Option<String>, sqlx::Error> {
    if noted.is_empty() {
        return Ok(None);
    }
    let noted = each(noted, |refund| NotedText {
        amount: refund.amount,
        currency: refund.currency,
        user: refund.user.to_string(),
    });
    serde_json::to_string(&noted)
        .map(Some)
        .map_err(|error| sqlx::Error::Encode(error.into()))
}

fn read_noted(text: Option<&str>) -> Result<Vec<NotedRefund>, sqlx::Error> {
    let Some(text) = text else {
        return Ok(Vec::new());
    };
    let noted: Vec<NotedText> =
        serde_json::from_str(text).map_err(|error| sqlx::Error::Decode(error.into()))?;
    noted
        .into_iter()
        .map(|refund| {
            Ok(NotedRefund {
                amount: refund.amount,
                currency: refund.currency,
                user: UserHash::parse(&refund.user).ok_or_else(|| unreadable("user hash"))?,
            })
        })
        .collect()
}
