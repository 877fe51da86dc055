//! Links: who gets one, and who changes what of it.

use std::collections::{HashMap, HashSet};

use schemas::{About, LinkChangedV1, LinkCreatedV1, Utm};
use types::{
    BanId, BrandId, CampaignId, CampaignStatus, DisabledBy, EnrollmentId, EnrollmentStatus,
    GroupId, LinkCode, LinkStatus, MembershipId, Micros, PartnerId,
};

use super::{Access, ChangeLink, Code, CreateLink, Event, Rejection, TargetUrl};

/// What links use of a campaign.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Campaign {
    /// Who owns it.
    pub brand: BrandId,
    /// Where its links may lead: hosts in lower case.
    pub allowed_hosts: Vec<String>,
    /// Where visitors of its links go while these lead nowhere else; `None`: the first of its hosts.
    pub fallback_url: Option<String>,
    /// From when its links lead to their targets; `None`: at once.
    pub starts_at: Option<Micros>,
    /// When they no longer do; `None`: never.
    pub ends_at: Option<Micros>,
    /// Whether the visitor that a redirect names is believed.
    pub trusts_redirects: bool,
    /// Whether its links lead to their targets.
    pub status: CampaignStatus,
}

/// A link.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Link {
    /// The campaign that it works for.
    pub campaign: CampaignId,
    /// Whose visitors.
    pub partner: PartnerId,
    /// Where it leads.
    pub target_url: String,
    /// What it adds to the target's query.
    pub utm: Option<Utm>,
    /// Whether a path behind its code names a page below the target.
    pub deep_paths: bool,
    /// Who disabled it; `None`: it is active.
    pub disabled_by: Option<DisabledBy>,
    /// When it was made.
    pub created_at: Micros,
    /// The position of the event that made it.
    pub position: i64,
}

impl Link {
    /// As it was made.
    pub fn created(event: &LinkCreatedV1, time: Micros, position: i64) -> Self {
        Self {
            campaign: event.campaign_id.clone(),
            partner: event.partner_id.clone(),
            target_url: event.target_url.clone(),
            utm: event.utm.clone(),
            deep_paths: event.deep_paths.unwrap_or_default(),
            disabled_by: None,
            created_at: time,
            position,
        }
    }

    /// As it is from this event on; where it was made at this position.
    pub fn after(event: &LinkChangedV1, position: i64) -> Self {
        Self {
            campaign: event.campaign_id.clone(),
            partner: event.partner_id.clone(),
            target_url: event.target_url.clone(),
            utm: event.utm.clone(),
            deep_paths: event.deep_paths.unwrap_or_default(),
            disabled_by: event.disabled_by,
            created_at: event.created_at,
            position,
        }
    }

    /// Whether it leads to its target, while its campaign and its partner may.
    pub fn status(&self) -> LinkStatus {
        match self.disabled_by {
            Some(_) => LinkStatus::Disabled,
            None => LinkStatus::Active,
        }
    }

    /// Takes what the command says of where it leads.
    fn lead_as(&mut self, command: &ChangeLink) {
        if let Some(target) = &command.target {
            self.target_url.clone_from(&target.url);
        }
        if let Some(utm) = &command.utm {
            self.utm = Some(utm.clone()).filter(|utm| *utm != Utm::default());
        }
        if let Some(deep_paths) = command.deep_paths {
            self.deep_paths = deep_paths;
        }
    }

    /// That it is so from now on.
    fn changed(self, code: LinkCode, brand: &BrandId) -> Event {
        let status = self.status();
        let changed = LinkChangedV1 {
            campaign_id: self.campaign,
            partner_id: self.partner,
            target_url: self.target_url,
            status,
            disabled_by: self.disabled_by,
            created_at: self.created_at,
            utm: self.utm,
            deep_paths: Some(self.deep_paths),
            brand_id: Some(brand.clone()),
        };
        About::of(code, changed).into()
    }
}

