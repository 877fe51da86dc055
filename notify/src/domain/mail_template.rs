//! What a kind of mail to a brand's partners says in a language, where the brand wrote its own.

use schemas::{About, MailTemplateChangedV1};
use types::{MailTemplateId, Micros};

use super::{Actor, Code, Event, Owner, Place, Rejection, contact};

/// A brand's own text of a kind of mail in a language.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MailTemplate {
    /// Of each brand, kind and language one.
    pub id: MailTemplateId,
    /// What it is now.
    pub now: MailTemplateChangedV1,
    /// Since when.
    pub changed_at: Micros,
    /// When there was one first.
    pub position: i64,
}

impl MailTemplate {
    /// What an event makes of what was there before.
    pub fn evolve(
        before: Option<&Self>,
        event: &About<MailTemplateChangedV1>,
        place: Place,
    ) -> Self {
        Self {
            id: event.subject.clone(),
            now: event.record.clone(),
            changed_at: place.time,
            position: before.map_or(place.position, |before| before.position),
        }
    }
}

/// A brand has its own text, or ours again. For the brand, and for operators.
pub(super) fn change(
    before: Option<&MailTemplate>,
    new: &About<MailTemplateChangedV1>,
    actor: &Actor,
) -> Result<Event, Rejection> {
    let owner = Owner::Brand(new.brand_id.clone());
    if !actor.is(&owner) {
        return Err(contact::unknown(&owner));
    }
    let is_ours = new.sealed_text.is_none();
    if before.map_or(is_ours, |before| before.now == new.record) {
        let detail = if is_ours {
            "the brand has no text of its own there"
        } else {
            "the brand's text is so already"
        };
        return Err(Rejection::new(Code::MailTemplateUnchanged, detail));
    }
    Ok(new.clone().into())
}
