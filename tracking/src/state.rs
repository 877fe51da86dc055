//! The states that one batch touches: what is loaded for its messages, what their events change, and what is saved.

use std::collections::{HashMap, HashSet};

use messaging::{Recorded, WriteTx};
use schemas::{
    About, ApiKeyAdoptedV1, Body, CampaignChangeAdoptedV1, EnrollmentAdoptedV1, GroupAdoptedV1,
    Header, Message, PartnerMoveAdoptedV1, PartnerStatusAdoptedV1,
};
use sqlx::PgConnection;
use types::{
    ApiKeyId, BanId, BrandId, CampaignId, CampaignStatus, ClaimId, ClickId, ConversionId,
    EnrollmentId, EnrollmentStatus, GroupId, GroupStatus, LinkCode, MembershipId, Micros,
    PartnerId, PartnerStatus, TermsVersion, Uuid, WorkflowStep,
};

use crate::domain::{
    Access, Bans, Campaign, Candidate, Claim, Claims, Click, Event, EventType, Groups, Link, Order,
    Orders, Report, UserHash, Visitor, other_ids,
};
use crate::messages::{self, Read};
use crate::store::campaigns::TermsRow;
use crate::store::candidates::{self, Lookup};
use crate::store::claims::ClaimRow;
use crate::store::conversions::ConversionRow;
use crate::store::notes::Note;
use crate::store::tracking_events::NewEvent;
use crate::store::{
    api_keys, bans, campaigns, claims, clicks, conversions, erasures, groups, links, notes,
    tracking_events, uuid,
};

/// What the messages of a batch are decided by, and what changed.
#[derive(Debug, Default)]
pub struct BatchState {
    /// Campaigns that commands name.
    pub campaigns: HashMap<CampaignId, Campaign>,
    /// Enrollments that commands need.
    pub enrollments: HashMap<EnrollmentId, EnrollmentStatus>,
    /// Bans of the partners that commands name, those in force.
    pub bans: Bans,
    /// What new links of those partners are limited by.
    pub groups: Groups,
    /// Links that commands name.
    pub links: HashMap<LinkCode, Link>,
    /// The click that may have led to each report, by its message.
    pub candidates: HashMap<Uuid, Candidate>,
    /// Clicks of which it is said whose they were.
    clicks: HashMap<ClickId, Click>,
    /// Commands that say so of a visitor who is being erased with the click.
    of_erased: HashSet<Uuid>,
    /// What was looked for, where clicks may become somebody's while it is decided upon.
    lookups: Vec<Lookup>,
    /// Conversions that reports could be about.
    pub orders: Orders,
    /// Those of them that have a row.
    stored: HashSet<Uuid>,
    /// Claims of these, and those that are decided upon.
    pub claims: Claims,
    changed: Changed,
}

#[derive(Debug, Default)]
struct Changed {
    campaigns: HashMap<CampaignId, i64>,
    terms: HashMap<(CampaignId, TermsVersion), TermsRow>,
    /// Of campaigns that links can be made for; what drafts change comes with their activation.
    changes: HashMap<CampaignId, CampaignChangeAdoptedV1>,
    statuses: HashMap<CampaignId, CampaignStatus>,
    enrollments: HashMap<EnrollmentId, (About<EnrollmentAdoptedV1>, i64)>,
    /// Those that came after the enrollments.
    applications: HashMap<EnrollmentId, (About<EnrollmentAdoptedV1>, i64)>,
    ended: HashMap<EnrollmentId, EnrollmentStatus>,
    bans: HashMap<BanId, (About<PartnerStatusAdoptedV1>, i64)>,
    api_keys: HashMap<ApiKeyId, (About<ApiKeyAdoptedV1>, i64)>,
    /// The last event that changed one.
    api_key_change: Option<i64>,
    groups: HashMap<GroupId, (About<GroupAdoptedV1>, i64)>,
    memberships: HashMap<MembershipId, (About<PartnerMoveAdoptedV1>, i64)>,
    /// The last event that stopped links, or changed one.
    stop: Option<i64>,
    links: HashSet<LinkCode>,
    conversions: HashSet<ConversionId>,
    aliases: HashSet<ConversionId>,
    claims: HashSet<ClaimId>,
    events: Vec<NewEvent>,
    bound: Vec<(Candidate, UserHash)>,
    erased: Vec<(BrandId, Visitor)>,
    notes: Vec<Note>,
}

