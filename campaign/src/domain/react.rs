//! What follows on facts.

use types::Micros;

use super::{Event, Fact, View, answer, funds};

/// Reacts to a fact.
pub fn react(fact: &Fact, view: View, now: Micros) -> Vec<Event> {
    match fact {
        Fact::Exhausted(it) => vec![funds::adopt(&it.subject, it.currency, true)],
        Fact::Restored(it) => vec![funds::adopt(&it.subject, it.currency, false)],
        Fact::Stated(it) => vec![funds::adopt(&it.subject, it.currency, it.exhausted)],
        Fact::StepRequested(it) => answer(it, view, now),
    }
}
