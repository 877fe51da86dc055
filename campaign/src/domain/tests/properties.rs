//! Whatever is asked, by whomever, in whatever order.

use std::collections::HashMap;

use proptest::prelude::*;
use schemas::{About, ApiKeyCreatedV1, EvidenceSubmittedV1, GroupCreatedV1};
use types::{
    ApiKeyId, ApiKeyScope, BanId, BrandId, CampaignId, CampaignStatus, EnrollmentId,
    EnrollmentStatus, EvidenceId, EvidenceReason, EvidenceStatus, GroupId, GroupStatus, JoinMode,
    MembershipId, PartnerId, RefusalReason, TermsVersion, Uuid, WindowDays,
};

use super::{new_campaign, place, submitted_by, ten_percent};
use crate::domain::{
    Actor, ApiKey, Ban, Brand, BrandChange, Campaign, CampaignChange, Change, Command, Enrollment,
    Event, Evidence, Group, GroupChange, Membership, Partner, PartnerChange, Rejection, Review,
    Rotation, Rows, Step, View, decide,
};

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

fn step() -> impl Strategy<Value = Step> {
    let often = prop_oneof![Just(Step::Activate), Just(Step::Resume)];
    prop_oneof![3 => often, 1 => Just(Step::Pause), 1 => Just(Step::Close)]
}

fn change() -> impl Strategy<Value = Change> {
    prop_oneof![
        Just(Change::Invite),
        Just(Change::Approve),
        Just(Change::Reject(RefusalReason::NeedsMoreDetail)),
        Just(Change::Leave),
        Just(Change::Remove(RefusalReason::Other)),
    ]
}

fn join() -> impl Strategy<Value = Option<JoinMode>> {
    prop::option::of(prop::sample::select(JoinMode::ALL.to_vec()))
}

fn command() -> impl Strategy<Value = Command> {
    let version = prop::option::of((1..=4).prop_map(|n| TermsVersion::new(n).unwrap()));
    prop_oneof![
        (campaign(), brand(), join()).prop_map(|(campaign, brand, join)| {
            let mut new = new_campaign(campaign.as_str(), brand.as_str());
            new.record.join = join;
            Command::Create(new)
        }),
        (campaign(), 1..=365_i32).prop_map(|(campaign, days)| Command::PublishTerms {
            campaign,
            window: WindowDays::new(days).unwrap(),
            plan: ten_percent(),
            text_hash: "0b".repeat(32),
            effective_at: None,
            sealed_text: Vec::new(),
        }),
        (partner(), prop::option::of(brand()), any::<bool>()).prop_map(
            |(partner, brand, begins)| Command::Ban {
                partner,
                brand,
                reason: begins.then_some(RefusalReason::Other),
            }
        ),
        (campaign(), step()).prop_map(|(campaign, step)| Command::Move { campaign, step }),
        (campaign(), join()).prop_map(|(campaign, join)| {
            let change = CampaignChange {
                join,
                ..CampaignChange::default()
            };
            Command::ChangeCampaign {
                campaign,
                change: Box::new(change),
            }
        }),
        (campaign(), partner(), change()).prop_map(|(campaign, partner, change)| Command::Change {
            campaign,
            partner,
            change,
        }),
        (campaign(), partner(), version).prop_map(|(campaign, partner, terms_version)| {
            Command::Accept {
                campaign,
                partner,
                terms_version,
            }
        }),
        keying(),
        grouping(),
        recording(),
        (campaign(), partner(), "[ab]", 0..3_u8).prop_map(|(campaign, partner, of, review)| {
            Command::Review {
                evidence: EvidenceId::of(&campaign, &partner, &of, "https://example.com/"),
                campaign,
                review: match review {
                    0 => Review::Approve,
                    1 => Review::Reject(EvidenceReason::Other),
                    _ => Review::Return(EvidenceReason::Other),
                },
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
                    content_hash: None,
                    replaces: None,
                    duplicate_of: None,
                    sealed_url: None,
                    sealed_metadata: None,
                },
            })
        }),
    ]
}

