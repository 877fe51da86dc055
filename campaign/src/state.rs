//! The states that a batch touches: loaded, looked at, evolved, noted beside, and saved.

use std::collections::{BTreeSet, HashMap};

use messaging::WriteTx;
use runtime::States;
use schemas::{AcceptV1, Body, Event as _, Message};
use sqlx::PgConnection;
use types::{
    ApiKeyId, BanId, BrandId, CampaignId, EnrollmentId, EvidenceId, GroupId, MembershipId, Micros,
    PartnerId, TermsVersion,
};

use crate::domain::{
    ApiKey, Ban, Brand, Campaign, Command, Enrollment, Event, Evidence, Fact, FileHash, Group,
    MAX_GROUPS, Membership, Partner, Place, Rows, View, command_of,
};
use crate::messages;
use crate::store::acceptance_metadata::{self, AcceptanceNote};
use crate::store::brand_funds::{self, Adopted};
use crate::store::evidence_files::{self, EvidenceFile};
use crate::store::terms::Published;
use crate::store::terms_texts::{self, TermsTextRow};
use crate::store::{
    api_keys, bans, brands, campaigns, enrollments, evidence, groups, memberships, partners, plans,
    terms,
};

/// The states that one batch touches, and what it adds.
#[derive(Debug, Default)]
pub struct BatchState {
    campaigns: States<CampaignId, Campaign>,
    enrollments: States<EnrollmentId, Enrollment>,
    bans: States<BanId, Ban>,
    api_keys: States<ApiKeyId, ApiKey>,
    partners: States<PartnerId, Partner>,
    brands: States<BrandId, Brand>,
    groups: States<GroupId, Group>,
    /// How many there are of the brands that are to have one more.
    groups_of: HashMap<BrandId, usize>,
    memberships: States<MembershipId, Membership>,
    evidence: States<EvidenceId, Evidence>,
    files_shown: FilesShown,
    new_terms: Vec<Published>,
    texts: Vec<TermsTextRow>,
    notes: HashMap<(EnrollmentId, TermsVersion), AcceptanceNote>,
    files: HashMap<EvidenceId, EvidenceFile>,
    /// Of whom nothing is to be known any more.
    erased: Vec<PartnerId>,
    /// Whether brands are out of funds.
    funds: HashMap<brand_funds::Key, bool>,
    adopted_funds: HashMap<brand_funds::Key, Adopted>,
}

