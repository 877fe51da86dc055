//! What a brand wants done with applications.

use schemas::{About, OnboardingChangedV1};
use types::{BrandId, Micros};

use super::super::{Actor, Code, Event, Owner, Place, Rejection, contact};

/// What a brand wants done with applications to its campaigns.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Onboarding {
    /// Whose.
    pub brand: BrandId,
    /// What.
    pub wants: OnboardingChangedV1,
    /// Since when.
    pub changed_at: Micros,
    /// Where it stands in lists.
    pub position: i64,
}

impl Onboarding {
    /// What an event makes of what was there before.
    pub fn evolve(before: Option<&Self>, event: &About<OnboardingChangedV1>, place: Place) -> Self {
        Self {
            brand: event.subject.clone(),
            wants: event.record.clone(),
            changed_at: place.time,
            position: before.map_or(place.position, |before| before.position),
        }
    }
}

/// A brand wants something else done. For the brand, and for operators.
pub fn change_onboarding(
    before: Option<&Onboarding>,
    new: &About<OnboardingChangedV1>,
    actor: &Actor,
) -> Result<Vec<Event>, Rejection> {
    let owner = Owner::Brand(new.subject.clone());
    if !actor.is(&owner) {
        return Err(contact::unknown(&owner));
    }
    if before.is_some_and(|before| before.wants == new.record) {
        let detail = "the brand's onboarding is so already";
        return Err(Rejection::new(Code::OnboardingUnchanged, detail));
    }
    Ok(vec![new.clone().into()])
}
