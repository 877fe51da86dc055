//! Partners that a brand, or an operator, keeps out of every campaign.

use schemas::{About, PartnerBannedV1, PartnerUnbannedV1};
use types::{BanId, BrandId, Micros, PartnerId, PartnerStatus, RefusalReason};

use super::decide::brand_unknown;
use super::{Code, Context, Event, Place, Rejection, View};

/// What a brand, or an operator, holds of a partner.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ban {
    /// Which.
    pub id: BanId,
    /// Who.
    pub partner: PartnerId,
    /// Whose campaigns; `None`: everybody's.
    pub brand: Option<BrandId>,
    /// Whether the ban is in force.
    pub status: PartnerStatus,
    /// Why, while it is.
    pub reason: Option<RefusalReason>,
    /// Since when it is what it is.
    pub since: Micros,
    /// Where it stands in lists: its first event.
    pub position: i64,
}

impl Ban {
    /// The ban that an event makes of what was there before.
    pub fn evolve(before: Option<Self>, event: &Event, place: Place) -> Option<Self> {
        let (key, subject, brand, reason) = match event {
            Event::PartnerBanned(it) => (&it.key, &it.subject, &it.brand_id, Some(it.reason)),
            Event::PartnerUnbanned(it) => (&it.key, &it.subject, &it.brand_id, None),
            _ => return before,
        };
        Some(Self {
            id: subject.clone(),
            partner: key.clone(),
            brand: brand.clone(),
            status: if reason.is_some() {
                PartnerStatus::Banned
            } else {
                PartnerStatus::Active
            },
            reason,
            since: place.time,
            position: before.map_or(place.position, |before| before.position),
        })
    }

    /// Whether it keeps its partner out.
    pub fn in_force(&self) -> bool {
        self.status == PartnerStatus::Banned
    }
}

/// A ban begins (with a reason) or ends: a brand's own, or an operator's of all campaigns.
pub(super) fn ban(
    view: View,
    partner: &PartnerId,
    brand: Option<&BrandId>,
    reason: Option<RefusalReason>,
    context: &Context,
) -> Result<Event, Rejection> {
    let may = match brand {
        Some(brand) => context.actor.is_brand(brand),
        None => context.actor.operator,
    };
    if !may {
        return Err(brand_unknown());
    }
    let (brand_id, key) = (brand.cloned(), partner.clone());
    let subject = BanId::of(brand, partner);
    match (view.ban.is_some_and(Ban::in_force), reason) {
        (false, Some(reason)) => Ok(Event::PartnerBanned(About {
            key,
            subject,
            record: PartnerBannedV1 { brand_id, reason },
        })),
        (true, None) => Ok(Event::PartnerUnbanned(About {
            key,
            subject,
            record: PartnerUnbannedV1 { brand_id },
        })),
        (true, Some(_)) => {
            let detail = "the partner is banned already";
            Err(Rejection::new(Code::AlreadyBanned, detail))
        }
        (false, None) => {
            let detail = "the partner is not banned: there is nothing to end";
            Err(Rejection::new(Code::NotBanned, detail))
        }
    }
}

/// An error where the campaign's brand, or an operator, has banned the partner.
pub(super) fn not_banned(view: View) -> Result<(), Rejection> {
    if view.banned {
        let detail = "the brand, or an operator, has banned this partner";
        return Err(Rejection::new(Code::PartnerBanned, detail));
    }
    Ok(())
}
