//! Wire records to domain values and back.

mod events;
mod funds;
mod incoming;

#[cfg(test)]
mod tests;

use schemas::{Actor as WireActor, Service};
use types::{BrandId, PartnerId};

use crate::domain::{self, Actor};

pub(crate) use incoming::{Read, read};

/// What a decision may know of a message.
pub(crate) fn context(context: &messaging::Context) -> domain::Context {
    domain::Context {
        now: context.now,
        cause: context.cause(),
        actor: match context.actor() {
            Some(actor) => actor_of(actor),
            // Only what payment asks itself is asked by nobody.
            None if context.header.source == Service::Payment.name() => Actor::System,
            None => Actor::Other,
        },
        brand: context.actor().and_then(brand_of),
    }
}

/// The brand that an actor speaks for: its id counts only with its role.
fn brand_of(actor: &WireActor) -> Option<BrandId> {
    let is_brand = actor.roles.iter().any(|own| own == "brand");
    let id = actor.brand_id.as_deref().filter(|_| is_brand);
    BrandId::parse(id?).ok()
}

fn actor_of(actor: &WireActor) -> Actor {
    let has = |role: &str| actor.roles.iter().any(|own| own == role);
    let partner = || PartnerId::parse(actor.partner_id.as_deref()?).ok();
    if has("operator") {
        Actor::Operator
    } else if has("partner") {
        partner().map_or(Actor::Other, Actor::Partner)
    } else {
        Actor::Other
    }
}