impl BatchState {
    /// Loads what these messages need: for a batch of reports that is three to five round trips, however many, and more
    /// where visitors have no click that counts.
    pub async fn load(tx: &mut WriteTx, messages: &[&Message]) -> Result<Self, sqlx::Error> {
        let now = tx.now();
        let mut wanted = Wanted::default();
        for message in messages {
            wanted.add(message, now);
        }
        let connection = tx.connection();
        let mut state = Self::default();
        if !wanted.links.is_empty() {
            state.links = links::load(connection, &strs(&wanted.links)).await?;
            let known: Vec<_> = state.links.values().collect();
            for link in known {
                wanted.around(&link.campaign, &link.partner);
            }
        }
        if !wanted.campaigns.is_empty() {
            state.campaigns = campaigns::load(connection, &strs(&wanted.campaigns)).await?;
        }
        if !wanted.enrollments.is_empty() {
            let ids = strs(&wanted.enrollments);
            state.enrollments = campaigns::enrollments(connection, &ids).await?;
        }
        if !wanted.partners.is_empty() {
            let partners = strs(&wanted.partners);
            state.bans = Bans(bans::in_force(connection, &partners).await?);
        }
        if !wanted.makers.is_empty() {
            let makers = wanted.makers.iter().filter_map(|(id, partner)| {
                let known = state.campaigns.get(id).map(|campaign| &campaign.brand);
                Some((known.or(wanted.adopted.get(id))?, partner))
            });
            let makers: HashSet<_> = makers.collect();
            let makers: Vec<_> = makers.into_iter().collect();
            let (changing, into) = (wanted.changing_limits, &wanted.moved_into);
            state.groups = groups::load(connection, &makers, changing, into).await?;
        }
        state.candidates = candidates::load(connection, &wanted.lookups, now).await?;
        let mut bound: HashMap<UserHash, Vec<&Candidate>> = HashMap::new();
        for (command, visitor) in &wanted.bindings {
            let of_user = bound.entry(visitor.hash).or_default();
            of_user.extend(state.candidates.get(command));
        }
        for (id, report, access) in &wanted.reports {
            let campaign = report.campaign.as_ref().and_then(|id| {
                let known = state.campaigns.get(id).map(|campaign| &campaign.brand);
                known.or(wanted.adopted.get(id))
            });
            let found = state.candidates.get(id);
            // What becomes its visitor's in this batch may be what it is about.
            let bound = report.user.hashes().filter_map(|hash| bound.get(&hash));
            let all = bound.flatten().copied().map(Some).chain([found]);
            for candidate in all {
                let currency = candidate.map(Candidate::currency);
                state.orders.currencies.extend(currency);
                let order = Order::of(report, access, campaign, candidate);
                wanted.conversions.extend(order.ids().flat_map(uuid));
            }
        }
        if !wanted.bindings.is_empty() {
            state.load_clicks(connection, &wanted.bindings).await?;
        }
        if wanted.erases || !wanted.bindings.is_empty() {
            state.lookups = wanted.lookups;
        }
        if !wanted.claims.is_empty() {
            state.claims = claims::load(connection, &strs(&wanted.claims)).await?;
            let claimed = state.claims.0.values();
            for Claim { sale, .. } in claimed {
                let others = other_ids(sale).into_iter().flatten();
                let ids = others.chain([sale.conversion_id.clone()]);
                wanted.conversions.extend(ids.flat_map(|id| uuid(&id)));
            }
        }
        if !wanted.conversions.is_empty() {
            let ids: Vec<Uuid> = wanted.conversions.into_iter().collect();
            state.stored = conversions::load(connection, &ids, &mut state.orders).await?;
            let of_orders = claims::load_of(connection, &ids).await?;
            state.claims.0.extend(of_orders.0);
            let without_amount = state.orders.without_amount();
            let terms: Vec<_> = without_amount.chain(state.claims.open_terms()).collect();
            if !terms.is_empty() {
                let currencies = campaigns::currencies(connection, &terms).await?;
                state.orders.currencies.extend(currencies);
            }
        }
        Ok(state)
    }

