//! Whatever is asked, by whomever, in whatever order.

use std::collections::{HashMap, HashSet};

use proptest::prelude::*;
use schemas::{About, EvidenceSubmittedV1};
use types::{BrandId, CampaignId, EnrollmentId, EvidenceId, PartnerId, TermsVersion, WindowDays};

use super::{new_campaign, place, submitted_by, ten_percent};
use crate::domain::{Actor, Campaign, Command, Enrollment, Event, Rejection, Status, View, decide};

/// A small state, so that commands meet.
fn campaign() -> impl Strategy<Value = CampaignId> {
    (1..=2).prop_map(|n| format!("camp{n}").parse().unwrap())
}

fn partner() -> impl Strategy<Value = PartnerId> {
    (1..=2).prop_map(|n| format!("partner{n}").parse().unwrap())
}

fn brand() -> impl Strategy<Value = BrandId> {
    (1..=2).prop_map(|n| format!("brand{n}").parse().unwrap())
}

fn actor() -> impl Strategy<Value = Actor> {
    let any_of = (
        prop::bool::weighted(0.2),
        prop::option::of(partner()),
        prop::option::of(brand()),
    );
    any_of.prop_map(|(operator, partner, brand)| Actor {
        operator,
        partner,
        brand,
    })
}

fn command() -> impl Strategy<Value = Command> {
    let version = prop::option::of((1..=4).prop_map(|n| TermsVersion::new(n).unwrap()));
    prop_oneof![
        (campaign(), brand()).prop_map(|(campaign, brand)| {
            Command::Create(new_campaign(campaign.as_str(), brand.as_str()))
        }),
        (campaign(), 1..=365_i32).prop_map(|(campaign, days)| Command::PublishTerms {
            campaign,
            window: WindowDays::new(days).unwrap(),
            plan: ten_percent(),
        }),
        campaign().prop_map(|campaign| Command::Activate { campaign }),
        (campaign(), partner(), version).prop_map(|(campaign, partner, terms_version)| {
            Command::Accept {
                campaign,
                partner,
                terms_version,
            }
        }),
        (campaign(), partner(), "[ab]").prop_map(|(campaign, partner, evidence_type)| {
            Command::SubmitEvidence(About {
                subject: EvidenceId::of(
                    &campaign,
                    &partner,
                    &evidence_type,
                    "https://example.com/",
                ),
                key: campaign,
                record: EvidenceSubmittedV1 {
                    partner_id: partner,
                    evidence_type,
                    url_hash: "00".repeat(32),
                },
            })
        }),
    ]
}

#[derive(Default)]
struct BatchState {
    campaigns: HashMap<CampaignId, Campaign>,
    enrollments: HashMap<EnrollmentId, Enrollment>,
    evidence: HashSet<EvidenceId>,
}

impl BatchState {
    fn decide(&self, command: &Command, actor: &Actor) -> Result<Event, Rejection> {
        let view = View {
            campaign: self.campaigns.get(command.campaign()),
            enrollment: command
                .enrollment()
                .and_then(|id| self.enrollments.get(&id)),
            evidence_exists: command
                .evidence()
                .is_some_and(|id| self.evidence.contains(id)),
        };
        decide(view, command, &submitted_by(actor.clone()))
    }

    fn evolve(&mut self, event: &Event, position: i64) {
        let id = event.campaign().clone();
        let before = self.campaigns.remove(&id);
        let after = Campaign::evolve(before, event, place(position));
        self.campaigns
            .insert(id, after.expect("events happen to what there is"));
        if let Some(id) = event.enrollment() {
            let before = self.enrollments.remove(id);
            let after = Enrollment::evolve(before, event, place(position)).unwrap();
            self.enrollments.insert(id.clone(), after);
        }
        self.evidence.extend(event.evidence().cloned());
    }

    fn holds(&self) {
        for campaign in self.campaigns.values() {
            let active = campaign.status == Status::Active;
            assert!(!active || campaign.terms_version.is_some());
            assert_eq!(active, campaign.activated_at.is_some());
        }
        for enrollment in self.enrollments.values() {
            let campaign = &self.campaigns[&enrollment.campaign];
            assert_eq!(campaign.status, Status::Active);
            assert!(Some(enrollment.terms_version) <= campaign.terms_version);
        }
    }
}

/// Whether the one who asked may make this happen.
fn owns(actor: &Actor, event: &Event, state: &BatchState) -> bool {
    match event {
        Event::CampaignCreated(new) => actor.is_brand(&new.brand_id),
        Event::EnrollmentAccepted(accepted) => actor.is_partner(&accepted.partner_id),
        Event::EvidenceSubmitted(shown) => actor.is_partner(&shown.partner_id),
        _ => actor.is_brand(&state.campaigns[event.campaign()].brand),
    }
}

proptest! {
    #[test]
    fn nothing_happens_twice_or_by_a_stranger_and_the_states_stay_sound(
        requested in prop::collection::vec((command(), actor()), 1..60)
    ) {
        let mut state = BatchState::default();
        for (position, (command, actor)) in (1..).zip(&requested) {
            let decided = state.decide(command, actor);
            prop_assert_eq!(&decided, &state.decide(command, actor), "deciding is a function");
            match decided {
                Ok(event) => {
                    prop_assert_eq!(event.campaign(), command.campaign());
                    state.evolve(&event, position);
                    prop_assert!(owns(actor, &event, &state));
                    let once_only = !matches!(command, Command::PublishTerms { .. });
                    prop_assert!(!once_only || state.decide(command, actor).is_err());
                }
                Err(rejection) => prop_assert!(!rejection.detail.is_empty()),
            }
            state.holds();
        }
    }
}
