//! What is in the retry queue blocks what it is about: an aggregate, which is an id and what that is the id of. Ids of
//! different things may be chosen alike.

use std::collections::HashMap;

use schemas::Entity;

use crate::inbound::Inbound;

/// The aggregates that something in the retry queue blocks.
#[derive(Debug, Default)]
pub(crate) struct Blocked(HashMap<String, Vec<Option<String>>>);

impl Blocked {
    /// Without its entity it blocks whatever has the subject.
    pub(crate) fn add(&mut self, entity: Option<&str>, subject: &str) {
        let entities = self.0.entry(subject.to_owned()).or_default();
        if !entities.iter().any(|known| known.as_deref() == entity) {
            entities.push(entity.map(str::to_owned));
        }
    }

    pub(crate) fn blocks(&self, inbound: &Inbound) -> bool {
        let Some(entities) = inbound.subject().and_then(|subject| self.0.get(subject)) else {
            return false;
        };
        let of_message = inbound.entity();
        let is_same = |entity: &Option<String>| match (entity.as_deref(), of_message) {
            (Some(entity), Some(of_message)) => entity == of_message,
            _ => true,
        };
        entities.iter().any(is_same)
    }
}

impl FromIterator<(Option<String>, String)> for Blocked {
    fn from_iter<I: IntoIterator<Item = (Option<String>, String)>>(rows: I) -> Self {
        let mut blocked = Self::default();
        for (entity, subject) in rows {
            blocked.add(entity.as_deref(), &subject);
        }
        blocked
    }
}

impl Inbound {
    /// What its subject is the id of, as the table of kinds has it. `None` of kinds that are not known and of what cannot
    /// be read, and of what is reported about a command, whose subject it has.
    pub(crate) fn entity(&self) -> Option<&'static str> {
        let entity = self.kind()?.subject;
        (entity != Entity::OfCommand).then(|| entity.name())
    }
}