impl BatchState {
    /// Loads every state that these messages, commands or own events, can touch.
    pub(crate) async fn load(tx: &mut WriteTx, messages: &[&Message]) -> Result<Self, sqlx::Error> {
        let (mut campaign_ids, mut enrollment_ids, mut partner_ids, mut evidence_ids) = (
            BTreeSet::new(),
            BTreeSet::new(),
            BTreeSet::new(),
            BTreeSet::new(),
        );
        let (mut key_ids, mut keyed_ids) = (BTreeSet::new(), BTreeSet::new());
        let (mut brand_ids, mut shown) = (BTreeSet::new(), BTreeSet::new());
        let (mut group_ids, mut membership_ids) = (BTreeSet::new(), BTreeSet::new());
        let mut grouped_ids = BTreeSet::new();
        let mut funded_ids = BTreeSet::new();
        let now = tx.now();
        let mut since = now;
        for message in messages {
            let touched = touched(message);
            if touched.terms_of_then {
                since = since.min(message.header.requested_at(now));
            }
            if touched.funds {
                funded_ids.extend(touched.campaign.as_ref().map(ToString::to_string));
            }
            campaign_ids.extend(touched.campaign.map(CampaignId::into_string));
            enrollment_ids.extend(touched.enrollment.map(EnrollmentId::into_string));
            partner_ids.extend(touched.partner.map(PartnerId::into_string));
            evidence_ids.extend(touched.evidence.into_iter().map(EvidenceId::into_string));
            brand_ids.extend(touched.brand.map(BrandId::into_string));
            shown.extend(touched.files);
            key_ids.extend(touched.api_key.map(ApiKeyId::into_string));
            keyed_ids.extend(touched.keyed_brand.map(BrandId::into_string));
            group_ids.extend(touched.group.map(GroupId::into_string));
            grouped_ids.extend(touched.grouped_brand.map(BrandId::into_string));
            membership_ids.extend(touched.membership.map(MembershipId::into_string));
        }
        let list = |ids: BTreeSet<String>| ids.into_iter().collect::<Vec<_>>();
        let connection = tx.connection();
        let campaigns = campaigns::load(connection, &list(campaign_ids), since, now).await?;
        let enrollments = enrollments::load(connection, &list(enrollment_ids)).await?;
        let partner_ids = list(partner_ids);
        let bans = bans::load(connection, &partner_ids).await?;
        let api_keys = api_keys::load(connection, &list(key_ids), &list(keyed_ids)).await?;
        let partners = partners::load(connection, &partner_ids).await?;
        let brands = brands::load(connection, &list(brand_ids)).await?;
        let groups = groups::load(connection, &list(group_ids)).await?;
        let groups_of = groups::count(connection, &list(grouped_ids), MAX_GROUPS).await?;
        let memberships = memberships::load(connection, &list(membership_ids)).await?;
        let evidence_ids = list(evidence_ids);
        let evidence = evidence::load(connection, &evidence_ids).await?;
        let first_of_others = evidence::first_of(connection, &shown, &evidence_ids).await?;
        let funds = brand_funds::load(connection, &list(funded_ids)).await?;
        Ok(Self {
            campaigns: States::new(campaigns, |it| &it.id),
            enrollments: States::new(enrollments, |it| &it.id),
            bans: States::new(bans, |it| &it.id),
            api_keys: States::new(api_keys, |it| &it.id),
            partners: States::new(partners, |it| &it.id),
            groups: States::new(groups, |it| &it.id),
            groups_of,
            memberships: States::new(memberships, |it| &it.id),
            brands: States::new(brands, |it| &it.id),
            files_shown: FilesShown::new(first_of_others, &evidence),
            evidence: States::new(evidence, |it| &it.shown.subject),
            funds: funds.into_iter().collect(),
            ..Self::default()
        })
    }

