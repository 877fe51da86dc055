//! Wire records to domain values and back.

mod events;
mod incoming;

#[cfg(test)]
mod tests;

use schemas::{Header, Service};

use crate::domain::Actor;

pub(crate) use incoming::command;

/// Who asks. An operator's word counts from the bff and from this service's own HTTP surface only.
pub(crate) fn actor(header: &Header) -> Actor {
    let Some(actor) = &header.actor else {
        return Actor::default();
    };
    let has = |role: &str| actor.roles.iter().any(|known| known == role);
    let partner = actor.partner_id.as_deref().filter(|_| has("partner"));
    let brand = actor.brand_id.as_deref().filter(|_| has("brand"));
    Actor {
        operator: from_an_edge(header) && has("operator"),
        partner: partner.and_then(|id| id.parse().ok()),
        brand: brand.and_then(|id| id.parse().ok()),
    }
}

/// Whether it was asked at the bff or at this service's own HTTP surface, by who showed a token there.
fn from_an_edge(header: &Header) -> bool {
    [Service::Bff.name(), Service::Campaign.name()].contains(&header.source.as_str())
}