/// What is asked of API keys.
fn keying() -> impl Strategy<Value = Command> {
    prop_oneof![
        (brand(), 1..=2_u8).prop_map(|(brand_id, n)| {
            let created = ApiKeyCreatedV1 {
                brand_id,
                prefix: "0123abcd".to_owned(),
                hash: "00".repeat(32),
                scopes: vec![ApiKeyScope::ReportsRead],
                expires_at: None,
            };
            Command::CreateApiKey(About::of(key(n), created))
        }),
        (1..=2_u8).prop_map(|n| Command::RotateApiKey {
            key: key(n),
            rotation: Rotation {
                prefix: "4567cdef".to_owned(),
                hash: "11".repeat(32),
                overlap_seconds: i64::from(n) - 1,
            },
        }),
        (1..=2_u8).prop_map(|n| Command::RevokeApiKey {
            key: key(n),
            brand: None,
        }),
    ]
}

/// What is asked of groups: of one of two brands, its default one, or one of two others, which may be the other brand's.
fn grouping() -> impl Strategy<Value = Command> {
    (brand(), partner(), 0..=2_u128, 0..4_u8).prop_map(|(brand, partner, n, kind)| {
        let group = match n {
            0 => GroupId::default_of(&brand),
            n => GroupId::of_command(Uuid::from_u128(n)),
        };
        let becomes = |status| Command::ChangeGroup {
            brand: brand.clone(),
            group: group.clone(),
            change: GroupChange {
                status: Some(status),
                ..GroupChange::default()
            },
        };
        match kind {
            0 => becomes(GroupStatus::Archived),
            1 => becomes(GroupStatus::Active),
            2 => Command::MovePartner {
                brand,
                partner,
                group,
            },
            _ => Command::CreateGroup(About {
                key: brand,
                subject: group,
                record: GroupCreatedV1 {
                    link_limit: None,
                    sealed_name: None,
                },
            }),
        }
    })
}

/// What is asked of records.
fn recording() -> impl Strategy<Value = Command> {
    prop_oneof![
        partner().prop_map(|partner| Command::ChangePartner {
            partner,
            change: Box::new(PartnerChange::default()),
        }),
        partner().prop_map(|partner| Command::ErasePartner { partner }),
        brand().prop_map(|brand| Command::ChangeBrand {
            brand,
            change: BrandChange::default(),
        }),
    ]
}

fn key(n: u8) -> ApiKeyId {
    format!("key_{n}").parse().unwrap()
}

#[derive(Default)]
struct BatchState {
    campaigns: HashMap<CampaignId, Campaign>,
    enrollments: HashMap<EnrollmentId, Enrollment>,
    bans: HashMap<BanId, Ban>,
    evidence: HashMap<EvidenceId, Evidence>,
    api_keys: HashMap<ApiKeyId, ApiKey>,
    partners: HashMap<PartnerId, Partner>,
    brands: HashMap<BrandId, Brand>,
    groups: HashMap<GroupId, Group>,
    memberships: HashMap<MembershipId, Membership>,
}

impl BatchState {
    fn decide(&self, command: &Command, actor: &Actor) -> Result<Event, Rejection> {
        let campaign = command.campaign().and_then(|id| self.campaigns.get(id));
        let view = View {
            campaign,
            banned: command
                .partner()
                .zip(campaign)
                .is_some_and(|(partner, of)| self.banned(partner, of)),
            ban: command.ban().and_then(|id| self.bans.get(&id)),
            enrollment: command
                .enrollment()
                .and_then(|id| self.enrollments.get(&id)),
            evidence: command.evidence().and_then(|id| self.evidence.get(id)),
            api_key: command.api_key().and_then(|id| self.api_keys.get(id)),
            partner: command.partner().and_then(|id| self.partners.get(id)),
            brand: command.brand().and_then(|id| self.brands.get(id)),
            group: command.group().and_then(|id| self.groups.get(id)),
            membership: command
                .membership()
                .and_then(|id| self.memberships.get(&id)),
            ..View::default()
        };
        decide(view, command, &submitted_by(actor.clone()))
    }

