//! Wire records to domain values and back.

mod events;
mod funds;
mod incoming;

#[cfg(test)]
mod tests;

use schemas::{Actor as WireActor, Service};

use crate::domain::{self, Actor};

pub(crate) use funds::account_of;
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
        brand: context.actor().and_then(WireActor::brand),
    }
}

fn actor_of(actor: &WireActor) -> Actor {
    if actor.is_operator() {
        Actor::Operator
    } else {
        actor.partner().map_or(Actor::Other, Actor::Partner)
    }
}
