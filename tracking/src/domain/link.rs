//! Links.

use std::collections::HashSet;

use schemas::{About, LinkCreatedV1};
use types::{BanId, BrandId, CampaignStatus, EnrollmentId, EnrollmentStatus, Micros, PartnerId};

use super::{Access, Code, CreateLink, Event, Rejection};

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
    /// Whether its links lead to their targets.
    pub status: CampaignStatus,
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

/// What asking for a link comes to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum LinkDecision {
    /// The link exists.
    Created(Event),
    /// It cannot be.
    Rejected(Rejection),
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
    bans: &Bans,
    access: &Access,
) -> LinkDecision {
    let refused = |rejection| LinkDecision::Rejected(rejection);
    if !access.is_partner(&command.partner) {
        return refused(Rejection::of(
            "/partner_id",
            Code::NotEnrolled,
            "this partner is not enrolled in the campaign",
        ));
    }
    if taken {
        return refused(Rejection::of(
            "/code",
            Code::LinkExists,
            "a link with this code exists",
        ));
    }
    let Some(campaign) = campaign else {
        return LinkDecision::WaitForCampaign;
    };
    if campaign.status == CampaignStatus::Closed {
        let detail = "the campaign has ended for good";
        return refused(Rejection::of("/campaign_id", Code::CampaignClosed, detail));
    }
    if bans.keep_out(&command.partner, &campaign.brand) {
        let detail = "the campaign's brand, or an operator, has banned this partner";
        return refused(Rejection::of("/partner_id", Code::PartnerBanned, detail));
    }
    if !campaign.allowed_hosts.contains(&command.target_host) {
        let detail = format!(
            "links of this campaign may lead to {}",
            campaign.allowed_hosts.join(", ")
        );
        return refused(Rejection::of("/target_url", Code::HostNotAllowed, detail));
    }
    match enrollment {
        Some(EnrollmentStatus::Enrolled) => {}
        Some(status) => {
            let detail = format!("this partner is not in the campaign: {}", status.name());
            return refused(Rejection::of("/partner_id", Code::NotEnrolled, detail));
        }
        None => {
            return LinkDecision::WaitForEnrollment(EnrollmentId::of(
                &command.campaign,
                &command.partner,
            ));
        }
    }
    let created = LinkCreatedV1 {
        campaign_id: command.campaign.clone(),
        partner_id: command.partner.clone(),
        target_url: command.target_url.clone(),
    };
    LinkDecision::Created(About::of(command.code.clone(), created).into())
}