    /// What is looked at where a fact is reacted to.
    pub(crate) fn view_of(&self, fact: &Fact) -> View<'_> {
        match fact {
            Fact::StepRequested(it) => self.view(&command_of(it)),
            Fact::Exhausted(_) | Fact::Restored(_) | Fact::Stated(_) => View::default(),
        }
    }

    /// What a command is decided upon.
    pub(crate) fn view(&self, command: &Command) -> View<'_> {
        let campaign = command.campaign().and_then(|id| self.campaigns.get(id));
        let banned_by = |brand, partner| {
            let ban = self.bans.get(&BanId::of(brand, partner));
            ban.is_some_and(Ban::in_force)
        };
        let banned = command
            .partner()
            .zip(campaign)
            .is_some_and(|(partner, of)| {
                banned_by(Some(&of.brand), partner) || banned_by(None, partner)
            });
        let (of_id, mut same_file) = (|id| self.evidence.get(id), [None, None]);
        if let Some(shown) = command.shown() {
            let hashes = FileHash::of(&shown.record);
            for (first, hash) in same_file.iter_mut().zip(hashes) {
                *first = self.files_shown.first(&(shown.key.clone(), hash));
            }
        }
        View {
            campaign,
            enrollment: command
                .enrollment()
                .and_then(|id| self.enrollments.get(&id)),
            banned,
            ban: command.ban().and_then(|id| self.bans.get(&id)),
            partner: command.partner().and_then(|id| self.partners.get(id)),
            brand: command.brand().and_then(|id| self.brands.get(id)),
            group: command.group().and_then(|id| self.groups.get(id)),
            groups_of_brand: command
                .grouped_brand()
                .map_or(0, |of| self.groups_of.get(of).copied().unwrap_or_default()),
            membership: command
                .membership()
                .and_then(|id| self.memberships.get(&id)),
            evidence: command.evidence().and_then(of_id),
            replaced: command
                .shown()
                .and_then(|shown| shown.replaces.as_ref())
                .and_then(of_id),
            same_file,
            api_key: command.api_key().and_then(|id| self.api_keys.get(id)),
            keys_of_brand: command.keyed_brand().map_or(0, |of| self.keys_of(of)),
            out_of_funds: campaign.is_some_and(|campaign| {
                let key = (campaign.brand.clone(), campaign.currency);
                self.funds.get(&key).copied().unwrap_or_default()
            }),
        }
    }

    /// How many keys a brand has that are not revoked.
    fn keys_of(&self, brand: &BrandId) -> usize {
        let keys = self.api_keys.values();
        let live = keys.filter(|key| key.brand == *brand && key.hash.is_some());
        live.count()
    }

    /// Applies what happened.
    pub(crate) fn apply(&mut self, event: &Event, place: Place) {
        self.name(event, place);
        match event.rows() {
            Rows::Record => {}
            Rows::Group(id) => {
                if let Event::GroupCreated(new) = event {
                    let groups = self.groups_of.entry(new.key.clone());
                    groups.and_modify(|groups| *groups += 1);
                }
                self.groups.evolve(id, |it| Group::evolve(it, event, place));
            }
            Rows::Membership(id) => self
                .memberships
                .evolve(id, |it| Membership::evolve(it, event, place)),
            Rows::Campaign(id) => self
                .campaigns
                .evolve(id, |it| Campaign::evolve(it, event, place)),
            Rows::Terms(published) => {
                let id = &published.campaign;
                self.campaigns
                    .evolve(id, |it| Campaign::evolve(it, event, place));
                self.new_terms.push(Published {
                    campaign: id.clone(),
                    terms: published.terms.clone(),
                    place,
                });
            }
            Rows::Enrollment(id) => self
                .enrollments
                .evolve(id, |it| Enrollment::evolve(it, event, place)),
            Rows::Ban(id) => self.bans.evolve(id, |it| Ban::evolve(it, event, place)),
            Rows::BrandFunds(adopted) => {
                let key = (adopted.subject.clone(), adopted.currency);
                self.funds.insert(key.clone(), adopted.exhausted);
                let row = Adopted {
                    key: key.clone(),
                    exhausted: adopted.exhausted,
                    position: place.position,
                };
                self.adopted_funds.insert(key, row);
            }
            Rows::ApiKey(id) => self
                .api_keys
                .evolve(id, |it| ApiKey::evolve(it, event, place)),
            Rows::Evidence(id) => {
                if let Some(before) = self.evidence.get(id) {
                    self.files_shown.remove(before);
                }
                let campaign = event.campaign().and_then(|id| self.campaigns.get(id));
                self.evidence.evolve(id, |it| {
                    Evidence::evolve(it, &campaign?.brand, event, place)
                });
                if let Some(after) = self.evidence.get(id) {
                    self.files_shown.insert(after);
                }
            }
        }
    }

    /// Partners and brands are made by the first event that names them.
    fn name(&mut self, event: &Event, place: Place) {
        if let Some(id) = event.partner() {
            let before = self.partners.get(id);
            let after = Partner::evolve(before.cloned(), id, event, place);
            if before != Some(&after) {
                self.partners.put(id, after);
            }
        }
        if let Some(id) = event.brand() {
            let before = self.brands.get(id);
            let after = Brand::evolve(before.cloned(), id, event, place);
            if before.is_none() {
                let group = Group::default_of(id, place);
                self.groups.put(&group.id.clone(), group);
                let groups = self.groups_of.entry(id.clone());
                groups.and_modify(|groups| *groups += 1);
            }
            if before != Some(&after) {
                self.brands.put(id, after);
            }
        }
    }

    /// Notes what a command brought that its event does not carry.
    pub(crate) fn note(&mut self, command: &Body, event: &Event) {
        match (command, event) {
            (Body::PublishTermsV1(wire), Event::TermsPublished(published)) => {
                self.texts.push(TermsTextRow {
                    campaign: published.campaign.clone(),
                    version: published.terms.version,
                    text: wire.text.clone(),
                });
            }
            (Body::AcceptV1(wire), Event::EnrollmentAccepted(accepted)) => {
                self.note_acceptance(wire, &accepted.subject, accepted.terms_version);
            }
            (Body::AcceptV1(wire), Event::EnrollmentApplied(applied)) => {
                self.note_acceptance(wire, &applied.subject, applied.terms_version);
            }
            (Body::SubmitEvidenceV1(wire), Event::EvidenceSubmitted(shown)) => {
                let file = EvidenceFile {
                    evidence: shown.subject.clone(),
                    file_url: Some(wire.file_url.clone()).filter(|url| !url.is_empty()),
                    metadata: wire.metadata.clone(),
                    sealed_metadata: wire.sealed_metadata.clone(),
                };
                self.files.insert(shown.subject.clone(), file);
            }
            (Body::ErasePartnerV1(_), Event::PartnerErased(erased)) => {
                self.erased.push(erased.subject.clone());
            }
            _ => {}
        }
    }

    fn note_acceptance(
        &mut self,
        wire: &AcceptV1,
        enrollment: &EnrollmentId,
        version: TermsVersion,
    ) {
        if wire.metadata.is_some() || wire.sealed_metadata.is_some() {
            let note = AcceptanceNote {
                enrollment: enrollment.clone(),
                version,
                metadata: wire.metadata.clone(),
                sealed_metadata: wire.sealed_metadata.clone(),
            };
            self.notes.insert((enrollment.clone(), version), note);
        }
    }

    /// Saves what changed.
    pub(crate) async fn save(self, tx: &mut WriteTx) -> Result<(), sqlx::Error> {
        let funds: Vec<Adopted> = self.adopted_funds.into_values().collect();
        let now = tx.now();
        let connection = tx.connection();
        brand_funds::save(connection, &funds).await?;
        campaigns::save(connection, &self.campaigns.changed()).await?;
        terms::insert(connection, &self.new_terms).await?;
        plans::insert(connection, &self.new_terms).await?;
        enrollments::save(connection, &self.enrollments.changed()).await?;
        bans::save(connection, &self.bans.changed()).await?;
        api_keys::save(connection, &self.api_keys.changed()).await?;
        partners::save(connection, &self.partners.changed()).await?;
        brands::save(connection, &self.brands.changed()).await?;
        groups::save(connection, &self.groups.changed()).await?;
        memberships::save(connection, &self.memberships.changed()).await?;
        evidence::save(connection, &self.evidence.changed()).await?;
        terms_texts::insert(connection, &self.texts).await?;
        let notes: Vec<_> = self.notes.into_values().collect();
        acceptance_metadata::save(connection, &notes).await?;
        let files: Vec<_> = self.files.into_values().collect();
        evidence_files::save(connection, &files).await?;
        erase(connection, &self.erased, now).await
    }
}