    async fn load_clicks(
        &mut self,
        connection: &mut PgConnection,
        bindings: &[(Uuid, Visitor)],
    ) -> Result<(), sqlx::Error> {
        let named = bindings.iter();
        let named = named
            .filter_map(|(command, user)| Some((*command, user, self.candidates.get(command)?)));
        let named: Vec<_> = named.collect();
        self.of_erased = erasures::under_way(connection, &named).await?;
        let found: Vec<_> = named.into_iter().map(|(.., click)| click).collect();
        let visitors = clicks::visitors(connection, &found).await?;
        let clicks = found.into_iter().map(|candidate| {
            let click = Click {
                candidate: candidate.clone(),
                visitor: visitors.get(&candidate.click).copied(),
            };
            (candidate.click.clone(), click)
        });
        self.clicks = clicks.collect();
        Ok(())
    }

    /// Applies an event.
    pub fn evolve(&mut self, recorded: &Recorded<'_, Event>) {
        let (position, time) = (recorded.position, recorded.time);
        match recorded.event {
            Event::TermsAdopted(terms) => {
                let key = (terms.subject.clone(), terms.version);
                let row = TermsRow {
                    terms: terms.clone(),
                    position,
                    is_given_again: self.changed.terms.contains_key(&key),
                };
                self.changed.terms.insert(key, row);
            }
            Event::CampaignAdopted(campaign) => {
                let adopted = Campaign {
                    brand: campaign.brand_id.clone(),
                    allowed_hosts: campaign.allowed_hosts.clone(),
                    fallback_url: campaign.fallback_url.clone(),
                    starts_at: campaign.starts_at,
                    ends_at: campaign.ends_at,
                    trusts_redirects: campaign.trusts_redirects == Some(true),
                    status: CampaignStatus::Active,
                };
                let id = &campaign.subject;
                self.campaigns.insert(id.clone(), adopted);
                self.changed.campaigns.insert(id.clone(), position);
                self.changed.changes.remove(id);
                self.changed.statuses.remove(id);
            }
            Event::EnrollmentAdopted(enrollment) => self.put_enrollment(enrollment, position),
            Event::CampaignStatusAdopted(adopted) => {
                let (id, status) = (&adopted.subject, adopted.status);
                if let Some(campaign) = self.campaigns.get_mut(id) {
                    campaign.status = status;
                }
                self.changed.statuses.insert(id.clone(), status);
                if status != CampaignStatus::Active {
                    self.changed.stop = Some(position);
                }
            }
            Event::CampaignChangeAdopted(change) => {
                let id = &change.subject;
                if let Some(campaign) = self.campaigns.get_mut(id) {
                    campaign.allowed_hosts.clone_from(&change.allowed_hosts);
                    campaign.fallback_url.clone_from(&change.fallback_url);
                    campaign.starts_at = change.starts_at;
                    campaign.ends_at = change.ends_at;
                    campaign.trusts_redirects = change.trusts_redirects == Some(true);
                }
                let row = change.record.clone();
                self.changed.changes.insert(id.clone(), row);
                // Links may lead nowhere until it starts, and what redirects say may count no more.
                self.changed.stop = Some(position);
            }
            Event::EnrollmentEndAdopted(ended) => {
                let (id, status) = (&ended.subject, ended.status);
                self.enrollments.insert(id.clone(), status);
                self.changed.ended.insert(id.clone(), status);
                self.changed.stop = Some(position);
            }
            Event::PartnerStatusAdopted(adopted) => self.put_ban(adopted, position),
            Event::ApiKeyAdopted(adopted) => self.put_api_key(adopted, position),
            Event::GroupAdopted(group) => self.put_group(group, position),
            Event::PartnerMoveAdopted(moved) => self.put_member(moved, position),
            Event::LinkCreated(created) => {
                self.count_link(&created.campaign_id, &created.partner_id);
                let link = Link::created(&created.record, time, position);
                self.put_link(&created.subject, link);
            }
            Event::LinkChanged(changed) => {
                let code = &changed.subject;
                // A row that is there keeps its own position, whether it was loaded or not.
                let before = self.links.get(code).map(|link| link.position);
                let link = Link::after(&changed.record, before.unwrap_or(position));
                self.put_link(code, link);
                self.changed.stop = Some(position);
            }
            // Whose clicks were stands beside the fold: see `bind`.
            // So does who was erased: see `erase`.
            // An answer is in no table.
            Event::ClickBound(_) | Event::VisitorErased(_) | Event::LinkAnswered(_) => {}
            Event::Recorded(event) => self.changed.events.push(NewEvent {
                id: recorded.id,
                event: event.clone(),
                recorded_at: time,
                position,
            }),
            Event::Attributed(_)
            | Event::Unattributed(_)
            | Event::Refunded(_)
            | Event::RefundNoted(_)
            | Event::DuplicateIgnored(_) => self.evolve_orders(recorded.event, recorded),
            Event::Claimed(_)
            | Event::ClaimSettled(_)
            | Event::ClaimAccepted(_)
            | Event::ClaimDeclined(_) => {
                let event = recorded.event;
                let changed = self.claims.evolve(event, recorded.id, time, position);
                self.changed.claims.extend(changed);
            }
        }
    }

