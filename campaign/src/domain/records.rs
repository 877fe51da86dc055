//! Partners and brands themselves: what is known of them beside what they do.

use schemas::{About, BrandChangedV1, PartnerChangedV1, PartnerErasedV1};
use types::{BrandId, Country, Currency, Micros, PartnerId};

use super::decide::{brand_unknown, partner_unknown};
use super::{Code, Context, Edit, Event, Place, Rejection, View};

/// A partner. The first event that names it makes it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Partner {
    /// Which.
    pub id: PartnerId,
    /// What people call it, sealed.
    pub sealed_name: Option<Vec<u8>>,
    /// Where it is at home.
    pub country: Option<Country>,
    /// What it wants to be paid in.
    pub currency: Option<Currency>,
    /// Where it is found, sealed.
    pub sealed_website: Option<Vec<u8>>,
    /// Where it was seen first.
    pub seen: Place,
    /// When it was changed last.
    pub changed_at: Option<Micros>,
}

/// A brand. The first event that names it makes it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Brand {
    /// Which.
    pub id: BrandId,
    /// What people call it, sealed.
    pub sealed_name: Option<Vec<u8>>,
    /// What it keeps its money in.
    pub currency: Option<Currency>,
    /// Where it was seen first.
    pub seen: Place,
    /// When it was changed last.
    pub changed_at: Option<Micros>,
}

/// What is to be another of a partner. What is not given stays as it is.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PartnerChange {
    /// What people call it, sealed.
    pub sealed_name: Edit<Vec<u8>>,
    /// Where it is at home.
    pub country: Edit<Country>,
    /// What it wants to be paid in.
    pub currency: Edit<Currency>,
    /// Where it is found, sealed.
    pub sealed_website: Edit<Vec<u8>>,
}

/// What is to be another of a brand.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct BrandChange {
    /// What people call it, sealed.
    pub sealed_name: Edit<Vec<u8>>,
    /// What it keeps its money in.
    pub currency: Edit<Currency>,
}

impl Partner {
    /// The partner that an event which names it makes of what was there before.
    pub fn evolve(before: Option<Self>, id: &PartnerId, event: &Event, place: Place) -> Self {
        let before = before.unwrap_or_else(|| Self {
            id: id.clone(),
            sealed_name: None,
            country: None,
            currency: None,
            sealed_website: None,
            seen: place,
            changed_at: None,
        });
        match event {
            Event::PartnerChanged(changed) => Self {
                sealed_name: changed.sealed_name.clone(),
                country: changed.country,
                currency: changed.currency,
                sealed_website: changed.sealed_website.clone(),
                changed_at: Some(place.time),
                ..before
            },
            Event::PartnerErased(_) => Self {
                sealed_name: None,
                country: None,
                currency: None,
                sealed_website: None,
                changed_at: Some(place.time),
                ..before
            },
            _ => before,
        }
    }
}

impl Brand {
    /// The brand that an event which names it makes of what was there before.
    pub fn evolve(before: Option<Self>, id: &BrandId, event: &Event, place: Place) -> Self {
        let before = before.unwrap_or_else(|| Self {
            id: id.clone(),
            sealed_name: None,
            currency: None,
            seen: place,
            changed_at: None,
        });
        match event {
            Event::BrandChanged(changed) => Self {
                sealed_name: changed.sealed_name.clone(),
                currency: changed.currency,
                changed_at: Some(place.time),
                ..before
            },
            _ => before,
        }
    }
}

/// The partner as it is from now on, whole. For itself, and for operators.
pub(super) fn change_partner(
    view: View,
    partner: &PartnerId,
    change: &PartnerChange,
    context: &Context,
) -> Result<Event, Rejection> {
    if !context.actor.is_partner(partner) {
        return Err(partner_unknown());
    }
    let before = view.partner;
    let after = PartnerChangedV1 {
        country: change.country.of(before.and_then(|it| it.country.as_ref())),
        currency: change
            .currency
            .of(before.and_then(|it| it.currency.as_ref())),
        sealed_name: change
            .sealed_name
            .of(before.and_then(|it| it.sealed_name.as_ref())),
        sealed_website: change
            .sealed_website
            .of(before.and_then(|it| it.sealed_website.as_ref())),
    };
    Ok(About::of(partner.clone(), after).into())
}

/// What is known of a partner is forgotten. Of whom nothing is known, too: that there was nothing is no business of whoever asks.
pub(super) fn erase_partner(partner: &PartnerId, context: &Context) -> Result<Event, Rejection> {
    if !context.actor.operator {
        let detail = "what is kept of somebody is for operators to erase";
        return Err(Rejection::new(Code::ErasureNotPermitted, detail));
    }
    Ok(About::of(partner.clone(), PartnerErasedV1 {}).into())
}

/// The brand as it is from now on, whole. For itself, and for operators.
pub(super) fn change_brand(
    view: View,
    brand: &BrandId,
    change: &BrandChange,
    context: &Context,
) -> Result<Event, Rejection> {
    if !context.actor.is_brand(brand) {
        return Err(brand_unknown());
    }
    let before = view.brand;
    let after = BrandChangedV1 {
        currency: change
            .currency
            .of(before.and_then(|it| it.currency.as_ref())),
        sealed_name: change
            .sealed_name
            .of(before.and_then(|it| it.sealed_name.as_ref())),
    };
    Ok(About::of(brand.clone(), after).into())
}