    fn banned(&self, partner: &PartnerId, campaign: &Campaign) -> bool {
        let mut bans = self.bans.values();
        bans.any(|ban| {
            let here = ban
                .brand
                .as_ref()
                .is_none_or(|brand| *brand == campaign.brand);
            ban.in_force() && ban.partner == *partner && here
        })
    }

    fn evolve(&mut self, event: &Event, position: i64) {
        if let Some(id) = event.campaign() {
            let before = self.campaigns.remove(id);
            let after = Campaign::evolve(before, event, place(position));
            self.campaigns
                .insert(id.clone(), after.expect("events happen to what there is"));
        }
        if let Rows::Ban(id) = event.rows() {
            let before = self.bans.remove(id);
            let after = Ban::evolve(before, event, place(position)).unwrap();
            self.bans.insert(id.clone(), after);
        }
        if let Rows::ApiKey(id) = event.rows() {
            let before = self.api_keys.remove(id);
            let after = ApiKey::evolve(before, event, place(position)).unwrap();
            self.api_keys.insert(id.clone(), after);
        }
        if let Some(id) = event.partner() {
            let before = self.partners.remove(id);
            let after = Partner::evolve(before, id, event, place(position));
            self.partners.insert(id.clone(), after);
        }
        if let Some(id) = event.brand() {
            let before = self.brands.remove(id);
            let after = Brand::evolve(before, id, event, place(position));
            self.brands.insert(id.clone(), after);
        }
        if let Some(id) = event.group() {
            let before = self.groups.remove(id);
            let after = Group::evolve(before, event, place(position)).unwrap();
            self.groups.insert(id.clone(), after);
        }
        if let Some(id) = event.membership() {
            let before = self.memberships.remove(id);
            let after = Membership::evolve(before, event, place(position)).unwrap();
            self.memberships.insert(id.clone(), after);
        }
        if let Some(id) = event.enrollment() {
            let before = self.enrollments.remove(id);
            let after = Enrollment::evolve(before, event, place(position)).unwrap();
            self.enrollments.insert(id.clone(), after);
        }
        if let Some(id) = event.evidence() {
            let before = self.evidence.remove(id);
            let brand = &self.campaigns[event.campaign().unwrap()].brand;
            let after = Evidence::evolve(before, brand, event, place(position)).unwrap();
            self.evidence.insert(id.clone(), after);
        }
    }