/// A file, as it is known again in a campaign.
type File = (CampaignId, FileHash);

/// The evidence that has a file, by its position: all that the batch touches, and the first of the rest. Shown again with another file,
/// evidence no longer has the one of before.
#[derive(Debug, Default)]
struct FilesShown(HashMap<File, BTreeSet<(i64, EvidenceId)>>);

impl FilesShown {
    /// With the first of those that the batch does not touch, and those that it does.
    fn new(first_of_others: Vec<(File, (i64, EvidenceId))>, touched: &[Evidence]) -> Self {
        let mut shown = Self::default();
        for (file, first) in first_of_others {
            shown.0.entry(file).or_default().insert(first);
        }
        for evidence in touched {
            shown.insert(evidence);
        }
        shown
    }

    fn first(&self, file: &File) -> Option<&EvidenceId> {
        let (_, first) = self.0.get(file)?.first()?;
        Some(first)
    }

    fn insert(&mut self, evidence: &Evidence) {
        for file in Self::files_of(evidence) {
            let place = (evidence.position, evidence.shown.subject.clone());
            self.0.entry(file).or_default().insert(place);
        }
    }

    fn remove(&mut self, evidence: &Evidence) {
        let place = (evidence.position, evidence.shown.subject.clone());
        for file in Self::files_of(evidence) {
            if let Some(shown) = self.0.get_mut(&file) {
                shown.remove(&place);
            }
        }
    }