    fn put_api_key(&mut self, adopted: &About<ApiKeyAdoptedV1>, position: i64) {
        let row = (adopted.clone(), position);
        self.changed.api_keys.insert(adopted.subject.clone(), row);
        self.changed.api_key_change = Some(position);
    }

    fn put_enrollment(&mut self, enrollment: &About<EnrollmentAdoptedV1>, position: i64) {
        let id = &enrollment.subject;
        let status = enrollment.status.unwrap_or(EnrollmentStatus::Enrolled);
        self.enrollments.insert(id.clone(), status);
        let changed = &mut self.changed;
        changed.ended.remove(id);
        let mut row = (enrollment.clone(), position);
        if status == EnrollmentStatus::Applied {
            // As where it was saved: who applies again has accepted what it accepted before, and when it did.
            if let Some((first, at)) = changed.applications.get(id) {
                row.0.record.terms_version = first.terms_version;
                row.1 = *at;
            }
            changed.applications.insert(id.clone(), row);
        } else {
            changed.applications.remove(id);
            changed.enrollments.insert(id.clone(), row);
        }
    }

    fn put_ban(&mut self, adopted: &About<PartnerStatusAdoptedV1>, position: i64) {
        let ban = &adopted.subject;
        if adopted.status == PartnerStatus::Banned {
            self.bans.0.insert(ban.clone());
            self.changed.stop = Some(position);
        } else {
            self.bans.0.remove(ban);
        }
        let row = (adopted.clone(), position);
        self.changed.bans.insert(ban.clone(), row);
    }

    fn put_group(&mut self, group: &About<GroupAdoptedV1>, position: i64) {
        let id = &group.subject;
        if group.status == GroupStatus::Active {
            self.groups.limits.insert(id.clone(), group.link_limit);
        } else {
            self.groups.limits.remove(id);
        }
        let row = (group.clone(), position);
        self.changed.groups.insert(id.clone(), row);
    }

    fn put_member(&mut self, moved: &About<PartnerMoveAdoptedV1>, position: i64) {
        let (id, group) = (&moved.subject, moved.group_id.clone());
        self.groups.members.insert(id.clone(), group);
        let row = (moved.clone(), position);
        self.changed.memberships.insert(id.clone(), row);
    }

    /// The partner has one link more in campaigns of this one's brand.
    fn count_link(&mut self, campaign: &CampaignId, partner: &PartnerId) {
        if let Some(campaign) = self.campaigns.get(campaign) {
            let of_both = (campaign.brand.clone(), partner.clone());
            *self.groups.links.entry(of_both).or_default() += 1;
        }
    }

    fn put_link(&mut self, code: &LinkCode, link: Link) {
        self.links.insert(code.clone(), link);
        self.changed.links.insert(code.clone());
    }

    /// Where a partner stands with a campaign, if that is known.
    pub fn enrollment(
        &self,
        campaign: &CampaignId,
        partner: &PartnerId,
    ) -> Option<EnrollmentStatus> {
        let id = EnrollmentId::of(campaign, partner);
        self.enrollments.get(&id).copied()
    }

    fn evolve_orders(&mut self, event: &Event, recorded: &Recorded<'_, Event>) {
        let alias = match event {
            Event::Attributed(event) => event.alias_id.as_ref(),
            Event::DuplicateIgnored(event) => {
                event.first_conversion_id.as_ref().map(|_| &event.subject)
            }
            _ => None,
        };
        self.changed.aliases.extend(alias.cloned());
        let changed = self
            .orders
            .evolve(event, recorded.id, recorded.time, recorded.position);
        self.changed.conversions.extend(changed);
    }