/// The bans in force of who wants a link.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Bans(pub HashSet<BanId>);

impl Bans {
    /// Whether this brand, or an operator, has banned the partner.
    fn keep_out(&self, partner: &PartnerId, brand: &BrandId) -> bool {
        let by = |brand| self.0.contains(&BanId::of(brand, partner));
        by(Some(brand)) || by(None)
    }
}

/// How many links partners may have in the campaigns of a brand, and how many they have.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Groups {
    /// Of each group that these partners may be in; `None`: no limit.
    pub limits: HashMap<GroupId, Option<i32>>,
    /// To which group each partner was moved.
    pub members: HashMap<MembershipId, GroupId>,
    /// How many links there are of each partner, in all campaigns of a brand: counted where there is a limit, and up to it.
    pub links: HashMap<(BrandId, PartnerId), i64>,
}

impl Groups {
    /// How many links the partner may have in campaigns of the brand. Who was moved to no group, or to one that is archived, is in the
    /// default group.
    pub fn limit(&self, partner: &PartnerId, brand: &BrandId) -> Option<i32> {
        let moved = self.members.get(&MembershipId::of(brand, partner));
        let limit = moved
            .and_then(|group| self.limits.get(group))
            .or_else(|| self.limits.get(&GroupId::default_of(brand)));
        limit.copied().flatten()
    }

    /// An error where the partner has as many links in campaigns of the brand as its group may have.
    fn leave_room(&self, partner: &PartnerId, brand: &BrandId) -> Result<(), Rejection> {
        let Some(limit) = self.limit(partner, brand) else {
            return Ok(());
        };
        let of_both = (brand.clone(), partner.clone());
        if self.links.get(&of_both).copied().unwrap_or(0) < i64::from(limit) {
            return Ok(());
        }
        let detail =
            format!("the partner's group has at most {limit} links in the brand's campaigns");
        Err(Rejection::new(Code::LinkLimitReached, detail))
    }
}

/// What asking for a link comes to, where nothing is against it.
#[derive(Clone, Debug, PartialEq, Eq)]
#[expect(
    clippy::large_enum_variant,
    reason = "it is taken apart where it is made"
)]
pub enum LinkDecision {
    /// The link exists.
    Created(About<LinkCreatedV1>),
    /// The campaign may become known soon.
    WaitForCampaign,
    /// The enrollment may become known soon.
    WaitForEnrollment(EnrollmentId),
}

/// Decides whether a partner gets a link. What is not known yet may be on its way from campaign, by another transport than
/// the command's.
pub fn create_link(
    command: &CreateLink,
    taken: bool,
    campaign: Option<&Campaign>,
    enrollment: Option<EnrollmentStatus>,
    (bans, groups): (&Bans, &Groups),
    access: &Access,
) -> Result<LinkDecision, Rejection> {
    if !access.is_partner(&command.partner) {
        let detail = "this partner is not enrolled in the campaign";
        return Err(Rejection::of("/partner_id", Code::NotEnrolled, detail));
    }
    if taken {
        let detail = "a link with this code exists";
        return Err(Rejection::of("/code", Code::LinkExists, detail));
    }
    let Some(campaign) = campaign else {
        return Ok(LinkDecision::WaitForCampaign);
    };
    campaign.takes_links_of(&command.partner, bans)?;
    campaign.allows(&command.target)?;
    let Some(enrollment) = enrollment else {
        let enrollment = EnrollmentId::of(&command.campaign, &command.partner);
        return Ok(LinkDecision::WaitForEnrollment(enrollment));
    };
    is_in(enrollment)?;
    groups.leave_room(&command.partner, &campaign.brand)?;
    let created = LinkCreatedV1 {
        campaign_id: command.campaign.clone(),
        partner_id: command.partner.clone(),
        target_url: command.target.url.clone(),
        utm: command.utm.clone(),
        deep_paths: Some(command.deep_paths),
        brand_id: Some(campaign.brand.clone()),
    };
    let created = About::of(command.code.clone(), created);
    Ok(LinkDecision::Created(created))
}