    fn files_of(evidence: &Evidence) -> impl Iterator<Item = File> {
        let hashes = FileHash::of(&evidence.shown.record);
        hashes.map(|hash| (evidence.shown.key.clone(), hash))
    }
}

/// Erases what no event has of these partners, with the keys of what events have.
async fn erase(
    connection: &mut PgConnection,
    erased: &[PartnerId],
    now: Micros,
) -> Result<(), sqlx::Error> {
    if erased.is_empty() {
        return Ok(());
    }
    let ids: Vec<&str> = erased.iter().map(PartnerId::as_str).collect();
    partners::note_erased(connection, &ids, now).await?;
    acceptance_metadata::erase(connection, &ids).await?;
    evidence_files::erase(connection, &ids).await?;
    runtime::erase_personal_keys(connection, &ids).await
}

/// The ids of every aggregate that a message can touch; none of a message that cannot be read.
fn touched(message: &Message) -> Touched {
    if let Some(command) = messages::command(message) {
        return command.map_or_else(|_| Touched::default(), |command| Touched::of(&command));
    }
    if let Ok(Some(Fact::StepRequested(requested))) = Fact::read(message) {
        return Touched::of(&command_of(&requested));
    }
    let event = Event::read(message).ok().flatten();
    event.map_or_else(Touched::default, |event| Touched::of_event(&event))
}

/// Which states a message needs.
#[derive(Debug, Default)]
struct Touched {
    campaign: Option<CampaignId>,
    enrollment: Option<EnrollmentId>,
    /// Who, and whose bans.
    partner: Option<PartnerId>,
    brand: Option<BrandId>,
    group: Option<GroupId>,
    /// Whose groups are counted.
    grouped_brand: Option<BrandId>,
    membership: Option<MembershipId>,
    evidence: Vec<EvidenceId>,
    files: Vec<File>,
    api_key: Option<ApiKeyId>,
    /// Whose API keys.
    keyed_brand: Option<BrandId>,
    /// Whether it needs to know of its brand's funds.
    funds: bool,
    /// Whether it needs the terms that were in force when it was requested.
    terms_of_then: bool,
}

impl Touched {
    fn of(command: &Command) -> Self {
        Self {
            campaign: command.campaign().cloned(),
            enrollment: command.enrollment(),
            partner: command.partner().cloned(),
            brand: command.brand().cloned(),
            group: command.group().cloned(),
            grouped_brand: command.grouped_brand().cloned(),
            membership: command.membership(),
            evidence: [
                command.evidence(),
                command.shown().and_then(|shown| shown.replaces.as_ref()),
            ]
            .into_iter()
            .flatten()
            .cloned()
            .collect(),
            files: command.shown().map_or_else(Vec::new, |shown| {
                let hashes = FileHash::of(&shown.record);
                hashes.map(|hash| (shown.key.clone(), hash)).collect()
            }),
            api_key: command.api_key().cloned(),
            keyed_brand: command.keyed_brand().cloned(),
            funds: command.needs_funds(),
            terms_of_then: matches!(
                command,
                Command::Accept {
                    terms_version: None,
                    ..
                }
            ),
        }
    }

    fn of_event(event: &Event) -> Self {
        Self {
            campaign: event.campaign().cloned(),
            enrollment: event.enrollment().cloned(),
            partner: event.partner().cloned(),
            brand: event.brand().cloned(),
            group: event.group().cloned(),
            grouped_brand: None,
            membership: event.membership().cloned(),
            evidence: event.evidence().cloned().into_iter().collect(),
            files: Vec::new(),
            api_key: event.api_key().cloned(),
            keyed_brand: None,
            funds: false,
            terms_of_then: false,
        }
    }
}