    /// The click of which a command says whose it was. Of a visitor who is being erased with it there is none: the erasure would make it
    /// nobody's again.
    pub fn click_of(&self, command: Uuid, click: &ClickId) -> Option<&Click> {
        let click = self.clicks.get(click);
        click.filter(|_| !self.of_erased.contains(&command))
    }

    /// Keeps whose a click was, for what is decided next, too.
    pub fn bind(&mut self, event: &Event) {
        let Event::ClickBound(bound) = event else {
            return;
        };
        let user = UserHash::parse(&bound.user_hash);
        let Some((click, user)) = self.clicks.get_mut(&bound.subject).zip(user) else {
            return;
        };
        if click.visitor.replace(user).is_some() {
            return; // it was known
        }
        let candidate = &click.candidate;
        for lookup in &self.lookups {
            let known = self.candidates.get(&lookup.report);
            let is_later = || known.is_none_or(|known| lookup.rank(known) < lookup.rank(candidate));
            if lookup.user.is(user) && lookup.may_mean(candidate) && is_later() {
                self.candidates.insert(lookup.report, candidate.clone());
            }
        }
        self.changed.bound.push((candidate.clone(), user));
    }

    /// Forgets a visitor of a brand, for what is decided next, too.
    pub fn erase(&mut self, message: &Message, events: &[Event]) {
        let erased = events.iter().find_map(|event| match event {
            Event::VisitorErased(erased) => Some(&erased.brand_id),
            _ => None,
        });
        let read = erased.map(|_| messages::read(message, message.header.time));
        let (Some(brand), Some(Ok(Read::Erasure(command)))) = (erased, read) else {
            return;
        };
        for lookup in &self.lookups {
            let is_brands = |click: &Candidate| click.brand == *brand;
            let found = self.candidates.get(&lookup.report).is_some_and(is_brands);
            if found && lookup.user.hashes().any(|hash| command.visitor.is(hash)) {
                if lookup.click.is_none() {
                    self.candidates.remove(&lookup.report);
                }
                self.of_erased.insert(lookup.report);
            }
        }
        self.changed.erased.push((brand.clone(), command.visitor));
    }

    /// Keeps what a client noted beside a report that was handled, and whose it is.
    pub fn note(&mut self, message: &Message, events: &[Event]) {
        let Body::RecordEventV1(body) = &message.body else {
            return;
        };
        let Ok(conversion) = Uuid::parse_str(&message.header.subject) else {
            return;
        };
        if body.metadata.is_some() || body.product_id.is_some() {
            let report = match messages::read(message, message.header.time) {
                Ok(Read::Report(report)) => Some(report),
                _ => None,
            };
            let brand = events.iter().find_map(brand_of).cloned();
            let shop = messages::access(message.header.actor.as_ref());
            let shop = shop.shop().cloned();
            self.changed.notes.push(Note {
                command: message.header.id,
                conversion,
                product_id: body.product_id.clone(),
                metadata: body.metadata.clone(),
                user: report.as_ref().map(|report| report.user.hash),
                brand: brand.or(shop),
            });
        }
    }