/// Decides what becomes of a link. Where it leads is its partner's to say. Its brand and operators may disable it, too, and
/// whoever stands behind them in [`DisabledBy`] enables it no more. To lead anywhere anew it needs what a new link needs.
pub fn change_link(
    command: &ChangeLink,
    link: Option<&Link>,
    campaign: Option<&Campaign>,
    enrollment: Option<EnrollmentStatus>,
    bans: &Bans,
    access: &Access,
) -> Result<Event, Rejection> {
    let known = link.zip(campaign).zip(enrollment);
    let own = known.filter(|((link, campaign), _)| access.covers(&link.partner, &campaign.brand));
    let unknown = || Rejection::new(Code::LinkUnknown, "there is no such link");
    let ((link, campaign), enrollment) = own.ok_or_else(unknown)?;
    let mut after = link.clone();
    after.lead_as(command);
    let leads_elsewhere = after != *link;
    if leads_elsewhere && !access.is_partner(&link.partner) {
        let detail = "where a link leads is for its partner to change";
        return Err(Rejection::new(Code::TargetNotPermitted, detail));
    }
    // A target that stays was allowed when the link came to lead there, and the campaign's hosts may have changed since.
    let moved = after.target_url != link.target_url;
    if let Some(target) = command.target.as_ref().filter(|_| moved) {
        campaign.allows(target)?;
    }
    let by = Some(access.disables_as(&campaign.brand));
    after.disabled_by = match command.status {
        None => link.disabled_by,
        Some(LinkStatus::Disabled) => link.disabled_by.max(by),
        Some(LinkStatus::Active) if link.disabled_by > by => {
            let detail = "the link was disabled by the brand, or an operator";
            return Err(Rejection::of("/status", Code::LinkDisabled, detail));
        }
        Some(LinkStatus::Active) => None,
    };
    if after == *link {
        let detail = format!("the link leads there, and is {}", link.status().name());
        return Err(Rejection::new(Code::LinkUnchanged, detail));
    }
    let enabled = after.disabled_by.is_none() && link.disabled_by.is_some();
    if enabled || leads_elsewhere {
        campaign.takes_links_of(&link.partner, bans)?;
        is_in(enrollment)?;
    }
    Ok(after.changed(command.code.clone(), &campaign.brand))
}

impl Campaign {
    /// Whether links of this partner may lead anywhere, or will when the campaign goes on.
    fn takes_links_of(&self, partner: &PartnerId, bans: &Bans) -> Result<(), Rejection> {
        if self.status == CampaignStatus::Closed {
            let detail = "the campaign has ended for good";
            return Err(Rejection::of("/campaign_id", Code::CampaignClosed, detail));
        }
        if bans.keep_out(partner, &self.brand) {
            let detail = "the campaign's brand, or an operator, has banned this partner";
            return Err(Rejection::of("/partner_id", Code::PartnerBanned, detail));
        }
        Ok(())
    }

    /// Whether its links may lead there.
    fn allows(&self, target: &TargetUrl) -> Result<(), Rejection> {
        if self.allowed_hosts.contains(&target.host) {
            return Ok(());
        }
        let hosts = self.allowed_hosts.join(", ");
        let detail = format!("links of this campaign may lead to {hosts}");
        Err(Rejection::of("/target_url", Code::HostNotAllowed, detail))
    }
}

/// Whether a partner that stands so with a campaign may have links there.
fn is_in(enrollment: EnrollmentStatus) -> Result<(), Rejection> {
    if enrollment == EnrollmentStatus::Enrolled {
        return Ok(());
    }
    let detail = format!("this partner is not in the campaign: {}", enrollment.name());
    Err(Rejection::of("/partner_id", Code::NotEnrolled, detail))
}
