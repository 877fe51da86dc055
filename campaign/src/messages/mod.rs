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
    let who = header.actor.as_ref();
    Actor {
        operator: header.is_from_edge_of(Service::Campaign)
            && who.is_some_and(schemas::Actor::is_operator),
        partner: who.and_then(schemas::Actor::partner),
        brand: who.and_then(schemas::Actor::brand),
    }
}