    /// Saves what changed.
    pub async fn save(self, tx: &mut WriteTx) -> Result<(), sqlx::Error> {
        let now = tx.now();
        let connection = tx.connection();
        let conversions = self.conversion_rows()?;
        let aliases = self.alias_rows()?;
        let claimed = self.claim_rows()?;
        let links: Vec<_> = {
            let changed = self.changed.links.iter();
            changed
                .filter_map(|code| self.links.get_key_value(code))
                .collect()
        };
        let known = self.campaigns;
        let campaigns: Vec<_> = self
            .changed
            .campaigns
            .into_iter()
            .filter_map(|(id, position)| known.get(&id).cloned().map(|known| (id, known, position)))
            .collect();
        let changes: Vec<_> = self.changed.changes.into_iter().collect();
        let statuses: Vec<_> = self.changed.statuses.into_iter().collect();
        let ended: Vec<_> = self.changed.ended.into_iter().collect();
        let bans: Vec<_> = self.changed.bans.into_values().collect();
        let groups: Vec<_> = self.changed.groups.into_values().collect();
        let memberships: Vec<_> = self.changed.memberships.into_values().collect();
        let terms: Vec<_> = self.changed.terms.into_values().collect();
        let enrollments: Vec<_> = self.changed.enrollments.into_values().collect();
        let applications: Vec<_> = self.changed.applications.into_values().collect();
        campaigns::save(connection, &campaigns).await?;
        campaigns::save_changes(connection, &changes).await?;
        campaigns::save_statuses(connection, &statuses).await?;
        campaigns::save_terms(connection, &terms).await?;
        campaigns::save_enrollments(connection, &enrollments).await?;
        campaigns::save_enrollments(connection, &applications).await?;
        campaigns::end_enrollments(connection, &ended).await?;
        bans::save(connection, &bans).await?;
        let keys: Vec<_> = self.changed.api_keys.into_values().collect();
        api_keys::save(connection, &keys).await?;
        if let Some(position) = self.changed.api_key_change {
            runtime::api_keys_changed(connection, position).await?;
        }
        groups::save(connection, &groups).await?;
        groups::save_members(connection, &memberships).await?;
        if let Some(position) = self.changed.stop {
            links::save_stop(connection, position).await?;
        }
        links::save(connection, &links).await?;
        conversions::save(connection, &conversions, &self.stored).await?;
        conversions::save_aliases(connection, &aliases).await?;
        claims::save(connection, &claimed).await?;
        tracking_events::save(connection, &self.changed.events).await?;
        clicks::bind(connection, &self.changed.bound).await?;
        notes::save(connection, &self.changed.notes, now).await?;
        // Last: what was noted of them in this batch goes, too.
        erasures::begin(connection, &self.changed.erased, now).await
    }

    fn conversion_rows(&self) -> Result<Vec<ConversionRow>, sqlx::Error> {
        let changed = self.changed.conversions.iter();
        changed
            .filter_map(|id| Some((id, self.orders.conversions.get(id)?)))
            .map(|(id, conversion)| ConversionRow::of(id, conversion))
            .collect()
    }

    fn claim_rows(&self) -> Result<Vec<ClaimRow>, sqlx::Error> {
        let changed = self.changed.claims.iter();
        changed
            .filter_map(|id| Some((id, self.claims.0.get(id)?)))
            .map(|(id, claim)| ClaimRow::of(id, claim))
            .collect()
    }

    fn alias_rows(&self) -> Result<Vec<(Uuid, Uuid)>, sqlx::Error> {
        let changed = self.changed.aliases.iter();
        changed
            .filter_map(|alias| Some((alias, self.orders.aliases.get(alias)?)))
            .map(|(alias, conversion)| Ok((uuid(alias)?, uuid(conversion)?)))
            .collect()
    }
}

/// What is to be looked up for a batch.
#[derive(Default)]
struct Wanted {
    campaigns: HashSet<String>,
    enrollments: HashSet<String>,
    links: HashSet<String>,
    /// Whose links are wanted or change.
    partners: HashSet<String>,
    /// Who wants a new link, and in which campaign.
    makers: HashSet<(CampaignId, PartnerId)>,
    conversions: HashSet<Uuid>,
    claims: HashSet<String>,
    lookups: Vec<Lookup>,
    reports: Vec<(Uuid, Report, Access)>,
    /// Commands that say whose a click was, and whose that is.
    bindings: Vec<(Uuid, Visitor)>,
    /// Whether visitors are erased.
    erases: bool,
    /// The highest limit of groups that change in this batch, where some do or partners are moved.
    changing_limits: Option<i32>,
    /// Groups that partners are moved into in this batch.
    moved_into: Vec<GroupId>,
    /// Campaigns that become known in this batch.
    adopted: HashMap<CampaignId, BrandId>,
}