    fn holds(&self) {
        for campaign in self.campaigns.values() {
            let draft = campaign.status == CampaignStatus::Draft;
            assert!(draft || campaign.newest_terms().is_some());
            assert_eq!(draft, campaign.activated_at.is_none());
            let paused = campaign.status == CampaignStatus::Paused;
            assert_eq!(paused, campaign.pause_reason.is_some());
            let closed = campaign.status == CampaignStatus::Closed;
            assert_eq!(closed, campaign.closed_at.is_some());
        }
        for evidence in self.evidence.values() {
            let refused = [EvidenceStatus::Rejected, EvidenceStatus::Returned];
            assert_eq!(
                refused.contains(&evidence.status),
                evidence.reason.is_some()
            );
            let waits = evidence.status == EvidenceStatus::Submitted;
            assert_eq!(waits, evidence.decided_at.is_none());
        }
        for (id, group) in &self.groups {
            let archived = group.status == GroupStatus::Archived;
            assert!(!archived || *id != GroupId::default_of(&group.brand));
            assert!(self.brands.contains_key(&group.brand));
        }
        for membership in self.memberships.values() {
            let is_default = membership.group == GroupId::default_of(&membership.brand);
            let is_its_brands = |of: &Group| of.brand == membership.brand;
            assert!(
                is_default
                    || self
                        .groups
                        .get(&membership.group)
                        .is_some_and(is_its_brands)
            );
            assert!(self.partners.contains_key(&membership.partner));
        }
        for enrollment in self.enrollments.values() {
            assert!(self.partners.contains_key(&enrollment.partner));
        }
        for campaign in self.campaigns.values() {
            assert!(self.brands.contains_key(&campaign.brand));
        }
        for ban in self.bans.values() {
            assert_eq!(ban.in_force(), ban.reason.is_some());
        }
        for enrollment in self.enrollments.values() {
            let campaign = &self.campaigns[&enrollment.campaign];
            let invited = enrollment.status == EnrollmentStatus::Invited;
            assert!(
                invited
                    || enrollment.terms_version.is_none()
                    || campaign.status != CampaignStatus::Draft
            );
            let newest = campaign.newest_terms().map(|terms| terms.version);
            assert!(enrollment.terms_version <= newest);
            let (status, reason) = (enrollment.status, enrollment.reason);
            let enrolled = status == EnrollmentStatus::Enrolled;
            assert!(enrollment.since.is_some());
            assert!(!enrolled || enrollment.terms_version.is_some());
            let refused = [EnrollmentStatus::Rejected, EnrollmentStatus::Removed];
            assert_eq!(refused.contains(&status), reason.is_some());
        }
    }
}

/// Whether the one who asked may make this happen.
fn owns(actor: &Actor, event: &Event, state: &BatchState) -> bool {
    match event {
        Event::CampaignCreated(new) => actor.is_brand(&new.brand_id),
        Event::EnrollmentAccepted(accepted) => actor.is_partner(&accepted.partner_id),
        Event::EnrollmentApplied(applied) => actor.is_partner(&applied.partner_id),
        Event::EvidenceSubmitted(shown) => actor.is_partner(&shown.partner_id),
        Event::EnrollmentEnded(ended) if ended.status == EnrollmentStatus::Left => {
            actor.is_partner(&ended.partner_id)
        }
        Event::ApiKeyCreated(new) => actor.is_brand(&new.brand_id),
        Event::ApiKeyRotated(rotated) => actor.is_brand(&rotated.brand_id),
        Event::ApiKeyRevoked(revoked) => actor.is_brand(&revoked.brand_id),
        Event::PartnerChanged(changed) => actor.is_partner(&changed.key),
        Event::PartnerErased(_) => actor.operator,
        Event::BrandChanged(changed) => actor.is_brand(&changed.key),
        Event::GroupCreated(created) => actor.is_brand(&created.key),
        Event::GroupChanged(changed) => actor.is_brand(&changed.key),
        Event::PartnerMoved(moved) => actor.is_brand(&moved.key),
        Event::PartnerBanned(About { record, .. }) => may_ban(actor, record.brand_id.as_ref()),
        Event::PartnerUnbanned(About { record, .. }) => may_ban(actor, record.brand_id.as_ref()),
        _ => {
            let campaign = event.campaign().expect("every other event has one");
            actor.is_brand(&state.campaigns[campaign].brand)
        }
    }
}

fn may_ban(actor: &Actor, brand: Option<&BrandId>) -> bool {
    brand.map_or(actor.operator, |brand| actor.is_brand(brand))
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
                    let once_only = !matches!(
                        command,
                        Command::PublishTerms { .. }
                            | Command::ChangeCampaign { .. }
                            | Command::RotateApiKey { .. }
                            | Command::ChangePartner { .. }
                            | Command::ErasePartner { .. }
                            | Command::ChangeBrand { .. }
                            | Command::ChangeGroup { .. }
                    );
                    prop_assert!(!once_only || state.decide(command, actor).is_err());
                }
                Err(rejection) => prop_assert!(!rejection.detail.is_empty()),
            }
            state.holds();
        }
    }
}