impl Wanted {
    fn add(&mut self, message: &Message, now: Micros) {
        match &message.body {
            Body::CreateLinkV1(_) | Body::RecordEventV1(_) | Body::BindClickV1(_) => {
                match messages::read(message, now) {
                    Ok(Read::Link(link)) => {
                        self.around(&link.campaign, &link.partner);
                        self.makers.insert((link.campaign, link.partner));
                        self.links.insert(link.code.into_string());
                    }
                    Ok(Read::Report(report)) => self.add_report(&message.header, report, now),
                    Ok(Read::Binding(binding)) => {
                        let report = message.header.id;
                        self.bindings.push((report, binding.visitor.clone()));
                        self.lookups.push(Lookup {
                            report,
                            user: binding.visitor,
                            campaign: None,
                            brand: None,
                            click: Some(binding.click),
                            at: now,
                            clicked_by: now,
                        });
                    }
                    Ok(
                        Read::ChangedLink(_)
                        | Read::Erasure(_)
                        | Read::Claim(_)
                        | Read::Requested(_)
                        | Read::Fact(_),
                    )
                    | Err(_) => {}
                }
            }
            Body::WorkflowStepRequestedV1(it) if it.step == WorkflowStep::Link => {
                let code = LinkCode::of_onboarding(&it.campaign_id, &it.partner_id);
                self.around(&it.campaign_id, &it.partner_id);
                let maker = (it.campaign_id.clone(), it.partner_id.clone());
                self.makers.insert(maker);
                self.links.insert(code.into_string());
            }
            Body::EraseVisitorV1(_) => self.erases = true,
            Body::GroupCreatedV1(it) => self.limit_changes(it.link_limit),
            Body::GroupChangedV1(it) => self.limit_changes(it.link_limit),
            Body::GroupAdoptedV1(it) => self.limit_changes(it.link_limit),
            Body::PartnerMovedV1(it) => self.move_into(&it.group_id),
            Body::PartnerMoveAdoptedV1(it) => self.move_into(&it.group_id),
            Body::ChangeLinkV1(_) => {
                self.links.insert(message.header.subject.clone());
            }
            Body::AcceptClaimV1(_)
            | Body::DeclineClaimV1(_)
            | Body::ConversionClaimedV1(_)
            | Body::ClaimSettledV1(_)
            | Body::ClaimAcceptedV1(_)
            | Body::ClaimDeclinedV1(_) => {
                self.claims.insert(message.header.subject.clone());
            }
            Body::CampaignActivatedV1(_) => {
                if let Ok(Read::Fact(Event::CampaignAdopted(campaign))) =
                    messages::read(message, now)
                {
                    let brand = campaign.record.brand_id;
                    self.adopted.insert(campaign.subject, brand);
                }
            }
            // Own events, on replay, and facts: what they change.
            _ => {
                self.conversions
                    .extend(Uuid::parse_str(&message.header.subject));
            }
        }
    }

    fn limit_changes(&mut self, limit: Option<i32>) {
        self.changing_limits = self.changing_limits.max(Some(limit.unwrap_or_default()));
    }

    fn move_into(&mut self, group: &GroupId) {
        self.limit_changes(None);
        self.moved_into.push(group.clone());
    }

    /// What a link of this partner in this campaign is decided by.
    fn around(&mut self, campaign: &CampaignId, partner: &PartnerId) {
        let enrollment = EnrollmentId::of(campaign, partner);
        self.campaigns.insert(campaign.to_string());
        self.enrollments.insert(enrollment.into_string());
        self.partners.insert(partner.to_string());
    }

    fn add_report(&mut self, header: &Header, report: Report, now: Micros) {
        let access = messages::access(header.actor.as_ref());
        self.campaigns
            .extend(report.campaign.as_ref().map(ToString::to_string));
        let decides = !matches!(report.event_type, EventType::Other(_));
        // No click is needed to find what one of these is of.
        let says_of_what = report.campaign.is_some() || report.names_conversion;
        let is_found = report.event_type == EventType::Refund && says_of_what;
        if (decides && !is_found) || report.click.is_some() {
            self.lookups.push(Lookup {
                report: header.id,
                user: report.user.clone(),
                campaign: report.campaign.clone(),
                brand: access.shop().cloned(),
                click: report.click.clone(),
                at: report.happened_at(now),
                clicked_by: report.clicked_by(now),
            });
        }
        if decides {
            self.reports.push((header.id, report, access));
        }
    }
}

fn strs(texts: &HashSet<String>) -> Vec<&str> {
    texts.iter().map(String::as_str).collect()
}

/// Whose business a report was, as far as what became of it says.
fn brand_of(event: &Event) -> Option<&BrandId> {
    match event {
        Event::Attributed(attributed) => Some(&attributed.brand_id),
        Event::Refunded(refunded) => refunded.brand_id.as_ref(),
        Event::DuplicateIgnored(repeated) => repeated.brand_id.as_ref(),
        Event::Claimed(claimed) => Some(&claimed.sale.brand_id),
        Event::ClaimSettled(settled) => Some(&settled.sale.brand_id),
        _ => None,
    }
}
